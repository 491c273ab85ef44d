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
	"cairn/internal/sigv4"
	"cairn/server"
)

// childVariable holds the data directory in the environment of the process that
// serves it.
const childVariable = "FRONT_BENCH_CHILD"

// account is whose history is measured: the busiest of package eventgen. Its
// root user is the operator, who may post events of all accounts.
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
		Data: data, Listen: "127.0.0.1:0", AccountID: account, Region: region, Regions: []string{region, "eu-west-1"}, Retention: eventlog.Forever,
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

func (s *serving) credentials() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: s.Key.AccessKeyID, SecretAccessKey: s.Key.Secret}
}

// cpu is the processor time that a process has used, or 0 where the system does
// not tell.
func (p *process) cpu() time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Go runs on Linux
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	var user, system int64
	if len(fields) < 13 {
		return 0
	}
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}
