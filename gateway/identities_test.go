package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/gateway"
	"cairn/identity"
	"cairn/internal/sigv4"
	"cairn/record"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	routeAccount = "123456789012"
	otherAccount = "210987654321"
	aliceKey     = "AKIAALICE00000000001"
	aliceSecret  = "alices+secret/which/nobody/else/knows000"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

var alice = aws.Identity{Type: "IAMUser", PrincipalID: "AIDAALICE", ARN: "arn:aws:iam::" + routeAccount + ":user/alice", AccountID: routeAccount, UserName: "alice"}

// keys are an IAM that knows a few keys.
type keys map[string]*aws.Credential

func (k keys) Credential(_ context.Context, id, token, _ string) (*aws.Credential, error) {
	switch c := k[id]; {
	case id == "ASIAEXPIRED000000001":
		return nil, aws.ErrExpiredToken
	case id == "AKIABROKEN0000000001":
		return nil, io.ErrUnexpectedEOF
	case c == nil:
		return nil, aws.ErrUnknownKey
	default:
		return c, nil
	}
}

func aliceOnly() keys { return keys{aliceKey: {Secret: aliceSecret, Identity: alice}} }

// opened returns Identities that are closed with the test.
func opened(t testing.TB, cfg gateway.IdentitiesConfig) *gateway.Identities {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon }
	}
	s, err := gateway.OpenIdentities(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// a wired request is one as a server has read it.
type wired struct {
	r    *http.Request
	body []byte
}

// wire sends a request to nobody and reads it as a server does.
func wire(t testing.TB, r *http.Request, body string) wired {
	t.Helper()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	if body == "" {
		r.Body = http.NoBody
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	read, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil {
		t.Fatal(err)
	}
	return wired{read, []byte(body)}
}

func (w wired) exchange() *gateway.Exchange {
	d := &gateway.Decoder{}
	return d.Request(&gateway.Request{
		Method: w.r.Method, Target: w.r.RequestURI, Host: w.r.Host, Header: w.r.Header,
		Body: gateway.Capture{Bytes: w.body, Size: int64(len(w.body))},
	})
}

func (w wired) asking() gateway.Asking {
	return gateway.Asking{Route: "r", Account: routeAccount, Request: w.r, Body: w.body, Whole: true, At: noon}
}

func resolve(t testing.TB, s *gateway.Identities, w wired, change ...func(*gateway.Asking)) gateway.Caller {
	t.Helper()
	q := w.asking()
	for _, f := range change {
		f(&q)
	}
	return s.Resolve(t.Context(), w.exchange(), q)
}

// request makes an unsigned request.
func request(t testing.TB, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// signedBy signs a request as the SDK does, and sends it.
func signedBy(t testing.TB, r *http.Request, body, payload, service, key, secret string) wired {
	t.Helper()
	if payload == "" {
		payload = sigv4.HashPayload([]byte(body))
	} else {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	c := sdk.Credentials{AccessKeyID: key, SecretAccessKey: secret}
	if err := signer.SignHTTP(t.Context(), c, r, payload, service, "eu-west-1", noon); err != nil {
		t.Fatal(err)
	}
	return wire(t, r, body)
}

func createUser(t testing.TB, key, secret string) wired {
	body := "Action=CreateUser&UserName=mallory&Version=2010-05-08"
	return signedBy(t, request(t, "POST", "http://iam.amazonaws.com/", body, "Content-Type", formType), body, "", "iam", key, secret)
}

func TestCallersOfIAM(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
	c := resolve(t, s, createUser(t, aliceKey, aliceSecret))
	if !c.Verified || c.Source != "iam" || c.Identity.ARN != alice.ARN || c.Identity.AccessKeyID != aliceKey || c.Unverified != "" || c.PayloadHash != "" {
		t.Errorf("a good signature: %+v", c)
	}

	forged := createUser(t, aliceKey, "not her secret")
	c = resolve(t, s, forged)
	if c.Verified || c.Identity.Type != "Unknown" || c.Identity.AccessKeyID != aliceKey || c.Identity.ARN != "" || c.Identity.AccountID != routeAccount ||
		c.Unverified != "SignatureDoesNotMatch" || c.Refuse != nil {
		t.Errorf("a forged signature, recorded: %+v", c)
	}
	c = resolve(t, s, forged, func(q *gateway.Asking) { q.Signatures = gateway.RefuseSignatures })
	if c.Verified || c.Refuse == nil || c.Refuse.Code != "SignatureDoesNotMatch" || c.Refuse.Status != 403 {
		t.Errorf("a forged signature, refused: %+v", c)
	}
	c = resolve(t, s, forged, func(q *gateway.Asking) { q.Signatures = gateway.IgnoreSignatures })
	if c.Verified || c.Identity.ARN != alice.ARN || c.Unverified == "" {
		t.Errorf("a forged signature, ignored: %+v", c)
	}

	c = resolve(t, s, createUser(t, "AKIAUNKNOWN000000001", "x"), func(q *gateway.Asking) { q.Signatures = gateway.RefuseSignatures })
	if c.Identity.Type != "Unknown" || c.Identity.AccessKeyID != "AKIAUNKNOWN000000001" || c.Source != "" || c.Refuse != nil {
		t.Errorf("an unknown key: %+v", c)
	}
	c = resolve(t, s, createUser(t, "ASIAEXPIRED000000001", "x"), func(q *gateway.Asking) { q.Signatures = gateway.RefuseSignatures })
	if c.Identity.Type != "Unknown" || c.Unverified != "ExpiredToken" || c.Refuse == nil || c.Refuse.Code != "ExpiredToken" {
		t.Errorf("an expired session: %+v", c)
	}
	c = resolve(t, s, createUser(t, "AKIABROKEN0000000001", "x"))
	if c.Identity.Type != "Unknown" || c.Unverified == "" {
		t.Errorf("a key that cannot be looked up: %+v", c)
	}
}

// Whatever the form of the body and the place of the signature, what was forged or
// changed is not verified, and what is good is where it can be.
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
	const body = "some content"
	modes := map[string]string{
		"signed": sigv4.HashPayload([]byte(body)), "unsigned": sigv4.UnsignedPayload, "stream": sigv4.StreamingPayload,
		"trailer": sigv4.StreamingPayloadTrailer, "unsigned trailer": sigv4.StreamingUnsignedTrailer, "events": sigv4.StreamingEvents,
		"absent": "", "nonsense": "NONSENSE",
	}
	good := map[string]bool{
		"signed/header": true, "unsigned/header": true, "stream/header": true, "trailer/header": true, "unsigned trailer/header": true, "events/header": true,
		"signed/query": true, "unsigned/query": true, "absent/query": true,
	}
	cells := 0
	for mode, payload := range modes {
		for _, place := range []string{"header", "query", "both", "none", "v2", "v2 header", "form"} {
			for _, secret := range []string{aliceSecret, "forged"} {
				cells++
				r := request(t, "PUT", "http://s3.eu-west-1.amazonaws.com/bucket/key", body)
				if payload != "" {
					r.Header.Set("X-Amz-Content-Sha256", payload)
				}
				hash := payload
				if hash == "" {
					hash = sigv4.HashPayload([]byte(body))
				}
				creds := sigv4.Credentials{AccessKeyID: aliceKey, SecretAccessKey: secret}
				signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
				c := sdk.Credentials{AccessKeyID: aliceKey, SecretAccessKey: secret}
				sign := func() {
					if err := signer.SignHTTP(t.Context(), c, r, hash, "s3", "eu-west-1", noon); err != nil {
						t.Fatal(err)
					}
				}
				presign := func() {
					if payload == "" {
						hash = sigv4.UnsignedPayload
					}
					signed, err := sigv4.Presign(r, hash, creds, "s3", "eu-west-1", time.Hour, noon)
					if err != nil {
						t.Fatal(err)
					}
					u := request(t, "PUT", signed, body)
					u.Header = r.Header
					r = u
				}
				switch place {
				case "header":
					sign()
				case "query":
					presign()
				case "both":
					presign()
					sign()
				case "v2":
					r.URL.RawQuery = "AWSAccessKeyId=" + aliceKey + "&Expires=" + fmt.Sprint(noon.Unix()+60) + "&Signature=Zm9yZ2Vk"
				case "v2 header":
					r.Header.Set("Authorization", "AWS "+aliceKey+":Zm9yZ2Vk")
				case "form":
					r.Header.Set("Content-Type", formType)
				}
				sent := body
				if place == "form" {
					sent = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + aliceKey + "%2F20260506%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=" + zeros
				}
				w := wire(t, r, sent)
				cell := mode + "/" + place
				got := resolve(t, s, w)
				if want := good[cell] && secret == aliceSecret; got.Verified != want {
					t.Errorf("%s, secret %q: verified %v: %+v", cell, secret, got.Verified, got)
				}
				if got.Verified != (got.Identity.ARN != "") {
					t.Errorf("%s: %+v", cell, got)
				}
				if refused := resolve(t, s, w, func(q *gateway.Asking) { q.Signatures = gateway.RefuseSignatures }); refused.Refuse != nil && refused.Verified ||
					refused.Refuse == nil && !refused.Verified && place != "none" && w.exchange().Signature.AccessKeyID == aliceKey {
					t.Errorf("%s, secret %q: refused %+v", cell, secret, refused)
				}
				if !got.Verified {
					continue
				}
				// Every change of what is signed undoes the signature.
				changes := map[string]func(w *wired){
					"path":   func(w *wired) { w.r.URL.Path, w.r.RequestURI = "/bucket/other", "/bucket/other?"+w.r.URL.RawQuery },
					"method": func(w *wired) { w.r.Method = "DELETE" },
					"host":   func(w *wired) { w.r.Host = "s3.us-east-1.amazonaws.com" },
					"query":  func(w *wired) { w.r.URL.RawQuery += "&acl"; w.r.RequestURI += "&acl" },
					"header": func(w *wired) { w.r.Header.Set("X-Amz-Acl", "public-read") },
				}
				if mode == "signed" {
					changes["body"] = func(w *wired) { w.body = []byte("other content") }
				}
				for what, change := range changes {
					w := wired{w.r.Clone(t.Context()), w.body}
					change(&w)
					if got := resolve(t, s, w); got.Verified {
						t.Errorf("%s: verified with another %s", cell, what)
					}
				}
			}
		}
	}
	if cells != 8*7*2 {
		t.Errorf("%d cells", cells)
	}
}

// Signatures of services whose operation is in the body must cover it.
func TestBodiesMustBeSigned(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
	body := "Action=CreateUser&UserName=mallory&Version=2010-05-08"
	for _, payload := range []string{sigv4.UnsignedPayload, sigv4.StreamingUnsignedTrailer} {
		w := signedBy(t, request(t, "POST", "http://iam.amazonaws.com/", body, "Content-Type", formType), body, payload, "iam", aliceKey, aliceSecret)
		if c := resolve(t, s, w); c.Verified || c.Identity.ARN != "" {
			t.Errorf("%s: %+v", payload, c)
		}
	}
	w := createUser(t, aliceKey, aliceSecret)
	w.body = []byte(strings.Replace(body, "mallory", "trent", 1))
	if c := resolve(t, s, w); c.Verified {
		t.Errorf("another body: %+v", c)
	}
	w = createUser(t, aliceKey, aliceSecret) // whose hash is not declared
	c := resolve(t, s, w, func(q *gateway.Asking) { q.Body, q.Whole = q.Body[:10], false })
	if c.Verified || !strings.Contains(c.Unverified, "too large") {
		t.Errorf("half a body: %+v", c)
	}
	hash := sigv4.HashPayload([]byte(body))
	w = signedBy(t, request(t, "POST", "http://iam.amazonaws.com/", body, "Content-Type", formType), body, hash, "iam", aliceKey, aliceSecret)
	c = resolve(t, s, w, func(q *gateway.Asking) { q.Body, q.Whole = q.Body[:10], false })
	if !c.Verified || c.PayloadHash != hash {
		t.Errorf("half a body with a hash: %+v", c)
	}
}

// The presigned queries of Version 2 are verified for S3, by path and by host.
func TestSignatureV2(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
	expires := fmt.Sprint(noon.Unix() + 60)
	for _, secret := range []string{aliceSecret, "forged"} {
		h := hmac.New(sha1.New, []byte(secret))
		h.Write([]byte("GET\n\n\n" + expires + "\n/bucket/key"))
		query := "?AWSAccessKeyId=" + aliceKey + "&Expires=" + expires + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(h.Sum(nil)))
		for _, target := range []string{"http://s3.amazonaws.com/bucket/key", "http://bucket.s3.amazonaws.com/key", "http://s3.amazonaws.com/bucket/other"} {
			w := wire(t, request(t, "GET", target+query, ""), "")
			want := secret == aliceSecret && !strings.HasSuffix(target, "other")
			if c := resolve(t, s, w); c.Verified != want || want != (c.Identity.ARN == alice.ARN) {
				t.Errorf("%s, secret %q: %+v", target, secret, c)
			}
			if c := resolve(t, s, w, func(q *gateway.Asking) { q.At = noon.Add(time.Hour) }); c.Verified {
				t.Errorf("%s: verified after its time", target)
			}
		}
	}
}

func TestTimeOfSignatures(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly()})
	w := createUser(t, aliceKey, aliceSecret)
	for skew, want := range map[time.Duration]bool{0: true, 15 * time.Minute: true, -15 * time.Minute: true, 15*time.Minute + time.Second: false, -15*time.Minute - time.Second: false} {
		if c := resolve(t, s, w, func(q *gateway.Asking) { q.At = noon.Add(skew) }); c.Verified != want {
			t.Errorf("skew %v: %+v", skew, c)
		}
	}
	signed, err := sigv4.Presign(request(t, "GET", "http://s3.amazonaws.com/b/k", ""), sigv4.UnsignedPayload, sigv4.Credentials{AccessKeyID: aliceKey, SecretAccessKey: aliceSecret}, "s3", "eu-west-1", time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	w = wire(t, request(t, "GET", signed, ""), "")
	for after, want := range map[time.Duration]bool{time.Hour: true, time.Hour + time.Second: false} {
		if c := resolve(t, s, w, func(q *gateway.Asking) { q.At = noon.Add(after) }); c.Verified != want {
			t.Errorf("%v after a presigned request: %+v", after, c)
		}
	}
}

func TestOwnDeliveries(t *testing.T) {
	t.Parallel()
	s := opened(t, gateway.IdentitiesConfig{Own: []gateway.OwnKey{{AccessKeyID: "AKIACAIRN00000000001", Secret: "cairns"}}, Keys: aliceOnly()})
	put := func(secret string) wired {
		return signedBy(t, request(t, "PUT", "http://s3.amazonaws.com/logs/a.gz", "x"), "x", sigv4.HashPayload([]byte("x")), "s3", "AKIACAIRN00000000001", secret)
	}
	if c := resolve(t, s, put("cairns")); !c.Own || !c.Verified {
		t.Errorf("%+v", c)
	}
	if c := resolve(t, s, put("forged")); c.Own || c.Verified || c.Unverified != "SignatureDoesNotMatch" {
		t.Errorf("an impostor: %+v", c)
	}
	if c := resolve(t, s, put("forged"), func(q *gateway.Asking) { q.Signatures = gateway.IgnoreSignatures }); c.Own {
		t.Errorf("an impostor where nothing is verified: %+v", c)
	}
}

func TestCallersWithoutSignature(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: "+aliceKey+", userName: alice}\n- {accessKeyId: \"*\", userName: everybody}\n")
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path})
	c := resolve(t, s, wire(t, request(t, "GET", "http://s3.amazonaws.com/b/k", ""), ""))
	if c.Identity.Type != "AWSAccount" || c.Identity.AccountID != "ANONYMOUS_PRINCIPAL" {
		t.Errorf("anonymous: %+v", c)
	}

	// A claim beside the token is nobody's.
	body := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=s&RoleArn=arn:aws:iam::" + routeAccount + ":role/r&WebIdentityToken=t"
	for _, extra := range []string{"", "&X-Amz-Credential=" + aliceKey + "%2F20260506%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256"} {
		w := wire(t, request(t, "POST", "http://sts.amazonaws.com/", body+extra, "Content-Type", formType), body+extra)
		x := w.exchange()
		c := s.Resolve(t.Context(), x, w.asking())
		if c.Identity.Type != "WebIdentityUser" || c.Identity.UserName != "" {
			t.Errorf("web identity: %+v", c)
		}
		answer(x, 200, nil, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Provider>accounts.google.com</Provider><Audience>app</Audience>`+
			`<SubjectFromWebIdentityToken>4711</SubjectFromWebIdentityToken></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
		c = c.Answered(x)
		call := x.Call()
		call.Identity = c.Identity
		var r struct{ UserIdentity map[string]string }
		if err := json.Unmarshal(record.Append(nil, call, x.Details()), &r); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"type": "WebIdentityUser", "principalId": "accounts.google.com:app:4711", "userName": "4711", "identityProvider": "accounts.google.com"}
		if fmt.Sprint(r.UserIdentity) != fmt.Sprint(want) {
			t.Errorf("recorded as %v", r.UserIdentity)
		}
	}
}

