package sigv4

import (
	"net/url"
	"slices"
	"strings"
)

// Names of the parameters of a signed query.
const (
	queryAlgorithm     = "X-Amz-Algorithm"
	queryCredential    = "X-Amz-Credential"
	queryDate          = "X-Amz-Date"
	queryExpires       = "X-Amz-Expires"
	querySignedHeaders = "X-Amz-SignedHeaders"
	querySignature     = "X-Amz-Signature"
	queryToken         = "X-Amz-Security-Token"
	queryContentHash   = "X-Amz-Content-Sha256"

	queryV2Key       = "AWSAccessKeyId"
	queryV2Signature = "Signature"
)

// queryAuth is what a query says about a signature.
type queryAuth struct {
	v4 bool // it has any of the parameters that only signed queries have

	algorithm, credential, date, expires  string
	signedHeaders, signature, contentHash string
	token                                 string

	v2Key, v2Signature bool
}

func (q *queryAuth) v2() bool { return q.v2Key && q.v2Signature }

func parseQueryAuth(raw string) (q queryAuth, err error) {
	// An unread one of the parameters is nil, which an empty one is not.
	var values [8]*string
	var twice string
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		escapedName, escapedValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		if err != nil {
			return q, errQuery
		}
		i := slices.Index(queryNames[:], name)
		if i < 0 {
			q.v2Key = q.v2Key || name == queryV2Key
			q.v2Signature = q.v2Signature || name == queryV2Signature
			continue
		}
		value, err := url.QueryUnescape(escapedValue)
		if err != nil {
			return q, errQuery
		}
		if values[i] != nil {
			twice = name
		}
		values[i] = &value
		q.v4 = q.v4 || name == queryAlgorithm || name == queryCredential || name == querySignature
	}
	if q.v4 && twice != "" {
		return q, fail(MalformedQueryAuth, "The query parameter "+twice+" must stand only once.")
	}
	for i, to := range [...]*string{&q.algorithm, &q.credential, &q.date, &q.expires, &q.signedHeaders, &q.signature, &q.token, &q.contentHash} {
		if values[i] != nil {
			*to = *values[i]
		}
	}
	return q, nil
}

// queryNames are the parameters of a signed query, in the order in which
// parseQueryAuth keeps them.
var queryNames = [8]string{queryAlgorithm, queryCredential, queryDate, queryExpires, querySignedHeaders, querySignature, queryToken, queryContentHash}
