package server

import (
	"context"
	"fmt"
	"path"

	"cairn/catalog"
	"cairn/delivery"
	"cairn/internal/objectstore"
)

// checkObjects verifies the embedded S3: in the store that is in use, or on disk
// if that is nil.
func (r *CheckReport) checkObjects(ctx context.Context, cfg Config, store *objectstore.Store) error {
	var st objectstore.Stats
	var err error
	damaged := false
	report := func(d *objectstore.DamageError) {
		damaged = true
		r.ObjectDamage++
		r.damage("%v", d)
	}
	if store == nil {
		st, err = objectstore.CheckDirectory(ctx, objectstore.Config{Dir: objectsDir(cfg.Data), FS: cfg.FS, Now: cfg.Now, Logger: cfg.Logger}, report)
	} else {
		err = store.Check(ctx, report)
		if err == nil {
			st, err = store.Stats(ctx)
		}
	}
	if err != nil && (!damaged || ctx.Err() != nil) {
		return fmt.Errorf("check the embedded S3: %w", err)
	}
	r.Buckets, r.Objects, r.ObjectBytes = st.Buckets, st.Objects, st.Bytes
	return nil
}

// checkStaged compares the files that wait for their bucket with their rows.
func (r *CheckReport) checkStaged(cfg Config, c *catalog.Catalog, delivering bool) {
	dir := deliveryDir(cfg.Data)
	staged, err := delivery.CheckStaged(c, cfg.FS, dir)
	if err != nil {
		r.damage("%v", err)
		return
	}
	r.StagedFiles = staged.Files
	for _, d := range staged.Damaged {
		r.ObjectDamage++
		r.damage("%s; deliveries make it again from the event log", path.Join(dir, d))
	}
	if delivering {
		return // what is missing was delivered just now
	}
	for _, name := range staged.Missing {
		r.Notes = append(r.Notes, path.Join(dir, name)+" is not there, though it was not delivered: deliveries make it again from the event log")
	}
}
