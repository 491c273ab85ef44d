package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"sync"

	"cairn"
	"cairn/internal/awsmodel"
)

// A preflight is the question of a browser whether a page may make a call that goes to
// another origin. It is OPTIONS with the headers Origin and Access-Control-Request-Method,
// and has no credentials: a presigned URL has those of the call to come.
//
// It changes nothing, and no API model has it. S3's name for it is PreflightRequest, a
// read of data. It is the same of other services, of which CloudTrail records none: a page
// that polls would otherwise fill every trail with management events.

const preflightName = "PreflightRequest"

// s3Preflight is that of S3, one for all so that rules can name it.
var s3Preflight = sync.OnceValue(func() *awsmodel.Operation {
	s, _ := awsmodel.Service("s3")
	return newPreflight(s)
})

func newPreflight(s *awsmodel.ServiceModel) *awsmodel.Operation {
	return &awsmodel.Operation{Service: s, Name: preflightName, EventName: preflightName, Method: http.MethodOptions, ReadOnly: true, Data: true}
}

// unknownService is that of preflights that name none.
var unknownService = &awsmodel.ServiceModel{ID: "unknown", EventSource: "unknown", Protocols: []awsmodel.Protocol{awsmodel.RESTXML}}

// isPreflight reports whether a request is a preflight and nothing besides: one that names
// an operation or another method could be taken for that.
func isPreflight(q *wire, x *Exchange, claims []claim) bool {
	return q.Method == http.MethodOptions && (x.Signature.Version == "" || x.Signature.Presigned()) &&
		q.Header.Get("Origin") != "" && q.Header.Get("Access-Control-Request-Method") != "" && len(claims) == 0 && !x.doubtful()
}

// preflight describes a preflight to one of the services.
func (d *Decoder) preflight(q *wire, x *Exchange, candidates []*awsmodel.ServiceModel) {
	s := unknownService
	if len(candidates) > 0 {
		s = candidates[0]
	}
	x.preflight, x.Operation, x.Service, x.Protocol = true, preflightName, s.SigningName, s.Protocols[0]
	if s.ID != "s3" {
		x.Model = newPreflight(s)
		return
	}
	x.Model = s3Preflight()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(q.rest(d, s).Path, "/"), "/")
	x.Input = make(map[string]any)
	putText(x.Input, "bucketName", unescapedPath(bucket))
	putText(x.Input, "key", unescapedPath(key))
}

func unescapedPath(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// preflightResources are what a preflight to S3 is about.
func (x *Exchange) preflightResources() []awsmodel.Resource {
	bucket, key := text(x.Input, "bucketName"), text(x.Input, "key")
	if !x.preflight || bucket == "" {
		return nil
	}
	arn := "arn:" + cairn.PartitionOf(x.Region) + ":s3:::" + bucket
	found := []awsmodel.Resource{{ARN: arn, Type: "AWS::S3::Bucket", Listed: true}}
	if key != "" {
		found = append([]awsmodel.Resource{{ARN: arn + "/" + key, Type: "AWS::S3::Object", Listed: true}}, found...)
	}
	return found
}
