package s3

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"cairn/aws"
	"cairn/internal/objectstore"
)

const (
	maxPartNumber = 10000
	minPartBytes  = 5 << 20 // of all parts but the last
)

// An uploadRow is what is kept of an upload beside the object's attributes.
type uploadRow struct {
	Initiator string `json:"initiator"`           // account
	Principal string `json:"principal,omitempty"` // ARN

	// Algorithm is the checksum of the parts; Asked says that the client named it.
	Algorithm string `json:"algorithm"`
	Asked     bool   `json:"asked,omitempty"`
	Composite bool   `json:"composite,omitempty"`

	// Conditions are the condition keys about the object that the upload was begun
	// with. Its parts and its completion have no headers for them, and are held to
	// the same policies.
	Conditions map[string][]string `json:"conditions,omitempty"`
}

func needsForUpload(_ context.Context, c *aws.Call, in *CreateMultipartUploadInput, own aws.Permission) ([]aws.Permission, error) {
	lockKeys(own.Keys, c.Time, in.ObjectLockMode, in.ObjectLockRetainUntilDate)
	return needsForNewObject(own, in.Tagging, in.ObjectLockMode, in.ObjectLockLegalHoldStatus), nil
}

// uploadMembers are those of the request that begins an upload.
var uploadMembers = membersOf(reflect.TypeFor[CreateMultipartUploadInput]())

func uploadConditions(c *aws.Call, in *CreateMultipartUploadInput) map[string][]string {
	keys := make(map[string][]string)
	requestedKeys(uploadMembers, reflect.ValueOf(in).Elem(), keys)
	lockKeys(keys, c.Time, in.ObjectLockMode, in.ObjectLockRetainUntilDate)
	return keys
}

// needsForPart is for the requests that go on with an upload.
func needsForPart[In any](s *Service) func(context.Context, *aws.Call, *In, aws.Permission) ([]aws.Permission, error) {
	return func(ctx context.Context, _ *aws.Call, in *In, own aws.Permission) ([]aws.Permission, error) {
		return []aws.Permission{own}, s.addConditions(ctx, own.Keys, in)
	}
}

// addConditions adds the condition keys of an upload, if there is one.
func (s *Service) addConditions(ctx context.Context, keys map[string][]string, in any) error {
	_, row, err := s.upload(ctx, memberText(in, "Bucket"), memberText(in, "Key"), memberText(in, "UploadId"))
	if errors.Is(err, objectstore.ErrNoSuchUpload) || errors.Is(err, objectstore.ErrNoSuchBucket) {
		return nil // which the operation says, if the caller may know
	}
	if err != nil {
		return err
	}
	for name, values := range row.Conditions {
		if keys[name] == nil {
			keys[name] = values
		}
	}
	return nil
}

func (s *Service) createMultipartUpload(ctx context.Context, c *aws.Call, in *CreateMultipartUploadInput) (*CreateMultipartUploadOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	row := uploadRow{Initiator: c.Account(), Principal: c.Identity.ARN, Algorithm: in.ChecksumAlgorithm, Asked: in.ChecksumAlgorithm != "", Conditions: uploadConditions(c, in)}
	if row.Composite, err = isComposite(in.ChecksumAlgorithm, in.ChecksumType); err != nil {
		return nil, err
	}
	if !row.Asked {
		row.Algorithm = defaultAlgorithm
	}
	made := objectstore.NewUpload{Bucket: in.Bucket, Key: in.Key}
	if made.Attributes, err = s.attributes(c, b, in); err != nil {
		return nil, err
	}
	if made.Extra, err = json.Marshal(row); err != nil {
		return nil, err
	}
	if made.Encryption, _, err = s.encryption(ctx, c, b, in.Key, in); err != nil {
		return nil, err
	}
	upload, err := s.Objects.CreateUpload(ctx, made)
	if err != nil {
		return nil, err
	}
	out := &CreateMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, UploadId: upload.ID}
	if row.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = row.Algorithm, checksumType(objectstore.Checksum{Composite: row.Composite})
	}
	setEncryption(out, made.Encryption)
	return out, nil
}

