package s3

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// templated gives the permissions to read an object. Every verified caller may
// read CloudTrail's templates.
func templated[In any](_ context.Context, c *aws.Call, in *In, own aws.Permission) ([]aws.Permission, error) {
	if !isTemplateBucket(memberText(in, "Bucket")) {
		return []aws.Permission{own}, nil
	}
	if c.Identity.Anonymous() {
		return nil, accessDenied()
	}
	return nil, nil
}

func (s *Service) getObject(ctx context.Context, c *aws.Call, in *GetObjectInput) (*GetObjectOutput, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	if isTemplateBucket(in.Bucket) {
		return s.getTemplate(c, in)
	}
	content, err := s.Objects.Open(ctx, objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId})
	if err != nil {
		return nil, s.absent(ctx, c, in.Bucket, err)
	}
	out, err := s.getContent(ctx, c, in, content)
	if err != nil {
		_ = content.Close() // it was only read
		return nil, err
	}
	return out, nil
}

func (s *Service) getContent(ctx context.Context, c *aws.Call, in *GetObjectInput, content *objectstore.Content) (*GetObjectOutput, error) {
	head := HeadObjectInput(*in)
	described, part, err := describe(c, &head, content.Object())
	if err != nil {
		return nil, err
	}
	if err := s.unlock(ctx, c, content); err != nil {
		return nil, err
	}
	out := answerOf(described)
	if part.whole {
		out.Body = content
		return out, nil
	}
	out.Body = &section{io.NewSectionReader(content, part.offset, part.size), content}
	return out, nil
}

// A section is a part of an object's content.
type section struct {
	io.Reader
	io.Closer
}

func (s *Service) headObject(ctx context.Context, c *aws.Call, in *HeadObjectInput) (*HeadObjectOutput, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	if isTemplateBucket(in.Bucket) {
		get := GetObjectInput(*in)
		out, err := s.getTemplate(c, &get)
		if err != nil {
			return nil, err
		}
		return &HeadObjectOutput{ContentLength: out.ContentLength, ContentType: out.ContentType}, nil
	}
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	out, _, err := describe(c, in, o)
	return out, err
}

// getTemplate answers with one of CloudTrail's templates.
func (s *Service) getTemplate(c *aws.Call, in *GetObjectInput) (*GetObjectOutput, error) {
	text, ok := templates[in.Key]
	if !ok {
		return nil, noSuchKey()
	}
	sandbox(c)
	size := int64(len(text))
	return &GetObjectOutput{Body: io.NopCloser(strings.NewReader(text)), ContentLength: &size, ContentType: "application/json"}, nil
}

// sandbox keeps a browser from running what an object holds.
func sandbox(c *aws.Call) { c.SetHeader("Content-Security-Policy", "sandbox") }

// A span is the part of an object that an answer has.
type span struct {
	offset, size int64
	whole        bool
}

