package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/identity"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "111111111111"
	other   = "222222222222"
)

// A disk is a data directory that can be opened again.
type disk struct {
	t    *testing.T
	dir  string
	cat  *catalog.Catalog
	time time.Time
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, dir: t.TempDir(), time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	t.Cleanup(func() {
		if d.cat != nil {
			d.cat.Close()
		}
	})
	return d
}

// open closes the catalog and opens it anew.
func (d *disk) open(opts identity.Options) (*identity.Store, error) {
	d.t.Helper()
	if d.cat != nil {
		must(d.t, d.cat.Close())
	}
	var err error
	d.cat, err = catalog.Open(catalog.Config{Dir: d.dir})
	must(d.t, err)
	opts.Now = func() time.Time { return d.time }
	return identity.Open(d.cat, opts)
}

func (d *disk) store() *identity.Store {
	d.t.Helper()
	s, err := d.open(identity.Options{})
	must(d.t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func user(name string) *identity.User {
	return &identity.User{Head: identity.Head{Name: name, Path: "/"}}
}

func allow(action, resource, more string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` + more + `}}`
}

func credential(s *identity.Store, id, token string) (*aws.Credential, error) {
	return s.Credential(context.Background(), id, token, "us-east-1")
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	id, secret, err := s.Bootstrap(account)
	must(t, err)
	if len(id) != 20 || id[:4] != "AKIA" || len(secret) != 40 {
		t.Errorf("the first start gives %q, %q", id, secret)
	}
	s = d.store()
	id2, secret2, err := s.Bootstrap(account)
	if err != nil || id2 != id || secret2 != secret {
		t.Errorf("a start after one that was cut off gives %q, %v", id2, err)
	}
	// A key that was made later is not the one to hand out.
	_, _, err = s.CreateAccessKey(account, "")
	must(t, err)
	must(t, s.SetAccessKey(account, "", id, false))
	if id2, secret2, err = s.Bootstrap(account); err != nil || id2 != "" || secret2 != "" {
		t.Errorf("with the first key inactive a start gives %q, %v", id2, err)
	}
	must(t, s.SetAccessKey(account, "", id, true))
	must(t, s.KeyDelivered(account))
	s = d.store()
	if id2, secret2, err = s.Bootstrap(account); err != nil || id2 != "" || secret2 != "" {
		t.Errorf("after the delivery a start gives %q, %v", id2, err)
	}
	var pinned *identity.OperatorError
	if _, _, err := s.Bootstrap(other); !errors.As(err, &pinned) || pinned.Pinned != account || !strings.Contains(err.Error(), account) {
		t.Errorf("a start for another account: %v", err)
	}
	cred, err := credential(s, id, "")
	must(t, err)
	want := aws.Identity{Type: "Root", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root", AccountID: account, Operator: true}
	if cred.Secret != secret || cred.Identity != want || cred.Unverified {
		t.Errorf("the key stands for %+v", cred)
	}
	added, _, err := s.AddAccount(other)
	must(t, err)
	if cred, err = credential(s, added, ""); err != nil || cred.Identity.Operator || cred.Identity.AccountID != other {
		t.Errorf("an added account's key stands for %+v, %v", cred, err)
	}
	var exists *identity.ExistsError
	if _, _, err := s.AddAccount(other); !errors.As(err, &exists) {
		t.Errorf("adding it again: %v", err)
	}
	if _, _, err := s.AddAccount("12"); err == nil {
		t.Error("an account of two digits was added")
	}
	all, err := s.Accounts()
	if err != nil || len(all) != 2 || all[0].ID != account || !all[0].Operator || all[1].Operator {
		t.Errorf("accounts: %+v, %v", all, err)
	}
	if _, other, _ := newDisk(t).store().Bootstrap(account); other == secret {
		t.Error("two servers have the same secret")
	}
}

// In development mode the default account may change, and the operator stays.
func TestOneOperatorInDevelopment(t *testing.T) {
	t.Parallel()
	s, err := newDisk(t).open(identity.Options{Dev: true, DefaultAccount: account})
	must(t, err)
	_, _, err = s.Bootstrap(account)
	must(t, err)
	if id, _, err := s.Bootstrap(other); id != "" || err != nil {
		t.Errorf("for another account: %q, %v", id, err)
	}
	if all, err := s.Accounts(); err != nil || len(all) != 1 || all[0].ID != account {
		t.Errorf("accounts: %+v, %v", all, err)
	}
}

// An alias that is given up leaves no claim, and takes none of another account's
// with it.
func TestAliasClaims(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	claims := catalog.TableOf[map[string]string](d.cat, "identity-aliases")
	must(t, s.SetAlias(account, "acme"))
	must(t, s.SetAlias(account, "reef"))
	if claim, _, err := claims.Get(catalog.Key("alias", "acme")); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the old alias is claimed: %v, %v", claim, err)
	}
	must(t, s.SetAlias(account, "reef"))
	// As if the other account had claimed it meanwhile.
	_, err := claims.Put(catalog.Key("alias", "reef"), map[string]string{"account": other})
	must(t, err)
	must(t, s.DeleteAlias(account, "reef"))
	if claim, _, err := claims.Get(catalog.Key("alias", "reef")); err != nil || claim["account"] != other {
		t.Errorf("the other's claim is %v, %v", claim, err)
	}
	must(t, s.SetAlias(account, "sea"))
	must(t, s.DeleteAlias(account, "sea"))
	if _, _, err := claims.Get(catalog.Key("alias", "sea")); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the deleted alias is claimed: %v", err)
	}
}

// IAM takes no credentials of GetSessionToken without MFA, nor a federated
// user's.
func TestIAMNeedsMFA(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	_, _, err := s.AddAccount(account)
	must(t, err)
	root := aws.Identity{Type: "Root", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root", AccountID: account}
	guest := aws.Identity{Type: "FederatedUser", PrincipalID: account + ":guest", ARN: "arn:aws:sts::" + account + ":federated-user/guest", AccountID: account}
	issuer := &aws.Issuer{Type: "Root", PrincipalID: account, ARN: root.ARN, AccountID: account}
	for _, test := range []struct {
		what    string
		id      aws.Identity
		session *aws.Session
		service string
		refused bool
	}{
		{"a key", root, nil, "iam", false},
		{"a session", root, &aws.Session{}, "iam", true},
		{"a session with MFA", root, &aws.Session{MFA: true}, "iam", false},
		{"a session", root, &aws.Session{}, "cloudtrail", false},
		{"a federated user", guest, &aws.Session{Issuer: issuer, MFA: true, Policies: []string{allow("*", "*", "")}}, "iam", true},
	} {
		test.id.Session = test.session
		err := decide(s, test.id, func(c *aws.Call) { c.Service = test.service }, test.service+":ListUsers", "*")
		var refused *aws.Error
		if got := errors.As(err, &refused) && refused.Code == "InvalidClientTokenId" && refused.Status == 403; got != test.refused || !test.refused && err != nil {
			t.Errorf("%s on %s: %v", test.what, test.service, err)
		}
	}
}

// A session's tag replaces the user's, however it is spelled.
func TestTagsDifferInMoreThanCase(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	kit := user("kit")
	kit.Tags = map[string]string{"Site": "sea"}
	kit.Inline = map[string]string{"p": allow("cloudtrail:*", "*", `,"Condition":{"StringEquals":{"aws:PrincipalTag/site":"land"}}`)}
	must(t, s.Users.Create(account, kit, nil))
	for _, name := range []string{"site", "SITE", "sİte"} {
		id := aws.Identity{Type: "IAMUser", PrincipalID: kit.ID, ARN: kit.ARN(account), AccountID: account, UserName: "kit",
			Session: &aws.Session{Tags: map[string]string{name: "land"}}}
		for range 20 { // the order of a map is random
			if err := decide(s, id, nil, "cloudtrail:LookupEvents", "*"); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestKeysThatProveNothing(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	must(t, s.Users.Create(account, user("kit"), nil))
	k, _, err := s.CreateAccessKey(account, "kit")
	must(t, err)
	for _, id := range []string{"", "x", "AKIAIOSFODNN7EXAMPLE", "ASIA" + k.ID[4:], k.ID + "A", strings.ToLower(k.ID), account} {
		if _, err := credential(s, id, ""); !errors.Is(err, aws.ErrUnknownKey) {
			t.Errorf("the key %q: %v", id, err)
		}
	}
	if _, err := credential(s, k.ID, "token"); !errors.Is(err, aws.ErrUnknownKey) {
		t.Errorf("a user's key with a session token: %v", err)
	}
	must(t, s.SetAccessKey(account, "kit", k.ID, false))
	if _, err := credential(s, k.ID, ""); !errors.Is(err, aws.ErrUnknownKey) {
		t.Errorf("an inactive key: %v", err)
	}
	if found, ok := identity.AccountOfKey(k.ID); !ok || found != account {
		t.Errorf("AccountOfKey = %s, %v", found, ok)
	}
	// An ID that is known to be of an account, from AWS's documentation of keys.
	if found, ok := identity.AccountOfKey("ASIAQNZGKIQY56JQ7WML"); !ok || found != "029608264753" {
		t.Errorf("AccountOfKey of a foreign key = %s, %v", found, ok)
	}
}

func TestMode(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{false, true} {
		d := newDisk(t)
		_, err := d.open(identity.Options{Dev: dev, DefaultAccount: account})
		must(t, err)
		_, err = d.open(identity.Options{Dev: dev, DefaultAccount: account})
		must(t, err)
		var mode *identity.ModeError
		if _, err = d.open(identity.Options{Dev: !dev, DefaultAccount: account}); !errors.As(err, &mode) || mode.Dev != dev || !strings.Contains(err.Error(), "--dev") {
			t.Errorf("the other mode than %v: %v", dev, err)
		}
	}
	if _, err := newDisk(t).open(identity.Options{Dev: true}); err == nil {
		t.Error("development mode without a default account")
	}
	if _, err := newDisk(t).open(identity.Options{DefaultAccount: "x"}); err == nil {
		t.Error("a default account that is none")
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	must(t, s.Users.Create(account, user("kit"), nil))
	kit, err := s.Users.Get(account, "kit")
	must(t, err)
	creds, err := s.StartSession(identity.Session{
		Type: "IAMUser", Account: account, EntityID: kit.ID, Policy: allow("s3:*", "*", ""), Tags: map[string]string{"a": "b"}, MFA: true, SourceIdentity: "x",
	}, time.Hour, 0)
	must(t, err)
	s = d.store()
	cred, err := credential(s, creds.AccessKeyID, creds.Token)
	must(t, err)
	got := cred.Identity.Session
	if cred.Secret != creds.Secret || cred.Identity.UserName != "kit" || got == nil || !got.MFA || got.Tags["a"] != "b" || len(got.Policies) != 1 ||
		got.SourceIdentity != "x" || !got.Created.Equal(d.time) || !got.Expires.Equal(d.time.Add(time.Hour)) || got.Issuer != nil {
		t.Errorf("after a restart: %+v, %+v", cred.Identity, got)
	}
	if strings.Contains(creds.Token, creds.Secret) {
		t.Error("the token shows the secret")
	}
	d.time = d.time.Add(time.Hour - time.Second)
	if _, err := credential(s, creds.AccessKeyID, creds.Token); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	d.time = d.time.Add(time.Second)
	if _, err := credential(s, creds.AccessKeyID, creds.Token); !errors.Is(err, aws.ErrExpiredToken) {
		t.Errorf("at the end: %v", err)
	}
	// Another server's keyring does not open it.
	if _, err := credential(newDisk(t).store(), creds.AccessKeyID, creds.Token); !errors.Is(err, aws.ErrUnknownKey) {
		t.Errorf("at another server: %v", err)
	}
	if stored := d.cat; stored == nil || rows(t, d.cat, "identity-sessions") != 0 {
		t.Error("a session was stored")
	}
}

func rows(t *testing.T, cat *catalog.Catalog, table string) (n int) {
	for _, err := range catalog.TableOf[any](cat, table).Scan("") {
		must(t, err)
		n++
	}
	return n
}

// lead lets a name lead to an ID.
func lead(t *testing.T, cat *catalog.Catalog, kind, name, id string) {
	t.Helper()
	_, err := catalog.TableOf[map[string]string](cat, "identity-names").Put(catalog.Key(account, kind, name), map[string]string{"id": id})
	must(t, err)
}

// Each step of a change of several rows, interrupted, leaves something that
// harms nobody, and that the next attempt puts right.
func TestCrashBetweenRows(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	must(t, s.Users.Create(account, user("kit"), nil))
	kit, err := s.Users.Get(account, "kit")
	must(t, err)
	lead(t, d.cat, "user", "ghost", "AIDAGHOST") // creation, before the user's row; deletion, after it
	lead(t, d.cat, "user", "new", kit.ID)        // renaming, before or after the user's row
	keys := catalog.TableOf[map[string]string](d.cat, "identity-access-keys")
	k, _, err := s.CreateAccessKey(account, "kit")
	must(t, err)
	lost := "AKIA" + k.ID[4:12] + "AAAAAAAA"
	_, err = keys.Put(catalog.Key(account, lost), map[string]string{"userId": kit.ID}) // of a key that kit does not have
	must(t, err)
	_, err = catalog.TableOf[map[string]string](d.cat, "identity-aliases").Put(catalog.Key("alias", "acme"), map[string]string{"account": other})
	must(t, err)

	s = d.store()
	var missing *identity.NotFoundError
	for _, name := range []string{"ghost", "new"} {
		if _, err := s.Users.Get(account, name); !errors.As(err, &missing) {
			t.Errorf("the name %s: %v", name, err)
		}
	}
	if _, err := credential(s, lost, ""); !errors.Is(err, aws.ErrUnknownKey) {
		t.Errorf("the lost key: %v", err)
	}
	if n, err := s.Users.Count(account); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
	must(t, s.Users.Create(account, user("Ghost"), nil))
	must(t, s.Users.Create(account, user("new"), nil))
	for u, err := range s.Users.After(account, "") {
		must(t, err)
		if got, err := s.Users.Get(account, u.Name); err != nil || got.ID != u.ID {
			t.Errorf("%s leads to %v, %v", u.Name, got, err)
		}
	}
	if _, err := credential(s, k.ID, ""); err != nil {
		t.Errorf("kit's key: %v", err)
	}
	must(t, s.SetAlias(account, "acme"))
	var exists *identity.ExistsError
	if err := s.SetAlias(other, "acme"); !errors.As(err, &exists) {
		t.Errorf("an alias that is taken: %v", err)
	}
}

// Names that lead nowhere do not count to the quota for ever.
func TestQuotaIsOfWhatThereIs(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.store()
	for i := range identity.MaxGroups - 1 {
		lead(t, d.cat, "group", fmt.Sprintf("ghost-%d", i), fmt.Sprintf("AGPAGHOST%d", i))
	}
	s := d.store()
	for i := range 3 {
		must(t, s.Groups.Create(account, &identity.Group{Head: identity.Head{Name: fmt.Sprintf("g%d", i), Path: "/"}}, nil))
	}
	if n, err := s.Groups.Count(account); n != 3 || err != nil {
		t.Errorf("%d groups, %v", n, err)
	}
}

// An account that is busy holds up no other, and what is written for a name does
// not grow with the number of names.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	err := s.Users.Create(account, user("first"), func() error {
		must(t, s.SetAlias(other, "elsewhere"))
		return s.Users.Create(other, user("first"), nil)
	})
	must(t, err)
	for i := range 20 {
		must(t, s.Users.Create(account, user(fmt.Sprint(i)), nil))
	}
	if n := rows(t, d.cat, "identity-names"); n != 22 {
		t.Errorf("22 names take %d rows", n)
	}
	_, err = s.Users.Change(account, "first", func(u *identity.User) error { u.Name = "FIRST"; return nil })
	must(t, err)
	_, err = s.Users.Change(account, "FIRST", func(u *identity.User) error { u.Name = "last"; return nil })
	must(t, err)
	must(t, s.Users.Delete(account, "7", func(*identity.User) error { return nil }))
	if n := rows(t, d.cat, "identity-names"); n != 21 {
		t.Errorf("21 names take %d rows", n)
	}
	var names []string
	for u, err := range s.Users.After(account, "5") {
		must(t, err)
		names = append(names, u.Name)
	}
	if strings.Join(names, " ") != "6 8 9 last" {
		t.Errorf("behind 5 are %v", names)
	}
}

// The quota counts what there is, whatever was made, renamed and deleted before.
func TestQuotaAfterChanges(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	group := func(name string) *identity.Group { return &identity.Group{Head: identity.Head{Name: name, Path: "/"}} }
	for i := range identity.MaxGroups {
		must(t, s.Groups.Create(account, group(fmt.Sprintf("g%d", i)), nil))
	}
	var full *identity.LimitError
	if err := s.Groups.Create(account, group("more"), nil); !errors.As(err, &full) {
		t.Errorf("one more: %v", err)
	}
	_, err := s.Groups.Change(account, "g0", func(g *identity.Group) error { g.Name = "renamed"; return nil })
	must(t, err)
	must(t, s.Groups.Delete(account, "g1", func(*identity.Group) error { return nil }))
	must(t, s.Groups.Create(account, group("more"), nil))
	if err := s.Groups.Create(account, group("g1"), nil); !errors.As(err, &full) {
		t.Errorf("one more again: %v", err)
	}
	must(t, s.Groups.Create(other, group("g1"), nil))
}

func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	must(t, s.Users.Create(account, user("kit"), nil))
	var made, taken sync.Map
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := s.Users.Create(account, user("same"), nil); err == nil {
				made.Store(i, true)
			}
			if _, _, err := s.CreateAccessKey(account, "kit"); err == nil {
				taken.Store(i, true)
			}
			_, err := s.Users.Change(account, "kit", func(u *identity.User) error {
				u.Groups = append(u.Groups, fmt.Sprint(i))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			for range s.Users.After(account, "") {
			}
		})
	}
	wg.Wait()
	kit, err := s.Users.Get(account, "kit")
	must(t, err)
	if size(&made) != 1 || size(&taken) != identity.MaxAccessKeys || len(kit.Groups) != 8 || len(kit.Keys) != identity.MaxAccessKeys {
		t.Errorf("%d users of one name, %d keys, %d groups", size(&made), size(&taken), len(kit.Groups))
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// decide asks whether a user may do something.
func decide(s *identity.Store, id aws.Identity, change func(*aws.Call), action, resource string) error {
	c := &aws.Call{Service: "cloudtrail", Region: "eu-west-1", Identity: id, Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		SourceIP: netip.MustParseAddr("192.0.2.7"), UserAgent: "aws-cli/2", Input: map[string]any{}}
	if change != nil {
		change(c)
	}
	return s.Authorize(context.Background(), c, aws.Permission{Action: action, Resource: resource})
}

func TestConditionKeys(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	for i, c := range []struct {
		condition string
		with      func(*aws.Call)
		without   func(*aws.Call)
	}{
		{`"StringEquals":{"aws:username":"kit0"}`, nil, nil},
		{`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, nil, func(c *aws.Call) { c.SourceIP = netip.MustParseAddr("198.51.100.1") }},
		{`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, nil, func(c *aws.Call) { c.Region = "us-east-1" }},
		{`"StringLike":{"aws:UserAgent":"aws-cli/*"}`, nil, func(c *aws.Call) { c.UserAgent = "curl" }},
		{`"DateLessThan":{"aws:CurrentTime":"2026-03-05"}`, nil, func(c *aws.Call) { c.Time = c.Time.AddDate(0, 0, 1) }},
		{`"NumericLessThan":{"aws:EpochTime":"1772600767"}`, func(c *aws.Call) { c.Time = c.Time.Add(-time.Second) }, nil},
		{`"StringEquals":{"aws:PrincipalTag/team":"sea"}`, nil, nil},
		{`"StringEquals":{"aws:PrincipalAccount":"` + account + `"}`, nil, nil},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/kit*"}`, nil, nil},
		{`"StringEquals":{"aws:PrincipalType":"User"}`, nil, nil},
		{`"Bool":{"aws:SecureTransport":"false"}`, nil, nil},
		{`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, func(c *aws.Call) { c.Identity.Session = &aws.Session{MFA: true} }, nil},
		{`"StringEquals":{"aws:SourceIdentity":"x"}`, func(c *aws.Call) { c.Identity.Session = &aws.Session{SourceIdentity: "x"} }, nil},
		{`"DateGreaterThan":{"aws:TokenIssueTime":"2026-03-04"}`, func(c *aws.Call) { c.Identity.Session = &aws.Session{Created: c.Time} }, nil},
		{`"StringEquals":{"aws:RequestTag/a":"b"}`, func(c *aws.Call) {
			c.Input["Tags"] = []any{map[string]any{"Key": "a", "Value": "b"}}
		}, nil},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"Null":{"aws:TagKeys":"false"}`, func(c *aws.Call) { c.Input["TagKeys"] = []any{"a"} },
			func(c *aws.Call) { c.Input["TagKeys"] = []any{"a", "b"} }},
		{`"StringEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`, func(c *aws.Call) {
			c.Service, c.Input["PolicyArn"] = "iam", "arn:aws:iam::aws:policy/ReadOnlyAccess"
		}, nil},
	} {
		u := user(fmt.Sprintf("kit%d", i))
		u.Tags = map[string]string{"team": "sea"}
		u.Inline = map[string]string{"p": allow("s3:GetObject", "*", `,"Condition":{`+c.condition+`}`)}
		must(t, s.Users.Create(account, u, nil))
		id := aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(account), AccountID: account, UserName: u.Name}
		if err := decide(s, id, c.with, "s3:GetObject", "*"); err != nil {
			t.Errorf("%s: %v", c.condition, err)
		}
		if c.with != nil && c.without == nil {
			c.without = func(*aws.Call) {}
		}
		if c.without != nil {
			if decide(s, id, c.without, "s3:GetObject", "*") == nil {
				t.Errorf("%s: allowed without it", c.condition)
			}
		}
	}
	// The tags of the resource.
	u := user("tagged")
	u.Inline = map[string]string{"p": allow("iam:*", "*", `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"sea"}}`)}
	must(t, s.Users.Create(account, u, nil))
	id := aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(account), AccountID: account, UserName: u.Name}
	if err := decide(s, id, nil, "iam:GetUser", "arn:aws:iam::"+account+":user/kit1"); err != nil {
		t.Errorf("a user with the tag: %v", err)
	}
	if decide(s, id, nil, "iam:GetUser", "arn:aws:iam::"+account+":user/tagged") == nil {
		t.Error("a user without the tag was allowed")
	}
}

