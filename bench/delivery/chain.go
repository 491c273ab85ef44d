package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/internal/eventgen"
	"cairn/service/cloudtrail"
	"cairn/trail"
)

// A chainSpec says what log files a digest chain is for: each has so many events,
// or so many bytes of them.
type chainSpec struct {
	Files  int
	Events int
	Bytes  int
}

// smallEvents is how many events a small log file has: those of five minutes of a
// quiet account. bigBytes is nearly what package delivery puts into one, before
// compression.
const (
	smallEvents = 10
	bigBytes    = 47_900_000
)

// A serving is what a child says once it answers requests.
type serving struct {
	URL     string
	Key     credentialsOf
	Trail   string // ARN
	Start   time.Time
	Files   int
	Digests int
	Bytes   int64 // of events
}

// chain makes the log files and digests of a trail that ends now, and serves them
// until ctx ends. The clock steps from one delivery to the next, so that a chain of
// days is made in seconds by the code that makes any other.
func (s *spec) chain(ctx context.Context, say func(any) error) (err error) {
	const step = delivery.DefaultInterval
	now := &clock{}
	start := time.Now().Add(-time.Duration(s.Chain.Files+1) * step).Truncate(time.Hour)
	setTime := func(t time.Time) { now.set.Store(&t) }
	setTime(start)
	st, err := openStore(ctx, s.Dir, filepath.Join(s.Dir, "events"), now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	trails, err := trail.Open(trail.Config{Catalog: st.catalog, Regions: regions, End: st.log.End, Now: now.Now})
	if err != nil {
		return err
	}
	cfg := st.deliveryConfig(s.Dir, st.log, trails)
	d, err := delivery.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	t, err := trails.Create(cairn.Trail{
		Name: "trail", AccountID: account, HomeRegion: region, IncludeGlobalServiceEvents: true, S3BucketName: bucketName,
		LogFileValidation: true, Created: start, Logging: true, LoggingStarted: start,
	}, nil)
	if err != nil {
		return err
	}
	// What the generator makes for other accounts and regions takes time, too.
	selectors, err := t.Selectors()
	if err != nil {
		return err
	}
	from := source{
		wanted:    func(e *cairn.Subject) bool { return t.Match(e, selectors, false) },
		generator: eventgen.New(43, eventgen.Options{Start: start, Span: time.Duration(s.Chain.Files) * step, Events: 4 * s.Chain.events()}),
	}
	result := serving{Key: st.key, Trail: t.ARN().String(), Start: start, Files: s.Chain.Files}
	deliver := func(at time.Time) error {
		setTime(at)
		return d.Deliver(ctx)
	}
	for n := range s.Chain.Files {
		at := start.Add(time.Duration(n)*step + time.Minute)
		setTime(at)
		size, err := st.appendFile(ctx, &from, s.Chain)
		if err != nil {
			return err
		}
		result.Bytes += size
		if err := deliver(at.Add(time.Minute)); err != nil {
			return fmt.Errorf("log file %d: %w", n, err)
		}
	}
	// The trail is stopped, so that the chain ends with a last digest.
	stopped := time.Now().Add(-time.Minute)
	setTime(stopped)
	_, err = trails.Change(account, t.ID, "", func(t *trail.Trail) error {
		t.Logging, t.LoggingStopped = false, stopped
		return nil
	})
	if err == nil {
		err = deliver(stopped.Add(30 * time.Second))
	}
	if err != nil {
		return err
	}
	stats := d.Stats()
	if stats.Files != uint64(s.Chain.Files) || stats.Failures > 0 || stats.Backlog > 0 {
		return fmt.Errorf("%d log files were to be delivered: %+v", s.Chain.Files, stats)
	}
	result.Digests = int(stats.Digests)
	now.set.Store(nil)
	st.mux.Serve((&cloudtrail.Service{
		History: st.log, Trails: trails, Deliveries: d, Keys: cfg.Keys, Sealer: st.catalog.Keyring(), Logger: slog.New(slog.DiscardHandler), Now: now.Now,
		KMS: func(*aws.Call) cloudtrail.EncryptionKeys { return nil }, // no trail has a key
	}).API())
	return s.profiled(func() error { return st.listen(ctx, &result, say) })
}

func (c *chainSpec) events() int {
	const recordBytes = 1625 // in the mean
	return c.Files * max(c.Events, c.Bytes/recordBytes)
}

// appendFile appends the events of one log file.
func (st *store) appendFile(ctx context.Context, from *source, c chainSpec) (size int64, err error) {
	var records [][]byte
	whole := 0
	for n := 0; c.Events == 0 || n < c.Events; n++ {
		record, err := from.next(nil)
		if err != nil {
			return size, err
		}
		// A log file has a comma behind each record but the last.
		if whole += len(record) + 1; c.Bytes > 0 && whole > c.Bytes {
			break
		}
		size += int64(len(record))
		if records = append(records, record); len(records) == 1000 {
			if err := appendAll(ctx, st.log, records); err != nil {
				return size, err
			}
			records = records[:0]
		}
	}
	if len(records) == 0 {
		return size, nil
	}
	return size, appendAll(ctx, st.log, records)
}

// serve serves an empty bucket until ctx ends.
func (s *spec) serve(ctx context.Context, say func(any) error) (err error) {
	st, err := openStore(ctx, s.Dir, filepath.Join(s.Dir, "events"), &clock{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	return s.profiled(func() error { return st.listen(ctx, &serving{Key: st.key}, say) })
}

// listen serves the Mux on a port of its own, says where, and returns when ctx
// ends.
func (st *store) listen(ctx context.Context, result *serving, say func(any) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	result.URL = "http://" + l.Addr().String()
	server := &http.Server{Handler: st.mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	err = say(result)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-served:
			return err
		}
	}
	closing := server.Close() // nobody waits for an answer any more
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return errors.Join(err, closing)
}
