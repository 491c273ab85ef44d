package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"path"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/internal/sigv4"
)

// meaning is what a handler can read of a request in which only the named
// headers, and those that AWS defines, count.
type meaning struct {
	method, host, path, body string
	query, header            map[string][]string
}

func meaningOf(r *http.Request, body []byte, s3 bool, signed []string) meaning {
	m := meaning{method: r.Method, host: strings.Trim(r.Host, " "), path: r.URL.Path, body: string(body), query: r.URL.Query(), header: make(map[string][]string)}
	if !s3 {
		m.path = path.Clean(m.path)
	}
	for _, name := range signed {
		if name != "host" && name != "content-length" {
			for _, value := range r.Header[textproto.CanonicalMIMEHeaderKey(name)] {
				m.header[name] = append(m.header[name], strings.Join(strings.Fields(value), " "))
			}
		}
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			m.header[strings.ToLower(name)] = values
		}
	}
	return m
}

// No change of one byte to a signed request is accepted, unless the request then
// means the same to every handler; and no change to what is not signed matters.
func TestOneByteChanges(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	body := `{"MaxResults":50,"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"StopLogging"}]}`
	c := sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret, SessionToken: "FwoGZXIvYXdzEN7+/w=="}
	build := func(method, target, body, service string, presigned bool) string {
		r, err := http.NewRequest(method, "http://localhost:4510"+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if !presigned {
			r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			err = sigv4.Sign(r, sigv4.HashPayload([]byte(body)), c, service, "us-east-1", now)
		} else {
			var signed string
			if signed, err = sigv4.Presign(r, sigv4.HashPayload([]byte(body)), c, service, "us-east-1", time.Minute, now); err == nil {
				r = rebuild(t, r, signed, r.Header, []byte(body))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "aws-cli/1.45.11")
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var mutants, refused, same int
	random := rand.New(rand.NewPCG(1, 2))
	for _, base := range []string{
		build("POST", "/", body, "cloudtrail", false),
		build("POST", "/a%20b/c%2Fd?list-type=2&prefix=a%2Fb%20c", body, "s3", false),
		build("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", "sts", true),
		build("PUT", "/bucket/a%2Bb?x-id=PutObject", body, "s3", true),
	} {
		original := serverRequest(t, base)
		content, err := io.ReadAll(original.Body)
		if err != nil {
			t.Fatal(err)
		}
		s, err := sigv4.Parse(original)
		if err != nil {
			t.Fatal(err)
		}
		s3 := s.Service == "s3"
		want := meaningOf(original, content, s3, s.SignedHeaders)
		unsigned := strings.Index(base, "aws-cli")
		version := strings.Index(base, "HTTP/1.1\r")
		for i := range len(base) {
			if i >= version && i < version+len("HTTP/1.1\r\n") {
				continue
			}
			free := i >= unsigned && i < unsigned+len("aws-cli/1.45.11")
			changes := []string{base[:i] + base[i+1:], base[:i] + base[i:i+1] + base[i:]}
			for range 2 {
				changes = append(changes, base[:i]+string([]byte{base[i] ^ byte(1+random.IntN(255))})+base[i+1:], base[:i]+string(rune(32+random.IntN(95)))+base[i+1:], base[:i]+string([]byte{base[i] ^ 0x20})+base[i+1:])
			}
			for _, changed := range changes {
				if changed == base {
					continue
				}
				mutants++
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(changed)))
				var content []byte
				if err == nil {
					content, err = io.ReadAll(r.Body)
				}
				var parsed *sigv4.Signature
				if err == nil {
					parsed, err = sigv4.Parse(r)
				}
				if err == nil {
					err = parsed.Verify(r, s3Secret, sigv4.VerifyOptions{Now: now, Body: content})
				}
				printable := !strings.ContainsAny(changed[unsigned:unsigned+15], "\r\n\x00\x7f")
				switch {
				case err != nil && free && printable && r != nil && len(changed) == len(base):
					t.Errorf("byte %d is not signed, and matters: %v in %q", i, err, changed)
				case err != nil:
					refused++
				case reflect.DeepEqual(meaningOf(r, content, s3, s.SignedHeaders), want):
					same++
				default:
					t.Errorf("byte %d can be changed: %q", i, changed)
				}
			}
		}
	}
	t.Logf("%d changes: %d refused, %d without meaning", mutants, refused, same)
	if mutants < 10000 || refused < mutants*8/10 {
		t.Errorf("%d changes, of which %d were refused", mutants, refused)
	}
}