func TestWhatIsGoneGrantsNothing(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	document := allow("*", "*", "")
	own := &identity.Policy{Head: identity.Head{Name: "own", Path: "/"}, Default: "v1", Versions: []identity.PolicyVersion{{ID: "v1", Document: document}}}
	must(t, s.Policies.Create(account, own, nil))
	attached := user("attached")
	attached.Attached = []string{own.ARN(account)}
	bounded := user("bounded")
	bounded.Inline, bounded.Boundary = map[string]string{"p": document}, own.ARN(account)
	var ids []aws.Identity
	for _, u := range []*identity.User{attached, bounded} {
		must(t, s.Users.Create(account, u, nil))
		id := aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(account), AccountID: account, UserName: u.Name}
		ids = append(ids, id)
		must(t, decide(s, id, nil, "s3:GetObject", "*"))
	}
	must(t, s.Policies.Delete(account, "own", func(*identity.Policy) error { return nil }))
	for _, id := range ids {
		if decide(s, id, nil, "s3:GetObject", "*") == nil {
			t.Errorf("%s is allowed by a policy that is gone", id.UserName)
		}
	}
	root := aws.Identity{Type: "Root", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root", AccountID: account, Operator: true}
	must(t, decide(s, root, nil, "s3:GetObject", "*"))
	must(t, decide(s, root, nil, "iam:GetUser", "arn:aws:iam::"+account+":user/x"))
	err := decide(s, root, nil, "iam:GetUser", "arn:aws:iam::"+other+":user/x")
	var denied *aws.Error
	if !errors.As(err, &denied) || denied.Code != "AccessDenied" || !strings.Contains(denied.Message, "is not authorized to perform: iam:GetUser on resource: arn:aws:iam::"+other) {
		t.Errorf("another account: %v", err)
	}
	if decide(s, aws.Identity{Type: "AWSService", InvokedBy: "cloudtrail.amazonaws.com"}, nil, "s3:PutObject", "arn:aws:s3:::bucket/key") == nil {
		t.Error("a service was allowed without a policy of the resource")
	}
	if decide(s, aws.Identity{}, nil, "s3:GetObject", "*") == nil {
		t.Error("nobody was allowed")
	}
}

