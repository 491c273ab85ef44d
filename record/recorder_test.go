package record_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/record"
)

// fakeLog keeps what is appended.
type fakeLog struct {
	unwritable error
	mu         sync.Mutex
	batches    []eventlog.Batch
	raws       []string
	err        error
	status     eventlog.Status
}

func (l *fakeLog) Writable() error { return l.unwritable }

func (l *fakeLog) Append(ctx context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.err != nil {
		return nil, l.err
	}
	results := make([]eventlog.Result, len(b.Records))
	for i, raw := range b.Records {
		l.raws = append(l.raws, string(raw))
		results[i].Status = eventlog.Stored
		if l.status != 0 {
			results[i] = eventlog.Result{Status: l.status, Err: errors.New("the reason")}
		}
	}
	b.Records = nil // not to be retained
	l.batches = append(l.batches, b)
	return results, nil
}

func (l *fakeLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *fakeLog) records(t *testing.T) (records []cairn.Record, raws []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	records = make([]cairn.Record, len(l.raws))
	for i, raw := range l.raws {
		if err := records[i].Extract([]byte(raw)); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	return records, l.raws
}

func newRecorder(t *testing.T, log record.Log) *record.Recorder {
	t.Helper()
	r, err := record.New(record.Config{Log: log, AccountID: "999988887777", Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closed(t *testing.T, r *record.Recorder) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

var _ aws.Recorder = (*record.Recorder)(nil)

func TestRecord(t *testing.T) {
	t.Parallel()
	log := &fakeLog{}
	r := newRecorder(t, log)
	defer closed(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a client that went away is recorded all the same
	for _, c := range []*aws.Call{call("iam", "GetUser", nil, nil), call("iam", "CreateUser", tree{"UserName": "a"}, nil), call("iam", "MakeTea", nil, nil)} {
		if err := r.Record(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	records, _ := log.records(t)
	for i, want := range []struct {
		name    string
		reserve bool
	}{{"GetUser", true}, {"CreateUser", true}, {"MakeTea", true}} {
		b := log.batches[i]
		if records[i].EventName != want.name || b.UseReserve != want.reserve || b.Origin != cairn.OriginRecorded {
			t.Errorf("%s, reserve %v, origin %s; want %+v", records[i].EventName, b.UseReserve, b.Origin, want)
		}
	}
}

// A call without an account is the operator's to see.
func TestRecordWithoutAccount(t *testing.T) {
	t.Parallel()
	log := &fakeLog{}
	r := newRecorder(t, log)
	defer closed(t, r)
	if err := r.Record(t.Context(), with(call("iam", "GetUser", nil, nil), by(aws.Identity{}))); err != nil {
		t.Fatal(err)
	}
	if records, raws := log.records(t); records[0].AccountID != "999988887777" {
		t.Errorf("%s", raws)
	}
}

// A call is found in the event log at once, by who made it and what it was about.
func TestRecordIsFound(t *testing.T) {
	t.Parallel()
	key, verifierKey, err := note.GenerateKey(rand.Reader, "cairn.test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Signer: signer, Verifiers: note.VerifierList(verifier), ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := newRecorder(t, log)
	c := call("iam", "UpdateUser", tree{"UserName": "Kit-user", "NewUserName": "Kit-admin"}, tree{})
	c.Time = time.Now()
	if err := r.Record(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	r.Count(failure("192.0.2.7", "sts"), &aws.Error{Code: "ExpiredToken"})
	closed(t, r)
	for _, tt := range []struct {
		account, region string
		attribute       cairn.Attribute
		value           string
		origin          cairn.Origin
	}{
		{"111122223333", "us-east-1", cairn.AttrUsername, "Kit", cairn.OriginRecorded},
		{"111122223333", "us-east-1", cairn.AttrResourceName, "Kit-user", cairn.OriginRecorded},
		{"999988887777", "eu-west-1", cairn.AttrEventName, "UnattributedFailures", cairn.OriginAudit},
	} {
		page, err := log.Lookup(t.Context(), eventlog.Query{
			Scope:   eventlog.Scope{Account: tt.account, Region: tt.region, Category: cairn.Management},
			Filters: []eventlog.Filter{{Attribute: tt.attribute, Values: []string{tt.value}}}, Limit: 5,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) != 1 || page.Events[0].Origin != tt.origin {
			t.Errorf("%s %s: %d events", tt.attribute, tt.value, len(page.Events))
		}
	}
}

// A call that was not stored gets an error, and so no answer.
func TestRecordNotStored(t *testing.T) {
	t.Parallel()
	for _, log := range []*fakeLog{{err: eventlog.ErrDiskFull}, {status: eventlog.Quarantined}, {status: eventlog.Expired}, {status: eventlog.Double}} {
		r := newRecorder(t, log)
		err := r.Record(t.Context(), call("iam", "GetUser", nil, nil))
		if err == nil {
			t.Errorf("no error with %v, %v", log.err, log.status)
		}
		if log.err != nil && !errors.Is(err, log.err) {
			t.Errorf("%v hides %v", err, log.err)
		}
		closed(t, r)
	}
}

func failure(address, service string) *aws.Call {
	return &aws.Call{Time: time.Now(), Service: service, SourceIP: netip.MustParseAddr(address)}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		r := newRecorder(t, log)
		unknownKey, expired := &aws.Error{Code: "InvalidClientTokenId"}, &aws.Error{Code: "ExpiredToken"}
		for range 3 {
			r.Count(failure("192.0.2.7", "sts"), unknownKey)
			time.Sleep(time.Second)
		}
		r.Count(failure("192.0.2.7", "iam"), unknownKey)
		r.Count(failure("192.0.2.7", "made\nup"), expired)
		r.Count(failure("2001:db8::1%eth0", "sts"), expired)
		r.Count(&aws.Call{Time: time.Now()}, expired)
		if records, _ := log.records(t); len(records) != 0 {
			t.Fatalf("%d records before the minute is over", len(records))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		records, raws := log.records(t)
		if len(records) != 3 {
			t.Fatalf("%d summaries, want one per source: %s", len(records), raws)
		}
		for i, address := range []string{"192.0.2.7", "2001:db8::1", "unknown"} {
			s := records[i]
			if s.SourceIPAddress != address || s.EventName != "UnattributedFailures" || s.EventSource != "cairn.internal" ||
				s.EventType != "AwsServiceEvent" || s.AccountID != "999988887777" || s.AWSRegion != "eu-west-1" || s.Category != cairn.Management {
				t.Errorf("summary of %s: %s", address, raws[i])
			}
		}
		want := `{"count":5,"failures":[` +
			`{"count":1,"errorCode":"InvalidClientTokenId","eventSource":"iam.amazonaws.com","firstTime":"2000-01-01T00:00:03Z","lastTime":"2000-01-01T00:00:03Z"},` +
			`{"count":3,"errorCode":"InvalidClientTokenId","eventSource":"sts.amazonaws.com","firstTime":"2000-01-01T00:00:00Z","lastTime":"2000-01-01T00:00:02Z"},` +
			`{"count":1,"errorCode":"ExpiredToken","eventSource":"unknown","firstTime":"2000-01-01T00:00:03Z","lastTime":"2000-01-01T00:00:03Z"}]}`
		if got := fieldOf(t, []byte(raws[0]), "serviceEventDetails"); got != want {
			t.Errorf("details %s\nwant    %s", got, want)
		}
		if b := log.batches[0]; b.Origin != cairn.OriginAudit || b.UseReserve {
			t.Errorf("origin %s, reserve %v", b.Origin, b.UseReserve)
		}

		// A minute without failures writes nothing; Close writes what is left.
		time.Sleep(3 * time.Minute)
		r.Count(failure("192.0.2.8", "sts"), expired)
		closed(t, r)
		closed(t, r)
		r.Count(failure("192.0.2.9", "sts"), expired)
		if records, _ := log.records(t); len(records) != 4 || records[3].SourceIPAddress != "192.0.2.8" {
			t.Errorf("%d records after Close", len(records))
		}
	})
}

// What the log does not take stays counted.
func TestSummariesWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{err: eventlog.ErrDiskFull}
		r := newRecorder(t, log)
		for range 3 {
			r.Count(failure("192.0.2.7", "sts"), &aws.Error{Code: "ExpiredToken"})
			time.Sleep(time.Minute)
		}
		log.fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		_, raws := log.records(t)
		if len(raws) != 1 || !strings.Contains(raws[0], `"serviceEventDetails":{"count":3,`) || !strings.Contains(raws[0], `"firstTime":"2000-01-01T00:00:00Z","lastTime":"2000-01-01T00:02:00Z"`) {
			t.Errorf("%s", raws)
		}
		log.fail(eventlog.ErrDiskFull)
		r.Count(failure("192.0.2.7", "sts"), &aws.Error{Code: "ExpiredToken"})
		if err := r.Close(); !errors.Is(err, eventlog.ErrDiskFull) {
			t.Errorf("Close: %v", err)
		}
	})
}

// Strangers cannot fill the memory or the disk.
func TestSummariesAreBounded(t *testing.T) {
	t.Parallel()
	log := &fakeLog{}
	r := newRecorder(t, log)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				r.Count(failure(netip.AddrFrom4([4]byte{10, byte(g), byte(i >> 8), byte(i)}).String(), "sts"), &aws.Error{Code: "ExpiredToken"})
				r.Count(failure("192.0.2.7", "sts"), &aws.Error{Code: fmt.Sprint("Code", i)})
			}
		})
	}
	wg.Wait()
	closed(t, r)
	records, raws := log.records(t)
	total := 0
	for _, raw := range raws {
		if len(raw) > 10_000 {
			t.Errorf("a summary of %d bytes", len(raw))
		}
		var n int
		if _, err := fmt.Sscan(fieldOf(t, []byte(raw), "serviceEventDetails", "count"), &n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if len(records) > 256 || total != 24_000 {
		t.Errorf("%d summaries of %d failures, want at most 256 of 24000", len(records), total)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, cfg := range []record.Config{{AccountID: "111122223333"}, {Log: &fakeLog{}}, {Log: &fakeLog{}, AccountID: "11112222333x"}} {
		if r, err := record.New(cfg); err == nil {
			closed(t, r)
			t.Errorf("no error for %+v", cfg)
		}
	}
}

// While the log takes nothing, calls that would change something are refused
// before they act; reads go on, from the reserve.
func TestReady(t *testing.T) {
	t.Parallel()
	log := &fakeLog{unwritable: eventlog.ErrDiskFull}
	r := newRecorder(t, log)
	defer closed(t, r)
	if err := r.Ready(call("iam", "GetUser", nil, nil)); err != nil {
		t.Errorf("a read is refused: %v", err)
	}
	for _, operation := range []string{"CreateUser", "MakeTea"} {
		if err := r.Ready(call("iam", operation, nil, nil)); !errors.Is(err, eventlog.ErrDiskFull) {
			t.Errorf("%s goes on: %v", operation, err)
		}
	}
}

// A call that acted in another account is in the histories of both.
func TestSharedCall(t *testing.T) {
	t.Parallel()
	log := &fakeLog{}
	r := newRecorder(t, log)
	defer closed(t, r)
	c := call("sts", "AssumeRole", tree{"RoleArn": "arn:aws:iam::444455556666:role/R", "RoleSessionName": "s"}, nil)
	c.SharedWith = "444455556666"
	if err := r.Record(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	records, _ := log.records(t)
	if len(records) != 2 || records[0].AccountID != "444455556666" || records[1].AccountID != c.Identity.AccountID ||
		records[0].SharedEventID == "" || records[0].SharedEventID != records[1].SharedEventID || records[0].EventID == records[1].EventID {
		t.Errorf("%+v", records)
	}
}
