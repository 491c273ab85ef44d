package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What is put comes back with all that was said of it, metadata in lower case, and
// with the headers that keep browsers from running it.
func TestPutAndGet(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "put-and-get")
	body := strings.Repeat("0123456789", 1000)
	expires := soon()
	sum := md5.Sum([]byte(body))
	out, err := a.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: &bucket, Key: p("dir//ke y+é%2F?.txt"), Body: strings.NewReader(body), ContentType: p("text/plain"), CacheControl: p("no-store"),
		ContentDisposition: p("attachment"), ContentLanguage: p("de"), Expires: &expires, Metadata: map[string]string{"Start-Time": "now", "signature": "x"},
		Tagging: p("a=1&b=two%20words"), StorageClass: types.StorageClassStandardIa, WebsiteRedirectLocation: p("/elsewhere"), ACL: types.ObjectCannedACLBucketOwnerFullControl,
	})
	must(t, err)
	if want := `"` + hex.EncodeToString(sum[:]) + `"`; *out.ETag != want || out.VersionId != nil || out.ChecksumCRC32 == nil || out.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("put gives ETag %s, version %v, CRC32 %v", *out.ETag, out.VersionId, out.ChecksumCRC32)
	}
	got, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("dir//ke y+é%2F?.txt"), ChecksumMode: types.ChecksumModeEnabled})
	must(t, err)
	if got != body || *o.ContentLength != 10000 || *o.ContentType != "text/plain" || *o.CacheControl != "no-store" || *o.ContentDisposition != "attachment" ||
		*o.ContentLanguage != "de" || *o.ExpiresString != expires.Format(http.TimeFormat) || *o.TagCount != 2 || o.StorageClass != "STANDARD_IA" || *o.WebsiteRedirectLocation != "/elsewhere" ||
		o.Metadata["start-time"] != "now" || o.Metadata["signature"] != "x" || len(o.Metadata) != 2 || *o.ChecksumCRC32 != *out.ChecksumCRC32 || *o.ETag != *out.ETag {
		t.Errorf("get gives %d bytes and %+v", len(got), o)
	}
	head, err := a.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &bucket, Key: p("dir//ke y+é%2F?.txt")})
	must(t, err)
	if *head.ContentLength != 10000 || *head.ETag != *out.ETag || head.Metadata["start-time"] != "now" || head.ChecksumCRC32 != nil {
		t.Errorf("head gives %+v", head)
	}
	_, o, err = get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("dir//ke y+é%2F?.txt"), ResponseContentType: p("text/html"), ResponseCacheControl: p("x"),
		ResponseContentDisposition: p("inline"), ResponseContentLanguage: p("en"), ResponseContentEncoding: p("gzip")})
	must(t, err)
	if *o.ContentType != "text/html" || *o.CacheControl != "x" || *o.ContentDisposition != "inline" || *o.ContentLanguage != "en" || *o.ContentEncoding != "gzip" {
		t.Errorf("overrides give %+v", o)
	}
	signed, err := sdk.NewPresignClient(a).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: p("dir//ke y+é%2F?.txt")})
	must(t, err)
	answer := f.send(t, http.MethodGet, signed.URL, "")
	if h := answer.Header; h.Get("Content-Security-Policy") != "sandbox" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Amz-Bucket-Region") != "us-east-1" || !slices.Contains(slices.Collect(maps.Keys(h)), "x-amz-meta-start-time") {
		t.Errorf("the answer's headers are %v", h)
	}
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != body {
		t.Errorf("the presigned URL gives %d bytes, %v", len(text), err)
	}
	put, err := sdk.NewPresignClient(a).PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("by-url")})
	must(t, err)
	if answer := f.send(t, http.MethodPut, put.URL, "by URL"); answer.StatusCode != http.StatusOK {
		t.Errorf("a presigned put gives %d", answer.StatusCode)
	}
	if answer := f.send(t, http.MethodPut, strings.Replace(put.URL, "by-url", "other", 1), "by URL"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a presigned put of another key gives %d", answer.StatusCode)
	}
	if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("by-url")}); err != nil || body != "by URL" {
		t.Errorf("what was put by URL is %q, %v", body, err)
	}
	_, err = a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("empty"), Body: strings.NewReader("")})
	must(t, err)
	if body, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("empty")}); err != nil || body != "" || *o.ContentLength != 0 {
		t.Errorf("the empty object is %q, %v", body, err)
	}
}