// describe answers a request for an object with all but its content, if the
// conditions hold.
func describe(c *aws.Call, in *HeadObjectInput, o *objectstore.Object) (*HeadObjectOutput, span, error) {
	c.SetHeader("ETag", quoted(o.ETag))
	c.SetHeader("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	if err := readConditions(o, in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince); err != nil {
		return nil, span{}, err
	}
	sandbox(c)
	out := &HeadObjectOutput{
		AcceptRanges: "bytes", ETag: quoted(o.ETag), LastModified: o.Modified, VersionId: versionOf(o), Metadata: o.User,
		CacheControl:       or(in.ResponseCacheControl, o.Headers["Cache-Control"]),
		ContentDisposition: or(in.ResponseContentDisposition, o.Headers["Content-Disposition"]),
		ContentEncoding:    or(in.ResponseContentEncoding, o.Headers["Content-Encoding"]),
		ContentLanguage:    or(in.ResponseContentLanguage, o.Headers["Content-Language"]),
		ContentType:        or(in.ResponseContentType, o.Headers["Content-Type"]),
		Expires:            o.Headers["Expires"],
		StorageClass:       o.Headers[storageClassHeader], WebsiteRedirectLocation: o.Headers[redirectHeader],
		ObjectLockMode: string(o.Retention.Mode), ObjectLockRetainUntilDate: o.Retention.Until,
	}
	if c.Identity.Anonymous() && in.ResponseCacheControl+in.ResponseContentDisposition+in.ResponseContentEncoding+in.ResponseContentLanguage+in.ResponseContentType != "" {
		return nil, span{}, invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	if !in.ResponseExpires.IsZero() {
		out.Expires = in.ResponseExpires.UTC().Format(http.TimeFormat)
	}
	if o.LegalHold {
		out.ObjectLockLegalHoldStatus = "ON"
	}
	if n := int32(len(o.Tags)); n > 0 {
		out.TagCount = &n
	}
	setEncryption(out, o.Encryption)
	part, err := spanOf(o, in.Range, in.PartNumber)
	if err != nil {
		c.SetHeader("Content-Range", "bytes */"+strconv.FormatInt(o.Size, 10))
		return nil, span{}, err
	}
	out.ContentLength = &part.size
	if !part.whole {
		c.SetStatus(http.StatusPartialContent)
		out.ContentRange = "bytes " + strconv.FormatInt(part.offset, 10) + "-" + strconv.FormatInt(part.offset+part.size-1, 10) + "/" + strconv.FormatInt(o.Size, 10)
	}
	if n := int32(len(o.Parts)); in.PartNumber != nil && n > 0 {
		out.PartsCount = &n
	}
	// A client compares the checksum with what it gets, so that a part of the
	// content must not come with that of the whole.
	if strings.EqualFold(in.ChecksumMode, "ENABLED") && (part.whole || part.size == o.Size) {
		setChecksums(out, o.Checksums, len(o.Parts))
	} else if strings.EqualFold(in.ChecksumMode, "ENABLED") && in.PartNumber != nil && len(o.Parts) > 0 {
		setChecksums(out, partNumbered(o, int(*in.PartNumber)).Checksums, 0)
		if len(o.Checksums) > 0 {
			out.ChecksumType = checksumType(o.Checksums[0])
		}
	}
	return out, part, nil
}

func or(override, stored string) string {
	if override != "" {
		return override
	}
	return stored
}

// answerOf is the answer to GetObject, which has the members of HeadObject's.
func answerOf(h *HeadObjectOutput) *GetObjectOutput {
	return &GetObjectOutput{
		AcceptRanges: h.AcceptRanges, BucketKeyEnabled: h.BucketKeyEnabled, CacheControl: h.CacheControl,
		ChecksumCRC32: h.ChecksumCRC32, ChecksumCRC32C: h.ChecksumCRC32C, ChecksumCRC64NVME: h.ChecksumCRC64NVME,
		ChecksumSHA1: h.ChecksumSHA1, ChecksumSHA256: h.ChecksumSHA256, ChecksumType: h.ChecksumType,
		ContentDisposition: h.ContentDisposition, ContentEncoding: h.ContentEncoding, ContentLanguage: h.ContentLanguage,
		ContentLength: h.ContentLength, ContentRange: h.ContentRange, ContentType: h.ContentType, ETag: h.ETag, Expires: h.Expires,
		LastModified: h.LastModified, Metadata: h.Metadata, ObjectLockLegalHoldStatus: h.ObjectLockLegalHoldStatus,
		ObjectLockMode: h.ObjectLockMode, ObjectLockRetainUntilDate: h.ObjectLockRetainUntilDate, PartsCount: h.PartsCount,
		SSEKMSKeyId: h.SSEKMSKeyId, ServerSideEncryption: h.ServerSideEncryption, StorageClass: h.StorageClass,
		TagCount: h.TagCount, VersionId: h.VersionId, WebsiteRedirectLocation: h.WebsiteRedirectLocation,
	}
}

// readConditions checks the conditions of a read, in the order of RFC 9110,
// section 13.2.2.
func readConditions(o *objectstore.Object, ifMatch, ifNoneMatch string, modified, unmodified time.Time) error {
	at := o.Modified.Truncate(time.Second)
	switch {
	case ifMatch != "" && !matches(ifMatch, o.ETag):
		return preconditionFailed()
	case ifMatch == "" && !unmodified.IsZero() && at.After(unmodified):
		return preconditionFailed()
	case ifNoneMatch != "" && matches(ifNoneMatch, o.ETag):
		return notModified()
	case ifNoneMatch == "" && !modified.IsZero() && !at.After(modified):
		return notModified()
	}
	return nil
}

// matches reports whether a list of ETags has one, or is "*".
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}

// spanOf returns what part of an object a request asks for. A Range that is not
// one is passed over, as HTTP has it, and so are several at once.
func spanOf(o *objectstore.Object, ranges string, partNumber *int32) (span, error) {
	whole := span{size: o.Size, whole: true}
	if partNumber != nil {
		n := int(*partNumber)
		switch {
		case ranges != "":
			return whole, invalidRequest("Cannot specify both Range header and partNumber query parameter")
		case n < 1 || n > 10000:
			return whole, invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
		case len(o.Parts) == 0 && n == 1:
			whole.whole = o.Size == 0
			return whole, nil
		}
		part := partNumbered(o, n)
		if part == nil {
			return whole, invalidPartNumber()
		}
		return span{offset: part.Offset, size: part.Size}, nil
	}
	first, last, ok := parseRange(ranges)
	switch {
	case !ok:
		return whole, nil
	case first < 0: // the last bytes
		if last == 0 || o.Size == 0 {
			return whole, invalidRange()
		}
		size := min(last, o.Size)
		return span{offset: o.Size - size, size: size}, nil
	case first >= o.Size:
		return whole, invalidRange()
	case last < 0 || last >= o.Size:
		last = o.Size - 1
	}
	return span{offset: first, size: last - first + 1}, nil
}

// partNumbered returns a part of an object that was uploaded in parts, nil if it
// has none of that number.
func partNumbered(o *objectstore.Object, number int) *objectstore.PartInfo {
	for i := range o.Parts {
		if o.Parts[i].Number == number {
			return &o.Parts[i]
		}
	}
	return nil
}

// parseRange reads a Range of bytes. first is -1 for the last so many bytes, and
// last is -1 for an end that is not given.
func parseRange(text string) (first, last int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes=")
	from, to, dash := strings.Cut(text, "-")
	if !ok || !dash || !digits(from) || !digits(to) || from+to == "" {
		return 0, 0, false
	}
	first, last = -1, -1
	var err error
	if from != "" {
		if first, err = strconv.ParseInt(from, 10, 64); err != nil {
			return 0, 0, false
		}
	}
	if to != "" {
		if last, err = strconv.ParseInt(to, 10, 64); err != nil {
			return 0, 0, false
		}
	}
	return first, last, first < 0 || last < 0 || first <= last
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
