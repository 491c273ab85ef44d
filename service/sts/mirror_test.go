package sts_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/sts"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: (&Service{Store: newStore(t, false)}).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, "AKIAEXAMPLE", "secret", "")
	}}
	mirrortest.Operation[GetCallerIdentityInput, GetCallerIdentityOutput](t, p)
	mirrortest.Operation[GetSessionTokenInput, GetSessionTokenOutput](t, p)
	mirrortest.Operation[AssumeRoleInput, AssumeRoleOutput](t, p)
	mirrortest.Operation[GetAccessKeyInfoInput, GetAccessKeyInfoOutput](t, p)
	mirrortest.Operation[GetFederationTokenInput, GetFederationTokenOutput](t, p)
}
