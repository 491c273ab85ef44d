package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"cairn/catalog"
)

// checkOpenCatalog verifies a copy of the catalog that is in use. That it cannot
// be copied, for want of space, is an error and no damage.
func (r *CheckReport) checkOpenCatalog(data string, c *catalog.Catalog) error {
	dir, err := os.MkdirTemp(data, spoolPrefix)
	if err != nil {
		return fmt.Errorf("copy the catalog: %w", err)
	}
	defer os.RemoveAll(dir)
	f, err := os.OpenFile(filepath.Join(dir, catalogName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = c.Snapshot(f)
		err = errors.Join(err, f.Close())
	}
	var damage *catalog.DamageError
	if errors.As(err, &damage) {
		r.damage("%v", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy the catalog: %w", err)
	}
	report, err := catalog.Check(dir)
	if err != nil {
		return err
	}
	for _, p := range report.Problems {
		p.File = filepath.Join(data, catalogName)
		r.damage("%v", p)
	}
	return nil
}

// checkCatalog verifies the catalog of a stopped server and its master key,
// and returns what the check of the event log goes by. What cannot be had is
// left empty and reported.
func (r *CheckReport) checkCatalog(cfg Config) (savedHead, note.Verifiers) {
	none := note.VerifierList()
	report, err := catalog.Check(cfg.Data)
	if err != nil {
		r.damage("%v", err)
		return savedHead{}, none
	}
	for _, p := range report.Problems {
		r.damage("%v", p)
	}
	r.Notes = append(r.Notes, report.Notes...)
	r.checkMasterKey(cfg)
	verifiers, err := catalog.ReadVerifiers(cfg.Data)
	if err != nil {
		r.damage("without its public keys no seal can be verified: %v", err)
		verifiers = none
	}
	c, err := catalog.OpenReadOnly(cfg.Data)
	if err != nil {
		if len(report.Problems) == 0 {
			r.damage("%v", err)
		}
		return savedHead{}, verifiers
	}
	defer c.Close()
	t := openTables(c)
	head, err := t.savedHead()
	if err != nil && len(report.Problems) == 0 {
		r.damage("%v", err)
	}
	r.checkHeads(cfg.Data, &t)
	if len(report.Problems) == 0 { // else rows that cannot be read are in the report
		r.checkStaged(cfg, c, false)
	}
	return head, verifiers
}

// checkMasterKey verifies the checksum of the master key's file.
func (r *CheckReport) checkMasterKey(cfg Config) {
	name := cfg.MasterKeyFile
	if name == "" {
		name = filepath.Join(cfg.Data, MasterKeyName)
	}
	if cfg.MasterKey != nil {
		return
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		r.Notes = append(r.Notes, name+" is not there: without the master key the server cannot start")
		return
	}
	if err == nil {
		_, err = catalog.ParseMasterKey(string(text))
	}
	if err != nil {
		r.damage("%s is damaged: %v", name, err)
	}
}