func (f *front) send(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	r.Host = r.URL.Host
	answer, err := inProcess{f.mux}.RoundTrip(r)
	must(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func TestRanges(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a := f.root(accountA)
	bucket := f.bucket(a, "ranges")
	body := make([]byte, 200_000)
	for i := range body {
		body[i] = byte(i*7 + i>>8)
	}
	f.put(a, bucket, "k", string(body))
	f.put(a, bucket, "none", "")
	for asked, want := range map[string][2]int{
		"bytes=0-0": {0, 1}, "bytes=65535-65536": {65535, 65537}, "bytes=199999-": {199_999, 200_000}, "bytes=-1": {199_999, 200_000},
		"bytes=100-999999": {100, 200_000}, "bytes=-999999": {0, 200_000}, "bytes=1-199998": {1, 199_999},
	} {
		got, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), Range: &asked, ChecksumMode: "ENABLED"})
		if err != nil || got != string(body[want[0]:want[1]]) || *o.ContentRange != fmt.Sprintf("bytes %d-%d/200000", want[0], want[1]-1) || *o.ContentLength != int64(want[1]-want[0]) {
			t.Errorf("%s gives %d bytes, %v", asked, len(got), err)
		}
	}
	for _, asked := range []string{"bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=0-1,3-4"} {
		if got, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), Range: &asked}); err != nil || len(got) != len(body) || o.ContentRange != nil {
			t.Errorf("%s gives %d bytes, %v", asked, len(got), err)
		}
	}
	for _, c := range []struct{ key, asked string }{{"k", "bytes=200000-"}, {"k", "bytes=-0"}, {"none", "bytes=0-"}, {"none", "bytes=-5"}} {
		_, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &c.key, Range: &c.asked})
		wantCode(t, c.key+" "+c.asked, err, "InvalidRange", 416)
	}
	if got, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), PartNumber: p(int32(1))}); err != nil || len(got) != len(body) || o.PartsCount != nil {
		t.Errorf("part 1 of an object without parts gives %d bytes, %v", len(got), err)
	}
	_, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), PartNumber: p(int32(2))})
	wantCode(t, "part 2", err, "InvalidPartNumber", 416)
}

