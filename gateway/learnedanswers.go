package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/catalog"
)

// Learn takes from a successful answer of IAM or STS whose a new access key is, and what
// else it tells of users, roles and their keys. It is durable on return. Secrets are not
// looked at.
//
// It is called for routes whose backend is an authority on who there is: in the route's
// account, and nowhere else. caller is who made the call. A key that is known keeps its
// identity; an answer that says otherwise is a Conflict.
func (s *Identities) Learn(ctx context.Context, x *Exchange, route, account string, caller aws.Identity, at time.Time) (*Conflict, error) {
	if s.learned == nil || x.Model == nil || x.Err != nil || x.Status < 200 || x.Status >= 300 || account == "" {
		return nil, nil
	}
	take := lessons[x.Model.Service.ID+":"+x.Model.Name]
	if take == nil {
		return nil, nil
	}
	l := &lesson{
		ctx: ctx, of: s, x: x, route: route, account: account, caller: caller, at: at.UTC(),
		scope: catalog.Key(route, account), partition: cairn.PartitionOf(x.Region),
		conflict: Conflict{Route: route, Account: account, Operation: x.Model.Name},
	}
	s.learned.writing.Lock()
	defer s.learned.writing.Unlock()
	err := take(l)
	if errors.Is(err, errConflict) {
		return &l.conflict, nil
	}
	if err != nil {
		return nil, fmt.Errorf("learn from the answer of %s: %w", x.Model.Name, err)
	}
	return nil, nil
}

// taught reports whether an answer can teach anything, so that it is decoded though no
// record has it.
func taught(service, operation string) bool { return lessons[service+":"+operation] != nil }

// lessons are what there is to learn, by service and operation.
var lessons = map[string]func(*lesson) error{
	"iam:CreateAccessKey":           (*lesson).createAccessKey,
	"iam:UpdateAccessKey":           (*lesson).updateAccessKey,
	"iam:DeleteAccessKey":           (*lesson).deleteAccessKey,
	"iam:CreateUser":                (*lesson).user,
	"iam:GetUser":                   (*lesson).user,
	"iam:UpdateUser":                (*lesson).updateUser,
	"iam:DeleteUser":                (*lesson).deleteUser,
	"iam:CreateRole":                (*lesson).role,
	"iam:GetRole":                   (*lesson).role,
	"iam:DeleteRole":                (*lesson).deleteRole,
	"sts:AssumeRole":                (*lesson).assumeRole,
	"sts:AssumeRoleWithWebIdentity": (*lesson).assumeRole,
	"sts:AssumeRoleWithSAML":        (*lesson).assumeRole,
	"sts:AssumeRoot":                (*lesson).assumeRoot,
	"sts:GetSessionToken":           (*lesson).sessionToken,
	"sts:GetFederationToken":        (*lesson).federationToken,
}

// errConflict says that the lesson's conflict tells what is wrong.
var errConflict = errors.New("the answer contradicts what is known")

// A lesson is one answer.
type lesson struct {
	ctx       context.Context
	of        *Identities
	x         *Exchange
	route     string
	account   string
	caller    aws.Identity
	at        time.Time
	scope     string
	partition string
	conflict  Conflict
}

func (l *lesson) refuse(reason string) error {
	l.conflict.Reason = reason
	return errConflict
}

// The reasons of conflicts.
const (
	otherAccount  = "the identity lies in another account than the route"
	otherAnswer   = "the answer does not fit the request"
	malformedName = "a name or ID is not one"
)

func (l *lesson) createAccessKey() error {
	answer := asObject(l.x.Output["AccessKey"])
	key, user := text(answer, "AccessKeyId"), text(answer, "UserName")
	if key == "" {
		return nil
	}
	k := learnedKey{Type: "IAMUser", Partition: l.partition}
	asked := text(l.x.Input, "UserName")
	own := asked == "" && l.caller.AccountID == l.account
	switch {
	case asked != "" && user != "" && !strings.EqualFold(asked, user),
		own && l.caller.Type == "IAMUser" && user != "" && !strings.EqualFold(l.caller.UserName, user):
		l.conflict.AccessKeyID = key
		l.conflict.Claimed = userIdentity(l.partition, l.account, "", user, "").ARN
		return l.refuse(otherAnswer)
	case user == "" && asked != "":
		user = asked
	case user == "" && own && l.caller.Type == "IAMUser":
		user = l.caller.UserName
	case user == "" && own && l.caller.Type == "Root":
		k.Type = "Root"
	case user == "":
		return nil // nobody knows whose it is
	}
	if k.Type == "IAMUser" {
		if !isName(user) {
			l.conflict.AccessKeyID = key
			return l.refuse(malformedName)
		}
		name, err := l.of.learned.name(nameRow(l.route, l.account, "user", user))
		if err != nil {
			return err
		}
		k.Name, k.Path, k.ID = user, name.Path, name.ID
	}
	return l.teach(key, k)
}

