package aws_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/internal/sigv4"
)

func crcOf(data string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(data))))
}

func md5Of(data string) string {
	sum := md5.Sum([]byte(data))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// putSigned sends a PUT whose payload hash is what the request says of it.
func (w *world) putSigned(t *testing.T, url, payload, body string, length int64, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("PUT", url, strings.NewReader(body))
	r.ContentLength = length
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if err := sigv4.Sign(r, payload, sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "s3", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec.Result()
}

// Bodies that are not what was declared are refused with AWS's code, and the
// operation does not act on them (S5).
func TestBodyAbuse(t *testing.T) {
	t.Parallel()
	const data = "0123456789"
	chunked := func(parts ...string) string { return strings.Join(parts, "\r\n") }
	trailer := "x-amz-checksum-crc32:" + crcOf(data)
	unsigned := map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": "10", "Content-Encoding": "aws-chunked"}
	with := func(base map[string]string, pairs ...string) map[string]string {
		m := make(map[string]string)
		for k, v := range base {
			m[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			if m[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
				delete(m, pairs[i])
			}
		}
		return m
	}
	plain := sigv4.UnsignedPayload
	signature := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name, payload, body string
		header              map[string]string
		length              int64 // of the body if 0
		code                string
	}{
		{"all is well", sigv4.HashPayload([]byte(data)), data, map[string]string{"Content-Md5": md5Of(data), "X-Amz-Checksum-Crc32": crcOf(data)}, 0, ""},
		{"unsigned", plain, data, nil, 0, ""},
		{"chunks", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), unsigned, -1, ""},
		{"small chunks", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), unsigned, 0, ""},
		{"another body", sigv4.HashPayload([]byte("9876543210")), data, nil, 0, "XAmzContentSHA256Mismatch"},
		{"no body", sigv4.HashPayload([]byte(data)), "", nil, 0, "XAmzContentSHA256Mismatch"},
		{"a short body", plain, data, nil, 11, "IncompleteBody"},
		{"a long body", plain, data, nil, 9, "IncompleteBody"},
		{"no length", plain, data, nil, -1, "MissingContentLength"},
		{"wrong MD5", plain, data, map[string]string{"Content-Md5": md5Of("x")}, 0, "BadDigest"},
		{"no MD5", plain, data, map[string]string{"Content-Md5": "nonsense"}, 0, "InvalidDigest"},
		{"wrong checksum", plain, data, map[string]string{"X-Amz-Checksum-Crc32": crcOf("x")}, 0, "BadDigest"},
		{"wrong checksum of nothing", plain, "", map[string]string{"X-Amz-Checksum-Crc32": crcOf("x")}, 0, "BadDigest"},
		{"no checksum", plain, data, map[string]string{"X-Amz-Checksum-Crc32": "AAAA"}, 0, "InvalidRequest"},
		{"two checksums", plain, data, map[string]string{"X-Amz-Checksum-Crc32": crcOf(data), "X-Amz-Checksum-Crc32c": "AAAAAA=="}, 0, "InvalidRequest"},
		{"a checksum that is not there", plain, data, map[string]string{"X-Amz-Sdk-Checksum-Algorithm": "SHA256"}, 0, "InvalidRequest"},
		{"another checksum", plain, data, map[string]string{"X-Amz-Sdk-Checksum-Algorithm": "SHA256", "X-Amz-Checksum-Crc32": crcOf(data)}, 0, "InvalidRequest"},
		{"a missing trailer", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", "", ""), unsigned, 0, "MalformedTrailerError"},
		{"a wrong trailer", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", "x-amz-checksum-crc32:"+crcOf("x"), "", ""), unsigned, 0, "BadDigest"},
		{"an unknown trailer", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", "x-amz-checksum-sha1:x", "", ""), unsigned, 0, "MalformedTrailerError"},
		{"two trailers", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, trailer, "", ""), unsigned, 0, "MalformedTrailerError"},
		{"a trailer nobody declared", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), with(unsigned, "X-Amz-Trailer", ""), 0, "MalformedTrailerError"},
		{"a trailer and a header", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), with(unsigned, "X-Amz-Checksum-Crc32", crcOf(data)), 0, "InvalidRequest"},
		{"a length that lies", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), with(unsigned, "X-Amz-Decoded-Content-Length", "11"), 0, "IncompleteBody"},
		{"a length that is too small", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), with(unsigned, "X-Amz-Decoded-Content-Length", "9"), 0, "IncompleteBody"},
		{"no decoded length", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", ""), with(unsigned, "X-Amz-Decoded-Content-Length", ""), 0, "MissingContentLength"},
		{"an overflow", sigv4.StreamingUnsignedTrailer, chunked("fffffffffffffffff", data, "0", trailer, "", ""), unsigned, 0, "InvalidRequest"},
		{"one-byte chunks", sigv4.StreamingUnsignedTrailer, "1\r\n0\r\n1\r\n1\r\n0\r\n" + trailer + "\r\n\r\n", with(unsigned, "X-Amz-Decoded-Content-Length", "2"), 0, "InvalidChunkSizeError"},
		{"a huge extension", sigv4.StreamingUnsignedTrailer, chunked("a;x="+strings.Repeat("y", 1<<20), data, "0", trailer, "", ""), unsigned, 0, "InvalidRequest"},
		{"something behind the end", sigv4.StreamingUnsignedTrailer, chunked("a", data, "0", trailer, "", "", "more"), unsigned, 0, "InvalidRequest"},
		{"forged chunks", sigv4.StreamingPayload, chunked("a;chunk-signature="+signature, data, "0;chunk-signature="+signature, "", ""), with(unsigned, "X-Amz-Trailer", ""), 0, "SignatureDoesNotMatch"},
		{"forged chunks with a trailer", sigv4.StreamingPayloadTrailer, chunked("a;chunk-signature="+signature, data, "0;chunk-signature="+signature, trailer, "x-amz-trailer-signature:"+signature, "", ""), unsigned, 0, "SignatureDoesNotMatch"},
		{"unsigned chunks", sigv4.StreamingPayload, chunked("a", data, "0", "", ""), with(unsigned, "X-Amz-Trailer", ""), 0, "InvalidRequest"},
		{"a body that is cut", sigv4.StreamingUnsignedTrailer, "a\r\n0123", unsigned, 0, "IncompleteBody"},
		{"events", sigv4.StreamingEvents, data, nil, 0, "NotImplemented"},
	} {
		for _, url := range []string{"http://aws.test/b/k", "http://aws.test/b?policy"} {
			w, o := newObjects(t)
			length := c.length
			if length == 0 {
				length = int64(len(c.body))
			}
			code := c.code
			if strings.HasSuffix(url, "policy") && code == "MissingContentLength" && length < 0 {
				code = "" // what is read whole needs none
			}
			answer := w.putSigned(t, url, c.payload, c.body, length, c.header)
			body := text(t, answer)
			if code == "" && answer.StatusCode != 200 && answer.StatusCode != 204 || code != "" && !strings.Contains(body, "<Code>"+code+"</Code>") {
				t.Errorf("%s, %s: %d %s, want %s", c.name, url, answer.StatusCode, body, code)
			}
			if acted := len(o.ops) > 0; acted != (code == "") {
				t.Errorf("%s, %s: the operation acted: %v", c.name, url, acted)
			}
			if answer.StatusCode >= 400 && len(w.calls)+len(w.counted) != 1 {
				t.Errorf("%s, %s: %d calls are recorded, %d counted", c.name, url, len(w.calls), len(w.counted))
			}
		}
	}
}

