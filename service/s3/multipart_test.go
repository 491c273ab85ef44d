package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"cairn/internal/sigv4"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const partBytes = 5 << 20

// parted is content of three parts, of which the last is short.
func parted() []byte {
	content := make([]byte, 2*partBytes+12345)
	for i := range content {
		content[i] = byte(i ^ i>>7 ^ i>>13)
	}
	return content
}

// An upload in parts gives the object, its parts and its checksums, of whichever
// algorithm and kind.
func TestMultipart(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a := f.root(accountA)
	bucket, content := f.bucket(a, "multipart"), parted()
	for _, c := range []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{{"", ""}, {"CRC32", "COMPOSITE"}, {"CRC32", "FULL_OBJECT"}, {"CRC32C", "FULL_OBJECT"}, {"CRC64NVME", "FULL_OBJECT"}, {"SHA256", "COMPOSITE"}, {"SHA1", ""}} {
		t.Run(fmt.Sprint(c.algorithm, c.kind), func(t *testing.T) {
			t.Parallel()
			ctx, key := t.Context(), "k"+string(c.algorithm)+string(c.kind)
			upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: c.algorithm, ChecksumType: c.kind,
				ContentType: p("text/x"), Metadata: map[string]string{"m": "1"}, Tagging: p("a=b")})
			must(t, err)
			var parts []types.CompletedPart
			var sums []byte
			for i := range 3 {
				chunk := content[i*partBytes : min((i+1)*partBytes, len(content))]
				out, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: p(int32(i + 1)), Body: bytes.NewReader(chunk), ChecksumAlgorithm: c.algorithm})
				must(t, err)
				sum := md5.Sum(chunk)
				sums = append(sums, sum[:]...)
				parts = append(parts, types.CompletedPart{PartNumber: p(int32(i + 1)), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
					ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256})
			}
			listed, err := a.ListParts(ctx, &sdk.ListPartsInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, MaxParts: p(int32(2))})
			must(t, err)
			if len(listed.Parts) != 2 || !*listed.IsTruncated || *listed.NextPartNumberMarker != "2" || *listed.Parts[1].Size != partBytes || *listed.Parts[0].ETag != *parts[0].ETag {
				t.Errorf("the parts are listed as %+v", listed)
			}
			done, err := a.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
			must(t, err)
			whole := md5.Sum(sums)
			if want := `"` + hex.EncodeToString(whole[:]) + `-3"`; *done.ETag != want {
				t.Errorf("the ETag is %s, want %s", *done.ETag, want)
			}
			body, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: "ENABLED"})
			if err != nil || body != string(content) || *o.ContentType != "text/x" || o.Metadata["m"] != "1" || *o.TagCount != 1 {
				t.Errorf("get gives %d bytes, %+v, %v", len(body), o, err)
			}
			algorithm := string(c.algorithm)
			if algorithm == "" {
				algorithm = "CRC64NVME"
			}
			got := map[string]*string{"CRC32": o.ChecksumCRC32, "CRC32C": o.ChecksumCRC32C, "CRC64NVME": o.ChecksumCRC64NVME, "SHA1": o.ChecksumSHA1, "SHA256": o.ChecksumSHA256}[algorithm]
			h := sigv4.NewChecksum(algorithm)
			want := ""
			if o.ChecksumType == "FULL_OBJECT" {
				h.Write(content)
			} else {
				want = "-3"
				for i := range 3 {
					part := sigv4.NewChecksum(algorithm)
					part.Write(content[i*partBytes : min((i+1)*partBytes, len(content))])
					h.Write(part.Sum(nil))
				}
			}
			if want = base64.StdEncoding.EncodeToString(h.Sum(nil)) + want; got == nil || *got != want || c.kind != "" && o.ChecksumType != c.kind {
				t.Errorf("the checksum is %v (%s), want %s (%s)", got, o.ChecksumType, want, c.kind)
			}
			second, o, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key, PartNumber: p(int32(2))})
			if err != nil || second != string(content[partBytes:2*partBytes]) || *o.PartsCount != 3 || *o.ContentRange != fmt.Sprintf("bytes %d-%d/%d", partBytes, 2*partBytes-1, len(content)) {
				t.Errorf("part 2 is %d bytes, %v", len(second), err)
			}
			across, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key, Range: p(fmt.Sprintf("bytes=%d-%d", partBytes-10, partBytes+10))})
			if err != nil || across != string(content[partBytes-10:partBytes+11]) {
				t.Errorf("across parts there are %d bytes, %v", len(across), err)
			}
			attributes, err := a.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{Bucket: &bucket, Key: &key, ObjectAttributes: []types.ObjectAttributes{"ETag", "ObjectParts", "ObjectSize", "Checksum", "StorageClass"}})
			must(t, err)
			if *attributes.ETag != strings.Trim(*done.ETag, `"`) || *attributes.ObjectSize != int64(len(content)) || *attributes.ObjectParts.TotalPartsCount != 3 || len(attributes.ObjectParts.Parts) != 3 || attributes.Checksum.ChecksumType != o.ChecksumType && o.ChecksumType != "" {
				t.Errorf("the attributes are %+v", attributes)
			}
		})
	}
}

