package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A bench is one run of the command.
type bench struct {
	options
	temp   string // removed at the end
	began  time.Time
	notes  io.Writer
	inputs map[int]*input // by number of records
}

// An input is what engines with one number of records get.
type input struct {
	corpus, classFile string
	classes           []class
	rawBytes          int64
}

// A column is one engine in the table.
type column struct {
	engine string
	n      int
	result *result
	only   bool // lookups only, for the comparison with an engine of fewer records
}

func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	o, err := parseOptions(args, notes)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(o.dir, "eventlog-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	// The user that PostgreSQL runs as must get to its directory inside.
	if err := os.Chmod(temp, 0o711); err != nil {
		return err
	}
	if temp, err = filepath.Abs(temp); err != nil {
		return err
	}
	b := &bench{options: *o, temp: temp, began: time.Now(), notes: notes, inputs: map[int]*input{}}
	b.leaveOutAbsent()
	if len(b.engines) == 0 {
		return errors.New("none of the engines is here")
	}
	var t table
	if t.columns, err = b.measure(ctx); err != nil {
		return err
	}
	if b.small {
		if t.small, err = b.measureSmall(ctx); err != nil {
			return err
		}
	}
	if b.startup && slices.Contains(b.engines, "cairn") {
		if t.startup, err = b.measureStartup(ctx); err != nil {
			return err
		}
	}
	if err := b.compare(t.columns); err != nil {
		return err
	}
	t.options, t.rawBytes = b.options, b.inputs[b.events(b.engines[0])].rawBytes
	return t.print(out)
}

// leaveOutAbsent says which engines this machine does not have.
func (b *bench) leaveOutAbsent() {
	b.engines = slices.DeleteFunc(slices.Clone(b.engines), func(name string) bool {
		if name != "postgres" {
			return false
		}
		_, err := postgresProgram("initdb")
		if err == nil {
			_, err = postgresProgram("postgres")
		}
		if err == nil && os.Geteuid() == 0 {
			_, _, err = ordinaryUser()
		}
		if err != nil {
			fmt.Fprintf(b.notes, "PostgreSQL is left out: %v\n", err)
		}
		return err != nil
	})
}

// input makes the records and queries for n records.
func (b *bench) input(ctx context.Context, n int) (*input, error) {
	if in := b.inputs[n]; in != nil {
		return in, nil
	}
	began := time.Now()
	in := &input{corpus: filepath.Join(b.temp, fmt.Sprintf("corpus-%d", n)), classFile: filepath.Join(b.temp, fmt.Sprintf("classes-%d", n))}
	var err error
	if in.rawBytes, err = writeCorpus(ctx, in.corpus, n); err != nil {
		return nil, err
	}
	c, err := openCorpus(in.corpus)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if in.classes, err = buildClasses(c.records(n)); err != nil {
		return nil, err
	}
	if err := writeJSON(in.classFile, in.classes); err != nil {
		return nil, err
	}
	b.inputs[n] = in
	fmt.Fprintf(b.notes, "%d events, %d MB: made in %.1f s\n", n, in.rawBytes/1e6, time.Since(began).Seconds())
	return in, nil
}