func TestConditions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "conditions")
	etag := f.put(a, bucket, "k", "one").ETag
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	other := p(`"00000000000000000000000000000000"`)
	for name, c := range map[string]struct {
		in   sdk.GetObjectInput
		want int
	}{
		"match":                          {sdk.GetObjectInput{IfMatch: etag}, 200},
		"match any":                      {sdk.GetObjectInput{IfMatch: p("*")}, 200},
		"match other":                    {sdk.GetObjectInput{IfMatch: other}, 412},
		"none match":                     {sdk.GetObjectInput{IfNoneMatch: etag}, 304},
		"none match other":               {sdk.GetObjectInput{IfNoneMatch: other}, 200},
		"modified since past":            {sdk.GetObjectInput{IfModifiedSince: &past}, 200},
		"modified since future":          {sdk.GetObjectInput{IfModifiedSince: &future}, 304},
		"unmodified since past":          {sdk.GetObjectInput{IfUnmodifiedSince: &past}, 412},
		"unmodified since future":        {sdk.GetObjectInput{IfUnmodifiedSince: &future}, 200},
		"match, though modified":         {sdk.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: &past}, 200},
		"none match, though modified":    {sdk.GetObjectInput{IfNoneMatch: etag, IfModifiedSince: &past}, 304},
		"none match other, not modified": {sdk.GetObjectInput{IfNoneMatch: other, IfModifiedSince: &future}, 200},
	} {
		c.in.Bucket, c.in.Key = &bucket, p("k")
		_, _, err := get(a, &c.in)
		var response interface{ HTTPStatusCode() int }
		if status := 200; (err != nil && (!errors.As(err, &response) || response.HTTPStatusCode() != c.want)) || err == nil && status != c.want {
			t.Errorf("%s: %v, want %d", name, err, c.want)
		}
	}
	put := func(key string, in sdk.PutObjectInput) error {
		in.Bucket, in.Key, in.Body = &bucket, &key, strings.NewReader("two")
		_, err := a.PutObject(ctx, &in)
		return err
	}
	wantCode(t, "put if none", put("k", sdk.PutObjectInput{IfNoneMatch: p("*")}), "PreconditionFailed", 412)
	wantCode(t, "put if other", put("k", sdk.PutObjectInput{IfMatch: other}), "PreconditionFailed", 412)
	wantCode(t, "put if match of nothing", put("new", sdk.PutObjectInput{IfMatch: etag}), "NoSuchKey", 404)
	must(t, put("new", sdk.PutObjectInput{IfNoneMatch: p("*")}))
	must(t, put("k", sdk.PutObjectInput{IfMatch: etag}))
	wantCode(t, "put if the old one", put("k", sdk.PutObjectInput{IfMatch: etag}), "PreconditionFailed", 412)
	remove := func(key string, match *string) error {
		_, err := a.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: &key, IfMatch: match})
		return err
	}
	wantCode(t, "delete if the old one", remove("k", etag), "PreconditionFailed", 412)
	wantCode(t, "delete of nothing, if any", remove("none", p("*")), "NoSuchKey", 404)
	must(t, remove("k", p("*")))
	must(t, remove("k", nil))
}

