package gateway

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"cairn"
	"cairn/aws"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// everyKey stands for all access keys that nothing else is known of.
const everyKey = "*"

// mapped is an entry of the mapping file, docs/format/identities.md.
type mapped struct {
	kind      string // of the identity
	account   string // empty: that of the route
	partition string // empty: that of the region
	path      string
	name      string // of the user, role or federated user
	session   string // of a role
	id        string // principal ID as the file has it
}

// identity returns who it is on a route.
func (e *mapped) identity(account, region string) aws.Identity {
	account = cmp.Or(e.account, account)
	partition := e.partition
	if partition == "" {
		partition = cairn.PartitionOf(region)
	}
	switch e.kind {
	case "Root":
		return rootIdentity(partition, account)
	case "IAMUser":
		return userIdentity(partition, account, e.path, e.name, e.id)
	case "AssumedRole":
		role, _, _ := strings.Cut(e.id, ":")
		return roleSession(partition, account, "", e.name, role, e.session)
	case "FederatedUser":
		return federatedUser(partition, account, e.name)
	}
	return aws.Identity{Type: e.kind, PrincipalID: e.id, AccountID: account, UserName: e.name}
}

// mappingFile is the file.
type mappingFile struct {
	Identities []mappingEntry `yaml:"identities"`
}

// mappingEntry is an entry as it stands in the file.
type mappingEntry struct {
	mappingMembers
	line, column int
}

type mappingMembers struct {
	AccessKeyID  string   `yaml:"accessKeyId"`
	AccessKeyIDs []string `yaml:"accessKeyIds"`
	AccountID    string   `yaml:"accountId"`
	Type         string   `yaml:"type"`
	UserName     string   `yaml:"userName"`
	ARN          string   `yaml:"arn"`
	PrincipalID  string   `yaml:"principalId"`
}

// UnmarshalYAML keeps the place of the entry, for messages.
func (e *mappingEntry) UnmarshalYAML(node ast.Node) error {
	t := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken() // its own token may be a colon
	}
	if t != nil && t.Position != nil {
		e.line, e.column = t.Position.Line, t.Position.Column
	}
	return yaml.NodeToValue(node, &e.mappingMembers, yaml.Strict())
}

// secretMember finds members that hold secrets. They are looked for in the text, so that no
// message can quote what stands beside them.
var secretMember = regexp.MustCompile(`(?i)([\w.-]*(?:secret|passw|token|private)[\w.-]*)["']?[ \t]*:(?:[ \t"']|$)`)

// secretKey is the form of AWS's secret access keys, which people take for the IDs.
// secretText finds what could be one in a line, which no message then quotes.
var (
	secretKey  = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)
	secretText = regexp.MustCompile(`[A-Za-z0-9/+]{40}`)
)

// A mappingError is what is wrong with the file, and where. Its text begins with
// the line's number.
type mappingError struct {
	line, column int
	what         string
	source       string // the line; empty where it must not be shown
}

func (e *mappingError) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.line, e.column, e.what)
	if e.source == "" {
		return s
	}
	// The caret stands below the column, tabs kept so that both lines move alike.
	indent := []rune(e.source)
	indent = indent[:min(len(indent), e.column-1)]
	for i, r := range indent {
		if r != '\t' {
			indent[i] = ' '
		}
	}
	return s + "\n    " + e.source + "\n    " + string(indent) + "^"
}

// parseMapping reads the file's text.
func parseMapping(text []byte) (map[string]*mapped, error) {
	if err := findSecrets(text); err != nil {
		return nil, err
	}
	keys := make(map[string]*mapped)
	for _, part := range sections(text) {
		var file mappingFile
		if err := yaml.UnmarshalWithOptions(part.text, &file, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
			return nil, yamlError(text, part.before, err)
		}
		for i := range file.Identities {
			e := &file.Identities[i]
			m, err := e.derive()
			if err == nil {
				err = e.addTo(keys, m)
			}
			if err != nil {
				return nil, at(text, part.before+e.line, e.column, err.Error())
			}
		}
	}
	return keys, nil
}

// A section is a part of the file that can be read as a file of its own.
type section struct {
	text   []byte
	before int // what is to be added to its line numbers
}

const (
	listHead     = "identities:"
	sectionBytes = 64 << 10
)

// sections cuts a large file between entries, because the YAML of 100,000 of them takes
// hundreds of megabytes to be read at once. It must begin with "identities:" in a line of
// its own then, and each entry with a dash; any other form is read at once.
func sections(text []byte) (parts []section) {
	var dash []byte // what entries begin with: an indentation and a dash
	start, first, n, offset := 0, 0, 0, 0
	cut := func(end int) {
		part := section{text: text[start:end], before: first}
		if start > 0 {
			part.text = append([]byte(listHead+"\n"), part.text...)
			part.before--
		}
		parts = append(parts, part)
		start, first = end, n
	}
	listed := false
	for line := range bytes.Lines(text) {
		switch plain := bytes.TrimSpace(line); {
		case len(plain) == 0 || plain[0] == '#':
		case !listed:
			if listed = string(bytes.TrimRight(line, " \r\n")) == listHead; !listed {
				return []section{{text: text}}
			}
		case dash == nil:
			if dash = line[:bytes.IndexByte(line, plain[0])+1]; plain[0] != '-' {
				return []section{{text: text}}
			}
		case offset-start >= sectionBytes && bytes.HasPrefix(line, dash):
			cut(offset)
		}
		offset += len(line)
		n++
	}
	cut(offset)
	return parts
}

