package kms

import (
	"context"
	"strconv"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

const defaultWindow = 30 // days until a key is deleted

func (s *Service) createKey(ctx context.Context, c *aws.Call, in *CreateKeyInput) (*CreateKeyOutput, error) {
	for member, value := range map[string]any{
		"KeySpec": in.spec(), "CustomerMasterKeySpec": in.spec(), "KeyUsage": in.usage(), "Origin": "AWS_KMS", "Description": "", "MultiRegion": false,
	} {
		recordDefault(c, member, value)
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if c.Account() == "" {
		return nil, aws.AccessDenied("Keys are made by accounts, not by services.")
	}
	k := &key{
		account: c.Account(), region: c.Region, id: aws.NewUUID(), Spec: in.spec(), Usage: in.usage(),
		Description: in.Description, Manager: "CUSTOMER", State: enabled, Created: s.Now().UTC(),
	}
	conditions := in.conditions(k)
	if err := authorizeAll(ctx, c, conditions); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := c.Authorize(ctx, aws.Permission{Action: "kms:TagResource", Resource: "*", Keys: conditions}); err != nil {
			return nil, err
		}
	}
	var err error
	if k.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if in.Policy == "" {
		k.Policy = defaultPolicy(k.account, k.region)
	} else if err := s.setPolicy(ctx, c, k, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if err := s.addMaterial(k, ""); err != nil {
		return nil, err
	}
	if err := s.store(k); err != nil {
		return nil, err
	}
	return &CreateKeyOutput{KeyMetadata: k.metadata()}, nil
}

// check refuses kinds of keys that there are none of here.
func (in *CreateKeyInput) check() error {
	switch {
	case in.Origin != "" && in.Origin != "AWS_KMS", in.CustomKeyStoreId != "", in.XksKeyId != "":
		return errUnsupported("This version of Cairn makes key material itself: Origin must be AWS_KMS, without a custom key store.")
	case in.MultiRegion != nil && *in.MultiRegion:
		return errUnsupported("This version of Cairn has no multi-Region keys.")
	case in.KeySpec != "" && in.CustomerMasterKeySpec != "" && in.KeySpec != in.CustomerMasterKeySpec:
		return errValidation("You cannot specify KeySpec and CustomerMasterKeySpec with different values.")
	}
	of, ok := specs[in.spec()]
	switch {
	case !ok:
		return errUnsupported("This version of Cairn has no keys of the spec %s.", in.spec())
	case in.KeyUsage == "" && in.spec() != symmetricDefault:
		return errValidation("You must specify a KeyUsage value for a key that is not a symmetric encryption key.")
	case !of.takes(in.usage()):
		return errValidation("The KeyUsage %s is not compatible with the KeySpec %s.", in.usage(), in.spec())
	}
	return nil
}

func (in *CreateKeyInput) spec() string {
	for _, given := range []string{in.KeySpec, in.CustomerMasterKeySpec} {
		if given != "" {
			return given
		}
	}
	return symmetricDefault
}

func (in *CreateKeyInput) usage() string {
	if in.KeyUsage == "" {
		return usageEncrypt
	}
	return in.KeyUsage
}

func (in *CreateKeyInput) conditions(k *key) map[string][]string {
	keys := map[string][]string{
		"kms:KeySpec": {k.Spec}, "kms:KeyUsage": {k.Usage}, "kms:KeyOrigin": {"AWS_KMS"}, "kms:MultiRegion": {"false"},
		"kms:BypassPolicyLockoutSafetyCheck": {strconv.FormatBool(in.BypassPolicyLockoutSafetyCheck)},
	}
	addRequestTags(keys, in.Tags)
	return keys
}

func (s *Service) describeKey(ctx context.Context, c *aws.Call, in *DescribeKeyInput) (*DescribeKeyOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{aliases: true, foreign: true, grants: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	return &DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
}

func (s *Service) listKeys(ctx context.Context, c *aws.Call, in *ListKeysInput) (*ListKeysOutput, error) {
	if err := authorizeAll(ctx, c, nil); err != nil {
		return nil, err
	}
	p, err := s.page(c, "", in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	out := &ListKeysOutput{Keys: []KeyListEntry{}}
	for row, err := range s.keys().Scan(catalog.KeyPrefix(callerAccount(c), c.Region)) {
		if err != nil {
			return nil, err
		}
		if row.Key <= p.after || row.Value.State == pendingDeletion && !s.Now().Before(row.Value.DeletionDate) {
			continue
		}
		if p.full(len(out.Keys)) {
			out.Truncated = true
			out.NextMarker, err = s.marker(c, "", p.last)
			return out, err
		}
		p.last = row.Key
		id := catalog.SplitKey(row.Key)[2]
		out.Keys = append(out.Keys, KeyListEntry{KeyId: id, KeyArn: keyARN(c.Region, callerAccount(c), id)})
	}
	return out, nil
}

func (s *Service) enableKey(ctx context.Context, c *aws.Call, in *EnableKeyInput) (*EnableKeyOutput, error) {
	return &EnableKeyOutput{}, s.setState(ctx, c, in.KeyId, enabled)
}

func (s *Service) disableKey(ctx context.Context, c *aws.Call, in *DisableKeyInput) (*DisableKeyOutput, error) {
	return &DisableKeyOutput{}, s.setState(ctx, c, in.KeyId, disabled)
}

func (s *Service) setState(ctx context.Context, c *aws.Call, keyID, state string) error {
	k, err := s.authorize(ctx, c, keyID, use{})
	if err != nil {
		return err
	}
	return s.change(k, func(k *key) error {
		if err := k.needsLife(); err != nil {
			return err
		}
		k.State = state
		return nil
	})
}

func (s *Service) scheduleKeyDeletion(ctx context.Context, c *aws.Call, in *ScheduleKeyDeletionInput) (*ScheduleKeyDeletionOutput, error) {
	window := int32(defaultWindow)
	if in.PendingWindowInDays != nil {
		window = *in.PendingWindowInDays
	}
	k, err := s.authorize(ctx, c, in.KeyId, use{keys: map[string][]string{"kms:ScheduleKeyDeletionPendingWindowInDays": {strconv.Itoa(int(window))}}})
	if err != nil {
		return nil, err
	}
	due := s.Now().UTC().Add(time.Duration(window) * day)
	err = s.change(k, func(k *key) error {
		if err := k.needsLife(); err != nil {
			return err
		}
		k.State, k.DeletionDate, k.PendingWindow = pendingDeletion, due, window
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ScheduleKeyDeletionOutput{KeyId: k.arn(), DeletionDate: due, KeyState: pendingDeletion, PendingWindowInDays: &window}, nil
}

func (s *Service) cancelKeyDeletion(ctx context.Context, c *aws.Call, in *CancelKeyDeletionInput) (*CancelKeyDeletionOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	err = s.change(k, func(k *key) error {
		if k.State != pendingDeletion {
			return errState(k.arn(), "is not pending deletion")
		}
		k.State, k.DeletionDate, k.PendingWindow = disabled, time.Time{}, 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &CancelKeyDeletionOutput{KeyId: k.arn()}, nil
}

func (s *Service) updateKeyDescription(ctx context.Context, c *aws.Call, in *UpdateKeyDescriptionInput) (*UpdateKeyDescriptionOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	return &UpdateKeyDescriptionOutput{}, s.change(k, func(k *key) error {
		k.Description = *in.Description
		return k.needsLife()
	})
}
