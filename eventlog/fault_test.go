package eventlog_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

// steps is a script of about two hundred file operations. It goes on after
// errors, and returns them.
func steps(cfg eventlog.Config, g *ledger) (l *eventlog.Log, errs []error) {
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	open := func() bool {
		var err error
		l, err = eventlog.Open(cfg)
		note(err)
		return err == nil
	}
	shut := func() {
		note(l.Close())
		l = nil
	}
	if !open() {
		return nil, errs
	}
	for round := range 2 {
		for i := range 5 {
			note(g.send(l, false, g.fresh(1+3*i, time.Hour, 20*round)...))
		}
		records := g.fresh(2, time.Hour, 0)
		note(g.send(l, false, records[0], []byte(`{"poison":1}`), records[1]))
		if round == 1 {
			shut()
			if !open() {
				return nil, errs
			}
		}
		note(l.Seal(ctx))
		g.advance(13 * time.Hour)
		note(g.send(l, false, g.fresh(4, time.Hour, 0)...))
		note(g.expire(l))
		if _, damage, err := lookAll(l, eventlog.Query{Limit: 7}); err != nil {
			note(err)
		} else {
			errs = append(errs, damage...)
		}
	}
	return l, errs
}

func faultConfig(t *testing.T) eventlog.Config {
	cfg := testConfig(t)
	cfg.SegmentEvents = 25
	cfg.Retention = 24 * time.Hour
	return cfg
}

func newFaultLedger(cfg *eventlog.Config) *ledger {
	g := newLedger()
	g.retention = cfg.Retention
	cfg.Now = g.clock
	return g
}

// Every file operation of a script fails once, in every way. Nothing that was
// acknowledged is lost, no failure passes unnoticed that could lose something,
// what was there stays readable, and a restart finds sound files.
func TestEveryOperationFails(t *testing.T) {
	t.Parallel()
	base := faultConfig(t)
	g := newFaultLedger(&base)
	faulty := faultfs.New(memfs.New(0))
	base.FS = faulty
	l, errs := steps(base, g)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	l.Close()
	operations := faulty.Count()
	if operations < 190 {
		t.Fatalf("the script has %d operations", operations)
	}
	type row struct {
		n    int
		mode faultfs.Mode
		err  error
	}
	var rows []row
	for n := 1; n <= operations; n += scale(17, 1, 1) {
		for _, mode := range faultfs.Modes {
			if mode == faultfs.DieBefore && n > 1 && !*long {
				continue // as to die behind the operation before
			}
			rows = append(rows, row{n, mode, syscall.EIO})
			if mode != faultfs.DieBefore && mode != faultfs.DieAfter && (*long || n%2 == 0) {
				rows = append(rows, row{n, mode, syscall.ENOSPC})
			}
		}
	}
	t.Logf("%d operations, %d rows", operations, len(rows))
	eachSeed(t, len(rows), func(i int) error {
		r := rows[i]
		if err := oneFault(base, faultfs.Fault{N: r.n, Mode: r.mode, Err: r.err}, i); err != nil {
			return fmt.Errorf("operation %d %s with %v: %w", r.n, r.mode, r.err, err)
		}
		return nil
	})
}

