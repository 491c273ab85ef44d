package sigv4_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// Requests whose signature cannot be read are refused with what is wrong.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		credential = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
		good       = "AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=host;x-amz-date, Signature=" + zeros
		query      = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + zeros
	)
	date := []string{"X-Amz-Date", "20150830T123600Z"}
	with := func(more ...string) []string { return append(date[:2:2], more...) }
	change := func(old, new string) []string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the header", old)
		}
		return with("Authorization", strings.Replace(good, old, new, 1))
	}
	queryWith := func(old, new string) string {
		if !strings.Contains(query, old) {
			t.Fatalf("%q is not in the query", old)
		}
		return strings.Replace(query, old, new, 1)
	}
	for _, x := range []struct {
		name    string
		headers []string
		query   string
		want    sigv4.Kind
		says    string
	}{
		{"header", with("Authorization", good), "", 0, ""},
		{"header with other spaces", change(", ", ",   "), "", 0, ""},
		{"header without spaces", with("Authorization", strings.ReplaceAll(good, ", ", ",")), "", 0, ""},
		{"query", nil, query, 0, ""},
		{"slashes in the access key", change("AKIDEXAMPLE", "a/b"), "", 0, ""},
		{"account as access key", change("AKIDEXAMPLE", "123837392027"), "", 0, ""},
		{"HTTP date", []string{"Authorization", good, "Date", "Sun, 30 Aug 2015 12:36:00 GMT"}, "", 0, ""},
		{"ISO date", []string{"Authorization", good, "Date", "20150830T123600Z"}, "", 0, ""},

		{"nothing", nil, "", sigv4.MissingAuthentication, "Missing Authentication Token"},
		{"nothing but a date", date, "a=b", sigv4.MissingAuthentication, ""},
		{"query of something else", nil, "X-Amz-Date=x&Signature=y", sigv4.MissingAuthentication, ""},
		{"both", with("Authorization", good), query, sigv4.AmbiguousAuthentication, "Only one auth mechanism allowed"},
		{"two headers", with("Authorization", good, "Authorization", good), "", sigv4.AmbiguousAuthentication, ""},
		{"bearer and query", with("Authorization", "Bearer x"), query, sigv4.AmbiguousAuthentication, ""},
		{"header and a signature in the query", with("Authorization", good), "X-Amz-Signature=" + zeros, sigv4.AmbiguousAuthentication, ""},
		{"header and SigV2 query", with("Authorization", good), "AWSAccessKeyId=A&Signature=B", sigv4.AmbiguousAuthentication, ""},
		{"query and SigV2 query", nil, query + "&AWSAccessKeyId=A&Signature=B", sigv4.AmbiguousAuthentication, ""},
		{"two dates", with("Authorization", good, "X-Amz-Date", "20150830T123601Z"), "", sigv4.AmbiguousAuthentication, "X-Amz-Date"},
		{"two tokens", with("Authorization", good, "X-Amz-Security-Token", "a", "X-Amz-Security-Token", "b"), "", sigv4.AmbiguousAuthentication, "X-Amz-Security-Token"},
		{"two hashes", with("Authorization", good, "X-Amz-Content-Sha256", zeros, "X-Amz-Content-Sha256", zeros), "", sigv4.AmbiguousAuthentication, ""},
		{"token in the header of a presigned request", []string{"X-Amz-Security-Token", "a"}, query, sigv4.AmbiguousAuthentication, ""},
		{"hash in header and query differ", []string{"X-Amz-Content-Sha256", zeros}, query + "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", sigv4.MalformedContentHash, ""},

		{"SigV2", []string{"Authorization", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="}, "", sigv4.UnsupportedSigV2, "Signature Version 2"},
		{"SigV2 query", nil, "AWSAccessKeyId=A&Expires=1&Signature=B", sigv4.UnsupportedSigV2, "Please use AWS4-HMAC-SHA256"},
		{"SigV4a", change("HMAC-SHA256", "ECDSA-P256-SHA256"), "", sigv4.UnsupportedSigV4a, "AWS4-ECDSA-P256-SHA256"},
		{"SigV4a query", nil, queryWith("HMAC-SHA256", "ECDSA-P256-SHA256"), sigv4.UnsupportedSigV4a, "AWS4-ECDSA-P256-SHA256"},
		{"SigV4a payload", with("Authorization", good, "X-Amz-Content-Sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"), "", sigv4.UnsupportedSigV4a, ""},
		{"basic", []string{"Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "", sigv4.UnsupportedScheme, `"Basic"`},
		{"another hash", change("SHA256", "SHA512"), "", sigv4.UnsupportedScheme, ""},
		{"scheme in lower case", change("AWS4", "aws4"), "", sigv4.UnsupportedScheme, ""},
		{"empty header", []string{"Authorization", ""}, "", sigv4.IncompleteSignature, ""},

		{"only the scheme", with("Authorization", "AWS4-HMAC-SHA256"), "", sigv4.IncompleteSignature, ""},
		{"no credential", change(credential+", ", ""), "", sigv4.IncompleteSignature, "requires 'Credential' parameter"},
		{"no signature", change(", Signature="+zeros, ""), "", sigv4.IncompleteSignature, "requires 'Signature' parameter"},
		{"no signed headers", change(", SignedHeaders=host;x-amz-date", ""), "", sigv4.IncompleteSignature, "requires 'SignedHeaders' parameter"},
		{"unknown part", change("Signature=", "Extra=1, Signature="), "", sigv4.IncompleteSignature, "not a valid key=value pair"},
		{"two signatures", change("Signature=", "Signature="+zeros+", Signature="), "", sigv4.IncompleteSignature, "more than once"},
		{"no date", []string{"Authorization", good}, "", sigv4.IncompleteSignature, "requires existence of either a 'X-Amz-Date' or a 'Date' header"},
		{"date of another form", []string{"Authorization", good, "X-Amz-Date", "2015-08-30T12:36:00Z"}, "", sigv4.IncompleteSignature, "ISO-8601"},
		{"date with a fraction", []string{"Authorization", good, "X-Amz-Date", "20150830T123600.5Z"}, "", sigv4.IncompleteSignature, ""},
		{"date that is none", []string{"Authorization", good, "X-Amz-Date", "20150231T123600Z"}, "", sigv4.IncompleteSignature, ""},
		{"HTTP date that is none", []string{"Authorization", good, "Date", "yesterday"}, "", sigv4.IncompleteSignature, ""},
		{"short signature", change(zeros, zeros[1:]), "", sigv4.IncompleteSignature, "64 lower-case hexadecimal"},
		{"signature in capitals", change(zeros, zeros[1:]+"A"), "", sigv4.IncompleteSignature, ""},
		{"signed headers in capitals", change("host", "Host"), "", sigv4.IncompleteSignature, "SignedHeaders"},
		{"signed headers out of order", change("host;x-amz-date", "x-amz-date;host"), "", sigv4.IncompleteSignature, "ascending order"},
		{"signed header twice", change("host;", "host;host;"), "", sigv4.IncompleteSignature, "once"},
		{"empty signed header", change("host;", "host;;"), "", sigv4.IncompleteSignature, ""},
		{"line feed in a signed header", change("host;", "host\n;"), "", sigv4.IncompleteSignature, ""},

		{"credential without terminator", change("/aws4_request", ""), "", sigv4.MalformedCredential, "YYYYMMDD/REGION/SERVICE/aws4_request"},
		{"credential without region", change("/us-east-1", ""), "", sigv4.MalformedCredential, ""},
		{"credential with an empty region", change("us-east-1", ""), "", sigv4.MalformedCredential, ""},
		{"credential without key", change("AKIDEXAMPLE", ""), "", sigv4.MalformedCredential, ""},
		{"credential with a space", change("AKIDEXAMPLE", "AKID EXAMPLE"), "", sigv4.MalformedCredential, ""},
		{"credential with a long key", change("AKIDEXAMPLE", strings.Repeat("A", 129)), "", sigv4.MalformedCredential, ""},
		{"credential with a line feed", change("us-east-1", "us\neast"), "", sigv4.MalformedCredential, ""},
		{"credential with an odd date", change("20150830", "2015-8-3"), "", sigv4.MalformedCredential, ""},
		{"credential with a short date", change("20150830", "2015083"), "", sigv4.MalformedCredential, ""},

		{"hash that is none", with("Authorization", good, "X-Amz-Content-Sha256", "x"), "", sigv4.MalformedContentHash, "x-amz-content-sha256 must be"},
		{"hash in capitals", with("Authorization", good, "X-Amz-Content-Sha256", zeros[1:]+"A"), "", sigv4.MalformedContentHash, ""},

		{"query without algorithm", nil, queryWith("X-Amz-Algorithm", "Algorithm"), sigv4.MalformedQueryAuth, "requires the X-Amz-Algorithm"},
		{"query with another algorithm", nil, queryWith("SHA256", "SHA1"), sigv4.MalformedQueryAuth, "only supports"},
		{"query without date", nil, queryWith("X-Amz-Date", "Date"), sigv4.MalformedQueryAuth, ""},
		{"query with an odd date", nil, queryWith("T123600Z", ""), sigv4.MalformedQueryAuth, "ISO8601"},
		{"query without signed headers", nil, queryWith("X-Amz-SignedHeaders=host&", ""), sigv4.MalformedQueryAuth, ""},
		{"query without signature", nil, queryWith("&X-Amz-Signature="+zeros, ""), sigv4.MalformedQueryAuth, ""},
		{"query without credential", nil, queryWith("X-Amz-Credential", "Credential"), sigv4.MalformedQueryAuth, ""},
		{"query with an odd credential", nil, queryWith("aws4_request", "aws4"), sigv4.MalformedCredential, ""},
		{"query with two signatures", nil, query + "&X-Amz-Signature=" + zeros, sigv4.MalformedQueryAuth, "only once"},
		{"query with an empty second signature", nil, "X-Amz-Signature=&" + query, sigv4.MalformedQueryAuth, "only once"},
		{"query with an escaped second signature", nil, query + "&X-Amz-Signatur%65=" + zeros, sigv4.MalformedQueryAuth, "only once"},
		{"query with two expiries", nil, query + "&X-Amz-Expires=61", sigv4.MalformedQueryAuth, "only once"},
		{"expires in 0 seconds", nil, queryWith("Expires=60", "Expires=0"), sigv4.MalformedQueryAuth, "X-Amz-Expires"},
		{"expires in -1 seconds", nil, queryWith("Expires=60", "Expires=-1"), sigv4.MalformedQueryAuth, "X-Amz-Expires should be a number"},
		{"expires in +1 seconds", nil, queryWith("Expires=60", "Expires=%2B1"), sigv4.MalformedQueryAuth, "X-Amz-Expires should be a number"},
		{"expires in 604801 seconds", nil, queryWith("Expires=60", "Expires=604801"), sigv4.MalformedQueryAuth, "604800"},
		{"expires never", nil, queryWith("Expires=60", "Expires=99999999999999999999"), sigv4.MalformedQueryAuth, ""},
		{"expires in 604800 seconds", nil, queryWith("Expires=60", "Expires=604800"), 0, ""},
		{"query with a bad escape", nil, query + "&%zz", sigv4.MalformedRequest, "query"},
	} {
		r, err := http.NewRequest("GET", "http://example.amazonaws.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = x.query
		for i := 0; i < len(x.headers); i += 2 {
			r.Header.Add(x.headers[i], x.headers[i+1])
		}
		s, err := sigv4.Parse(r)
		if sigv4.KindOf(err) != x.want || (s == nil) != (err != nil) || x.want == 0 && err != nil {
			t.Errorf("%s: %v (kind %d)", x.name, err, sigv4.KindOf(err))
			continue
		}
		if err != nil && !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %q does not say %q", x.name, err, x.says)
		}
		if errors.Is(err, sigv4.ErrUnsigned) != (x.want == sigv4.MissingAuthentication) {
			t.Errorf("%s: ErrUnsigned for %v", x.name, err)
		}
		if s != nil && (!s.Date.Equal(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)) || s.Region != "us-east-1" || s.Service != "service" || s.ScopeDate != "20150830" || s.SignedHeaders[0] != "host") {
			t.Errorf("%s: parsed %+v", x.name, s)
		}
	}
}

// Host must be signed, and be there.
func TestHost(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("GET", "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "20150830T123600Z")
	if err := sigv4.Sign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}, "sts", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost:80"
	if err := verify(t, r, suiteSecret, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.SignatureMismatch {
		t.Errorf("another host: %v", err)
	}
	r.Host, r.URL.Host = "", ""
	if err := verify(t, r, suiteSecret, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.MalformedRequest {
		t.Errorf("no host: %v", err)
	}
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
	if err := verify(t, r, suiteSecret, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.HeadersNotSigned {
		t.Errorf("host is not signed: %v", err)
	}
	r.URL.Opaque = "a:b"
	if err := verify(t, r, suiteSecret, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.MalformedRequest {
		t.Errorf("a target without a path: %v", err)
	}
	if err := new(sigv4.Signature).Verify(r, suiteSecret, sigv4.VerifyOptions{}); sigv4.KindOf(err) != sigv4.SignatureMismatch {
		t.Errorf("a signature that nobody parsed: %v", err)
	}
	if _, err := sigv4.NewChunkReader(http.NoBody, new(sigv4.Signature), nil); err == nil {
		t.Error("a chunk reader without a verified signature")
	}
}