// findSecrets refuses a file with members that hold secrets.
func findSecrets(text []byte) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line, _, _ = bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte("#"))
		if m := secretMember.FindSubmatchIndex(line); m != nil {
			return &mappingError{n, utf8.RuneCount(line[:m[2]]) + 1, fmt.Sprintf("%s: the file holds identities, never secrets: take it out", line[m[2]:m[3]]), ""}
		}
	}
	return nil
}

// yamlError says where the text is not what it should be.
func yamlError(text []byte, before int, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return &mappingError{1, 1, "it cannot be read as YAML", ""}
	}
	what := e.GetMessage()
	if strings.HasPrefix(what, "cannot unmarshal") {
		what = "a value of another kind belongs here" // the message names Go's types
	}
	p := e.GetToken().Position
	return at(text, before+p.Line, p.Column, what)
}

// at makes an error for a place in the text.
func at(text []byte, line, column int, what string) error {
	n := 0
	for source := range bytes.Lines(text) {
		if n++; n == line {
			source = bytes.TrimRight(source, "\r\n")
			if secretText.Match(source) {
				source = nil
			}
			return &mappingError{line, max(column, 1), what, strings.ToValidUTF8(string(source[:min(len(source), 200)]), "?")}
		}
	}
	return &mappingError{max(line, 1), max(column, 1), what, ""}
}

// addTo adds the entry under each of its access keys.
func (e *mappingEntry) addTo(keys map[string]*mapped, m *mapped) error {
	ids := e.AccessKeyIDs
	if e.AccessKeyID != "" {
		ids = append([]string{e.AccessKeyID}, ids...)
	}
	if len(ids) == 0 {
		return errors.New("the entry needs accessKeyId or accessKeyIds")
	}
	for _, id := range ids {
		switch {
		case secretKey.MatchString(id):
			return errors.New("an access key ID has the form of a secret access key: take it out")
		case id == "" || word(id) != id:
			return errors.New("an access key ID must have 1 to 128 visible ASCII characters")
		case keys[id] != nil:
			return fmt.Errorf("the access key %s stands twice", id)
		case len(keys) == maxMappedKeys:
			return fmt.Errorf("the file has more than %d access keys", maxMappedKeys)
		}
		keys[id] = m
	}
	return nil
}

// derive completes what the entry says.
func (e *mappingEntry) derive() (*mapped, error) {
	if e.AccountID != "" && !isAccountID(e.AccountID) {
		return nil, errors.New("accountId must have 12 digits; in quotes, if it begins with a 0")
	}
	if e.UserName != "" && !isName(e.UserName) || e.PrincipalID != "" && word(e.PrincipalID) != e.PrincipalID {
		return nil, errors.New("userName and principalId must have 1 to 128 visible ASCII characters")
	}
	m := &mapped{kind: e.Type, account: e.AccountID, name: e.UserName, id: e.PrincipalID}
	if e.ARN != "" {
		if err := e.deriveARN(m); err != nil {
			return nil, err
		}
	}
	if m.kind == "" && m.name != "" {
		m.kind = "IAMUser"
	}
	switch m.kind {
	case "":
		return nil, errors.New("the entry needs userName, arn or type")
	case "Root":
		if m.name != "" {
			return nil, errors.New("a Root identity has no userName")
		}
	case "IAMUser", "FederatedUser":
		if m.name == "" {
			return nil, fmt.Errorf("an identity of type %s needs userName or arn", m.kind)
		}
	case "AssumedRole":
		if m.session == "" {
			return nil, errors.New("an identity of type AssumedRole needs arn: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION")
		}
		if _, session, _ := strings.Cut(m.id, ":"); m.id != "" && session != m.session {
			return nil, errors.New("the principalId of an AssumedRole is ID:SESSION, with the session of its arn")
		}
	case "AWSAccount", "SAMLUser", "WebIdentityUser", "IdentityCenterUser", "Directory", "Unknown":
	default:
		return nil, fmt.Errorf("type %q is none of Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, SAMLUser, WebIdentityUser, IdentityCenterUser, Directory and Unknown", m.kind)
	}
	return m, nil
}

// kinds are the types of identities by the kind of their ARN.
var kinds = map[string]string{"root": "Root", "user": "IAMUser", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}

// deriveARN takes from the ARN what the entry does not say, and refuses what it says
// otherwise.
func (e *mappingEntry) deriveARN(m *mapped) error {
	p, ok := parsePrincipal(e.ARN)
	kind := kinds[p.kind]
	switch {
	case !ok || kind == "":
		return errors.New("arn must be that of an account's root, user, assumed-role or federated-user")
	case p.account != "" && !isAccountID(p.account):
		return errors.New("the account of the arn must have 12 digits")
	case e.AccountID != "" && p.account != e.AccountID:
		return errors.New("accountId and the account of the arn differ")
	case e.Type != "" && e.Type != kind:
		return fmt.Errorf("type is %s, and the arn is that of a %s", e.Type, kind)
	case e.UserName != "" && p.name != e.UserName:
		return errors.New("userName and the name in the arn differ")
	}
	m.kind, m.account, m.partition, m.path, m.name, m.session = kind, p.account, p.partition, p.path, p.name, p.session
	return nil
}
