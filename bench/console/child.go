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
	"strings"
	"time"

	"cairn/eventlog"
	"cairn/internal/eventgen"
	"cairn/server"
)

// childVariable holds the data directory in the environment of the process that
// serves it.
const childVariable = "CONSOLE_BENCH_CHILD"

// account is whose history is measured: the busiest of package eventgen. Its
// root user is the operator, who sees the events of all accounts.
var account, region = eventgen.Scopes[0].Account, eventgen.Scopes[0].Region

// A serving is what a child says once it answers requests.
type serving struct {
	Address server.Address
	Key     server.Credentials
}

// runChild serves a data directory, with the defaults but for the rates, until
// its standard input ends: it never outlives its parent.
func runChild(ctx context.Context, data string) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := server.Open(server.Config{
		Data: data, Listen: "127.0.0.1:0", ConsoleListen: "127.0.0.1:0", AccountID: account, Region: region, Regions: []string{region, "eu-west-1"}, Retention: eventlog.Forever,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return s.Serve(ctx, func(a server.Address, key *server.Credentials) {
		if key == nil {
			stop()
			return
		}
		_ = json.NewEncoder(os.Stdout).Encode(serving{a, *key}) // a parent that is gone ends stdin, too
	})
}

// A process is a server that runs beside the bench.
type process struct {
	cmd  *exec.Cmd
	stop func() error
}

// startCairn serves a new data directory in a child process.
func startCairn(ctx context.Context, data string) (*process, *serving, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+data)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	// Told to stop by the end of its input, it closes its store in order.
	cmd.Cancel = stdin.Close
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the server: %w", err)
	}
	p := &process{cmd: cmd, stop: func() error {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("the server ended: %w", err)
		}
		return nil
	}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, nil, errors.Join(errors.New("the server did not start"), p.stop())
	}
	var s serving
	if err := json.Unmarshal(line, &s); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read what the server says: %w", err), p.stop())
	}
	return p, &s, nil
}

// memory is what a process has in memory, in bytes; 0 where the system does not tell.
func (p *process) memory() (now int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(b), "VmRSS:"); ok {
		_, _ = fmt.Sscan(rest, &now) // stays 0
	}
	return now << 10
}
