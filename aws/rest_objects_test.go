package aws_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// The struct pairs are a part of S3's, enough to have a member in each place.

type PutObjectInput struct {
	Bucket, Key, ContentType, ContentEncoding, ACL, IfNoneMatch, ChecksumCRC32, ChecksumAlgorithm string
	Body                                                                                          io.Reader
	ContentLength                                                                                 *int64
	Metadata                                                                                      map[string]string
	ObjectLockRetainUntilDate, Expires                                                            time.Time
	BucketKeyEnabled                                                                              *bool
}
type PutObjectOutput struct{ ETag, VersionId, ChecksumCRC32 string }

type GetObjectInput struct {
	Bucket, Key, Range, VersionId, ResponseContentType, IfNoneMatch string
	PartNumber                                                      *int32
	IfModifiedSince                                                 time.Time
}
type GetObjectOutput struct {
	Body                                          io.ReadCloser
	ContentLength                                 *int64
	ContentType, ETag, ContentRange, CacheControl string
	LastModified, ObjectLockRetainUntilDate       time.Time
	Metadata                                      map[string]string
	DeleteMarker                                  *bool
	PartsCount                                    *int32
}

type HeadObjectInput struct{ Bucket, Key string }
type HeadObjectOutput struct {
	ContentLength *int64
	ETag          string
	Metadata      map[string]string
	LastModified  time.Time
}

type DeleteObjectInput struct{ Bucket, Key, VersionId string }
type DeleteObjectOutput struct {
	DeleteMarker *bool
	VersionId    string
}

type Object struct {
	Key, ETag         string
	Size              *int64
	LastModified      time.Time
	ChecksumAlgorithm []string
}
type CommonPrefix struct{ Prefix string }
type ListObjectsInput struct{ Bucket, Prefix, Marker, Delimiter string }
type ListObjectsOutput struct {
	Name, Prefix, Marker string
	Contents             []Object
	IsTruncated          *bool
}
type ListObjectsV2Input struct {
	Bucket, Prefix, ContinuationToken string
	MaxKeys                           *int32
	FetchOwner                        *bool
	OptionalObjectAttributes          []string
}
type ListObjectsV2Output struct {
	Name, Prefix   string
	KeyCount       *int32
	IsTruncated    *bool
	Contents       []Object
	CommonPrefixes []CommonPrefix
}

type GetBucketLocationInput struct{ Bucket string }
type GetBucketLocationOutput struct{ LocationConstraint string }

type PutBucketPolicyInput struct{ Bucket, Policy string }
type PutBucketPolicyOutput struct{}
type GetBucketPolicyInput struct{ Bucket string }
type GetBucketPolicyOutput struct{ Policy string }

type Grantee struct{ ID, Type, URI, DisplayName string }
type Grant struct {
	Grantee    *Grantee
	Permission string
}
type Owner struct{ ID, DisplayName string }
type AccessControlPolicy struct {
	Grants []Grant
	Owner  *Owner
}
type GetBucketAclInput struct{ Bucket string }
type GetBucketAclOutput struct {
	Grants []Grant
	Owner  *Owner
}
type PutBucketAclInput struct {
	Bucket, ACL         string
	AccessControlPolicy *AccessControlPolicy
}
type PutBucketAclOutput struct{}

type CompletedPart struct {
	PartNumber          *int32
	ETag, ChecksumCRC32 string
}
type CompletedMultipartUpload struct{ Parts []CompletedPart }
type CompleteMultipartUploadInput struct {
	Bucket, Key, UploadId, ChecksumCRC32 string
	MultipartUpload                      *CompletedMultipartUpload
}
type CompleteMultipartUploadOutput struct{ Bucket, Key, ETag, Location, VersionId string }

type UploadPartInput struct {
	Bucket, Key, UploadId string
	PartNumber            *int32
	Body                  io.Reader
	ContentLength         *int64
}
type UploadPartOutput struct{ ETag string }

type ObjectIdentifier struct{ Key, VersionId string }
type Delete struct {
	Objects []ObjectIdentifier
	Quiet   *bool
}
type DeleteObjectsInput struct {
	Bucket string
	Delete *Delete
}
type DeletedObject struct{ Key string }
type DeleteObjectsOutput struct{ Deleted []DeletedObject }

type CopyObjectResult struct {
	ETag         string
	LastModified time.Time
}
type CopyObjectInput struct{ Bucket, Key, CopySource, MetadataDirective string }
type CopyObjectOutput struct {
	CopyObjectResult *CopyObjectResult
	VersionId        string
}

