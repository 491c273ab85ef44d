package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
)

// The uses of keys.
const (
	usageEncrypt = "ENCRYPT_DECRYPT"
	usageSign    = "SIGN_VERIFY"
	usageMac     = "GENERATE_VERIFY_MAC"
)

const symmetricDefault = "SYMMETRIC_DEFAULT"

// A spec is a kind of key, by what it is made of.
type spec struct {
	usages []string // the first is the one that a request without KeyUsage means, if there is only one
	bits   int      // of an RSA modulus
	curve  elliptic.Curve
	bytes  int // of a symmetric key

	encryption []string // the algorithms for each usage
	signing    []string
	mac        []string
}

var rsaSigning = []string{
	"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
	"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
}

// specs are the kinds of keys that there are here.
var specs = map[string]spec{
	symmetricDefault: {usages: []string{usageEncrypt}, bytes: 32, encryption: []string{symmetricDefault}},
	"RSA_2048":       rsaSpec(2048),
	"RSA_3072":       rsaSpec(3072),
	"RSA_4096":       rsaSpec(4096),
	"ECC_NIST_P256":  {usages: []string{usageSign}, curve: elliptic.P256(), signing: []string{"ECDSA_SHA_256"}},
	"ECC_NIST_P384":  {usages: []string{usageSign}, curve: elliptic.P384(), signing: []string{"ECDSA_SHA_384"}},
	"ECC_NIST_P521":  {usages: []string{usageSign}, curve: elliptic.P521(), signing: []string{"ECDSA_SHA_512"}},
	"HMAC_224":       {usages: []string{usageMac}, bytes: 28, mac: []string{"HMAC_SHA_224"}},
	"HMAC_256":       {usages: []string{usageMac}, bytes: 32, mac: []string{"HMAC_SHA_256"}},
	"HMAC_384":       {usages: []string{usageMac}, bytes: 48, mac: []string{"HMAC_SHA_384"}},
	"HMAC_512":       {usages: []string{usageMac}, bytes: 64, mac: []string{"HMAC_SHA_512"}},
}

func rsaSpec(bits int) spec {
	return spec{usages: []string{usageEncrypt, usageSign}, bits: bits, encryption: []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}, signing: rsaSigning}
}

// asymmetric reports whether keys have a public half.
func (s *spec) asymmetric() bool { return s.bits > 0 || s.curve != nil }

// takes reports whether keys can be made for a usage.
func (s *spec) takes(usage string) bool { return slices.Contains(s.usages, usage) }

// makeMaterial makes a key: random bytes, or the private half as PKCS #8 and the public
// one as a SubjectPublicKeyInfo, both in DER.
func (s *Service) makeMaterial(of *spec) (secret, public []byte, err error) {
	if !of.asymmetric() {
		return random(of.bytes), nil, nil
	}
	var private crypto.Signer
	if of.curve != nil {
		private, err = ecdsa.GenerateKey(of.curve, rand.Reader)
	} else {
		s.generating.Lock()
		private, err = rsa.GenerateKey(rand.Reader, of.bits)
		s.generating.Unlock()
	}
	if err != nil {
		return nil, nil, err
	}
	if secret, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return nil, nil, err
	}
	public, err = x509.MarshalPKIXPublicKey(private.Public())
	return secret, public, err
}

// random returns n random bytes; crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