// Whom the backend refuses was nobody that the record may name.
func TestRefusedByTheBackend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: "+aliceKey+", userName: alice}\n")
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path})
	for _, a := range []struct {
		status  int
		code    string
		refused bool
	}{
		{403, "InvalidAccessKeyId", true}, {403, "SignatureDoesNotMatch", true}, {403, "InvalidClientTokenId", true}, {401, "Whatever", true},
		{403, "AccessDenied", false}, {404, "NoSuchKey", false}, {400, "ExpiredToken", true}, {400, "AuthorizationHeaderMalformed", true},
		{403, "XAdminUserNotFound", true}, {404, "XAdminUserNotFound", true},
		{403, "AuthFailure", true}, {400, "UnrecognizedClientException", true}, {403, "RequestTimeTooSkewed", true}, {500, "InternalError", false},
	} {
		w := signedBy(t, request(t, "GET", "http://s3.amazonaws.com/b/k", ""), "", sigv4.EmptyPayload, "s3", aliceKey, "unknown to Cairn")
		x := w.exchange()
		c := s.Resolve(t.Context(), x, w.asking())
		if c.Identity.UserName != "alice" || c.Source != "mapping" || c.Verified {
			t.Fatalf("%+v", c)
		}
		if c := c.Answered(x); c.Unverified == "" {
			t.Error("nothing is said of a call that was not answered")
		}
		answer(x, a.status, nil, "<Error><Code>"+a.code+"</Code></Error>")
		if got := gateway.Refused(x); got != a.refused {
			t.Errorf("%s: refused %v", a.code, got)
		}
		after := c.Answered(x)
		if a.refused != (after.Identity.UserName == "") || a.refused && (after.Identity.Type != "Unknown" || after.Identity.AccessKeyID != aliceKey || after.Unverified == "") {
			t.Errorf("%s: %+v", a.code, after)
		}
	}
	// Whoever stands before the backend can refuse a call, too, and proves nobody.
	for _, a := range []struct {
		method string
		status int
		body   string
		judged bool
	}{
		{"GET", 200, "", true}, {"GET", 304, "", true}, {"GET", 404, "<Error><Code>NoSuchKey</Code></Error>", true}, {"HEAD", 404, "", true},
		{"GET", 404, "<html><h1>404 Not Found</h1></html>", false}, {"GET", 413, "", false}, {"GET", 429, "slower", false}, {"GET", 301, "", false},
		{"GET", 405, "<Error><Code>MethodNotAllowed</Code></Error>", false}, {"GET", 400, "<Error><Code>InvalidBucketName</Code></Error>", false}, {"GET", 503, "<Error><Code>SlowDown</Code></Error>", false},
	} {
		w := signedBy(t, request(t, a.method, "http://s3.amazonaws.com/b/k", ""), "", sigv4.EmptyPayload, "s3", aliceKey, "unknown to Cairn")
		x := w.exchange()
		c := s.Resolve(t.Context(), x, w.asking())
		answer(x, a.status, nil, a.body)
		if c = c.Answered(x); c.Identity.UserName != "alice" || (c.Unverified == "") != a.judged {
			t.Errorf("%s %d %s: %+v", a.method, a.status, a.body, c)
		}
	}
	// versitygw's interface for its users says of others that they are not there: that of a
	// caller of whom nothing else is known proves nothing.
	w := signedBy(t, request(t, "PATCH", "http://s3.amazonaws.com/delete-user?access=x", ""), "", sigv4.EmptyPayload, "s3", aliceKey, "x")
	x := w.exchange()
	c := s.Resolve(t.Context(), x, w.asking())
	answer(x, 404, nil, "<Error><Code>XAdminUserNotFound</Code></Error>")
	if c = c.Answered(x); gateway.Refused(x) || c.Identity.UserName != "alice" || c.Unverified == "" {
		t.Errorf("%+v", c)
	}
	// HEAD has no words.
	w = signedBy(t, request(t, "HEAD", "http://s3.amazonaws.com/b/k", ""), "", sigv4.EmptyPayload, "s3", aliceKey, "x")
	x = w.exchange()
	answer(x, 403, nil, "")
	if !gateway.Refused(x) {
		t.Error("a HEAD that was forbidden is not taken for refused")
	}
}

