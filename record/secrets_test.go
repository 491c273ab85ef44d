package record_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

const marker = "PLANTED-SECRET"

// No member that a model marks as sensitive reaches a record, in the request, in the
// answer, or quoted in the error (tests.md, S7).
func TestNoSecretOfAnyService(t *testing.T) {
	t.Parallel()
	services := awsmodel.Services()
	if testing.Short() {
		services = services[:0:0]
		for _, id := range []string{"iam", "sts", "kms", "secretsmanager", "ssm", "s3", "ec2", "rds", "lambda", "cloudtrail"} {
			s, _ := awsmodel.Service(id)
			services = append(services, s)
		}
	}
	planted := 0
	encoded := base64.StdEncoding.EncodeToString([]byte(marker))[:16]
	var raw []byte
	for _, s := range services {
		for _, op := range s.Operations() {
			input, n := plant(op.Input(), false, 0)
			output, m := plant(op.Output(), false, 0)
			if planted += n + m; n+m == 0 {
				continue
			}
			in, _ := input.(map[string]any)
			out, _ := output.(map[string]any)
			c := call(s.SigningName, op.Name, in, out)
			for _, e := range []*aws.Error{nil, {Code: "ValidationException", Message: "Value '" + marker + "' failed"}} {
				c.Err = e
				if e != nil && n == 0 {
					continue
				}
				raw = record.Append(raw[:0], c, record.Details{Operation: op})
				if bytes.Contains(raw, []byte(marker)) || bytes.Contains(raw, []byte(encoded)) {
					t.Errorf("%s %s: a secret is in %.2000s", s.ID, op.Name, raw)
				}
			}
		}
	}
	if planted < 100 {
		t.Errorf("only %d secrets were planted", planted)
	}
	t.Logf("%d secrets in %d services", planted, len(services))
}

// plant makes a value of a shape with the marker in all that is sensitive, and returns
// how often that is.
func plant(s *awsmodel.Shape, secret bool, depth int) (any, int) {
	if s == nil || depth > 8 {
		return nil, 0
	}
	secret = secret || s.Sensitive
	switch s.Kind {
	case awsmodel.Structure:
		object, total := map[string]any{}, 0
		for i := range s.Members {
			if name := s.Members[i].Name; name == "SSEKMSKeyId" || name == "KMSMasterKeyID" {
				continue // names a key of KMS, which CloudTrail's records do
			}
			v, n := plant(s.Members[i].Shape(), secret, depth+1)
			if n > 0 {
				object[s.Members[i].Name] = v
				total += n
			}
		}
		return object, total
	case awsmodel.List:
		v, n := plant(s.Element.Shape(), secret, depth+1)
		return []any{v}, n
	case awsmodel.Map:
		v, n := plant(s.Value.Shape(), secret, depth+1)
		key := "key"
		if s.Key.Shape().Sensitive {
			key, n = marker, n+1
		}
		return map[string]any{key: v}, n
	case awsmodel.String:
		if secret {
			return marker, 1
		}
	case awsmodel.Blob:
		if secret {
			return []byte(marker), 1
		}
	}
	return nil, 0
}