// Nothing of a stranger's body is read: who is told to go on has signed.
func TestContinue(t *testing.T) {
	t.Parallel()
	w, o := newObjects(t)
	server := httptest.NewServer(w.mux)
	t.Cleanup(server.Close)
	for _, c := range []struct {
		secret string
		status string
	}{{secret, "100 Continue"}, {"forged", "403 Forbidden"}} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		r, _ := http.NewRequest("PUT", "http://"+server.Listener.Addr().String()+"/b/k", nil)
		r.Header.Set("Expect", "100-continue")
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte("hello")), sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: c.secret}, "s3", "us-east-1", now); err != nil {
			t.Fatal(err)
		}
		var head bytes.Buffer
		fmt.Fprintf(&head, "PUT /b/k HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\n", r.Host)
		r.Header.Write(&head)
		head.WriteString("\r\n")
		conn.Write(head.Bytes())
		in := bufio.NewReader(conn)
		line, err := in.ReadString('\n')
		if err != nil || !strings.Contains(line, c.status) {
			t.Errorf("with the secret %q: %q, %v", c.secret, line, err)
		}
		if c.secret == secret {
			in.ReadString('\n')
			io.WriteString(conn, "hello")
			if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "200 OK") {
				t.Errorf("after the body: %q, %v", line, err)
			}
		}
		conn.Close()
	}
	if len(o.ops) != 1 {
		t.Errorf("acted: %v", o.ops)
	}
}