// teach keeps whose a key is, unless somebody else has it.
func (l *lesson) teach(key string, k learnedKey) error {
	s := l.of
	k.Learned = l.at
	claimed := k.identity(l.account)
	l.conflict.AccessKeyID, l.conflict.Claimed = word(key), claimed.ARN
	if word(key) != key {
		return l.refuse(malformedName)
	}
	if k.Expires != nil && !l.at.Before(*k.Expires) {
		return nil
	}
	if _, own := s.own[key]; own {
		return l.refuse("the access key is Cairn's own")
	}
	if s.cfg.Keys != nil {
		cred, err := s.cfg.Keys.Credential(l.ctx, key, "", l.x.Region)
		if err == nil && !cred.Unverified {
			l.conflict.Known = cred.Identity.ARN
			return l.refuse("the access key is one of Cairn's IAM")
		}
	}
	if s.mapping != nil {
		if e, ok := s.mapping.find(key); ok {
			if id := e.identity(l.account, l.x.Region); id.ARN != claimed.ARN {
				l.conflict.Known = id.ARN
				return l.refuse("the mapping says whose the access key is")
			}
		}
	}
	known, err := s.learned.add(l.row(key), k, l.at)
	if err != nil || known == nil {
		return err
	}
	was := known.identity(l.account)
	if was.Type != claimed.Type || was.ARN != claimed.ARN || was.PrincipalID != "" && claimed.PrincipalID != "" && was.PrincipalID != claimed.PrincipalID {
		l.conflict.Known = was.ARN
		return l.refuse("the access key belongs to somebody else")
	}
	return nil
}

func (l *lesson) row(key string) string { return catalog.Key(l.route, l.account, key) }

// keyOfRequest returns the key that a request names, and its row. The row is nil if the
// key is not known, and the request is refused if it names another user.
func (l *lesson) keyOfRequest() (row string, k *learnedKey, err error) {
	key := text(l.x.Input, "AccessKeyId")
	if key == "" {
		return "", nil, nil
	}
	row = l.row(key)
	if k, err = l.of.learned.key(row); k == nil || err != nil {
		return row, nil, err
	}
	if user := text(l.x.Input, "UserName"); user != "" && !strings.EqualFold(user, k.Name) {
		l.conflict.AccessKeyID, l.conflict.Known = key, k.identity(l.account).ARN
		l.conflict.Claimed = userIdentity(l.partition, l.account, "", user, "").ARN
		return row, nil, l.refuse(otherAnswer)
	}
	return row, k, nil
}

func (l *lesson) updateAccessKey() error {
	row, k, err := l.keyOfRequest()
	status := text(l.x.Input, "Status")
	if k == nil || err != nil || status == "" {
		return err
	}
	if inactive := strings.EqualFold(status, "Inactive"); inactive != k.Inactive {
		changed := *k
		changed.Inactive = inactive
		return l.of.learned.change(row, changed)
	}
	return nil
}

func (l *lesson) deleteAccessKey() error {
	row, k, err := l.keyOfRequest()
	if k == nil || err != nil {
		return err
	}
	return l.of.learned.remove(row)
}

// user learns a user's path and ID of an answer that describes one.
func (l *lesson) user() error {
	answer := asObject(l.x.Output["User"])
	name, n := text(answer, "UserName"), learnedName{Path: orSlash(text(answer, "Path")), ID: text(answer, "UserId")}
	if name == "" {
		return nil // the root user has none
	}
	asked := text(l.x.Input, "UserName")
	if err := l.described("user", asked, name, text(answer, "Arn"), n); err != nil {
		return err
	}
	row := nameRow(l.route, l.account, "user", name)
	was, err := l.of.learned.name(row)
	if err != nil {
		return err
	}
	// The keys first: what is left of a crash between is learned again.
	for _, key := range l.of.learned.ofUser(l.scope, name) {
		k, err := l.of.learned.key(key)
		if err != nil {
			return err
		}
		switch {
		case k == nil:
		case k.ID != "" && n.ID != "" && k.ID != n.ID:
			// There is a new user of that name: the old one is gone, and the keys with it.
			err = l.of.learned.remove(key)
		case k.ID == "" && n.ID != "" || k.Path != n.Path:
			changed := *k
			changed.Path, changed.ID = n.Path, cmp.Or(n.ID, k.ID)
			err = l.of.learned.change(key, changed)
		}
		if err != nil {
			return err
		}
	}
	if n.ID == "" {
		n.ID = was.ID
	}
	return l.of.learned.setName(row, n)
}

