package aws_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"cairn/aws"
)

// PutInput names a thing to put.
type PutInput struct{ Name string }

// PutOutput says who put it.
type PutOutput struct{ By, Via, Source, Token string }

// FailInput is the input of an operation that is never allowed.
type FailInput struct{}

// FailOutput is never given.
type FailOutput struct{}

// PassInput asks to put a thing in the course of another call.
type PassInput struct{ Name string }

// putAPI has things with policies of their own. Passing asks to put by way of a
// forwarded call.
func putAPI(t *testing.T, put *[]aws.Call) *aws.API {
	api := &aws.API{Service: "things", Protocol: aws.JSON{Version: "1.1", Target: "Things"}, DeniedCode: "AuthorizationError"}
	api.ResourcePolicy = func(_ context.Context, c *aws.Call, resource string) (*aws.ResourcePolicy, error) {
		if resource == "arn:broken" {
			return nil, aws.Errorf("BrokenThing", "the thing %s is broken", resource)
		}
		return &aws.ResourcePolicy{Account: "444455556666", Document: "of " + resource}, nil
	}
	aws.Handle(api, func(_ context.Context, c *aws.Call, in *PutInput) (*PutOutput, error) {
		*put = append(*put, *c)
		by := c.Identity.ARN
		if by == "" {
			by = c.Identity.InvokedBy
		}
		return &PutOutput{By: by, Via: c.Via, Source: c.Identity.SourceARN + " " + c.Identity.SourceAccount, Token: c.SessionToken}, nil
	}, aws.Rate(1), aws.Needs(func(_ context.Context, _ *aws.Call, in *PutInput) ([]aws.Permission, error) {
		if in.Name == "" {
			return nil, aws.Errorf("NoName", "a thing has a name")
		}
		return []aws.Permission{
			{Resource: "arn:" + in.Name, Keys: map[string][]string{"things:size": {"1"}}},
			{Action: "things:Tag", Resource: "*"},
		}, nil
	}))
	aws.Handle(api, func(ctx context.Context, c *aws.Call, _ *FailInput) (*FailOutput, error) {
		return nil, c.Authorize(ctx, aws.Permission{Action: "things:Never", Resource: "arn:never"})
	})
	aws.Handle(api, func(ctx context.Context, c *aws.Call, in *PassInput) (*PutOutput, error) {
		r := request{service: "things", target: "Things.Put", body: `{"Name":"` + in.Name + `"}`, id: "anything"}.build(t)
		answer, err := c.Forward("passing.amazonaws.com").RoundTrip(r.WithContext(ctx))
		if err != nil || answer.StatusCode != 200 {
			return nil, errors.New("not passed")
		}
		return &PutOutput{By: "passed"}, nil
	})
	return api
}

func newThings(t *testing.T) (*world, *[]aws.Call) {
	t.Helper()
	var put []aws.Call
	w := newWorld(t, func(c *aws.Config) { c.Throttle = true })
	w.mux.Serve(putAPI(t, &put))
	return w, &put
}

func things(operation, body string) request {
	return request{service: "things", target: "Things." + operation, body: body}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	w, put := newThings(t)
	if r := w.send(t, things("Put", `{"Name":"a"}`)); r.StatusCode != 200 || len(*put) != 1 {
		t.Fatal(r.StatusCode, text(t, r))
	}
	if strings.Join(w.asked, ",") != "things:Put arn:a,things:Tag *" {
		t.Errorf("asked for %v", w.asked)
	}
	first, second := w.needs[0], w.needs[1]
	if first.Keys["things:size"][0] != "1" || first.Policy == nil || first.Policy.Account != "444455556666" || first.Policy.Document != "of arn:a" || second.Policy != nil {
		t.Errorf("asked for %+v and %+v", first, second)
	}
	for name, code := range map[string]string{"": "NoName", "broken": "BrokenThing"} {
		if r := w.send(t, things("Put", `{"Name":"`+name+`"}`)); r.Header.Get("X-Amzn-Errortype") != code {
			t.Errorf("%q: %s", name, text(t, r))
		}
	}
	w.deny = true
	for _, q := range []request{things("Put", `{"Name":"a"}`), things("Fail", "")} {
		if r := w.send(t, q); r.Header.Get("X-Amzn-Errortype") != "AuthorizationError" {
			t.Errorf("denied: %s", text(t, r))
		}
	}
	if len(*put) != 1 {
		t.Errorf("%d calls came through", len(*put))
	}
}

