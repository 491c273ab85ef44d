package gateway_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"testing"

	"cairn/gateway"
	"cairn/record"
)

const marker = "PLANTED-SECRET"

// No member that a model marks as sensitive gets from the wire into a record, in a request,
// an answer, or an error that quotes it; nor when a body is cut anywhere, or is of another
// form than its operation's (tests.md, S7).
func TestNoSecretFromTheWire(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		t.Skip("no python3 with botocore")
	}
	args := []string{"testdata/exchanges.py", "plant"}
	least := 8000
	if os.Getenv("CAIRN_BOTOCORE") != "all" {
		least = 500
		args = append(args, "cloudtrail", "cognito-idp", "dynamodb", "ec2", "iam", "kms", "lambda", "rds", "s3", "secretsmanager", "ses", "sns", "sqs", "ssm", "sts", "transfer")
	}
	cmd := exec.Command("python3", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	planted, rows := 0, 0
	var raw []byte
	check := func(name string, x *gateway.Exchange) {
		raw = record.Append(raw[:0], x.Call(), x.Details())
		for _, form := range [][]byte{[]byte(marker), []byte(base64.StdEncoding.EncodeToString([]byte(marker))[:16])} {
			if bytes.Contains(raw, form) {
				t.Errorf("%s: a secret is in %.1500s", name, raw)
			}
		}
	}
	d := &gateway.Decoder{EveryAnswer: true}
	readRows(t, out, func(r *row) {
		name := r.Service + "." + r.Operation
		if r.Skipped != "" {
			t.Logf("%s is left out: %s", name, r.Skipped)
			return
		}
		rows, planted = rows+1, planted+r.Planted
		x := d.Request(r.request())
		if x.Model == nil {
			t.Errorf("%s: not recognised", name)
		}
		x.Answer(r.answer())
		check(name, x)
		x = d.Request(r.request())
		answer(x, 400, map[string]string{"Content-Type": jsonType}, `{"__type":"ValidationException","message":"Value '`+marker+`' failed"}`)
		if len(x.Input) > 0 && !x.StreamIn && bytes.Contains(r.Body, []byte(marker)) {
			check(name+" error", x)
		}
		for _, part := range []int{3, 2} {
			q, a := r.request(), r.answer()
			q.Body.Bytes, a.Body.Bytes = q.Body.Bytes[:len(q.Body.Bytes)*(part-1)/part], a.Body.Bytes[:len(a.Body.Bytes)*(part-1)/part]
			x = d.Request(q)
			x.Answer(a)
			check(name+" cut", x)
		}
		q := r.request()
		q.Body.Bytes = []byte(`{"Anything":{"Password":"` + marker + `"},"secretKey":["` + marker + `"]}`)
		q.Body.Size = int64(len(q.Body.Bytes))
		check(name+" with another body", d.Request(q))
	})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if planted < least {
		t.Errorf("only %d secrets were planted", planted)
	}
	t.Logf("%d secrets in %d exchanges", planted, rows)
}
