package awsmodel

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request is what tells the operations of a REST service apart.
type Request struct {
	Method string
	Path   string // as on the wire, escaped; S3's with the bucket in front
	Query  url.Values
	Header http.Header
}

// Match finds the operation of a request to a service with a REST protocol, and the
// values of the labels in its URI, unescaped, by the names in the template: "Bucket"
// for "{Bucket}" and "Key" for "{Key+}".
//
// Of several operations with fitting templates the one with the more specific path
// wins, then the one with more constants in its query, then the one whose required
// query parameters and headers are there (UploadPart before PutObject). What still ties
// is decided by the x-id parameter that SDKs send, which alone decides nothing.
func (s *ServiceModel) Match(r Request) (*Operation, map[string]string, bool) {
	s.routes.Do(func() { s.router = newRouter(s) })
	segments := strings.Split(strings.TrimPrefix(r.Path, "/"), "/")
	var best *route
	for i := range s.router.byMethod[r.Method] {
		candidate := &s.router.byMethod[r.Method][i]
		if candidate.matches(segments, r.Query) && (best == nil || candidate.compare(best, &r) < 0) {
			best = candidate
		}
	}
	if best == nil {
		return nil, nil, false
	}
	return best.operation, best.labels(segments), true
}

type router struct{ byMethod map[string][]route }

func newRouter(s *ServiceModel) *router {
	r := &router{byMethod: map[string][]route{}}
	if !s.HasProtocol(RESTJSON) && !s.HasProtocol(RESTXML) {
		return r
	}
	for _, op := range s.Operations() {
		r.byMethod[op.Method] = append(r.byMethod[op.Method], newRoute(op))
	}
	return r
}

// route is an operation's URI template, taken apart.
type route struct {
	operation *Operation
	segments  []segment
	query     []queryConstant
	greedy    int // the index of the segment that may be several, -1 for none
}

type segment struct {
	text  string // the literal, or the label's name
	class int    // what is more specific is less
}

const (
	literal = iota
	label
	greedy
)

type queryConstant struct {
	name, value string
	any         bool // no value is asked for
}

func newRoute(op *Operation) route {
	path, query, _ := strings.Cut(op.URI, "?")
	rt := route{operation: op, greedy: -1}
	for text := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		class := literal
		if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
			class, text = label, text[1:len(text)-1]
			if name, ok := strings.CutSuffix(text, "+"); ok {
				class, text, rt.greedy = greedy, name, len(rt.segments)
			}
		}
		rt.segments = append(rt.segments, segment{text, class})
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" {
			name, value, hasValue := strings.Cut(pair, "=")
			rt.query = append(rt.query, queryConstant{name, value, !hasValue})
		}
	}
	return rt
}

func (rt *route) matches(path []string, query url.Values) bool {
	path = rt.trim(path)
	n := len(rt.segments)
	if len(path) < n || len(path) > n && rt.greedy < 0 {
		return false
	}
	for i, s := range rt.segments {
		value := path[rt.at(i, len(path))]
		switch s.class {
		case literal:
			if value != s.text && unescape(value) != s.text {
				return false
			}
		case label:
			if value == "" {
				return false
			}
		case greedy:
			if value == "" && len(path) == n {
				return false
			}
		}
	}
	for _, q := range rt.query {
		values, ok := query[q.name]
		if !ok || !q.any && !slices.Contains(values, q.value) {
			return false
		}
	}
	return true
}

// trim takes off a slash at the end, which says nothing unless a greedy label takes it.
func (rt *route) trim(path []string) []string {
	if last := len(path) - 1; last > 0 && path[last] == "" && rt.segments[len(rt.segments)-1].class != greedy {
		return path[:last]
	}
	return path
}

// at returns where in a path of n segments the template's segment i stands, or begins.
func (rt *route) at(i, n int) int {
	if rt.greedy >= 0 && i > rt.greedy {
		return n - len(rt.segments) + i
	}
	return i
}

// compare is negative when rt is the better match.
func (rt *route) compare(other *route, r *Request) int {
	for i := range min(len(rt.segments), len(other.segments)) {
		if c := cmp.Compare(rt.segments[i].class, other.segments[i].class); c != 0 {
			return c
		}
	}
	// One of two greedy labels with more behind it is more specific.
	if c := cmp.Or(cmp.Compare(len(other.segments), len(rt.segments)), cmp.Compare(len(other.query), len(rt.query))); c != 0 {
		return c
	}
	// Names are ascending already; the order of the service's operations is kept.
	return cmp.Or(cmp.Compare(other.fit(r), rt.fit(r)), cmp.Compare(other.hint(r), rt.hint(r)))
}

// fit returns how many required query parameters and headers the request has, and -1
// when one is missing.
func (rt *route) fit(r *Request) int {
	input, n := rt.operation.Input(), 0
	if input == nil {
		return 0
	}
	for i := range input.Members {
		m := &input.Members[i]
		if !m.Required || m.Location != QueryParam && m.Location != Header {
			continue
		}
		if m.Location == QueryParam && !r.Query.Has(m.WireName) || m.Location == Header && r.Header.Get(m.WireName) == "" {
			return -1
		}
		n++
	}
	return n
}

func (rt *route) hint(r *Request) int {
	switch {
	case r.Query.Get("x-id") == rt.operation.Name:
		return 2
	case !rt.operation.Deprecated:
		return 1
	}
	return 0
}

func (rt *route) labels(path []string) map[string]string {
	path = rt.trim(path)
	labels := map[string]string{}
	for i, s := range rt.segments {
		at := rt.at(i, len(path))
		switch s.class {
		case label:
			labels[s.text] = unescape(path[at])
		case greedy:
			labels[s.text] = unescape(strings.Join(path[at:len(path)-len(rt.segments)+i+1], "/"))
		}
	}
	return labels
}

// unescape undoes the escapes of a path; what is not one stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
