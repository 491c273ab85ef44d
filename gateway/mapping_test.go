package gateway_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/gateway"
)

func mapped(t *testing.T, text string) (*gateway.Identities, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identities.yaml")
	write(t, path, text)
	s, err := gateway.OpenIdentities(gateway.IdentitiesConfig{MappingFile: path, Now: func() time.Time { return noon }})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func TestMapping(t *testing.T) {
	t.Parallel()
	s, err := mapped(t, `# who is who
identities:
  - accessKeyId: AKIAALICE
    userName: alice
  - accessKeyIds: [minioadmin, other/admin]
    type: Root
    accountId: "012345678901"
  - accessKeyId: AKIABOB
    arn: arn:aws-cn:iam::210987654321:user/eng/bob
    principalId: AIDABOB
  - accessKeyId: ASIAROLE
    arn: arn:aws:sts::210987654321:assumed-role/deploy/ci
    principalId: AROADEPLOY:ci
  - {accessKeyId: PARTNER, type: AWSAccount, accountId: 210987654321}
  - {accessKeyId: GUEST, type: FederatedUser, userName: guest}
  - {accessKeyId: "*", userName: somebody}
`)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]aws.Identity{
		"AKIAALICE":   {Type: "IAMUser", ARN: "arn:aws:iam::123456789012:user/alice", AccountID: routeAccount, UserName: "alice"},
		"minioadmin":  {Type: "Root", ARN: "arn:aws:iam::012345678901:root", AccountID: "012345678901", PrincipalID: "012345678901"},
		"other/admin": {Type: "Root", ARN: "arn:aws:iam::012345678901:root", AccountID: "012345678901", PrincipalID: "012345678901"},
		"AKIABOB":     {Type: "IAMUser", ARN: "arn:aws-cn:iam::210987654321:user/eng/bob", AccountID: otherAccount, UserName: "bob", PrincipalID: "AIDABOB"},
		"ASIAROLE":    {Type: "AssumedRole", ARN: "arn:aws:sts::210987654321:assumed-role/deploy/ci", AccountID: otherAccount, PrincipalID: "AROADEPLOY:ci"},
		"PARTNER":     {Type: "AWSAccount", AccountID: otherAccount},
		"GUEST":       {Type: "FederatedUser", ARN: "arn:aws:sts::123456789012:federated-user/guest", AccountID: routeAccount, PrincipalID: "123456789012:guest"},
		"AKIANOBODY":  {Type: "IAMUser", ARN: "arn:aws:iam::123456789012:user/somebody", AccountID: routeAccount, UserName: "somebody"},
	} {
		c := resolve(t, s, createUser(t, key, "the backend's"))
		session := c.Identity.Session
		c.Identity.Session = nil
		want.AccessKeyID = key
		if fmt.Sprint(c.Identity) != fmt.Sprint(want) || c.Source != "mapping" {
			t.Errorf("%s: %+v", key, c)
		}
		if key == "ASIAROLE" && (session == nil || session.Issuer.ARN != "arn:aws:iam::210987654321:role/deploy" || session.Issuer.PrincipalID != "AROADEPLOY") {
			t.Errorf("%+v", session)
		}
	}
	for _, text := range []string{"", "# nothing\n", "identities: []\n"} {
		if _, err := mapped(t, text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMappingErrors(t *testing.T) {
	t.Parallel()
	const entry = "identities:\n  - accessKeyId: K\n"
	for text, want := range map[string]string{
		entry + "    userNmae: alice\n":                                        ":3:5: ",
		entry + "    userName: [alice]\n":                                      ":3:15: ",
		entry + "    userName: a\n    userName: b\n":                           ":4:5: ",
		"identities:\n  - accessKeyId: [\n":                                    ":2:",
		"people: []\n":                                                         ":1:1: ",
		entry:                                                                  ":2:5: the entry needs userName, arn or type",
		"identities:\n  - userName: a\n":                                       ":2:5: the entry needs accessKeyId",
		entry + "    type: King\n":                                             ":2:5: type \"King\" is none of",
		entry + "    type: AssumedRole\n":                                      ":2:5: an identity of type AssumedRole needs arn",
		entry + "    accountId: 12\n    userName: a\n":                         ":2:5: accountId must have 12 digits",
		entry + "    arn: arn:aws:s3:::bucket\n":                               ":2:5: arn must be that of",
		entry + "    arn: arn:aws:iam::1:user/a\n":                             ":2:5: the account of the arn",
		entry + "    arn: arn:aws:iam::123456789012:user/a\n    userName: b\n": ":2:5: userName and the name in the arn differ",
		entry + "    userName: a\n  - {accessKeyId: K, userName: b}\n":         ":4:6: the access key K stands twice",
		entry + "    type: Root\n    userName: a\n":                            "a Root identity has no userName",
		entry + "    userName: a/b\n":                                          "userName and principalId",
	} {
		_, err := mapped(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n%v", text, err)
			continue
		}
		if !strings.Contains(err.Error(), "^") {
			t.Errorf("%q: no caret:\n%v", text, err)
		}
	}
}

// Whatever holds a secret is refused without being quoted.
func TestMappingRefusesSecrets(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"secretAccessKey: ", "secret_key: ", "SecretKey: ", "sessionToken: ", "password: ", `"aws_secret_access_key": `, "accessKeyId: ", "unknown: "} {
		for _, form := range []string{"identities:\n  - userName: a\n    %s\n", "identities:\n  - {userName: a, %s}\n", "%s\n"} {
			_, err := mapped(t, fmt.Sprintf(form, member+plantedSecret[:40]))
			if err == nil {
				t.Errorf("%q in %q is taken", member, form)
			} else if strings.Contains(err.Error(), "PLANTED") {
				t.Errorf("%q in %q is quoted:\n%v", member, form, err)
			}
		}
	}
	if _, err := mapped(t, "identities: # a token: is never put here\n- {accessKeyId: K, arn: \"arn:aws:sts::123456789012:assumed-role/secret-token/x\"}\n"); err != nil {
		t.Error(err)
	}
}

func TestMappingIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "identities.yaml")
	write(t, path, "")
	if err := os.Truncate(path, 16<<20+1); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.OpenIdentities(gateway.IdentitiesConfig{MappingFile: path}); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("%v", err)
	}
	if _, err := gateway.OpenIdentities(gateway.IdentitiesConfig{MappingFile: path + ".no"}); err == nil {
		t.Error("a file that is missing is taken")
	}
}

