package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// The largest object that one request stores or copies, the most user metadata,
// and the most of all headers that are stored, as in AWS. A listing holds those of
// its objects.
const (
	maxPutBytes      = 5 << 30
	maxMetadataBytes = 2 << 10
	maxHeaderBytes   = 8 << 10
)

// needsForPut are the permissions to store an object: with tags and a lock more
// than one.
func needsForPut(_ context.Context, c *aws.Call, in *PutObjectInput, own aws.Permission) ([]aws.Permission, error) {
	lockKeys(own.Keys, c.Time, in.ObjectLockMode, in.ObjectLockRetainUntilDate)
	return needsForNewObject(own, in.Tagging, in.ObjectLockMode, in.ObjectLockLegalHoldStatus), nil
}

func needsForNewObject(own aws.Permission, tagging, lockMode, hold string) []aws.Permission {
	all := []aws.Permission{own}
	if tagging != "" {
		all = append(all, also(own, "s3:PutObjectTagging"))
	}
	if lockMode != "" {
		all = append(all, also(own, "s3:PutObjectRetention"))
	}
	if hold != "" {
		all = append(all, also(own, "s3:PutObjectLegalHold"))
	}
	return all
}

func (s *Service) putObject(ctx context.Context, c *aws.Call, in *PutObjectInput) (*PutObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	switch {
	case in.WriteOffsetBytes != nil:
		return nil, notImplemented("appending to objects")
	case in.ContentLength != nil && *in.ContentLength > maxPutBytes:
		return nil, entityTooLarge()
	}
	put := objectstore.Put{Bucket: in.Bucket, Key: in.Key, Body: in.Body, Size: -1}
	if in.ContentLength != nil {
		put.Size = *in.ContentLength
	}
	put.IfMatch, put.IfNoneMatch, err = writeConditions(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	if put.Attributes, err = s.attributes(c, b, in); err != nil {
		return nil, err
	}
	if put.Hashes, put.Checksums, err = checksumsOf(c, in); err != nil {
		return nil, err
	}
	if put.Encryption, put.DataKey, err = s.encryption(ctx, c, b, in.Key, in); err != nil {
		return nil, err
	}
	o, err := s.Objects.Put(ctx, put)
	if err != nil {
		return nil, err
	}
	out := &PutObjectOutput{ETag: quoted(o.ETag), VersionId: versionOf(o)}
	setChecksums(out, o.Checksums, len(o.Parts))
	setEncryption(out, o.Encryption)
	return out, nil
}

// writeConditions reads If-Match and If-None-Match of a write.
func writeConditions(ifMatch, ifNoneMatch string) (etag string, none bool, err error) {
	switch {
	case ifNoneMatch != "" && ifMatch != "":
		return "", false, notImplemented("If-Match beside If-None-Match")
	case ifNoneMatch != "" && ifNoneMatch != "*":
		return "", false, notImplemented("If-None-Match with anything but *")
	case ifMatch == "*":
		return "", false, notImplemented("If-Match with *")
	}
	return strings.Trim(ifMatch, `"`), ifNoneMatch == "*", nil
}

// The names of the headers that are stored with an object, by their members.
var storedHeaders = map[string]string{
	"CacheControl":            "Cache-Control",
	"ContentDisposition":      "Content-Disposition",
	"ContentEncoding":         "Content-Encoding",
	"ContentLanguage":         "Content-Language",
	"ContentType":             "Content-Type",
	"Expires":                 "Expires",
	"StorageClass":            storageClassHeader,
	"WebsiteRedirectLocation": redirectHeader,
}

const (
	storageClassHeader = "x-amz-storage-class"
	redirectHeader     = "x-amz-website-redirect-location"
)

// attributes are what a request stores with an object. The request is that of
// PutObject, CreateMultipartUpload or CopyObject, whose members have the same
// names.
func (s *Service) attributes(c *aws.Call, b *bucket, in any) (objectstore.Attributes, error) {
	a := objectstore.Attributes{Headers: make(map[string]string), User: memberMap(in, "Metadata"), Owner: c.Account()}
	if err := checkKey(memberText(in, "Key")); err != nil {
		return a, err
	}
	if c.Header.Get("X-Amz-Object-Lock-Event-Hold") != "" {
		return a, notImplemented("event holds")
	}
	if err := b.checkACL(c, in); err != nil {
		return a, err
	}
	if err := checkStorageClass(memberText(in, "StorageClass")); err != nil {
		return a, err
	}
	size := 0
	for name, value := range a.User {
		size += len(name) + len(value)
	}
	if size > maxMetadataBytes {
		return a, metadataTooLarge()
	}
	for member, header := range storedHeaders {
		if value := memberText(in, member); value != "" {
			a.Headers[header] = value
			size += len(header) + len(value)
		}
	}
	if size > maxHeaderBytes {
		return a, failure(http.StatusBadRequest, "RequestHeaderSectionTooLarge", "Your request header and query parameters used to make the request exceed the maximum allowed size.")
	}
	if a.Headers["Content-Type"] == "" {
		a.Headers["Content-Type"] = "binary/octet-stream"
	}
	if a.Headers[storageClassHeader] == "STANDARD" {
		delete(a.Headers, storageClassHeader)
	}
	var err error
	if tagging := memberText(in, "Tagging"); tagging != "" {
		if a.Tags, err = headerTags(tagging); err != nil {
			return a, err
		}
	}
	a.Retention, a.LegalHold, err = s.lockOf(b, memberText(in, "ObjectLockMode"), memberTime(in, "ObjectLockRetainUntilDate"), memberText(in, "ObjectLockLegalHoldStatus"))
	return a, err
}

// checkStorageClass refuses the classes whose objects cannot be read at once.
func checkStorageClass(class string) error {
	switch class {
	case "", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR":
		return nil
	case "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP":
		return notImplemented("the storage class %s", class)
	}
	return failure(400, "InvalidStorageClass", "The storage class you specified is not valid")
}

func (s *Service) deleteObject(ctx context.Context, c *aws.Call, in *DeleteObjectInput) (*DeleteObjectOutput, error) {
	if in.IfMatchSize != nil || !in.IfMatchLastModifiedTime.IsZero() {
		return nil, notImplemented("conditions on the size or the time of what is deleted")
	}
	bypass := isTrue(in.BypassGovernanceRetention) && s.mayBypass(ctx, c, in.Bucket, in.Key)
	etag := strings.Trim(in.IfMatch, `"`)
	if etag == "*" { // whatever there is, if there is anything
		o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		etag = o.ETag
	}
	done, err := s.Objects.Delete(ctx, objectstore.Delete{
		Ref: objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId}, BypassGovernance: bypass, IfMatch: etag,
	})
	if err != nil {
		return nil, err
	}
	out := &DeleteObjectOutput{VersionId: done.VersionID}
	if done.DeleteMarker {
		out.DeleteMarker = &done.DeleteMarker
	}
	return out, nil
}

