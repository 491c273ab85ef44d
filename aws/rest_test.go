package aws_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cairn/aws"
)

func typeName[T any]() string { return reflect.TypeFor[T]().String() }

// objectClients are the SDK's clients over each way there is.
func objectClients(t *testing.T, w *world, change func(*s3.Options)) map[string]*s3.Client {
	t.Helper()
	plain := httptest.NewServer(w.mux)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(w.mux)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	make := func(url string, client *http.Client, path bool) *s3.Client {
		return s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: &url, HTTPClient: client, UsePathStyle: path, Retryer: sdk.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""),
		}, func(o *s3.Options) {
			o.RequestChecksumCalculation = sdk.RequestChecksumCalculationWhenSupported
			if change != nil {
				change(o)
			}
		})
	}
	inProcess := &http.Client{Transport: aws.InProcess{Handler: w.mux}}
	return map[string]*s3.Client{
		"http":              make(plain.URL, plain.Client(), true),
		"https":             make(secure.URL, secure.Client(), true),
		"in process":        make("http://aws.test", inProcess, true),
		"in process, https": make("https://aws.test", inProcess, true),
		"host":              make("http://s3.example.com:8080", inProcess, false),
	}
}

// The world's clock is the present one, for clients that sign with their own.
func presentObjects(t *testing.T) (*world, *objects) {
	w, o := newObjects(t)
	w.clock = time.Now()
	return w, o
}

var oddKeys = []string{"k", "a b+c", "a/../b", "//a//", "dir/", "%2F", "a%2Fb", "..", "ü/💣", "?acl", "a&b=c;d", "x'(*)!~", "a\tb", ".", "./.."}

// Objects come back as they went, over every way, whatever their key.
func TestObjects(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	for name, client := range objectClients(t, w, nil) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			for _, key := range oddKeys {
				if name == "host" && strings.HasPrefix(key, "/") {
					continue // the SDK takes one of the slashes away
				}
				data := make([]byte, 100_000)
				rand.Read(data)
				retain := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
				put, err := client.PutObject(ctx, &s3.PutObjectInput{
					Bucket: sdk.String("bucket"), Key: &key, Body: bytes.NewReader(data), ContentType: sdk.String("text/odd"), ACL: types.ObjectCannedACLPrivate,
					Metadata: map[string]string{"signature": "ab", "start-time": "x"}, ObjectLockRetainUntilDate: &retain, BucketKeyEnabled: sdk.Bool(true),
				})
				if err != nil {
					t.Fatalf("put %q: %v", key, err)
				}
				if *put.VersionId != "v1" || *put.ETag != `"100000"` {
					t.Errorf("put: %v %v", put.VersionId, put.ETag)
				}
				in := o.inputs[len(o.inputs)-1].(PutObjectInput)
				if in.Key != key || in.Bucket != "bucket" || *in.ContentLength != 100_000 || in.ContentEncoding != "" || in.ACL != "private" || in.ContentType != "text/odd" ||
					!in.ObjectLockRetainUntilDate.Equal(retain) || !*in.BucketKeyEnabled {
					t.Errorf("put arrived as %+v", in)
				}
				if sum := o.sums[len(o.sums)-1]; !strings.HasPrefix(sum, "CRC32 ") || len(sum) != 14 {
					t.Errorf("the checksum is %q", sum)
				}
				get, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: sdk.String("bucket"), Key: &key})
				if err != nil {
					t.Fatalf("get %q: %v", key, err)
				}
				got, err := io.ReadAll(get.Body)
				get.Body.Close()
				if err != nil || !bytes.Equal(got, data) || *get.ContentLength != 100_000 || *get.ContentType != "text/odd" || !get.LastModified.Equal(lastModified) ||
					get.Metadata["signature"] != "ab" || get.Metadata["start-time"] != "x" || !get.ObjectLockRetainUntilDate.Equal(retain) {
					t.Errorf("got %d bytes (%v) of %q, %+v", len(got), err, key, get)
				}
				head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: sdk.String("bucket"), Key: &key})
				if err != nil || *head.ContentLength != 100_000 || head.Metadata["signature"] != "ab" {
					t.Errorf("head %q: %v %+v", key, err, head)
				}
			}
			part, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: sdk.String("bucket"), Key: sdk.String("k"), Range: sdk.String("bytes=1-2")})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(part.Body); len(got) != 2 || !strings.HasPrefix(*part.ContentRange, "bytes 1-2/") {
				t.Errorf("a range is %q of %s", got, *part.ContentRange)
			}
			part.Body.Close()
			empty, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: sdk.String("bucket"), Key: sdk.String("empty"), Body: strings.NewReader("")})
			if err != nil || *empty.ETag != `"0"` {
				t.Errorf("put of nothing: %v", err)
			}
		})
	}
	for range 100 {
		if o.mu.Lock(); o.opened == o.closed {
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d streams were opened and %d closed", o.opened, o.closed)
}

// Each call is recorded with its operation, its parameters and its bytes.
func TestObjectRecords(t *testing.T) {
	t.Parallel()
	w, _ := presentObjects(t)
	client := objectClients(t, w, nil)["https"]
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k"), Body: strings.NewReader("hello")}); err != nil {
		t.Fatal(err)
	}
	get, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	get.Body.Close()
	w.wantEvents(t, 2, 0)
	put, got := w.calls[0], w.calls[1]
	if put.Operation != "PutObject" || put.BytesIn != 5 || put.Input["Key"] != "k" || put.Input["Body"] != nil || put.SignatureVersion != "SigV4" || put.AuthenticationMethod != "AuthHeader" {
		t.Errorf("put is recorded as %+v", put)
	}
	if got.Operation != "GetObject" || got.BytesOut != 5 || got.Output["Body"] != nil || got.Output["ETag"] != `"e"` {
		t.Errorf("get is recorded as %+v", got)
	}
}