// isComposite reports whether the checksum of an object that is uploaded in parts
// is one of the parts' checksums. CRC64NVME covers the whole content, the SHA
// family the parts' checksums, and the other two can do either.
func isComposite(algorithm, kind string) (bool, error) {
	if err := checkAlgorithm(algorithm); err != nil {
		return false, err
	}
	bad := invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(algorithm))
	switch {
	case kind != "" && kind != "COMPOSITE" && kind != "FULL_OBJECT":
		return false, invalidRequest("Value for x-amz-checksum-type header is invalid.")
	case algorithm == "" && kind != "":
		return false, invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case algorithm == "" || algorithm == defaultAlgorithm:
		if kind == "COMPOSITE" {
			return false, bad
		}
		return false, nil
	case strings.HasPrefix(algorithm, "SHA"):
		if kind == "FULL_OBJECT" {
			return false, bad
		}
		return true, nil
	}
	return kind != "FULL_OBJECT", nil
}

// upload returns an upload with its row.
func (s *Service) upload(ctx context.Context, bucket, key, id string) (*objectstore.Upload, *uploadRow, error) {
	upload, err := s.Objects.Upload(ctx, bucket, key, id)
	if err != nil {
		return nil, nil, err
	}
	var row uploadRow
	if err := json.Unmarshal(upload.Extra, &row); err != nil {
		return nil, nil, fmt.Errorf("read upload %s of %s/%s: %w", id, bucket, key, err)
	}
	return upload, &row, nil
}

// newPart is what storing a part begins with.
func (s *Service) newPart(ctx context.Context, c *aws.Call, bucket, key, id string, number *int32) (objectstore.PutPart, *objectstore.Upload, *uploadRow, error) {
	part := objectstore.PutPart{Bucket: bucket, Key: key, UploadID: id}
	if number == nil || *number < 1 || *number > maxPartNumber {
		return part, nil, nil, invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	part.Number = int(*number)
	upload, row, err := s.upload(ctx, bucket, key, id)
	if err != nil {
		return part, nil, nil, err
	}
	part.Hashes = []objectstore.Hash{hashOf(row.Algorithm)}
	if upload.Encryption != nil {
		part.DataKey, err = s.dataKey(ctx, c, upload.Encryption, bucket, key)
	}
	return part, upload, row, err
}

func (s *Service) uploadPart(ctx context.Context, c *aws.Call, in *UploadPartInput) (*UploadPartOutput, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	if in.ContentLength != nil && *in.ContentLength > maxPutBytes {
		return nil, entityTooLarge()
	}
	part, upload, row, err := s.newPart(ctx, c, in.Bucket, in.Key, in.UploadId, in.PartNumber)
	if err != nil {
		return nil, err
	}
	given, _, err := givenChecksum(in)
	if err != nil {
		return nil, err
	}
	if row.Asked && given != "" && given != row.Algorithm {
		return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", strings.ToLower(row.Algorithm), strings.ToLower(given))
	}
	part.Body, part.Size = in.Body, -1
	if in.ContentLength != nil {
		part.Size = *in.ContentLength
	}
	stored, err := s.Objects.PutPart(ctx, part)
	if err != nil {
		return nil, err
	}
	out := &UploadPartOutput{ETag: quoted(stored.ETag)}
	setChecksums(out, stored.Checksums, 0)
	setEncryption(out, upload.Encryption)
	return out, nil
}

func (s *Service) uploadPartCopy(ctx context.Context, c *aws.Call, in *UploadPartCopyInput) (*UploadPartCopyOutput, error) {
	part, upload, _, err := s.newPart(ctx, c, in.Bucket, in.Key, in.UploadId, in.PartNumber)
	if err != nil {
		return nil, err
	}
	content, err := s.openSource(ctx, c, in)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	source := content.Object()
	part.Body, part.Size = content, source.Size
	if in.CopySourceRange != "" {
		first, last, ok := parseRange(in.CopySourceRange)
		if !ok || first < 0 || last < 0 {
			return nil, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		if last >= source.Size {
			return nil, invalidArgument("Range specified is not valid for source object of size: %d", source.Size)
		}
		part.Body, part.Size = io.NewSectionReader(content, first, last-first+1), last-first+1
	}
	if part.Size > maxPutBytes {
		return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPutBytes))
	}
	stored, err := s.Objects.PutPart(ctx, part)
	if err != nil {
		return nil, err
	}
	out := &UploadPartCopyOutput{CopyPartResult: &CopyPartResult{ETag: quoted(stored.ETag), LastModified: stored.Modified}, CopySourceVersionId: versionOf(source)}
	setChecksums(out.CopyPartResult, stored.Checksums, 0)
	setEncryption(out, upload.Encryption)
	return out, nil
}