// needsPerKey leaves the permissions of DeleteObjects to the operation: each
// object has its own. Without a bucket there are none.
func needsPerKey(context.Context, *aws.Call, *DeleteObjectsInput) ([]aws.Permission, error) {
	return nil, nil
}

func (s *Service) deleteObjects(ctx context.Context, c *aws.Call, in *DeleteObjectsInput) (*DeleteObjectsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	c.SetHeader("X-Amz-Bucket-Region", b.Region)
	if in.ExpectedBucketOwner != "" && in.ExpectedBucketOwner != b.Account {
		return nil, accessDenied()
	}
	if in.Delete == nil || len(in.Delete.Objects) == 0 || len(in.Delete.Objects) > 1000 {
		return nil, malformedXML()
	}
	out := &DeleteObjectsOutput{}
	fail := func(o ObjectIdentifier, err error) error {
		var e *aws.Error
		if !errors.As(visible(err), &e) {
			return err
		}
		out.Errors = append(out.Errors, Error{Code: e.Code, Key: o.Key, Message: e.Message, VersionId: o.VersionId})
		return nil
	}
	var asked []ObjectIdentifier
	var deletes []objectstore.Delete
	for _, o := range in.Delete.Objects {
		if err := s.mayDelete(ctx, c, b, o); err != nil {
			if err := fail(o, err); err != nil {
				return nil, err
			}
			continue
		}
		bypass := isTrue(in.BypassGovernanceRetention) && s.mayBypass(ctx, c, in.Bucket, o.Key)
		asked = append(asked, o)
		deletes = append(deletes, objectstore.Delete{
			Ref: objectstore.Ref{Bucket: in.Bucket, Key: o.Key, VersionID: o.VersionId}, BypassGovernance: bypass, IfMatch: strings.Trim(o.ETag, `"`),
		})
	}
	if len(deletes) == 0 {
		// Nothing came of it that the bucket's owner must know of, and strangers
		// must not fill anybody's history.
		c.SharedWith = ""
		if c.Identity.Anonymous() {
			return nil, accessDenied()
		}
	}
	var results []objectstore.Deleted
	if len(deletes) > 0 {
		if results, err = s.Objects.DeleteMany(ctx, deletes); err != nil {
			return nil, err
		}
	}
	for i, done := range results {
		if done.Err != nil {
			if err := fail(asked[i], done.Err); err != nil {
				return nil, err
			}
			continue
		}
		if isTrue(in.Delete.Quiet) {
			continue
		}
		d := DeletedObject{Key: asked[i].Key, VersionId: asked[i].VersionId}
		if done.DeleteMarker {
			d.DeleteMarker, d.DeleteMarkerVersionId = &done.DeleteMarker, done.VersionID
		}
		out.Deleted = append(out.Deleted, d)
	}
	return out, nil
}

