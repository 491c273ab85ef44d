package record

import (
	"maps"
	"strings"

	"cairn"
	"cairn/internal/awsmodel"
)

// listed returns the record's resources as JSON, nil when CloudTrail lists none.
func (r *rendering) listed(input, output map[string]any) []byte {
	if r.op == nil {
		return nil
	}
	at := awsmodel.Place{Partition: cairn.PartitionOf(r.region), Region: r.region, AccountID: r.account}
	var b []byte
	n := 0
	if r.op.Service.ID == "kms" {
		input = withKeys(input, output)
	}
	for _, resource := range append(r.op.Resources(at, input, output), r.details.Resources...) {
		if !resource.Listed || n == maxResources || len(b) > maxResourceBytes {
			continue
		}
		if n++; b == nil {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		o := identityWriter{b: append(b, '{')}
		if resource.Type != "AWS::S3::Object" { // CloudTrail gives the account of the bucket alone
			o.text("accountId", resource.AccountID)
		}
		o.text("type", resource.Type)
		name, arn := "ARN", resource.ARN
		if arn == "" {
			name, arn = "ARNPrefix", resource.ARNPrefix
		}
		o.name(name)
		b = append(appendText(o.b, arn, maxARNBytes), '}')
	}
	if b == nil {
		return nil
	}
	return append(b, ']')
}

// withKeys returns a request to KMS with the ARNs of its keys. Requests can name a key by
// an alias, or not at all when the ciphertext does; the answer always has the ARN.
func withKeys(input, output map[string]any) map[string]any {
	var named map[string]any
	for _, name := range [...]string{"KeyId", "SourceKeyId"} {
		if arn, ok := output[name].(string); ok && strings.HasPrefix(arn, "arn:") {
			if named == nil {
				named = make(map[string]any, len(input)+1)
				maps.Copy(named, input)
			}
			named[name] = arn
		}
	}
	if named == nil {
		return input
	}
	return named
}
