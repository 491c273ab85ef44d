package sigv4_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// Whatever a request holds, parsing and verifying it ends without a panic, and a
// request that nobody signed is not accepted.
func FuzzParse(f *testing.F) {
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	f.Add("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260228%2Fr%2Fs%2Faws4_request&X-Amz-Date=20260228T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("POST //a/../%zz?a=b;c HTTP/1.1\r\nHost: a\r\nX-Amz-Date: 20260228T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20260228/r/s3/aws4_request, SignedHeaders=content-length;host;x-amz-date, Signature=" + strings.Repeat("0", 64) + "\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Length: 3\r\n\r\nabc")
	_, raws := documentedChunks()
	for _, raw := range raws {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		s, err := sigv4.Parse(r)
		if (s == nil) == (err == nil) {
			t.Fatalf("parsed %v with %v", s, err)
		}
		if err != nil {
			if sigv4.KindOf(err) == 0 || sigv4.KindOf(err).Codes().Query == "" {
				t.Fatalf("the error %v has no kind or no code", err)
			}
			return
		}
		if err := s.Verify(r, "not the secret of anything", sigv4.VerifyOptions{Now: now, AllowUnsignedPayload: true, StreamBody: true}); sigv4.KindOf(err) == 0 {
			t.Fatalf("accepted: %v", err)
		}
	})
}

// What Sign signs, Verify accepts, after a server has read it; and not any more
// with another path or query.
func FuzzSign(f *testing.F) {
	f.Add("GET", "localhost:4510", "/a b", "c=d", "X-Amz-Target", "value", []byte("body"), false)
	f.Add("POST", "[::1]", "/../%2F//", "%20=+&b", "My-Header", "  a   b ", []byte{}, true)
	f.Add("PUT", "é.example.com", "/\xff\x00", "a&&=", "content-type", "ü", []byte{0}, false)
	f.Fuzz(func(t *testing.T, method, host, path, query, name, value string, body []byte, s3 bool) {
		service := "cloudtrail"
		if s3 {
			service = "s3"
		}
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(string(body)))
		if err != nil {
			return
		}
		r.URL.Host, r.URL.Path, r.URL.RawQuery = host, path, query
		r.Host = host
		if name != "" {
			r.Header.Set(name, value)
		}
		c := sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}
		now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
		if err := sigv4.Sign(r, sigv4.HashPayload(body), c, service, "us-east-1", now); err != nil {
			return
		}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			return
		}
		read, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String())))
		if err != nil {
			return
		}
		// Not every text survives the client and the wire as it was signed.
		content, err := io.ReadAll(read.Body)
		if err != nil || string(content) != string(body) || read.Host != host || read.Method != method || read.URL.EscapedPath() != r.URL.EscapedPath() ||
			read.URL.RawQuery != query || strings.Join(read.Header.Values(name), ",") != strings.Trim(strings.Join(r.Header.Values(name), ","), " \t") {
			return
		}
		o := sigv4.VerifyOptions{Now: now, Body: content}
		read.Body = nil // verify would take it for the whole body
		if err := verify(t, read, s3Secret, o); err != nil {
			switch http.CanonicalHeaderKey(name) {
			case "Authorization", "Host", "Date":
				return // what the request says about itself
			}
			t.Fatalf("%s\nof\n%s", explain(err), b.String())
		}
		other := *read.URL
		read.URL = &other
		other.Path, other.RawPath = read.URL.Path+"x", ""
		if err := verify(t, read, s3Secret, o); err == nil {
			t.Fatalf("verifies with another path: %s", b.String())
		}
		other.Path = strings.TrimSuffix(other.Path, "x")
		other.RawQuery = query + "&" + url.QueryEscape(value) + "=x"
		if err := verify(t, read, s3Secret, o); err == nil {
			t.Fatalf("verifies with another query: %s", b.String())
		}
	})
}

// Whatever a body holds, the chunk reader ends, never gives out more than was
// declared, and ends well only with all of it.
func FuzzChunkReader(f *testing.F) {
	for _, body := range []string{"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\nx"} {
		f.Add([]byte(body), uint16(5))
	}
	f.Fuzz(func(t *testing.T, body []byte, declared uint16) {
		for _, payload := range []string{sigv4.StreamingUnsignedTrailer, sigv4.StreamingPayloadTrailer, sigv4.StreamingPayload} {
			r, err := http.NewRequest("PUT", "http://localhost/b/k", io.NopCloser(strings.NewReader(string(body))))
			if err != nil {
				t.Fatal(err)
			}
			if payload != sigv4.StreamingPayload {
				r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
			}
			r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(int(declared)))
			now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
			if err := sigv4.Sign(r, payload, sigv4.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret}, "s3", "us-east-1", now); err != nil {
				t.Fatal(err)
			}
			if err := verify(t, r, s3Secret, sigv4.VerifyOptions{Now: now, StreamBody: true, AllowUnsignedPayload: true}); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			if len(got) > int(declared) {
				t.Fatalf("%d bytes of %d came out", len(got), declared)
			}
			if err == nil && (len(got) != int(declared) || payload != sigv4.StreamingUnsignedTrailer) {
				t.Fatalf("%s: %d bytes of %d, and a good end", payload, len(got), declared)
			}
			if err != nil && sigv4.KindOf(err) == 0 {
				t.Fatalf("the error %v has no kind", err)
			}
		}
	})
}