// Structures, lists, attributes and texts get through both ways.
func TestObjectXML(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	client := objectClients(t, w, nil)["http"]
	ctx, bucket, key := t.Context(), sdk.String("b"), sdk.String("k")
	last := func() any { return o.inputs[len(o.inputs)-1] }
	o.kept["b/x<&>\r\n"] = object{data: []byte("12")}

	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: sdk.String("p +&"), MaxKeys: sdk.Int32(7), FetchOwner: sdk.Bool(true),
		OptionalObjectAttributes: []types.OptionalObjectAttributes{"RestoreStatus"}})
	if err != nil {
		t.Fatal(err)
	}
	if in := last().(ListObjectsV2Input); in.Prefix != "p +&" || *in.MaxKeys != 7 || !*in.FetchOwner || in.OptionalObjectAttributes[0] != "RestoreStatus" {
		t.Errorf("list arrived as %+v", in)
	}
	if len(list.Contents) != 1 || *list.Contents[0].Key != "x<&>\r\n" || *list.Contents[0].Size != 2 || !list.Contents[0].LastModified.Equal(lastModified) ||
		len(list.Contents[0].ChecksumAlgorithm) != 2 || len(list.CommonPrefixes) != 2 || *list.KeyCount != 1 || *list.IsTruncated {
		t.Errorf("listed %+v", list)
	}
	if _, err := client.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket, Marker: sdk.String("m")}); err != nil || last().(ListObjectsInput).Marker != "m" {
		t.Errorf("ListObjects: %v, arrived as %+v", err, last())
	}
	location, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
	if err != nil || location.LocationConstraint != "eu-west-1" {
		t.Errorf("location: %v %+v", err, location)
	}
	policy, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	if err != nil || *policy.Policy != `{"Version":"2012-10-17"}` {
		t.Errorf("policy: %v %+v", err, policy)
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: sdk.String(`{"a":1}`)}); err != nil || last().(PutBucketPolicyInput).Policy != `{"a":1}` {
		t.Errorf("put policy: %v, arrived as %+v", err, last())
	}
	acl, err := client.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	if err != nil || len(acl.Grants) != 2 || acl.Grants[0].Grantee.Type != "CanonicalUser" || *acl.Grants[0].Grantee.ID != "<&>" || acl.Grants[1].Permission != "WRITE" || *acl.Owner.ID != "o" {
		t.Errorf("acl: %v %+v", err, acl)
	}
	if _, err := client.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, AccessControlPolicy: &types.AccessControlPolicy{Owner: acl.Owner, Grants: acl.Grants}}); err != nil {
		t.Error(err)
	}
	if in := last().(PutBucketAclInput).AccessControlPolicy; in == nil || len(in.Grants) != 2 || in.Grants[0].Grantee.Type != "CanonicalUser" || in.Grants[0].Grantee.ID != "<&>" || in.Owner.ID != "o" {
		t.Errorf("acl arrived as %+v", in)
	}
	complete, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: sdk.String("u/1"), ChecksumCRC32: sdk.String("AAAAAA=="),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: sdk.Int32(1), ETag: sdk.String("a")}, {PartNumber: sdk.Int32(2), ETag: sdk.String("b"), ChecksumCRC32: sdk.String("c")}}}})
	if err != nil || *complete.ETag != `"x-2"` || *complete.VersionId != "v9" {
		t.Errorf("complete: %v %+v", err, complete)
	}
	if in := last().(CompleteMultipartUploadInput); in.UploadId != "u/1" || in.ChecksumCRC32 != "AAAAAA==" || len(in.MultipartUpload.Parts) != 2 || *in.MultipartUpload.Parts[1].PartNumber != 2 || in.MultipartUpload.Parts[1].ChecksumCRC32 != "c" {
		t.Errorf("complete arrived as %+v", in)
	}
	deleted, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Quiet: sdk.Bool(true), Objects: []types.ObjectIdentifier{{Key: sdk.String("a\nb<")}, {Key: sdk.String("2"), VersionId: sdk.String("v")}}}})
	if err != nil || len(deleted.Deleted) != 2 {
		t.Errorf("delete objects: %v", err)
	}
	if in := last().(DeleteObjectsInput).Delete; in == nil || !*in.Quiet || in.Objects[0].Key != "a\nb<" || in.Objects[1].VersionId != "v" {
		t.Errorf("delete arrived as %+v", in)
	}
	copied, err := client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: sdk.String("b/%20x"), MetadataDirective: "COPY"})
	if err != nil || *copied.CopyObjectResult.ETag != `"c"` || *copied.VersionId != "v7" || !copied.CopyObjectResult.LastModified.Equal(lastModified) {
		t.Errorf("copy: %v %+v", err, copied)
	}
	if in := last().(CopyObjectInput); in.CopySource != "b/%20x" || in.MetadataDirective != "COPY" {
		t.Errorf("copy arrived as %+v", in)
	}
	gone, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: sdk.String("v")})
	if err != nil || !*gone.DeleteMarker || *gone.VersionId != "dm" || last().(DeleteObjectInput).VersionId != "v" {
		t.Errorf("delete: %v %+v", err, gone)
	}
	part, err := client.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: sdk.String("u"), PartNumber: sdk.Int32(3), Body: strings.NewReader("123")})
	if err != nil || *part.ETag != "3" || *last().(UploadPartInput).PartNumber != 3 {
		t.Errorf("upload part: %v", err)
	}
	buckets, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "b" || !buckets.Buckets[0].CreationDate.Equal(lastModified) {
		t.Errorf("buckets: %v %+v", err, buckets)
	}
}