func BenchmarkCredentialAndAuthorize(b *testing.B) {
	cat, err := catalog.Open(catalog.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer cat.Close()
	s, err := identity.Open(cat, identity.Options{})
	if err != nil {
		b.Fatal(err)
	}
	u := user("kit")
	u.Attached = []string{"arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}
	if err := s.Users.Create(account, u, nil); err != nil {
		b.Fatal(err)
	}
	k, _, err := s.CreateAccessKey(account, "kit")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		cred, err := credential(s, k.ID, "")
		if err != nil {
			b.Fatal(err)
		}
		if err := decide(s, cred.Identity, nil, "cloudtrail:LookupEvents", "*"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReseal(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	rootKey, rootSecret, err := s.AddAccount(account)
	must(t, err)
	must(t, s.Users.Create(account, user("kit"), nil))
	k, secret, err := s.CreateAccessKey(account, "kit")
	must(t, err)
	if n, err := s.Reseal(); n != 0 || err != nil {
		t.Errorf("%d secrets were under an old key, %v", n, err)
	}
	must(t, d.cat.Keyring().NewDataKey())
	if n, err := s.Reseal(); n != 2 || err != nil {
		t.Errorf("%d secrets were under the old key, %v", n, err)
	}
	if n, err := s.Reseal(); n != 0 || err != nil {
		t.Errorf("then %d, %v", n, err)
	}
	for id, want := range map[string]string{rootKey: rootSecret, k.ID: secret} {
		if cred, err := credential(s, id, ""); err != nil || cred.Secret != want {
			t.Errorf("the secret of %s changed: %v", id, err)
		}
	}
}

func TestLastUseSurvivesARestart(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	id, _, err := s.AddAccount(account)
	must(t, err)
	if _, ok := s.LastUse(account, id); ok {
		t.Error("a new key was used")
	}
	cred, err := credential(s, id, "")
	must(t, err)
	cred.Identity.AccessKeyID = id
	must(t, decide(s, cred.Identity, nil, "cloudtrail:LookupEvents", "*"))
	for i := range 2 {
		if i == 1 {
			s.Flush()
			s = d.store()
		}
		use, ok := s.LastUse(account, id)
		if !ok || use.Service != "cloudtrail" || use.Region != "eu-west-1" || !use.Time.Equal(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) {
			t.Errorf("last use: %+v, %v", use, ok)
		}
	}
}

// A user or role that is deleted between the check of the signature and that of
// the permission is refused like one that was deleted before.
func TestDeletedWithinACall(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	ids := cast(t, s)
	must(t, s.Users.Delete(account, "admin", func(*identity.User) error { return nil }))
	must(t, s.Roles.Delete(account, "work", func(*identity.Role) error { return nil }))
	for _, name := range []string{"admin", "session"} {
		id := ids[name]
		if err := decide(s, id, nil, "s3:GetObject", "*"); !errors.Is(err, aws.ErrUnknownKey) {
			t.Errorf("%s: %v", name, err)
		}
		err := s.AuthorizeTrust(t.Context(), &aws.Call{Identity: id}, "sts:AssumeRole", "arn:aws:iam::"+account+":role/x", nil, nil)
		if !errors.Is(err, aws.ErrUnknownKey) {
			t.Errorf("%s assumes a role: %v", name, err)
		}
	}
	// A group that a user has just left takes nothing away.
	u := user("left")
	u.Inline, u.Groups = map[string]string{"p": allow("s3:*", "*", "")}, []string{"AGPAGONE"}
	must(t, s.Users.Create(account, u, nil))
	must(t, decide(s, aws.Identity{Type: "IAMUser", PrincipalID: u.ID, ARN: u.ARN(account), AccountID: account}, nil, "s3:GetObject", "*"))
}

// The condition key is about the boundary that a user or role will have or, where
// its permissions are changed, has.
func TestBoundaryCondition(t *testing.T) {
	t.Parallel()
	s := newDisk(t).store()
	boundary := "arn:aws:iam::" + account + ":policy/limits"
	admin := user("admin")
	admin.Inline = map[string]string{"p": allow("iam:*", "*", `,"Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+boundary+`"}}`)}
	must(t, s.Users.Create(account, admin, nil))
	bounded, free := user("bounded"), user("free")
	bounded.Boundary = boundary
	must(t, s.Users.Create(account, bounded, nil))
	must(t, s.Users.Create(account, free, nil))
	for name, b := range map[string]string{"bounded": boundary, "free": ""} {
		must(t, s.Roles.Create(account, &identity.Role{Head: identity.Head{Name: name, Path: "/"}, Boundary: b}, nil))
	}
	id := aws.Identity{Type: "IAMUser", PrincipalID: admin.ID, ARN: admin.ARN(account), AccountID: account}
	for _, tt := range []struct {
		operation, target, asked string
		allowed                  bool
	}{
		{"CreateUser", "user/new", boundary, true},
		{"CreateUser", "user/new", "", false},
		{"CreateRole", "role/new", boundary, true},
		{"PutUserPermissionsBoundary", "user/free", boundary, true},
		{"PutUserPermissionsBoundary", "user/bounded", boundary + "2", false},
		{"AttachUserPolicy", "user/bounded", "", true},
		{"AttachUserPolicy", "user/free", "", false},
		{"AttachUserPolicy", "user/free", boundary, false},
		{"PutUserPolicy", "user/bounded", "", true},
		{"DetachUserPolicy", "user/free", "", false},
		{"DeleteUserPermissionsBoundary", "user/bounded", "", true},
		{"DeleteUserPermissionsBoundary", "user/free", "", false},
		{"PutRolePolicy", "role/bounded", "", true},
		{"DeleteRolePolicy", "role/free", "", false},
		{"DeleteUser", "user/bounded", "", false},
	} {
		change := func(c *aws.Call) {
			c.Service, c.Operation = "iam", tt.operation
			if tt.asked != "" {
				c.Input["PermissionsBoundary"] = tt.asked
			}
		}
		if err := decide(s, id, change, "iam:"+tt.operation, "arn:aws:iam::"+account+":"+tt.target); (err == nil) != tt.allowed {
			t.Errorf("%s on %s asking for %q: %v", tt.operation, tt.target, tt.asked, err)
		}
	}
}

// An account whose root keys were all deleted gets a new one; one that is full
// loses only the key that is named.
func TestRekey(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := d.store()
	var missing *identity.NotFoundError
	if _, _, err := s.Rekey(account, ""); !errors.As(err, &missing) || missing.Kind != "account" {
		t.Errorf("an account that was not added: %v", err)
	}
	first, _, err := s.AddAccount(account)
	must(t, err)
	must(t, s.DeleteAccessKey(account, "", first))
	second, secret, err := s.Rekey(account, "")
	must(t, err)
	if cred, err := credential(s, second, ""); err != nil || cred.Secret != secret || cred.Identity.Type != "Root" {
		t.Errorf("the new key: %+v, %v", cred, err)
	}
	third, _, err := s.Rekey(account, "")
	must(t, err)
	var full *identity.LimitError
	if _, _, err := s.Rekey(account, ""); !errors.As(err, &full) {
		t.Errorf("a third key: %v", err)
	}
	if _, _, err := s.Rekey(account, first); !errors.As(err, &missing) || missing.Kind != "access-key" {
		t.Errorf("in place of a key that is gone: %v", err)
	}
	if n := rows(t, d.cat, "identity-access-keys"); n != 2 {
		t.Errorf("%d keys are left after what was refused", n)
	}
	_, _, err = s.Rekey(account, second)
	must(t, err)
	if _, err := credential(s, second, ""); !errors.Is(err, aws.ErrUnknownKey) {
		t.Errorf("the replaced key: %v", err)
	}
	_, err = credential(s, third, "")
	must(t, err)
	if n := rows(t, d.cat, "identity-access-keys"); n != 2 {
		t.Errorf("%d keys are left", n)
	}
}