// mayDelete returns an error unless the caller may delete one of many objects.
func (s *Service) mayDelete(ctx context.Context, c *aws.Call, b *bucket, o ObjectIdentifier) error {
	if o.Size != nil || !o.LastModifiedTime.IsZero() {
		return notImplemented("conditions on the size or the time of what is deleted")
	}
	if err := checkKey(o.Key); err != nil {
		return err
	}
	need := aws.Permission{Action: "s3:DeleteObject", Resource: objectARN(b.Name, o.Key), Keys: make(map[string][]string)}
	if o.VersionId != "" {
		need.Action = "s3:DeleteObjectVersion"
		need.Keys["s3:VersionId"] = []string{o.VersionId}
	}
	requestKeys(c, need.Keys)
	if err := s.addExistingTags(ctx, need.Keys, b.Name, o.Key, o.VersionId); err != nil {
		return err
	}
	return c.Authorize(ctx, need)
}

// tagsOf returns the tags of an object, none if it does not exist.
func (s *Service) tagsOf(ctx context.Context, bucket, key, version string) (map[string]string, error) {
	o, err := s.Objects.Head(ctx, objectstore.Ref{Bucket: bucket, Key: key, VersionID: version})
	switch {
	case errors.Is(err, objectstore.ErrNoSuchKey), errors.Is(err, objectstore.ErrNoSuchVersion), errors.Is(err, objectstore.ErrNoSuchBucket), errors.Is(err, objectstore.ErrNotText):
		return nil, nil
	case err != nil:
		return nil, err
	}
	tags := make(map[string]string, len(o.Tags))
	for _, tag := range o.Tags {
		tags[tag.Key] = tag.Value
	}
	return tags, nil
}

