package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/eventgen"
	"cairn/internal/sigv4"
)

// Connections of the measurements.
const (
	busyConnections = 64
	idleConnections = 1000
	bulkConnections = 2
)

// The ways that calls go.
const (
	direct = iota
	bare
	recording
	ways
)

// A kind is one kind of calls, driven by so many connections.
type kind struct {
	method      string
	size        int64
	connections int
}

// The kinds that are measured.
var kinds = []kind{
	{http.MethodGet, smallObject, 1},
	{http.MethodPut, smallObject, 1},
	{http.MethodGet, smallObject, busyConnections},
	{http.MethodPut, smallObject, busyConnections},
	{http.MethodGet, largeObject, bulkConnections},
	{http.MethodPut, largeObject, bulkConnections},
}

// A bench measures.
type bench struct {
	*options
	dir   string
	notes io.Writer

	append time.Duration // one event, alone, until it is durable: p50
	loads  [][ways]load  // by kind
	peaks  [ways]int64   // bytes resident, of bare and recording
}

// measure runs backend and proxies and measures each kind of calls each way, in
// turns, so that what else the machine does meets all ways alike.
func (b *bench) measure(ctx context.Context) (err error) {
	if b.append, err = measureAppend(filepath.Join(b.dir, "append")); err != nil {
		return fmt.Errorf("measure an append: %w", err)
	}
	var processes [ways]*process
	for way, role := range []string{"backend", "bare http://%s", "cairn " + filepath.Join(b.dir, "data") + " http://%s"} {
		if way != direct {
			role = fmt.Sprintf(role, processes[direct].Address)
		}
		p, err := start(ctx, role)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		processes[way] = p
	}
	key := sigv4.Credentials{AccessKeyID: processes[recording].Key.AccessKeyID, SecretAccessKey: processes[recording].Key.Secret}
	idle, err := b.idle(ctx, processes)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range idle {
			c.close()
		}
	}()
	for _, k := range kinds {
		fmt.Fprintf(b.notes, "%s of %d bytes, %d connections …\n", k.method, k.size, k.connections)
		loads, err := b.measureKind(ctx, k, processes, key)
		if err != nil {
			return fmt.Errorf("%s of %d bytes: %w", k.method, k.size, err)
		}
		b.loads = append(b.loads, loads)
	}
	for way, p := range processes {
		b.peaks[way] = p.peak()
	}
	return nil
}

// idle opens connections to each proxy that send nothing.
func (b *bench) idle(ctx context.Context, processes [ways]*process) (all []*connection, err error) {
	for _, way := range []int{bare, recording} {
		for range idleConnections {
			c, err := dial(ctx, processes[way].Address)
			if err != nil {
				return all, fmt.Errorf("open idle connections: %w", err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func (b *bench) measureKind(ctx context.Context, k kind, processes [ways]*process, key sigv4.Credentials) (medians [ways]load, err error) {
	var rounds [ways][]load
	for round := range b.rounds {
		for n := range ways {
			way := (n + round) % ways
			p := processes[way]
			var calls []*call
			for i := range busyConnections {
				path := fmt.Sprintf("/bucket/folder-%d/%d", i, k.size)
				c, err := newCall(p.Address, k.method, path, map[bool]int64{true: k.size}[k.method == http.MethodPut], key)
				if err != nil {
					return medians, err
				}
				calls = append(calls, c)
			}
			before := p.cpu()
			l, err := drive(ctx, p.Address, k.connections, b.period, calls)
			if err != nil {
				return medians, fmt.Errorf("%s: %w", wayNames[way], err)
			}
			if way != direct {
				l.cpu = (p.cpu() - before) / time.Duration(l.calls)
			}
			rounds[way] = append(rounds[way], l)
		}
	}
	for way, loads := range rounds {
		medians[way] = load{
			p50: median(loads, func(l load) time.Duration { return l.p50 }), p99: median(loads, func(l load) time.Duration { return l.p99 }),
			rate: median(loads, func(l load) float64 { return l.rate }), cpu: median(loads, func(l load) time.Duration { return l.cpu }),
		}
	}
	return medians, nil
}

func median[T time.Duration | float64](loads []load, of func(load) T) T {
	values := make([]T, len(loads))
	for i, l := range loads {
		values[i] = of(l)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// measureAppend returns how long one event takes until it is durable, when
// nothing else is going on.
func measureAppend(dir string) (p50 time.Duration, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	private, public, err := note.GenerateKey(rand.Reader, "bench")
	if err != nil {
		return 0, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return 0, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return 0, err
	}
	l, err := eventlog.Open(eventlog.Config{Dir: dir, Retention: eventlog.Forever, Signer: signer, Verifiers: note.VerifierList(verifier)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	const events = 1000
	g := eventgen.New(1, eventgen.Options{Start: time.Now().Add(-time.Hour), Span: time.Hour, Events: events})
	took := make([]time.Duration, events)
	for i := range took {
		raw := g.Next(nil)
		at := time.Now()
		if _, err := l.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginGateway, Records: [][]byte{raw}}); err != nil {
			return 0, err
		}
		took[i] = time.Since(at)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
