package eventlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

// eachSeed runs fn for the seeds 0 to n-1, on all processors, until one fails.
func eachSeed(t *testing.T, n int, fn func(seed int) error) {
	t.Helper()
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !failed.Load() {
				seed := int(next.Add(1)) - 1
				if seed >= n {
					return
				}
				if err := fn(seed); err != nil {
					failed.Store(true)
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	wg.Wait()
}

// A power cut at a random operation of a random script, and often another
// right during or after the recovery: what was acknowledged is there, what was
// not is there whole or not at all, and the files are sound.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	base := testConfig(t)
	var deaths atomic.Int64
	eachSeed(t, scale(60, 2000, 100_000), func(seed int) error { return powerCut(base, seed, &deaths) })
	if deaths.Load() == 0 {
		t.Error("no power cut came in the middle of the work")
	}
}

func powerCut(cfg eventlog.Config, seed int, deaths *atomic.Int64) error {
	random := seeded(seed)
	g := newLedger()
	if random.IntN(3) == 0 {
		g.retention = 24 * time.Hour
		cfg.Retention = g.retention
	}
	cfg.Now = g.clock
	cfg.SegmentEvents = 10 + random.IntN(30)
	disk := memfs.New(0)
	faulty := faultfs.New(disk)
	cfg.FS = faulty
	l, err := eventlog.Open(cfg)
	if err != nil {
		return err
	}
	g.see(l)
	lives := 1
	if random.IntN(4) == 0 {
		lives = 2
	}
	for life := 1; ; life++ {
		if random.IntN(8) > 0 {
			faulty.Inject(dying(random, 120))
		}
		l, err = script(cfg, g, l, random, 4+random.IntN(12))
		if faulty.Died() {
			deaths.Add(1)
		}
		if err != nil && (!faulty.Died() || errors.Is(err, errScript)) {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if l != nil {
			g.see(l)
		}
		disk = crash(disk, random)
		if l != nil {
			l.Close()
		}
		cfg.FS = disk
		if err := g.checkFiles(cfg, false); err != nil {
			return fmt.Errorf("life %d, before recovery: %w", life, err)
		}

		// Recovery, with a cut during it or right after it, or none.
		for random.IntN(3) == 0 {
			faulty = faultfs.New(disk)
			cfg.FS = faulty
			faulty.Inject(dying(random, 25))
			l, err = eventlog.Open(cfg)
			if err != nil && !faulty.Died() {
				return fmt.Errorf("life %d: %w", life, err)
			}
			if err == nil && random.IntN(2) == 0 && !faulty.Died() {
				if err := g.verify(l); err != nil && !faulty.Died() {
					return fmt.Errorf("life %d, before the second cut: %w", life, err)
				}
				g.see(l)
			}
			disk = crash(disk, random)
			if l != nil {
				l.Close()
			}
			cfg.FS = disk
			if err := g.checkFiles(cfg, false); err != nil {
				return fmt.Errorf("life %d, after the second cut: %w", life, err)
			}
		}
		faulty = faultfs.New(disk)
		cfg.FS = faulty
		if l, err = eventlog.Open(cfg); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if err := g.verify(l); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		g.see(l)
		if life == lives {
			break
		}
	}
	if err := g.send(l, false, g.fresh(3, time.Hour, 10)...); err != nil {
		return err
	}
	g.see(l)
	if err := l.Close(); err != nil {
		return err
	}
	if err := g.checkFiles(cfg, true); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return nil
}

func dying(random *rand.Rand, within int) faultfs.Fault {
	f := faultfs.Fault{Kinds: faultfs.Mutating, N: 1 + random.IntN(within), Mode: faultfs.DieBefore}
	if random.IntN(2) == 0 {
		f.Mode = faultfs.DieAfter
	}
	return f
}

func crash(disk *memfs.FS, random *rand.Rand) *memfs.FS {
	switch random.IntN(6) {
	case 0:
		return disk.CrashLosing()
	case 1:
		return disk.CrashKeeping()
	}
	return disk.Crash(random)
}

func faultyDied(cfg eventlog.Config) bool { return cfg.FS.(*faultfs.FS).Died() }

var errScript = errors.New("the script found a fault")

// script does n random things to a log. It returns the log that is open at the
// end, nil if none is.
func script(cfg eventlog.Config, g *ledger, l *eventlog.Log, random *rand.Rand, n int) (*eventlog.Log, error) {
	var err error
	for range n {
		switch op := random.IntN(20); {
		case op < 12:
			age := time.Duration(random.IntN(23)) * time.Hour
			err = g.send(l, false, g.fresh(1+random.IntN(9), age, random.IntN(400))...)
		case op < 13: // a large batch, of several blocks
			err = g.send(l, false, g.fresh(18, time.Hour, 4000)...)
		case op < 14: // once more
			if len(g.batches) == 0 {
				break
			}
			b := &g.batches[random.IntN(len(g.batches))]
			if g.clock().Sub(b.at) > 20*time.Hour {
				break // doubles are looked for in the last 24 hours
			}
			var again [][]byte
			for _, raw := range b.records {
				if _, ok := g.acked[raw]; ok {
					again = append(again, []byte(raw))
				}
			}
			err = g.send(l, false, again...)
			if g.retention > 0 && !faultyDied(cfg) {
				err = nil // may have expired meanwhile
			}
		case op < 15: // poison among others
			records := g.fresh(3, time.Hour, 5)
			err = g.send(l, false, records[0], []byte(`{"poison":`), records[1], []byte(`{}`), records[2])
		case op < 17:
			err = l.Seal(ctx)
		case op < 18:
			g.advance(time.Duration(random.IntN(20)) * time.Hour)
			if g.retention > 0 {
				err = g.expire(l)
			}
		default:
			if err = l.Close(); err != nil {
				return nil, err
			}
			if l, err = eventlog.Open(cfg); err != nil {
				return nil, err
			}
		}
		if err != nil {
			return l, err
		}
		if random.IntN(3) == 0 {
			g.see(l)
		}
	}
	return l, nil
}
