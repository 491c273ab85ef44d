package sigv4_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/internal/sigv4"
)

// verifier answers 200 to requests that verify, and 403 with the reason.
func verifier(stream bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sigv4.Parse(r)
		o := sigv4.VerifyOptions{AllowUnsignedPayload: true, StreamBody: stream}
		if err == nil && !stream {
			o.Body, err = io.ReadAll(r.Body)
		}
		if err == nil {
			err = s.Verify(r, s3Secret, o)
		}
		if err == nil && stream {
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err != nil {
			http.Error(w, explain(err), http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, r.Proto)
	})
}

// Requests verify after net/http's client and server have handled them, over
// HTTP/1.1 and HTTP/2.
func TestServer(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(verifier(false))
			server.EnableHTTP2 = proto == "HTTP/2.0"
			server.StartTLS()
			t.Cleanup(server.Close)
			ctx := context.Background()
			c := aws.Credentials{AccessKeyID: s3Key, SecretAccessKey: s3Secret, SessionToken: "a/b+c=="}
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				for _, target := range []string{"/", "/a%20b/%E1%88%B4/c+d", "/a%2Fb?x=1&y=%2F&x=0", "/?list-type=2&prefix=a%20b&delimiter="} {
					for _, body := range []string{"", "{}", strings.Repeat("x", 100000)} {
						for form := range 4 {
							service := [...]string{"s3", "cloudtrail"}[len(target)%2]
							r, err := http.NewRequest(method, server.URL+target, strings.NewReader(body))
							if err != nil {
								t.Fatal(err)
							}
							if body == "" {
								r.Body, r.ContentLength = http.NoBody, 0
							}
							r.Header.Set("Content-Type", "application/x-amz-json-1.1")
							r.Header.Add("My-Header", "  b   c ")
							r.Header.Add("My-Header", "a")
							r.Header.Add("Cookie", "a=b")
							r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
							r.Header.Set("Accept-Encoding", "identity")
							hash := sigv4.HashPayload([]byte(body))
							signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
							switch form {
							case 0:
								if service == "s3" {
									r.Header.Set("X-Amz-Content-Sha256", hash)
								}
								err = signer.SignHTTP(ctx, c, r, hash, service, "us-east-1", time.Now())
							case 1:
								r.URL.RawQuery += "&X-Amz-Expires=60"
								r.Header.Set("X-Amz-Content-Sha256", hash)
								var signed string
								var header http.Header
								if signed, header, err = signer.PresignHTTP(ctx, c, r, hash, service, "us-east-1", time.Now()); err == nil {
									r = rebuild(t, r, signed, header, []byte(body))
								}
							case 2:
								err = sigv4.Sign(r, hash, credentialsOf(c), service, "us-east-1", time.Now())
							case 3:
								var signed string
								if signed, err = sigv4.Presign(r, hash, credentialsOf(c), service, "us-east-1", time.Minute, time.Now()); err == nil {
									r = rebuild(t, r, signed, r.Header, []byte(body))
								}
							}
							if err != nil {
								t.Fatal(err)
							}
							response, err := server.Client().Do(r)
							if err != nil {
								t.Fatal(err)
							}
							answer, err := io.ReadAll(response.Body)
							response.Body.Close()
							if err != nil || strings.TrimSpace(string(answer)) != proto {
								t.Errorf("%s %s for %s, %d bytes, form %d: %v\n%s", method, target, service, len(body), form, err, answer)
							}
						}
					}
				}
			}
		})
	}
}

