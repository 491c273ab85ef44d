package gateway

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// rest is what a REST service sees of the request. For S3 a bucket in the host's name is
// put in front of the path.
func (q *wire) rest(d *Decoder, s *awsmodel.ServiceModel) *aws.RESTRequest {
	r := &aws.RESTRequest{Method: q.Method, Path: q.path, Query: q.query, Header: q.Header, ContentLength: bodySize(&q.Body, q.Header)}
	if r.Path == "" {
		r.Path = "/"
	}
	if s.ID == "s3" {
		if bucket := bucketIn(q.Host, d.BucketDomains); bucket != "" {
			r.BucketInHost, r.Path = bucket, "/"+bucket+r.Path
		}
	}
	return r
}

// bucketIn returns the bucket in front of one of S3's hosts.
func bucketIn(host string, domains []string) string {
	host = hostName(host)
	bucket, found := "", false
	for _, domain := range domains {
		domain = strings.ToLower(domain)
		if host == domain {
			return ""
		}
		if b, ok := strings.CutSuffix(host, "."+domain); ok && (!found || len(b) < len(bucket)) {
			bucket, found = b, true
		}
	}
	if found || !awsHost(host) {
		return bucket
	}
	bucket, _ = s3Domain(host)
	return bucket
}

// s3Domain takes a host name of AWS's S3 apart: what stands in front of the service's own
// labels is a bucket or an access point. It reports whether the host is S3's at all.
func s3Domain(host string) (bucket string, ok bool) {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		own := label == "s3" || label == "s3-accesspoint" || label == "s3express" || label == "s3-website" ||
			strings.HasPrefix(label, "s3express-") || strings.HasPrefix(label, "s3-") && isRegion(label[len("s3-"):]) ||
			label == "s3-fips" || label == "s3-accelerate" || label == "s3-external-1"
		// A bucket may be called s3: the service's label has few others behind it.
		if own && len(labels)-i <= 6 {
			return strings.Join(labels[:i], "."), true
		}
	}
	return "", false
}

// isPostForm reports whether the request is an upload by an HTML form, as browsers send it.
func isPostForm(q *wire) bool { return q.post != nil }

const (
	maxPostFields = 100
	maxPostField  = 64 << 10 // bytes
)

// parsePost reads the fields of a form that stand before its file. It returns nil if
// the request has none.
func parsePost(q *wire) url.Values {
	if q.Method != http.MethodPost {
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return nil
	}
	fields := make(url.Values)
	r := multipart.NewReader(bytes.NewReader(q.Body.Bytes[:min(len(q.Body.Bytes), maxPlain)]), parameters["boundary"])
	for range maxPostFields {
		part, err := r.NextRawPart()
		if err != nil || part.FormName() == "file" {
			break
		}
		value, err := io.ReadAll(io.LimitReader(part, maxPostField))
		if err != nil {
			break
		}
		name := strings.ToLower(part.FormName())
		fields[name] = append(fields[name], string(value))
	}
	return fields
}

// decodePost returns the parameters of the upload: those of PutObject, from the form's
// fields, which are named like its headers.
func (q *wire) decodePost(x *Exchange) map[string]any {
	tree := make(map[string]any)
	bucket, _, _ := strings.Cut(strings.TrimPrefix(q.restRequest.Path, "/"), "/")
	if bucket != "" {
		tree["Bucket"] = bucket
	}
	if len(q.post["key"]) == 0 {
		x.problem(InRequest, Truncated, "the fields of the form")
	}
	input := x.Model.Input()
	names := map[string]string{"key": "Key", "acl": "ACL", "tagging": "Tagging"}
	metadata := make(map[string]any)
	for field, values := range q.post {
		if rest, ok := strings.CutPrefix(field, "x-amz-meta-"); ok {
			metadata[rest] = values[0]
			continue
		}
		name := names[field]
		for i := range input.Members {
			if m := &input.Members[i]; m.Location == awsmodel.Header && strings.EqualFold(m.WireName, field) {
				name = m.Name
			}
		}
		if m := input.Member(name); m != nil {
			tree[name] = textScalar(m.Shape(), values[0])
		}
	}
	if len(metadata) > 0 {
		tree["Metadata"] = metadata
	}
	return tree
}

// headCodes are S3's codes for errors of HEAD requests, which have no body.
var headCodes = map[int]string{
	http.StatusMovedPermanently: "PermanentRedirect", http.StatusTemporaryRedirect: "TemporaryRedirect",
	http.StatusBadRequest: "BadRequest", http.StatusForbidden: "AccessDenied", http.StatusMethodNotAllowed: "MethodNotAllowed",
	http.StatusPreconditionFailed: "PreconditionFailed", http.StatusRequestedRangeNotSatisfiable: "InvalidRange",
	http.StatusInternalServerError: "InternalError", http.StatusServiceUnavailable: "SlowDown",
}

// bodilessCode returns the code of an error of S3 that only its status tells.
func (x *Exchange) bodilessCode(status int) string {
	if x.Model == nil || x.Model.Service.ID != "s3" {
		return ""
	}
	if status == http.StatusNotFound {
		if slices.Contains([]string{"HeadBucket", "ListObjects", "ListObjectsV2"}, x.Model.Name) {
			return "NoSuchBucket"
		}
		return "NoSuchKey"
	}
	return headCodes[status]
}
