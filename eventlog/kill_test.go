package eventlog_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/eventgen"
)

// The environment of a writer process: the log's directory, the key that signs
// its seals, and the number of its run.
const (
	writerDir = "CAIRN_TEST_WRITER_DIR"
	writerKey = "CAIRN_TEST_WRITER_KEY"
	writerRun = "CAIRN_TEST_WRITER_RUN"
)

const writers = 4

// killConfig is the configuration of the log that writers are killed on.
func killConfig(dir string, signer note.Signer) eventlog.Config {
	return eventlog.Config{Dir: dir, Signer: signer, Retention: eventlog.Forever, SegmentEvents: 800, ReserveBytes: -1}
}

// writeUntilKilled is the writer process. It tells each batch before it
// appends it and each acknowledgement after, a line each: "+" or "=", the
// batch's name, the number of its records, and, of an acknowledgement, their
// seqs.
func writeUntilKilled(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	signer, err := note.NewSigner(os.Getenv(writerKey))
	if err != nil {
		fail(err)
	}
	cfg := killConfig(dir, signer)
	cfg.Verifiers = verifiersOf(signer, os.Getenv(writerKey+"_PUBLIC"))
	l, err := eventlog.Open(cfg)
	if err != nil {
		fail(err)
	}
	fmt.Println("ready")
	run, _ := strconv.Atoi(os.Getenv(writerRun))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			random := seeded(run*writers + w)
			for n := 0; ; n++ {
				name := fmt.Sprintf("%d.%d.%d", run, w, n)
				records := namedBatch(name, 1+random.IntN(50))
				line := fmt.Sprintf("+ %s %d\n", name, len(records))
				os.Stdout.WriteString(line)
				results, err := l.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginPosted, Records: records})
				if err != nil {
					fail(err)
				}
				out := fmt.Appendf(nil, "= %s %d", name, len(records))
				for _, r := range results {
					if r.Status != eventlog.Stored {
						fail(fmt.Errorf("a record is %v: %v", r.Status, r.Err))
					}
					out = fmt.Appendf(out, " %d", r.Seq)
				}
				os.Stdout.Write(append(out, '\n'))
			}
		})
	}
	wg.Wait()
}

func verifiersOf(_ note.Signer, public string) note.Verifiers {
	v, err := note.NewVerifier(public)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return note.VerifierList(v)
}

// namedBatch makes a batch whose bytes follow from its name. Event i of the
// batch has the event ID "name/i".
func namedBatch(name string, n int) [][]byte {
	seed := uint64(0)
	for _, c := range []byte(name) {
		seed = seed*31 + uint64(c)
	}
	g := sharedGenerator(seed)
	records := make([][]byte, n)
	for i := range records {
		records[i] = made{id: fmt.Sprintf("%s/%d", name, i), user: g.user, name: g.name, at: epoch.Add(time.Duration(seed%100000+uint64(i)) * time.Second), text: g.text}.raw()
	}
	return records
}

type flavour struct{ user, name, text string }

var pool = sync.OnceValue(func() []cairn.Record {
	g := eventgen.New(7, eventgen.Options{Events: 1000})
	records := make([]cairn.Record, 64)
	for i := range records {
		if err := records[i].Extract(g.Next(nil)); err != nil {
			panic(err)
		}
	}
	return records
})

// sharedGenerator picks what the events of a batch are like.
func sharedGenerator(seed uint64) flavour {
	r := &pool()[seed%64]
	return flavour{user: r.Username, name: r.EventName, text: strings.Repeat(r.EventName, int(seed%23))}
}

