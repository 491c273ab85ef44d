package kms

import (
	"context"
	"crypto/hmac"
	"slices"

	"cairn/aws"
)

func (s *Service) generateMac(ctx context.Context, c *aws.Call, in *GenerateMacInput) (*GenerateMacOutput, error) {
	k, mac, err := s.mac(ctx, c, in.KeyId, in.MacAlgorithm, in.Message, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &GenerateMacOutput{KeyId: k.arn(), Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

func (s *Service) verifyMac(ctx context.Context, c *aws.Call, in *VerifyMacInput) (*VerifyMacOutput, error) {
	if err := checkLength("mac", in.Mac, maxCiphertext); err != nil {
		return nil, err
	}
	k, mac, err := s.mac(ctx, c, in.KeyId, in.MacAlgorithm, in.Message, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, errInvalidMac()
	}
	return &VerifyMacOutput{KeyId: k.arn(), MacAlgorithm: in.MacAlgorithm, MacValid: true}, nil
}

// mac returns the HMAC of a message.
func (s *Service) mac(ctx context.Context, c *aws.Call, keyID, algorithm string, message []byte, grants []string, dry *bool) (*key, []byte, error) {
	if err := checkLength("message", message, maxPlaintext); err != nil {
		return nil, nil, err
	}
	k, err := s.authorize(ctx, c, keyID, use{aliases: true, foreign: true, grants: grants, keys: map[string][]string{"kms:MacAlgorithm": {algorithm}}})
	if err != nil {
		return nil, nil, err
	}
	if err := k.needsEnabled(); err != nil {
		return nil, nil, err
	}
	if k.Usage != usageMac {
		return nil, nil, errUsage(k.arn(), k.Usage, c.Operation)
	}
	if !slices.Contains(k.spec().mac, algorithm) {
		return nil, nil, errAlgorithm(algorithm, k.Spec)
	}
	if err := dryRun(dry); err != nil {
		return nil, nil, err
	}
	secret, err := s.secret(k, k.current())
	if err != nil {
		return nil, nil, err
	}
	defer clear(secret)
	h := hmac.New(hashOf(algorithm).New, secret)
	h.Write(message)
	return k, h.Sum(nil), nil
}
