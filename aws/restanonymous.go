package aws

import (
	"context"
	"net/http"
	"strings"

	"cairn/internal/sigv4"
)

// anonymousAccount stands for the account of callers without credentials, in
// CloudTrail's records too.
const anonymousAccount = "ANONYMOUS_PRINCIPAL"

// Anonymous reports whether the caller has shown no credentials.
func (id *Identity) Anonymous() bool {
	return id.Type == "AWSAccount" && id.AccountID == anonymousAccount
}

// admit lets requests in that do not have a signature of Version 4, where the
// service takes them. It reports whether it does.
func (m *Mux) admit(ctx context.Context, r *http.Request, c *Call) (api *API, admitted bool, err error) {
	if c.as != nil || r.Header.Get("Authorization") != "" {
		return nil, false, nil
	}
	if api = m.guess(r); api == nil || !api.Streaming || !api.Anonymous && !api.PresignedV2 {
		return nil, false, nil
	}
	if len(m.cfg.Regions) > 0 {
		c.Region = m.cfg.Regions[0]
	}
	if api.PresignedV2 {
		v2, err := sigv4.ParseV2(r)
		if v2 != nil || err != nil {
			c.Service, c.api = api.Service, api
			if err == nil {
				err = m.verifyV2(ctx, r, c, v2)
			}
			return api, true, signatureError(api.Protocol, err)
		}
	}
	if _, err := sigv4.Parse(r); !api.Anonymous || err != sigv4.ErrUnsigned {
		return nil, false, nil
	}
	c.Service, c.api = api.Service, api
	c.Identity = Identity{Type: "AWSAccount", AccountID: anonymousAccount}
	return api, true, signatureError(api.Protocol, sigv4.Unsigned(r))
}

// verifyV2 checks a presigned query of Version 2.
func (m *Mux) verifyV2(ctx context.Context, r *http.Request, c *Call, v2 *sigv4.SignatureV2) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut:
	default:
		return unattributed(Errorf("InvalidRequest", "Signature Version 2 is taken for presigned GET, HEAD and PUT requests only. Please use AWS4-HMAC-SHA256."))
	}
	q, err := c.api.Protocol.(restProtocol).request(r)
	if err != nil {
		return unattributed(err)
	}
	cred, err := m.cfg.Keys.Credential(ctx, v2.AccessKeyID, v2.SessionToken, c.Region)
	if err != nil {
		return unattributed(err)
	}
	if cred.Unverified {
		return unattributed(Errorf("InvalidRequest", "A presigned request of Signature Version 2 needs an access key that is known here."))
	}
	if err := v2.Verify(r, q.BucketInHost, cred.Secret, c.Time); err != nil {
		return err
	}
	c.Identity = cred.Identity
	c.Identity.AccessKeyID, c.SessionToken = v2.AccessKeyID, v2.SessionToken
	c.SignatureVersion, c.AuthenticationMethod = "SigV2", "QueryString"
	fromQuery(r)
	return sigv4.Unsigned(r)
}

// fromQuery makes headers of the x-amz parameters of a presigned query: those that
// its signer meant as headers, and that its signature covers.
func fromQuery(r *http.Request) {
	for name, values := range r.URL.Query() {
		lower := strings.ToLower(name)
		switch {
		case lower == "content-type" || lower == "content-md5":
		case !strings.HasPrefix(lower, "x-amz-") || signs[lower] || strings.HasPrefix(lower, "x-amz-checksum-"):
			continue
		}
		if key := http.CanonicalHeaderKey(name); r.Header[key] == nil {
			r.Header[key] = values[:1]
		}
	}
}

// signs are the parameters that belong to the signature itself, and those that
// tell of a body that the signer did not have.
var signs = map[string]bool{
	"x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true, "x-amz-expires": true, "x-amz-signedheaders": true,
	"x-amz-signature": true, "x-amz-security-token": true, "x-amz-content-sha256": true, "x-amz-sdk-checksum-algorithm": true,
	"x-amz-trailer": true, "x-amz-decoded-content-length": true,
}
