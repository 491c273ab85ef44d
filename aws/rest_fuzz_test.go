package aws_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/internal/sigv4"
)

// Whatever is signed and sent to S3, the answer is one of S3's, and what acts is
// recorded.
func FuzzREST(f *testing.F) {
	for _, seed := range []struct{ method, target, header, body string }{
		{"PUT", "/b/k%2F..//?x-id=PutObject", "x-amz-meta-a: b\nContent-MD5: AAAA", "data"},
		{"POST", "/b?delete", "", "<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>"},
		{"POST", "/b/k?uploadId=u", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>"},
		{"PUT", "/b?acl", "", `<AccessControlPolicy xmlns:xsi="x"><AccessControlList><Grant><Grantee xsi:type="Group"><URI>u</URI></Grantee></Grant></AccessControlList></AccessControlPolicy>`},
		{"GET", "/b?list-type=2&max-keys=%31&prefix=+", "x-amz-optional-object-attributes: a, b", ""},
		{"GET", "/b/k?partNumber=x&versionId=", "If-Modified-Since: never\nRange: bytes=1-2", ""},
		{"PUT", "/b/k", "x-amz-copy-source: b/k", ""},
		{"DELETE", "/%zz/..", "", ""},
	} {
		f.Add(seed.method, seed.target, seed.header, seed.body)
	}
	api, _ := objectAPI()
	model, _ := awsmodel.Service("s3")
	f.Fuzz(func(t *testing.T, method, target, headers, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || method == "" || strings.ContainsAny(method, " \r\n\x00") {
			return
		}
		r := httptest.NewRequest("GET", "http://aws.test/", strings.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, target
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && name != "" && !strings.ContainsAny(line, "\r\x00") {
				r.Header.Add(name, strings.TrimSpace(value))
			}
		}
		for _, name := range []string{"X-Amz-Content-Sha256", "X-Amz-Security-Token", "Authorization"} {
			r.Header.Del(name)
		}
		q, err := aws.NewRESTRequest(r, []string{"localhost"})
		if err == nil {
			if op, labels, err := aws.MatchREST(model, q); err == nil {
				if tree := aws.DecodeREST(op, labels, q); op.Name == "PutObject" && tree["Key"] == "" {
					t.Errorf("%q is an object without a key", target)
				}
			}
		}
		if sigv4.Sign(r, sigv4.HashPayload([]byte(body)), sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "s3", "us-east-1", now) != nil {
			return
		}
		w := &world{clock: now}
		w.mux = aws.NewMux(aws.Config{Keys: w, Authorizer: w, Recorder: w, Now: func() time.Time { return now }, Regions: []string{"us-east-1"}})
		w.mux.Serve(api)
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
			t.Errorf("%s %q: %d %s", method, target, rec.Code, rec.Body)
		}
		if len(w.calls)+len(w.counted) != 1 {
			t.Errorf("%s %q: %d calls are recorded, %d counted", method, target, len(w.calls), len(w.counted))
		}
	})
}
