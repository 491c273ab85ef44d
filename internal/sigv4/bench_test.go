package sigv4_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/internal/sigv4"
)

// lookupEvents is a request as the Go SDK sends it.
func lookupEvents(b *testing.B) (*http.Request, []byte) {
	b.Helper()
	body := `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"StopLogging"}],"MaxResults":50,"StartTime":1690000000}`
	r, err := http.NewRequest("POST", "http://127.0.0.1:4510/", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
	r.Header.Set("Amz-Sdk-Invocation-Id", "6f1f8a4b-6f0b-4c49-8d1f-0a4f5d9a7c11")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	r.Header.Set("Accept-Encoding", "identity")
	c := aws.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret, SessionToken: strings.Repeat("FwoGZXIvYXdzEN7", 20)}
	if err := v4.NewSigner().SignHTTP(b.Context(), c, r, sigv4.HashPayload([]byte(body)), "cloudtrail", "us-east-1", time.Now()); err != nil {
		b.Fatal(err)
	}
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.5")
	return r, []byte(body)
}

func BenchmarkVerify(b *testing.B) {
	r, body := lookupEvents(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := sigv4.Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(r, s3Secret, sigv4.VerifyOptions{Region: "us-east-1", Service: "cloudtrail", Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPresigned(b *testing.B) {
	r, err := http.NewRequest("GET", "http://127.0.0.1:4510/bucket/key?versionId=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	signed, err := sigv4.Presign(r, sigv4.UnsignedPayload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "s3", "us-east-1", time.Hour, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	if r, err = http.NewRequest("GET", signed, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := sigv4.Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(r, s3Secret, sigv4.VerifyOptions{AllowUnsignedPayload: true}); err != nil {
			b.Fatal(err)
		}
	}
}
