package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"cairn/server"
)

// childVariable holds the role of a child process: "backend", "bare URL" or
// "cairn DIR URL".
const childVariable = "GATEWAY_BENCH_CHILD"

// A serving is what a child says once it answers requests.
type serving struct {
	Address string             // host and port
	Key     server.Credentials // of Cairn's operator
}

// runChild plays its role until its standard input ends: it never outlives its
// parent.
func runChild(ctx context.Context, role string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	ready := func(s serving) { _ = json.NewEncoder(os.Stdout).Encode(s) } // a parent that is gone ends stdin, too
	words := strings.Split(role, " ")
	switch {
	case words[0] == "backend" && len(words) == 1:
		return serveHandler(ctx, backend(), ready)
	case words[0] == "bare" && len(words) == 2:
		h, err := bareProxy(words[1])
		if err != nil {
			return err
		}
		return serveHandler(ctx, h, ready)
	case words[0] == "cairn" && len(words) == 3:
		return serveCairn(ctx, words[1], words[2], ready)
	}
	return fmt.Errorf("there is no role %q", role)
}

func serveHandler(ctx context.Context, h http.Handler, ready func(serving)) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	ready(serving{Address: l.Addr().String()})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bareProxy is the standard library's reverse proxy as it comes, but that it
// keeps as many idle connections as there are clients.
func bareProxy(upstream string) (http.Handler, error) {
	to, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = busyConnections * 2
	transport.DisableCompression = true
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.Host = r.In.Host
		},
	}, nil
}

// Sizes of the objects, in bytes.
const (
	smallObject = 1 << 10
	largeObject = 64 << 20
)

// backend answers reads with an object of the size that its name says, and takes
// whatever is written.
func backend() http.Handler {
	content := make([]byte, 1<<20)
	for i := range content {
		content[i] = byte(i)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
		w.Header().Set("Etag", `"d41d8cd98f00b204e9800998ecf8427e"`)
		if r.Method != http.MethodGet {
			_, _ = io.Copy(io.Discard, r.Body) // a client that is gone needs no answer
			return
		}
		left, err := strconv.Atoi(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(left))
		for left > 0 {
			n, err := w.Write(content[:min(left, len(content))])
			if err != nil {
				return
			}
			left -= n
		}
	})
}

// A process is a child that serves.
type process struct {
	serving
	cmd  *exec.Cmd
	stop func() error
}

// start runs a child in a role.
func start(ctx context.Context, role string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	// Told to stop by the end of its input, it closes its store in order.
	cmd.Cancel = stdin.Close
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	p := &process{cmd: cmd, stop: func() error {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s ended: %w", role, err)
		}
		return nil
	}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not start", role), p.stop())
	}
	if err := json.Unmarshal(line, &p.serving); err != nil {
		return nil, errors.Join(fmt.Errorf("read what %s says: %w", role, err), p.stop())
	}
	return p, nil
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
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}

// peak is the most memory that a process has had resident, in bytes; 0 where the
// system does not tell.
func (p *process) peak() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
