package gateway_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"cairn/gateway"
)

// An upload by an HTML form has the name that the mapping gives to its key. One that names
// several keys has none: the backend may take another one than the gateway.
func TestMappedForm(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "map.yaml")
	write(t, path, "identities:\n- {accessKeyId: "+aliceKey+", userName: alice}\n")
	s := opened(t, gateway.IdentitiesConfig{MappingFile: path})
	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	const scope = "/20260506/eu-west-1/s3/aws4_request"
	for _, test := range []struct{ fields, authorization, name string }{
		{part("x-amz-algorithm", "AWS4-HMAC-SHA256") + part("x-amz-credential", aliceKey+scope), "", "alice"},
		{part("AWSAccessKeyId", aliceKey), "", "alice"},
		{part("x-amz-credential", aliceKey+scope) + part("X-Amz-Credential", "MALLORY"+scope), "", ""},
		{part("x-amz-credential", aliceKey+scope) + part("AWSAccessKeyId", "MALLORY"), "", ""},
		{part("x-amz-credential", "MALLORY"+scope), "AWS4-HMAC-SHA256 Credential=" + aliceKey + scope + ", SignedHeaders=host, Signature=00", ""},
	} {
		body := part("key", "k") + part("policy", "eyJ9") + test.fields + part("x-amz-signature", strings.Repeat("0", 64)) + part("file", "x") + "--b--\r\n"
		r := request(t, http.MethodPost, "http://s3.amazonaws.com/bucket", body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		if test.authorization != "" {
			r.Header.Set("Authorization", test.authorization)
		}
		w := wire(t, r, body)
		x := w.exchange()
		c := s.Resolve(t.Context(), x, w.asking())
		answer(x, 204, nil, "")
		if c = c.Answered(x); c.Identity.UserName != test.name || (c.Unverified == "") != (test.name != "") || x.Operation != "PutObject" {
			t.Errorf("%q %q: %+v", test.fields, test.authorization, c)
		}
	}
}