func TestServicePrincipal(t *testing.T) {
	t.Parallel()
	w, put := newThings(t)
	transport := w.mux.As(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: "arn:trail", SourceAccount: account})
	w.failing = errors.New("nothing can be recorded")
	send := func(q request) *http.Response {
		q.id, q.secret = "anything", "at all"
		r, err := transport.RoundTrip(q.build(t))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range 5 { // the rate is one
		if r := send(things("Put", `{"Name":"a"}`)); r.StatusCode != 200 || text(t, r) != `{"By":"cloudtrail.amazonaws.com","Source":"arn:trail `+account+`"}` {
			t.Fatal(r.StatusCode)
		}
	}
	if len(*put) != 5 || (*put)[0].Identity.Type != "AWSService" || (*put)[0].Identity.AccessKeyID != "" || (*put)[0].Account() != "" {
		t.Errorf("the calls are %+v", *put)
	}
	if r := send(things("Pass", `{"Name":"b"}`)); r.StatusCode != 200 {
		t.Errorf("a forwarded call: %d", r.StatusCode)
	}
	if last := (*put)[len(*put)-1]; last.Identity.InvokedBy != "cloudtrail.amazonaws.com" || last.Via != "passing.amazonaws.com" || last.Identity.SourceARN != "arn:trail" {
		t.Errorf("a forwarded call came from %+v", last.Identity)
	}
	// A service is asked for its permissions like anybody.
	w.deny = true
	if r := send(things("Put", `{"Name":"a"}`)); r.StatusCode != 403 {
		t.Errorf("denied: %d", r.StatusCode)
	}
	w.wantEvents(t, 0, 0)
}

// Nothing that a request carries makes it a service's.
func TestServicePrincipalCannotBeForged(t *testing.T) {
	t.Parallel()
	w, _ := newThings(t)
	within := new(context.Context)
	api := &aws.API{Service: "within", Protocol: aws.JSON{Version: "1.1", Target: "Within"}}
	aws.Handle(api, func(ctx context.Context, _ *aws.Call, _ *PutInput) (*PutOutput, error) {
		*within = context.WithoutCancel(ctx)
		return &PutOutput{}, nil
	})
	w.mux.Serve(api)
	transport := w.mux.As(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com"})
	q := request{service: "within", target: "Within.Put", body: "{}", id: "anything", secret: "at all"}
	own := q.build(t)
	if r, err := transport.RoundTrip(own); err != nil || r.StatusCode != 200 {
		t.Fatal(r, err)
	}
	// The same request, and one with the context of the service's own call.
	for _, ctx := range []context.Context{own.Context(), *within} {
		r, err := aws.InProcess{Handler: w.mux}.RoundTrip(q.build(t).WithContext(ctx))
		if err != nil || r.StatusCode != 400 && r.StatusCode != 403 {
			t.Errorf("the service's request by the front door: %v, %v", r, err)
		}
	}
	q = things("Put", `{"Name":"a"}`)
	q.header = map[string]string{"X-Amz-Source-Arn": "arn:trail", "X-Amz-Source-Account": account, "X-Amz-Invoked-By": "cloudtrail.amazonaws.com", "User-Agent": "cloudtrail.amazonaws.com"}
	if r := w.send(t, q); r.StatusCode != 200 || !strings.Contains(text(t, r), ":user/kit") {
		t.Error("a user's call did not come through as the user's")
	}
	w.wantEvents(t, 1, 2)
}

func TestForward(t *testing.T) {
	t.Parallel()
	w, put := newThings(t)
	if r := w.send(t, things("Pass", `{"Name":"b"}`)); r.StatusCode != 200 {
		t.Fatal(text(t, r))
	}
	w.wantEvents(t, 2, 0)
	inner, outer := w.calls[0], w.calls[1]
	if inner.Operation != "Put" || inner.Identity.UserName != "kit" || inner.Identity.AccessKeyID != keyID || inner.Identity.InvokedBy != "passing.amazonaws.com" || inner.Via != "passing.amazonaws.com" {
		t.Errorf("the forwarded call is %+v", inner)
	}
	if outer.Operation != "Pass" || outer.Identity.InvokedBy != "" || outer.Via != "" || len(*put) != 1 {
		t.Errorf("the first call is %+v", outer)
	}
	// What the caller may not do, a service cannot do for it.
	w.deny = true
	if r := w.send(t, things("Pass", `{"Name":"b"}`)); r.StatusCode == 200 {
		t.Error("a call was forwarded for a caller who may not make it")
	}
	// A call of no Mux leads nowhere.
	if r, err := new(aws.Call).Forward("x").RoundTrip(things("Put", "{}").build(t)); err != nil || r.StatusCode != 404 {
		t.Errorf("%v, %v", r, err)
	}
}