// The process's own clients stream both ways, whatever form they choose.
func TestOwnStreams(t *testing.T) {
	t.Parallel()
	w, o := newObjects(t)
	for _, url := range []string{"http://aws.test", "https://aws.test"} {
		client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true, Retryer: sdk.NopRetryer{},
			HTTPClient:  &http.Client{Transport: w.mux.As(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com"})},
			Credentials: credentials.NewStaticCredentialsProvider("AKIDANY", "any", "")})
		data := strings.Repeat("log ", 100_000)
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k"), Body: strings.NewReader(data), ChecksumAlgorithm: "SHA256"}); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if !strings.HasPrefix(o.sums[len(o.sums)-1], "SHA256 ") {
			t.Errorf("%s: checksums %v", url, o.sums)
		}
		get, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(get.Body); err != nil || string(got) != data {
			t.Errorf("%s: got %d bytes, %v", url, len(got), err)
		}
		get.Body.Close()
	}
	w.wantEvents(t, 0, 0)
}

// A stream costs no more memory than its buffers, whatever its length.
func TestStreamMemory(t *testing.T) {
	w, _ := presentObjects(t)
	server := httptest.NewUnstartedServer(w.mux)
	server.StartTLS()
	t.Cleanup(server.Close)
	const size = 32 << 20
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, "")})
	upload := func(n int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: sdk.String("b"), Key: sdk.String("k"), UploadId: sdk.String("u"), PartNumber: sdk.Int32(1),
			Body: io.NewSectionReader(zeros{}, 0, int64(n)), ChecksumAlgorithm: "CRC32"})
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	upload(1 << 20) // fills the pools
	// The race detector's build allocates 5 MB of its own in such an upload;
	// keeping the body would take 32.
	if used := upload(size); used > 8<<20 {
		t.Errorf("%d bytes take %d bytes of memory on both ends", size, used)
	}
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

