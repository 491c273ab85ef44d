package server

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"cairn"
)

// What the owner of a directory does through the socket of its server leaves an
// event for each call that changes the store or reads from it.
func TestSocketIsAudited(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	c := Dial(x.socket)
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 2, false)
	importTest(t, c, testFile(1), 2, 4, false)
	importTest(t, c, testFile(1), 4, 5, true)
	lookupAll(t, c, LookupRequest{Filters: []LookupFilter{{Attribute: "EventName", Values: []string{"Op1"}}}})
	for _, err := range c.Tail(t.Context(), TailRequest{From: "start", LookupRequest: LookupRequest{Limit: 1}}) {
		if err != nil {
			t.Error(err)
		}
	}
	for path, body := range map[string]any{"values": ValuesRequest{Attribute: "Username"}, "histogram": HistogramRequest{StepSeconds: 1 << 30}} {
		if err := c.call(t.Context(), "POST", path, body, new(any)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := c.Backup(t.Context(), io.Discard, BackupOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := c.Accounts(t.Context()); err != nil {
		t.Error(err)
	}
	// These read no events.
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.Check(t.Context(), func(int64) {}); err != nil {
		t.Error(err)
	}
	if err := c.call(t.Context(), "POST", "lookup", LookupRequest{Limit: -1}, new(any)); err == nil {
		t.Error("a lookup without sense is answered")
	}

	found, _ := x.find(t, x.operator, "account="+x.server.cfg.AccountID+"&EventSource=cairn.amazonaws.com&limit=0")
	got := make(map[string]int)
	var all []byte
	for _, f := range found {
		var r cairn.Record
		if err := r.Extract(f.Record); err != nil {
			t.Fatal(err)
		}
		if f.Origin == cairn.OriginAudit.String() {
			got[fmt.Sprintf("%s %v %s", r.EventName, r.ReadOnly, r.UserIdentity.Type)]++
			all = append(all, f.Record...)
		}
	}
	want := map[string]int{"ImportEvents false Root": 2, "GetEvents true Root": 4, "GetBackup true Root": 1, "ListAccounts true Root": 1}
	if !maps.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
	for _, text := range []string{`"name":"file"`, testFile(1).SHA256, `"stored":5`, `"values":["Op1"]`, `"attribute":"Username"`} {
		if !bytes.Contains(all, []byte(text)) {
			t.Errorf("no event shows %s", text)
		}
	}
}

// An import into a directory that no server runs on leaves its event, too; a
// lookup there leaves the directory as it was.
func TestOwnersReadingChangesNothing(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 5, true)
	for range 3 {
		lookupAll(t, c, LookupRequest{})
	}
	own := lookupAll(t, c, LookupRequest{Account: DefaultAccountID})
	if len(own) != 1 || !strings.Contains(own[0], `"eventName":"ImportEvents"`) {
		t.Errorf("events of the owner: %s", slices.Clone(own))
	}
}