// Requests that only a hand-written client sends: the signature covers the bytes
// on the request line, and what net/http takes out of the header.
func TestServerRaw(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(verifier(true))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	for _, x := range []struct {
		name         string
		path, target string // what is signed, and what stands on the request line
		signed, sent map[string]string
		body         string // as it stands on the wire
		want         int
	}{
		{name: "plain", path: "/", target: "/", want: 200},
		{name: "absolute form", path: "/a/b?c=d", target: "http://" + address + "/a/b?c=d", want: 200},
		{name: "absolute form of another host", path: "/a", target: "http://example.com/a", want: 403},
		{name: "slashes", path: "//a//b/", target: "//a//b/", want: 200},
		{name: "slashes merged on the way", path: "//a//b/", target: "/a/b/", want: 403},
		{name: "dots", path: "/a/../b/./c", target: "/a/../b/./c", want: 200},
		{name: "dots resolved on the way", path: "/a/../b", target: "/b", want: 403},
		{name: "escaped slash", path: "/a%2Fb", target: "/a%2Fb", want: 200},
		{name: "escaped slash decoded on the way", path: "/a%2Fb", target: "/a/b", want: 403},
		{name: "escape in lower case", path: "/a%2fb", target: "/a%2fb", want: 200},
		{name: "needless escape", path: "/%61", target: "/%61", want: 200},
		{name: "needless escape decoded on the way", path: "/%61", target: "/a", want: 403},
		{name: "reserved characters", path: "/a(b)!*'$&+,:=@;", target: "/a(b)!*'$&+,:=@;", want: 200},
		{name: "query with plus", path: "/?a=b%20c", target: "/?a=b+c", want: 200},
		{name: "query in another order", path: "/?a=1&b=2&b=1", target: "/?b=2&b=1&a=1", want: 200},
		{name: "query with an empty parameter", path: "/?a=1", target: "/?&a=1&", want: 200},
		{name: "query without equals", path: "/?a=&b", target: "/?a&b=", want: 200},
		{name: "query with a semicolon", path: "/?a=1", target: "/?a=1;b", want: 403},
		{name: "query with a bad escape", path: "/?a=%zz", target: "/?a=%zz", want: 403},
		{name: "folded header", path: "/", target: "/", signed: map[string]string{"my-header": "a b"}, sent: map[string]string{"my-header": "a\r\n    b"}, want: 200},
		{name: "header with spaces", path: "/", target: "/", signed: map[string]string{"my-header": "a b"}, sent: map[string]string{"My-HEADER": "   a    b   "}, want: 200},
		{name: "content length", path: "/", target: "/", signed: map[string]string{"content-length": "2"}, body: "hi", want: 200},
		{name: "content length of nothing", path: "/", target: "/", signed: map[string]string{"content-length": "0"}, want: 200},
		{name: "another content length", path: "/", target: "/", signed: map[string]string{"content-length": "2"}, sent: map[string]string{"content-length": "1"}, body: "h", want: 403},
		{name: "transfer encoding", path: "/", target: "/", signed: map[string]string{"transfer-encoding": "chunked"}, body: "2\r\nhi\r\n0\r\n\r\n", want: 200},
		{name: "content length that is not there", path: "/", target: "/", signed: map[string]string{"content-length": "2"}, sent: map[string]string{"transfer-encoding": "chunked"}, body: "2\r\nhi\r\n0\r\n\r\n", want: 403},
		{name: "expect, connection and user agent", path: "/", target: "/", signed: map[string]string{"connection": "close", "user-agent": "x/1", "te": "trailers"}, want: 200},
		{name: "a signed header that is not there", path: "/", target: "/", signed: map[string]string{"my-header": ""}, sent: map[string]string{"my-header": "-"}, want: 403},
	} {
		payload := sigv4.UnsignedPayload
		r, err := http.NewRequest("PUT", "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		// The signature is made by hand here, from the rules and not from Sign,
		// so that nothing of a client gets in between.
		now := time.Now().UTC()
		headers := map[string]string{"host": address, "x-amz-date": now.Format("20060102T150405Z"), "x-amz-content-sha256": payload}
		for name, value := range x.signed {
			headers[name] = value
		}
		authorization := byHand(r.Method, x.path, headers, payload, now)
		for name, value := range x.sent {
			if value == "-" {
				delete(headers, name)
				continue
			}
			if name == "transfer-encoding" {
				delete(headers, "content-length")
			}
			delete(headers, strings.ToLower(name))
			headers[name] = value
		}
		var b strings.Builder
		fmt.Fprintf(&b, "PUT %s HTTP/1.1\r\nAuthorization: %s\r\n", x.target, authorization)
		if x.signed["content-length"] == "" && x.signed["transfer-encoding"] == "" {
			headers["Connection"] = "close"
			delete(headers, "connection")
		}
		for name, value := range headers {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
		b.WriteString("\r\n" + x.body)
		if status, answer := exchange(t, address, b.String()); status != x.want {
			t.Errorf("%s: %d\n%s\nof\n%s", x.name, status, answer, b.String())
		}
	}
}

func exchange(t *testing.T, address, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%v to %q", err, request)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}
