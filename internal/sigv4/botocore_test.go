package sigv4_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"cairn/internal/sigv4"
)

// What botocore signs verifies: requests of its clients for several services,
// and odd ones of its signers.
func TestBotocore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts Python")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	if err := exec.Command(python, "-c", "import botocore").Run(); err != nil {
		t.Skip("no botocore here")
	}
	const token = "FwoGZXIvYXdzEN7+/w=="
	command := exec.Command(python, "testdata/botocore_requests.py", s3Key, s3Secret, token)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("botocore_requests.py: %v\n%s", err, stderr.String())
	}
	seen := make(map[string]int)
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		var sent struct {
			Name, Method, URL, Body string
			Headers                 [][2]string
		}
		if err := json.Unmarshal(lines.Bytes(), &sent); err != nil {
			t.Fatal(err)
		}
		body, err := hex.DecodeString(sent.Body)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(sent.URL)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", sent.Method, strings.TrimPrefix(sent.URL, "http://"+u.Host), u.Host)
		for _, h := range sent.Headers {
			if !strings.EqualFold(h[0], "Content-Length") {
				fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
			}
		}
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
		r := serverRequest(t, b.String())
		s, err := sigv4.Parse(r)
		if err != nil {
			t.Errorf("%s: parse: %v of\n%s", sent.Name, err, b.String())
			continue
		}
		if s.SessionToken != "" && s.SessionToken != token {
			t.Errorf("%s: session token %q", sent.Name, s.SessionToken)
		}
		if err := verify(t, r, s3Secret, sigv4.VerifyOptions{AllowUnsignedPayload: true}); err != nil {
			t.Errorf("%s: %s\n of\n%s", sent.Name, explain(err), b.String())
		}
		seen[sent.Name]++
	}
	total := 0
	for _, n := range seen {
		total += n
	}
	t.Logf("%d requests: %v", total, seen)
	if total < 150 || len(seen) < 13 {
		t.Errorf("only %d requests of %d kinds", total, len(seen))
	}
}