// Errors have S3's form, those of HEAD and 304 no body.
func TestObjectErrors(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	client := objectClients(t, w, nil)["http"]
	o.kept["b/k"] = object{data: []byte("12")}
	var missing *types.NoSuchKey
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("none")}); !errors.As(err, &missing) {
		t.Errorf("get of nothing: %v", err)
	}
	var notFound *types.NotFound
	if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: sdk.String("b"), Key: sdk.String("none")}); !errors.As(err, &notFound) {
		t.Errorf("head of nothing: %v", err)
	}
	w.clock = now
	for _, c := range []struct {
		q      request
		status int
		want   []string
	}{
		{request{method: "GET", url: "http://aws.test/b/no<ne"}, 404, []string{"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>no&lt;ne</Key><Resource>/b/no%3Cne</Resource><RequestId>"}},
		{request{method: "HEAD", url: "http://aws.test/b/none"}, 404, nil},
		{request{method: "GET", url: "http://aws.test/b/k", header: map[string]string{"If-None-Match": "same"}}, 304, nil},
		{request{method: "GET", url: "http://aws.test/b/k", id: "AKIAUNKNOWN"}, 403, []string{"<Code>InvalidAccessKeyId</Code>"}},
		{request{method: "GET", url: "http://aws.test/b/k", id: "ASIAEXPIRED"}, 400, []string{"<Code>ExpiredToken</Code>"}},
		{request{method: "GET", url: "http://aws.test/b/k", secret: "wrong"}, 403, []string{"<Code>SignatureDoesNotMatch</Code>"}},
		{request{method: "GET", url: "http://aws.test/b/k", skew: -time.Hour}, 403, []string{"<Code>RequestTimeTooSkewed</Code>"}},
		{request{method: "DELETE", url: "http://aws.test/b/k?acl"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "DELETE", url: "http://aws.test/b/k?retention"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "PUT", url: "http://aws.test/b?versions"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "PUT", url: "http://aws.test/b/k?uploadId=u"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "POST", url: "http://aws.test/b/k"}, 400, []string{"<Code>InvalidArgument</Code>"}},
		{request{method: "PATCH", url: "http://aws.test/b/k"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "GET", url: "http://aws.test/b?list-type=2&max-keys=x"}, 400, []string{"<Code>InvalidArgument</Code>"}},
		{request{method: "GET", url: "http://aws.test/b?torrent"}, 405, []string{"<Code>MethodNotAllowed</Code>"}},
		{request{method: "GET", url: "http://aws.test/b?cors"}, 501, []string{"<Code>NotImplemented</Code>"}},
		{request{method: "POST", url: "http://aws.test/b?delete", body: "<Delete><Object>"}, 400, []string{"<Code>MalformedXML</Code>"}},
		{request{method: "POST", url: "http://aws.test/b?delete", body: "<Other></Other>"}, 400, []string{"<Code>MalformedXML</Code>"}},
		{request{method: "POST", url: "http://aws.test/b?delete", body: "<!DOCTYPE x [<!ENTITY a \"b\">]><Delete/>"}, 400, []string{"<Code>MalformedXML</Code>"}},
		{request{method: "POST", url: "http://aws.test/b?delete", body: strings.Repeat("x", 5<<20)}, 400, []string{"<Code>EntityTooLarge</Code>"}},
		{request{method: "POST", url: "http://aws.test/b", header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}}, 501, []string{"<Code>NotImplemented</Code>"}},
	} {
		c.q.service = "s3"
		answer := w.send(t, c.q)
		body := text(t, answer)
		if answer.StatusCode != c.status || c.want == nil && body != "" || answer.Header.Get("X-Amz-Request-Id") == "" || answer.Header.Get("X-Amz-Id-2") == "" {
			t.Errorf("%s %s: %d %s, want %d", c.q.method, c.q.url, answer.StatusCode, body, c.status)
		}
		for _, want := range c.want {
			if !strings.Contains(body, want) || answer.Header.Get("Content-Type") != "application/xml" {
				t.Errorf("%s %s: %s, want %s", c.q.method, c.q.url, body, want)
			}
		}
	}
}

