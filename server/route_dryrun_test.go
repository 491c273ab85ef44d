package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// dryRun runs selectors over past events.
func (x *routesTest) dryRun(t *testing.T, key Credentials, body string) *DryRunResult {
	t.Helper()
	code, text := x.call(t, key, http.MethodPost, "/_cairn/api/trails/dry-run", nil, []byte(body))
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", body, code, text)
	}
	var last DryRunLine
	for line := range strings.Lines(text) {
		last = DryRunLine{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if last.Result == nil {
		t.Fatalf("%s: %s", body, text)
	}
	return last.Result
}

// Selectors are tried on past events: how many they take, how much that is a day,
// and why, within the caller's account.
func TestDryRun(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	for i, name := range []string{"CreateUser", "CreateUser", "DeleteUser"} {
		x.post(t, x.a, madeCall(accountA, "iam", name, i, 10+i, `{"userName":"u"}`))
	}
	x.post(t, x.a, madeCall(accountA, "kms", "DisableKey", 5, 9, `{"keyId":"k"}`))
	x.post(t, x.b, madeCall(accountB, "iam", "CreateUser", 6, 9, `{"userName":"u"}`))
	all := x.dryRun(t, x.a, `{}`)
	if all.Matched < 4 || all.Scanned != all.Matched || all.EventsPerDay != float64(all.Matched) || all.RawBytes == 0 || all.GzipBytesPerDay <= 0 || all.GzipBytesPerDay >= all.RawBytesPerDay || len(all.Taken) == 0 {
		t.Errorf("all: %+v", all)
	}
	some := x.dryRun(t, x.a, `{"samples":100,"AdvancedEventSelectors":[{"Name":"creations","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["false"]},`+
		`{"Field":"eventSource","NotEquals":["kms.amazonaws.com"]}]}]}`)
	why := make(map[string]string)
	for _, sample := range append(some.Taken, some.NotTaken...) {
		why[sample.EventName] = sample.Why
	}
	if some.Matched < 3 || some.Matched >= some.Scanned || !strings.Contains(why["CreateUser"], "taken by selector 1 (creations)") || !strings.Contains(why["DisableKey"], "eventSource is \"kms.amazonaws.com\"") {
		t.Errorf("some: %+v", some)
	}
	for _, n := range some.Names {
		if n.Value == "iam.amazonaws.com CreateUser" && (n.Events != 2 || n.Matched != 2 || n.MatchedBytes == 0) {
			t.Errorf("names: %+v", some.Names)
		}
	}
	if r := x.dryRun(t, x.a, `{"EventSelectors":[{"ReadWriteType":"ReadOnly"}],"samples":0}`); r.Scanned < 4 || r.Matched >= r.Scanned || len(r.Taken)+len(r.NotTaken) != 0 {
		t.Errorf("reads: %+v", r)
	}
	if r := x.dryRun(t, x.a, `{"region":"eu-west-1"}`); r.Matched != 0 && r.Names[0].Value == "iam.amazonaws.com CreateUser" {
		t.Errorf("another region: %+v", r)
	}
	if r := x.dryRun(t, x.operator, `{"account":"`+accountB+`"}`); r.Matched == 0 || r.Matched > 3 {
		t.Errorf("the operator, of account B: %+v", r)
	}
	for _, bad := range []string{`{"account":"` + accountB + `"}`, `{"EventSelectors":[{"ReadWriteType":"Some"}]}`, `{"x":1}`, `{`, `{"samples":101}`,
		`{"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`, `{"EventSelectors":[{}],"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]}]}]}`} {
		if code, text := x.call(t, x.a, http.MethodPost, "/_cairn/api/trails/dry-run", nil, []byte(bad)); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, code, text)
		}
	}
}
