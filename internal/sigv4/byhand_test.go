package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// byHand signs for S3 in the plainest way: what it is given is in canonical form
// already, but for the order of the query.
func byHand(method, target string, headers map[string]string, payload string, now time.Time) string {
	path, query, _ := strings.Cut(target, "?")
	var parameters []string
	if query != "" {
		for p := range strings.SplitSeq(query, "&") {
			if !strings.Contains(p, "=") {
				p += "="
			}
			parameters = append(parameters, p)
		}
		slices.Sort(parameters)
	}
	names := slices.Sorted(maps.Keys(headers))
	lines := []string{method, path, strings.Join(parameters, "&")}
	for _, name := range names {
		lines = append(lines, name+":"+headers[name])
	}
	lines = append(lines, "", strings.Join(names, ";"), payload)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	timestamp := now.Format("20060102T150405Z")
	scope := timestamp[:8] + "/us-east-1/s3/aws4_request"
	key := []byte("AWS4" + s3Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	signature := hmacOf(key, "AWS4-HMAC-SHA256\n"+timestamp+"\n"+scope+"\n"+hex.EncodeToString(sum[:]))
	return "AWS4-HMAC-SHA256 Credential=" + s3Key + "/" + scope + ", SignedHeaders=" + strings.Join(names, ";") + ", Signature=" + hex.EncodeToString(signature)
}

func hmacOf(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}
