package sigv4_test

import (
	"testing"

	"cairn/internal/sigv4"
)

// The cases of AWS's test suite about paths, with the signatures that it gives for
// paths that are resolved and for such that are not, about session tokens and about
// the order of parameters. They are data of the suite in github.com/awslabs/aws-c-auth
// (tests/aws-signing-test-suite/v4), Copyright Amazon.com, Inc. or its affiliates,
// Apache License, Version 2.0.
func TestSuitePaths(t *testing.T) {
	t.Parallel()
	now := at(t, "20150830T123600Z")
	const token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
	for _, c := range []struct{ name, target, resolved, asSent string }{
		{"get-relative", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"},
		{"get-relative-relative", "/example1/example2/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"},
		{"get-slash", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"},
		{"get-slash-dot-slash", "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"},
		{"get-slash-pointless-dot", "/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5", "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff"},
		{"get-slashes", "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84", "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
		// The suite's space is on no wire; the escape of it is signed as it is sent.
		{"get-space", "/example%20space/", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{"get-vanilla-query-order-encoded", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
		{"get-vanilla-with-session-token", "/", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
	} {
		for _, form := range []struct {
			signature string
			rules     sigv4.Rules
		}{{c.resolved, sigv4.Rules{}}, {c.asSent, sigv4.Rules{PathAsSent: true}}} {
			if form.signature == "" {
				continue
			}
			names, more := "host;x-amz-date", ""
			if c.name == "get-vanilla-with-session-token" {
				names, more = names+";x-amz-security-token", "X-Amz-Security-Token: "+token+"\r\n"
			}
			raw := "GET " + c.target + " HTTP/1.1\r\nHost: example.amazonaws.com\r\nX-Amz-Date: 20150830T123600Z\r\n" + more +
				"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + names + ", Signature=" + form.signature + "\r\n\r\n"
			if err := verify(t, serverRequest(t, raw), suiteSecret, sigv4.VerifyOptions{Now: now, Rules: &form.rules}); err != nil {
				t.Errorf("%s, path as sent %v: %s", c.name, form.rules.PathAsSent, explain(err))
			}
		}
	}
	for signature, rules := range map[string]sigv4.Rules{
		"e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d": {},
		"cbcb213b928a077e43275df47b500f1dfaa864ab3f5a18f6b95f4ff0938167ee": {PathAsSent: true},
	} {
		raw := "GET /example/..?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z" +
			"&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Signature=" + signature + " HTTP/1.1\r\nHost: example.amazonaws.com\r\n\r\n"
		if err := verify(t, serverRequest(t, raw), suiteSecret, sigv4.VerifyOptions{Now: now, Rules: &rules}); err != nil {
			t.Errorf("presigned, path as sent %v: %s", rules.PathAsSent, explain(err))
		}
	}
}