// described refuses the description of a user or role that was not asked for, or that
// cannot be one of the route's account.
func (l *lesson) described(kind, asked, name, arn string, n learnedName) error {
	l.conflict.Claimed = arn
	if !isName(name) || !isPath(n.Path) || word(n.ID) != n.ID {
		return l.refuse(malformedName)
	}
	if asked != "" && !strings.EqualFold(asked, name) {
		return l.refuse(otherAnswer)
	}
	p, ok := parsePrincipal(arn)
	switch {
	case !ok: // other makers' ARNs have other forms
		return nil
	case p.account != "" && p.account != l.account:
		return l.refuse(otherAccount)
	case p.kind != kind || p.name != name || p.path != n.Path:
		return l.refuse(otherAnswer)
	}
	return nil
}

// updateUser renames a user, or moves it to another path.
func (l *lesson) updateUser() error {
	old, name, path := text(l.x.Input, "UserName"), text(l.x.Input, "NewUserName"), text(l.x.Input, "NewPath")
	if old == "" || name == "" && path == "" {
		return nil
	}
	if name != "" && !isName(name) || !isPath(path) {
		return l.refuse(malformedName)
	}
	row := nameRow(l.route, l.account, "user", old)
	n, err := l.of.learned.name(row)
	if err != nil {
		return err
	}
	for _, key := range l.of.learned.ofUser(l.scope, old) {
		k, err := l.of.learned.key(key)
		if err != nil {
			return err
		}
		if k == nil {
			continue
		}
		changed := *k
		if name != "" {
			changed.Name = name
		}
		if path != "" {
			changed.Path = path
		}
		if err := l.of.learned.change(key, changed); err != nil {
			return err
		}
	}
	if path != "" {
		n.Path = path
	}
	if n == (learnedName{}) {
		return nil
	}
	if name == "" || strings.EqualFold(name, old) {
		return l.of.learned.setName(row, n)
	}
	if err := l.of.learned.setName(nameRow(l.route, l.account, "user", name), n); err != nil {
		return err
	}
	return l.of.learned.removeName(row)
}

func (l *lesson) deleteUser() error {
	name := text(l.x.Input, "UserName")
	if name == "" {
		return nil
	}
	for _, key := range l.of.learned.ofUser(l.scope, name) {
		if err := l.of.learned.remove(key); err != nil {
			return err
		}
	}
	return l.of.learned.removeName(nameRow(l.route, l.account, "user", name))
}

// role learns a role's path and ID of an answer that describes one.
func (l *lesson) role() error {
	answer := asObject(l.x.Output["Role"])
	name, n := text(answer, "RoleName"), learnedName{Path: orSlash(text(answer, "Path")), ID: text(answer, "RoleId")}
	if name == "" {
		return nil
	}
	if err := l.described("role", text(l.x.Input, "RoleName"), name, text(answer, "Arn"), n); err != nil {
		return err
	}
	return l.of.learned.setName(nameRow(l.route, l.account, "role", name), n)
}

func (l *lesson) deleteRole() error {
	if name := text(l.x.Input, "RoleName"); name != "" {
		return l.of.learned.removeName(nameRow(l.route, l.account, "role", name))
	}
	return nil
}

// session begins the row of temporary credentials, and returns their key, empty if the
// answer has none.
func (l *lesson) session() (key string, k learnedKey) {
	credentials := asObject(l.x.Output["Credentials"])
	began := l.at.Truncate(time.Second)
	k = learnedKey{Partition: l.partition, Began: &began, SourceIdentity: text(l.x.Output, "SourceIdentity")}
	expires, ok := credentials["Expiration"].(time.Time)
	if !ok {
		expires = began.Add(time.Hour) // what STS gives at least without being asked
	}
	expires = expires.UTC()
	k.Expires = &expires
	k.MFA = text(l.x.Input, "TokenCode") != ""
	return text(credentials, "AccessKeyId"), k
}

