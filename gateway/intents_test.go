package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/durable"
	"cairn/internal/durable/faultfs"
	"cairn/internal/durable/memfs"
)

func fullIntents(err error) bool { return errors.Is(err, gateway.ErrIntentsFull) }

// What one life leaves, the next one gives the log: the event log itself, with
// its own idea of what is there already.
func TestIntentsReachTheEventLog(t *testing.T) {
	t.Parallel()
	disk := memfs.New(0)
	private, public, err := note.GenerateKey(nil, "cairn/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	openLog := func() *eventlog.Log {
		l, err := eventlog.Open(eventlog.Config{Dir: "/data/events", FS: disk, Signer: signer, Verifiers: note.VerifierList(verifier), Now: intentsNow, ReserveBytes: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	l := openLog()
	j := openIntents(t, smallIntents(disk, l))
	appendTo := func(id string, origin cairn.Origin) {
		if _, err := l.Append(t.Context(), eventlog.Batch{Origin: origin, Records: [][]byte{completing(id)}}); err != nil {
			t.Fatal(err)
		}
	}
	mustBegin(t, j, "open")
	mustBegin(t, j, "logged")
	appendTo("logged", cairn.OriginGateway)
	mustBegin(t, j, "posted by another")
	appendTo("posted by another", cairn.OriginPosted)
	kept := mustBegin(t, j, "kept")
	appendTo("kept", cairn.OriginGateway) // although Append was not heard to
	mustKeep(t, kept, completing("kept"))
	mustBegin(t, j, "done").Done()
	appendTo("done", cairn.OriginGateway)

	disk = disk.CrashLosing()
	l = openLog()
	j = openIntents(t, smallIntents(disk, l))
	if s := j.Stats(); s.Kept != 0 || s.Unknown == 0 || j.Waiting() != nil {
		t.Errorf("after recovery: %+v, %v", s, j.Waiting())
	}
	for id, want := range map[string][]string{
		"open":              {"gateway unknown"},
		"logged":            {"gateway 200"},
		"posted by another": {"gateway unknown", "posted 200"},
		"kept":              {"gateway 200"},
		"done":              {"gateway 200"},
	} {
		page, err := l.Lookup(t.Context(), eventlog.Query{Filters: []eventlog.Filter{{Attribute: cairn.AttrEventID, Values: []string{id}}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range page.Events {
			outcome := "200"
			if bytes.Contains(e.Raw, []byte(`"outcome":"unknown"`)) {
				outcome = "unknown"
			}
			got = append(got, e.Origin.String()+" "+outcome)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the log has %v, want %v", id, got, want)
		}
	}
}

// A log that refuses gets what was kept once it takes records again, also if
// nothing but time goes by, and a call's end makes it look at once.
func TestIntentsWaitForTheLog(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{eventlog.ErrDiskFull, eventlog.ErrStopped} {
		log := newHeldLog()
		log.set(refusal, nil, false)
		j := openIntents(t, smallIntents(memfs.New(0), log))
		for n := range 6 {
			mustKeep(t, mustBegin(t, j, fmt.Sprint("call", n)), completing(fmt.Sprint("call", n)))
		}
		eventually(t, "the refusal", func() bool { return errors.Is(j.Waiting(), refusal) })
		if s := j.Stats(); s.Kept != 6 || s.Open != 0 || len(log.all()) != 0 {
			t.Errorf("while the log refuses: %+v", s)
		}
		log.set(nil, nil, false)
		if refusal == eventlog.ErrStopped {
			mustBegin(t, j, "other").Done()
		}
		eventually(t, "the records", func() bool { return j.Stats().Kept == 0 })
		for n := range 6 {
			onlyRecord(t, log, fmt.Sprint("call", n), completing(fmt.Sprint("call", n)))
		}
		if s := j.Stats(); s.Bytes != 0 || s.Moved != 6 || j.Waiting() != nil {
			t.Errorf("at the end: %+v, %v", s, j.Waiting())
		}
	}
}

// What OpenIntents cannot give to the log it gives later, and the room of what
// waits is not given away.
func TestIntentsRecoverLater(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	j := openIntents(t, smallIntents(disk, log))
	mustBegin(t, j, "lost")
	disk = disk.CrashKeeping()
	log.set(nil, eventlog.ErrStopped, false)
	j = openIntents(t, smallIntents(disk, log))
	if s := j.Stats(); s.Kept != 1 || s.Unknown != 1 || s.Bytes == 0 || !errors.Is(j.Waiting(), eventlog.ErrStopped) {
		t.Errorf("while the log cannot be asked: %+v, %v", s, j.Waiting())
	}
	log.set(nil, nil, false)
	eventually(t, "the record", func() bool { return j.Stats().Kept == 0 })
	onlyRecord(t, log, "lost", intentOf("lost").Record)
}

// When Begin finds no more room, all that is open can still be kept, with the
// largest records, although the log takes none; and nothing is lost of it.
func TestIntentsRoomIsReserved(t *testing.T) {
	t.Parallel()
	for _, room := range []int{0, 420, 500} {
		disk, log := memfs.New(0), newHeldLog()
		log.set(eventlog.ErrDiskFull, nil, false)
		j := openIntents(t, smallIntents(disk, log))
		capacity := j.Stats().Capacity
		var open []*gateway.Pending
		var ids []string
		for round := range 6 {
			for {
				i := intentOf(fmt.Sprintf("call-%d-%03d", round, len(open)))
				i.Room = room
				p, err := j.Begin(t.Context(), i)
				if err != nil {
					if !fullIntents(err) || !strings.Contains(err.Error(), fmt.Sprint(capacity)) {
						t.Fatalf("Begin: %v", err)
					}
					break
				}
				open, ids = append(open, p), append(ids, i.EventID)
			}
			if round == 5 {
				break
			}
			// Other calls come and go, and take the ring round.
			for range 3 {
				open[0].Done()
				open, ids = open[1:], ids[1:]
			}
		}
		if room == 0 {
			room = 512
		}
		for i, p := range open {
			if err := p.Keep(intentRecord(ids[i], "200", room)); err != nil {
				t.Fatalf("Keep of %d, room %d: %v", i, room, err)
			}
		}
		if s := j.Stats(); s.Kept != len(open) || s.Bytes > s.Capacity {
			t.Errorf("all kept: %+v", s)
		}
		log.set(nil, nil, false)
		openIntents(t, smallIntents(disk.CrashLosing(), log))
		for i := range open {
			onlyRecord(t, log, ids[i], intentRecord(ids[i], "200", room))
		}
	}
}

// An intent that stays open while others take the ring round many times holds
// up nothing, and its record is there at the end.
func TestIntentsLongCall(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	g := newIntentsLedger(log)
	j := openIntents(t, smallIntents(disk, log))
	mustBegin(t, j, "forgotten")
	ended := mustBegin(t, j, "websocket")
	for range 2000 {
		c, id, err := g.begin(j)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.finish(c, id); err != nil {
			t.Fatal(err)
		}
	}
	s := j.Stats()
	if s.Open != 2 || s.Carried < 60 || s.Begun != 2002 {
		t.Errorf("after many turns of the ring: %+v", s)
	}
	log.set(eventlog.ErrDiskFull, nil, false)
	mustKeep(t, ended, completing("websocket"))
	log.set(nil, nil, false)
	openIntents(t, smallIntents(disk.CrashLosing(), log))
	onlyRecord(t, log, "websocket", completing("websocket"))
	onlyRecord(t, log, "forgotten", intentOf("forgotten").Record)
	if got := len(log.all()); got != 2002 {
		t.Errorf("the log has %d events", got)
	}
}

func TestIntentsConcurrently(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	cfg := smallIntents(disk, log)
	cfg.Space *= 16
	j := openIntents(t, cfg)
	var refused atomic.Int64
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for n := range 40 {
				id := fmt.Sprintf("call-%d-%d", worker, n)
				p, err := j.Begin(context.Background(), intentOf(id))
				if fullIntents(err) {
					refused.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				switch n % 4 {
				case 0:
					p.Done()
				default:
					if err := p.Keep(completing(id)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "the last record", func() bool { return j.Stats().Kept == 0 })
	s := j.Stats()
	if s.Open != 0 || s.Bytes != 0 || int64(s.Begun)+refused.Load() != 64*40 || s.Syncs >= 2*s.Begun {
		t.Errorf("%+v, %d refused", s, refused.Load())
	}
	if got := uint64(len(log.all())); got != s.Moved || got < s.Begun/2 {
		t.Errorf("the log has %d events: %+v", got, s)
	}
	for id := range log.all() {
		onlyRecord(t, log, id, completing(id))
	}
}

// A disk that is full when the journal is made is an error that gives the space
// back; a journal that is there needs none.
func TestIntentsFullDisk(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(20_000), newHeldLog()
	if _, err := gateway.OpenIntents(smallIntents(disk, log)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "allocate 40960 bytes") {
		t.Fatalf("OpenIntents on a full disk: %v", err)
	}
	if names := disk.Names(); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	disk.SetCapacity(16 * 2560)
	j := openIntents(t, smallIntents(disk, log))
	for n := range 100 {
		mustKeep(t, mustBegin(t, j, fmt.Sprint("call", n)), completing(fmt.Sprint("call", n)))
		eventually(t, "the record", func() bool { return j.Stats().Kept == 0 })
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	disk.SetCapacity(1)
	openIntents(t, smallIntents(disk, log))
}

func TestIntentsStopAfterAFailedSync(t *testing.T) {
	t.Parallel()
	for _, kind := range []faultfs.Kind{faultfs.Sync, faultfs.WriteAt} {
		disk, log := memfs.New(0), newHeldLog()
		faulty := faultfs.New(disk)
		j := openIntents(t, smallIntents(faulty, log))
		open := mustBegin(t, j, "open")
		done := mustBegin(t, j, "done")
		faulty.Inject(faultfs.Fault{Kinds: []faultfs.Kind{kind}})
		if _, err := j.Begin(t.Context(), intentOf("refused")); !errors.Is(err, gateway.ErrIntentsStopped) || !errors.Is(err, syscall.EIO) {
			t.Errorf("Begin at a failing %s: %v", kind, err)
		}
		writes := faulty.Count(faultfs.Mutating...)
		_, err := j.Begin(t.Context(), intentOf("refused too"))
		for _, err := range []error{err, open.Keep(completing("open")), j.Err()} {
			if !errors.Is(err, gateway.ErrIntentsStopped) || !errors.Is(err, syscall.EIO) {
				t.Errorf("after a failed %s: %v", kind, err)
			}
		}
		done.Done()
		if err := j.Close(); !errors.Is(err, gateway.ErrIntentsStopped) {
			t.Errorf("Close: %v", err)
		}
		if n := faulty.Count(faultfs.Mutating...); n != writes {
			t.Errorf("%d operations on the files of a journal that has stopped", n-writes)
		}
		openIntents(t, smallIntents(disk, log))
		onlyRecord(t, log, "open", intentOf("open").Record)
		if got := log.all()["refused too"]; got != nil {
			t.Errorf("a call that was refused has the record %s", got)
		}
	}
}

func TestIntentsRefuse(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	j := openIntents(t, smallIntents(disk, log))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Begin(cancelled, intentOf("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("Begin with a cancelled context: %v", err)
	}
	long := intentOf("a")
	long.Record = make([]byte, 513)
	wide := intentOf("a")
	wide.Room = 513
	id := intentOf(strings.Repeat("a", 65))
	for _, i := range []gateway.Intent{long, wide, id} {
		if _, err := j.Begin(t.Context(), i); !errors.Is(err, gateway.ErrIntentSize) {
			t.Errorf("Begin of %+v: %v", i, err)
		}
	}
	if _, err := j.Begin(t.Context(), gateway.Intent{EventID: "a"}); err == nil {
		t.Error("an intent without a record was taken")
	}
	if s := j.Stats(); s.Bytes != 0 || s.Begun != 0 {
		t.Errorf("what was refused is counted: %+v", s)
	}
	p := mustBegin(t, j, "a")
	if err := p.Keep(make([]byte, 513)); !errors.Is(err, gateway.ErrIntentSize) {
		t.Errorf("Keep of too long a record: %v", err)
	}
	p.Done()
	p.Done()
	if err := p.Keep(completing("a")); !errors.Is(err, gateway.ErrIntentEnded) {
		t.Errorf("Keep after Done: %v", err)
	}
	p = mustBegin(t, j, "b")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Begin(t.Context(), intentOf("c")); !errors.Is(err, gateway.ErrIntentsClosed) {
		t.Errorf("Begin after Close: %v", err)
	}
	if err := p.Keep(completing("b")); !errors.Is(err, gateway.ErrIntentsClosed) {
		t.Errorf("Keep after Close: %v", err)
	}
	p.Done()
	tiny := smallIntents(disk, log)
	tiny.Space /= 2
	tiny.Dir = "/data/other"
	if _, err := gateway.OpenIntents(tiny); err == nil || !strings.Contains(err.Error(), "at least 2560") {
		t.Errorf("a journal without place for its records: %v", err)
	}
}

// A journal with something to recover that the log does not take keeps its
// size; one with nothing is made anew.
func TestIntentsOtherSize(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	cfg := smallIntents(disk, log)
	mustBegin(t, openIntents(t, cfg), "open")
	disk = disk.CrashKeeping()
	log.set(eventlog.ErrDiskFull, nil, false)
	cfg.FS, cfg.Space = disk, 2*cfg.Space
	j := openIntents(t, cfg)
	small := j.Stats().Capacity
	log.set(nil, nil, false)
	eventually(t, "the record", func() bool { return j.Stats().Kept == 0 })
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openIntents(t, cfg)
	if s := j.Stats(); s.Capacity <= small || s.Unknown != 0 || s.Damaged != 0 {
		t.Errorf("the size did not change: %+v, before %d", s, small)
	}
	onlyRecord(t, log, "open", intentOf("open").Record)
	mustKeep(t, mustBegin(t, j, "more"), completing("more"))
	eventually(t, "the record", func() bool { return j.Stats().Kept == 0 })
}

// Bits that flip are found and told with the file's name; their neighbours are
// recovered.
func TestIntentsDamage(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int64{"payload": 1024 + 640 + 200, "entry's header": 1024 + 640 + 35} {
		disk, log := memfs.New(0), newHeldLog()
		j := openIntents(t, smallIntents(disk, log))
		for n := range 5 {
			mustBegin(t, j, fmt.Sprint("call-", n))
		}
		disk = disk.CrashLosing()
		if err := disk.Corrupt(intentsDir+"/intents-00", at-640+512, 4); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cfg := smallIntents(disk, log)
		cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
		j = openIntents(t, cfg)
		damage := j.Damage()
		var d *gateway.IntentsDamage
		if len(damage) != 1 || !errors.As(damage[0], &d) || !strings.HasSuffix(d.File, "intents-00") || d.Entries != 1 || !strings.Contains(out.String(), "intents-00") {
			t.Errorf("%s: damage %v, logged %s", name, damage, out.String())
			continue
		}
		if copied, err := disk.ReadFile(d.Copy); err != nil || len(copied) != 2560 {
			t.Errorf("%s: the copy has %d bytes, %v", name, len(copied), err)
		}
		if got := len(log.all()); got != 4 {
			t.Errorf("%s: %d of 4 neighbours were recovered", name, got)
		}
	}
}

// A file without a header, and one that is gone, take their neighbours not with
// them.
func TestIntentsDamagedFile(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	j := openIntents(t, smallIntents(disk, log))
	for n := range 8 {
		mustBegin(t, j, fmt.Sprint("call-", n))
	}
	disk = disk.CrashLosing()
	for _, at := range []int64{20, 532} {
		if err := disk.Corrupt(intentsDir+"/intents-01", at, 4); err != nil {
			t.Fatal(err)
		}
	}
	clone := disk.Clone()
	j = openIntents(t, smallIntents(disk, log))
	if got := len(log.all()); got != 8 || len(j.Damage()) != 1 {
		t.Errorf("%d of 8 calls were recovered from a file without a header, damage %v", got, j.Damage())
	}
	log = newHeldLog()
	if err := clone.Remove(intentsDir + "/intents-01"); err != nil {
		t.Fatal(err)
	}
	j = openIntents(t, smallIntents(clone, log))
	if got := len(log.all()); got < 5 || got == 8 || len(j.Damage()) != 1 {
		t.Errorf("%d of 8 calls were recovered without a file, damage %v", got, j.Damage())
	}
}

// Damage that is met when a call's entry is carried is told; the call can be
// kept all the same.
func TestIntentsDamageWhileOpen(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	j := openIntents(t, smallIntents(disk, log))
	long := mustBegin(t, j, "long")
	if err := disk.Corrupt(intentsDir+"/intents-00", 1024+100, 1); err != nil {
		t.Fatal(err)
	}
	other := mustBegin(t, j, "other")
	for n := 0; j.Stats().Damaged == 0 && n < 500; n++ {
		mustBegin(t, j, fmt.Sprint("call", n)).Done()
	}
	if s := j.Stats(); s.Damaged != 1 || j.Err() != nil || s.Carried == 0 {
		t.Fatalf("%+v, %v", s, j.Err())
	}
	mustKeep(t, long, completing("long"))
	eventually(t, "the record", func() bool { return j.Stats().Kept == 0 })
	onlyRecord(t, log, "long", completing("long"))
	other.Done()
	if s := j.Stats(); s.Bytes != 0 || s.Open != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

func TestIntentsOfANewerVersion(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	if err := openIntents(t, smallIntents(disk, log)).Close(); err != nil {
		t.Fatal(err)
	}
	f, err := disk.OpenFile(intentsDir+"/intents-05", 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(newerIntentsHeader(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.OpenIntents(smallIntents(disk, log)); err == nil || !strings.Contains(err.Error(), "intents-05 has format version 2") {
		t.Errorf("OpenIntents: %v", err)
	}
}

// slowFS holds up syncs while its gate is locked.
type slowFS struct {
	durable.FS
	gate *sync.Mutex
}

type slowFile struct {
	durable.File
	gate *sync.Mutex
}

func (s slowFS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := s.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return slowFile{f, s.gate}, nil
}

func (f slowFile) Sync() error {
	f.gate.Lock()
	defer f.gate.Unlock()
	return f.File.Sync()
}

// A caller who gives up while the disk hangs is let go, and leaves nothing
// open. The callers who come meanwhile share one sync.
func TestIntentsSlowDisk(t *testing.T) {
	t.Parallel()
	disk, log := memfs.New(0), newHeldLog()
	gate := &sync.Mutex{}
	cfg := smallIntents(slowFS{disk, gate}, log)
	cfg.Space *= 16
	j := openIntents(t, cfg)
	gate.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := j.Begin(ctx, intentOf("gone"))
		gone <- err
	}()
	eventually(t, "the intent", func() bool { return j.Stats().Bytes > 0 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("Begin with a context that was cancelled: %v", err)
	}
	one := j.Stats().Bytes
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			p, err := j.Begin(context.Background(), intentOf(fmt.Sprint("call", n)))
			if err != nil {
				t.Error(err)
				return
			}
			p.Done()
		})
	}
	eventually(t, "all callers", func() bool { return j.Stats().Bytes >= 20*one })
	before := j.Stats().Syncs
	gate.Unlock()
	wg.Wait()
	if s := j.Stats(); s.Open != 0 || s.Bytes != 0 || s.Syncs-before > 5 {
		t.Errorf("%d syncs for 21 callers: %+v", s.Syncs-before, s)
	}
}

// One bit flips anywhere in a journal that was closed cleanly: at most the entry
// that it is in is lost, and that is told.
func TestIntentsBitFlips(t *testing.T) {
	t.Parallel()
	made := writeIntents(t)
	lost := 0
	for _, name := range made.Names() {
		for at := int64(0); at < 2560; at += 32 {
			disk, log := made.Clone(), newHeldLog()
			if err := disk.Corrupt(name, at+at/32%32, 1<<(at/32%8)); err != nil {
				t.Fatal(err)
			}
			j, err := gateway.OpenIntents(smallIntents(disk, log))
			if err != nil {
				t.Fatalf("%s, byte %d: %v", name, at, err)
			}
			missing := 0
			for id, want := range map[string][]byte{"carried": intentOf("carried").Record, "open": intentOf("open").Record, "kept": completing("kept")} {
				switch got := log.all()[id]; {
				case len(got) == 0:
					missing++
				case len(got) > 1 || got[0] != string(want) && got[0] != string(intentOf(id).Record):
					t.Errorf("%s, byte %d: %s has %q", name, at, id, got)
				}
			}
			if missing > 1 || missing == 1 && len(j.Damage()) == 0 {
				t.Errorf("%s, byte %d: %d calls are missing, damage told: %v", name, at, missing, j.Damage())
			}
			lost += missing
			j.Close()
		}
	}
	if lost == 0 {
		t.Error("no flip hit an entry that is needed")
	}
}
