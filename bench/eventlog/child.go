package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cairn"

	"github.com/zeebo/xxh3"
)

// A spec says what one child process measures. Each engine gets a process of
// its own, so that processor time and memory are the engine's alone.
type spec struct {
	Task          task
	Engine        string
	Dir           string // the engine's
	Corpus        string
	Classes       string // file of the queries
	N             int
	Clients       int
	Batch         int
	SegmentEvents int // Cairn's
	Check         bool
	RawLimit      int64     // of taskFill
	Began         time.Time // when the bench began
	Profile       string    // directory for processor profiles; none if empty
}

type task string

const (
	taskMeasure task = "measure" // everything
	taskIngest  task = "ingest"  // processor time and rate of appends alone
	taskLookup  task = "lookup"  // lookups alone, at another engine's n
	taskFill    task = "fill"    // append, say so and wait to be killed
	taskOpen    task = "open"    // open alone
)

// A result is what a child reports, as JSON on its standard output.
type result struct {
	Events        int
	CPUPerEvent   float64 // microseconds
	EventsPerSec  float64
	BytesPerEvent float64
	PeakMemory    int64 // bytes
	ScanMBPerSec  float64
	RetentionSec  float64
	CloseSec      float64
	OpenSec       float64
	IdleResident  int64   // bytes, after open
	IdleAnonymous int64   // bytes, after open
	CheckMBPerSec float64 // for each second of processor time
	Latencies     []latency
	Answers       []answer
}

// latency is how long one class of lookups took.
type latency struct {
	Class    string
	P50, P99 time.Duration
	Samples  int
}

// childVariable holds the spec in a child's environment.
const childVariable = "EVENTLOG_BENCH_CHILD"

// runChild does what the spec says and writes the result.
func runChild(ctx context.Context, text string, out io.Writer) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("read the child's spec: %w", err)
	}
	m := &measurement{spec: &s}
	if s.Corpus != "" {
		var err error
		if m.corpus, err = openCorpus(s.Corpus); err != nil {
			return err
		}
		defer m.corpus.close()
	}
	if s.Classes != "" {
		if err := readJSON(s.Classes, &m.classes); err != nil {
			return err
		}
	}
	var err error
	if m.engine, err = newEngine(s.Engine, &s); err != nil {
		return err
	}
	if err := m.run(ctx, out); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", s.Engine, err), m.close())
	}
	if err := m.close(); err != nil {
		return fmt.Errorf("close %s: %w", s.Engine, err)
	}
	return json.NewEncoder(out).Encode(&m.result)
}

type measurement struct {
	spec    *spec
	engine  engine
	corpus  *corpus
	classes []class
	result  result
	closed  bool
}

func (m *measurement) run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	if err := m.engine.open(ctx); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	m.result.OpenSec = time.Since(began).Seconds()
	if m.spec.Task == taskOpen {
		return m.idle()
	}
	watch := startWatch(m.memory)
	err := m.steps(ctx, out)
	m.result.PeakMemory = watch.end()
	if err != nil || m.spec.Task != taskMeasure || !m.spec.Check {
		return err
	}
	if err := m.close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return m.check(ctx)
}

func (m *measurement) steps(ctx context.Context, out io.Writer) error {
	if err := m.profiled("append", func() error { return m.ingest(ctx) }); err != nil {
		return err
	}
	switch m.spec.Task {
	case taskIngest:
		return nil
	case taskFill:
		fmt.Fprintln(out, "filled")
		<-ctx.Done()
		return nil
	}
	if err := m.engine.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	err := m.profiled("lookup", func() error {
		for i := range m.classes {
			if err := m.lookups(ctx, i); err != nil {
				return fmt.Errorf("%s: %w", m.classes[i].Name, err)
			}
		}
		return nil
	})
	if err != nil || m.spec.Task == taskLookup {
		return err
	}
	if err := m.profiled("scan", func() error { return m.scan(ctx) }); err != nil {
		return err
	}
	began := time.Now()
	err = m.engine.dropDay(ctx, start.Add(24*time.Hour))
	if errors.Is(err, errNoneOld) {
		return nil // so the table says nothing
	}
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	m.result.RetentionSec = time.Since(began).Seconds()
	return nil
}

