package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
)

// long runs the tests at their nightly figures.
var long = flag.Bool("long", false, "run the tests at their nightly figures")

// scale picks a figure: for -short, by default, and for -long.
func scale(short, normal, nightly int) int {
	switch {
	case *long:
		return nightly
	case testing.Short():
		return short
	}
	return normal
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// epoch is when the made events happen.
var epoch = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// A made event has just the fields that tests are about. The zero value of
// each is a plain one.
type made struct {
	account, region, category, source, name, id string
	user, arn, key, ip, failed                  string
	readOnly                                    string
	resources                                   [][2]string // type, ARN
	at                                          time.Time
	text                                        string // in the request's parameters
}

func (m made) raw() []byte {
	or := func(s, plain string) string {
		if s == "" {
			return plain
		}
		return s
	}
	if m.at.IsZero() {
		m.at = epoch
	}
	identity := map[string]any{"type": "IAMUser", "userName": or(m.user, "ann"), "accountId": or(m.account, "111122223333")}
	if m.arn != "" {
		identity["arn"] = m.arn
	}
	if m.key != "" {
		identity["accessKeyId"] = m.key
	}
	record := map[string]any{
		"eventVersion": "1.11", "userIdentity": identity, "eventTime": m.at.UTC().Format(time.RFC3339),
		"eventSource": or(m.source, "ec2.amazonaws.com"), "eventName": or(m.name, "RunInstances"),
		"awsRegion": or(m.region, "us-east-1"), "sourceIPAddress": or(m.ip, "192.0.2.1"), "eventID": m.id,
		"eventType": "AwsApiCall", "eventCategory": or(m.category, "Management"), "recipientAccountId": or(m.account, "111122223333"),
	}
	if m.failed != "" {
		record["errorCode"] = m.failed
	}
	if m.readOnly != "" {
		record["readOnly"] = m.readOnly == "true"
	}
	if m.text != "" {
		record["requestParameters"] = map[string]string{"text": m.text}
	}
	var resources []map[string]string
	for _, r := range m.resources {
		resources = append(resources, map[string]string{"type": r[0], "ARN": r[1]})
	}
	if resources != nil {
		record["resources"] = resources
	}
	b, err := json.Marshal(record)
	if err != nil {
		panic(err)
	}
	return b
}

// plain is the n-th of a row of small events, one second apart.
func plain(n int) []byte {
	return fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"user%d"},"eventTime":"%s","eventSource":"s%d.amazonaws.com","eventName":"Name%d","awsRegion":"us-east-1","eventID":"id-%d","recipientAccountId":"111122223333"}`,
		n%7, epoch.Add(time.Duration(n)*time.Second).Format(time.RFC3339), n%3, n%5, n)
}

func plainID(n int) string { return fmt.Sprintf("id-%d", n) }

// plains are the events [first, end).
func plains(first, end int) [][]byte {
	var records [][]byte
	for n := first; n < end; n++ {
		records = append(records, plain(n))
	}
	return records
}

// send appends a batch that was posted.
func send(l *eventlog.Log, records ...[]byte) ([]eventlog.Result, error) {
	return l.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginPosted, Records: records})
}

// mustSend appends a batch, all of which is to end as want.
func mustSend(t testing.TB, l *eventlog.Log, want eventlog.Status, records ...[]byte) []eventlog.Result {
	t.Helper()
	results, err := send(l, records...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Status != want {
			t.Fatalf("record %d is %v (%v), want %v\n%s", i, r.Status, r.Err, want, records[i])
		}
	}
	return results
}

func seal(t testing.TB, l *eventlog.Log) {
	t.Helper()
	if err := l.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// kept is a record that a log has.
type kept struct {
	seq    uint64
	raw    string
	origin cairn.Origin
	flags  cairn.Flags
	at     time.Time // arrival
}

// readAll reads a log from its beginning. Damage is returned beside the
// records.
func readAll(l *eventlog.Log) (records []kept, damage []error) {
	for e, err := range l.Read(context.Background(), eventlog.Position{}) {
		if err != nil {
			damage = append(damage, err)
			continue
		}
		records = append(records, kept{e.Seq, string(e.Raw), e.Origin, e.Flags, e.Arrival})
	}
	return records, damage
}

// lookAll pages through all results of a query.
func lookAll(l *eventlog.Log, q eventlog.Query) (events []cairn.Event, damage []error, err error) {
	for {
		page, err := l.Lookup(context.Background(), q)
		if err != nil {
			return nil, nil, err
		}
		events, damage = append(events, page.Events...), append(damage, page.Damage...)
		if !page.More {
			return events, damage, nil
		}
		if q.After == page.Next {
			return nil, nil, errors.New("a page with more behind it does not move on")
		}
		q.After = page.Next
	}
}

// lookup returns all results of a query from a log that is sound.
func lookup(t testing.TB, l *eventlog.Log, q eventlog.Query) []cairn.Event {
	t.Helper()
	events, damage, err := lookAll(l, q)
	if err != nil || len(damage) > 0 {
		t.Fatalf("lookup %+v: %v, damage %v", q, err, damage)
	}
	return events
}

func byID(id string) eventlog.Query {
	return eventlog.Query{Filters: []eventlog.Filter{{Attribute: cairn.AttrEventID, Values: []string{id}}}}
}

// check returns the report on a log's directory.
func check(t testing.TB, cfg eventlog.Config, head *eventlog.Head, clean bool) *eventlog.CheckReport {
	t.Helper()
	report, err := eventlog.Check(context.Background(), eventlog.CheckConfig{Dir: cfg.Dir, FS: cfg.FS, Verifiers: cfg.Verifiers, KnownHead: head, Clean: clean})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return report
}

// mustBeClean fails the test if a check finds damage.
func mustBeClean(t testing.TB, cfg eventlog.Config, head *eventlog.Head, clean bool) *eventlog.CheckReport {
	t.Helper()
	report := check(t, cfg, head, clean)
	for _, d := range report.Damage {
		t.Errorf("check: %v", d)
	}
	if len(report.Damage) > 0 {
		t.FailNow()
	}
	return report
}

// close closes a log that has to close without fault.
func closeLog(t testing.TB, l *eventlog.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func head(t testing.TB, l *eventlog.Log) eventlog.Head {
	t.Helper()
	h, err := l.Head()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func seeded(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0x6361697271)) }

var ctx = context.Background()

func signNote(signer note.Signer, text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, signer)
}