func TestMultipartFaults(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket, key := f.bucket(a, "multipart-faults"), "k"
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: "CRC32"})
	must(t, err)
	part := func(number int32, body string) *string {
		t.Helper()
		out, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: &number, Body: strings.NewReader(body)})
		must(t, err)
		return out.ETag
	}
	complete := func(in sdk.CompleteMultipartUploadInput, parts ...types.CompletedPart) error {
		in.Bucket, in.Key = &bucket, &key
		if in.UploadId == nil {
			in.UploadId = upload.UploadId
		}
		in.MultipartUpload = &types.CompletedMultipartUpload{Parts: parts}
		_, err := a.CompleteMultipartUpload(ctx, &in)
		return err
	}
	one, two := part(1, "small"), part(2, "small, too")
	first, second := types.CompletedPart{PartNumber: p(int32(1)), ETag: one}, types.CompletedPart{PartNumber: p(int32(2)), ETag: two}
	var none sdk.CompleteMultipartUploadInput
	wantCode(t, "small parts", complete(none, first, second), "EntityTooSmall", 400)
	wantCode(t, "wrong order", complete(none, second, first), "InvalidPartOrder", 400)
	wantCode(t, "wrong ETag", complete(none, types.CompletedPart{PartNumber: p(int32(1)), ETag: two}), "InvalidPart", 400)
	wantCode(t, "missing part", complete(none, types.CompletedPart{PartNumber: p(int32(3)), ETag: two}), "InvalidPart", 400)
	wantCode(t, "no part", complete(none), "MalformedXML", 400)
	wantCode(t, "no upload", complete(sdk.CompleteMultipartUploadInput{UploadId: p("nothing")}, first), "NoSuchUpload", 404)
	wantCode(t, "wrong checksum", complete(sdk.CompleteMultipartUploadInput{ChecksumCRC32: p("AAAAAA==-1")}, first), "BadDigest", 400)
	wantCode(t, "wrong size", complete(sdk.CompleteMultipartUploadInput{MpuObjectSize: p(int64(6))}, first), "InvalidRequest", 400)
	wantCode(t, "wrong part checksum", complete(none, types.CompletedPart{PartNumber: p(int32(1)), ETag: one, ChecksumCRC32: p("AAAAAA==")}), "InvalidPart", 400)
	_, err = a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: p(int32(3)), Body: strings.NewReader("x"), ChecksumAlgorithm: "SHA256"})
	wantCode(t, "another algorithm", err, "InvalidRequest", 400)
	_, err = a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: p(int32(10001)), Body: strings.NewReader("x")})
	wantCode(t, "part 10001", err, "InvalidArgument", 400)
	f.put(a, bucket, "other", "x")
	wantCode(t, "if none", func() error {
		f.put(a, bucket, key, "there already")
		return complete(sdk.CompleteMultipartUploadInput{IfNoneMatch: p("*")}, first)
	}(), "PreconditionFailed", 412)

	uploads, err := a.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: &bucket})
	must(t, err)
	if len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *upload.UploadId || uploads.Uploads[0].ChecksumAlgorithm != "CRC32" || *uploads.Uploads[0].Key != key {
		t.Errorf("the uploads are %+v", uploads.Uploads)
	}
	must(t, complete(none, first))
	if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key}); err != nil || body != "small" {
		t.Errorf("the object is %q, %v", body, err)
	}
	must(t, complete(none, first)) // a client that did not hear of it tries again
	again, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	must(t, err)
	copied, err := a.UploadPartCopy(ctx, &sdk.UploadPartCopyInput{Bucket: &bucket, Key: &key, UploadId: again.UploadId, PartNumber: p(int32(1)), CopySource: p(bucket + "/" + key), CopySourceRange: p("bytes=1-3")})
	must(t, err)
	must(t, complete(sdk.CompleteMultipartUploadInput{UploadId: again.UploadId}, types.CompletedPart{PartNumber: p(int32(1)), ETag: copied.CopyPartResult.ETag}))
	if body, _, err := get(a, &sdk.GetObjectInput{Bucket: &bucket, Key: &key}); err != nil || body != "mal" {
		t.Errorf("the object is %q, %v", body, err)
	}
	third, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	must(t, err)
	_, err = a.AbortMultipartUpload(ctx, &sdk.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: third.UploadId})
	must(t, err)
	_, err = a.ListParts(ctx, &sdk.ListPartsInput{Bucket: &bucket, Key: &key, UploadId: third.UploadId})
	wantCode(t, "parts of an aborted upload", err, "NoSuchUpload", 404)
	for algorithm, kind := range map[types.ChecksumAlgorithm]types.ChecksumType{"SHA256": "FULL_OBJECT", "CRC64NVME": "COMPOSITE", "": "COMPOSITE"} {
		_, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: algorithm, ChecksumType: kind})
		if algorithm == "" && err == nil {
			continue // the SDK names an algorithm of its own
		}
		wantCode(t, string(algorithm+" ")+string(kind), err, "InvalidRequest", 400)
	}
}

// Lists of parts go on from page to page.
func TestPagesOfParts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, ctx := f.root(accountA), t.Context()
	bucket := f.bucket(a, "paged-parts")
	upload, err := a.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: p("k")})
	must(t, err)
	for _, n := range []int32{1, 2, 30} {
		_, err := a.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: p("k"), UploadId: upload.UploadId, PartNumber: &n, Body: strings.NewReader("part")})
		must(t, err)
	}
	var got []int32
	pages := sdk.NewListPartsPaginator(a, &sdk.ListPartsInput{Bucket: &bucket, Key: p("k"), UploadId: upload.UploadId, MaxParts: p(int32(1))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, part := range page.Parts {
			got = append(got, *part.PartNumber)
		}
	}
	if len(got) != 3 || got[0] != 1 || got[1] != 2 || got[2] != 30 {
		t.Errorf("the parts are %v", got)
	}
}