// profiled runs one step, with a profile of it if one is wanted.
func (m *measurement) profiled(step string, do func() error) error {
	if m.spec.Profile != "" {
		name := fmt.Sprintf("%s-%s-%d-%s.pprof", m.spec.Engine, m.spec.Task, m.spec.Batch, step)
		f, err := os.Create(filepath.Join(m.spec.Profile, name))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}

// memory is what this process and the engine's own have in memory.
func (m *measurement) memory() int64 {
	u, err := m.engine.usage()
	if err != nil {
		return 0
	}
	if u.memory > 0 {
		return u.memory // a server: this process is only its client
	}
	return ownMemory()
}

func (m *measurement) cpu() (time.Duration, error) {
	u, err := m.engine.usage()
	return ownCPU() + u.cpu, err
}

// ingest appends all records from several clients. The processor time of the
// work that appends leave behind counts; the wall time ends with the last
// acknowledgement.
func (m *measurement) ingest(ctx context.Context) error {
	n, batch := min(m.spec.N, m.corpus.len()), m.spec.Batch
	if m.spec.RawLimit > 0 {
		for i, raw := 0, int64(0); i < n; i++ {
			if raw += int64(len(m.corpus.record(i))); raw > m.spec.RawLimit {
				n = i
			}
		}
	}
	before, err := m.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var taken atomic.Int64
	var clients sync.WaitGroup
	for range m.spec.Clients {
		clients.Go(func() {
			records := make([][]byte, 0, batch)
			for ctx.Err() == nil {
				first := int(taken.Add(int64(batch))) - batch
				if first >= n {
					return
				}
				records = records[:0]
				for i := first; i < min(first+batch, n); i++ {
					records = append(records, m.corpus.record(i))
				}
				if err := m.engine.append(ctx, records); err != nil {
					cancel(err)
				}
			}
		})
	}
	clients.Wait()
	acknowledged := time.Since(began)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if m.spec.Task == taskFill {
		return nil
	}
	if err := m.engine.settle(ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	after, err := m.cpu()
	if err != nil {
		return err
	}
	bytes, err := m.engine.diskBytes()
	if err != nil {
		return err
	}
	m.result.Events = n
	m.result.CPUPerEvent = float64((after - before).Nanoseconds()) / 1e3 / float64(n)
	m.result.EventsPerSec = float64(n) / acknowledged.Seconds()
	m.result.BytesPerEvent = float64(bytes) / float64(n)
	return nil
}

// lookups measures a class: each query once for its answer and to warm the
// caches, then the rounds.
func (m *measurement) lookups(ctx context.Context, number int) error {
	c := &m.classes[number]
	after := make([]cursor, len(c.Queries))
	for i, q := range c.Queries {
		for page := 1; ; page++ {
			rows, err := m.engine.lookup(ctx, q, after[i])
			if err != nil {
				return err
			}
			if page == q.Page || len(rows) < pageSize {
				if err := inOrder(rows, after[i]); err != nil {
					return err
				}
				m.result.Answers = append(m.result.Answers, answer{number, i, answerRows(rows)})
				break
			}
			last := rows[len(rows)-1]
			after[i] = cursor{last.Time, last.Seq}
		}
	}
	runtime.GC() // an earlier class's garbage is not this one's
	var took []time.Duration
	for range c.Rounds {
		for i, q := range c.Queries {
			began := time.Now()
			_, err := m.engine.lookup(ctx, q, after[i])
			took = append(took, time.Since(began))
			if err != nil {
				return err
			}
		}
	}
	slices.Sort(took)
	m.result.Latencies = append(m.result.Latencies, latency{c.Name, took[len(took)/2], took[len(took)*99/100], len(took)})
	return nil
}

// inOrder reports a row that is out of order: each must be older than the one
// before it, or have arrived earlier in the same second.
func inOrder(rows []row, after cursor) error {
	for i, r := range rows {
		if after != (cursor{}) && (r.Time > after.Time || r.Time == after.Time && r.Seq >= after.Seq) {
			return fmt.Errorf("row %d (%s, arrival %d) is not behind the one before it (%s, arrival %d)", i, clock(r.Time), r.Seq, clock(after.Time), after.Seq)
		}
		after = cursor{r.Time, r.Seq}
	}
	return nil
}

func answerRows(rows []row) []answerRow {
	answers := make([]answerRow, len(rows))
	for i, r := range rows {
		var record cairn.Record
		if err := record.Extract(r.Raw); err == nil {
			answers[i].EventID = record.EventID
		}
		answers[i].Time, answers[i].Sum = r.Time, xxh3.Hash(r.Raw)
	}
	return answers
}

func (m *measurement) scan(ctx context.Context) error {
	var records int
	var bytes int64
	began := time.Now()
	err := m.engine.scan(ctx, func(raw []byte) {
		records++
		bytes += int64(len(raw))
	})
	if err != nil {
		return err
	}
	if records != m.result.Events {
		return fmt.Errorf("%d records were appended and %d scanned", m.result.Events, records)
	}
	m.result.ScanMBPerSec = float64(bytes) / 1e6 / time.Since(began).Seconds()
	return nil
}

// idle measures what an opened engine takes that nobody uses.
func (m *measurement) idle() error {
	resident, err := memoryOf(os.Getpid())
	if err != nil {
		return err
	}
	m.result.IdleResident, m.result.IdleAnonymous = resident.resident, resident.anonymous
	return nil
}

func (m *measurement) check(ctx context.Context) error {
	checker, ok := m.engine.(interface {
		check(ctx context.Context) (rawBytes int64, err error)
	})
	if !ok {
		return nil
	}
	var bytes int64
	before := ownCPU()
	err := m.profiled("check", func() (err error) {
		bytes, err = checker.check(ctx)
		return err
	})
	if err != nil {
		return err
	}
	m.result.CheckMBPerSec = float64(bytes) / 1e6 / (ownCPU() - before).Seconds()
	return nil
}

func (m *measurement) close() error {
	if m.closed {
		return nil
	}
	m.closed = true
	began := time.Now()
	err := m.engine.close()
	m.result.CloseSec = time.Since(began).Seconds()
	return err
}
