package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A statement is one of a policy.
type statement struct {
	Sid       string
	Effect    string
	Principal map[string]string
	Action    any
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func policyText(statements ...statement) string {
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements}) // it holds nothing that cannot be JSON
	return string(b)
}

var trailPrincipal = map[string]string{"Service": "cloudtrail.amazonaws.com"}

// bucketStatements are what CloudTrail needs of a bucket, for this trail alone. It
// reads only to compare: whether a digest under a key is the one that was signed,
// and what a redelivery has to bring back. It can do without.
func (m *trailMaker) bucketStatements() []statement {
	bucket := "arn:aws:s3:::" + m.flags.bucket
	folder := bucket + "/"
	if m.flags.prefix != "" {
		folder += m.flags.prefix + "/"
	}
	return []statement{
		{"CairnTrailAclCheck", "Allow", trailPrincipal, "s3:GetBucketAcl", bucket,
			map[string]map[string]string{"StringEquals": {"aws:SourceArn": m.arn}}},
		{"CairnTrailWrite", "Allow", trailPrincipal, "s3:PutObject", folder + "AWSLogs/" + m.account + "/*",
			map[string]map[string]string{"StringEquals": {"aws:SourceArn": m.arn, "s3:x-amz-acl": "bucket-owner-full-control"}}},
		{"CairnTrailCompare", "Allow", trailPrincipal, "s3:GetObject", folder + "AWSLogs/" + m.account + "/*",
			map[string]map[string]string{"StringEquals": {"aws:SourceArn": m.arn}}},
	}
}

// bucketPolicy is the policy of a bucket that has none.
func (m *trailMaker) bucketPolicy() string { return policyText(m.bucketStatements()...) }

// show prints a policy.
func (m *trailMaker) show(what, policy string) {
	var text bytes.Buffer
	if json.Indent(&text, []byte(policy), "", "  ") != nil {
		text.Reset()
		text.WriteString(policy)
	}
	fmt.Fprintf(m.stderr, "%s:\n%s\n", what, &text)
}

// extendPolicy adds what the trail needs to the policy of a bucket, if that is
// wanted, and else says how. What the policy has stays: other trails need it.
func (m *trailMaker) extendPolicy(ctx context.Context) error {
	bucket := m.flags.bucket
	failed := fmt.Errorf("make trail %s: the policy of bucket %s does not let it write there", m.name, bucket)
	client := m.bucketClient()
	out, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil && !hasCode(err, "NoSuchBucketPolicy") {
		m.show("The policy of bucket "+bucket+" must have these statements, besides those that it has", m.bucketPolicy())
		return fmt.Errorf("%w, and these credentials may not read it (%w); next: have its owner add the statements above", failed, m.awsError("read the policy", err))
	}
	have := ""
	if err == nil {
		have = aws.ToString(out.Policy)
	}
	merged, added, err := mergePolicy(have, m.bucketStatements())
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", failed, err)
	case added == 0:
		m.show("The policy of bucket "+bucket, have)
		return fmt.Errorf("%w, although it has the statements for that; next: look for one above that denies it", failed)
	}
	what := "The policy of bucket " + bucket + " with what the trail needs"
	if have != "" {
		what += ", added to the statements that it has"
	}
	m.show(what, merged)
	if !m.flags.yes {
		return fmt.Errorf("%w; next: run this again with --yes to set the policy above, or set it by aws s3api put-bucket-policy", failed)
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &merged}); err != nil {
		return m.awsError("give bucket "+bucket+" the policy above", err)
	}
	m.say("Bucket %s has the policy above.", bucket)
	return nil
}

// mergePolicy adds statements to a policy, which may be empty, and says how many
// it did not have. Those that it has stay as they are; new ones get names that are
// not taken.
func mergePolicy(policy string, needed []statement) (merged string, added int, err error) {
	document := map[string]json.RawMessage{"Version": json.RawMessage(`"2012-10-17"`)}
	if policy != "" {
		document = nil
		if err := json.Unmarshal([]byte(policy), &document); err != nil {
			return "", 0, fmt.Errorf("read the bucket's policy: %w", err)
		}
	}
	var statements []json.RawMessage
	if text := document["Statement"]; text != nil && json.Unmarshal(text, &statements) != nil {
		statements = []json.RawMessage{text} // one alone need not be in a list
	}
	names, known := make(map[string]bool), []map[string]any{}
	for _, text := range statements {
		var s map[string]any
		if err := json.Unmarshal(text, &s); err != nil {
			return "", 0, errors.New("read the bucket's policy: a statement is no object")
		}
		if name, ok := s["Sid"].(string); ok {
			names[name] = true
		}
		delete(s, "Sid")
		known = append(known, s)
	}
	for _, s := range needed {
		if has(known, s) {
			continue
		}
		for n, first := 2, s.Sid; names[s.Sid]; n++ {
			s.Sid = fmt.Sprintf("%s%d", first, n)
		}
		names[s.Sid] = true
		text, err := json.Marshal(s)
		if err != nil {
			return "", 0, err
		}
		statements, added = append(statements, text), added+1
	}
	document = maps.Clone(document)
	if document["Statement"], err = json.Marshal(statements); err != nil {
		return "", 0, err
	}
	text, err := json.Marshal(document)
	return string(text), added, err
}

// has reports whether a statement is among others, whatever its name.
func has(known []map[string]any, s statement) bool {
	text, err := json.Marshal(s)
	if err != nil {
		return false
	}
	var plain map[string]any
	if json.Unmarshal(text, &plain) != nil {
		return false
	}
	delete(plain, "Sid")
	for _, k := range known {
		if reflect.DeepEqual(k, plain) {
			return true
		}
	}
	return false
}
