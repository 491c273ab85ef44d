package iam

import (
	"context"

	"cairn/aws"
	"cairn/identity"
)

func (s *Service) createAccessKey(_ context.Context, c *aws.Call, in *CreateAccessKeyInput) (*CreateAccessKeyOutput, error) {
	name, err := userName(c, in.UserName)
	if err != nil {
		return nil, err
	}
	k, secret, err := s.Store.CreateAccessKey(c.Account(), name)
	if err != nil {
		return nil, err
	}
	return &CreateAccessKeyOutput{AccessKey: AccessKey{
		UserName: name, AccessKeyId: k.ID, Status: status(k), SecretAccessKey: secret, CreateDate: k.Created,
	}}, nil
}

func (s *Service) listAccessKeys(_ context.Context, c *aws.Call, in *ListAccessKeysInput) (*ListAccessKeysOutput, error) {
	name, err := userName(c, in.UserName)
	if err != nil {
		return nil, err
	}
	keys, err := s.Store.AccessKeys(c.Account(), name)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*identity.AccessKey, len(keys))
	var ids []string
	for i := range keys {
		byID[keys[i].ID] = &keys[i]
		ids = append(ids, keys[i].ID)
	}
	ids, truncated, marker, err := texts(ids, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &ListAccessKeysOutput{AccessKeyMetadata: []AccessKeyMetadata{}, IsTruncated: truncated, Marker: marker}
	for _, id := range ids {
		k := byID[id]
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, AccessKeyMetadata{
			UserName: name, AccessKeyId: k.ID, Status: status(k), CreateDate: k.Created,
		})
	}
	return out, nil
}

func (s *Service) updateAccessKey(_ context.Context, c *aws.Call, in *UpdateAccessKeyInput) (*UpdateAccessKeyOutput, error) {
	name, err := userName(c, in.UserName)
	if err != nil {
		return nil, err
	}
	return &UpdateAccessKeyOutput{}, s.Store.SetAccessKey(c.Account(), name, in.AccessKeyId, in.Status == "Active")
}

func (s *Service) deleteAccessKey(_ context.Context, c *aws.Call, in *DeleteAccessKeyInput) (*DeleteAccessKeyOutput, error) {
	name, err := userName(c, in.UserName)
	if err != nil {
		return nil, err
	}
	return &DeleteAccessKeyOutput{}, s.Store.DeleteAccessKey(c.Account(), name, in.AccessKeyId)
}

func (s *Service) getAccessKeyLastUsed(_ context.Context, c *aws.Call, in *GetAccessKeyLastUsedInput) (*GetAccessKeyLastUsedOutput, error) {
	name, err := s.Store.KeyOwner(c.Account(), in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	out := &GetAccessKeyLastUsedOutput{UserName: name, AccessKeyLastUsed: AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
	if use, ok := s.Store.LastUse(c.Account(), in.AccessKeyId); ok {
		out.AccessKeyLastUsed = AccessKeyLastUsed{LastUsedDate: use.Time, ServiceName: use.Service, Region: use.Region}
	}
	return out, nil
}

func status(k *identity.AccessKey) string {
	if k.Inactive {
		return "Inactive"
	}
	return "Active"
}
