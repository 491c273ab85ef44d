package kms

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cairn"
	"cairn/aws"
)

// A use is what a call wants of a key, for its authorisation.
type use struct {
	action  string              // without "kms:"; empty for the operation's own
	foreign bool                // keys of other accounts can be named
	aliases bool                // keys can be named by an alias
	context map[string]string   // the encryption context
	keys    map[string][]string // more condition keys
	grants  []string            // the request's grant tokens
}

// A name is a key's, as a request gives it.
type name struct {
	account string
	id      string // empty if alias is set
	alias   string // with "alias/"
}

// A key ID is a UUID; AWS's keys of several regions have "mrk-" and 32 digits,
// which name no key here.
var keyID = regexp.MustCompile(`^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|mrk-[0-9a-fA-F]{32})$`)

// callerAccount is the account that names without one belong to.
func callerAccount(c *aws.Call) string {
	if c.Account() == "" {
		return c.Identity.SourceAccount
	}
	return c.Account()
}

// parse reads a key ID, a key's ARN, an alias or an alias's ARN. Regions are
// walls: an ARN of another one names nothing here.
func (u *use) parse(c *aws.Call, text string) (name, error) {
	n := name{account: callerAccount(c), id: text}
	resource, isARN := "", strings.HasPrefix(text, "arn:")
	if isARN {
		a, err := cairn.ParseARN(text)
		if err != nil || a.Service != "kms" || a.AccountID == "" {
			return n, errInvalidARN(text)
		}
		if a.Region != c.Region || a.Partition != cairn.PartitionOf(c.Region) {
			return n, errNotFound("Invalid arn %s", a.Region)
		}
		n.account, resource = a.AccountID, a.Resource
		id, isKey := strings.CutPrefix(resource, "key/")
		if !isKey && !strings.HasPrefix(resource, "alias/") {
			return n, errInvalidARN(text)
		}
		n.id = id
		if !isKey {
			n.id = resource
		}
	}
	if strings.HasPrefix(n.id, "alias/") {
		switch {
		case u.aliases:
			n.alias, n.id = n.id, ""
			return n, nil
		case isARN:
			return n, errInvalidARN(text)
		}
		return n, errNotFound("Invalid keyId '%s'", text)
	}
	if !keyID.MatchString(n.id) {
		return n, errNotFound("Invalid keyId '%s'", text)
	}
	n.id = strings.ToLower(n.id)
	return n, nil
}

// authorize returns the key that a request names, if its policy and those of the
// caller allow the use.
func (s *Service) authorize(ctx context.Context, c *aws.Call, text string, u use) (*key, error) {
	if len(u.grants) > 0 {
		return nil, errGrantToken()
	}
	n, err := u.parse(c, text)
	if err != nil {
		return nil, err
	}
	own := n.account == callerAccount(c)
	if !own && !u.foreign {
		return nil, errOtherAccount(c)
	}
	k, err := s.find(c, n)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, s.missing(ctx, c, n, u, own)
	}
	return k, s.permit(ctx, c, k, n.alias, u)
}

// find returns the key with a name, nil if there is none.
func (s *Service) find(c *aws.Call, n name) (*key, error) {
	if n.alias == "" {
		return s.load(n.account, c.Region, n.id)
	}
	a, err := s.alias(n.account, c.Region, n.alias)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return s.managedKey(c, n)
	}
	return s.load(n.account, c.Region, a.Target)
}

// missing refuses the use of a key that does not exist. Other accounts are not
// told so: they are refused as for one that they may not use.
func (s *Service) missing(ctx context.Context, c *aws.Call, n name, u use, own bool) error {
	resource := "key/" + n.id
	if n.alias != "" {
		resource = n.alias
	}
	arn := kmsARN(c.Region, n.account, resource)
	if !own {
		err := c.Authorize(ctx, aws.Permission{Action: u.iamAction(c), Resource: arn, Policy: &aws.ResourcePolicy{Account: n.account, MustAllow: true}})
		if err != nil {
			return err
		}
	}
	if n.alias != "" {
		return errNoAlias(arn)
	}
	return errNoKey(arn)
}

// permit asks whether a caller may use a key.
func (s *Service) permit(ctx context.Context, c *aws.Call, k *key, alias string, u use) error {
	keys := make(map[string][]string)
	maps.Copy(keys, u.keys)
	keys["kms:KeySpec"], keys["kms:KeyUsage"] = []string{k.Spec}, []string{k.Usage}
	keys["kms:KeyOrigin"], keys["kms:MultiRegion"] = []string{"AWS_KMS"}, []string{"false"}
	if alias != "" {
		keys["kms:RequestAlias"] = []string{alias}
	}
	aliases, err := s.aliasesOf(k)
	if err != nil {
		return err
	}
	if len(aliases) > 0 {
		keys["kms:ResourceAliases"] = aliases
	}
	for tag, value := range k.Tags {
		keys["aws:ResourceTag/"+tag] = []string{value}
	}
	if len(u.context) > 0 {
		if err := checkContext(u.context); err != nil {
			return err
		}
		keys["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(u.context))
		for member, value := range u.context {
			keys["kms:EncryptionContext:"+member] = []string{value}
		}
	}
	err = c.Authorize(ctx, aws.Permission{Action: u.iamAction(c), Resource: k.arn(), Keys: keys, Policy: k.resourcePolicy()})
	if err != nil {
		return err
	}
	if k.account != callerAccount(c) {
		c.SharedWith = k.account
	}
	return nil
}

func (u *use) iamAction(c *aws.Call) string {
	if u.action == "" {
		return "kms:" + c.Operation
	}
	return "kms:" + u.action
}

func (k *key) resourcePolicy() *aws.ResourcePolicy {
	return &aws.ResourcePolicy{Account: k.account, Document: k.Policy, MustAllow: true, Trusted: k.Trusted}
}

// authorizeAll asks for an action that is not about one key.
func authorizeAll(ctx context.Context, c *aws.Call, keys map[string][]string) error {
	return c.Authorize(ctx, aws.Permission{Action: "kms:" + c.Operation, Resource: "*", Keys: keys})
}

// maxContextBytes bounds the names and values of an encryption context together.
const maxContextBytes = 8192

// checkContext refuses contexts that conditions could not tell from others:
// condition keys do not know the case of letters, encryption contexts do.
func checkContext(context map[string]string) error {
	size, seen := 0, make(map[string]bool, len(context))
	for member, value := range context {
		size += len(member) + len(value)
		lower := strings.ToLower(member)
		switch {
		case member == "":
			return errValidation("An encryption context must not have an empty key.")
		case seen[lower]:
			return errValidation("The keys of an encryption context must differ in more than the case of letters.")
		}
		seen[lower] = true
	}
	if size > maxContextBytes {
		return errValidation("An encryption context has %d bytes at most.", maxContextBytes)
	}
	return nil
}
