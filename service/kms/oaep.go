package kms

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"hash"
)

func encryptOAEP(k *key, algorithm string, plaintext []byte) ([]byte, error) {
	public, err := x509.ParsePKIXPublicKey(k.Materials[0].Public)
	if err != nil {
		return nil, errInternal("read the public half", k.arn(), err)
	}
	rsaKey, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, errInternal("read the public half", k.arn(), fmt.Errorf("it is a %T", public))
	}
	h := oaepHash(algorithm)
	if most := rsaKey.Size() - 2*h.Size() - 2; len(plaintext) > most {
		return nil, errValidation("%s with the key spec %s encrypts %d bytes at most.", algorithm, k.Spec, most)
	}
	return rsa.EncryptOAEP(h, rand.Reader, rsaKey, plaintext, nil)
}

func decryptOAEP(k *key, secret []byte, algorithm string, blob []byte) ([]byte, error) {
	private, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, errInternal("read the private half", k.arn(), err)
	}
	rsaKey, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, errInternal("read the private half", k.arn(), fmt.Errorf("it is a %T", private))
	}
	plaintext, err := rsa.DecryptOAEP(oaepHash(algorithm), nil, rsaKey, blob, nil)
	if err != nil {
		return nil, errInvalidCiphertext()
	}
	return plaintext, nil
}

func oaepHash(algorithm string) hash.Hash {
	if algorithm == "RSAES_OAEP_SHA_1" {
		return sha1.New()
	}
	return sha256.New()
}
