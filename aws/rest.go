package aws

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"cairn/internal/awsmodel"
	"cairn/internal/sigv4"
)

// A restProtocol is one where method, path, query and headers name the operation
// and hold parameters.
type restProtocol interface {
	Protocol
	request(r *http.Request) (*RESTRequest, error)
	model() *awsmodel.ServiceModel

	// decodeBody adds the members that the body holds to the tree.
	decodeBody(op *awsmodel.Operation, body []byte, tree map[string]any) error

	// encodeBody returns the answer's body without its payload streams.
	encodeBody(op *awsmodel.Operation, output reflect.Value) (contentType string, body []byte)
}

// A RESTRequest is what a REST service's request says outside of its body.
type RESTRequest struct {
	Method string
	Path   string // as on the wire, escaped; S3's with the bucket in front
	Query  url.Values
	Header http.Header

	// ContentLength is that of the body without its framing, -1 if unknown.
	ContentLength int64

	// BucketInHost is the bucket that the host's name holds, empty if the path does.
	BucketInHost string
}

// NewRESTRequest takes a request apart. Of the hosts that end in one of domains
// what stands in front is a bucket.
func NewRESTRequest(r *http.Request, domains []string) (*RESTRequest, error) {
	path, err := sigv4.Path(r)
	if err != nil {
		return nil, err
	}
	q := &RESTRequest{Method: r.Method, Path: path, Header: r.Header, ContentLength: r.ContentLength}
	if q.Query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, Errorf("InvalidURI", "Couldn't parse the specified URI.")
	}
	if q.BucketInHost = bucketOf(r.Host, domains); q.BucketInHost != "" {
		q.Path = "/" + q.BucketInHost + path
	}
	return q, nil
}

// bucketOf returns what stands before a domain in a host.
func bucketOf(host string, domains []string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	bucket := ""
	for _, domain := range domains {
		if strings.EqualFold(host, domain) {
			return ""
		}
		if b, ok := strings.CutSuffix(host, "."+strings.ToLower(domain)); ok && (bucket == "" || len(b) < len(bucket)) {
			bucket = b
		}
	}
	return bucket
}

// MatchREST finds the operation of a request and the labels of its path. Where
// the query names a part of a resource, such as acl, and the service has no
// operation of that method on that part, it finds none: DELETE of an object's
// acl must not be taken as DELETE of the object.
func MatchREST(model *awsmodel.ServiceModel, r *RESTRequest) (*awsmodel.Operation, map[string]string, error) {
	op, labels, ok := model.Match(awsmodel.Request{Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header})
	if !ok {
		return nil, nil, errMethod()
	}
	input := op.Input()
	_, constants, _ := strings.Cut(op.URI, "?")
	for name := range r.Query {
		if restParts(model)[name] && !hasConstant(constants, name) && !takesQuery(input, name) {
			return nil, nil, errMethod()
		}
	}
	if input == nil {
		return op, labels, nil
	}
	for i := range input.Members {
		m := &input.Members[i]
		if m.Required && m.Location == awsmodel.QueryParam && !r.Query.Has(m.WireName) {
			return op, labels, Errorf("InvalidArgument", "This request must have the parameter %s.", m.WireName)
		}
	}
	return op, labels, nil
}

func errMethod() *Error {
	return &Error{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed, Message: "The specified method is not allowed against this resource."}
}

func hasConstant(constants, name string) bool {
	for pair := range strings.SplitSeq(constants, "&") {
		if before, _, _ := strings.Cut(pair, "="); before == name {
			return true
		}
	}
	return false
}

func takesQuery(s *awsmodel.Shape, name string) bool {
	if s == nil {
		return false
	}
	for i := range s.Members {
		if m := &s.Members[i]; m.Location == awsmodel.QueryParam && m.WireName == name {
			return true
		}
	}
	return false
}

// restParts returns the query parameters that name a part of a resource in some
// operation of a service.
func restParts(model *awsmodel.ServiceModel) map[string]bool {
	if parts, ok := partsOf.Load(model); ok {
		return parts.(map[string]bool)
	}
	parts := make(map[string]bool)
	for _, op := range model.Operations() {
		_, query, _ := strings.Cut(op.URI, "?")
		for pair := range strings.SplitSeq(query, "&") {
			if name, value, _ := strings.Cut(pair, "="); name != "" && value == "" {
				parts[name] = true
			}
		}
	}
	if model.ID == "s3" {
		parts["uploadId"] = true // tells UploadPart from PutObject
	}
	actual, _ := partsOf.LoadOrStore(model, parts)
	return actual.(map[string]bool)
}

var partsOf sync.Map // *awsmodel.ServiceModel → map[string]bool

// checkREST makes sure that the structs of an API's operations have only members
// that its model has: others would be lost on the wire without a sound.
func checkREST(api *API, p restProtocol) {
	for _, o := range api.operations {
		op, ok := p.model().Operation(o.name)
		if !ok {
			panic(fmt.Sprintf("aws: %s has no operation %s", api.Service, o.name))
		}
		checkShape(api.Service+" "+o.name+" input", o.in, op.Input(), 0)
		checkShape(api.Service+" "+o.name+" output", o.out, op.Output(), 0)
	}
}

func checkShape(path string, t reflect.Type, s *awsmodel.Shape, depth int) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case depth > maxRESTDepth || t == timeType || t == bytesType:
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			name := parseTag(f.Name, i, f.Tag.Get("aws")).name
			if s == nil || s.Kind != awsmodel.Structure || s.Member(name) == nil {
				panic("aws: " + path + " has no member " + name)
			}
			checkShape(path+"."+name, f.Type, s.Member(name).Shape(), depth+1)
		}
	case t.Kind() == reflect.Slice && s.Kind == awsmodel.List:
		checkShape(path, t.Elem(), s.Element.Shape(), depth+1)
	case t.Kind() == reflect.Map && s.Kind == awsmodel.Map:
		checkShape(path, t.Elem(), s.Value.Shape(), depth+1)
	}
}
