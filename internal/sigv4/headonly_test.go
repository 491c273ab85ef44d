package sigv4_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// HeadOnly checks the signature over what the head declares, and leaves the body as it is.
func TestHeadOnly(t *testing.T) {
	t.Parallel()
	const body = "some content"
	c := sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}
	for payload, want := range map[string]bool{
		sigv4.HashPayload([]byte(body)): true, sigv4.StreamingPayload: true, sigv4.StreamingPayloadTrailer: true, sigv4.StreamingEvents: true,
		sigv4.StreamingUnsignedTrailer: false, sigv4.UnsignedPayload: false,
	} {
		for _, secret := range []string{s3Secret, "another"} {
			r, err := http.NewRequest("PUT", "http://s3.example.com/bucket/key", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Content-Sha256", payload)
			if err := sigv4.Sign(r, payload, c, "s3", "us-east-1", time.Now()); err != nil {
				t.Fatal(err)
			}
			s, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Verify(r, secret, sigv4.VerifyOptions{HeadOnly: true})
			if good := err == nil; good != (want && secret == s3Secret) {
				t.Errorf("%s with secret %q: %v", payload, secret, err)
			}
			if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != body {
				t.Errorf("%s: the body is %q, %v", payload, rest, err)
			}
		}
	}
	// Without a declaration there must be no body.
	for text, want := range map[string]bool{"": true, body: false} {
		r, err := http.NewRequest("POST", "http://iam.example.com/", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte(text)), c, "iam", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		r.Header.Del("X-Amz-Content-Sha256")
		s, err := sigv4.Parse(r)
		if err == nil {
			err = s.Verify(r, s3Secret, sigv4.VerifyOptions{HeadOnly: true})
		}
		if want != (err == nil) && sigv4.KindOf(err) != sigv4.SignatureMismatch {
			t.Errorf("a body of %d bytes: %v", len(text), err)
		}
	}
}
