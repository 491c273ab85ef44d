package kms

import (
	"context"
	"strconv"
	"time"

	"cairn/aws"
)

const (
	defaultRotation = 365 // days between automatic rotations

	// maxOnDemand is AWS's quota of rotations on demand in a key's life.
	maxOnDemand = 25
)

func (s *Service) enableKeyRotation(ctx context.Context, c *aws.Call, in *EnableKeyRotationInput) (*EnableKeyRotationOutput, error) {
	var conditions map[string][]string
	if in.RotationPeriodInDays != nil {
		conditions = map[string][]string{"kms:RotationPeriodInDays": {strconv.Itoa(int(*in.RotationPeriodInDays))}}
	}
	k, err := s.authorize(ctx, c, in.KeyId, use{keys: conditions})
	if err != nil {
		return nil, err
	}
	return &EnableKeyRotationOutput{}, s.change(k, func(k *key) error {
		if err := k.mayRotate(); err != nil {
			return err
		}
		period := k.RotationPeriod
		switch {
		case in.RotationPeriodInDays != nil:
			period = *in.RotationPeriodInDays
		case period == 0:
			period = defaultRotation
		}
		if period != k.RotationPeriod {
			k.RotationPeriod, k.NextRotation = period, s.Now().UTC().Add(time.Duration(period)*day)
		}
		return nil
	})
}

func (s *Service) disableKeyRotation(ctx context.Context, c *aws.Call, in *DisableKeyRotationInput) (*DisableKeyRotationOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	return &DisableKeyRotationOutput{}, s.change(k, func(k *key) error {
		k.RotationPeriod, k.NextRotation = 0, time.Time{}
		return k.mayRotate()
	})
}

// getKeyRotationStatus also answers for keys that cannot be rotated: that they
// are not. Terraform asks it of every key.
func (s *Service) getKeyRotationStatus(ctx context.Context, c *aws.Call, in *GetKeyRotationStatusInput) (*GetKeyRotationStatusOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{foreign: true})
	if err != nil {
		return nil, err
	}
	out := &GetKeyRotationStatusOutput{KeyId: k.arn()}
	if k.RotationPeriod > 0 && k.State != pendingDeletion {
		out.KeyRotationEnabled, out.RotationPeriodInDays, out.NextRotationDate = true, &k.RotationPeriod, k.NextRotation
	}
	return out, nil
}

func (s *Service) rotateKeyOnDemand(ctx context.Context, c *aws.Call, in *RotateKeyOnDemandInput) (*RotateKeyOnDemandOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	err = s.change(k, func(k *key) error {
		if err := k.mayRotate(); err != nil {
			return err
		}
		if k.OnDemand >= maxOnDemand {
			return errLimit("A key is rotated on demand %d times at most.", maxOnDemand)
		}
		k.OnDemand++
		return s.addMaterial(k, "ON_DEMAND")
	})
	if err != nil {
		return nil, err
	}
	return &RotateKeyOnDemandOutput{KeyId: k.arn()}, nil
}

func (s *Service) listKeyRotations(ctx context.Context, c *aws.Call, in *ListKeyRotationsInput) (*ListKeyRotationsOutput, error) {
	k, err := s.authorize(ctx, c, in.KeyId, use{})
	if err != nil {
		return nil, err
	}
	if !k.symmetric() {
		return nil, errUnsupported("%s is not a symmetric encryption key, and is not rotated.", k.arn())
	}
	p, err := s.page(c, k.id, in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	after, err := strconv.Atoi("0" + p.after)
	if err != nil {
		return nil, errMarker()
	}
	out := &ListKeyRotationsOutput{Rotations: []RotationsListEntry{}}
	for i, m := range k.Materials {
		version := i + 1
		if version <= after || m.Origin == "" && in.IncludeKeyMaterial != "ALL_KEY_MATERIAL" {
			continue
		}
		if p.full(len(out.Rotations)) {
			out.Truncated = true
			out.NextMarker, err = s.marker(c, k.id, p.last)
			return out, err
		}
		p.last = strconv.Itoa(version)
		out.Rotations = append(out.Rotations, k.rotation(i, in.IncludeKeyMaterial == "ALL_KEY_MATERIAL"))
	}
	return out, nil
}

func (k *key) rotation(i int, materials bool) RotationsListEntry {
	m := k.Materials[i]
	e := RotationsListEntry{KeyId: k.arn(), RotationType: m.Origin, KeyMaterialId: m.ID}
	if m.Origin != "" {
		e.RotationDate = m.Created
	}
	if materials {
		e.KeyMaterialState = "NON_CURRENT"
		if i == len(k.Materials)-1 {
			e.KeyMaterialState = "CURRENT"
		}
	}
	return e
}

// mayRotate refuses keys that are not enabled, and those of one material only.
func (k *key) mayRotate() error {
	if !k.symmetric() {
		return errUnsupported("%s is not a symmetric encryption key, and is not rotated.", k.arn())
	}
	return k.needsEnabled()
}
