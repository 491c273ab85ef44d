package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/aws"
	"cairn/gateway"
	"cairn/internal/sigv4"
	"cairn/record"
)

const plantedSecret = "PLANTED/SECRET/PLANTED/SECRET/PLANTED/SE"

// formCall makes the exchange of a form and its answer.
func formCall(t testing.TB, service, form, result string) *gateway.Exchange {
	t.Helper()
	action, _, _ := strings.Cut(strings.TrimPrefix(form, "Action="), "&")
	version := map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}[service]
	form += "&Version=" + version
	r := request(t, "POST", "http://"+service+".amazonaws.com/", form, "Content-Type", formType)
	x := signedBy(t, r, form, sigv4.HashPayload([]byte(form)), service, aliceKey, aliceSecret).exchange()
	answer(x, 200, map[string]string{"Content-Type": "text/xml"}, "<"+action+"Response><"+action+"Result>"+result+"</"+action+"Result></"+action+"Response>")
	return x
}

// created is the answer of CreateAccessKey.
func created(t testing.TB, user, key string) *gateway.Exchange {
	return formCall(t, "iam", "Action=CreateAccessKey&UserName="+user,
		"<AccessKey><UserName>"+user+"</UserName><AccessKeyId>"+key+"</AccessKeyId><Status>Active</Status><SecretAccessKey>"+plantedSecret+"</SecretAccessKey></AccessKey>")
}

func credentials(key string, expires time.Time) string {
	return "<Credentials><AccessKeyId>" + key + "</AccessKeyId><SecretAccessKey>" + plantedSecret + "</SecretAccessKey><SessionToken>" + plantedSecret +
		"</SessionToken><Expiration>" + expires.Format(time.RFC3339) + "</Expiration></Credentials>"
}

func assumed(t testing.TB, account, key string) *gateway.Exchange {
	return formCall(t, "sts", "Action=AssumeRole&RoleArn=arn:aws:iam::"+account+":role/ops/deploy&RoleSessionName=ci&SourceIdentity=alice",
		credentials(key, noon.Add(time.Hour))+"<SourceIdentity>alice</SourceIdentity><AssumedRoleUser><AssumedRoleId>AROADEPLOY:ci</AssumedRoleId><Arn>arn:aws:sts::"+account+
			":assumed-role/deploy/ci</Arn></AssumedRoleUser>")
}

// a school is Identities that learn.
type school struct {
	*gateway.Identities
	t *testing.T
}

func newSchool(t *testing.T, cfg gateway.IdentitiesConfig) school {
	cfg.Catalog = opencatalog(t, t.TempDir())
	return school{opened(t, cfg), t}
}

func (s school) learn(x *gateway.Exchange) *gateway.Conflict {
	s.t.Helper()
	conflict, err := s.Learn(s.t.Context(), x, "r", routeAccount, alice, noon)
	if err != nil {
		s.t.Fatal(err)
	}
	return conflict
}

func (s school) good(x *gateway.Exchange) {
	s.t.Helper()
	if x.Model == nil || x.Err != nil {
		s.t.Fatalf("%+v", x)
	}
	if c := s.learn(x); c != nil {
		s.t.Fatalf("%+v", c)
	}
}

func (s school) who(key string, change ...func(*gateway.Asking)) gateway.Caller {
	s.t.Helper()
	return resolve(s.t, s.Identities, createUser(s.t, key, "the backend's"), change...)
}

