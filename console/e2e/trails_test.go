package e2e

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/server"
)

// Somebody makes a trail, sees its first log file and what is in it, has it proved, and
// sees that one changed byte on the disk is found.
func TestTrail(t *testing.T) {
	t.Parallel()
	x := newSite(t, func(c *server.Config) { c.DigestInterval = 2 * time.Second })
	v := x.signIn(t, x.operator)
	v.visit("/trails")
	v.wait("heading", "Trails.*")
	v.visit("/trails/new")
	v.fill("textbox", "Trail name", "audit")
	v.fill("textbox", "Bucket name", "audit-logs")
	v.click("button", "Next")
	v.wait("heading", "Events")
	v.click("button", "Next")
	v.see("aws cloudtrail create-trail")
	v.click("button", "Create trail")
	v.wait("heading", "Trail audit is made")
	v.click("button", "Open the trail")
	v.path("/trails/audit")
	v.wait("heading", "audit")

	file := v.Get("button", "Open log file .*_CloudTrail_us-east-1_.*")
	v.until("the first log file", func() bool {
		v.click("button", "Refresh the log files")
		n, err := file.Count()
		return err == nil && n > 0
	})
	count, err := file.Count()
	v.must(err)
	v.must(file.Nth(count - 1).Click()) // the first one is the last of the list
	v.see("StartLogging")
	v.expect("log", "status of 404 .*/audit-logs$") // the wizard asks whether there is such a bucket
	v.visit("/trails/audit")
	x.post(t, 100) // a log file that is large enough to be a file on the disk
	large := filepath.Join(x.data, "objects", "content", "*", "*")
	v.until("a large log file", func() bool {
		files, err := filepath.Glob(large)
		return err == nil && len(files) > 0
	})
	v.click("button", "Stop logging")
	v.must(v.Get("dialog", ".*").Get("button", "Stop logging").Click())
	v.wait("button", "Start logging")
	v.visit("/trails/audit?tab=verify")
	v.until("a proof", func() bool {
		v.click("button", "Verify now")
		v.wait("button", "Verify now")
		if v.Wait("/Proved: |Not everything|Damaged: |nothing to verify/.test(document.body.innerText)") != nil {
			return false // the button was drawn anew while it was pressed
		}
		text, _ := v.Text()
		return strings.Contains(text, "Proved: everything is there, and as it was delivered") && !strings.Contains(text, "wait for a digest")
	})

	tamper(t, large)
	v.until("the damage", func() bool {
		v.click("button", "Verify now")
		return v.Wait("/Damaged: something was changed|Not everything could be read/.test(document.body.innerText)") == nil
	})
	v.wait("table", ".*Findings.*|.*[Ff]ound.*")
}

// until does something again and again until it has come to what is waited for.
func (v *view) until(what string, is func() bool) {
	v.t.Helper()
	end := time.Now().Add(2 * time.Minute)
	for !is() {
		if time.Now().After(end) {
			v.t.Fatalf("not in time: %s", what)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// post sends records with much that cannot be packed.
func (x *site) post(t *testing.T, n int) {
	t.Helper()
	var body bytes.Buffer
	for i := range n {
		body.Write(madeRecord(t, i, map[string]any{"eventTime": time.Now().UTC().Format(time.RFC3339), "userAgent": rand.Text() + rand.Text() + rand.Text()}))
		body.WriteByte('\n')
	}
	x.call(t, x.operator, "cloudtrail", http.MethodPost, "/_cairn/events", body.String(), "Content-Type", "application/x-ndjson")
}

// tamper changes one byte in the middle of each file that fits a pattern.
func tamper(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%q fit %s: %v", files, pattern, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
