package kms

import (
	"context"

	"cairn/aws"
)

func (s *Service) generateDataKey(ctx context.Context, c *aws.Call, in *GenerateDataKeyInput) (*GenerateDataKeyOutput, error) {
	if err := supported(nil, in.Recipient); err != nil {
		return nil, err
	}
	size, err := dataKeySize(in.KeySpec, in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	k, err := s.dataKeyKey(ctx, c, in.KeyId, in.EncryptionContext, in.GrantTokens, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	plaintext := random(size)
	blob, err := s.encryptWith(k, symmetricDefault, in.EncryptionContext, plaintext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyOutput{CiphertextBlob: blob, Plaintext: plaintext, KeyId: k.arn(), KeyMaterialId: k.materialID(k.current())}, nil
}

func (s *Service) generateDataKeyWithoutPlaintext(ctx context.Context, c *aws.Call, in *GenerateDataKeyWithoutPlaintextInput) (*GenerateDataKeyWithoutPlaintextOutput, error) {
	size, err := dataKeySize(in.KeySpec, in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	k, err := s.dataKeyKey(ctx, c, in.KeyId, in.EncryptionContext, in.GrantTokens, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	plaintext := random(size)
	defer clear(plaintext)
	blob, err := s.encryptWith(k, symmetricDefault, in.EncryptionContext, plaintext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: blob, KeyId: k.arn(), KeyMaterialId: k.materialID(k.current())}, nil
}

func (s *Service) generateDataKeyPair(ctx context.Context, c *aws.Call, in *GenerateDataKeyPairInput) (*GenerateDataKeyPairOutput, error) {
	if err := supported(nil, in.Recipient); err != nil {
		return nil, err
	}
	p, err := s.dataKeyPair(ctx, c, in.KeyId, in.KeyPairSpec, in.EncryptionContext, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyPairOutput{
		PrivateKeyCiphertextBlob: p.blob, PrivateKeyPlaintext: p.secret, PublicKey: p.public,
		KeyId: p.key.arn(), KeyPairSpec: in.KeyPairSpec, KeyMaterialId: p.key.materialID(p.key.current()),
	}, nil
}

func (s *Service) generateDataKeyPairWithoutPlaintext(ctx context.Context, c *aws.Call, in *GenerateDataKeyPairWithoutPlaintextInput) (*GenerateDataKeyPairWithoutPlaintextOutput, error) {
	p, err := s.dataKeyPair(ctx, c, in.KeyId, in.KeyPairSpec, in.EncryptionContext, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	clear(p.secret)
	return &GenerateDataKeyPairWithoutPlaintextOutput{
		PrivateKeyCiphertextBlob: p.blob, PublicKey: p.public,
		KeyId: p.key.arn(), KeyPairSpec: in.KeyPairSpec, KeyMaterialId: p.key.materialID(p.key.current()),
	}, nil
}

func (s *Service) generateRandom(ctx context.Context, c *aws.Call, in *GenerateRandomInput) (*GenerateRandomOutput, error) {
	switch {
	case in.CustomKeyStoreId != "":
		return nil, aws.Errorf("CustomKeyStoreNotFoundException", "This version of Cairn has no custom key stores.")
	case in.NumberOfBytes == nil:
		return nil, errValidation("NumberOfBytes is required.")
	}
	if err := supported(nil, in.Recipient); err != nil {
		return nil, err
	}
	if err := authorizeAll(ctx, c, nil); err != nil {
		return nil, err
	}
	return &GenerateRandomOutput{Plaintext: random(int(*in.NumberOfBytes))}, nil
}

// dataKeyKey returns the key that a data key is encrypted under.
func (s *Service) dataKeyKey(ctx context.Context, c *aws.Call, keyID string, context map[string]string, grants []string, dry *bool, conditions map[string][]string) (*key, error) {
	u := encryptionUse("", "", context, grants)
	for name, values := range conditions {
		u.keys[name] = values
	}
	k, err := s.authorize(ctx, c, keyID, u)
	if err != nil {
		return nil, err
	}
	if err := k.needsEnabled(); err != nil {
		return nil, err
	}
	if !k.symmetric() {
		return nil, errUsage(k.arn(), k.Usage, c.Operation)
	}
	return k, dryRun(dry)
}

// A dataKeyPair is a pair of keys, with its private half as PKCS #8 and encrypted.
type dataKeyPair struct {
	key                  *key
	secret, blob, public []byte
}

func (s *Service) dataKeyPair(ctx context.Context, c *aws.Call, keyID, pairSpec string, context map[string]string, grants []string, dry *bool) (*dataKeyPair, error) {
	of, ok := specs[pairSpec]
	if !ok || !of.asymmetric() {
		return nil, errUnsupported("This version of Cairn makes no data key pairs of the spec %s.", pairSpec)
	}
	k, err := s.dataKeyKey(ctx, c, keyID, context, grants, dry, map[string][]string{"kms:DataKeyPairSpec": {pairSpec}})
	if err != nil {
		return nil, err
	}
	p := &dataKeyPair{key: k}
	if p.secret, p.public, err = s.makeMaterial(&of); err != nil {
		return nil, errInternal("make a data key pair", k.arn(), err)
	}
	p.blob, err = s.encryptWith(k, symmetricDefault, context, p.secret)
	return p, err
}

// dataKeySize returns a data key's length in bytes.
func dataKeySize(spec string, bytes *int32) (int, error) {
	switch {
	case (spec == "") == (bytes == nil):
		return 0, errValidation("Please specify either number of bytes or key spec.")
	case bytes != nil:
		return int(*bytes), nil
	case spec == "AES_128":
		return 16, nil
	}
	return 32, nil
}
