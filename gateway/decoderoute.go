package gateway

import (
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// matchREST finds the operation that method, path and query name, the most specific one
// where several services sign alike.
func (d *Decoder) matchREST(q *wire, x *Exchange, candidates []*awsmodel.ServiceModel) {
	best := -1
	x.also = nil
	for _, s := range candidates {
		if !s.HasProtocol(awsmodel.RESTJSON) && !s.HasProtocol(awsmodel.RESTXML) {
			continue
		}
		r := q.rest(d, s)
		if s.ID == "s3" && isPostForm(q) {
			if op, ok := s.Operation("PutObject"); ok && best < 0 {
				x.Model, x.Protocol, best = op, awsmodel.RESTXML, 0
				q.restRequest = r
			}
			continue
		}
		op, labels, _ := aws.MatchREST(s, r) // it finds operations that miss a parameter, too
		if op == nil {
			continue
		}
		if s.ID == "s3" && op.Name == "ListBuckets" && (x.Signature.Service == "s3express" || strings.HasPrefix(q.Host, "s3express-control.")) {
			op, _ = s.Operation("ListDirectoryBuckets") // told by its endpoint alone
		}
		n := q.specific(op)
		switch {
		case n < best:
			continue
		case n == best && s.Len() <= x.Model.Service.Len(): // the larger one mostly is the newer one
			x.also = append(x.also, op)
			continue
		case n == best:
			x.also = append(x.also, x.Model)
		default:
			x.also = nil
		}
		best, x.Model, x.Protocol = n, op, awsmodel.RESTJSON
		q.restRequest, q.labels = r, labels
		if s.HasProtocol(awsmodel.RESTXML) {
			x.Protocol = awsmodel.RESTXML
		}
	}
	for segment := range strings.SplitSeq(q.path, "/") {
		if segment == "." || segment == ".." {
			x.problem(InRequest, Ambiguous, "the path has dot segments")
		}
	}
}

// specific tells which of several matches is the better one.
func (q *wire) specific(op *awsmodel.Operation) int {
	if op.Service.ID == "s3control" && q.Header.Get("X-Amz-Account-Id") == "" && !strings.Contains(q.Host, "s3-control") {
		return 0 // its paths are those of objects, too
	}
	path, query, _ := strings.Cut(op.URI, "?")
	n := strings.Count(query, "&") + 1
	if strings.HasPrefix(hostName(q.Host), op.Service.EndpointPrefix+".") {
		n += 8
	}
	if strings.HasSuffix(path, "/") == strings.HasSuffix(q.path, "/") {
		n++
	}
	// A successor knows parameters that the service before it did not.
	if input := op.Input(); input != nil && len(q.query) < 16 {
		for name := range q.query {
			if m := input.MemberOnWire(name); m != nil && m.Location == awsmodel.QueryParam {
				n++
			}
		}
	}
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if !strings.HasPrefix(segment, "{") {
			n += 4
		}
	}
	return n
}