func TestVersions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "versions")
	f.put(a, bucket, "k", "before")
	_, err := a.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	must(t, err)
	one, two := f.put(a, bucket, "k", "one"), f.put(a, bucket, "k", "two")
	if one.VersionId == nil || two.VersionId == nil || *one.VersionId == *two.VersionId {
		t.Fatalf("the versions are %v and %v", one.VersionId, two.VersionId)
	}
	for version, want := range map[*string]string{nil: "two", one.VersionId: "one", two.VersionId: "two", p("null"): "before"} {
		if got, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), VersionId: version}); err != nil || got != want {
			t.Errorf("version %v is %q, %v", awssdk.ToString(version), got, err)
		}
	}
	gone, err := a.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	if !*gone.DeleteMarker || gone.VersionId == nil {
		t.Errorf("delete gives %+v", gone)
	}
	_, _, err = get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")})
	wantCode(t, "get behind a marker", err, "NoSuchKey", 404)
	_, _, err = get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), VersionId: gone.VersionId})
	wantCode(t, "get of a marker", err, "MethodNotAllowed", 405)
	_, _, err = get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k"), VersionId: p("nonsense")})
	wantCode(t, "get of no version", err, "NoSuchVersion", 404)
	list, err := a.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: &bucket})
	must(t, err)
	if len(list.Versions) != 3 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest || *list.Versions[0].VersionId != *two.VersionId || *list.Versions[2].VersionId != "null" {
		t.Errorf("the versions are listed as %+v and %+v", list.Versions, list.DeleteMarkers)
	}
	_, err = a.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: &bucket})
	wantCode(t, "delete of the bucket", err, "BucketNotEmpty", 409)
	back, err := a.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: p("k"), VersionId: gone.VersionId})
	must(t, err)
	if !*back.DeleteMarker || *back.VersionId != *gone.VersionId {
		t.Errorf("delete of the marker gives %+v", back)
	}
	if got, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: p("k")}); err != nil || got != "two" {
		t.Errorf("without the marker there is %q, %v", got, err)
	}
	many, err := a.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: p("k"), VersionId: one.VersionId}, {Key: p("k"), VersionId: two.VersionId}, {Key: p("k"), VersionId: p("null")}, {Key: p("never")}, {Key: p("k"), VersionId: p("nonsense")},
	}}})
	must(t, err)
	if len(many.Deleted) != 5 || len(many.Errors) != 0 || !*many.Deleted[3].DeleteMarker {
		t.Errorf("many deletes give %+v and %+v", many.Deleted, many.Errors)
	}
	quiet, err := a.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Quiet: p(true), Objects: []types.ObjectIdentifier{
		{Key: p("never"), VersionId: many.Deleted[3].DeleteMarkerVersionId}}}})
	must(t, err)
	if len(quiet.Deleted)+len(quiet.Errors) != 0 {
		t.Errorf("a quiet delete gives %+v", quiet)
	}
	_, err = a.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: &bucket})
	must(t, err)
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	from, to := f.bucket(a, "copy-from"), f.bucket(a, "copy-to")
	body := strings.Repeat("copied ", 30_000)
	sum, err := a.PutObject(ctx, &sdk.PutObjectInput{Bucket: &from, Key: p("a b/ü.txt"), Body: strings.NewReader(body), ContentType: p("text/x"), Metadata: map[string]string{"m": "1"}, Tagging: p("t=1"), StorageClass: "STANDARD_IA"})
	must(t, err)
	source := p("copy-from/a%20b/%C3%BC.txt")
	done, err := a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("k"), CopySource: source})
	must(t, err)
	got, o, err := get(a, &sdk.GetObjectInput{Bucket: &to, Key: p("k"), ChecksumMode: "ENABLED"})
	if err != nil || got != body || *o.ContentType != "text/x" || o.Metadata["m"] != "1" || *o.TagCount != 1 || o.StorageClass != "" || *o.ETag != *done.CopyObjectResult.ETag || o.ChecksumCRC32 == nil || *o.ChecksumCRC32 != *sum.ChecksumCRC32 {
		t.Errorf("the copy is %d bytes, %+v, %v", len(got), o, err)
	}
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("k2"), CopySource: source, MetadataDirective: "REPLACE", ContentType: p("text/y"),
		Metadata: map[string]string{"n": "2"}, TaggingDirective: "REPLACE", ChecksumAlgorithm: "SHA256"})
	must(t, err)
	_, o, err = get(a, &sdk.GetObjectInput{Bucket: &to, Key: p("k2"), ChecksumMode: "ENABLED"})
	if err != nil || *o.ContentType != "text/y" || o.Metadata["n"] != "2" || len(o.Metadata) != 1 || o.TagCount != nil || o.ChecksumSHA256 == nil {
		t.Errorf("the changed copy is %+v, %v", o, err)
	}
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("k"), CopySource: p("copy-to/k")})
	wantCode(t, "copy to itself", err, "InvalidRequest", 400)
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("k"), CopySource: p("copy-to/k"), MetadataDirective: "REPLACE", ContentType: p("text/z")})
	must(t, err)
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("k"), CopySource: p("copy-to/none")})
	wantCode(t, "copy of nothing", err, "NoSuchKey", 404)
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("x"), CopySource: p("copy-to/k"), CopySourceIfNoneMatch: p("*")})
	wantCode(t, "copy if none", err, "PreconditionFailed", 412)
	_, err = a.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &to, Key: p("x"), CopySource: p("nowhere")})
	wantCode(t, "copy of a bucket", err, "InvalidArgument", 400)
}

