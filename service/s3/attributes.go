package s3

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// needsForAttributes are the permissions to read an object's attributes: those to
// read it, too.
func needsForAttributes(_ context.Context, _ *aws.Call, in *GetObjectAttributesInput, own aws.Permission) ([]aws.Permission, error) {
	action := "s3:GetObject"
	if in.VersionId != "" {
		action = versionForms[action]
	}
	return []aws.Permission{own, also(own, action)}, nil
}

func (s *Service) getObjectAttributes(ctx context.Context, c *aws.Call, in *GetObjectAttributesInput) (*GetObjectAttributesOutput, error) {
	if err := refuseCustomerKeys(in); err != nil {
		return nil, err
	}
	if len(in.ObjectAttributes) == 0 {
		return nil, invalidArgument("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	for _, name := range in.ObjectAttributes {
		if !slices.Contains([]string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}, name) {
			return nil, invalidArgument("Invalid attribute name specified.")
		}
	}
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := &GetObjectAttributesOutput{LastModified: o.Modified, VersionId: versionOf(o)}
	for _, name := range in.ObjectAttributes {
		switch name {
		case "ETag":
			out.ETag = o.ETag
		case "Checksum":
			if len(o.Checksums) > 0 {
				out.Checksum = &Checksum{}
				setChecksums(out.Checksum, o.Checksums, len(o.Parts))
			}
		case "ObjectParts":
			if out.ObjectParts, err = partsOf(o, in); err != nil {
				return nil, err
			}
		case "StorageClass":
			out.StorageClass = classOf(o)
		case "ObjectSize":
			out.ObjectSize = &o.Size
		}
	}
	c.SetHeader("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	return out, nil
}

// partsOf lists the parts of an object that was uploaded in parts; nil for others.
func partsOf(o *objectstore.Object, in *GetObjectAttributesInput) (*GetObjectAttributesParts, error) {
	if len(o.Parts) == 0 {
		return nil, nil
	}
	limit, err := pageSize(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	after, err := partMarker(in.PartNumberMarker)
	if err != nil {
		return nil, err
	}
	total, max, more := int32(len(o.Parts)), int32(limit), false
	list := &GetObjectAttributesParts{TotalPartsCount: &total, MaxParts: &max, IsTruncated: &more, PartNumberMarker: strconv.Itoa(after), NextPartNumberMarker: "0"}
	for _, part := range o.Parts {
		if part.Number <= after {
			continue
		}
		if len(list.Parts) == limit {
			more = true
			break
		}
		list.NextPartNumberMarker = strconv.Itoa(part.Number)
		number := int32(part.Number)
		p := ObjectPart{PartNumber: &number, Size: &part.Size}
		setChecksums(&p, part.Checksums, 0)
		list.Parts = append(list.Parts, p)
	}
	return list, nil
}

func classOf(o *objectstore.Object) string {
	if class := o.Headers[storageClassHeader]; class != "" {
		return class
	}
	return "STANDARD"
}
