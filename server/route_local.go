package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"cairn/aws"
	"cairn/eventlog"
)

// maxRecordsBody bounds the body of a batch of imported records.
const maxRecordsBody = eventlog.MaxBatchBytes + 4*eventlog.MaxBatchRecords

// addLocal adds the local API, for operators who are not on this machine.
func (x *routes) addLocal(add func(pattern string, route aws.Route)) {
	for _, l := range x.localRoutes() {
		if l.ownerOnly {
			continue
		}
		add(l.pattern, aws.Route{Operation: l.operation, ReadOnly: l.readOnly, MaxBody: l.maxBody,
			Serve: func(ctx context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
				return x.serveLocal(withCall(ctx, c), c, r, body, &l)
			}})
	}
}

// serveLocal passes an operator's request on to the local API. It returns once
// the answer is known, or for an answer that stays open that there will be one,
// so that the call's record tells how it ended.
func (x *routes) serveLocal(ctx context.Context, c *aws.Call, r *http.Request, body []byte, l *localRoute) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	if !c.Identity.Operator && !l.walled {
		return nil, aws.AccessDenied(fmt.Sprintf("These credentials are of account %s and not of an operator, whom this is for. "+
			"On the server's machine, unset AWS_ACCESS_KEY_ID to use the operator's; for the account's own events there are cairn lookup, cairn tail and aws cloudtrail lookup-events.", c.Account()))
	}
	if values.Get("master-key") == "true" {
		return nil, aws.AccessDenied("The master key leaves this machine through the local socket only.")
	}
	if err := showBody(c, r, body); err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, scanKey{}, func() (func(), error) { return x.take(x.scans, c, r) })
	in := r.Clone(ctx)
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer := &heldAnswer{header: make(http.Header), status: http.StatusOK}
	if l.stream != nil {
		if _, err := x.take(x.streams, c, r); err != nil {
			return nil, err
		}
		respond, err := l.stream(answer, in)
		if err != nil {
			return nil, x.refusal(answer, in, err)
		}
		return func(w http.ResponseWriter) {
			x.watched(c, r, func(ctx context.Context) { respond(ctx, unhurried(w)) })
		}, nil
	}
	if strings.HasSuffix(r.URL.Path, "/histogram") {
		if _, err := x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	}
	if err := l.serve(answer, in); err != nil {
		return nil, x.refusal(answer, in, err)
	}
	if strings.HasSuffix(r.URL.Path, "/import/records") {
		var result ImportResult
		if json.Unmarshal(answer.body.Bytes(), &result) == nil {
			c.Output = map[string]any{"counts": treeOf(result.Counts)}
		}
	}
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		_, _ = w.Write(answer.body.Bytes())
	}, nil
}

// wallOf is wall for the caller on whose behalf something is done, if it came
// over the TCP port.
func wallOf(ctx context.Context, scope *eventlog.Scope) error {
	if c := callOf(ctx); c != nil {
		return wall(c, scope)
	}
	return nil
}

type scanKey struct{}

// takeScan takes a place for a search that can read every record, if it came
// over the TCP port, where they are bounded.
func takeScan(ctx context.Context) (release func(), err error) {
	if take, ok := ctx.Value(scanKey{}).(func() (func(), error)); ok {
		return take()
	}
	return func() {}, nil
}

// refusal is what the front answers instead of an error of the local API.
func (x *routes) refusal(answer *heldAnswer, r *http.Request, err error) error {
	if e, ok := errors.AsType[*aws.Error](err); ok {
		return e
	}
	x.refuse(answer, r, err)
	return answer.error()
}

// showBody puts the members of a JSON body among the parameters that the call's
// record shows. Records are no JSON body: their contents are not shown.
func showBody(c *aws.Call, r *http.Request, body []byte) error {
	if strings.HasSuffix(r.URL.Path, "/import/records") || len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return invalid(badJSON(err))
	}
	if c.Input == nil {
		c.Input = make(map[string]any)
	}
	for name, v := range tree {
		c.Input[name] = v
	}
	return nil
}

// treeOf is a value as a Call holds it.
func treeOf(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil {
		return nil
	}
	return tree
}

// A heldAnswer keeps an answer of the local API back until its call is
// recorded.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header         { return a.header }
func (a *heldAnswer) WriteHeader(status int)      { a.status = status }
func (a *heldAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

// error is the answer as an error of the front.
func (a *heldAnswer) error() error {
	var e apiError
	_ = json.Unmarshal(a.body.Bytes(), &e)
	code := "InternalFailure"
	switch a.status {
	case http.StatusOK: // nothing was written, because the client is gone
		a.status = http.StatusInternalServerError
	case http.StatusBadRequest:
		code = "ValidationException"
	case http.StatusConflict:
		code = "ConflictException"
	case http.StatusRequestEntityTooLarge:
		code = "RequestEntityTooLarge"
	case http.StatusServiceUnavailable:
		code = "ServiceUnavailable"
	}
	return &aws.Error{Code: code, Status: a.status, Message: e.Error}
}
