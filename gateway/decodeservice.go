package gateway

import (
	"net"
	"slices"
	"strings"
	"sync"

	"cairn/internal/awsmodel"
)

// identify finds the service and the operation. The credential scope goes first, for the
// backend verifies that one; where the service that it names does not know the request,
// whoever else does is named, with a problem.
func (d *Decoder) identify(q *wire, x *Exchange) {
	scope := x.Signature.Service
	candidates := signedFor(scope)
	if len(candidates) == 0 {
		candidates = d.unsigned(q, x)
	}
	x.Service = scope
	if scope == "" && len(candidates) > 0 {
		x.Service = candidates[0].SigningName
	}
	claims := q.claims(x)
	if isPreflight(q, x, claims) {
		d.preflight(q, x, candidates)
		return
	}
	used := slices.IndexFunc(claims, func(c claim) bool {
		return len(candidates) == 0 || slices.ContainsFunc(candidates, func(s *awsmodel.ServiceModel) bool { return speaks(s, c.protocol) })
	})
	if used < 0 {
		d.matchREST(q, x, candidates)
		if x.Model == nil && len(claims) > 0 {
			used = 0 // the backend may look at nothing else
		}
	}
	if len(claims) > 1 || len(claims) == 1 && used < 0 {
		x.problem(InRequest, Ambiguous, "the request names operations in several ways")
	}
	var others []*awsmodel.ServiceModel
	switch {
	case used >= 0:
		others = claims[used].services
		x.Operation, x.Protocol = claims[used].operation, claims[used].protocol
		x.named(candidates, others)
	case x.Model == nil && scope != "":
		others = d.unsigned(q, x)
		d.matchREST(q, x, others)
	}
	switch {
	case x.Model != nil:
		x.Operation = x.Model.Name
		if scope != "" && !slices.Contains(candidates, x.Model.Service) {
			x.problem(InRequest, Ambiguous, "the request is not one to the service that it is signed for")
		}
		x.Service = x.Model.Service.SigningName
	case len(candidates) == 0 && len(others) == 0:
		x.problem(InRequest, UnknownService, "")
	default:
		x.problem(InRequest, UnknownOperation, "")
	}
	if x.Model == nil && x.Service == "" && len(others) > 0 {
		x.Service = others[0].SigningName
	}
}

// A claim is an operation that a request names by one of the RPC protocols.
type claim struct {
	protocol  awsmodel.Protocol
	services  []*awsmodel.ServiceModel // that it can be one of
	operation string
}

// claims returns what a request names, mostly one operation or none.
func (q *wire) claims(x *Exchange) []claim {
	var claims []claim
	if service, operation, ok := q.cborPath(); ok && strings.EqualFold(q.Header.Get("Smithy-Protocol"), "rpc-v2-cbor") {
		claims = append(claims, claim{awsmodel.CBOR, awsmodel.ByTarget(service), word(operation)})
	}
	if targets := q.Header["X-Amz-Target"]; len(targets) > 0 {
		if len(targets) > 1 {
			x.problem(InRequest, Ambiguous, "several targets")
		}
		service, operation := "", targets[0]
		if dot := strings.LastIndexByte(operation, '.'); dot >= 0 {
			service, operation = operation[:dot], operation[dot+1:]
		}
		claims = append(claims, claim{awsmodel.JSON, awsmodel.ByTarget(service), word(operation)})
	}
	if action := q.action(x); action != "" {
		claims = append(claims, claim{awsmodel.Query, byVersion(q.parameter("Version")), word(action)})
	}
	return claims
}

// named finds the operation that has x's name, among those that the request names
// otherwise and that fit the scope; then in the scope alone; then out of it.
func (x *Exchange) named(candidates, others []*awsmodel.ServiceModel) {
	for _, s := range candidates {
		if slices.Contains(others, s) {
			if op, ok := s.Operation(x.Operation); ok {
				x.choose(op)
				return
			}
		}
	}
	for _, list := range [][]*awsmodel.ServiceModel{candidates, others} {
		for _, s := range list {
			if !speaks(s, x.Protocol) {
				continue
			}
			if op, ok := s.Operation(x.Operation); ok {
				x.choose(op)
				return
			}
		}
	}
}

func (x *Exchange) choose(op *awsmodel.Operation) {
	x.Model = op
	if x.Protocol == awsmodel.Query && op.Service.HasProtocol(awsmodel.EC2) {
		x.Protocol = awsmodel.EC2
	}
}

// speaks reports whether a service takes requests in a protocol. Those that once spoke
// query, as SQS did, still answer clients that do.
func speaks(s *awsmodel.ServiceModel, p awsmodel.Protocol) bool {
	return s.HasProtocol(p) || p == awsmodel.Query && (s.HasProtocol(awsmodel.EC2) || s.QueryCompatible)
}

// aliases are names in credential scopes that no model has. Requests that are signed so
// are S3's.
var aliases = map[string]string{"s3express": "s3", "s3-object-lambda": "s3", "s3-outposts": "s3"}