// Presigned requests of Version 4 and 2 are taken, and mean what they say.
func TestPresigned(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	server := httptest.NewServer(w.mux)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, "")})
	presigner := s3.NewPresignClient(client)
	send := func(method, url, body string) (int, string) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode, text(t, answer)
	}
	put, err := presigner.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := send("PUT", put.URL, "hello"); status != 200 {
		t.Errorf("presigned put: %d %s", status, body)
	}
	get, err := presigner.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k"), VersionId: sdk.String("v")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := send("GET", get.URL, ""); status != 200 || body != "hello" || o.inputs[len(o.inputs)-1].(GetObjectInput).VersionId != "v" {
		t.Errorf("presigned get: %d %s", status, body)
	}
	if status, body := send("GET", strings.Replace(get.URL, "/b/k?", "/b/l?", 1), ""); status != 403 {
		t.Errorf("presigned get of another: %d %s", status, body)
	}
	if status, _ := send("PUT", get.URL, "x"); status != 403 {
		t.Errorf("a put with a presigned get: %d", status)
	}

	w.clock = now
	v2 := func(query string) string { return server.URL + "/bucket/k?" + query }
	const signedPut = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=EHF9LtdX51z4SDM1WlEshkhVFes%3D&content-type=text%2Fodd&x-amz-meta-signature=ab&x-amz-acl=private&Expires=1772604367"
	const signedHead = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=5QV2nyS361iscmoDkLve9TDZrw0%3D&Expires=1772604367"
	const signedDelete = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=CSfy%2BiZscoGQ182Npdk0NNeZ%2Faw%3D&Expires=1772604367"
	if status, body := send("PUT", v2(signedPut), "version 2"); status != 200 {
		t.Errorf("put of version 2: %d %s", status, body)
	}
	in := o.kept["bucket/k"].in
	if in.ContentType != "text/odd" || in.Metadata["signature"] != "ab" || in.ACL != "private" || string(o.kept["bucket/k"].data) != "version 2" {
		t.Errorf("put of version 2 arrived as %+v", in)
	}
	if c := w.calls[len(w.calls)-1]; c.SignatureVersion != "SigV2" || c.AuthenticationMethod != "QueryString" || c.Identity.UserName != "kit" || c.Identity.AccessKeyID != keyID || c.Region != "us-east-1" {
		t.Errorf("put of version 2 is recorded as %+v", c)
	}
	if status, _ := send("HEAD", v2(signedHead), ""); status != 200 {
		t.Errorf("head of version 2: %d", status)
	}
	acted := len(o.ops)
	for name, c := range map[string]struct{ method, url, code string }{
		"a delete":          {"DELETE", v2(signedDelete), "InvalidRequest"},
		"another path":      {"GET", server.URL + "/bucket/l?" + signedHead, "SignatureDoesNotMatch"},
		"another part":      {"GET", v2(signedHead + "&acl"), "SignatureDoesNotMatch"},
		"an uncovered part": {"PUT", v2(signedPut + "&retention"), "AuthorizationQueryParametersError"},
		"a header":          {"GET", "", "InvalidRequest"},
		"another service":   {"POST", server.URL + "/?Action=Echo&" + signedHead, "IncompleteSignature"},
	} {
		r, _ := http.NewRequest(c.method, c.url, nil)
		if c.url == "" {
			r, _ = http.NewRequest(c.method, server.URL+"/bucket/k", nil)
			r.Header.Set("Authorization", "AWS "+keyID+":EHF9LtdX51z4SDM1WlEshkhVFes=")
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body := text(t, answer); answer.StatusCode < 400 || !strings.Contains(body, "<Code>"+c.code+"</Code>") {
			t.Errorf("version 2, %s: %d %s, want %s", name, answer.StatusCode, body, c.code)
		}
		answer.Body.Close()
	}
	w.clock = now.Add(2 * time.Hour)
	if status, body := send("PUT", v2(signedPut), "x"); status != 403 || !strings.Contains(body, "expired") {
		t.Errorf("version 2, too late: %d %s", status, body)
	}
	if len(o.ops) != acted {
		t.Errorf("acted: %v", o.ops[acted:])
	}
}

// strangersOut allows what is signed.
type strangersOut struct{ *world }

func (s strangersOut) Authorize(ctx context.Context, c *aws.Call, need aws.Permission) error {
	if c.Identity.Anonymous() {
		return aws.AccessDenied("Access Denied")
	}
	return s.world.Authorize(ctx, c, need)
}

