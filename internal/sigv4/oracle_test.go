package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/internal/sigv4"
)

// generator makes requests that are odd and still well-formed.
type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) text(limit int) string {
	var b strings.Builder
	for range g.IntN(limit) {
		b.WriteString(g.pick("a", "Z", "0", "9", "-", "_", ".", "~", " ", "  ", "+", "%", "&", "=", ";", ":", "@", "$", "!", "*", "'", "(", ")", ",", "\"", "<", "^", "|", "{", "#", "?", "/", "ሴ", "é", "日本", "🪨", "%20", "%2F"))
	}
	return b.String()
}

func (g generator) path(resolved bool) string {
	var b strings.Builder
	for range g.IntN(5) {
		b.WriteString("/")
		segment := g.text(6)
		if resolved {
			segment = strings.NewReplacer("/", "", ".", "").Replace(segment) + "x"
		}
		b.WriteString(segment)
	}
	if b.Len() == 0 || g.IntN(4) == 0 {
		b.WriteString("/")
	}
	path := b.String()
	if resolved {
		return strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// query returns parameters whose order is the same encoded and decoded: the
// SDK's signer sorts them before it encodes them, which is not the rule.
func (g generator) query() string {
	for {
		values := make(url.Values)
		for range g.IntN(5) {
			values.Add(g.text(5), g.text(8))
		}
		names := []string{"X-Amz-Algorithm", "X-Amz-User-Agent"} // what presigning adds lies between
		inOrder := func(decoded []string) bool {
			encoded := slices.Clone(decoded)
			slices.Sort(decoded)
			slices.SortFunc(encoded, func(a, b string) int { return strings.Compare(escape(a), escape(b)) })
			return slices.Equal(decoded, encoded)
		}
		ok := true
		for name, of := range values {
			names = append(names, name)
			ok = ok && inOrder(slices.Clone(of))
		}
		if ok && inOrder(names) {
			return values.Encode()
		}
	}
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func (g generator) request(t testing.TB, service string) (*http.Request, []byte) {
	t.Helper()
	u := &url.URL{Scheme: "https", Host: g.pick("localhost:8443", "cloudtrail.us-east-1.amazonaws.com", "bucket.s3.example.com:9000", "[::1]:80"), RawQuery: g.query()}
	u.Path = g.path(service != "s3")
	if strings.HasPrefix(u.Path, "//") {
		u.Path = u.Path[1:] // a client of net/http would send another host
	}
	body := []byte(g.text(200))
	r, err := http.NewRequest(g.pick("GET", "POST", "PUT", "DELETE", "HEAD"), u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for range g.IntN(6) {
		name := g.pick("X-Amz-Target", "X-Amz-Meta-Colour", "x-amz-user-agent", "Content-Type", "Accept", "My-Header1", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id", "X-Custom", "Cookie", "Range", "X-Amzn-Trace-Id")
		if name == "X-Amz-Target" || name == "x-amz-user-agent" {
			r.Header.Del(name) // the SDK does not sort two of them when it moves them to the query
		}
		r.Header.Add(name, g.pick("CloudTrail_20131101.LookupEvents", "  two   spaces  ", "a,b", "", "\"quoted   text\"", "ünïcödé", "attempt=1; max=3", "application/x-amz-json-1.1"))
	}
	if g.IntN(2) == 0 {
		r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47")
	}
	return r, body
}

// wire sends r through the bytes of HTTP/1.1.
func wire(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatalf("write %s: %v", r.URL, err)
	}
	read, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil {
		t.Fatalf("read %s: %v", r.URL, err)
	}
	return read
}

// What the SDK signs verifies, under the rules of S3 and of the others, and not
// with another secret. What Sign and Presign sign verifies too.
func TestSDKSigner(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(4, 2))}
	now := at(t, "20260228T235930Z")
	ctx := context.Background()
	const secret = "a/secret+with=signs"
	for i := range 1200 {
		service := g.pick("cloudtrail", "s3", "sts", "monitoring", "iam", "s3")
		region := g.pick("us-east-1", "eu-central-1", "aws-global")
		credentials := aws.Credentials{AccessKeyID: g.pick("AKIAIOSFODNN7EXAMPLE", "123456789012", "a/b"), SecretAccessKey: secret}
		if g.IntN(3) == 0 {
			credentials.SessionToken = "FwoGZXIvYXdzE/+=" + g.pick("", "%", "aaa")
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		r, body := g.request(t, service)
		payload := sigv4.HashPayload(body)
		if g.IntN(4) == 0 {
			payload = sigv4.UnsignedPayload
		}
		form := i % 4
		var err error
		switch form {
		case 0: // the SDK, in the header
			if service == "s3" || payload == sigv4.UnsignedPayload {
				r.Header.Set("X-Amz-Content-Sha256", payload)
			}
			err = signer.SignHTTP(ctx, credentials, r, payload, service, region, now)
		case 1: // the SDK, in the query
			if service != "s3" && payload == sigv4.UnsignedPayload || service == "s3" && payload != sigv4.UnsignedPayload {
				r.Header.Set("X-Amz-Content-Sha256", payload)
			}
			query := r.URL.Query()
			query.Set("X-Amz-Expires", "900")
			r.URL.RawQuery = query.Encode()
			var signed string
			var header http.Header
			if signed, header, err = signer.PresignHTTP(ctx, credentials, r, payload, service, region, now); err == nil {
				r = rebuild(t, r, signed, header, body)
			}
		case 2:
			err = sigv4.Sign(r, payload, credentialsOf(credentials), service, region, now)
		case 3:
			var signed string
			if signed, err = sigv4.Presign(r, payload, credentialsOf(credentials), service, region, 15*time.Minute, now); err == nil {
				r = rebuild(t, r, signed, r.Header, body)
			}
		}
		if err != nil {
			t.Fatalf("sign %s: %v", r.URL, err)
		}
		got := wire(t, r)
		read, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		s, err := sigv4.Parse(got)
		if err != nil {
			t.Errorf("case %d, %s: parse: %v", i, got.RequestURI, err)
			continue
		}
		if s.AccessKeyID != credentials.AccessKeyID || s.SessionToken != credentials.SessionToken || s.Region != region || s.Service != service || !s.Date.Equal(now) || s.Presigned != (form%2 == 1) || s.Presigned && s.Expires != 15*time.Minute {
			t.Errorf("case %d: parsed %+v of %s", i, s, got.RequestURI)
		}
		o := sigv4.VerifyOptions{Now: now.Add(time.Minute), Region: region, Service: service, Body: read, AllowUnsignedPayload: true}
		if err := s.Verify(got, secret, o); err != nil {
			t.Errorf("case %d (form %d), %s %s: %s", i, form, got.Method, got.RequestURI, explain(err))
		}
		if err := s.Verify(got, secret+"x", o); sigv4.KindOf(err) != sigv4.SignatureMismatch {
			t.Errorf("case %d with another secret: %v", i, err)
		}
		if payload != sigv4.UnsignedPayload {
			o.Body = append(read, 'x')
			if err := s.Verify(got, secret, o); err == nil {
				t.Errorf("case %d verifies with another body", i)
			}
		}
	}
}

func credentialsOf(c aws.Credentials) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

// rebuild makes the request of a presigned URL.
func rebuild(t testing.TB, r *http.Request, signed string, header http.Header, body []byte) *http.Request {
	t.Helper()
	presigned, err := http.NewRequest(r.Method, signed, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		switch name {
		case "Host", "Content-Length":
		default:
			presigned.Header[name] = values
		}
	}
	presigned.Host = r.Host
	return presigned
}

// The same request signed by the SDK and by Sign has the same signature.
func TestSignEqualsSDK(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T235930Z")
	for _, service := range []string{"cloudtrail", "s3"} {
		for _, token := range []string{"", "token/with+signs="} {
			var authorizations [2]string
			for i := range authorizations {
				r, err := http.NewRequest("POST", "http://127.0.0.1:4510/a%20b/c?d=e%2Ff&g", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
				c := aws.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret, SessionToken: token}
				if i == 0 {
					err = sigv4.Sign(r, sigv4.EmptyPayload, credentialsOf(c), service, "us-east-1", now)
				} else {
					if service == "s3" {
						r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyPayload)
					}
					signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
					err = signer.SignHTTP(context.Background(), c, r, sigv4.EmptyPayload, service, "us-east-1", now)
				}
				if err != nil {
					t.Fatal(err)
				}
				authorizations[i] = r.Header.Get("Authorization")
			}
			if authorizations[0] != authorizations[1] {
				t.Errorf("%s: Sign made\n%s, the SDK\n%s", service, authorizations[0], authorizations[1])
			}
		}
	}
}

// What cannot be signed is refused.
func TestSignRefuses(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("GET", "http://localhost/?a;b", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := sigv4.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}
	if err := sigv4.Sign(r.Clone(t.Context()), sigv4.EmptyPayload, c, "sts", "us-east-1", time.Now()); err == nil {
		t.Error("signed a query with a semicolon")
	}
	r.URL.RawQuery = ""
	for _, name := range []string{"", "us east", "us/east"} {
		if err := sigv4.Sign(r.Clone(t.Context()), sigv4.EmptyPayload, c, "sts", name, time.Now()); err == nil {
			t.Errorf("signed for the region %q", name)
		}
	}
	for _, expires := range []time.Duration{0, -1, time.Millisecond, 1500 * time.Millisecond, 604801 * time.Second} {
		if _, err := sigv4.Presign(r, sigv4.EmptyPayload, c, "sts", "us-east-1", expires, time.Now()); err == nil {
			t.Errorf("presigned for %v", expires)
		}
	}
	if got := fmt.Sprint(r.Header); got != "map[]" {
		t.Errorf("presigning left %s", got)
	}
}
