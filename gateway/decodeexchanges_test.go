package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cairn/gateway"
)

// A row is an exchange that testdata/exchanges.py wrote.
type row struct {
	Service, Operation, Protocol string

	Skipped, AnswerSkipped string
	Planted, Number        int

	Method, Target, Host string
	Headers              map[string]string
	Body                 []byte
	Input                map[string]any

	Status        int
	AnswerHeaders map[string]string
	Answer        []byte
	Output        map[string]any
}

func (r *row) request() *gateway.Request {
	return &gateway.Request{
		Method: r.Method, Target: r.Target, Host: r.Host, Header: header(r.Headers),
		Body: gateway.Capture{Bytes: r.Body, Size: int64(len(r.Body))},
	}
}

func (r *row) answer() *gateway.Answer {
	return &gateway.Answer{Status: r.Status, Header: header(r.AnswerHeaders), Body: gateway.Capture{Bytes: r.Answer, Size: int64(len(r.Answer))}}
}

func header(from map[string]string) http.Header {
	h := make(http.Header)
	for name, value := range from {
		h.Set(name, value)
	}
	return h
}

// readRows calls f for each exchange.
func readRows(t *testing.T, from io.Reader, f func(*row)) {
	t.Helper()
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		r := &row{}
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(r); err != nil {
			t.Fatal(err)
		}
		f(r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// tally counts what was compared.
type tally struct{ requests, answers, skipped, expectedRequests, expectedAnswers, wrongRequests, wrongAnswers int }

// expected are the operations that come out in another way than botocore has them, and why.
var expected = map[string]string{
	"greengrassv2": "shares the requests of these operations with version 1",

	"s3.CopyObject": expiresText, "s3.CreateMultipartUpload": expiresText, "s3.GetObject": expiresText, "s3.HeadObject": expiresText,
	"s3.PutObject": expiresText, "s3.UploadPart": "the length is that of the body, not the one asked for",
	"s3.GetBucketLifecycle": deprecated, "s3.PutBucketLifecycle": deprecated, "s3.GetBucketNotification": deprecated, "s3.PutBucketNotification": deprecated,
	"s3.ListDirectoryBuckets":   "is told from ListBuckets by its host and its scope, which the script does not have",
	"s3.WriteGetObjectResponse": "is told by its host, which the script does not have",

	"dataexchange.SendApiAsset": "the table does not tell an empty prefix of headers from none",
}

const (
	expiresText = "the model has Expires as a text, for not all that is stored there is a time"
	deprecated  = "has the same form as its successor, whose record has the same name"
)

func (n *tally) compare(t *testing.T, r *row) {
	t.Helper()
	if r.Skipped != "" {
		n.skipped++
		return
	}
	name := r.Service + "." + r.Operation + " " + r.Protocol
	isExpected := expected[r.Service] != "" || expected[r.Service+"."+r.Operation] != ""
	x := (&gateway.Decoder{EveryAnswer: true}).Request(r.request())
	n.requests++
	var wrong []string
	switch {
	case x.Model == nil:
		wrong = append(wrong, "not recognised")
	case x.Operation != r.Operation:
		wrong = append(wrong, "taken for "+x.Operation)
	case x.Region != "us-east-1" || x.Signature.AccessKeyID != "AKIAIOSFODNN7EXAMPLE":
		wrong = append(wrong, "another scope")
	default:
		wrong = differences(nil, "input", r.Input, normal(x.Input))
	}
	if len(x.Problems) > 0 {
		wrong = append(wrong, fmt.Sprint(x.Problems))
	}
	switch {
	case len(wrong) > 0 && isExpected:
		n.expectedRequests++
	case len(wrong) > 0:
		n.wrongRequests++
		t.Logf("%s: %.600s", name, strings.Join(wrong, "; "))
	}
	if r.Output == nil || x.Model == nil {
		return
	}
	n.answers++
	x.Problems = nil
	x.Answer(r.answer())
	wrong = differences(nil, "output", r.Output, normal(x.Output))
	if x.RequestID != "request-1" {
		wrong = append(wrong, "request id "+x.RequestID)
	}
	if len(x.Problems) > 0 {
		wrong = append(wrong, fmt.Sprint(x.Problems))
	}
	switch {
	case len(wrong) > 0 && isExpected:
		n.expectedAnswers++
	case len(wrong) > 0:
		n.wrongAnswers++
		t.Logf("%s: %.600s", name, strings.Join(wrong, "; "))
	}
}

// normal is a tree in the form in which the script writes it.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v))
		for name, e := range v {
			tree[name] = normal(e)
		}
		return tree
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = normal(e)
		}
		return list
	case time.Time:
		return map[string]any{"$t": json.Number(strconv.FormatInt(v.UnixMilli(), 10))}
	case []byte:
		return map[string]any{"$b": base64.StdEncoding.EncodeToString(v)}
	}
	return v
}

