package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cairn"
	"cairn/internal/eventgen"
	"cairn/internal/sigv4"
	"cairn/server"
)

// span is the time that the history is spread over. It ends when the bench
// begins.
const span = 10 * 24 * time.Hour

// A bench measures into its table.
type bench struct {
	*options
	dir   string
	notes io.Writer
	table *table
}

func (b *bench) note(format string, args ...any) { fmt.Fprintf(b.notes, format+"\n", args...) }

// measureCairn fills a store and measures each kind of calls.
func (b *bench) measureCairn(ctx context.Context) (err error) {
	p, s, err := startCairn(ctx, filepath.Join(b.dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	b.note("filling the history with %d events …", b.n)
	samples, err := b.fill(ctx, s.Address.Socket)
	if err != nil {
		return err
	}
	peer := newPeer(s.Address.URL, s.credentials())
	under := func(connections int, period time.Duration, next func(i int) *call) (load, error) {
		before := p.cpu()
		l, err := peer.drive(ctx, connections, period, next)
		if err == nil {
			l.cpu = (p.cpu() - before) / time.Duration(l.calls)
		}
		return l, err
	}
	b.note("measuring Cairn …")
	t := b.table
	if t.fsync, err = measureSync(b.dir); err != nil {
		return err
	}
	lookups := lookupCalls(samples)
	lookup := func(int) *call { return lookups[rand.IntN(len(lookups))] }
	identity := func(int) *call { return callerIdentity }
	for _, step := range []struct {
		to          *load
		connections int
		next        func(int) *call
	}{{&t.cairn.lookup, 1, lookup}, {&t.cairn.lookups, lookupConnections, lookup}, {&t.cairn.identity, 1, identity}, {&t.cairn.identities, identityConnections, identity}} {
		if *step.to, err = under(step.connections, b.period, step.next); err != nil {
			return fmt.Errorf("measure Cairn: %w", err)
		}
	}
	if err := b.measurePosts(ctx, peer, under); err != nil {
		return err
	}
	t.verify, err = measureVerify()
	return err
}

// Connections of the measurements under load.
const (
	lookupConnections   = 8
	identityConnections = 64
	postConnections     = 4
	postBatch           = 500 // events in a request
)

// fill imports events into the history, and returns some of those that account
// and region can look up.
func (b *bench) fill(ctx context.Context, socket string) (samples []cairn.Record, err error) {
	client := server.Dial(socket)
	defer func() { err = errors.Join(err, client.Close()) }()
	sum := sha256.Sum256([]byte("bench"))
	f := server.ImportFile{SHA256: hex.EncodeToString(sum[:]), Name: "bench", Size: 1}
	if _, err := client.BeginImport(ctx, f); err != nil {
		return nil, err
	}
	const batch = 5000
	g := eventgen.New(42, eventgen.Options{Start: time.Now().Add(-span), Span: span, Events: b.n})
	every := max(b.n/2000, 1)
	for done := 0; done < b.n; {
		raws := make([][]byte, min(batch, b.n-done))
		for i := range raws {
			raws[i] = g.Next(nil)
			if (done+i)%every == 0 {
				var r cairn.Record
				if err := r.Extract(raws[i]); err != nil {
					return nil, err
				}
				if r.AccountID == account && r.AWSRegion == region && r.Category == cairn.Management {
					samples = append(samples, r)
				}
			}
		}
		result, err := client.ImportRecords(ctx, f, int64(done), raws, done+len(raws) == b.n)
		if err != nil {
			return nil, err
		}
		if result.Counts.Stored != int64(len(raws)) {
			return nil, fmt.Errorf("of %d events %+v", len(raws), result.Counts)
		}
		done += len(raws)
	}
	if len(samples) == 0 {
		return nil, errors.New("the made events have none to look up")
	}
	return samples, nil
}

// lookupValues is the most values of each key that are looked up.
const lookupValues = 300

// lookupCalls are LookupEvents without attributes and by each of the eight keys,
// in equal parts, for values that there are.
func lookupCalls(samples []cairn.Record) (calls []*call) {
	add := func(attributes ...map[string]string) {
		body, err := json.Marshal(map[string]any{"LookupAttributes": attributes})
		if err != nil {
			panic(err) // texts always have a JSON form
		}
		calls = append(calls, &call{service: "cloudtrail", path: "/", target: "CloudTrail_20131101.LookupEvents", contentType: "application/x-amz-json-1.1", body: body, check: checkPage})
	}
	for _, i := range rand.Perm(len(samples))[:min(len(samples), lookupValues)] {
		r := &samples[i]
		add()
		values := map[string]string{
			"EventId": r.EventID, "EventName": r.EventName, "ReadOnly": r.ReadOnly.String(), "Username": r.Username,
			"EventSource": r.EventSource, "AccessKeyId": r.UserIdentity.AccessKeyID,
		}
		if len(r.Resources) > 0 {
			values["ResourceType"], values["ResourceName"] = r.Resources[0].Type, r.Resources[0].Name
		}
		for key, value := range values {
			if value != "" {
				add(map[string]string{"AttributeKey": key, "AttributeValue": value})
			}
		}
	}
	return calls
}

// checkPage holds an answer of LookupEvents to what there is to find. Within the
// records of a page, which are JSON in JSON, a name never ends in a bare
// quotation mark.
func checkPage(answer []byte) error {
	if n := bytes.Count(answer, []byte(`"EventId":"`)); n < 1 || n > 50 {
		return fmt.Errorf("%d events in a page: %.300s", n, answer)
	}
	return nil
}

var callerIdentity = &call{
	service: "sts", path: "/", contentType: "application/x-www-form-urlencoded; charset=utf-8", body: []byte("Action=GetCallerIdentity&Version=2011-06-15"),
}

// measurePosts sends events to the route of Cairn's own.
func (b *bench) measurePosts(ctx context.Context, peer *peer, under func(int, time.Duration, func(int) *call) (load, error)) error {
	// As many as take a few seconds, and fit into memory.
	requests := min(max(b.n/20/postBatch, 8), 200)
	g := eventgen.New(43, eventgen.Options{Start: time.Now().Add(-time.Hour), Span: time.Hour, Events: requests * postBatch})
	calls := make([]*call, requests)
	for i := range calls {
		body := []byte(`{"Records":[`)
		for j := range postBatch {
			if j > 0 {
				body = append(body, ',')
			}
			body = g.Next(body)
		}
		calls[i] = &call{service: "cloudtrail", path: "/_cairn/events", contentType: "application/json", body: append(body, "]}"...)}
	}
	answer, err := peer.send(ctx, calls[0])
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		b.table.remark("This server has no route POST /_cairn/events.")
		return nil
	}
	if err != nil {
		return fmt.Errorf("POST /_cairn/events: %w", err)
	}
	var result struct{ Counts map[string]int }
	if err := json.Unmarshal(answer, &result); err != nil || result.Counts["stored"] != postBatch {
		return fmt.Errorf("POST /_cairn/events stored %v of %d events: %w", result.Counts, postBatch, err)
	}
	calls = calls[1:]
	l, err := under(postConnections, time.Minute, func(i int) *call {
		if i >= len(calls) {
			return nil
		}
		return calls[i]
	})
	if err != nil {
		return fmt.Errorf("POST /_cairn/events: %w", err)
	}
	b.table.cairn.post = l
	return nil
}

// measureSync returns how long a write of 2 KB and its fsync take, at the median
// and the 99th percentile.
func measureSync(dir string) (l load, err error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const times = 500
	took := make([]time.Duration, times)
	page := bytes.Repeat([]byte("x"), 2048)
	for i := range took {
		at := time.Now()
		if _, err := f.Write(page); err != nil {
			return l, err
		}
		if err := f.Sync(); err != nil {
			return l, err
		}
		took[i] = time.Since(at)
	}
	slices.Sort(took)
	return load{calls: times, p50: took[times/2], p99: took[times*99/100]}, nil
}

// measureVerify returns how long one check of a signature takes, in this process.
func measureVerify() (time.Duration, error) {
	body := []byte(`{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"StopLogging"}],"MaxResults":50}`)
	c := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	now := time.Now()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4586/", nil)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
	if err := sigv4.Sign(r, sigv4.HashPayload(body), c, "cloudtrail", region, now); err != nil {
		return 0, err
	}
	const times = 50_000
	began := time.Now()
	for range times {
		s, err := sigv4.Parse(r)
		if err != nil {
			return 0, err
		}
		if err := s.Verify(r, c.SecretAccessKey, sigv4.VerifyOptions{Now: now, Body: body}); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / times, nil
}