// Every form of payload, in every place that a signature can stand, with a
// signature that is right and with ones that are not.
func TestModesAndPlaces(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	ctx := context.Background()
	body := "Action=GetCallerIdentity&Version=2011-06-15"
	modes := map[string]string{
		"signed": sigv4.HashPayload([]byte(body)), "unsigned": sigv4.UnsignedPayload, "streaming": sigv4.StreamingPayload,
		"streaming trailer": sigv4.StreamingPayloadTrailer, "unsigned trailer": sigv4.StreamingUnsignedTrailer,
		"events": sigv4.StreamingEvents, "ecdsa": "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "absent": "", "nonsense": "abc",
		"capitals": strings.ToUpper(sigv4.HashPayload([]byte(body))), "wrong": sigv4.EmptyPayload,
	}
	places := []string{"header", "query", "both", "none", "SigV2 header", "SigV2 query", "SigV4a header", "SigV4a query", "POST form"}
	cells := 0
	for mode, value := range modes {
		for _, place := range places {
			for _, service := range []string{"s3", "sts"} {
				for allow := range 4 { // bit 0: unsigned payloads, bit 1: streaming
					for _, forged := range []string{"", "secret", "zeros", "empty"} {
						cells++
						secret := s3Secret
						if forged == "secret" {
							secret = "guess"
						}
						r := placed(t, ctx, place, service, value, body, secret, now)
						switch forged {
						case "zeros", "empty":
							signature := strings.Repeat("0", 64)
							if forged == "empty" {
								signature = ""
							}
							r.URL.RawQuery = cutSignature(r.URL.RawQuery, "X-Amz-Signature=", signature)
							if a := r.Header["Authorization"]; len(a) == 1 {
								a[0] = cutSignature(a[0], "Signature=", signature)
							}
						}
						err := verify(t, wire(t, r), s3Secret, sigv4.VerifyOptions{Now: now, AllowUnsignedPayload: allow&1 != 0, StreamBody: allow&2 != 0})
						accepted := false
						switch mode {
						case "signed", "wrong":
							// The hash of a streamed body is looked at when it is read.
							accepted = mode == "signed" || allow&2 != 0
						case "unsigned":
							accepted = allow&1 != 0
						case "streaming", "streaming trailer":
							accepted = allow&2 != 0 && place == "header"
						case "unsigned trailer":
							accepted = allow == 3 && place == "header"
						case "absent":
							accepted = service == "s3" && place == "query" && allow&1 != 0 || service == "sts" && allow&2 == 0
						}
						accepted = accepted && forged == "" && (place == "header" || place == "query")
						if (err == nil) != accepted {
							t.Errorf("%s in %s for %s, allowing %d, forged %q: %v", mode, place, service, allow, forged, err)
						}
						if err != nil && (sigv4.KindOf(err) == 0 || err.Error() == "" || sigv4.KindOf(err).Codes().S3 == "") {
							t.Errorf("%s in %s for %s: the error %v has no kind or no code", mode, place, service, err)
						}
					}
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

func cutSignature(s, before, signature string) string {
	if i := strings.LastIndex(s, before); i >= 0 {
		return s[:i+len(before)] + signature
	}
	return s
}

// placed makes a request with a signature in a place, signed by the SDK.
func placed(t *testing.T, ctx context.Context, place, service, payload, body, secret string, now time.Time) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://localhost:4510/bucket/key?a=b", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if payload != "" {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	if strings.HasPrefix(payload, "STREAMING-") {
		r.Header.Set("X-Amz-Decoded-Content-Length", "10")
		if strings.HasSuffix(payload, "-TRAILER") {
			r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	c := aws.Credentials{AccessKeyID: s3Key, SecretAccessKey: secret}
	line := payload
	if line == "" {
		line = sigv4.HashPayload([]byte(body))
		if service == "s3" {
			line = sigv4.UnsignedPayload
		}
	}
	inHeader := func() {
		if err := signer.SignHTTP(ctx, c, r, line, service, "us-east-1", now); err != nil {
			t.Fatal(err)
		}
	}
	inQuery := func() {
		query := r.URL.Query()
		query.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = query.Encode()
		signed, header, err := signer.PresignHTTP(ctx, c, r, line, service, "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		r = rebuild(t, r, signed, header, []byte(body))
	}
	switch place {
	case "header":
		inHeader()
	case "query":
		inQuery()
	case "both":
		inQuery()
		inHeader()
	case "SigV2 header":
		r.Header.Set("Authorization", "AWS "+s3Key+":frJIUN8DYpKDtOLCwo//yllqDzg=")
	case "SigV2 query":
		r.URL.RawQuery = "AWSAccessKeyId=" + s3Key + "&Expires=1900000000&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D"
	case "SigV4a header":
		inHeader()
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1))
	case "SigV4a query":
		inQuery()
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1)
	case "POST form":
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	}
	return r
}

// The times at which a signature begins and ceases to be good, to the second.
func TestTimes(t *testing.T) {
	t.Parallel()
	signedAt := at(t, "20260228T235930Z") // close to midnight: the scope is the day before
	c := sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}
	for _, x := range []struct {
		expires time.Duration // 0 is a signature in the header
		skew    time.Duration
		after   time.Duration
		want    sigv4.Kind
	}{
		{0, 0, 0, 0},
		{0, 0, 15 * time.Minute, 0},
		{0, 0, 15*time.Minute - time.Second, 0},
		{0, 0, 15*time.Minute + time.Second, sigv4.TimeSkewed},
		{0, 0, 15*time.Minute + time.Nanosecond, sigv4.TimeSkewed},
		{0, 0, -15 * time.Minute, 0},
		{0, 0, -15*time.Minute - time.Second, sigv4.TimeSkewed},
		{0, 0, 365 * 24 * time.Hour, sigv4.TimeSkewed},
		{0, 5 * time.Minute, 5 * time.Minute, 0},
		{0, 5 * time.Minute, 5*time.Minute + time.Second, sigv4.TimeSkewed},
		{0, 5 * time.Minute, -5*time.Minute - time.Second, sigv4.TimeSkewed},
		{time.Second, 0, 0, 0},
		{time.Second, 0, time.Second, 0},
		{time.Second, 0, 2 * time.Second, sigv4.Expired},
		{time.Hour, 0, time.Hour, 0},
		{time.Hour, 0, time.Hour + time.Second, sigv4.Expired},
		{604800 * time.Second, 0, 604799 * time.Second, 0},
		{604800 * time.Second, 0, 604800 * time.Second, 0},
		{604800 * time.Second, 0, 604801 * time.Second, sigv4.Expired},
		{time.Hour, 0, -15 * time.Minute, 0},
		{time.Hour, 0, -15*time.Minute - time.Second, sigv4.NotYetValid},
	} {
		for _, service := range []string{"cloudtrail", "s3"} {
			r, err := http.NewRequest("GET", "http://localhost/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if x.expires == 0 {
				err = sigv4.Sign(r, sigv4.EmptyPayload, c, service, "us-east-1", signedAt)
			} else {
				var signed string
				if signed, err = sigv4.Presign(r, sigv4.EmptyPayload, c, service, "us-east-1", x.expires, signedAt); err == nil {
					r = rebuild(t, r, signed, nil, nil)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: signedAt.Add(x.after), MaxSkew: x.skew}); sigv4.KindOf(err) != x.want || x.want == 0 && err != nil {
				t.Errorf("%s expiring after %v, %v later with skew %v: %v", service, x.expires, x.after, x.skew, err)
			}
		}
	}
}

// Presigned requests that do not say for how long are good as long as others
// are, and not for S3.
func TestPresignedWithoutExpires(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	for _, x := range []struct {
		service string
		after   time.Duration
		want    sigv4.Kind
	}{{"sts", 15 * time.Minute, 0}, {"sts", 15*time.Minute + time.Second, sigv4.Expired}, {"s3", 0, sigv4.MalformedQueryAuth}} {
		r, err := http.NewRequest("GET", "http://localhost/?Action=GetCallerIdentity", nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, header, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, r, sigv4.EmptyPayload, x.service, "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		r = rebuild(t, r, signed, header, nil)
		if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now.Add(x.after)}); sigv4.KindOf(err) != x.want || x.want == 0 && err != nil {
			t.Errorf("%s after %v: %v", x.service, x.after, err)
		}
	}
}

// The scope must name what the caller expects, and the day of the date.
func TestScope(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	r, err := http.NewRequest("GET", "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.Sign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "cloudtrail", "eu-west-1", now); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		o        sigv4.VerifyOptions
		want     sigv4.Kind
		expected string
	}{
		{sigv4.VerifyOptions{}, 0, ""},
		{sigv4.VerifyOptions{Region: "eu-west-1", Service: "cloudtrail"}, 0, ""},
		{sigv4.VerifyOptions{Region: "us-east-1"}, sigv4.WrongRegion, "us-east-1"},
		{sigv4.VerifyOptions{Service: "sts"}, sigv4.WrongService, "sts"},
	} {
		x.o.Now = now
		err := verify(t, r, s3Secret, x.o)
		if sigv4.KindOf(err) != x.want {
			t.Errorf("%+v: %v", x.o, err)
		}
		if e, ok := err.(*sigv4.Error); ok && e.Expected != x.expected {
			t.Errorf("%+v expected %q", x.o, e.Expected)
		}
	}
	a := r.Header.Get("Authorization")
	r.Header.Set("Authorization", strings.Replace(a, "/20260228/", "/20260227/", 1))
	if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.SignatureMismatch || !strings.Contains(err.Error(), "'20260227' != '20260228'") {
		t.Errorf("scope of another day: %v", err)
	}
}

// Headers of AWS that are not signed are refused; others are not.
func TestHeadersNotSigned(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	c := sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}
	for _, presigned := range []bool{false, true} {
		for name, want := range map[string]sigv4.Kind{
			"X-Amz-Target": sigv4.HeadersNotSigned, "X-Amz-Acl": sigv4.HeadersNotSigned, "x-amz-acl": sigv4.HeadersNotSigned,
			"X-Forwarded-For": 0, "X-Amzn-Trace-Id": 0, "Content-Type": 0, "X-Amzacl": 0, "Via": 0,
		} {
			r, err := http.NewRequest("GET", "http://localhost/bucket", nil)
			if err != nil {
				t.Fatal(err)
			}
			if presigned {
				signed, err := sigv4.Presign(r, sigv4.EmptyPayload, c, "s3", "us-east-1", time.Minute, now)
				if err != nil {
					t.Fatal(err)
				}
				r = rebuild(t, r, signed, nil, nil)
			} else if err := sigv4.Sign(r, sigv4.EmptyPayload, c, "s3", "us-east-1", now); err != nil {
				t.Fatal(err)
			}
			r.Header[name] = []string{"value"}
			err = verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now})
			if sigv4.KindOf(err) != want || want != 0 && !strings.HasSuffix(err.Error(), ": "+strings.ToLower(name)) {
				t.Errorf("%s, presigned %v: %v", name, presigned, err)
			}
		}
	}
}