func TestLearnedUsers(t *testing.T) {
	t.Parallel()
	s := newSchool(t, gateway.IdentitiesConfig{})
	s.good(formCall(t, "iam", "Action=CreateUser&UserName=bob&Path=/eng/", "<User><UserName>bob</UserName><Path>/eng/</Path><UserId>AIDABOB</UserId><Arn>arn:aws:iam::"+routeAccount+":user/eng/bob</Arn></User>"))
	s.good(created(t, "bob", "AKIABOB"))
	s.good(created(t, "bob", "AKIABOB")) // the answer comes twice
	bob := s.who("AKIABOB")
	if bob.Source != "learned" || bob.Identity.ARN != "arn:aws:iam::"+routeAccount+":user/eng/bob" || bob.Identity.PrincipalID != "AIDABOB" || bob.Identity.Type != "IAMUser" || bob.Verified {
		t.Errorf("%+v", bob)
	}
	if c := s.who("AKIABOB", func(q *gateway.Asking) { q.Route = "another" }); c.Identity.Type != "Unknown" {
		t.Errorf("on another route: %+v", c)
	}
	if c := s.who("AKIABOB", func(q *gateway.Asking) { q.Account = otherAccount }); c.Identity.Type != "Unknown" {
		t.Errorf("in another account: %+v", c)
	}

	s.good(created(t, "carol", "AKIACAROL")) // whose path and ID nobody told yet
	if c := s.who("AKIACAROL"); c.Identity.UserName != "carol" || c.Identity.PrincipalID != "" {
		t.Errorf("%+v", c)
	}
	s.good(formCall(t, "iam", "Action=GetUser&UserName=carol", "<User><UserName>carol</UserName><Path>/ops/</Path><UserId>AIDACAROL</UserId><Arn>arn:aws:iam::"+routeAccount+":user/ops/carol</Arn></User>"))
	if c := s.who("AKIACAROL"); c.Identity.PrincipalID != "AIDACAROL" || c.Identity.ARN != "arn:aws:iam::"+routeAccount+":user/ops/carol" {
		t.Errorf("%+v", c)
	}

	s.good(formCall(t, "iam", "Action=UpdateUser&UserName=bob&NewUserName=robert&NewPath=/", ""))
	if c := s.who("AKIABOB"); c.Identity.UserName != "robert" || c.Identity.ARN != "arn:aws:iam::"+routeAccount+":user/robert" || c.Identity.PrincipalID != "AIDABOB" {
		t.Errorf("renamed: %+v", c)
	}
	s.good(created(t, "robert", "AKIABOB2"))
	if c := s.who("AKIABOB2"); c.Identity.PrincipalID != "AIDABOB" {
		t.Errorf("a key after the renaming: %+v", c)
	}
	s.good(formCall(t, "iam", "Action=UpdateAccessKey&UserName=robert&AccessKeyId=AKIABOB&Status=Inactive", ""))
	if c := s.who("AKIABOB"); c.Identity.Type != "Unknown" || c.Unverified == "" {
		t.Errorf("an inactive key: %+v", c)
	}
	s.good(formCall(t, "iam", "Action=UpdateAccessKey&UserName=robert&AccessKeyId=AKIABOB&Status=Active", ""))
	if c := s.who("AKIABOB"); c.Identity.UserName != "robert" {
		t.Errorf("an active key: %+v", c)
	}
	s.good(formCall(t, "iam", "Action=DeleteAccessKey&UserName=robert&AccessKeyId=AKIABOB", ""))
	if c := s.who("AKIABOB"); c.Identity.Type != "Unknown" {
		t.Errorf("a deleted key: %+v", c)
	}
	s.good(formCall(t, "iam", "Action=DeleteUser&UserName=robert", ""))
	if c := s.who("AKIABOB2"); c.Identity.Type != "Unknown" {
		t.Errorf("a key of a deleted user: %+v", c)
	}
}

