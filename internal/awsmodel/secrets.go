package awsmodel

import (
	"net/url"
	"strings"
)

// secretWords are in the names of secrets, without dashes, dots and underscores.
var secretWords = []string{
	"accesstoken", "apikey", "authorization", "authtoken", "credential", "passphrase", "passwd", "password", "plaintext",
	"privatekey", "secret", "securitytoken", "sessiontoken",
}

// notSecret are names that have such a word and name no secret.
var notSecret = []string{"secretid", "secretarn", "secretname", "credentialid", "passwordresetrequired"}

var dashes = strings.NewReplacer("-", "", "_", "", ".", "")

// secretName reports whether a name that no model has is that of a secret.
func secretName(name string) bool {
	name = dashes.Replace(strings.ToLower(name))
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			for _, no := range notSecret {
				if name == no {
					return false
				}
			}
			return true
		}
	}
	return false
}

// SecretHeader reports whether the value of an HTTP header must not be recorded.
func SecretHeader(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-security-token", "x-amz-s3session-token",
		"x-amz-server-side-encryption-customer-key", "x-amz-copy-source-server-side-encryption-customer-key",
		"x-amz-server-side-encryption-context", "x-api-key", "x-csrf-token":
		return true
	}
	return secretName(name)
}

// SecretQuery reports whether the value of a query parameter must not be recorded:
// that of a presigned URL's signature or session token above all. X-Amz-Credential
// is no secret: it names the key, its day, region and service.
func SecretQuery(name string) bool {
	switch strings.ToLower(name) {
	case "x-amz-signature", "x-amz-security-token", "x-amz-s3session-token", "signature", "securitytoken",
		"webidentitytoken", "samlassertion", "code", "token":
		return true
	case "x-amz-credential":
		return false
	}
	return secretName(name)
}

// RedactQuery returns a raw query string with Hidden in place of secret values. The
// rest keeps its bytes.
func RedactQuery(raw string) string {
	var b strings.Builder
	changed := false
	for i, pair := range strings.Split(raw, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		name, value, ok := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if ok && value != "" && SecretQuery(plain) {
			pair, changed = name+"="+Hidden, true
		}
		b.WriteString(pair)
	}
	if !changed {
		return raw
	}
	return b.String()
}

// redactURL takes the signature out of a text that holds a presigned URL.
func redactURL(s string) (string, bool) {
	query := strings.IndexByte(s, '?')
	if query < 0 || !strings.Contains(s[:query], "/") {
		return s, false
	}
	rest, fragment := s[query+1:], ""
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest, fragment = rest[:i], rest[i:]
	}
	lower := strings.ToLower(rest)
	if !strings.Contains(lower, "signature") && !strings.Contains(lower, "token") {
		return s, false
	}
	clean := RedactQuery(rest)
	return s[:query+1] + clean + fragment, clean != rest
}