func (s *Service) completeMultipartUpload(ctx context.Context, _ *aws.Call, in *CompleteMultipartUploadInput) (*CompleteMultipartUploadOutput, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, malformedXML()
	}
	// One that was completed already is no more, but the store remembers it: a
	// client that did not hear of it tries again.
	_, row, err := s.upload(ctx, in.Bucket, in.Key, in.UploadId)
	if err != nil && !errors.Is(err, objectstore.ErrNoSuchUpload) {
		return nil, err
	}
	complete := objectstore.Complete{Bucket: in.Bucket, Key: in.Key, UploadID: in.UploadId, MinPartSize: minPartBytes}
	complete.IfMatch, complete.IfNoneMatch, err = writeConditions(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	for i := range in.MultipartUpload.Parts {
		p := &in.MultipartUpload.Parts[i]
		switch {
		case p.PartNumber == nil:
			return nil, malformedXML()
		case i > 0 && *p.PartNumber <= *in.MultipartUpload.Parts[i-1].PartNumber:
			return nil, invalidPartOrder()
		}
		complete.Parts = append(complete.Parts, objectstore.CompletePart{Number: int(*p.PartNumber), ETag: strings.Trim(p.ETag, `"`)})
	}
	if row != nil {
		complete.Checksums = func(parts []objectstore.PartInfo) ([]objectstore.Checksum, error) { return row.checksums(in, parts) }
	}
	o, err := s.Objects.Complete(ctx, complete)
	if err != nil {
		return nil, err
	}
	out := &CompleteMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, ETag: quoted(o.ETag), VersionId: versionOf(o), Location: "/" + in.Bucket + "/" + in.Key,
	}
	setChecksums(out, o.Checksums, len(o.Parts))
	setEncryption(out, o.Encryption)
	return out, nil
}

// checksums returns the checksum of the object that the parts make, if those that
// the client sends are right.
func (row *uploadRow) checksums(in *CompleteMultipartUploadInput, parts []objectstore.PartInfo) ([]objectstore.Checksum, error) {
	if err := row.checkParts(in, parts); err != nil {
		return nil, err
	}
	sum, err := ofParts(row.Algorithm, row.Composite, parts)
	if err != nil {
		return nil, err
	}
	return []objectstore.Checksum{sum}, checkWhole(in, sum, parts)
}

// checkParts compares the parts' checksums that a client sends with those that
// were computed.
func (row *uploadRow) checkParts(in *CompleteMultipartUploadInput, parts []objectstore.PartInfo) error {
	for i, part := range parts {
		algorithm, value, err := givenChecksum(&in.MultipartUpload.Parts[i])
		if err != nil {
			return err
		}
		if algorithm == row.Algorithm && value != base64.StdEncoding.EncodeToString(partSum(part, algorithm)) {
			return invalidPart()
		}
	}
	return nil
}

