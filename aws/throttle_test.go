package aws_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cairn/aws"
)

// An operation has its rate in each account and region, with the status that
// AWS's clients retry on.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cfg) { c.Throttle = true })
	slow := request{target: "CloudTrail_20131101.Slow"}
	burst := func(q request) (passed int) {
		t.Helper()
		for range 5 {
			r := w.send(t, q)
			if r.StatusCode == 200 {
				passed++
				continue
			}
			wantRefusal(t, r, "ThrottlingException", 400)
		}
		return passed
	}
	step := func(d time.Duration) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.clock = w.clock.Add(d)
	}
	if n := burst(slow); n != 2 {
		t.Errorf("%d calls at once", n)
	}
	elsewhere := slow
	elsewhere.region = "eu-west-1"
	if n := burst(elsewhere); n != 2 {
		t.Errorf("%d calls at once in another region", n)
	}
	if r := w.send(t, request{service: "iam", body: "Action=Slow"}); r.StatusCode != 200 {
		t.Errorf("another service: %d", r.StatusCode)
	}
	if r := w.send(t, echoJSON(`{"Must":"x"}`)); r.StatusCode != 200 {
		t.Errorf("an operation without a rate: %d", r.StatusCode)
	}
	step(500 * time.Millisecond)
	if n := burst(slow); n != 1 {
		t.Errorf("%d calls after half a second", n)
	}
	step(10 * time.Minute)
	if n := burst(slow); n != 2 {
		t.Errorf("%d calls at once after ten minutes", n)
	}
	// A clock that steps back neither blocks nor gives more than a burst.
	step(-5 * time.Minute)
	if n := burst(slow); n != 0 {
		t.Errorf("%d calls after the clock stepped back", n)
	}
	step(time.Second)
	if n := burst(slow); n != 2 {
		t.Errorf("%d calls a second later", n)
	}
	// Throttled calls are recorded like all others.
	w.wantEvents(t, 5*6+2, 0)
	last := w.calls[len(w.calls)-1]
	if last.Err == nil || last.Err.Code != "ThrottlingException" {
		t.Errorf("the last record has the error %v", last.Err)
	}
	for range 5 {
		wantFormThrottled(t, w)
	}

	off := newWorld(t, nil)
	for range 20 {
		if r := off.send(t, slow); r.StatusCode != 200 {
			t.Fatalf("%d without throttling", r.StatusCode)
		}
	}
}

func wantFormThrottled(t *testing.T, w *world) {
	t.Helper()
	if r := w.send(t, request{service: "iam", body: "Action=Slow"}); r.StatusCode != 200 {
		wantRefusal(t, r, "Throttling", 400)
	}
}

// accounts gives every access key ID an account of its own.
type accounts struct{ *world }

func (accounts) Credential(_ context.Context, id, _, _ string) (*aws.Credential, error) {
	return &aws.Credential{Unverified: true, Identity: aws.Identity{Type: "Root", AccountID: id}}, nil
}

// Accounts do not share a rate.
func TestThrottlePerAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cfg) {
		c.Throttle = true
		c.Keys = accounts{}
	})
	for i := range 50 {
		q := request{target: "CloudTrail_20131101.Slow", id: fmt.Sprintf("%012d", i)}
		for n, want := range []int{200, 200, 400} {
			if r := w.send(t, q); r.StatusCode != want {
				t.Errorf("call %d of account %d: %d", n+1, i, r.StatusCode)
			}
		}
	}
}