// head returns an object that must exist.
func (s *Service) head(ctx context.Context, c *aws.Call, bucket, key, version string) (*objectstore.Object, error) {
	o, err := s.Objects.Head(ctx, objectstore.Ref{Bucket: bucket, Key: key, VersionID: version})
	if err != nil {
		return nil, s.absent(ctx, c, bucket, err)
	}
	return o, nil
}

// absent returns the answer about an object that is not there, or is a delete
// marker.
func (s *Service) absent(ctx context.Context, c *aws.Call, bucket string, err error) error {
	var marker *objectstore.DeleteMarkerError
	if errors.As(err, &marker) {
		c.SetHeader("X-Amz-Delete-Marker", "true")
		setVersion(c, &marker.Object)
	}
	switch {
	case marker != nil && c.Input["VersionId"] != nil:
		c.SetHeader("Allow", "DELETE")
		c.SetHeader("Last-Modified", marker.Object.Modified.UTC().Format(http.TimeFormat))
		return methodNotAllowed()
	case errors.Is(err, objectstore.ErrNoSuchKey):
		return s.hidden(ctx, c, bucket, noSuchKey())
	}
	return err
}

// versionOf is an object's version as answers name it: none in a bucket that never
// had versions.
func versionOf(o *objectstore.Object) string {
	if !o.Versioned {
		return ""
	}
	return o.VersionID
}

func setVersion(c *aws.Call, o *objectstore.Object) {
	if version := versionOf(o); version != "" {
		c.SetHeader("X-Amz-Version-Id", version)
	}
}

func quoted(etag string) string { return `"` + etag + `"` }

// visible turns the store's errors into S3's.
func visible(err error) error {
	var known *aws.Error
	var locked *objectstore.LockedError
	var part *objectstore.PartError
	var marker *objectstore.DeleteMarkerError
	var damage *objectstore.DamageError
	switch {
	case errors.As(err, &damage):
		return fmt.Errorf("%w %w", damagedObject(), err)
	case errors.As(err, &known):
		return err
	case errors.As(err, &locked):
		return objectLocked()
	case errors.As(err, &part):
		return partFault(part)
	case errors.As(err, &marker), errors.Is(err, objectstore.ErrNoSuchKey):
		return noSuchKey()
	case errors.Is(err, objectstore.ErrNoSuchBucket):
		return noSuchBucket()
	case errors.Is(err, objectstore.ErrNoSuchVersion):
		return noSuchVersion()
	case errors.Is(err, objectstore.ErrNoSuchUpload):
		return noSuchUpload()
	case errors.Is(err, objectstore.ErrBucketNotEmpty):
		return bucketNotEmpty()
	case errors.Is(err, objectstore.ErrPrecondition):
		return preconditionFailed()
	case errors.Is(err, objectstore.ErrConflict):
		return conflict()
	case errors.Is(err, objectstore.ErrBadSize):
		return incompleteBody()
	case errors.Is(err, objectstore.ErrNotText):
		return invalidArgument("A key, header, metadata value or tag is not valid UTF-8 or too long")
	case errors.Is(err, objectstore.ErrLockState):
		return invalidBucketState("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	case errors.Is(err, objectstore.ErrDiskFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, objectstore.ErrStopped):
		return failure(http.StatusServiceUnavailable, "ServiceUnavailable", "The store takes no changes now. Please try again later.")
	}
	return err
}

func partFault(e *objectstore.PartError) error {
	switch e.What {
	case objectstore.PartOrder:
		return invalidPartOrder()
	case objectstore.PartTooSmall:
		return entityTooSmall()
	case objectstore.PartNone:
		return malformedXML()
	}
	return invalidPart()
}

// memberTime is a member of an input that is a time, zero if there is none.
func memberTime(in any, name string) time.Time {
	t, _ := memberValue(in, name).(time.Time)
	return t
}

// memberMap is a member of an input that is a map of texts.
func memberMap(in any, name string) map[string]string {
	m, _ := memberValue(in, name).(map[string]string)
	return m
}
