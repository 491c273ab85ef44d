package aws_test

import (
	"context"
	"strings"
	"testing"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// PutAuditEventsInput is that of CloudTrail's data API.
type PutAuditEventsInput struct {
	AuditEvents []AuditEvent `aws:"auditEvents,required"`
	ChannelArn  string       `aws:"channelArn,required"`
	ExternalId  string       `aws:"externalId"`
}
type AuditEvent struct {
	EventData         string `aws:"eventData"`
	EventDataChecksum string `aws:"eventDataChecksum"`
	Id                string `aws:"id"`
}
type PutAuditEventsOutput struct {
	Failed     []ResultErrorEntry      `aws:"failed"`
	Successful []AuditEventResultEntry `aws:"successful"`
}
type ResultErrorEntry struct {
	ErrorCode string `aws:"errorCode"`
	Id        string `aws:"id"`
}
type AuditEventResultEntry struct {
	EventID string `aws:"eventID"`
	Id      string `aws:"id"`
}

type InvokeInput struct {
	FunctionName, InvocationType, Qualifier string
	Payload                                 []byte
}
type InvokeOutput struct {
	StatusCode      *int32
	ExecutedVersion string
	FunctionError   string
	Payload         []byte
}

func restJSON(t *testing.T, service, id string) (*world, *aws.API) {
	t.Helper()
	model, ok := awsmodel.Service(id)
	if !ok {
		t.Fatalf("there is no model of %s", id)
	}
	w := newWorld(t, nil)
	return w, &aws.API{Service: service, Protocol: aws.RESTJSON{Model: model}}
}

// A JSON body, a query and their answer.
func TestRESTJSON(t *testing.T) {
	t.Parallel()
	w, api := restJSON(t, "cloudtrail-data", "cloudtrail-data")
	var got PutAuditEventsInput
	aws.Handle(api, func(_ context.Context, _ *aws.Call, in *PutAuditEventsInput) (*PutAuditEventsOutput, error) {
		got = *in
		if in.ExternalId == "none" {
			return nil, &aws.Error{Code: "ChannelNotFound", Status: 404, Message: "there is none"}
		}
		return &PutAuditEventsOutput{Successful: []AuditEventResultEntry{{"e", "<1>"}}, Failed: []ResultErrorEntry{}}, nil
	}, aws.NeedsNoPermission())
	w.mux.Serve(api)
	q := request{service: "cloudtrail-data", url: "http://aws.test/PutAuditEvents?channelArn=arn%3Aa&externalId=x", body: `{"auditEvents":[{"eventData":"{\"a\":1}","id":"1"}],"unknown":{}}`}
	answer := w.send(t, q)
	if body := text(t, answer); answer.StatusCode != 200 || body != `{"failed":[],"successful":[{"eventID":"e","id":"\u003c1\u003e"}]}` {
		t.Errorf("answered %d %s", answer.StatusCode, body)
	}
	if got.ChannelArn != "arn:a" || got.ExternalId != "x" || len(got.AuditEvents) != 1 || got.AuditEvents[0].EventData != `{"a":1}` {
		t.Errorf("arrived as %+v", got)
	}
	if c := w.calls[0]; c.Operation != "PutAuditEvents" || c.Input["channelArn"] != "arn:a" {
		t.Errorf("recorded as %+v", c)
	}
	for _, c := range []struct {
		q      request
		status int
		code   string
	}{
		{request{url: q.url, body: "{"}, 400, "SerializationException"},
		{request{url: "http://aws.test/PutAuditEvents?channelArn=a", body: "{}"}, 400, "ValidationException"},
		{request{url: strings.Replace(q.url, "externalId=x", "externalId=none", 1), body: q.body}, 404, "ChannelNotFound"},
		{request{url: q.url, body: q.body, secret: "wrong"}, 400, "InvalidSignatureException"},
	} {
		c.q.service = q.service
		answer := w.send(t, c.q)
		if body := text(t, answer); answer.StatusCode != c.status || answer.Header.Get("X-Amzn-Errortype") != c.code || !strings.Contains(body, `"__type":"`+c.code+`"`) {
			t.Errorf("%+v: %d %s, want %d %s", c.q, answer.StatusCode, body, c.status, c.code)
		}
	}
}

// A payload of bytes, headers and a status of the operation's own.
func TestRESTPayload(t *testing.T) {
	t.Parallel()
	w, api := restJSON(t, "lambda", "lambda")
	aws.Handle(api, func(_ context.Context, _ *aws.Call, in *InvokeInput) (*InvokeOutput, error) {
		status := int32(202)
		return &InvokeOutput{StatusCode: &status, ExecutedVersion: in.FunctionName + in.Qualifier + in.InvocationType, Payload: in.Payload}, nil
	}, aws.NeedsNoPermission())
	w.mux.Serve(api)
	answer := w.send(t, request{service: "lambda", url: "http://aws.test/2015-03-31/functions/a%3Ab/invocations?Qualifier=q", body: "\x00 no JSON", header: map[string]string{"X-Amz-Invocation-Type": "Event"}})
	if body := text(t, answer); answer.StatusCode != 202 || body != "\x00 no JSON" || answer.Header.Get("X-Amz-Executed-Version") != "a:bqEvent" || answer.Header.Get("X-Amz-Function-Error") != "" {
		t.Errorf("answered %d %q %v", answer.StatusCode, body, answer.Header)
	}
}

type GetBucketLoggingInput struct{ Buckett string }
type GetBucketLoggingOutput struct{}

// A struct that the model does not know is found when the service starts.
func TestMisspeltMember(t *testing.T) {
	t.Parallel()
	api, _ := objectAPI()
	aws.Handle(api, func(context.Context, *aws.Call, *GetBucketLoggingInput) (*GetBucketLoggingOutput, error) {
		return nil, nil
	})
	w := newWorld(t, nil)
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "Buckett") {
			t.Errorf("Serve panics with %q", p)
		}
	}()
	w.mux.Serve(api)
}
