package iam

import (
	"net/url"
	"strings"

	"cairn/internal/policy"
)

// checkDocument refuses a policy document that is malformed or too long. What it
// belongs to stands in the message.
func checkDocument(document string, kind policy.Kind, limit int, what string) error {
	p, err := policy.Parse([]byte(document))
	if err != nil {
		return errMalformedPolicy(err)
	}
	if err := p.Validate(kind); err != nil {
		return errMalformedPolicy(err)
	}
	if policy.Size([]byte(document)) > limit {
		return errPolicySize(limit, what)
	}
	return nil
}

// escaped is a document as IAM's answers have it: with the escapes of RFC 3986.
func escaped(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
