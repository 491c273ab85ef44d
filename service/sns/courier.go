package sns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"cairn/catalog"
	"cairn/internal/egress"
)

// sweepInterval is how often Run looks for what nobody needs any more.
const sweepInterval = time.Hour

// Run delivers messages until ctx is done, and returns when no attempt is under
// way. What was not delivered then stays queued.
func (s *Service) Run(ctx context.Context) {
	var couriers sync.WaitGroup
	defer couriers.Wait()
	s.recover(ctx)
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		for _, l := range s.queue.idle() {
			couriers.Go(func() { s.work(ctx, l) })
		}
		select {
		case <-ctx.Done():
			return
		case <-s.queue.wake:
		case <-ticker.C:
			if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Logger.Warn("some rows of SNS could not be removed", "error", err)
			}
		}
	}
}

// idle returns the lines that no courier works on, which now one must.
func (q *queue) idle() (lines []*line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lines {
		if !l.working {
			l.working = true
			lines = append(lines, l)
		}
	}
	return lines
}

// work is the courier of one subscription. It ends with its line.
func (s *Service) work(ctx context.Context, l *line) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	places := make(chan struct{}, lineAttempts)
	for {
		s.refill(l)
		d, wait, closed := s.queue.next(l, time.Now())
		if closed {
			return
		}
		if d == nil {
			if !pause(ctx, l.changed, wait) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case places <- struct{}{}:
		}
		perSecond := s.perSecond(l)
		if !pause(ctx, nil, l.pace.wait(time.Now(), perSecond)) {
			return
		}
		attempts.Go(func() {
			defer func() { <-places }()
			s.queue.back(l, d, s.attempt(ctx, l, d))
		})
	}
}

// pause waits for a time or a notice. It returns false if ctx is done.
func pause(ctx context.Context, changed <-chan struct{}, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-timer.C:
	}
	return true
}

// A pace spreads attempts over time.
type pace struct{ next time.Time }

// wait returns how long to wait before the next attempt.
func (p *pace) wait(now time.Time, perSecond int) time.Duration {
	if perSecond == 0 {
		return 0
	}
	if p.next.Before(now) {
		p.next = now
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(time.Second / time.Duration(perSecond))
	return wait
}

func (s *Service) perSecond(l *line) int {
	sub, t, err := s.subscriptionOfLine(l)
	if err != nil || sub == nil {
		return 0
	}
	return policyFor(t, sub).perSecond
}

func (s *Service) subscriptionOfLine(l *line) (*subscription, *topic, error) {
	parts := catalog.SplitKey(l.subscription)
	return s.loadSubscription(topicName{parts[0], parts[1], parts[2]}, parts[3])
}

// storeTrouble is how long a courier waits when the catalog fails.
const storeTrouble = time.Minute

// attempt tries to deliver a message once, and says when to try again, nil if it is
// settled.
func (s *Service) attempt(ctx context.Context, l *line, d *delivery) *trial {
	next, err := s.try(ctx, l, d)
	if ctx.Err() != nil {
		return &d.trial // it stays queued as it was, for the next start
	}
	if err == nil {
		err = s.settle(d.key, catalog.SplitKey(l.subscription)[3], next)
	}
	if err != nil {
		s.cfg.Logger.Error("a message of SNS could not be taken from its queue", "subscription", l.subscription, "error", err)
		return &trial{Failed: d.Failed, Next: time.Now().Add(storeTrouble)}
	}
	return next
}

// try delivers a message. The error is of the catalog; an endpoint's is followed by
// another trial, or by none if the policy has no more.
func (s *Service) try(ctx context.Context, l *line, d *delivery) (*trial, error) {
	row, _, err := s.pending().Get(d.key)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sub, t, err := s.subscriptionOfLine(l)
	if err != nil || sub == nil {
		return nil, err // nobody is there to take it
	}
	m, err := s.load(d.key, &row)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, waits := row.Waiting[sub.id]; !waits || !sub.takes(m) {
		return nil, nil
	}
	policy := policyFor(t, sub)
	// The message, its envelope and what encodes it.
	memory, size := s.queue.memoryOf(m.account), 4*m.size()
	if err := memory.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer memory.Release(size)
	failure := s.send(ctx, m, sub, t, &policy)
	if failure == nil {
		return nil, nil
	}
	if failure.permanent || d.Failed >= policy.retry.NumRetries {
		s.cfg.Logger.Warn("a message was given up", "topic", t.arn(), "subscription", sub.arn(), "message", m.ID,
			"attempts", d.Failed+1, "error", failure.err)
		return nil, nil
	}
	failed := d.Failed + 1
	return &trial{Failed: failed, Next: time.Now().Add(policy.retry.delay(failed)).UTC()}, nil
}

// takes reports whether a subscription is in the state that a message is for.
func (sub *subscription) takes(m *message) bool {
	switch m.Type {
	case typeSubscribe:
		return sub.State == pendingState
	case typeUnsubscribe:
		return sub.State == endedState
	}
	return sub.State == confirmedState
}

// A failure is why an endpoint did not take a message.
type failure struct {
	err       error
	permanent bool // to try again would not help
}

// maxAnswerBytes is how much of an endpoint's answer is read, so that the
// connection can be used again.
const maxAnswerBytes = 64 << 10

// send makes one request to an endpoint.
func (s *Service) send(ctx context.Context, m *message, sub *subscription, t *topic, policy *deliveryPolicy) *failure {
	body, err := s.body(m, sub, t)
	if err != nil {
		return &failure{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return &failure{err, true}
	}
	r.Header.Set("Content-Type", policy.contentType)
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("X-Amz-Sns-Message-Type", m.Type)
	r.Header.Set("X-Amz-Sns-Message-Id", m.ID)
	r.Header.Set("X-Amz-Sns-Topic-Arn", t.arn())
	if m.Type != typeSubscribe {
		r.Header.Set("X-Amz-Sns-Subscription-Arn", sub.arn())
	}
	if sub.raw(m) {
		r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	resp, err := s.client.Do(r)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the URL, which may have secrets in it
		}
		var refused *egress.RefusedError
		return &failure{err, errors.As(err, &refused)}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswerBytes)
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return &failure{err: fmt.Errorf("the endpoint answered %s", resp.Status)}
	}
	return &failure{fmt.Errorf("the endpoint answered %s", resp.Status), true}
}

// raw reports whether a message goes to the endpoint as it is.
func (sub *subscription) raw(m *message) bool { return sub.Raw && m.Type == typeNotification }

// body is what an endpoint gets.
func (s *Service) body(m *message, sub *subscription, t *topic) ([]byte, error) {
	if sub.raw(m) {
		return []byte(m.text(sub.Protocol)), nil
	}
	e := m.envelope(sub, t)
	var err error
	if m.Type == typeNotification {
		e.UnsubscribeURL, err = s.unsubscribeURL(sub)
	} else if e.Token, err = s.token(sub); err == nil {
		e.SubscribeURL = s.subscribeURL(e.TopicARN, e.Token)
	}
	if err != nil {
		return nil, err
	}
	if err := s.sign(e); err != nil {
		return nil, err
	}
	return indent(encode(e))
}
