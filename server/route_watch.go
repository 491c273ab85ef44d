package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"cairn/aws"
	"cairn/internal/sigv4"
)

// DefaultRecheck is how often the caller of a stream is checked again.
const DefaultRecheck = 30 * time.Second

// callers say whose credentials are, and what their owners may do. They are
// what let the caller in when the stream began.
type callers interface {
	aws.Keys
	aws.Authorizer
}

// An endedError is why a stream ends before everything was sent: its caller
// may not have the rest.
type endedError struct {
	refusal *aws.Error // what a new request would be answered; nil if that cannot be told
	err     error
}

func (e *endedError) Error() string {
	if e.refusal == nil {
		return "The stream ends because its caller could not be checked again."
	}
	return fmt.Sprintf("The stream ends because its caller is not allowed to read it any more: %s: %s", e.refusal.Code, e.refusal.Message)
}

func (e *endedError) Unwrap() error { return e.err }

// watched calls serve with a context that ends with an *endedError as its cause
// when the caller would not be let in any more: a key that is disabled, a user
// who is gone, a session that is over, a permission that was withdrawn.
func (x *routes) watched(c *aws.Call, r *http.Request, serve func(context.Context)) {
	ctx, end := context.WithCancelCause(withCall(r.Context(), c))
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer end(nil)
	var signedOut <-chan struct{}
	if s := c.SignedIn(); s != nil {
		signedOut = s.Ended
	}
	watcher.Go(func() {
		tick := time.NewTicker(x.cfg.Recheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signedOut:
				signedOut = nil
			case <-tick.C:
			}
			if err := x.recheck(ctx, c, r); err != nil && ctx.Err() == nil {
				ended := &endedError{err: err}
				errors.As(err, &ended.refusal)
				end(ended)
				return
			}
		}
	})
	serve(ctx)
}

// recheck returns an error if a call would not be let in now.
func (x *routes) recheck(ctx context.Context, c *aws.Call, r *http.Request) error {
	identity, err := x.identityOf(ctx, c, r)
	if err != nil {
		return err
	}
	now, was := *c, &c.Identity
	now.Time, now.Identity = time.Now(), identity
	now.Identity.AccessKeyID = was.AccessKeyID
	// In development mode a key that is gone stands for somebody else.
	if now.Identity.PrincipalID != was.PrincipalID || now.Identity.AccountID != was.AccountID || now.Identity.Operator != was.Operator {
		return aws.ErrUnknownKey
	}
	return x.callers.Authorize(ctx, &now, aws.Permission{Action: aws.RouteService + ":" + c.Operation, Resource: "*"})
}

// identityOf returns whose a call is now.
func (x *routes) identityOf(ctx context.Context, c *aws.Call, r *http.Request) (aws.Identity, error) {
	if s := c.SignedIn(); s != nil {
		return s.Identity(ctx)
	}
	sig, err := sigv4.Parse(r)
	if err != nil {
		return aws.Identity{}, err
	}
	cred, err := x.callers.Credential(ctx, sig.AccessKeyID, sig.SessionToken, sig.Region)
	if err != nil {
		return aws.Identity{}, err
	}
	return cred.Identity, nil
}

// endOf is the error that a stream ends with: why its context ended, if it was
// ended for a reason.
func endOf(ctx context.Context, err error) error {
	var ended *endedError
	if errors.As(context.Cause(ctx), &ended) {
		return ended
	}
	return err
}