// An answer that breaks off is an error to the client, over every way.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	o.kept["b/short"] = object{data: make([]byte, 3<<20)}
	for name, client := range objectClients(t, w, nil) {
		get, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("short")})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n, err := io.Copy(io.Discard, get.Body); err == nil {
			t.Errorf("%s: %d bytes and no error", name, n)
		}
		get.Body.Close()
	}
}

// A read's record is durable before its answer leaves; a stream that will not
// leave is closed.
func TestUnrecordedStream(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	client := objectClients(t, w, nil)["http"]
	o.kept["b/k"] = object{data: []byte("12")}
	w.failing = errors.New("the log is full")
	var e smithy.APIError
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")}); !errors.As(err, &e) || e.ErrorCode() != "ServiceUnavailable" {
		t.Errorf("an unrecorded read: %v", err)
	}
	if o.opened != 1 || o.closed != 1 {
		t.Errorf("%d streams were opened and %d closed", o.opened, o.closed)
	}
}

// An operation that succeeds without having read its body is a defect that no
// client takes for a success.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	w, o := newObjects(t)
	o.lazy = true
	if answer := w.send(t, request{service: "s3", method: "PUT", url: "http://aws.test/b/k", body: "unread"}); answer.StatusCode != 500 {
		t.Errorf("an unread body: %d", answer.StatusCode)
	}
}

// Unsigned requests reach S3 with no identity; whether they may is up to the
// Authorizer. Refused ones are counted and not recorded.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	w, o := presentObjects(t)
	clients := objectClients(t, w, func(o *s3.Options) { o.Credentials = sdk.AnonymousCredentials{} })
	for name, client := range clients {
		o.sums, w.calls, w.counted = nil, nil, nil
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("bucket"), Key: sdk.String("k"), Body: strings.NewReader("hi")}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(o.sums) != 1 || !strings.HasPrefix(o.sums[0], "CRC32 ") {
			t.Errorf("%s: checksums %v", name, o.sums)
		}
		w.deny = true
		var e smithy.APIError
		if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("bucket"), Key: sdk.String("k")}); !errors.As(err, &e) || e.ErrorCode() != "AccessDenied" {
			t.Errorf("%s: a denied read: %v", name, err)
		}
		w.deny = false
		w.wantEvents(t, 1, 1)
		id := w.calls[0].Identity
		if !id.Anonymous() || id.ARN != "" || id.PrincipalID != "" || id.AccessKeyID != "" || w.calls[0].SharedWith != account || w.calls[0].Region != "us-east-1" {
			t.Errorf("%s: the caller is %+v", name, w.calls[0])
		}
	}
	// Other services are as closed as ever.
	w.counted = nil
	for _, q := range []request{{target: "CloudTrail_20131101.Echo", body: "{}"}, {body: "Action=Echo&Must=x", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}} {
		q.unsigned = true
		if answer := w.send(t, q); answer.StatusCode < 400 {
			t.Errorf("an unsigned call of another service: %d", answer.StatusCode)
		}
	}
	if len(w.counted) != 2 || w.counted[0] != "MissingAuthenticationTokenException" || w.counted[1] != "MissingAuthenticationToken" {
		t.Errorf("counted %v", w.counted)
	}
}
