package cloudtrail_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/cloudtrail"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: new(Service).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, caller{region: "us-east-1", id: "AKIAEXAMPLE", secret: "secret"})
	}}
	mirrortest.Operation[LookupEventsInput, LookupEventsOutput](t, p)
}