func oneFault(cfg eventlog.Config, fault faultfs.Fault, seed int) error {
	random := seeded(seed)
	g := newFaultLedger(&cfg)
	disk := memfs.New(0)
	faulty := faultfs.New(disk)
	faulty.Inject(fault)
	cfg.FS = faulty
	l, errs := steps(cfg, g)
	struck := faulty.Struck()
	for _, err := range errs {
		if errors.Is(err, errScript) {
			return fmt.Errorf("%v: %w", struck, err)
		}
	}
	if l != nil && !faulty.Died() {
		faulty.Reset()
		// Whether the log has stopped or not, it is read. A segment whose header
		// could not be read when the log was opened is reported by each reader.
		err := g.verify(l)
		if errors.Is(err, errDamage) && len(struck) > 0 && strings.HasPrefix(struck[0], "read ") {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("%v, then (%v) reading: %w", struck, errs, err)
		}
		if l.Err() != nil {
			if _, err := send(l, g.fresh(1, time.Hour, 0)...); !errors.Is(err, eventlog.ErrStopped) {
				return fmt.Errorf("%v: a stopped log answers %v", struck, err)
			}
		} else if err := g.send(l, false, g.fresh(2, time.Hour, 0)...); err != nil {
			return fmt.Errorf("%v: a log that has not stopped does not go on: %w", struck, err)
		}
		g.see(l)
	}

	// The power fails as well: what was acknowledged must not hang on what is
	// in memory.
	if seed%3 == 0 && l != nil && !faulty.Died() {
		err := l.Close()
		if err == nil {
			cfg.FS = disk
			if err := g.checkFiles(cfg, true); err != nil {
				return fmt.Errorf("%v, after a close: %w", struck, err)
			}
		}
		disk = disk.CrashLosing()
	} else {
		old := disk
		disk = old.CrashLosing()
		if random.IntN(2) == 0 {
			disk = old.Crash(random)
		}
		if l != nil {
			l.Close()
		}
	}
	cfg.FS = disk
	if _, err := disk.Stat(cfg.Dir); err != nil {
		if len(g.acked) > 0 {
			return fmt.Errorf("%v: the directory is gone", struck)
		}
		return nil
	}
	if len(g.acked) > 0 {
		if err := g.checkFiles(cfg, false); err != nil {
			return fmt.Errorf("%v: %w", struck, err)
		}
	}
	l, err := eventlog.Open(cfg)
	if err != nil {
		return fmt.Errorf("%v, then the restart: %w", struck, err)
	}
	defer l.Close()
	if err := g.verify(l); err != nil {
		return fmt.Errorf("%v, after the restart: %w", struck, err)
	}
	if err := g.send(l, false, g.fresh(2, time.Hour, 0)...); err != nil {
		return err
	}
	return g.verify(l)
}

// The disk is full at any size. Appends are refused, all else goes on, and
// when there is space again the log goes on without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	cfg := faultConfig(t)
	cfg.Retention = eventlog.Forever
	full := 30_000
	step := scale(997, 101, 7)
	eachSeed(t, full/step, func(i int) error { return fillDisk(cfg, int64(100+i*step), i) })
}

func fillDisk(cfg eventlog.Config, capacity int64, seed int) error {
	random := seeded(seed)
	g := newLedger()
	cfg.Now = g.clock
	disk := memfs.New(capacity)
	cfg.FS = disk
	l, err := eventlog.Open(cfg)
	if err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		disk.SetCapacity(0)
		l, err = eventlog.Open(cfg)
		if err != nil {
			return err
		}
		defer l.Close()
		return g.send(l, false, g.fresh(2, time.Hour, 0)...)
	}
	defer func() { l.Close() }()
	refused := 0
	for i := 0; refused < 4 && i < 200; i++ {
		records := g.fresh(1+random.IntN(6), time.Hour, random.IntN(300))
		if i%5 == 4 {
			records = append(records, []byte(`{"poison":2}`))
		}
		err := g.send(l, false, records...)
		if err != nil && !errors.Is(err, eventlog.ErrDiskFull) {
			return fmt.Errorf("append: %w", err)
		}
		if err != nil {
			refused++
			if err := g.verify(l); err != nil {
				return fmt.Errorf("full: %w", err)
			}
		}
		if i%7 == 6 {
			if err := l.Seal(ctx); err != nil && !errors.Is(err, eventlog.ErrDiskFull) && !errors.Is(err, syscall.ENOSPC) {
				return fmt.Errorf("seal: %w", err)
			}
		}
	}
	if refused == 0 {
		return fmt.Errorf("a disk of %d bytes never was full", capacity)
	}
	if err := l.Err(); err != nil {
		return err
	}
	disk.SetCapacity(0)
	if err := g.send(l, false, g.fresh(3, time.Hour, 0)...); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if err := l.Seal(ctx); err != nil {
		return fmt.Errorf("seal with space again: %w", err)
	}
	if err := g.verify(l); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	g.see(l)
	if random.IntN(2) == 0 {
		if err := l.Close(); err != nil {
			return err
		}
		if err := g.checkFiles(cfg, true); err != nil {
			return err
		}
	} else {
		disk = disk.Crash(random)
		l.Close()
		cfg.FS = disk
	}
	if l, err = eventlog.Open(cfg); err != nil {
		return err
	}
	return g.verify(l)
}

