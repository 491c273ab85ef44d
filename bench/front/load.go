package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cairn/internal/sigv4"
)

// A call is one request to send.
type call struct {
	service, path, target, contentType string
	body                               []byte
}

// A peer is a server under load.
type peer struct {
	url         string
	credentials sigv4.Credentials
	client      *http.Client
}

func newPeer(url string, credentials sigv4.Credentials) *peer {
	return &peer{url: url, credentials: credentials, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}}
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.status, e.body) }

// send signs and sends a call, and returns its answer.
func (p *peer) send(ctx context.Context, c *call) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+c.path, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", c.contentType)
	if c.target != "" {
		r.Header.Set("X-Amz-Target", c.target)
	}
	if err := sigv4.Sign(r, sigv4.HashPayload(c.body), p.credentials, c.service, region, time.Now()); err != nil {
		return nil, err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = &statusError{answer.StatusCode, string(body)}
	}
	return body, err
}

// A load is what was measured of one kind of calls.
type load struct {
	calls    int
	p50, p99 time.Duration
	rate     float64       // calls a second
	cpu      time.Duration // of the server, for each call; 0 if not known
}

// drive sends calls from so many connections, each one after the other, until
// the time is over or there are no more.
func (p *peer) drive(ctx context.Context, connections int, period time.Duration, next func(i int) *call) (load, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		all   []time.Duration
		errs  []error
		count atomic.Int64
	)
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range connections {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil && time.Since(began) < period {
				c := next(int(count.Add(1) - 1))
				if c == nil {
					break
				}
				at := time.Now()
				if _, err = p.send(ctx, c); err == nil {
					took = append(took, time.Since(at))
				}
			}
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