func (b *bench) measure(ctx context.Context) ([]column, error) {
	var columns []column
	for _, engine := range b.engines {
		columns = append(columns, column{engine: engine, n: b.events(engine)})
	}
	// Where an engine has fewer records than Cairn, Cairn answers lookups on as
	// many, so that there is something to compare with.
	if slices.Contains(b.engines, "cairn") {
		for _, c := range slices.Clone(columns) {
			if !slices.ContainsFunc(columns, func(d column) bool { return d.engine == "cairn" && d.n == c.n }) {
				columns = append(columns, column{engine: "cairn", n: c.n, only: true})
			}
		}
	}
	for i := range columns {
		c := &columns[i]
		in, err := b.input(ctx, c.n)
		if err != nil {
			return nil, err
		}
		s := b.spec(c.engine, c.n)
		s.Corpus, s.Classes, s.Check = in.corpus, in.classFile, b.check
		if c.only {
			s.Task = taskLookup
		}
		if c.result, err = b.child(ctx, s); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(s.Dir); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// spec is the measurement of an engine with the default clients and batches.
func (b *bench) spec(engine string, n int) *spec {
	return &spec{
		Task: taskMeasure, Engine: engine, Dir: filepath.Join(b.temp, engine), N: n,
		Clients: b.clients, Batch: b.batch, SegmentEvents: b.segmentEvents(n, b.batch), Began: b.began, Profile: b.profile,
	}
}

// segmentEvents is the length of Cairn's segments: a tenth of the records,
// which is a day of them, as a log that takes so many a day would seal by age;
// whole batches, so that the last record fills the last segment; and no more
// than the log's default.
func (o *options) segmentEvents(n, batch int) int {
	if o.segment > 0 {
		return o.segment
	}
	const most = 262_144
	parts := max(10, (n+most-1)/most)
	return max((n/parts+batch-1)/batch, 1) * batch
}

// compare holds engines with the same records against each other.
func (b *bench) compare(columns []column) error {
	var differences []string
	compared := 0
	for i := range columns {
		for j := range i {
			if columns[i].n == columns[j].n {
				compared += len(columns[i].result.Answers)
				differences = append(differences, compareAnswers(b.inputs[columns[i].n].classes,
					columns[j].engine, columns[j].result.Answers, columns[i].engine, columns[i].result.Answers)...)
			}
		}
	}
	if len(differences) > 0 {
		for _, d := range differences[:min(20, len(differences))] {
			fmt.Fprintln(b.notes, d)
		}
		return fmt.Errorf("%d of %d compared pages differ between engines", len(differences), compared)
	}
	if compared > 0 {
		fmt.Fprintf(b.notes, "%d pages compared between engines, row for row: no difference\n", compared)
	}
	return nil
}

// A smallRow is the measurement of one event a request.
type smallRow struct {
	engine string
	result *result
}

// smallClients append one event a request each.
const smallClients = 64

// smallN bounds the records of the measurement with one event a request.
var smallN = map[string]int{"cairn": 100_000, "postgres": 30_000}

func (b *bench) measureSmall(ctx context.Context) ([]smallRow, error) {
	var rows []smallRow
	for _, engine := range b.engines {
		n := min(smallN[engine], b.events(engine))
		if n == 0 {
			continue
		}
		s := b.spec(engine, n)
		s.Task, s.Corpus = taskIngest, b.inputs[b.events(engine)].corpus
		s.Clients, s.Batch, s.SegmentEvents = smallClients, 1, (n+1)/2
		result, err := b.child(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("one event a request: %w", err)
		}
		rows = append(rows, smallRow{engine, result})
		if err := os.RemoveAll(s.Dir); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// A startupResult says how soon Cairn's log is ready.
type startupResult struct {
	empty, killed *result
	killedBytes   int64 // raw bytes in the log of the killed process
}

// unsealedBytes is how much the killed process had not sealed.
const unsealedBytes = 512 << 20

func (b *bench) measureStartup(ctx context.Context) (*startupResult, error) {
	s := b.spec("cairn", b.n)
	s.Task = taskOpen
	empty, err := b.child(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open an empty store: %w", err)
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		return nil, err
	}
	in := b.inputs[b.n]
	s = b.spec("cairn", b.n)
	s.Task, s.Corpus, s.RawLimit, s.SegmentEvents = taskFill, in.corpus, unsealedBytes, 1<<20
	if err := b.fillAndKill(ctx, s); err != nil {
		return nil, fmt.Errorf("fill a store: %w", err)
	}
	s.Task, s.Corpus = taskOpen, ""
	killed, err := b.child(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open the store of a killed process: %w", err)
	}
	return &startupResult{empty, killed, min(in.rawBytes, unsealedBytes)}, os.RemoveAll(s.Dir)
}

// child runs a measurement in a process of its own.
func (b *bench) child(ctx context.Context, s *spec) (*result, error) {
	began := time.Now()
	cmd, err := b.command(ctx, s)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	err = cmd.Run()
	stopOrphan(s.Dir)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s with %d events: %w", s.Engine, s.N, err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("%s with %d events: read its result: %w", s.Engine, s.N, err)
	}
	fmt.Fprintf(b.notes, "%s, %s, %d events: %.1f s\n", s.Engine, s.Task, s.N, time.Since(began).Seconds())
	return &r, nil
}

func (b *bench) command(ctx context.Context, s *spec) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = b.notes
	// A group of its own, so that an interrupt from the terminal comes once,
	// from here, and the child has time to stop a server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 90 * time.Second
	return cmd, nil
}

// fillAndKill runs a child until it has appended everything and then kills
// it, as a crash would.
func (b *bench) fillAndKill(ctx context.Context, s *spec) error {
	cmd, err := b.command(ctx, s)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	killErr := cmd.Process.Kill()
	cmd.Wait() // killed is what it is meant to be
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if strings.TrimSpace(line) != "filled" {
		return errors.New("the child ended too early")
	}
	return killErr
}

// stopOrphan stops the PostgreSQL server that a child left behind when it was
// killed. Its process ID stands in the first line of the server's lock file.
func stopOrphan(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 1 {
		return
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != filepath.Join(dir, "data") {
		return // not that server any more
	}
	syscall.Kill(pid, syscall.SIGQUIT)
	for range 100 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
