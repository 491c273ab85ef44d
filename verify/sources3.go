package verify

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Objects is S3, as far as it is read here.
type Objects interface {
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// A Bucket is a bucket of S3, or of anything that speaks its protocol.
type Bucket struct {
	client Objects
	name   string
}

// NewBucket returns a bucket as a Source.
func NewBucket(client Objects, name string) *Bucket { return &Bucket{client, name} }

// Name is the bucket's URL.
func (b *Bucket) Name() string { return "s3://" + b.name }

// Bucket is the bucket's name.
func (b *Bucket) Bucket() string { return b.name }

// Folders lists common prefixes.
func (b *Bucket) Folders(ctx context.Context, folder string) ([]string, error) {
	var folders []string
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &folder, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.explain(err)
		}
		for _, p := range page.CommonPrefixes {
			if f := aws.ToString(p.Prefix); strings.HasPrefix(f, folder) && len(f) > len(folder) {
				folders = append(folders, f)
			}
		}
	}
	return folders, nil
}

// List lists keys.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(b.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Entry{}, b.explain(err))
				return
			}
			for _, o := range page.Contents {
				if !yield(Entry{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

// Get reads an object of this or another bucket.
func (b *Bucket) Get(ctx context.Context, bucket, key string) (*Object, error) {
	if bucket == "" {
		bucket = b.name
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, func(o *s3.Options) {
		// The digests say what an object's content is; S3's own checksums need
		// not be computed as well.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	if err != nil {
		var none *types.NoSuchKey
		var answer *awshttp.ResponseError
		if errors.As(err, &none) || bucket == b.name && errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound && !isNoBucket(err) {
			return nil, ErrNotFound
		}
		return nil, b.explain(err)
	}
	metadata := make(map[string]string, len(out.Metadata))
	for k, v := range out.Metadata {
		metadata[strings.ToLower(k)] = v
	}
	return &Object{Body: out.Body, Metadata: metadata}, nil
}

func isNoBucket(err error) bool {
	var none *types.NoSuchBucket
	var code interface{ ErrorCode() string }
	return errors.As(err, &none) || errors.As(err, &code) && code.ErrorCode() == "NoSuchBucket"
}

// explain makes an error of the SDK short where it says enough.
func (b *Bucket) explain(err error) error {
	var code interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &code) {
		return &refusedError{code.ErrorCode(), fmt.Sprintf("bucket %s: %s: %s", b.name, code.ErrorCode(), code.ErrorMessage())}
	}
	return fmt.Errorf("bucket %s: %w", b.name, err)
}

// A refusedError is what S3 answered.
type refusedError struct{ code, text string }

func (e *refusedError) Error() string { return e.text }

// ErrorCode is S3's, such as AccessDenied.
func (e *refusedError) ErrorCode() string { return e.code }
