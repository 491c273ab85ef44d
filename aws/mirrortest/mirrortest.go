// Package mirrortest holds the structs of an API's operations against those of
// the real SDK, so that they are kept complete and true to the wire.
//
// A test names each operation once:
//
//	probe := mirrortest.Probe{API: api, Client: client}
//	mirrortest.Operation[CreateUserInput, CreateUserOutput](t, probe)
//
// The SDK's input is filled with a distinct value per member, within the
// constraints of our tags, and sent through the in-process transport to an
// operation that notes what arrives and answers with an output that is filled in
// the same way. Both must be the same on both sides, member by member: one that
// either side does not have, or that gets lost on the way, fails the test.
package mirrortest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"cairn/aws"
)

// A Probe is the API whose structs are tested.
type Probe struct {
	API *aws.API // its names and protocol

	// Client makes the SDK's client of the service, such as an *iam.Client,
	// which sends its requests through a transport.
	Client func(http.RoundTripper) any

	// Adjust changes what was filled in where the SDK or the wire takes only some
	// values, such as names of checksums: the SDK's input and our output, by
	// pointer. It may be nil.
	Adjust func(input, output any)

	// Unknown are members of the SDK's that the API's model does not have.
	Unknown []string
}

// Operation tests the structs of one operation.
func Operation[In, Out any](t *testing.T, p Probe) {
	t.Helper()
	name := strings.TrimSuffix(reflect.TypeFor[In]().Name(), "Input")
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		var got *In
		want := new(Out)
		new(filler).fillOurs(reflect.ValueOf(want).Elem(), 0)
		api := &aws.API{Service: p.API.Service, IAMPrefix: p.API.IAMPrefix, Protocol: p.API.Protocol, Streaming: p.API.Streaming}
		aws.Handle(api, func(_ context.Context, _ *aws.Call, in *In) (*Out, error) {
			got = in
			return want, keepBody(reflect.ValueOf(in).Elem())
		}, aws.NeedsNoPermission())
		mux := aws.NewMux(aws.Config{Keys: anyone{}, Authorizer: anyone{}, Recorder: anyone{}})
		mux.Serve(api)

		method := reflect.ValueOf(p.Client(aws.InProcess{Handler: mux})).MethodByName(name)
		if !method.IsValid() {
			t.Fatalf("the SDK's client has no operation %s", name)
		}
		input := reflect.New(method.Type().In(1).Elem())
		if err := (&filler{unknown: p.Unknown}).fillSDK(input.Elem(), reflect.TypeFor[In](), "input"); err != nil {
			t.Fatal(err)
		}
		if p.Adjust != nil {
			p.Adjust(input.Interface(), want)
		}
		results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
		if err, _ := results[1].Interface().(error); err != nil {
			t.Fatalf("call: %v", err)
		}
		for _, difference := range compareMembers("input", reflect.ValueOf(got).Elem(), input.Elem()) {
			p.report(t, difference)
		}
		for _, difference := range compareMembers("output", reflect.ValueOf(want).Elem(), results[0].Elem()) {
			p.report(t, difference)
		}
	})
}

// report fails the test, unless it is about a member that the model does not have.
func (p Probe) report(t *testing.T, difference string) {
	t.Helper()
	for _, name := range p.Unknown {
		if strings.HasSuffix(difference, "."+name+noMember) {
			return
		}
	}
	t.Error(difference)
}

// keepBody reads a body that is a stream, as operations must, and keeps it for the
// comparison.
func keepBody(in reflect.Value) error {
	f := in.FieldByName("Body")
	if !f.IsValid() || f.Type() != readerType {
		return nil
	}
	b, err := io.ReadAll(f.Interface().(io.Reader))
	f.Set(reflect.ValueOf(bytes.NewReader(b)))
	return err
}

// anyone lets every call pass and records none.
type anyone struct{}

func (anyone) Credential(context.Context, string, string, string) (*aws.Credential, error) {
	return &aws.Credential{Unverified: true, Identity: aws.Identity{Type: "Root", AccountID: "123456789012"}}, nil
}
func (anyone) Authorize(context.Context, *aws.Call, aws.Permission) error { return nil }
func (anyone) Record(context.Context, *aws.Call) error                    { return nil }
func (anyone) Ready(*aws.Call) error                                      { return nil }

func (anyone) Count(*aws.Call, *aws.Error) {}
