package sigv4_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// presignedV2 are requests that botocore 1.43 presigned with Version 2, as the aws
// command does for endpoints that are not AWS's.
var presignedV2 = []struct{ name, method, bucket, url, token string }{
	{"an odd key", "GET", "", "http://aws.test/bucket/a%20b/%C3%BC%2B%252F?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=IXchoRux%2FOx0qKGTtIfwZedyE%2BQ%3D&Expires=1772604367", ""},
	{"a version", "GET", "", "http://aws.test/bucket/k?versionId=v%2F1&response-content-type=text%2Fplain%3B%20a%3Db&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=UuO2eEWW16qlPXvKEDNzcoOlAjQ%3D&Expires=1772604367", ""},
	{"a HEAD", "HEAD", "", "http://aws.test/bucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=5QV2nyS361iscmoDkLve9TDZrw0%3D&Expires=1772604367", ""},
	{"a PUT", "PUT", "", "http://aws.test/bucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=EHF9LtdX51z4SDM1WlEshkhVFes%3D&content-type=text%2Fodd&x-amz-meta-signature=ab&x-amz-acl=private&Expires=1772604367", ""},
	{"a part", "PUT", "", "http://aws.test/bucket/k?uploadId=u%2F1&partNumber=2&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=VzKdNueGJGcoN19Dc3w4FUKgKII%3D&Expires=1772604367", ""},
	{"a session", "GET", "", "http://aws.test/bucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=3qz7DJctebb0rZ71VdlfZALnvIk%3D&x-amz-security-token=the%2Ftoken%2B%3D&Expires=1772604367", "the/token+="},
	{"a bucket in the host", "GET", "bucket", "http://bucket.s3.example.com/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=zDnszWEreP5JXTwx28vAsneDYzI%3D&Expires=1772604367", ""},
}

var v2Expires = time.Unix(1772604367, 0)

func verifyV2(t *testing.T, method, url, bucket, secret string, now time.Time, change func(*http.Request)) (*sigv4.SignatureV2, error) {
	t.Helper()
	host, target, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	r := serverRequest(t, method+" /"+target+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	if change != nil {
		change(r)
	}
	s, err := sigv4.ParseV2(r)
	if err != nil {
		return nil, err
	}
	if s == nil {
		t.Fatalf("%s has no signature", url)
	}
	return s, s.Verify(r, bucket, secret, now)
}

// What botocore presigned verifies until its time is over, with its own secret.
func TestPresignedV2(t *testing.T) {
	t.Parallel()
	for _, c := range presignedV2 {
		s, err := verifyV2(t, c.method, c.url, c.bucket, s3Secret, v2Expires, nil)
		if err != nil || s.AccessKeyID != s3Key || s.SessionToken != c.token || !s.Expires.Equal(v2Expires) {
			t.Errorf("%s: %v, %+v", c.name, err, s)
		}
		if _, err := verifyV2(t, c.method, c.url, c.bucket, s3Secret, v2Expires.Add(time.Second), nil); sigv4.KindOf(err) != sigv4.Expired {
			t.Errorf("%s, a second late: %v", c.name, err)
		}
		for _, secret := range []string{"", s3Secret + "x"} {
			if _, err := verifyV2(t, c.method, c.url, c.bucket, secret, v2Expires, nil); sigv4.KindOf(err) != sigv4.SignatureMismatch {
				t.Errorf("%s, with the secret %q: %v", c.name, secret, err)
			}
		}
	}
}

// Any change to what is covered is found, and what is not covered is refused.
func TestPresignedV2Changed(t *testing.T) {
	t.Parallel()
	get, version, put := presignedV2[2], presignedV2[1], presignedV2[3]
	for name, c := range map[string]struct {
		method, url string
		change      func(*http.Request)
	}{
		"method":                {"GET", get.url, nil},
		"path":                  {"HEAD", strings.Replace(get.url, "/bucket/k", "/bucket/l", 1), nil},
		"later end":             {"HEAD", strings.Replace(get.url, "1772604367", "1772604368", 1), nil},
		"another part":          {"HEAD", get.url + "&acl", nil},
		"a part not covered":    {"HEAD", get.url + "&retention", nil},
		"another parameter":     {"HEAD", get.url + "&list-type=2", nil},
		"another version":       {"GET", strings.Replace(version.url, "v%2F1", "v%2F2", 1), nil},
		"values joined":         {"GET", strings.Replace(version.url, "versionId=v%2F1&response-content-type=text%2Fplain%3B%20a%3Db", "response-content-type=text%2Fplain%3B%20a%3Db%26versionId%3Dv%2F1", 1), nil},
		"headers joined":        {"PUT", strings.Replace(put.url, "x-amz-meta-signature=ab&x-amz-acl=private", "x-amz-acl%3Aprivate%0Ax-amz-meta-signature=ab", 1), nil},
		"a header added":        {"HEAD", get.url, func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "b/k") }},
		"a header twice":        {"PUT", put.url, func(r *http.Request) { r.Header.Set("X-Amz-Acl", "private") }},
		"another content type":  {"PUT", strings.Replace(put.url, "text%2Fodd", "text%2Fhtml", 1), nil},
		"a line break":          {"PUT", strings.Replace(put.url, "x-amz-meta-signature=ab&x-amz-acl=private", "x-amz-acl=private%0Ax-amz-meta-signature:ab", 1), nil},
		"two keys":              {"HEAD", get.url + "&AWSAccessKeyId=AKIAOTHER", nil},
		"another Authorization": {"HEAD", get.url, func(r *http.Request) { r.Header.Set("Authorization", "AWS x:y") }},
		"an end without sense":  {"HEAD", strings.Replace(get.url, "1772604367", "-1", 1), nil},
		"Version 4 beside it":   {"HEAD", get.url + "&X-Amz-Algorithm=AWS4-HMAC-SHA256", nil},
	} {
		if _, err := verifyV2(t, c.method, c.url, "", s3Secret, v2Expires, c.change); sigv4.KindOf(err) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No query verifies with a secret that its maker did not have.
func FuzzPresignedV2(f *testing.F) {
	for _, c := range presignedV2 {
		f.Add(c.method, strings.TrimPrefix(c.url, "http://aws.test"), "x-amz-acl", "private")
	}
	f.Fuzz(func(t *testing.T, method, target, name, value string) {
		r, err := http.NewRequest(method, "http://aws.test"+target, nil)
		if err != nil {
			return
		}
		r.RequestURI = target
		r.Header.Set(name, value)
		s, err := sigv4.ParseV2(r)
		if s == nil || err != nil {
			return
		}
		if s.Verify(r, "", "another secret", time.Unix(0, 0)) == nil {
			t.Errorf("%s %q verifies", method, target)
		}
	})
}