// signedFor returns the services that sign with a name, the one whose own name it is
// first: rds before neptune.
func signedFor(name string) []*awsmodel.ServiceModel {
	if name == "" {
		return nil
	}
	services := awsmodel.BySigningName(name)
	if alias, ok := aliases[name]; ok {
		services = append(services, awsmodel.BySigningName(alias)...)
	}
	slices.SortStableFunc(services, func(a, b *awsmodel.ServiceModel) int {
		switch {
		case a.ID == name && b.ID != name:
			return -1
		case b.ID == name && a.ID != name:
			return 1
		}
		return 0
	})
	return services
}

// unsigned returns the services that a request without a scope can be for.
func (d *Decoder) unsigned(q *wire, x *Exchange) []*awsmodel.ServiceModel {
	if services := byHost(q.Host); len(services) > 0 {
		return services
	}
	if d.Service != "" {
		if services := signedFor(d.Service); len(services) > 0 {
			return services
		}
		if s, ok := awsmodel.Service(d.Service); ok {
			return []*awsmodel.ServiceModel{s}
		}
	}
	if x.Signature.Version == "SigV2" && !x.Signature.form || isPostForm(q) {
		return signedFor("s3") // whoever else took Version 2 named an action
	}
	return nil
}

// byHost returns the services that an AWS host name begins with.
func byHost(host string) []*awsmodel.ServiceModel {
	host = hostName(host)
	if !awsHost(host) {
		return nil
	}
	if _, ok := s3Domain(host); ok {
		return signedFor("s3")
	}
	labels := strings.Split(host, ".")
	for first := range min(2, len(labels)) { // a label before it can be an account's or a bucket's
		for n := min(3, len(labels)-first); n > 0; n-- {
			if services := awsmodel.ByEndpointPrefix(strings.Join(labels[first:first+n], ".")); len(services) > 0 {
				return services
			}
		}
	}
	return nil
}

func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

var awsDomains = []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws", ".aws.dev"}

func awsHost(host string) bool {
	return slices.ContainsFunc(awsDomains, func(d string) bool { return strings.HasSuffix(host, d) })
}

// regionOf returns the region that a request names: in its scope, then in its host.
func (d *Decoder) regionOf(q *wire, x *Exchange) string {
	s := &x.Signature
	if s.Region != "" {
		return s.Region
	}
	if first, _, _ := strings.Cut(s.RegionSet, ","); isRegion(first) {
		return first
	}
	if host := hostName(q.Host); awsHost(host) {
		for label := range strings.SplitSeq(host, ".") {
			if label, _ = strings.CutPrefix(label, "s3-"); isRegion(label) {
				return label
			}
		}
	}
	return d.Region
}

// isRegion reports whether a name has the form of a region's: letters, words, a digit.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(s) > 32 || len(parts) < 3 || len(parts[0]) != 2 {
		return false
	}
	for i, part := range parts {
		last := i == len(parts)-1
		for j := range len(part) {
			if letter := 'a' <= part[j] && part[j] <= 'z'; letter == last || !letter && (part[j] < '0' || part[j] > '9') {
				return false
			}
		}
		if part == "" {
			return false
		}
	}
	return true
}

// cborPath takes a path such as /service/X/operation/Y apart, which may have others in front.
func (q *wire) cborPath() (service, operation string, ok bool) {
	parts := strings.Split(q.path, "/")
	n := len(parts)
	if n < 5 || parts[n-4] != "service" || parts[n-2] != "operation" {
		return "", "", false
	}
	return parts[n-3], parts[n-1], parts[n-1] != ""
}

// action returns the operation that a request of the query protocol names.
func (q *wire) action(x *Exchange) string {
	inForm, inQuery := q.form["Action"], q.query["Action"]
	if q.form == nil && !q.query.Has("Version") {
		return "" // a REST service can have a parameter of that name
	}
	if len(inForm)+len(inQuery) > 1 {
		x.problem(InRequest, Ambiguous, "several actions")
	}
	if len(inForm) > 0 {
		return inForm[0]
	}
	if len(inQuery) > 0 {
		if q.form == nil && q.Body.Size != 0 {
			x.problem(InRequest, Ambiguous, "a body that is no form, beside an action")
		}
		return inQuery[0]
	}
	return ""
}

// parameter returns a parameter of the query protocol.
func (q *wire) parameter(name string) string {
	if v := q.form.Get(name); v != "" {
		return v
	}
	return q.query.Get(name)
}

// byVersion returns the services of the query protocol in a version, which few share.
func byVersion(version string) []*awsmodel.ServiceModel { return queryVersions()[version] }

var queryVersions = sync.OnceValue(func() map[string][]*awsmodel.ServiceModel {
	versions := make(map[string][]*awsmodel.ServiceModel)
	for _, s := range awsmodel.Services() {
		if s.HasProtocol(awsmodel.Query) || s.HasProtocol(awsmodel.EC2) {
			versions[s.APIVersion] = append(versions[s.APIVersion], s)
		}
	}
	return versions
})