// A killed writer loses nothing that it was told is stored. The page cache
// survives it, so this is about the process's own memory and the order of its
// steps; power cuts are simulated elsewhere.
func TestKillNine(t *testing.T) {
	t.Parallel()
	private, public, err := note.GenerateKey(rand.Reader, "cairn/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	cfg := killConfig(t.TempDir(), signer)
	cfg.Verifiers = verifiersOf(signer, public)
	random := seeded(1)
	acked := map[string]kept{} // by event ID
	sent := map[string]int{}   // batches and their sizes
	cycles := scale(8, 100, 2000)
	begun, whole := 0, 0
	for run := range cycles {
		delay := time.Duration(5+random.IntN(40)) * time.Millisecond
		if random.IntN(10) == 0 {
			delay = time.Duration(50+random.IntN(450)) * time.Millisecond / time.Duration(scale(4, 3, 1))
		}
		early := random.IntN(4) == 0
		if early {
			delay /= 2
		}
		out := killed(t, delay, early, writerDir+"="+cfg.Dir, writerKey+"="+private, writerKey+"_PUBLIC="+public, writerRun+"="+strconv.Itoa(run))
		begun++
		for line := range strings.Lines(out) {
			fields := strings.Fields(line)
			if len(fields) < 3 || !strings.HasSuffix(line, "\n") {
				continue // "ready", or cut off by the kill
			}
			name := fields[1]
			n, _ := strconv.Atoi(fields[2])
			if fields[0] == "+" {
				sent[name] = n
				continue
			}
			whole++
			for i, raw := range namedBatch(name, n) {
				seq, err := strconv.ParseUint(fields[3+i], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				acked[fmt.Sprintf("%s/%d", name, i)] = kept{seq: seq, raw: string(raw)}
			}
		}
		// The check of everything costs more as the log grows.
		if run%10 == 9 || run == cycles-1 {
			verifyKilled(t, cfg, run, acked, sent)
		}
	}
	if whole == 0 {
		t.Fatal("no batch was acknowledged in any run")
	}
	t.Logf("%d runs, %d batches and %d events acknowledged", begun, whole, len(acked))
}

// killed runs a writer, kills it and returns what it wrote.
func killed(t *testing.T, after time.Duration, early bool, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), env...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var fired atomic.Bool
	r := bufio.NewReader(pipe)
	kill := func() { fired.Store(true); cmd.Process.Kill() }
	var timer *time.Timer
	if early {
		timer = time.AfterFunc(after, kill) // while it starts, or soon after
	}
	// Else it lives until something was acknowledged, and a while longer.
	var out strings.Builder
	for !early {
		line, err := r.ReadString('\n')
		out.WriteString(line)
		if err != nil {
			break
		}
		if line[0] == '=' {
			timer = time.AfterFunc(after, kill)
			break
		}
	}
	rest, readErr := io.ReadAll(r)
	waitErr := cmd.Wait()
	if timer != nil {
		timer.Stop()
	}
	if readErr != nil || !fired.Load() {
		t.Fatalf("the writer ended by itself: %v %v\n%s", readErr, waitErr, failed.String())
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("the writer ended by itself: %v\n%s", waitErr, failed.String())
	}
	out.Write(rest)
	return out.String()
}

func verifyKilled(t *testing.T, cfg eventlog.Config, run int, acked map[string]kept, sent map[string]int) {
	t.Helper()
	mustBeClean(t, cfg, nil, false)
	l, err := eventlog.Open(cfg)
	if err != nil {
		t.Fatalf("after run %d: %v", run, err)
	}
	defer l.Close()
	seen := map[string]bool{}
	perBatch := map[string]int{}
	records, damage := readAll(l)
	if len(damage) > 0 {
		t.Fatalf("after run %d: %v", run, damage)
	}
	for i, k := range records {
		var r cairn.Record
		if err := r.Extract([]byte(k.raw)); err != nil {
			t.Fatal(err)
		}
		name, number, _ := strings.Cut(r.EventID, "/")
		n, known := sent[name]
		at, _ := strconv.Atoi(number)
		a, isAcked := acked[r.EventID]
		switch {
		case k.seq != uint64(i):
			t.Fatalf("after run %d: record %d has seq %d", run, i, k.seq)
		case seen[r.EventID]:
			t.Fatalf("after run %d: event %s is there twice", run, r.EventID)
		case !known || at >= n:
			t.Fatalf("after run %d: event %s was never sent", run, r.EventID)
		case isAcked && (a.raw != k.raw || a.seq != k.seq):
			t.Fatalf("after run %d: event %s is not what was acknowledged", run, r.EventID)
		}
		seen[r.EventID] = true
		perBatch[name]++
	}
	for name, n := range perBatch {
		if n != sent[name] {
			t.Fatalf("after run %d: batch %s has %d records of %d", run, name, n, sent[name])
		}
	}
	i := 0
	for id, a := range acked {
		if !seen[id] {
			t.Fatalf("after run %d: event %s was acknowledged and is lost", run, id)
		}
		if i++; i%37 != 0 {
			continue // by ID a sample of them
		}
		events := lookup(t, l, byID(id))
		if len(events) != 1 || string(events[0].Raw) != a.raw || events[0].Seq != a.seq {
			t.Fatalf("after run %d: %d events have the ID %s", run, len(events), id)
		}
	}
}
