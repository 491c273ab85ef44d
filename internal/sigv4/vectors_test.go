package sigv4_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

const (
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	s3Secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // of the examples in S3's documentation
	suiteKey    = "AKIDEXAMPLE"
	s3Key       = "AKIAIOSFODNN7EXAMPLE"
)

// serverRequest reads a request as net/http's server does.
func serverRequest(t testing.TB, raw string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("read %q: %v", raw, err)
	}
	return r
}

func at(t testing.TB, timestamp string) time.Time {
	t.Helper()
	when, err := time.Parse("20060102T150405Z", timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// verify reads the body of r, and parses and verifies its signature.
func verify(t testing.TB, r *http.Request, secret string, o sigv4.VerifyOptions) error {
	t.Helper()
	s, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	if r.Body != nil && !o.StreamBody {
		if o.Body, err = io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	return s.Verify(r, secret, o)
}

// explain adds to an error what it carries for finding the difference.
func explain(err error) string {
	if e, ok := err.(*sigv4.Error); ok && e.CanonicalRequest != "" {
		return e.Error() + "\n" + e.CanonicalRequest + "\n--\n" + e.StringToSign
	}
	return err.Error()
}

type suiteCase struct {
	Name, Method, Path, Body, Authorization string
	Query, Headers                          map[string]string
}

func loadSuite(t testing.TB) []suiteCase {
	t.Helper()
	data, err := os.ReadFile("testdata/suite.json")
	if err != nil {
		t.Fatal(err)
	}
	var suite struct{ Cases []suiteCase }
	if err := json.Unmarshal(data, &suite); err != nil {
		t.Fatal(err)
	}
	if len(suite.Cases) < 24 {
		t.Fatalf("the suite has only %d cases", len(suite.Cases))
	}
	return suite.Cases
}

func (c suiteCase) raw(target string) string {
	var b strings.Builder
	b.WriteString(c.Method + " " + target + " HTTP/1.1\r\n")
	for name, value := range c.Headers {
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(c.Body)) + "\r\nAuthorization: " + c.Authorization + "\r\n\r\n" + c.Body)
	return b.String()
}

// The cases of AWS's test suite verify, on the wire in both ways of spelling
// their query, and Sign makes the same signatures.
func TestSuite(t *testing.T) {
	t.Parallel()
	now := at(t, "20150830T123600Z")
	for _, c := range loadSuite(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			values := make(url.Values)
			for name, value := range c.Query {
				values.Set(name, value)
			}
			plus := values.Encode()
			for _, query := range []string{plus, strings.ReplaceAll(plus, "+", "%20")} {
				target := c.Path
				if query != "" {
					target += "?" + query
				}
				if err := verify(t, serverRequest(t, c.raw(target)), suiteSecret, sigv4.VerifyOptions{Now: now}); err != nil {
					t.Error(explain(err))
				}
			}

			u := &url.URL{Scheme: "https", Host: "example.amazonaws.com", Path: c.Path, RawQuery: plus}
			if c.Name == "get-utf8" {
				return // the suite signs a path that no client of net/http can send
			}
			r, err := http.NewRequest(c.Method, u.String(), strings.NewReader(c.Body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range c.Headers {
				r.Header.Set(name, value)
			}
			r.Header.Del("Host")
			if strings.Contains(c.Authorization, "content-length") {
				return // Sign leaves it out
			}
			err = sigv4.Sign(r, sigv4.HashPayload([]byte(c.Body)), sigv4.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret, SessionToken: c.Headers["x-amz-security-token"]}, "service", "us-east-1", now)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Header.Get("Authorization"); got != c.Authorization {
				t.Errorf("signed\n%s, want\n%s", got, c.Authorization)
			}
		})
	}
}

// Paths that resolve to others have the signature of those; under S3's rules
// they have not.
func TestResolvedPaths(t *testing.T) {
	t.Parallel()
	now := at(t, "20150830T123600Z")
	for sent, resolved := range map[string]string{
		"/": "/", "//": "/", "/./": "/", "/example/..": "/", "/example1/example2/../..": "/", "/..": "/", "/../../a": "/a",
		"/./example": "/example", "//example//": "/example/", "/a//b/./c/../d/": "/a/b/d/", "/a/..b/c.": "/a/..b/c.",
		"/a%2F..%2Fb": "/a%2F..%2Fb", "/%2e%2e/b": "/%2e%2e/b",
	} {
		for _, rules := range []sigv4.Rules{{}, {PathAsSent: true}} {
			r, err := http.NewRequest("GET", "https://example.amazonaws.com"+resolved, nil)
			if err != nil {
				t.Fatal(err)
			}
			service := "service"
			if rules.PathAsSent {
				service = "s3"
			}
			credentials := sigv4.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}
			if err := sigv4.Sign(r, sigv4.EmptyPayload, credentials, service, "us-east-1", now); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			b.WriteString("GET " + sent + " HTTP/1.1\r\nHost: example.amazonaws.com\r\n")
			if err := r.Header.Write(&b); err != nil {
				t.Fatal(err)
			}
			err = verify(t, serverRequest(t, b.String()+"\r\n"), suiteSecret, sigv4.VerifyOptions{Now: now})
			if good := !rules.PathAsSent || sent == resolved; (err == nil) != good {
				t.Errorf("%s signed as %s for %s: %v", sent, resolved, service, err)
			}
		}
	}
}

// The examples that AWS's documentation gives with their signatures.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, secret, now, raw string
	}{
		{"IAM ListUsers", suiteSecret, "20150830T123600Z", "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\r\nHost: iam.amazonaws.com\r\n" +
			"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nX-Amz-Date: 20150830T123600Z\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\r\n"},
		{"S3 GET a range", s3Secret, "20130524T000000Z", "GET /test.txt HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nRange: bytes=0-9\r\n" +
			"x-amz-content-sha256: " + sigv4.EmptyPayload + "\r\nx-amz-date: 20130524T000000Z\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n\r\n"},
		{"S3 PUT", s3Secret, "20130524T000000Z", "PUT /test%24file.text HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nDate: Fri, 24 May 2013 00:00:00 GMT\r\n" +
			"x-amz-date: 20130524T000000Z\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\nx-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\nContent-Length: 21\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\r\n\r\nWelcome to Amazon S3."},
		{"S3 GET lifecycle", s3Secret, "20130524T000000Z", "GET /?lifecycle HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\nx-amz-content-sha256: " + sigv4.EmptyPayload + "\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\r\n\r\n"},
		{"S3 list", s3Secret, "20130524T000000Z", "GET /?max-keys=2&prefix=J HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\nx-amz-content-sha256: " + sigv4.EmptyPayload + "\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\r\n\r\n"},
		{"S3 presigned", s3Secret, "20130524T120000Z", "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n\r\n"},
	} {
		r := serverRequest(t, c.raw)
		if err := verify(t, r, c.secret, sigv4.VerifyOptions{Now: at(t, c.now), AllowUnsignedPayload: true, Region: "us-east-1"}); err != nil {
			t.Errorf("%s: %s", c.name, explain(err))
		}
		if err := verify(t, serverRequest(t, c.raw), c.secret+"x", sigv4.VerifyOptions{Now: at(t, c.now), AllowUnsignedPayload: true}); sigv4.KindOf(err) != sigv4.SignatureMismatch {
			t.Errorf("%s with another secret: %v", c.name, err)
		}
	}

	r, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := sigv4.Presign(r, sigv4.UnsignedPayload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "s3", "us-east-1", 24*time.Hour, at(t, "20130524T000000Z"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(signed, "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404") {
		t.Errorf("presigned %s", signed)
	}
}