// checkWhole compares the object's checksum and size that a client sends with
// those that the parts give.
func checkWhole(in *CompleteMultipartUploadInput, sum objectstore.Checksum, parts []objectstore.PartInfo) error {
	algorithm, value, err := givenChecksum(in)
	if err != nil {
		return err
	}
	if algorithm == sum.Algorithm && strings.SplitN(value, "-", 2)[0] != base64.StdEncoding.EncodeToString(sum.Value) {
		return badDigest(strings.ToUpper(algorithm))
	}
	var size int64
	for _, part := range parts {
		size += part.Size
	}
	if in.MpuObjectSize != nil && *in.MpuObjectSize != size {
		return invalidRequest("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.MpuObjectSize, size)
	}
	return nil
}

func (s *Service) abortMultipartUpload(ctx context.Context, _ *aws.Call, in *AbortMultipartUploadInput) (*AbortMultipartUploadOutput, error) {
	if !in.IfMatchInitiatedTime.IsZero() {
		return nil, notImplemented("conditions on the time of an upload")
	}
	return &AbortMultipartUploadOutput{}, s.Objects.Abort(ctx, in.Bucket, in.Key, in.UploadId)
}

func (s *Service) listParts(ctx context.Context, _ *aws.Call, in *ListPartsInput) (*ListPartsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	after, err := partMarker(in.PartNumberMarker)
	if err != nil {
		return nil, err
	}
	upload, row, err := s.upload(ctx, in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	parts, more, err := s.Objects.Parts(ctx, in.Bucket, in.Key, in.UploadId, after, size)
	if err != nil {
		return nil, err
	}
	max := int32(size)
	out := &ListPartsOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, MaxParts: &max, IsTruncated: &more, PartNumberMarker: strconv.Itoa(after),
		Owner: ownerOf(b.Account), Initiator: row.initiator(), StorageClass: or(upload.Headers[storageClassHeader], "STANDARD"),
	}
	if row.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = row.Algorithm, checksumType(objectstore.Checksum{Composite: row.Composite})
	}
	for i := range parts {
		number := int32(parts[i].Number)
		p := Part{ETag: quoted(parts[i].ETag), LastModified: parts[i].Modified, PartNumber: &number, Size: &parts[i].Size}
		setChecksums(&p, parts[i].Checksums, 0)
		out.Parts = append(out.Parts, p)
		out.NextPartNumberMarker = strconv.Itoa(parts[i].Number)
	}
	return out, nil
}

func (row *uploadRow) initiator() *Initiator {
	if row.Principal != "" && !strings.HasSuffix(row.Principal, ":root") {
		return &Initiator{ID: row.Principal}
	}
	return &Initiator{ID: CanonicalID(row.Initiator)}
}

func (s *Service) listMultipartUploads(ctx context.Context, _ *aws.Call, in *ListMultipartUploadsInput) (*ListMultipartUploadsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	encode, err := encoderOf(in.EncodingType)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxUploads, "max-uploads")
	if err != nil {
		return nil, err
	}
	page, err := s.Objects.Uploads(ctx, objectstore.UploadsQuery{
		Bucket: in.Bucket, Prefix: text(in.Prefix), Delimiter: text(in.Delimiter), KeyMarker: in.KeyMarker, UploadIDMarker: in.UploadIdMarker, MaxUploads: size,
	})
	if err != nil {
		return nil, err
	}
	max := int32(size)
	out := &ListMultipartUploadsOutput{
		Bucket: in.Bucket, Prefix: encode(text(in.Prefix)), Delimiter: encode(text(in.Delimiter)), KeyMarker: encode(in.KeyMarker), UploadIdMarker: in.UploadIdMarker,
		EncodingType: in.EncodingType, MaxUploads: &max, IsTruncated: &page.Truncated, CommonPrefixes: prefixes(page.Prefixes, encode),
	}
	for _, u := range page.Uploads {
		var row uploadRow
		if err := json.Unmarshal(u.Extra, &row); err != nil {
			return nil, fmt.Errorf("read upload %s of %s/%s: %w", u.ID, u.Bucket, u.Key, err)
		}
		listed := MultipartUpload{
			Key: encode(u.Key), UploadId: u.ID, Initiated: u.Created, Initiator: row.initiator(), Owner: ownerOf(b.Account),
			StorageClass: or(u.Headers[storageClassHeader], "STANDARD"),
		}
		if row.Asked {
			listed.ChecksumAlgorithm, listed.ChecksumType = row.Algorithm, checksumType(objectstore.Checksum{Composite: row.Composite})
		}
		out.Uploads = append(out.Uploads, listed)
	}
	if page.Truncated {
		out.NextKeyMarker, out.NextUploadIdMarker = encode(page.NextKeyMarker), page.NextUploadIDMarker
	}
	return out, nil
}

// partMarker reads the number of the part behind which a page of parts begins; 0
// for none.
func partMarker(text string) (after int, err error) {
	if text == "" {
		return 0, nil
	}
	if after, err = strconv.Atoi(text); err != nil || after < 0 {
		return 0, invalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647")
	}
	return after, nil
}
