package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"cairn/internal/awsmodel"
)

// An Exclusion names reads of data that are not recorded when they succeed. What failed is
// recorded all the same.
type Exclusion struct {
	// Operation is a service, by its signing name or botocore's ID, and an operation of
	// its API, such as "s3:GetObject". One that is no read of data is refused: nobody can
	// hide a change, or a look at how things are set up.
	Operation string

	// Buckets limits the rule to those of S3; all of them if it is empty.
	Buckets []string
}

// A Sampling names reads of data of which one in OneIn is recorded.
type Sampling struct {
	Operation string
	Buckets   []string
	OneIn     int // at least 2
}

// A rule is an Exclusion, or a Sampling.
type rule struct {
	operation *awsmodel.Operation
	buckets   []string
	oneIn     uint64 // 0: none is recorded

	seen     atomic.Uint64
	excluded atomic.Uint64 // since the last summary
}

func newRules(exclusions []Exclusion, samplings []Sampling) ([]*rule, error) {
	var rules []*rule
	for _, e := range exclusions {
		op, err := dataRead(e.Operation)
		if err != nil {
			return nil, fmt.Errorf("exclude %w", err)
		}
		rules = append(rules, &rule{operation: op, buckets: slices.Clone(e.Buckets)})
	}
	for _, s := range samplings {
		op, err := dataRead(s.Operation)
		if err != nil {
			return nil, fmt.Errorf("sample %w", err)
		}
		if s.OneIn < 2 {
			return nil, fmt.Errorf("sample %s: one in %d is not a sample: it must be 2 or more", s.Operation, s.OneIn)
		}
		rules = append(rules, &rule{operation: op, buckets: slices.Clone(s.Buckets), oneIn: uint64(s.OneIn)})
	}
	for _, r := range rules {
		if len(r.buckets) > 0 && r.operation.Service.ID != "s3" {
			return nil, fmt.Errorf("a rule for %s names buckets, which are S3's", r.name())
		}
	}
	return rules, nil
}

// dataRead finds the operation that a rule names.
func dataRead(text string) (*awsmodel.Operation, error) {
	service, name, ok := strings.Cut(text, ":")
	if !ok {
		return nil, fmt.Errorf("%q: not a service and an operation, such as s3:GetObject", text)
	}
	candidates := signedFor(service)
	if s, ok := awsmodel.Service(service); ok && !slices.Contains(candidates, s) {
		candidates = append([]*awsmodel.ServiceModel{s}, candidates...)
	}
	for _, s := range candidates {
		op, ok := s.Operation(name)
		if s.ID == "s3" && name == preflightName {
			op, ok = s3Preflight(), true
		}
		switch {
		case !ok:
			continue
		case !op.Data || !op.ReadOnly:
			return nil, fmt.Errorf("%s: it is no read of data; only these can go without a record", text)
		}
		return op, nil
	}
	return nil, fmt.Errorf("%s: there is no such operation", text)
}

func (r *rule) name() string { return r.operation.Service.SigningName + ":" + r.operation.Name }

// covers reports whether the rule is for calls such as that of an exchange.
func (r *rule) covers(x *Exchange) bool {
	return r.operation == x.Model && (len(r.buckets) == 0 || slices.Contains(r.buckets, cmp.Or(text(x.Input, "Bucket"), text(x.Input, "bucketName"))))
}

// excludes reports whether a rule leaves the call of an exchange out. It counts what it
// leaves out, and is asked once for each call that succeeded.
func (rt *route) excludes(x *Exchange) bool {
	if x.Model == nil || !x.Model.Data || x.MayChange() {
		return false
	}
	for _, r := range rt.rules {
		if !r.covers(x) {
			continue
		}
		if n := r.seen.Add(1); r.oneIn > 0 && (n-1)%r.oneIn == 0 {
			return false
		}
		r.excluded.Add(1)
		return true
	}
	return false
}
