package delivery

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/trail"
)

// A presence says what lies under a key of a bucket, compared with what should.
type presence int

const (
	unread presence = iota // the bucket does not tell whether anything does
	absent
	same
	other
	unknown // something does, and the bucket does not tell what
)

// look asks a bucket what lies under a key, and compares it with a body. It also
// returns the object's metadata. The policies that trails need of a bucket do not
// let them read: then the answer is unread.
func look(ctx context.Context, objects Objects, bucket, key string, body []byte) (presence, map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	out, err := objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}, onceS3)
	switch {
	case statusCode(err) == http.StatusNotFound:
		return absent, nil
	case err != nil:
		return unread, nil
	}
	return compare(out, body), out.Metadata
}

// unsound says why an object cannot be what its head says, empty if it is: a store may tell
// of an object that its disk does not hold any more.
func unsound(ctx context.Context, objects Objects, bucket, key string, body []byte) string {
	ctx, cancel := context.WithTimeout(ctx, putTotal(len(body)))
	defer cancel()
	out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, onceS3)
	var stored []byte
	if err == nil {
		defer out.Body.Close()
		stored, err = io.ReadAll(io.LimitReader(out.Body, int64(len(body))+1))
	}
	switch {
	case err != nil && statusCode(err) >= http.StatusBadRequest && statusCode(err) < http.StatusInternalServerError:
		return "" // it may be told of, and not read
	case err != nil:
		return "it was there, and could not be read: " + short(err)
	case !bytes.Equal(stored, body):
		return "other bytes were under its key"
	}
	return ""
}

// compare compares by the checksums that the bucket tells. The entity tag is an
// MD5 of objects that were put in one piece and are not encrypted by KMS.
func compare(out *s3.HeadObjectOutput, body []byte) presence {
	if out.ContentLength != nil && *out.ContentLength != int64(len(body)) {
		return other
	}
	equal := func(is bool) presence {
		if is {
			return same
		}
		return other
	}
	for _, c := range []struct {
		told  *string
		table *crc32.Table
	}{{out.ChecksumCRC32, crc32.IEEETable}, {out.ChecksumCRC32C, castagnoli}} {
		if told, err := base64.StdEncoding.DecodeString(aws.ToString(c.told)); err == nil && len(told) == crc32.Size {
			return equal(bytes.Equal(told, binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, c.table))))
		}
	}
	tag, err := hex.DecodeString(strings.Trim(aws.ToString(out.ETag), `"`))
	if err != nil || len(tag) != md5.Size || out.ServerSideEncryption != "" && out.ServerSideEncryption != types.ServerSideEncryptionAes256 || out.SSECustomerAlgorithm != nil {
		return unknown
	}
	sum := md5.Sum(body)
	return equal(bytes.Equal(tag, sum[:]))
}

// putObject puts an object for a trail as its worker does, under a key that must
// be free if fresh is set. It reports whether the key was taken, and, when it was
// not, whether the bucket made sure of that.
func (d *Delivery) putObject(ctx context.Context, t *trail.Trail, in *s3.PutObjectInput, body []byte, fresh bool) (taken, sure bool, err error) {
	in.ContentLength, in.IfNoneMatch = aws.Int64(int64(len(body))), nil
	in.ContentType, in.ContentEncoding = aws.String("application/json"), aws.String("gzip")
	if fresh {
		in.IfNoneMatch = aws.String("*")
	}
	ctx, cancel := context.WithTimeout(ctx, putTotal(len(body)))
	defer cancel()
	err = putOwned(ctx, d.cfg.Destinations.Objects(t), in, func() { in.Body = bytes.NewReader(body) })
	if fresh && statusCode(err) == http.StatusPreconditionFailed {
		return true, true, nil
	}
	return false, in.IfNoneMatch != nil, err
}
