package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the signing algorithms
	_ "crypto/sha512"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"cairn/aws"
)

func (s *Service) sign(ctx context.Context, c *aws.Call, in *SignInput) (*SignOutput, error) {
	k, digest, err := s.signingKey(ctx, c, in.KeyId, in.SigningAlgorithm, in.MessageType, in.Message, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	secret, err := s.secret(k, k.current())
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	private, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, errInternal("read the private half", k.arn(), err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errInternal("read the private half", k.arn(), fmt.Errorf("it is a %T", private))
	}
	signature, err := signer.Sign(rand.Reader, digest, signerOptions(in.SigningAlgorithm))
	if err != nil {
		return nil, errInternal("sign", k.arn(), err)
	}
	return &SignOutput{KeyId: k.arn(), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func (s *Service) verify(ctx context.Context, c *aws.Call, in *VerifyInput) (*VerifyOutput, error) {
	if err := checkLength("signature", in.Signature, maxCiphertext); err != nil {
		return nil, err
	}
	k, digest, err := s.signingKey(ctx, c, in.KeyId, in.SigningAlgorithm, in.MessageType, in.Message, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(k.Materials[0].Public)
	if err != nil {
		return nil, errInternal("read the public half", k.arn(), err)
	}
	if !verifies(public, in.SigningAlgorithm, digest, in.Signature) {
		return nil, errInvalidSignature()
	}
	return &VerifyOutput{KeyId: k.arn(), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func (s *Service) getPublicKey(ctx context.Context, c *aws.Call, in *GetPublicKeyInput) (*GetPublicKeyOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{aliases: true, foreign: true, grants: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	if err := k.needsEnabled(); err != nil {
		return nil, err
	}
	if !k.spec().asymmetric() {
		return nil, errUnsupported("%s has no public key: it is a %s key.", k.arn(), k.Spec)
	}
	m := k.metadata()
	return &GetPublicKeyOutput{
		KeyId: k.arn(), PublicKey: k.Materials[0].Public, KeySpec: k.Spec, CustomerMasterKeySpec: k.Spec, KeyUsage: k.Usage,
		EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms,
	}, nil
}

// signingKey returns the key and the digest to sign.
func (s *Service) signingKey(ctx context.Context, c *aws.Call, keyID, algorithm, messageType string, message []byte, grants []string) (*key, []byte, error) {
	if err := checkLength("message", message, maxPlaintext); err != nil {
		return nil, nil, err
	}
	if messageType == "" {
		messageType = "RAW"
	}
	k, err := s.authorize(ctx, c, keyID, use{aliases: true, foreign: true, grants: grants, keys: map[string][]string{
		"kms:SigningAlgorithm": {algorithm}, "kms:MessageType": {messageType},
	}})
	if err != nil {
		return nil, nil, err
	}
	if err := k.needsEnabled(); err != nil {
		return nil, nil, err
	}
	if k.Usage != usageSign {
		return nil, nil, errUsage(k.arn(), k.Usage, c.Operation)
	}
	if !slices.Contains(k.spec().signing, algorithm) {
		return nil, nil, errAlgorithm(algorithm, k.Spec)
	}
	h := hashOf(algorithm)
	switch messageType {
	case "RAW":
		d := h.New()
		d.Write(message)
		return k, d.Sum(nil), nil
	case "DIGEST":
		if len(message) != h.Size() {
			return nil, nil, errValidation("Digest is invalid length for algorithm %s.", algorithm)
		}
		return k, message, nil
	}
	return nil, nil, errValidation("The message type %s is not for algorithm %s.", messageType, algorithm)
}

// hashOf is the hash at the end of an algorithm's name.
func hashOf(algorithm string) crypto.Hash {
	switch {
	case strings.HasSuffix(algorithm, "_224"):
		return crypto.SHA224
	case strings.HasSuffix(algorithm, "_384"):
		return crypto.SHA384
	case strings.HasSuffix(algorithm, "_512"):
		return crypto.SHA512
	}
	return crypto.SHA256
}

// signerOptions say how a digest is signed. Salts of PSS are as long as the hash.
func signerOptions(algorithm string) crypto.SignerOpts {
	h := hashOf(algorithm)
	if strings.HasPrefix(algorithm, "RSASSA_PSS_") {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	return h
}

func verifies(public any, algorithm string, digest, signature []byte) bool {
	h := hashOf(algorithm)
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, digest, signature)
	case *rsa.PublicKey:
		if strings.HasPrefix(algorithm, "RSASSA_PSS_") {
			return rsa.VerifyPSS(p, h, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(p, h, digest, signature) == nil
	}
	return false
}
