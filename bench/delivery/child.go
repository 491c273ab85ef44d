package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"
)

// childVariable holds the spec in a child's environment.
const childVariable = "DELIVERY_BENCH_CHILD"

// A spec says what one child process does. Each measurement has a process of its
// own, so that processor time and memory are its alone.
type spec struct {
	Task    task
	Dir     string   // the data directory, which is made
	Events  string   // the event log's directory
	N       int      // events of the backlog
	Trails  scenario // of taskDeliver
	Sum     contents // of the backlog
	Chain   chainSpec
	Profile string // file for a processor profile; none if empty
}

type task string

const (
	taskFill    task = "fill"    // append a backlog
	taskDeliver task = "deliver" // deliver it, and compare
	taskChain   task = "chain"   // make a digest chain that ends now, and serve it
	taskServe   task = "serve"   // serve an empty bucket
)

// runChild does what the spec says and writes a result as JSON, in one line. It
// stops when its standard input ends: it never outlives its parent.
func runChild(ctx context.Context, text string, stdin io.Reader, out io.Writer) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("read the child's spec: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, stdin)
		stop()
	}()
	say := func(result any) error { return json.NewEncoder(out).Encode(result) }
	switch s.Task {
	case taskFill:
		return s.fill(ctx, say)
	case taskDeliver:
		return s.deliver(ctx, say)
	case taskChain:
		return s.chain(ctx, say)
	case taskServe:
		return s.serve(ctx, say)
	}
	return fmt.Errorf("there is no task %q", s.Task)
}

// profiled runs one step, with a profile of it if one is wanted.
func (s *spec) profiled(do func() error) (err error) {
	if s.Profile == "" {
		return do()
	}
	f, err := os.Create(s.Profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return do()
}

// A process is a child at work.
type process struct {
	pid  int
	stop func() error // waits until it has ended
}

// start starts a child and reads what it says first.
func (b *bench) start(ctx context.Context, s spec, profile string, said any) (*process, error) {
	if b.profile != "" && profile != "" {
		s.Profile = filepath.Join(b.profile, profile+".pprof")
	}
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
	// A group of its own, so that an interrupt from the terminal comes from here
	// alone, and the child has time to close its stores.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel = stdin.Close
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a child process: %w", err)
	}
	p := &process{pid: cmd.Process.Pid, stop: func() error {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("the child process for task %s ended: %w", s.Task, err)
		}
		return ctx.Err()
	}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, said)
	}
	if err != nil {
		if ended := p.stop(); ended != nil {
			return nil, ended
		}
		return nil, fmt.Errorf("read what the child process for task %s says: %w", s.Task, err)
	}
	return p, nil
}

// do runs a child to its end.
func (b *bench) do(ctx context.Context, s spec, profile string, result any) error {
	p, err := b.start(ctx, s, profile, result)
	if err != nil {
		return err
	}
	return p.stop()
}