type ListBucketsInput struct{ Prefix string }
type Bucket struct {
	Name         string
	CreationDate time.Time
}
type ListBucketsOutput struct {
	Buckets []Bucket
	Owner   *Owner
}

// objects is an S3 that keeps objects in memory.
type objects struct {
	mu             sync.Mutex
	kept           map[string]object // by bucket/key
	ops            []string          // operations that acted
	inputs         []any
	sums           []string
	policy         map[string]string
	lazy           bool // does not read bodies
	opened, closed int
}

type object struct {
	data []byte
	in   PutObjectInput
}

type counted struct {
	io.Reader
	o *objects
}

func (c counted) Close() error {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.closed++
	return nil
}

func (o *objects) acted(name string, in any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ops, o.inputs = append(o.ops, name), append(o.inputs, in)
}

func arnOf[In any](key func(*In) string) aws.Option {
	return aws.OnResource(func(_ *aws.Call, in *In) []string { return []string{"arn:aws:s3:::" + key(in)} })
}

func reply[In, Out any](o *objects, out Out) func(context.Context, *aws.Call, *In) (*Out, error) {
	return func(_ context.Context, _ *aws.Call, in *In) (*Out, error) {
		o.acted(strings.TrimSuffix(strings.TrimPrefix(typeName[In](), "aws_test."), "Input"), *in)
		return &out, nil
	}
}

var lastModified = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func (o *objects) put(ctx context.Context, c *aws.Call, in *PutObjectInput) (*PutObjectOutput, error) {
	if o.lazy {
		return &PutObjectOutput{}, nil
	}
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	o.acted("PutObject", *in)
	algorithm, value := c.Checksum()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sums = append(o.sums, algorithm+" "+value)
	if c.Identity.Anonymous() {
		c.SharedWith = account
	}
	o.kept[in.Bucket+"/"+in.Key] = object{data, *in}
	return &PutObjectOutput{ETag: `"` + strconv.Itoa(len(data)) + `"`, VersionId: "v1"}, nil
}

func (o *objects) get(_ context.Context, c *aws.Call, in *GetObjectInput) (*GetObjectOutput, error) {
	o.acted("GetObject", *in)
	o.mu.Lock()
	defer o.mu.Unlock()
	kept, ok := o.kept[in.Bucket+"/"+in.Key]
	if !ok {
		return nil, &aws.Error{Code: "NoSuchKey", Status: 404, Message: "The specified key does not exist.", Detail: []aws.Detail{{Name: "Key", Value: in.Key}}}
	}
	if in.IfNoneMatch == "same" {
		c.SetHeader("ETag", "same")
		return nil, &aws.Error{Code: "NotModified", Status: 304, Message: "Not Modified"}
	}
	data := kept.data
	out := &GetObjectOutput{ContentType: kept.in.ContentType, ETag: `"e"`, LastModified: lastModified, Metadata: kept.in.Metadata,
		ObjectLockRetainUntilDate: kept.in.ObjectLockRetainUntilDate}
	if in.Range == "bytes=1-2" {
		data = data[1:3]
		out.ContentRange = "bytes 1-2/" + strconv.Itoa(len(kept.data))
		c.SetStatus(http.StatusPartialContent)
	}
	c.SetHeader("Content-Security-Policy", "sandbox")
	out.ContentLength = ptr(int64(len(data)))
	o.opened++
	var r io.Reader = bytes.NewReader(data)
	if strings.HasSuffix(in.Key, "short") {
		r = bytes.NewReader(data[:len(data)/2])
	}
	out.Body = counted{r, o}
	return out, nil
}

func (o *objects) head(_ context.Context, _ *aws.Call, in *HeadObjectInput) (*HeadObjectOutput, error) {
	o.acted("HeadObject", *in)
	o.mu.Lock()
	defer o.mu.Unlock()
	kept, ok := o.kept[in.Bucket+"/"+in.Key]
	if !ok {
		return nil, &aws.Error{Code: "NoSuchKey", Status: 404, Message: "The specified key does not exist."}
	}
	return &HeadObjectOutput{ContentLength: ptr(int64(len(kept.data))), ETag: `"e"`, Metadata: kept.in.Metadata, LastModified: lastModified}, nil
}

func (o *objects) uploadPart(_ context.Context, _ *aws.Call, in *UploadPartInput) (*UploadPartOutput, error) {
	n, err := io.Copy(io.Discard, in.Body)
	if err != nil {
		return nil, err
	}
	o.acted("UploadPart", *in)
	return &UploadPartOutput{ETag: strconv.FormatInt(n, 10)}, nil
}