// differences tells what of want is not in got, and the other way round. An empty
// structure may be missing, for most protocols cannot say it.
func differences(found []string, path string, want, got any) []string {
	if len(found) > 4 {
		return found
	}
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		if g == nil && len(w) > 0 {
			return append(found, fmt.Sprintf("%s: %.60v, want %.60v", path, got, want))
		}
		names := make([]string, 0, len(w))
		for name := range w {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			found = differences(found, path+"."+name, w[name], g[name])
		}
		for name, e := range g {
			if _, ok := w[name]; !ok {
				found = append(found, fmt.Sprintf("%s.%s: %.60v, want nothing", path, name, e))
			}
		}
		return found
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			return append(found, fmt.Sprintf("%s: %.60v, want %.60v", path, got, want))
		}
		for i := range w {
			found = differences(found, path+"["+strconv.Itoa(i)+"]", w[i], g[i])
		}
		return found
	case json.Number:
		if g, ok := got.(json.Number); ok {
			a, _ := w.Float64()
			b, _ := g.Float64()
			if a == b || math.Abs(a-b) < 1e-9 {
				return found
			}
		}
	}
	if !reflect.DeepEqual(want, got) {
		found = append(found, fmt.Sprintf("%s: %#.60v, want %#.60v", path, got, want))
	}
	return found
}

// What botocore writes is read back, and what botocore reads is read alike, for the
// operations of testdata/exchanges.jsonl.
func TestExchanges(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/exchanges.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var n tally
	readRows(t, file, func(r *row) { n.compare(t, r) })
	if n.wrongRequests+n.wrongAnswers+n.skipped > 0 || n.requests < 40 {
		t.Errorf("%+v", n)
	}
}

// The same for whatever the installed botocore has: some services, or with CAIRN_BOTOCORE=all
// all of them, which takes half a minute.
func TestBotocore(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		t.Skip("no python3 with botocore")
	}
	args := []string{"testdata/exchanges.py"}
	all := os.Getenv("CAIRN_BOTOCORE") == "all"
	if !all {
		args = append(args, "apigateway", "cloudfront", "cloudtrail", "cloudwatch", "dynamodb", "iam", "kms", "lambda", "rds", "route53",
			"s3", "s3control", "secretsmanager", "sns", "sqs", "ssm", "sts", "ec2.RunInstances", "ec2.DescribeInstances", "ec2.CreateSecurityGroup")
	}
	cmd := exec.Command("python3", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var n tally
	readRows(t, out, func(r *row) { n.compare(t, r) })
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d requests and %d of %d answers are as botocore has them; %d are otherwise for a known reason; %d could not be written",
		n.requests-n.wrongRequests-n.expectedRequests, n.requests, n.answers-n.wrongAnswers-n.expectedAnswers, n.answers, n.expectedRequests+n.expectedAnswers, n.skipped)
	if n.requests < 500 || n.wrongRequests > 0 || n.wrongAnswers > 0 {
		t.Errorf("%+v", n)
	}
}
