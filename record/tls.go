package record

import (
	"crypto/tls"
	"strings"

	"cairn/aws"
)

// appendTLS appends the tlsDetails of a call that came over TLS.
func appendTLS(b []byte, c *aws.Call) []byte {
	b = append(b, `,"tlsDetails":{"tlsVersion":"`...)
	b = append(b, strings.Replace(tls.VersionName(c.TLS.Version), "TLS ", "TLSv", 1)...)
	b = append(b, `","cipherSuite":"`...)
	b = append(b, cipherName(tls.CipherSuiteName(c.TLS.CipherSuite))...)
	b = append(b, '"')
	if c.Host != "" {
		b = append(b, `,"clientProvidedHostHeader":`...)
		b = appendIndexed(b, c.Host, maxTextBytes)
	}
	return append(b, '}')
}

// cipherName returns a cipher suite's name as CloudTrail writes it: OpenSSL's for
// TLS 1.2 and before, such as ECDHE-RSA-AES128-GCM-SHA256 for
// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, and the standard's for TLS 1.3.
func cipherName(name string) string {
	exchange, cipher, ok := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	if !ok {
		return name
	}
	cipher = strings.NewReplacer("AES_128_CBC_", "AES128_", "AES_256_CBC_", "AES256_", "AES_128", "AES128", "AES_256", "AES256",
		"CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305", "3DES_EDE_CBC_SHA", "DES_CBC3_SHA", "RC4_128_SHA", "RC4_SHA").Replace(cipher)
	if exchange != "RSA" { // a plain RSA exchange goes without saying
		cipher = exchange + "_" + cipher
	}
	return strings.ReplaceAll(cipher, "_", "-")
}