// assumeRole learns a session of a role. MinIO gives sessions of the caller under the name
// of AssumeRole, whatever the role's ARN.
func (l *lesson) assumeRole() error {
	key, k := l.session()
	if key == "" {
		return nil
	}
	l.conflict.AccessKeyID = key
	answer := asObject(l.x.Output["AssumedRoleUser"])
	arn := text(answer, "Arn")
	role, asked := parsePrincipal(text(l.x.Input, "RoleArn"))
	asked = asked && role.kind == "role"
	session, answered := parsePrincipal(arn)
	answered = answered && session.kind == "assumed-role"
	name := text(l.x.Input, "RoleSessionName")
	switch {
	case arn != "" && answered:
		l.conflict.Claimed = arn
		if session.account != "" && session.account != l.account {
			return l.refuse(otherAccount)
		}
		if asked && (role.name != session.name || role.account != "" && role.account != l.account) || name != "" && name != session.session {
			return l.refuse(otherAnswer)
		}
		k.Name, k.SessionName, k.Partition = session.name, session.session, session.partition
	case asked && isName(name) && role.account == l.account:
		k.Name, k.SessionName, k.Partition = role.name, name, role.partition
	case asked && isAccountID(role.account):
		l.conflict.Claimed = text(l.x.Input, "RoleArn")
		return l.refuse(otherAccount)
	case l.x.Model.Name == "AssumeRole":
		return l.ofCaller(key, k)
	default:
		return nil
	}
	k.Type = "AssumedRole"
	known, err := l.of.learned.name(nameRow(l.route, l.account, "role", k.Name))
	if err != nil {
		return err
	}
	k.Path, k.ID = known.Path, known.ID
	if asked {
		k.Path = role.path
	}
	if id, name, _ := strings.Cut(text(answer, "AssumedRoleId"), ":"); id != "" {
		if word(id) != id || name != k.SessionName {
			return l.refuse(otherAnswer)
		}
		k.ID = id
	}
	if l.x.Model.Name != "AssumeRole" {
		k.MFA = false
		l.webIdentity(&k)
	}
	return l.teach(key, k)
}

// webIdentity notes who vouched for a session. The attributes that CloudTrail shows are
// in the token, which is a secret, and not in the answer.
func (l *lesson) webIdentity(k *learnedKey) {
	if l.x.Model.Name == "AssumeRoleWithWebIdentity" {
		if provider := text(l.x.Output, "Provider"); len(provider) <= 2048 {
			k.Provider = provider
		}
	}
}

// ofCaller learns a session of the caller.
func (l *lesson) ofCaller(key string, k learnedKey) error {
	l.conflict.AccessKeyID = key
	if l.caller.Type != "IAMUser" && l.caller.Type != "Root" {
		return nil // STS gives no such session to others, and nobody knows whose it is
	}
	l.conflict.Claimed = l.caller.ARN
	if l.caller.AccountID != l.account {
		return l.refuse(otherAccount)
	}
	l.from(&k)
	k.Type = l.caller.Type
	return l.teach(key, k)
}

// from takes over who the caller is.
func (l *lesson) from(k *learnedKey) {
	if p, ok := parsePrincipal(l.caller.ARN); ok {
		k.Path, k.Partition = p.path, p.partition
	}
	if l.caller.Type == "IAMUser" {
		k.Name, k.ID = l.caller.UserName, l.caller.PrincipalID
	}
}

func (l *lesson) sessionToken() error {
	key, k := l.session()
	if key == "" {
		return nil
	}
	return l.ofCaller(key, k)
}

func (l *lesson) federationToken() error {
	key, k := l.session()
	if key == "" || l.caller.Type != "IAMUser" && l.caller.Type != "Root" {
		return nil
	}
	name, arn := text(l.x.Input, "Name"), text(asObject(l.x.Output["FederatedUser"]), "Arn")
	l.conflict.AccessKeyID, l.conflict.Claimed = key, arn
	if p, ok := parsePrincipal(arn); ok {
		if p.account != "" && p.account != l.account {
			return l.refuse(otherAccount)
		}
		if p.kind != "federated-user" || p.name != name {
			return l.refuse(otherAnswer)
		}
	}
	switch {
	case !isName(name):
		return l.refuse(malformedName)
	case l.caller.AccountID != l.account:
		return l.refuse(otherAccount)
	}
	l.from(&k)
	k.Type, k.Issuer, k.SessionName, k.MFA = "FederatedUser", l.caller.Type, name, false
	return l.teach(key, k)
}

// assumeRoot learns a session of an account's root user.
func (l *lesson) assumeRoot() error {
	key, k := l.session()
	if key == "" {
		return nil
	}
	target := text(l.x.Input, "TargetPrincipal")
	if p, ok := parsePrincipal(target); ok && p.kind == "root" {
		target = p.account
	}
	if target != l.account {
		l.conflict.AccessKeyID, l.conflict.Claimed = key, word(target)
		return l.refuse(otherAccount)
	}
	k.Type, k.AssumedRoot = "Root", true
	return l.teach(key, k)
}