func TestListings(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "listings")
	keys := []string{"a/1", "a/2", "b c/é+1", "d", "e/1", "e/2/3", "f"}
	for _, key := range keys {
		f.put(a, bucket, key, key)
	}
	var found []string
	pages := sdk.NewListObjectsV2Paginator(a, &sdk.ListObjectsV2Input{Bucket: &bucket, MaxKeys: p(int32(2)), FetchOwner: p(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, o := range page.Contents {
			found = append(found, *o.Key)
			if *o.Size != int64(len(*o.Key)) || o.Owner == nil || o.StorageClass != "STANDARD" || o.LastModified.IsZero() || o.ETag == nil {
				t.Errorf("listed as %+v", o)
			}
		}
	}
	if strings.Join(found, ",") != strings.Join(keys, ",") {
		t.Errorf("found %q", found)
	}
	found = nil
	for marker := (*string)(nil); ; {
		page, err := a.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: &bucket, Delimiter: p("/"), MaxKeys: p(int32(1)), Marker: marker, EncodingType: "url"})
		must(t, err)
		for _, o := range page.Contents {
			found = append(found, *o.Key)
		}
		for _, o := range page.CommonPrefixes {
			found = append(found, *o.Prefix)
		}
		if !*page.IsTruncated {
			break
		}
		next := strings.ReplaceAll(*page.NextMarker, "+", " ")
		marker = &next
	}
	if strings.Join(found, ",") != "a/,b+c/,d,e/,f" {
		t.Errorf("found %q", found)
	}
	page, err := a.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: p("e/"), Delimiter: p("/"), StartAfter: p("e/0")})
	must(t, err)
	if *page.KeyCount != 2 || len(page.Contents) != 1 || len(page.CommonPrefixes) != 1 || *page.CommonPrefixes[0].Prefix != "e/2/" || *page.Name != bucket {
		t.Errorf("the page is %+v", page)
	}
	if page, err := a.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, MaxKeys: p(int32(0))}); err != nil || *page.KeyCount != 0 || *page.IsTruncated {
		t.Errorf("a page of nothing is %+v, %v", page, err)
	}
	_, err = a.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &bucket, ContinuationToken: p("!")})
	wantCode(t, "a forged token", err, "InvalidArgument", 400)
}

// Whatever a client says about a checksum is compared with the body, over plain
// HTTP and over TLS, whose modes differ.
func TestChecksums(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id, secret, err := f.store.AddAccount(accountA)
	must(t, err)
	for name, c := range f.overTheNetwork(t, id, secret) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, bucket := t.Context(), f.bucket(c, "checksums-"+name)
			body := bytes.Repeat([]byte("checked "), 200_000)
			for _, algorithm := range []types.ChecksumAlgorithm{"", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
				key := "k" + string(algorithm)
				out, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm})
				if err != nil {
					t.Errorf("%s: %v", algorithm, err)
					continue
				}
				got, o, err := get(c, &sdk.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: "ENABLED"}) // the SDK compares
				if err != nil || got != string(body) {
					t.Errorf("%s: %d bytes, %v", algorithm, len(got), err)
					continue
				}
				sums := []*string{o.ChecksumCRC32, o.ChecksumCRC32C, o.ChecksumCRC64NVME, o.ChecksumSHA1, o.ChecksumSHA256}
				given := 0
				for _, sum := range sums {
					if sum != nil {
						given++
					}
				}
				if given != 1 || *o.ETag != *out.ETag {
					t.Errorf("%s: %d checksums", algorithm, given)
				}
			}
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("bad"), Body: bytes.NewReader(body), ChecksumCRC32: p("AAAAAA==")})
			wantCode(t, "a wrong CRC32", err, "BadDigest", 400)
			_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("bad"), Body: bytes.NewReader(body), ContentMD5: p("AAAAAAAAAAAAAAAAAAAAAA==")})
			wantCode(t, "a wrong MD5", err, "BadDigest", 400)
			_, _, err = get(c, &sdk.GetObjectInput{Bucket: &bucket, Key: p("bad")})
			wantCode(t, "get of what was refused", err, "NoSuchKey", 404)
			plain := sdk.New(c.Options(), func(o *sdk.Options) { o.RequestChecksumCalculation = awssdk.RequestChecksumCalculationWhenRequired })
			out, err := plain.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("without"), Body: bytes.NewReader(body)})
			must(t, err)
			if out.ChecksumCRC64NVME == nil {
				t.Error("S3 computed no checksum of its own")
			}
			_, err = plain.PutObject(ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: p("unsigned"), Body: bytes.NewReader(body)}, sdk.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
			must(t, err)
		})
	}
}