func TestSeveralCredentials(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: "+aliceKey+", userName: alice}\n")
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path})
	r := request(t, "GET", "http://s3.amazonaws.com/b/k?AWSAccessKeyId=AKIAMALLORY&Signature=x&Expires=1", "")
	w := signedBy(t, r, "", sigv4.EmptyPayload, "s3", aliceKey, "x")
	if c := resolve(t, s, w); c.Identity.UserName != "" || c.Unverified == "" {
		t.Errorf("%+v", c)
	}
	// One in a form where no backend looks for it.
	for _, host := range []string{"s3.amazonaws.com/b/k?restore", "iam.amazonaws.com/"} {
		form := "Action=ListUsers&Version=2010-05-08&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" + zeros + "&X-Amz-Credential=" + aliceKey + "%2F20260506%2Feu-west-1%2Fs3%2Faws4_request"
		w := wire(t, request(t, "POST", "http://"+host, form, "Content-Type", formType), form)
		if c := resolve(t, s, w); c.Identity.UserName != "" {
			t.Errorf("%s: %+v", host, c)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func opencatalog(t testing.TB, dir string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Open(catalog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Close() })
	return cat
}

// Cairn's own IAM names its users, sessions and disabled keys.
func TestIdentityStore(t *testing.T) {
	t.Parallel()
	store, err := identity.Open(opencatalog(t, t.TempDir()), identity.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	key, secret, err := store.Bootstrap(routeAccount)
	if err != nil {
		t.Fatal(err)
	}
	s := opened(t, gateway.IdentitiesConfig{Keys: store})
	if c := resolve(t, s, createUser(t, key, secret)); !c.Verified || c.Identity.Type != "Root" {
		t.Errorf("%+v", c)
	}
	session, err := store.StartSession(identity.Session{Type: "Root", Account: routeAccount}, time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	temporary := func(token string) wired {
		body := "Action=ListUsers&Version=2010-05-08"
		r := request(t, "POST", "http://iam.amazonaws.com/", body, "Content-Type", formType)
		c := sdk.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.Secret, SessionToken: token}
		if err := v4.NewSigner().SignHTTP(t.Context(), c, r, sigv4.HashPayload([]byte(body)), "iam", "us-east-1", noon); err != nil {
			t.Fatal(err)
		}
		return wire(t, r, body)
	}
	if c := resolve(t, s, temporary(session.Token)); !c.Verified || c.Identity.Session == nil {
		t.Errorf("%+v", c)
	}
	if c := resolve(t, s, temporary("c3RvbGVu")); c.Verified || c.Identity.ARN != "" {
		t.Errorf("another token: %+v", c)
	}
}

func TestResolveTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: AKIABOB, userName: bob}\n")
	var mu sync.Mutex
	now := noon
	s := opened(t, gateway.IdentitiesConfig{Keys: aliceOnly(), MappingFile: path, Catalog: opencatalog(t, t.TempDir()), Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(100 * time.Millisecond)
		return now
	}, Logger: slog.New(slog.DiscardHandler)})
	a, b := createUser(t, aliceKey, aliceSecret), createUser(t, "AKIABOB", "x")
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			key := fmt.Sprintf("AKIALEARNED%09d", i%8)
			for range 3 {
				if c := resolve(t, s, a); !c.Verified {
					t.Errorf("%+v", c)
				}
				if c := resolve(t, s, b); c.Identity.UserName != "bob" {
					t.Errorf("%+v", c)
				}
			}
			x := created(t, fmt.Sprintf("user%d", i%8), key)
			if conflict, err := s.Learn(t.Context(), x, "r", routeAccount, alice, noon); conflict != nil || err != nil {
				t.Errorf("%+v, %v", conflict, err)
			}
			if c := resolve(t, s, createUser(t, key, "x")); c.Identity.UserName != fmt.Sprintf("user%d", i%8) {
				t.Errorf("%+v", c)
			}
		})
	}
	wg.Wait()
}

func BenchmarkResolve(b *testing.B) {
	store, err := identity.Open(opencatalog(b, b.TempDir()), identity.Options{Now: func() time.Time { return noon }})
	if err != nil {
		b.Fatal(err)
	}
	key, secret, err := store.Bootstrap(routeAccount)
	if err != nil {
		b.Fatal(err)
	}
	s := opened(b, gateway.IdentitiesConfig{Keys: store})
	w := createUser(b, key, secret)
	x, q := w.exchange(), w.asking()
	b.ReportAllocs()
	for b.Loop() {
		if c := s.Resolve(b.Context(), x, q); !c.Verified {
			b.Fatal(c.Unverified)
		}
	}
}
