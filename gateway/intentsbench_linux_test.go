package gateway_test

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable"
	"cairn/internal/durable/memfs"
)

// discards is a log that costs nothing.
type discards struct{}

func (discards) Writable() error { return nil }
func (discards) Append(_ context.Context, b eventlog.Batch) ([]eventlog.Result, error) {
	return make([]eventlog.Result, len(b.Records)), nil
}
func (discards) Lookup(context.Context, eventlog.Query) (*eventlog.Page, error) {
	return nil, io.ErrUnexpectedEOF
}

// BenchmarkIntents begins and ends calls from 64 goroutines, with intents of the
// size of an average record.
func BenchmarkIntents(b *testing.B) {
	for name, fsys := range map[string]durable.FS{"disk": durable.OS, "memory": memfs.New(0)} {
		b.Run(name, func(b *testing.B) {
			j, err := gateway.OpenIntents(gateway.IntentsConfig{Dir: b.TempDir(), FS: fsys, Log: discards{}})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			intent := intentOf("01234567-89ab-cdef-0123-456789abcdef")
			intent.Record = intentRecord(intent.EventID, "unknown", 1625)
			before := j.Stats().Syncs
			start := cpuTime()
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						p, err := j.Begin(context.Background(), intent)
						if err != nil {
							b.Error(err)
							return
						}
						p.Done()
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64((cpuTime()-start).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/float64(j.Stats().Syncs-before), "calls/sync")
		})
	}
}

// cpuTime is what the process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
