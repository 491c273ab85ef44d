package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"cairn/internal/sigv4"
)

// region is where the calls are signed for.
const region = "us-east-1"

// A call is a signed request as it goes over the wire. Its signature is good for
// some minutes, so that sending it again costs the load nothing.
type call struct {
	head []byte
	body int64 // zeros behind the head
}

// newCall signs a call of S3 for an address.
func newCall(address, method, path string, body int64, key sigv4.Credentials) (*call, error) {
	r, err := http.NewRequest(method, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.26 api/s3#1.58.2")
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	if err := sigv4.Sign(r, "UNSIGNED-PAYLOAD", key, "s3", region, time.Now()); err != nil {
		return nil, err
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, address)
	if method == http.MethodPut {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", body)
	}
	if err := r.Header.Write(&head); err != nil {
		return nil, err
	}
	head.WriteString("\r\n")
	return &call{head.Bytes(), body}, nil
}

// A load is what was measured of one kind of calls.
type load struct {
	calls    int
	p50, p99 time.Duration
	rate     float64       // calls a second
	cpu      time.Duration // of the proxy, for each call; 0 if there is none
}

// A connection sends calls one after the other. It takes as little of the
// processors as it can, because proxy and backend have to share them.
type connection struct {
	net.Conn
	in   *bufio.Reader
	stop func() bool
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, 64<<10), context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

func (c *connection) close() {
	c.stop()
	_ = c.Conn.Close()
}

var zeros = make([]byte, 1<<20)

// send sends a call and reads its answer to the end.
func (c *connection) send(call *call) error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if call.body > 0 && call.body <= smallObject {
		if _, err := c.Write(append(slices.Clone(call.head), zeros[:call.body]...)); err != nil {
			return err
		}
	} else {
		if _, err := c.Write(call.head); err != nil {
			return err
		}
		for left := call.body; left > 0; {
			n, err := c.Write(zeros[:min(left, int64(len(zeros)))])
			if err != nil {
				return err
			}
			left -= int64(n)
		}
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// drive sends calls from so many connections, each one after the other, until
// the time is over.
func drive(ctx context.Context, address string, connections int, period time.Duration, calls []*call) (load, error) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		all  []time.Duration
		errs []error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	for n := range connections {
		wg.Go(func() {
			took, err := driveOne(ctx, address, began.Add(period), calls, n)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				errs = append(errs, err)
				cancel()
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if len(errs) > 0 {
		return load{}, errs[0]
	}
	if len(all) == 0 {
		return load{}, errors.New("no call was answered in time")
	}
	slices.Sort(all)
	return load{calls: len(all), p50: all[len(all)/2], p99: all[len(all)*99/100], rate: float64(len(all)) / elapsed.Seconds()}, nil
}

func driveOne(ctx context.Context, address string, end time.Time, calls []*call, first int) (took []time.Duration, err error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for i := first; time.Now().Before(end); i++ {
		at := time.Now()
		if err := c.send(calls[i%len(calls)]); err != nil {
			return nil, err
		}
		took = append(took, time.Since(at))
	}
	return took, nil
}