func TestLearnedSessions(t *testing.T) {
	t.Parallel()
	s := newSchool(t, gateway.IdentitiesConfig{})
	s.good(assumed(t, routeAccount, "ASIADEPLOY"))
	c := s.who("ASIADEPLOY")
	call := &aws.Call{Time: noon, Service: "iam", Operation: "CreateUser", Region: "us-east-1", Identity: c.Identity}
	var r struct{ UserIdentity any }
	if err := json.Unmarshal(record.Append(nil, call, record.Details{}), &r); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(r.UserIdentity)
	want := `{"accessKeyId":"ASIADEPLOY","accountId":"123456789012","arn":"arn:aws:sts::123456789012:assumed-role/deploy/ci","principalId":"AROADEPLOY:ci","sessionContext":` +
		`{"attributes":{"creationDate":"2026-05-06T12:00:00Z","mfaAuthenticated":"false"},"sessionIssuer":{"accountId":"123456789012","arn":"arn:aws:iam::123456789012:role/ops/deploy",` +
		`"principalId":"AROADEPLOY","type":"Role","userName":"deploy"},"sourceIdentity":"alice"},"type":"AssumedRole"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c := s.who("ASIADEPLOY", func(q *gateway.Asking) { q.At = noon.Add(time.Hour) }); c.Identity.Type != "Unknown" || c.Unverified != "ExpiredToken" {
		t.Errorf("after its time: %+v", c)
	}

	s.good(formCall(t, "sts", "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::"+routeAccount+":role/web&RoleSessionName=w&WebIdentityToken=t",
		credentials("ASIAWEB", noon.Add(time.Hour))+"<Provider>accounts.google.com</Provider><AssumedRoleUser><AssumedRoleId>AROAWEB:w</AssumedRoleId><Arn>arn:aws:sts::"+routeAccount+":assumed-role/web/w</Arn></AssumedRoleUser>"))
	if c := s.who("ASIAWEB"); c.Identity.Session == nil || c.Identity.Session.WebIdentity == nil || c.Identity.Session.WebIdentity.Provider != "accounts.google.com" {
		t.Errorf("%+v", c)
	}
	line := string(record.Append(nil, &aws.Call{Time: noon, Service: "iam", Operation: "CreateUser", Identity: s.who("ASIAWEB").Identity}, record.Details{}))
	if !strings.Contains(line, `"webIdFederationData":{"federatedProvider":"accounts.google.com","attributes":{}}`) {
		t.Error(line)
	}

	s.good(formCall(t, "sts", "Action=GetSessionToken&SerialNumber=m&TokenCode=123456", credentials("ASIATOKEN", noon.Add(time.Hour))))
	if c := s.who("ASIATOKEN"); c.Identity.ARN != alice.ARN || c.Identity.PrincipalID != alice.PrincipalID || c.Identity.Session == nil || !c.Identity.Session.MFA {
		t.Errorf("GetSessionToken: %+v", c)
	}
	s.good(formCall(t, "sts", "Action=GetFederationToken&Name=guest", credentials("ASIAFED", noon.Add(time.Hour))+
		"<FederatedUser><FederatedUserId>"+routeAccount+":guest</FederatedUserId><Arn>arn:aws:sts::"+routeAccount+":federated-user/guest</Arn></FederatedUser>"))
	if c := s.who("ASIAFED"); c.Identity.Type != "FederatedUser" || c.Identity.PrincipalID != routeAccount+":guest" || c.Identity.Session.Issuer.UserName != "alice" {
		t.Errorf("GetFederationToken: %+v", c)
	}
	// MinIO's AssumeRole, whatever the ARN.
	s.good(formCall(t, "sts", "Action=AssumeRole&RoleArn=arn:xxx:xxx:xxx:xxxx&RoleSessionName=any", credentials("MINIOKEY", noon.Add(time.Hour))+"<AssumedRoleUser><Arn></Arn></AssumedRoleUser>"))
	if c := s.who("MINIOKEY"); c.Identity.ARN != alice.ARN || c.Identity.Session == nil {
		t.Errorf("MinIO's AssumeRole: %+v", c)
	}
	// A rename reaches the sessions, too.
	s.good(formCall(t, "iam", "Action=UpdateUser&UserName=alice&NewUserName=alicia", ""))
	if c := s.who("ASIATOKEN"); c.Identity.UserName != "alicia" {
		t.Errorf("a session of a user with a new name: %+v", c)
	}
}

func TestForgedIdentityAnswers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: AKIAMAPPED, userName: mapped}\n")
	s := newSchool(t, gateway.IdentitiesConfig{Keys: aliceOnly(), MappingFile: path, Own: []gateway.OwnKey{{AccessKeyID: "AKIAOWN", Secret: "s"}}})
	s.good(created(t, "bob", "AKIABOB"))
	for name, x := range map[string]*gateway.Exchange{
		"another user for a known key": created(t, "mallory", "AKIABOB"),
		"a key of Cairn's IAM":         created(t, "mallory", aliceKey),
		"a mapped key":                 created(t, "mallory", "AKIAMAPPED"),
		"Cairn's own key":              created(t, "mallory", "AKIAOWN"),
		"a session in another account": assumed(t, otherAccount, "ASIAFORGED1"),
		"a user who was not asked for": formCall(t, "iam", "Action=CreateAccessKey&UserName=bob", "<AccessKey><UserName>root</UserName><AccessKeyId>AKIAFORGED2</AccessKeyId></AccessKey>"),
		"another caller's key":         formCall(t, "iam", "Action=CreateAccessKey", "<AccessKey><UserName>admin</UserName><AccessKeyId>AKIAFORGED3</AccessKeyId></AccessKey>"),
		"a role that was not asked for": formCall(t, "sts", "Action=AssumeRole&RoleArn=arn:aws:iam::"+routeAccount+":role/guest&RoleSessionName=s", credentials("ASIAFORGED4", noon.Add(time.Hour))+
			"<AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::"+routeAccount+":assumed-role/admin/s</Arn></AssumedRoleUser>"),
		"a name that makes another ARN": formCall(t, "iam", "Action=CreateAccessKey", "<AccessKey><UserName>a/b:c</UserName><AccessKeyId>AKIAFORGED5</AccessKeyId></AccessKey>"),
		"a root of another account":     formCall(t, "sts", "Action=AssumeRoot&TargetPrincipal="+otherAccount, credentials("ASIAFORGED6", noon.Add(time.Hour))),
		"a user of another account":     formCall(t, "iam", "Action=GetUser&UserName=bob", "<User><UserName>bob</UserName><Path>/</Path><UserId>AIDAX</UserId><Arn>arn:aws:iam::"+otherAccount+":user/bob</Arn></User>"),
		"somebody else's key deleted":   formCall(t, "iam", "Action=DeleteAccessKey&UserName=mallory&AccessKeyId=AKIABOB", ""),
	} {
		c := s.learn(x)
		if c == nil || c.Reason == "" || c.Operation == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := s.who("AKIABOB"); c.Identity.UserName != "bob" {
		t.Errorf("%+v", c)
	}
	for i := 1; i <= 6; i++ {
		for _, kind := range []string{"AKIA", "ASIA"} {
			if c := s.who(fmt.Sprintf("%sFORGED%d", kind, i)); c.Identity.Type != "Unknown" {
				t.Errorf("%+v", c)
			}
		}
	}
	// An answer that is none teaches nothing.
	x := created(t, "mallory", "AKIAFAILED")
	x.Status = 500
	if c := s.learn(x); c != nil || s.who("AKIAFAILED").Identity.Type != "Unknown" {
		t.Errorf("%+v", c)
	}
}

func TestLearnedIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cat := opencatalog(t, dir)
	s := school{opened(t, gateway.IdentitiesConfig{Catalog: cat}), t}
	s.good(created(t, "bob", "AKIABOB"))
	s.good(assumed(t, routeAccount, "ASIADEPLOY"))
	if err := cat.Close(); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(plantedSecret)) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s = school{opened(t, gateway.IdentitiesConfig{Catalog: opencatalog(t, dir)}), t}
	if c := s.who("AKIABOB"); c.Identity.UserName != "bob" {
		t.Errorf("%+v", c)
	}
	if c := s.who("ASIADEPLOY"); c.Identity.PrincipalID != "AROADEPLOY:ci" {
		t.Errorf("%+v", c)
	}
	if c := s.learn(created(t, "mallory", "AKIABOB")); c == nil {
		t.Error("a known key was given away after a restart")
	}
}

// The answer of a read teaches, and is not recorded for it.
func TestReadsThatTeachLeaveNoAnswer(t *testing.T) {
	t.Parallel()
	x := formCall(t, "iam", "Action=GetUser&UserName=bob", "<User><UserName>bob</UserName><Path>/</Path><UserId>AIDAX</UserId><Arn>arn:aws:iam::"+routeAccount+":user/bob</Arn></User>")
	call := x.Call()
	call.Time, call.Identity = noon, alice
	if line := record.Append(nil, call, x.Details()); !bytes.Contains(line, []byte(`"responseElements":null`)) {
		t.Errorf("%s", line)
	}
}