// Every operation of S3, asked for in every mode of payload and with credentials
// in every place, is refused unless its signature is good (S3). Requests without
// any credentials are anonymous ones, and asked about as such.
func TestForgedObjectSignatures(t *testing.T) {
	t.Parallel()
	api, o := objectAPI()
	w := newWorld(t, nil)
	w2 := &world{clock: now}
	w.mux = aws.NewMux(aws.Config{Keys: w2, Authorizer: strangersOut{w2}, Recorder: w2, Now: func() time.Time { return now }, Regions: []string{"us-east-1"}})
	w.mux.Serve(api)
	model, _ := awsmodel.Service("s3")
	modes := []string{"", sigv4.HashPayload([]byte("x")), sigv4.UnsignedPayload, sigv4.StreamingPayload, sigv4.StreamingPayloadTrailer, sigv4.StreamingUnsignedTrailer,
		sigv4.StreamingEvents, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "nonsense"}
	places := []string{"header", "query", "both", "none", "SigV2 header", "SigV2 query", "POST form", "two headers", "SigV4A", "no secret"}
	cells := 0
	for _, op := range model.Operations() {
		for _, mode := range modes {
			for _, place := range places {
				r := forgedObject(op, mode, place)
				rec := httptest.NewRecorder()
				w.mux.ServeHTTP(rec, r)
				cells++
				if rec.Code < 400 {
					t.Errorf("%s, payload %q, credentials in %s: %d %s", op.Name, mode, place, rec.Code, rec.Body)
				}
			}
		}
	}
	if len(o.ops) > 0 || len(w2.calls) > 0 || len(w2.asked) > 0 || len(w2.counted) != cells {
		t.Errorf("%d cells: acted %v, %d recorded, asked %v, %d counted", cells, o.ops, len(w2.calls), w2.asked, len(w2.counted))
	}
	t.Logf("%d cells", cells)
}

func forgedObject(op *awsmodel.Operation, mode, place string) *http.Request {
	url := "http://aws.test" + strings.NewReplacer("{Bucket}", "bucket", "{Key+}", "key").Replace(op.URI)
	if !strings.Contains(url, "?") {
		url += "?x-id=" + op.Name
	}
	const signature = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	scope := keyID + "/" + now.Format("20060102") + "/us-east-1/s3/aws4_request"
	authorization := "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + signature
	query := "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + strings.ReplaceAll(scope, "/", "%2F") + "&X-Amz-Date=" + now.Format("20060102T150405Z") +
		"&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=" + signature
	header := http.Header{}
	body := "x"
	method := op.Method
	switch place {
	case "header":
		header.Set("Authorization", authorization)
	case "no secret":
		header.Set("Authorization", strings.Replace(authorization, signature, "", 1))
	case "two headers":
		header["Authorization"] = []string{authorization, authorization}
	case "query":
		url += query
	case "both":
		header.Set("Authorization", authorization)
		url += query
	case "SigV2 header":
		header.Set("Authorization", "AWS "+keyID+":"+signature)
	case "SigV2 query":
		url += "&AWSAccessKeyId=" + keyID + "&Signature=" + signature + "&Expires=9999999999"
	case "SigV4A":
		header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential="+keyID+"/20260304/s3/aws4_request, SignedHeaders=host;x-amz-date;x-amz-region-set, Signature="+signature)
	case "POST form":
		method = "POST"
		header.Set("Content-Type", "multipart/form-data; boundary=b")
		body = "--b\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--b--\r\n"
	}
	header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	if mode != "" {
		header.Set("X-Amz-Content-Sha256", mode)
	}
	if strings.HasPrefix(mode, "STREAMING") {
		header.Set("X-Amz-Decoded-Content-Length", "1")
		header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = header
	return r
}

// Which service a request without a scope is meant for does not depend on chance.
func TestGuess(t *testing.T) {
	t.Parallel()
	w, _ := newObjects(t)
	w.deny = true
	for range 20 {
		for _, c := range []struct {
			q    request
			want string
		}{
			{request{method: "GET", url: "http://aws.test/"}, "<Error><Code>AccessDenied"},
			{request{method: "PUT", url: "http://aws.test/b/k"}, "<Error><Code>AccessDenied"},
			{request{method: "GET", url: "http://aws.test/?Action=ListUsers"}, "<ErrorResponse"},
			{request{url: "http://aws.test/", body: "Action=ListUsers", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}}, "<ErrorResponse"},
			{request{target: "CloudTrail_20131101.Echo"}, `{"__type"`},
		} {
			c.q.unsigned = true
			if body := text(t, w.send(t, c.q)); !strings.Contains(body, c.want) {
				t.Fatalf("%s %s: %s, want %s", c.q.method, c.q.url, body, c.want)
			}
		}
	}
}
