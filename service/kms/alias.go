package kms

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/catalog"
)

// maxAliases is AWS's quota of aliases for one key.
const maxAliases = 50

func (s *Service) createAlias(ctx context.Context, c *aws.Call, in *CreateAliasInput) (*CreateAliasOutput, error) {
	k, err := s.aliasTarget(ctx, c, in.AliasName, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	err = s.setAlias(k, nil, in.AliasName, 0, alias{Target: k.id, Created: now, Updated: now})
	if errors.Is(err, catalog.ErrConflict) {
		return nil, errAliasExists(kmsARN(k.region, k.account, in.AliasName))
	}
	if err != nil {
		return nil, err
	}
	return &CreateAliasOutput{}, s.targetLives(k)
}

func (s *Service) updateAlias(ctx context.Context, c *aws.Call, in *UpdateAliasInput) (*UpdateAliasOutput, error) {
	k, err := s.aliasTarget(ctx, c, in.AliasName, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	a, old, err := s.aliasedKey(ctx, c, in.AliasName)
	if err != nil {
		return nil, err
	}
	if old.symmetric() != k.symmetric() || old.Usage != k.Usage {
		return nil, errValidation("The current and the new key of an alias must be of the same type and have the same key usage.")
	}
	err = s.setAlias(k, old, in.AliasName, a.rev, alias{Target: k.id, Created: a.Created, Updated: s.Now().UTC()})
	if errors.Is(err, catalog.ErrConflict) {
		return nil, errBusy(in.AliasName)
	}
	if err != nil {
		return nil, err
	}
	return &UpdateAliasOutput{}, s.targetLives(k)
}

func (s *Service) deleteAlias(ctx context.Context, c *aws.Call, in *DeleteAliasInput) (*DeleteAliasOutput, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	if err := permitAlias(ctx, c, in.AliasName); err != nil {
		return nil, err
	}
	a, k, err := s.aliasedKey(ctx, c, in.AliasName)
	if err != nil {
		return nil, err
	}
	err = s.dropAlias(k, in.AliasName, a.rev)
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil, errBusy(in.AliasName)
	}
	return &DeleteAliasOutput{}, err
}

func (s *Service) listAliases(ctx context.Context, c *aws.Call, in *ListAliasesInput) (*ListAliasesOutput, error) {
	if err := authorizeAll(ctx, c, nil); err != nil {
		return nil, err
	}
	account, target := callerAccount(c), ""
	if in.KeyId != "" {
		u := use{}
		n, err := u.parse(c, in.KeyId)
		if err != nil {
			return nil, err
		}
		if n.account != account {
			return nil, errOtherAccount(c)
		}
		k, err := s.load(account, c.Region, n.id)
		if err != nil {
			return nil, err
		}
		if k == nil {
			return nil, errNoKey(keyARN(c.Region, account, n.id))
		}
		target = k.id
	}
	p, err := s.page(c, target, in.Marker, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &ListAliasesOutput{Aliases: []AliasListEntry{}}
	for row, err := range s.aliases().Scan(catalog.KeyPrefix(account, c.Region)) {
		if err != nil {
			return nil, err
		}
		name := catalog.SplitKey(row.Key)[2]
		if row.Key <= p.after || target != "" && row.Value.Target != target {
			continue
		}
		if k, err := s.load(account, c.Region, row.Value.Target); err != nil {
			return nil, err
		} else if k == nil {
			continue
		}
		if p.full(len(out.Aliases)) {
			out.Truncated = true
			out.NextMarker, err = s.marker(c, target, p.last)
			return out, err
		}
		p.last = row.Key
		out.Aliases = append(out.Aliases, AliasListEntry{
			AliasName: name, AliasArn: kmsARN(c.Region, account, name), TargetKeyId: row.Value.Target,
			CreationDate: row.Value.Created, LastUpdatedDate: row.Value.Updated,
		})
	}
	return out, nil
}

// aliasTarget returns the key that an alias is to stand for. The caller needs
// permission for the alias and for the key.
func (s *Service) aliasTarget(ctx context.Context, c *aws.Call, name, keyID string) (*key, error) {
	if err := checkAliasName(name); err != nil {
		return nil, err
	}
	if err := permitAlias(ctx, c, name); err != nil {
		return nil, err
	}
	k, err := s.authorize(ctx, c, keyID, use{})
	if err != nil {
		return nil, err
	}
	if err := k.needsLife(); err != nil {
		return nil, err
	}
	names, err := s.aliasesOf(k)
	if err != nil {
		return nil, err
	}
	if len(names) >= maxAliases && !slices.Contains(names, name) {
		return nil, errLimit("A key has %d aliases at most.", maxAliases)
	}
	return k, nil
}

// aliasedKey returns an alias and the key that it stands for.
func (s *Service) aliasedKey(ctx context.Context, c *aws.Call, name string) (*alias, *key, error) {
	arn := kmsARN(c.Region, callerAccount(c), name)
	a, err := s.alias(callerAccount(c), c.Region, name)
	if err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, nil, errNoAlias(arn)
	}
	k, err := s.load(callerAccount(c), c.Region, a.Target)
	if err != nil {
		return nil, nil, err
	}
	if k == nil {
		return nil, nil, errNoAlias(arn)
	}
	return a, k, s.permit(ctx, c, k, "", use{})
}

// targetLives makes up for a key that was deleted while it got an alias.
func (s *Service) targetLives(k *key) error {
	now, err := s.load(k.account, k.region, k.id)
	if err != nil || now != nil {
		return err
	}
	if err := s.dropAliases(k); err != nil {
		return err
	}
	return errNoKey(k.arn())
}

func permitAlias(ctx context.Context, c *aws.Call, name string) error {
	return c.Authorize(ctx, aws.Permission{Action: "kms:" + c.Operation, Resource: kmsARN(c.Region, callerAccount(c), name)})
}

// checkAliasName refuses names that AWS keeps for itself, and those that are none.
func checkAliasName(name string) error {
	rest, ok := strings.CutPrefix(name, "alias/")
	switch {
	case !ok || rest == "":
		return errAliasName("Invalid identifier: the name of an alias begins with alias/.")
	case strings.HasPrefix(rest, "aws/"):
		return errAliasName("Aliases that begin with alias/aws/ are for keys that AWS manages.")
	case strings.Contains(rest, ":"):
		return errAliasName("%s contains invalid characters for an alias", name)
	}
	return nil
}
