package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cairn/eventlog"
)

// A CheckReport is the outcome of verifying a store.
type CheckReport struct {
	Damage      []string `json:"damage"` // each names the file and the place in it
	Notes       []string `json:"notes,omitempty"`
	Segments    uint64   `json:"segments"`
	Events      uint64   `json:"events"`
	Quarantined uint64   `json:"quarantined"`
	RawBytes    int64    `json:"rawBytes"`
	HeadSize    uint64   `json:"headSize"` // leaves of the tree over all records
	HeadRoot    string   `json:"headRoot"`

	// ProvenSize is how many records a signed seal or the head in the catalog
	// covers. Those behind it are checksummed only.
	ProvenSize uint64 `json:"provenSize"`

	// What the embedded S3 holds, and the log files and digests that wait for
	// their bucket.
	Buckets     int64 `json:"buckets"`
	Objects     int64 `json:"objects"` // all versions
	ObjectBytes int64 `json:"objectBytes"`
	StagedFiles int   `json:"stagedFiles"`

	// ObjectDamage is how many entries of Damage concern these, and so not the
	// records and their tree.
	ObjectDamage int `json:"objectDamage"`
}

func (r *CheckReport) damage(format string, args ...any) {
	r.Damage = append(r.Damage, fmt.Sprintf(format, args...))
}

// Check verifies the store while it is in use, and calls progress with the
// bytes of records verified so far.
func (s *Server) Check(ctx context.Context, progress func(rawBytes int64)) (*CheckReport, error) {
	r := &CheckReport{Damage: []string{}}
	// The head is read before the log: what is appended during the check lies
	// behind it.
	head, err := s.tables.savedHead()
	if err != nil {
		r.damage("%v", err)
	}
	verifiers, err := s.catalog.Verifiers()
	if err != nil {
		r.damage("%v", err)
		verifiers = note.VerifierList()
	}
	if err := r.checkOpenCatalog(s.cfg.Data, s.catalog); err != nil {
		return nil, err
	}
	r.checkHeads(s.cfg.Data, &s.tables)
	head.Clean = false
	if err := r.checkLog(ctx, s.cfg, head, verifiers, progress); err != nil {
		return nil, err
	}
	store := s.serving().store()
	r.checkStaged(s.cfg, s.catalog, store != nil)
	if err := r.checkObjects(ctx, s.cfg, store); err != nil {
		return nil, err
	}
	r.checkOthers(s.cfg.Data)
	return r, nil
}

// CheckDirectory verifies a store that no server has open. It works on a
// damaged one, and changes nothing.
func CheckDirectory(ctx context.Context, cfg Config, progress func(rawBytes int64)) (*CheckReport, error) {
	cfg = cfg.withDefaults()
	if isMissing(cfg.Data, catalogName) && isMissing(cfg.Data, eventsName) {
		return nil, fmt.Errorf("%w at %s", errNoData, cfg.Data)
	}
	r := &CheckReport{Damage: []string{}}
	lock, err := r.lockExisting(cfg)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", cfg.Data, err)
	}
	defer lock.Close()
	head, verifiers := r.checkCatalog(cfg)
	if err := r.checkLog(ctx, cfg, head, verifiers, progress); err != nil {
		return nil, err
	}
	if err := r.checkObjects(ctx, cfg, nil); err != nil {
		return nil, err
	}
	r.checkOthers(cfg.Data)
	return r, nil
}

// isMissing says whether a data directory has no such member.
func isMissing(data, name string) bool {
	_, err := os.Stat(filepath.Join(data, name))
	return errors.Is(err, fs.ErrNotExist)
}

// lockExisting takes the lock of a data directory without changing anything:
// no server runs where there is no lock file, and none can where it cannot be
// opened for writing, as with evidence on a read-only file system.
func (r *CheckReport) lockExisting(cfg Config) (io.Closer, error) {
	none := io.NopCloser(nil)
	if isMissing(cfg.Data, lockName) {
		return none, nil
	}
	lock, err := cfg.FS.Lock(path.Join(filepath.ToSlash(cfg.Data), lockName))
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		r.Notes = append(r.Notes, "the directory cannot be written to, so it was checked without its lock")
		return none, nil
	}
	return lock, err
}

// checkHeads reports what was found when the log was opened, and is not to be
// seen in it any more.
func (r *CheckReport) checkHeads(data string, t *tables) {
	heads, err := t.contradicted()
	if err != nil {
		r.damage("%v", err)
	}
	for _, h := range heads {
		r.damage("%s: on %s the tree over %d records had the root %s, which the log did not bear out when it was opened later: records were damaged or changed",
			filepath.Join(data, eventsName), h.Time.UTC().Format(time.RFC3339), h.Size, h.Root)
	}
}

// checkLog verifies the event log.
func (r *CheckReport) checkLog(ctx context.Context, cfg Config, head savedHead, verifiers note.Verifiers, progress func(int64)) error {
	check := eventlog.CheckConfig{
		Dir: path.Join(filepath.ToSlash(cfg.Data), eventsName), FS: cfg.FS, Verifiers: verifiers, Clean: head.Clean, Progress: progress,
	}
	if head.Size > 0 {
		check.KnownHead = &eventlog.Head{Size: head.Size, Root: head.Root}
	}
	report, err := eventlog.Check(ctx, check)
	if errors.Is(err, fs.ErrNotExist) {
		r.damage("the event log is missing: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range report.Damage {
		r.damage("%v", d)
	}
	r.Notes = append(r.Notes, report.Notes...)
	r.Segments, r.Events, r.Quarantined, r.RawBytes = uint64(report.Segments), report.Events, report.Quarantined, report.RawBytes
	r.HeadSize, r.HeadRoot, r.ProvenSize = report.Head.Size, report.Head.Root.String(), report.ProvenSize
	return nil
}

// knownFiles are the files and folders of a data directory. Those that hold
// nothing to verify are empty, or made anew at each start.
var knownFiles = []string{
	lockName, catalogName, catalogName + ".sha256", "catalog.lock", MasterKeyName, eventsName, deliveryName, objectsName,
	addressName, addressName + ".tmp", socketName, ballastName, gatewayName, CredentialsName, CredentialsName + ".tmp",
}

// checkOthers looks for files that do not belong to the store.
func (r *CheckReport) checkOthers(data string) {
	entries, err := os.ReadDir(data)
	if err != nil {
		r.damage("%v", err)
		return
	}
	for _, e := range entries {
		name := filepath.Join(data, e.Name())
		info, err := e.Info()
		switch {
		case err != nil:
		case !slices.Contains(knownFiles, e.Name()) && !strings.HasPrefix(e.Name(), spoolPrefix):
			r.Notes = append(r.Notes, name+" is not a file of the store")
		case (e.Name() == lockName || e.Name() == "catalog.lock") && info.Size() > 0:
			r.damage("%s is not empty, as a lock file is", name)
		case e.Name() == CredentialsName:
			if b, err := os.ReadFile(name); err != nil || !checkCredentials(b) {
				r.damage("%s is not as it was written: make another access key, or remove the file if the key is kept elsewhere", name)
			}
		}
	}
}