// The secret of one key does not verify another's, and keys evicted from the
// cache are derived again, also when many goroutines ask at once.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 600 {
				secret := fmt.Sprintf("secret-%d-%d", g%2, i)
				r, err := http.NewRequest("GET", "http://localhost/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if err := sigv4.Sign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: secret}, "sts", "us-east-1", now); err != nil {
					t.Error(err)
					return
				}
				s, err := sigv4.Parse(r)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Verify(r, secret, sigv4.VerifyOptions{Now: now}); err != nil {
					t.Error(err)
				}
				for _, other := range []string{"", secret + "0", fmt.Sprintf("secret-%d-%d", g%2, i+1)} {
					if err := s.Verify(r, other, sigv4.VerifyOptions{Now: now}); sigv4.KindOf(err) != sigv4.SignatureMismatch {
						t.Errorf("verified with %q: %v", other, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// A streamed body that has not the signed hash does not end well, and an empty
// one is found before it is read.
func TestStreamedHash(t *testing.T) {
	t.Parallel()
	now := at(t, "20260228T120000Z")
	for sent, want := range map[string]sigv4.Kind{"content": 0, "contenT": sigv4.PayloadMismatch, "conten": sigv4.PayloadMismatch, "contents": sigv4.PayloadMismatch, "": sigv4.PayloadMismatch} {
		r, err := http.NewRequest("PUT", "http://localhost/b/k", strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte("content")), sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "s3", "us-east-1", now); err != nil {
			t.Fatal(err)
		}
		r = wire(t, r)
		err = verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, StreamBody: true})
		if (err != nil) != (sent == "") {
			t.Errorf("%q: %v", sent, err)
		}
		if err == nil {
			_, err = io.ReadAll(r.Body)
		}
		if sigv4.KindOf(err) != want {
			t.Errorf("%q: %v", sent, err)
		}
	}
	// Without the header only an empty body can be streamed, even one of unknown
	// length.
	for _, x := range []struct {
		body string
		uri  string
		want sigv4.Kind
	}{{"", "/", 0}, {"x", "/", sigv4.PayloadMismatch}, {"x", "", sigv4.MissingContentHash}} {
		r, err := http.NewRequest("POST", "http://localhost/", io.MultiReader(strings.NewReader(x.body)))
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(r, sigv4.EmptyPayload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "sts", "us-east-1", now); err != nil {
			t.Fatal(err)
		}
		r.RequestURI = x.uri
		err = verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, StreamBody: true})
		if err == nil {
			_, err = io.ReadAll(r.Body)
		}
		if sigv4.KindOf(err) != x.want {
			t.Errorf("%+v: %v", x, err)
		}
	}

	// A presigned request has no chunks, whatever it says.
	for _, payload := range []string{sigv4.StreamingPayload, sigv4.StreamingUnsignedTrailer} {
		r, err := http.NewRequest("PUT", "http://localhost/b/k", strings.NewReader("0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Decoded-Content-Length", "0")
		if payload == sigv4.StreamingUnsignedTrailer {
			r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		}
		signed, err := sigv4.Presign(r, payload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "s3", "us-east-1", time.Minute, now)
		if err != nil {
			t.Fatal(err)
		}
		r = rebuild(t, r, signed, r.Header, []byte("0\r\n\r\n"))
		if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, StreamBody: true, AllowUnsignedPayload: true}); sigv4.KindOf(err) != sigv4.UnsupportedPayload {
			t.Errorf("presigned %s: %v", payload, err)
		}
	}

	// A hash that the caller computed goes before the body.
	r, err := http.NewRequest("PUT", "http://localhost/b/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.Sign(r, sigv4.HashPayload([]byte("content")), sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "sts", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("content"))
	if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, BodySHA256: &sum}); err != nil {
		t.Error(err)
	}
	sum[0]++
	if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, BodySHA256: &sum}); sigv4.KindOf(err) != sigv4.SignatureMismatch {
		t.Error(err)
	}
}