func (o *objects) list(_ context.Context, _ *aws.Call, in *ListObjectsV2Input) (*ListObjectsV2Output, error) {
	o.acted("ListObjectsV2", *in)
	o.mu.Lock()
	defer o.mu.Unlock()
	out := &ListObjectsV2Output{Name: in.Bucket, Prefix: in.Prefix, IsTruncated: ptr(false), CommonPrefixes: []CommonPrefix{{"a/"}, {"b/"}}}
	for name, kept := range o.kept {
		out.Contents = append(out.Contents, Object{Key: strings.TrimPrefix(name, in.Bucket+"/"), Size: ptr(int64(len(kept.data))), LastModified: lastModified, ChecksumAlgorithm: []string{"CRC32", "SHA1"}})
	}
	slices.SortFunc(out.Contents, func(x, y Object) int { return strings.Compare(x.Key, y.Key) })
	out.KeyCount = ptr(int32(len(out.Contents)))
	return out, nil
}

// objectAPI is a part of S3's API.
func objectAPI() (*aws.API, *objects) {
	model, ok := awsmodel.Service("s3")
	if !ok {
		panic("there is no model of S3")
	}
	o := &objects{kept: make(map[string]object), policy: make(map[string]string)}
	api := &aws.API{
		Service: "s3", Streaming: true, Anonymous: true, PresignedV2: true, MaxBody: 4 << 20,
		Known:    func(name string) bool { _, ok := model.Operation(name); return ok },
		Protocol: aws.RESTXML{Model: model, Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", Domains: []string{"s3.example.com"}},
	}
	aws.Handle(api, o.put, arnOf(func(in *PutObjectInput) string { return in.Bucket + "/" + in.Key }))
	aws.Handle(api, o.get, arnOf(func(in *GetObjectInput) string { return in.Bucket + "/" + in.Key }))
	aws.Handle(api, o.head, arnOf(func(in *HeadObjectInput) string { return in.Bucket + "/" + in.Key }))
	aws.Handle(api, o.uploadPart, arnOf(func(in *UploadPartInput) string { return in.Bucket + "/" + in.Key }))
	aws.Handle(api, o.list, arnOf(func(in *ListObjectsV2Input) string { return in.Bucket }))
	aws.Handle(api, reply[ListObjectsInput](o, ListObjectsOutput{Name: "b", IsTruncated: ptr(false)}))
	aws.Handle(api, reply[DeleteObjectInput](o, DeleteObjectOutput{DeleteMarker: ptr(true), VersionId: "dm"}))
	aws.Handle(api, reply[GetBucketLocationInput](o, GetBucketLocationOutput{"eu-west-1"}))
	aws.Handle(api, reply[GetBucketPolicyInput](o, GetBucketPolicyOutput{`{"Version":"2012-10-17"}`}))
	aws.Handle(api, reply[PutBucketPolicyInput](o, PutBucketPolicyOutput{}))
	aws.Handle(api, reply[GetBucketAclInput](o, GetBucketAclOutput{Owner: &Owner{ID: "o"}, Grants: []Grant{{&Grantee{Type: "CanonicalUser", ID: "<&>"}, "READ"}, {&Grantee{Type: "Group", URI: "u"}, "WRITE"}}}))
	aws.Handle(api, reply[PutBucketAclInput](o, PutBucketAclOutput{}))
	aws.Handle(api, reply[CompleteMultipartUploadInput](o, CompleteMultipartUploadOutput{Bucket: "b", Key: "k", ETag: `"x-2"`, VersionId: "v9"}))
	aws.Handle(api, reply[DeleteObjectsInput](o, DeleteObjectsOutput{Deleted: []DeletedObject{{"1"}, {"2"}}}))
	aws.Handle(api, reply[CopyObjectInput](o, CopyObjectOutput{CopyObjectResult: &CopyObjectResult{ETag: `"c"`, LastModified: lastModified}, VersionId: "v7"}))
	aws.Handle(api, reply[ListBucketsInput](o, ListBucketsOutput{Buckets: []Bucket{{"b", lastModified}}, Owner: &Owner{ID: "o"}}))
	return api, o
}

// newObjects makes a world that serves objects, too.
func newObjects(t *testing.T) (*world, *objects) {
	t.Helper()
	api, o := objectAPI()
	w := newWorld(t, nil)
	w.mux.Serve(api)
	return w, o
}
