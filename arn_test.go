package cairn_test

import (
	"testing"

	"cairn"
)

func TestParseARN(t *testing.T) {
	t.Parallel()
	good := map[string]cairn.ARN{
		"arn:aws:iam::111122223333:role/service/admin": {Partition: "aws", Service: "iam", AccountID: "111122223333", Resource: "role/service/admin"},
		"arn:aws:s3:::bucket/a:b":                      {Partition: "aws", Service: "s3", Resource: "bucket/a:b"},
		"arn:aws-cn:lambda:cn-north-1:111122223333:function:f:1": {
			Partition: "aws-cn", Service: "lambda", Region: "cn-north-1", AccountID: "111122223333", Resource: "function:f:1"},
	}
	for text, want := range good {
		got, err := cairn.ParseARN(text)
		if err != nil || got != want {
			t.Errorf("ParseARN(%s) = %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%s comes back as %s", text, got)
		}
	}
	for _, text := range []string{
		"", "arn", "arn:aws:s3::bucket", "ARN:aws:s3:::bucket", "urn:aws:s3:::bucket", "arn::s3:::bucket", "arn:aws::::bucket", "arn:aws:s3:::",
	} {
		if got, err := cairn.ParseARN(text); err == nil {
			t.Errorf("ParseARN(%q) = %+v, want an error", text, got)
		}
	}
}
