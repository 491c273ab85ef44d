package main

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A closedPipe is a standard output whose reader has gone away.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// runIn runs the program with a data directory.
func runIn(t *testing.T, data string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append(args, "--data", data), nil, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

const sampleRecord = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"u","accountId":"111122223333"},"eventTime":"2024-05-01T10:00:00Z",` +
	`"eventSource":"s3.amazonaws.com","eventName":"CreateBucket","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.10","userAgent":"a","requestParameters":null,` +
	`"responseElements":null,"eventID":"00000000-0000-4000-8000-000000000001","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`

// sampleStore makes a data directory with one record.
func sampleStore(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if code, _, stderr := runIn(t, data, sampleRecord, "import", "-", "--retention", "0"); code != exitOK {
		t.Fatalf("import: exit code %d: %s", code, stderr)
	}
	return data
}

func TestClosedOutput(t *testing.T) {
	t.Parallel()
	sound, damaged := sampleStore(t), sampleStore(t)
	name := filepath.Join(damaged, "catalog.db")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-100] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, data string
		args       []string
		want       int
	}{
		{"lookup", sound, []string{"lookup"}, exitOK},
		{"tail", sound, []string{"tail"}, exitOK},
		{"backup", sound, []string{"backup", "-"}, exitFailed},
		{"status", sound, []string{"status"}, exitFailed},
		{"check of a sound store", sound, []string{"check"}, exitFailed},
		{"check of a damaged store", damaged, []string{"check"}, exitIntegrity},
		{"lookup in a damaged store", damaged, []string{"lookup"}, exitIntegrity},
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), append(test.args, "--data", test.data), nil, nil, closedPipe{}, &stderr)
		if code != test.want {
			t.Errorf("%s with a closed output: exit code %d, want %d: %s", test.name, code, test.want, &stderr)
		}
	}
}

// An endlessInput never ends, and interrupts the program at its tenth read.
type endlessInput struct {
	reads     int
	interrupt context.CancelFunc
}

func (e *endlessInput) Read(p []byte) (int, error) {
	if e.reads++; e.reads == 10 {
		e.interrupt()
	}
	return len(p), nil
}

func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"import", "-", "--data", sampleStore(t)}, nil, &endlessInput{interrupt: cancel}, &stdout, &stderr)
	if code != exitPartial || !strings.Contains(stdout.String(), `"interrupted":true`) {
		t.Errorf("an import of endless input that is interrupted: exit code %d, want %d: %s%s", code, exitPartial, &stdout, &stderr)
	}
}

func TestDamageExitCode(t *testing.T) {
	t.Parallel()
	data := sampleStore(t)
	code, backup, stderr := runIn(t, data, "", "backup", "-")
	if code != exitOK {
		t.Fatalf("backup: exit code %d: %s", code, stderr)
	}
	for name, broken := range map[string]string{
		"cut off":   backup[:len(backup)/2],
		"one bit":   strings.Replace(backup, `"CreateBucket"`, `"CreateBuckeT"`, 1),
		"no tar":    strings.Repeat("no archive", 200),
		"empty":     "",
		"no header": backup[:700] + strings.Repeat("x", 512) + backup[700:],
	} {
		if broken == backup {
			t.Fatalf("%s: the backup is not damaged", name)
		}
		code, _, stderr := runIn(t, filepath.Join(t.TempDir(), "new"), broken, "restore", "-")
		if code != exitIntegrity {
			t.Errorf("restore of a damaged backup (%s): exit code %d, want %d: %s", name, code, exitIntegrity, stderr)
		}
	}
	if err := os.WriteFile(filepath.Join(data, "events", "format"), []byte("cairn event log\nversion x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runIn(t, data, "", "lookup"); code != exitIntegrity {
		t.Errorf("lookup in a log with a damaged format file: exit code %d, want %d: %s", code, exitIntegrity, stderr)
	}
}

// What names files and backups hold cannot steer the terminal.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	data := sampleStore(t)
	_, _, stderr := runIn(t, data, "", "import", "no\x1b[2Jwhere")
	if strings.Contains(stderr, "\x1b") || !strings.Contains(stderr, "[2Jwhere") {
		t.Errorf("an error about a file shows its name as %q", stderr)
	}
	var failed bytes.Buffer
	w := tar.NewWriter(&failed)
	text := "\x1b[2Jall is well"
	if err := w.WriteHeader(&tar.Header{Name: "FAILED", Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, stderr = runIn(t, filepath.Join(t.TempDir(), "new"), failed.String(), "restore", "-")
	if strings.Contains(stderr, "\x1b") || !strings.Contains(stderr, "all is well") {
		t.Errorf("an error about a backup shows its text as %q", stderr)
	}
}

// tail steps over what cannot be read, and tells of it, as lookup does.
func TestTailStepsOverDamage(t *testing.T) {
	t.Parallel()
	data := sampleStore(t)
	second := strings.NewReplacer("CreateBucket", "DeleteBucket", "000000000001", "000000000002").Replace(sampleRecord)
	if code, _, stderr := runIn(t, data, second, "import", "-"); code != exitOK {
		t.Fatalf("import: exit code %d: %s", code, stderr)
	}
	name := filepath.Join(data, "events", "0000000000000000.log")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("CreateBucket"))] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"lookup", "tail"} {
		code, stdout, stderr := runIn(t, data, "", command, "-o", "ndjson")
		if code != exitIntegrity || !strings.Contains(stdout, "DeleteBucket") || !strings.Contains(stderr, "damage") {
			t.Errorf("%s: exit code %d, want %d: %s%s", command, code, exitIntegrity, stdout, stderr)
		}
	}
}
