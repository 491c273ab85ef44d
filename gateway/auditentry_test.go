package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn"
	"cairn/gateway"
	"cairn/record"
)

var place = gateway.AuditPlace{AccountID: "111122223333", Region: "eu-west-1"}

var updateAudit = flag.Bool("update-audit", false, "write the golden records of testdata/audit")

// mapperOf returns what maps the entries of a file, by its name.
func mapperOf(name string) func([]byte, gateway.AuditPlace) ([]byte, error) {
	if strings.HasPrefix(filepath.Base(name), "minio-") {
		return gateway.MinIORecord
	}
	return gateway.KubernetesRecord
}

func auditFiles(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/audit/" + pattern)
	if err != nil || len(names) == 0 {
		t.Fatal("no entries", err)
	}
	return names
}

// Each entry gives the record that lies beside it, field by field: every member of the
// formats occurs in one of them. What is planted as a secret is in none.
func TestAuditEntries(t *testing.T) {
	t.Parallel()
	for _, name := range auditFiles(t, "*.json") {
		entry, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := mapperOf(name)(entry, place)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var r cairn.Record
		if err := r.Extract(rec); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.AccountID != place.AccountID || r.AWSRegion != place.Region && r.EventSource != "sts.amazonaws.com" {
			t.Errorf("%s belongs to %s in %s", name, r.AccountID, r.AWSRegion)
		}
		if bytes.Contains(rec, []byte(marker)) {
			t.Errorf("%s: a secret is in %s", name, rec)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, rec, "", "  "); err != nil {
			t.Fatal(err)
		}
		indented.WriteByte('\n')
		golden := strings.TrimSuffix(name, ".json") + ".record"
		if *updateAudit {
			if err := os.WriteFile(golden, indented.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(indented.Bytes(), want) {
			t.Errorf("%s gives %s\nwant %s", name, indented.Bytes(), want)
		}
		again, err := mapperOf(name)(entry, place)
		if err != nil || !bytes.Equal(again, rec) {
			t.Errorf("%s gives another record the second time", name)
		}
	}
}

// auditFields maps an entry that a change was made to, and returns its record.
func auditFields(t *testing.T, name, from, to string) (fields map[string]any, raw string) {
	t.Helper()
	entry, err := os.ReadFile("testdata/audit/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(entry, []byte(from), []byte(to), 1)
	if from != "" && bytes.Equal(changed, entry) {
		t.Fatalf("%s has no %s", name, from)
	}
	rec, err := mapperOf(name)(changed, place)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(rec, &fields); err != nil {
		t.Fatal(err)
	}
	return fields, string(rec)
}

// What lacks the least that a record needs is an error that says so.
func TestAuditEntryFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ mapper, entry, want string }{
		{"minio-", `[]`, "not an audit entry"},
		{"minio-", `{"api":{"name":7}}`, "not an audit entry"},
		{"minio-", `{"time":"2026-02-27T20:00:00Z"}`, "api.name: missing"},
		{"minio-", `{"api":{"name":"PutObject"},"time":"yesterday"}`, "time: "},
		{"kubernetes-", `"x"`, "not an event"},
		{"kubernetes-", `{"kind":"Pod","auditID":"a","verb":"get","stage":"Panic"}`, "kind: "},
		{"kubernetes-", `{"verb":"get","stage":"Panic"}`, "auditID: missing"},
		{"kubernetes-", `{"auditID":"a","stage":"Panic"}`, "verb: missing"},
		{"kubernetes-", `{"auditID":"a","verb":"get","stage":"Begun"}`, "stage: "},
		{"kubernetes-", `{"auditID":"a","verb":"get","stage":"Panic"}`, "requestReceivedTimestamp: "},
	} {
		rec, err := mapperOf(test.mapper)([]byte(test.entry), place)
		if err == nil || !strings.Contains(err.Error(), test.want) || rec != nil {
			t.Errorf("%s gives %s and the error %v, want %q", test.entry, rec, err, test.want)
		}
	}
}

func fuzzAudit(f *testing.F, mapper func([]byte, gateway.AuditPlace) ([]byte, error), pattern string) {
	for _, name := range auditFiles(f, pattern) {
		entry, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		rec, err := mapper(entry, place)
		if err != nil || rec == nil {
			return
		}
		var r cairn.Record
		if err := r.Extract(rec); err != nil || len(rec) > record.MaxBytes || !json.Valid(rec) {
			t.Fatalf("%v: %.500s", err, rec)
		}
		if r.AccountID != place.AccountID {
			t.Fatalf("the record belongs to %s", r.AccountID)
		}
		if again, _ := mapper(entry, place); !bytes.Equal(again, rec) {
			t.Fatal("the same entry gives another record")
		}
	})
}

func FuzzMinIORecord(f *testing.F) { fuzzAudit(f, gateway.MinIORecord, "minio-*.json") }

func FuzzKubernetesRecord(f *testing.F) {
	fuzzAudit(f, gateway.KubernetesRecord, "kubernetes-*.json")
}
