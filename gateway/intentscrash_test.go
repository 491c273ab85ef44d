package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

// intentsScript is a fixed run of calls: some stay open all the way round the
// ring, some end at once, some are kept while the log refuses. It ends at the
// first error.
func intentsScript(g *intentsLedger, cfg gateway.IntentsConfig) (err error) {
	j, err := gateway.OpenIntents(cfg)
	if err != nil {
		return err
	}
	defer func() {
		if cErr := j.Close(); err == nil {
			err = cErr
		}
	}()
	if _, _, err := g.begin(j); err != nil { // never ends
		return err
	}
	late, lateID, err := g.begin(j)
	if err != nil {
		return err
	}
	for n := range 44 {
		g.log.set(nil, nil, false)
		switch n % 22 {
		case 3, 14:
			g.log.set(eventlog.ErrDiskFull, nil, false)
		case 5: // the log stops after it has taken the record
			g.log.set(eventlog.ErrStopped, nil, true)
		}
		c, id, err := g.begin(j)
		if err != nil {
			return err
		}
		if n%11 == 7 {
			g.drop(c)
			continue
		}
		if n%11 == 9 && n > 30 {
			continue // stays open
		}
		if err := g.finish(c, id); err != nil {
			return err
		}
	}
	return g.finish(late, lateID)
}

// Every operation of the script fails in every way. After each failure, with
// the power cut and without, every call has the one record that is due to it.
func TestIntentsCrashEverywhere(t *testing.T) {
	t.Parallel()
	type point struct {
		mode faultfs.Mode
		n    int
	}
	total := faultfs.New(memfs.New(0))
	if err := intentsScript(newIntentsLedger(newHeldLog()), smallIntents(total, newHeldLog())); err != nil {
		t.Fatal(err)
	}
	operations := total.Count(faultfs.Mutating...)
	if operations < 150 {
		t.Fatalf("the script has only %d operations", operations)
	}
	points := make(chan point)
	var struck atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for p := range points {
				// Every failure without a power cut, and with one of the three kinds.
				for _, after := range []int{0, 1 + p.n%3} {
					hit, err := crashIntents(p.n, p.mode, after)
					if err != nil {
						t.Errorf("operation %d %s, then %s: %v", p.n, p.mode, [...]string{"no power cut", "power cut, nothing unsynced kept", "power cut, all kept", "power cut, parts kept"}[after], err)
					}
					if hit {
						struck.Add(1)
					}
				}
			}
		})
	}
	for _, mode := range faultfs.Modes {
		for n := 1; n <= operations; n++ {
			points <- point{mode, n}
		}
	}
	close(points)
	wg.Wait()
	if all := int64(2 * len(faultfs.Modes) * operations); struck.Load() < all*9/10 {
		t.Errorf("%d of %d faults were met", struck.Load(), all)
	}
}

func crashIntents(n int, mode faultfs.Mode, after int) (struck bool, err error) {
	disk := memfs.New(0)
	faulty := faultfs.New(disk)
	faulty.Inject(faultfs.Fault{Kinds: faultfs.Mutating, N: n, Mode: mode})
	log := newHeldLog()
	g := newIntentsLedger(log)
	err = intentsScript(g, smallIntents(faulty, log))
	struck = len(faulty.Struck()) > 0
	if err != nil && !struck {
		return false, err
	}
	// Without a power cut the next process may find in memory what is not on the
	// disk. What it makes of that has to survive a cut, too.
	disk = cutIntents(disk, after, rand.New(rand.NewPCG(uint64(n), uint64(mode))))
	if err := g.recovers(smallIntents(disk, log)); err != nil {
		return struck, fmt.Errorf("%v: %w", faulty.Struck(), err)
	}
	if after == 0 {
		if err := g.recovers(smallIntents(disk.CrashLosing(), log)); err != nil {
			return struck, fmt.Errorf("%v, and a power cut after recovery: %w", faulty.Struck(), err)
		}
	}
	return struck, nil
}

func cutIntents(disk *memfs.FS, how int, random *rand.Rand) *memfs.FS {
	switch how {
	case 0:
		return disk
	case 1:
		return disk.CrashLosing()
	case 2:
		return disk.CrashKeeping()
	}
	return disk.Crash(random)
}

// Random histories over several lives of the process, most of which end in a
// fault: whatever the order of calls, refusals, faults and cuts, the log gets
// what the ledger knows.
func TestIntentsRandomHistory(t *testing.T) {
	t.Parallel()
	seeds := 200
	if testing.Short() {
		seeds = 15
	}
	var next, faults atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1); seed <= int64(seeds); seed = next.Add(1) {
				n, err := randomIntents(uint64(seed))
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				faults.Add(int64(n))
			}
		})
	}
	wg.Wait()
	if faults.Load() < int64(seeds) {
		t.Errorf("only %d faults were met", faults.Load())
	}
}

func randomIntents(seed uint64) (faults int, err error) {
	random := rand.New(rand.NewPCG(seed, 5))
	disk := memfs.New(0)
	log := newHeldLog()
	g := newIntentsLedger(log)
	for steps := 0; steps < 400; {
		faulty := faultfs.New(disk)
		if random.IntN(4) > 0 {
			faulty.Inject(faultfs.Fault{Kinds: faultfs.Mutating, N: 1 + random.IntN(150), Mode: faultfs.Modes[random.IntN(len(faultfs.Modes))]})
		}
		n, err := randomLife(g, smallIntents(faulty, log), random, 200)
		steps += n + 1
		faults += len(faulty.Struck())
		if err != nil && len(faulty.Struck()) == 0 {
			return faults, fmt.Errorf("after %d steps: %w", steps, err)
		}
		disk = cutIntents(disk, random.IntN(4), random)
		for _, c := range g.calls {
			c.pending = nil
		}
	}
	return faults, g.recovers(smallIntents(disk, log))
}

// randomLife does n random things to a journal and ends with a clean close, or
// at the first fault of its files.
func randomLife(g *intentsLedger, cfg gateway.IntentsConfig, random *rand.Rand, n int) (steps int, err error) {
	j, err := gateway.OpenIntents(cfg)
	if err != nil {
		return 0, err
	}
	defer func() {
		if cErr := j.Close(); err == nil {
			err = cErr
		}
	}()
	var open []string
	for steps = range n {
		if d := j.Damage(); len(d) > 0 {
			return steps, d[0]
		}
		switch op := random.IntN(20); {
		case op < 10 && len(open) < 12:
			_, id, err := g.begin(j)
			if fullIntents(err) {
				continue
			}
			if err != nil {
				return steps, err
			}
			open = append(open, id)
		case op < 12:
			switch random.IntN(5) {
			case 0:
				g.log.set(eventlog.ErrDiskFull, nil, false)
			case 1:
				g.log.set(eventlog.ErrStopped, nil, true)
			case 2:
				g.log.set(eventlog.ErrStopped, eventlog.ErrClosed, false)
			default:
				g.log.set(nil, nil, false)
			}
		case len(open) > 0:
			i := random.IntN(len(open))
			if random.IntN(3) > 0 {
				i = len(open) - 1 // leave some open for long
			}
			id := open[i]
			open = append(open[:i], open[i+1:]...)
			c := g.calls[id]
			if random.IntN(10) == 0 {
				g.drop(c)
			} else if err := g.finish(c, id); err != nil {
				return steps, fmt.Errorf("the room that was reserved: %w", err)
			}
		}
	}
	return steps, nil
}
