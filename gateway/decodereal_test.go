package gateway_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cairn/aws"
	"cairn/gateway"
	"cairn/internal/awsmodel"
	"cairn/record"
)

const realRecords = "../../shared/data/invictus"

// A realCall is a record, and the input and output to send and answer again.
type realCall struct {
	record    map[string]any
	op        *awsmodel.Operation
	arguments map[string]any
}

func object(tree map[string]any, name string) map[string]any {
	o, _ := tree[name].(map[string]any)
	return o
}

func text(tree map[string]any, name string) string {
	s, _ := tree[name].(string)
	return s
}

// realCalls reads the records whose call can be made again.
func realCalls(t *testing.T) (calls []*realCall) {
	err := filepath.WalkDir(realRecords, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct{ Records []map[string]any }
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(&file); err != nil {
			return err
		}
		for _, r := range file.Records {
			if op := realOperation(r); op != nil {
				input, output := record.Restore(op, object(r, "requestParameters"), object(r, "responseElements"))
				calls = append(calls, &realCall{r, op, map[string]any{
					"number": len(calls), "service": op.Service.ID, "operation": op.Name, "input": normal(input), "output": normal(output),
				}})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func realOperation(r map[string]any) *awsmodel.Operation {
	for _, s := range awsmodel.ByEventSource(text(r, "eventSource")) {
		if s.ID == "docdb" || s.ID == "neptune" {
			continue
		}
		for _, op := range s.Operations() {
			if op.EventName == text(r, "eventName") && !op.Deprecated {
				return op
			}
		}
	}
	return nil
}

// notAgain are members that no call made again can give, and why.
var notAgain = map[string]string{
	".sessionToken":        "is never recorded",
	"health.":              "its servers write times in both of Java's forms",
	".createdAt":           "the script's times have no fractions, as those below",
	".updatedAt":           "",
	".startTime":           "",
	".StartTimeRange":      "",
	".associationState":    "is no longer in the API, as those below",
	".fullyQualifiedArn":   "",
	".httpProtocolIpv4":    "",
	".attributeType":       "",
	".reportVolumeFailure": "",
	".force":               "",
	".httpEndpointEnabled": "",
	".denyAllIgwTraffic":   "",
}

func canBeAgain(difference string) bool {
	for part := range notAgain {
		if strings.Contains(difference, part) {
			return false
		}
	}
	return true
}

// The calls of real records, sent and answered again, give the same parameters, answers,
// names and errors as CloudTrail wrote.
func TestRealRecords(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(realRecords); err != nil {
		t.Skipf("no real records: %v", err)
	}
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		t.Skip("no python3 with botocore")
	}
	calls := realCalls(t)
	var stdin bytes.Buffer
	for _, c := range calls {
		json.NewEncoder(&stdin).Encode(c.arguments)
	}
	cmd := exec.Command("python3", "testdata/exchanges.py", "replay")
	cmd.Stdin, cmd.Stderr = &stdin, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	compared, unwritable, different := 0, 0, 0
	readRows(t, bytes.NewReader(out), func(r *row) {
		c := calls[r.Number]
		if r.Skipped != "" {
			unwritable++ // the record lacks what the call had, such as a member that is always omitted
			return
		}
		compared++
		x := (&gateway.Decoder{}).Request(r.request())
		code := text(c.record, "errorCode")
		switch {
		case code == "":
			x.Answer(r.answer())
		case x.Protocol == awsmodel.RESTXML || x.Protocol == awsmodel.Query || x.Protocol == awsmodel.EC2:
			answer(x, 400, nil, "<Response><Errors><Error><Code>"+strings.TrimPrefix(code, "Client.")+"</Code></Error></Errors></Response>")
		default:
			answer(x, 400, map[string]string{"X-Amzn-Errortype": code}, "{}")
		}
		call := x.Call()
		call.RequestID = text(c.record, "requestID")
		if call.Host = text(object(c.record, "tlsDetails"), "clientProvidedHostHeader"); call.Host == "" {
			call.Host = text(object(c.record, "requestParameters"), "Host")
		}
		call.Identity = aws.Identity{Type: "Root"}
		var ours map[string]any
		decoder := json.NewDecoder(bytes.NewReader(record.Append(nil, call, x.Details())))
		decoder.UseNumber()
		if err := decoder.Decode(&ours); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, name := range []string{"eventSource", "eventName", "readOnly", "errorCode", "requestParameters", "responseElements"} {
			for _, d := range differences(nil, name, c.record[name], ours[name]) {
				if canBeAgain(r.Service + "." + r.Operation + " " + d) {
					found = append(found, d)
				}
			}
		}
		if len(found) > 0 || len(x.Problems) > 0 {
			different++
			t.Logf("%s.%s: %.300s %v", r.Service, r.Operation, strings.Join(found, "; "), x.Problems)
		}
	})
	t.Logf("%d of %d calls give what CloudTrail wrote; %d could not be written again", compared-different, compared, unwritable)
	if compared < 2500 || different > 0 {
		t.Errorf("%d of %d differ", different, compared)
	}
}