// A file that changes is read again; one that is not usable changes nothing.
func TestMappingIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "identities.yaml")
	write(t, path, "identities:\n- {accessKeyId: K, userName: alice}\n")
	log := &lockedBuffer{}
	// replace changes the file in one step: one that is being written is no subject here.
	replace := func(text string) {
		t.Helper()
		write(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path, MappingInterval: time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil))})
	w := createUser(t, "K", "x")
	who := func() string { return resolve(t, s, w).Identity.UserName }
	until := func(what string, done func() bool) {
		t.Helper()
		for range 10_000 {
			if done() {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatal(what)
	}
	if got := who(); got != "alice" {
		t.Fatal(got)
	}
	// Nobody has to call for it.
	replace("identities:\n- {accessKeyId: K, userName: robert}\n")
	until("a look at a file that changed", func() bool { return strings.Contains(log.String(), "was read again") })
	if got := who(); got != "robert" {
		t.Errorf("the first call after the change is %s's", got)
	}
	replace("identities:\n- {accessKeyId: K, userName: }\n- oops\n")
	until("an error", func() bool { return strings.Contains(log.String(), "not usable") })
	if got := who(); got != "robert" {
		t.Errorf("an unusable file changed something: %s", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	until("an error for a file that is gone", func() bool { return strings.Contains(log.String(), "cannot be read") })
	if got := who(); got != "robert" {
		t.Errorf("a file that is gone changed something: %s", got)
	}
	replace("identities:\n- {accessKeyId: K, userName: bob}\n")
	until("a file that is back", func() bool { return who() == "bob" })
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d errors:\n%s", n, log)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	replace("identities:\n- {accessKeyId: K, userName: too-late}\n")
	time.Sleep(20 * time.Millisecond)
	if got := who(); got != "bob" {
		t.Errorf("the file was read after the end: %s", got)
	}
}

func FuzzMapping(f *testing.F) {
	f.Add("identities:\n- {accessKeyId: K, userName: alice}\n")
	f.Add("identities:\n  - accessKeyIds: [a, b]\n    arn: arn:aws:sts::210987654321:assumed-role/deploy/ci\n")
	f.Add("identities: &a\n- *a\n")
	path := filepath.Join(f.TempDir(), "identities.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		write(t, path, text)
		s, err := gateway.OpenIdentities(gateway.IdentitiesConfig{MappingFile: path, Now: func() time.Time { return noon }})
		if err != nil {
			return
		}
		c := resolve(t, s, createUser(t, "K", "x"))
		if c.Identity.Type == "" || c.Identity.AccountID == "" && c.Identity.Type != "WebIdentityUser" {
			t.Errorf("%q: %+v", text, c)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// lockedBuffer takes what several goroutines log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