// Below the reserve only batches that may use it go on, and reads and
// retention; above it all do.
func TestReserve(t *testing.T) {
	t.Parallel()
	cfg := faultConfig(t)
	g := newFaultLedger(&cfg)
	disk := memfs.New(1 << 20)
	cfg.FS = disk
	cfg.ReserveBytes = 1<<20 - 30_000
	l := open(t, cfg)
	for range 3 {
		if err := g.send(l, false, g.fresh(10, time.Hour, 0)...); err != nil {
			t.Fatal(err)
		}
	}
	seal(t, l)
	free, _ := disk.Free(cfg.Dir)
	disk.SetCapacity(1<<20 - int64(free) + cfg.ReserveBytes - 1)
	wait := func(want error) {
		t.Helper()
		var err error
		for range 100 { // how free the disk is may be remembered for a moment
			if err = g.send(l, false, g.fresh(1, time.Hour, 0)...); errors.Is(err, want) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("append: %v, want %v", err, want)
	}
	wait(eventlog.ErrDiskFull)
	if err := g.send(l, true, g.fresh(5, time.Hour, 0)...); err != nil {
		t.Fatalf("a batch that may use the reserve: %v", err)
	}
	if err := g.verify(l); err != nil {
		t.Fatal(err)
	}
	g.advance(48 * time.Hour)
	if n := l.Stats().SealedSegments; n == 0 {
		t.Fatal("no sealed segments")
	}
	if err := g.expire(l); err != nil {
		t.Fatalf("retention: %v", err)
	}
	if n := l.Stats().SealedSegments; n != 0 {
		t.Fatalf("retention left %d sealed segments", n)
	}
	if err := g.verify(l); err != nil {
		t.Fatal(err)
	}
	disk.SetCapacity(1 << 21)
	var nothing error
	wait(nothing)
	closeLog(t, l)
	mustBeClean(t, cfg, nil, true)
}

// A segment that could not be begun on a full disk can come back after a power
// cut, when the one before it has gone on growing. The records stay.
func TestSegmentThatWasNotBegun(t *testing.T) {
	t.Parallel()
	for _, kind := range []faultfs.Kind{faultfs.Sync, faultfs.SyncDir} {
		for _, reopened := range []bool{false, true} {
			cfg := testConfig(t)
			disk := memfs.New(0)
			faulty := faultfs.New(disk)
			cfg.FS = faulty
			l := open(t, cfg)
			mustSend(t, l, eventlog.Stored, plains(0, 3)...)
			faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{kind}, Mode: faultfs.FailAfter, Err: syscall.ENOSPC})
			if err := l.Seal(ctx); !errors.Is(err, eventlog.ErrDiskFull) {
				t.Fatalf("%s: %v", kind, err)
			}
			mustSend(t, l, eventlog.Stored, plains(3, 8)...)
			h := head(t, l)
			disk = disk.CrashLosing()
			l.Close()
			cfg.FS = disk
			mustBeClean(t, cfg, &h, false)
			l = open(t, cfg)
			verify(t, l, plains(0, 8))
			if reopened {
				mustSend(t, l, eventlog.Stored, plains(8, 10)...)
				closeLog(t, l)
				mustBeClean(t, cfg, &h, true)
				l = open(t, cfg)
				verify(t, l, plains(0, 10))
			}
			mustSend(t, l, eventlog.Double, plains(0, 8)...)
		}
	}
}
