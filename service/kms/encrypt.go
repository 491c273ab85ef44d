package kms

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"cairn/aws"
)

const (
	maxPlaintext  = 4096 // bytes, also of messages
	maxCiphertext = 6144
)

func (s *Service) encrypt(ctx context.Context, c *aws.Call, in *EncryptInput) (*EncryptOutput, error) {
	recordDefault(c, "EncryptionAlgorithm", symmetricDefault)
	if err := checkLength("plaintext", in.Plaintext, maxPlaintext); err != nil {
		return nil, err
	}
	k, err := s.authorize(ctx, c, in.KeyId, encryptionUse("", in.EncryptionAlgorithm, in.EncryptionContext, in.GrantTokens))
	if err != nil {
		return nil, err
	}
	algorithm, err := k.encryptionAlgorithm(c, in.EncryptionAlgorithm, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	blob, err := s.encryptWith(k, algorithm, in.EncryptionContext, in.Plaintext)
	if err != nil {
		return nil, err
	}
	return &EncryptOutput{CiphertextBlob: blob, KeyId: k.arn(), EncryptionAlgorithm: algorithm}, nil
}

func (s *Service) decrypt(ctx context.Context, c *aws.Call, in *DecryptInput) (*DecryptOutput, error) {
	recordDefault(c, "EncryptionAlgorithm", symmetricDefault)
	if err := supported(in.DryRunModifiers, in.Recipient); err != nil {
		return nil, err
	}
	u := encryptionUse("", in.EncryptionAlgorithm, in.EncryptionContext, in.GrantTokens)
	k, algorithm, err := s.decryptionKey(ctx, c, in.KeyId, in.EncryptionAlgorithm, in.CiphertextBlob, u)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	plaintext, version, err := s.decryptWith(k, algorithm, in.EncryptionContext, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	return &DecryptOutput{Plaintext: plaintext, KeyId: k.arn(), EncryptionAlgorithm: algorithm, KeyMaterialId: k.materialID(version)}, nil
}

func (s *Service) reEncrypt(ctx context.Context, c *aws.Call, in *ReEncryptInput) (*ReEncryptOutput, error) {
	recordDefault(c, "SourceEncryptionAlgorithm", symmetricDefault)
	recordDefault(c, "DestinationEncryptionAlgorithm", symmetricDefault)
	if err := supported(in.DryRunModifiers, nil); err != nil {
		return nil, err
	}
	from := encryptionUse("ReEncryptFrom", in.SourceEncryptionAlgorithm, in.SourceEncryptionContext, in.GrantTokens)
	to := encryptionUse("ReEncryptTo", in.DestinationEncryptionAlgorithm, in.DestinationEncryptionContext, in.GrantTokens)
	same, err := s.sameKey(c, in)
	if err != nil {
		return nil, err
	}
	from.keys["kms:ReEncryptOnSameKey"] = []string{strconv.FormatBool(same)}
	to.keys["kms:ReEncryptOnSameKey"] = from.keys["kms:ReEncryptOnSameKey"]
	source, sourceAlgorithm, err := s.decryptionKey(ctx, c, in.SourceKeyId, in.SourceEncryptionAlgorithm, in.CiphertextBlob, from)
	if err != nil {
		return nil, err
	}
	destination, err := s.authorize(ctx, c, in.DestinationKeyId, to)
	if err != nil {
		return nil, err
	}
	algorithm, err := destination.encryptionAlgorithm(c, in.DestinationEncryptionAlgorithm, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	plaintext, version, err := s.decryptWith(source, sourceAlgorithm, in.SourceEncryptionContext, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	blob, err := s.encryptWith(destination, algorithm, in.DestinationEncryptionContext, plaintext)
	if err != nil {
		return nil, err
	}
	return &ReEncryptOutput{
		CiphertextBlob: blob, KeyId: destination.arn(), SourceKeyId: source.arn(),
		SourceEncryptionAlgorithm: sourceAlgorithm, DestinationEncryptionAlgorithm: algorithm,
		SourceKeyMaterialId: source.materialID(version), DestinationKeyMaterialId: destination.materialID(destination.current()),
	}, nil
}

// sameKey reports whether a ciphertext is to be encrypted again under the key
// that it has already, for a condition key. Nothing is told to the caller yet.
func (s *Service) sameKey(c *aws.Call, in *ReEncryptInput) (bool, error) {
	u := use{aliases: true, foreign: true}
	n, err := u.parse(c, in.DestinationKeyId)
	if err != nil {
		return false, err
	}
	to, err := s.find(c, n)
	if err != nil || to == nil {
		return false, err
	}
	if head, ok := parseBlob(in.CiphertextBlob); ok {
		return head.account == to.account && head.keyID == to.id, nil
	}
	if in.SourceKeyId == "" {
		return false, nil
	}
	if n, err = u.parse(c, in.SourceKeyId); err != nil {
		return false, err
	}
	from, err := s.find(c, n)
	return from != nil && from.account == to.account && from.id == to.id, err
}

func encryptionUse(action, algorithm string, context map[string]string, grants []string) use {
	if algorithm == "" {
		algorithm = symmetricDefault
	}
	return use{action: action, aliases: true, foreign: true, context: context, grants: grants, keys: map[string][]string{"kms:EncryptionAlgorithm": {algorithm}}}
}

// decryptionKey returns the key of a ciphertext and the algorithm that it was made
// with. Ciphertexts of symmetric keys name their key themselves.
func (s *Service) decryptionKey(ctx context.Context, c *aws.Call, keyID, algorithm string, blob []byte, u use) (*key, string, error) {
	if err := checkLength("ciphertextBlob", blob, maxCiphertext); err != nil {
		return nil, "", err
	}
	head, ok := parseBlob(blob)
	var k *key
	var err error
	switch {
	case keyID != "":
		k, err = s.authorize(ctx, c, keyID, u)
	case algorithm != "" && algorithm != symmetricDefault:
		err = errValidation("KeyId is required for ciphertexts of asymmetric keys.")
	case !ok:
		err = errInvalidCiphertext()
	default:
		if k, err = s.load(head.account, c.Region, head.keyID); err == nil && k == nil {
			err = errRefersToNoKey()
		}
		if err == nil && len(u.grants) > 0 {
			err = errGrantToken()
		}
		if err == nil {
			err = s.permit(ctx, c, k, "", u)
		}
	}
	if err != nil {
		return nil, "", err
	}
	algorithm, err = k.encryptionAlgorithm(c, algorithm, u.context)
	switch {
	case err != nil:
		return nil, "", err
	case !k.symmetric():
		return k, algorithm, nil
	case !ok:
		return nil, "", errInvalidCiphertext()
	case head.account != k.account || head.keyID != k.id:
		return nil, "", errIncorrectKey()
	case head.version == 0 || head.version > k.current():
		return nil, "", errInvalidCiphertext()
	}
	return k, algorithm, nil
}

// encryptionAlgorithm returns the algorithm that is meant, if the key is one that
// can be used with it now.
func (k *key) encryptionAlgorithm(c *aws.Call, algorithm string, context map[string]string) (string, error) {
	if err := k.needsEnabled(); err != nil {
		return "", err
	}
	if k.Usage != usageEncrypt {
		return "", errUsage(k.arn(), k.Usage, c.Operation)
	}
	if algorithm == "" {
		algorithm = symmetricDefault
	}
	if !slices.Contains(k.spec().encryption, algorithm) {
		return "", errAlgorithm(algorithm, k.Spec)
	}
	if !k.symmetric() && len(context) > 0 {
		return "", errValidation("An encryption context is for symmetric keys only.")
	}
	return algorithm, nil
}

// encryptWith encrypts under a key's current material.
func (s *Service) encryptWith(k *key, algorithm string, context map[string]string, plaintext []byte) ([]byte, error) {
	if !k.symmetric() {
		return encryptOAEP(k, algorithm, plaintext)
	}
	secret, err := s.secret(k, k.current())
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	blob, ok := sealBlob(secret, blobHeader{k.account, k.id, k.current()}, k.arn(), context, plaintext)
	if !ok {
		return nil, fmt.Errorf("encrypt with key %s: its account or ID has no form that a ciphertext can name", k.arn())
	}
	return blob, nil
}

// decryptWith decrypts what a key has encrypted, and returns the version of the
// material.
func (s *Service) decryptWith(k *key, algorithm string, context map[string]string, blob []byte) ([]byte, uint32, error) {
	version := k.current()
	if k.symmetric() {
		head, _ := parseBlob(blob)
		version = head.version
	}
	secret, err := s.secret(k, version)
	if err != nil {
		return nil, 0, err
	}
	defer clear(secret)
	if !k.symmetric() {
		plaintext, err := decryptOAEP(k, secret, algorithm, blob)
		return plaintext, version, err
	}
	plaintext, ok := openBlob(secret, blob, k.arn(), context)
	if !ok {
		return nil, 0, errInvalidCiphertext()
	}
	return plaintext, version, nil
}

// checkLength holds a member that may be secret to 1 to most bytes.
func checkLength(member string, value []byte, most int) error {
	switch {
	case len(value) == 0:
		return errLength(member, "greater", 1)
	case len(value) > most:
		return errLength(member, "less", most)
	}
	return nil
}

// supported refuses what needs a Nitro enclave, and dry runs without a ciphertext.
func supported(modifiers []string, recipient *RecipientInfo) error {
	switch {
	case recipient != nil:
		return errUnsupported("Recipient is for AWS Nitro enclaves, which there are none of here.")
	case len(modifiers) > 0:
		return errUnsupported("This version of Cairn has no DryRunModifiers.")
	}
	return nil
}

// recordDefault lets the call's record show what a member that is not given
// means, as CloudTrail's do.
func recordDefault(c *aws.Call, member string, value any) {
	if _, given := c.Input[member]; !given && c.Input != nil {
		c.Input[member] = value
	}
}

// dryRun ends a call that would have succeeded, if it was only a question.
func dryRun(asked *bool) error {
	if asked != nil && *asked {
		return errDryRun()
	}
	return nil
}
