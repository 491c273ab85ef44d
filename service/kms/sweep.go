package kms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cairn/catalog"
)

// sweepInterval is how often Run looks for keys whose time is over. Calls never
// see such a key, however late the sweep: it bounds how long the material stays.
const sweepInterval = time.Hour

// Run deletes and rotates keys that are due until ctx is done. It goes on after
// errors, which it logs.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("some keys of KMS could not be deleted or rotated", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep deletes and rotates the keys that are due, and deletes the aliases that
// deleted keys left behind.
func (s *Service) Sweep(ctx context.Context) error {
	var failed []error
	for row, err := range s.keys().Scan("") {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			parts := catalog.SplitKey(row.Key)
			_, err = s.load(parts[0], parts[1], parts[2])
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	for row, err := range s.aliases().Scan("") {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			err = s.sweepAlias(row)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (s *Service) sweepAlias(row catalog.Row[alias]) error {
	parts := catalog.SplitKey(row.Key)
	k, err := s.load(parts[0], parts[1], row.Value.Target)
	if err != nil || k != nil {
		return err
	}
	err = s.aliases().Delete(row.Key, row.Revision)
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// Reseal seals the materials of all keys under the keyring's newest data key, and
// returns how many were under an older one.
func (s *Service) Reseal() (int, error) {
	n := 0
	for row, err := range s.keys().Scan("") {
		if err != nil {
			return n, fmt.Errorf("reseal keys of KMS: %w", err)
		}
		parts := catalog.SplitKey(row.Key)
		k, err := s.load(parts[0], parts[1], parts[2])
		if err != nil {
			return n, fmt.Errorf("reseal keys of KMS: %w", err)
		}
		if k == nil {
			continue
		}
		changes := 0
		err = s.change(k, func(k *key) error {
			changes = 0
			for i := range k.Materials {
				m := &k.Materials[i]
				sealed, changed, err := s.Catalog.Keyring().Reseal(materialPurpose, sealedRow(k, uint32(i+1)), m.Sealed)
				if err != nil {
					return err
				}
				if changed {
					m.Sealed = sealed
					changes++
				}
			}
			return nil
		})
		if err != nil {
			return n, fmt.Errorf("reseal keys of KMS: %w", err)
		}
		n += changes
	}
	return n, nil
}

// EachSealed calls fn with each material of all keys, sealed. Of keys whose time is
// over those that no sweep has removed yet are among them.
func (s *Service) EachSealed(fn func(sealed []byte)) error {
	for row, err := range s.keys().Scan("") {
		if err != nil {
			return fmt.Errorf("read keys of KMS: %w", err)
		}
		for i := range row.Value.Materials {
			fn(row.Value.Materials[i].Sealed)
		}
	}
	return nil
}
