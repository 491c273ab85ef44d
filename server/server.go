package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"cairn/catalog"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/durable"
)

// The files of a data directory.
const (
	lockName      = "LOCK"
	catalogName   = "catalog.db" // with catalog.lock and catalog.db.sha256
	MasterKeyName = "master.key" // unless Config.MasterKeyFile names another
	eventsName    = "events"
)

// A Server is an open data directory.
type Server struct {
	cfg     Config
	lock    io.Closer
	catalog *catalog.Catalog
	tables  tables
	log     *eventlog.Log
	id      string // of the store: a UUID that never changes
	started time.Time
	metrics *metrics
	ballast *ballast
	full    *fullDiskCounts
	ledger  ledger
	api     http.Handler

	stopping context.Context // done when streams must end
	stop     context.CancelFunc
	saver    sync.WaitGroup
	rotating sync.Mutex // one rotation of keys at a time

	mu         sync.Mutex
	url        string          // of the TCP listener, while serving
	noted      string          // the problem that was logged last, "" if it is gone
	identities *identity.Store // once something needs it
	front      *front          // while serving

	gateway *recordingGateway // while serving, nil if there is none
}

// Open locks and opens a data directory, making it if need be. It returns a
// *SettingError, durable.ErrLocked, or what the stores report.
func Open(cfg Config) (_ *Server, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	quieter := newFullDiskLog(cfg.Logger.Handler())
	cfg.Logger = slog.New(quieter)
	s := &Server{cfg: cfg, started: time.Now(), full: quieter.counts}
	s.ballast = &ballast{fs: cfg.FS, data: cfg.Data, log: cfg.Logger}
	s.stopping, s.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(s.ballast.explain(err, 0), s.release())
		}
	}()
	if err := cfg.FS.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if s.lock, err = cfg.FS.Lock(path.Join(cfg.Data, lockName)); err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", cfg.Data, err)
	}
	if err := removeSpools(cfg.Data); err != nil {
		return nil, err
	}
	if err := s.ballast.drop(); err != nil {
		return nil, err
	}
	s.catalog, err = catalog.Open(catalog.Config{Dir: cfg.Data, MasterKeyFile: cfg.MasterKeyFile, MasterKey: cfg.MasterKey, Now: cfg.Now, Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	s.tables = openTables(s.catalog)
	if err := s.identify(); err != nil {
		return nil, err
	}
	saved, err := s.tables.savedHead()
	if err != nil {
		return nil, err
	}
	if saved.Clean { // a crash leaves it as it should be, and the disk may be full
		saved.Clean = false
		if err := s.tables.saveHead(saved); err != nil {
			return nil, err
		}
	}
	if err := s.openLog(saved); err != nil {
		return nil, err
	}
	if err := s.holdForwarded(); err != nil {
		return nil, err
	}
	s.ledger = ledger{tables: &s.tables}
	s.metrics = newMetrics(s)
	s.api = s.newAPI()
	s.saver.Go(s.saveHeads)
	return s, nil
}

// openLog opens the event log, which compares itself with the head that was
// saved last.
func (s *Server) openLog(saved savedHead) error {
	signer, _, err := s.catalog.SigningKey("cairn/" + s.id)
	if err != nil {
		return fmt.Errorf("get the signing key of the event log: %w", err)
	}
	verifiers, err := s.catalog.Verifiers()
	if err != nil {
		return fmt.Errorf("get the verifiers of the event log: %w", err)
	}
	var known *eventlog.Head
	if saved.Size > 0 {
		known = &eventlog.Head{Size: saved.Size, Root: saved.Root}
	}
	s.log, err = eventlog.Open(eventlog.Config{
		Dir:       path.Join(filepath.ToSlash(s.cfg.Data), eventsName),
		FS:        s.cfg.FS,
		Now:       s.cfg.Now,
		Retention: s.cfg.Retention,
		Signer:    signer,
		Verifiers: verifiers,
		KnownHead: known,
		Logger:    s.cfg.Logger,
	})
	if err != nil {
		return err
	}
	if s.log.Contradicted() {
		// A new head is about to take the old one's place, and would hide it.
		s.cfg.Logger.Error("the event log does not hold what the catalog knows of: records are damaged or changed; `cairn check` tells where",
			slog.Uint64("records", saved.Size), slog.Time("knownSince", saved.Time))
		if err := s.tables.keepContradicted(saved); err != nil {
			return err
		}
	}
	return s.saveHead(false)
}

// identify reads which store this is, making a new one known, and settles the
// retention: the one asked for, else the one that the store has.
func (s *Server) identify() error {
	was, err := s.tables.store()
	if err != nil {
		return err
	}
	r := was
	if r.ID == "" {
		id, err := uuid.NewRandomFromReader(rand.Reader)
		if err != nil {
			return fmt.Errorf("make store ID: %w", err)
		}
		r = storeRecord{ID: id.String(), Created: time.Now().UTC(), Retention: secondsOf(DefaultRetention)}
	}
	if s.cfg.Retention != 0 {
		r.Retention = secondsOf(s.cfg.Retention)
	}
	s.id, s.cfg.Retention = r.ID, retentionOf(r.Retention)
	if r == was {
		return nil
	}
	return s.tables.putStore(r)
}

// Handler returns the local API. It is meant for the directory's owner: it
// checks no credentials.
func (s *Server) Handler() http.Handler { return s.api }

// Close stops what still runs, notes the newest tree head as cleanly closed,
// and gives the directory back.
func (s *Server) Close() error {
	s.stop()
	s.saver.Wait()
	return s.release()
}

// release closes what is open, last opened first.
func (s *Server) release() error {
	s.stop()
	var errs []error
	if s.lock != nil {
		errs = append(errs, s.ballast.drop())
	}
	if s.log != nil {
		head, err := s.log.Head()
		errs = append(errs, err)
		closeErr := s.log.Close()
		if closeErr != nil {
			errs = append(errs, fmt.Errorf("close event log: %w", closeErr))
		} else if err == nil && s.metrics != nil {
			errs = append(errs, s.tables.saveHead(savedHead{Size: head.Size, Root: head.Root, Clean: true, Time: time.Now().UTC()}))
		}
	}
	if s.catalog != nil {
		if err := s.catalog.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close catalog: %w", err))
		}
	}
	if s.lock != nil {
		if s.metrics != nil { // not in a directory that is no store
			s.ballast.keep()
		}
		s.full.tell(s.cfg.Logger)
		errs = append(errs, s.lock.Close())
	}
	s.log, s.catalog, s.lock = nil, nil, nil
	return errors.Join(errs...)
}

// saveHeads notes the tree head once a minute, if it changed, until stopped. It
// also keeps the ballast, and says how the disk is.
func (s *Server) saveHeads() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-s.stopping.Done():
			return
		case <-tick.C:
			s.full.tell(s.cfg.Logger)
			s.noteProblem(s.problem())
			s.ballast.keep()
			if err := s.saveHead(false); err != nil {
				s.cfg.Logger.Error("the newest tree head could not be saved", slog.Any("error", err))
			}
		}
	}
}

// saveHead notes the tree head in the catalog, where check finds it again.
func (s *Server) saveHead(clean bool) error {
	head, err := s.log.Head()
	if err != nil {
		return fmt.Errorf("save tree head: %w", err)
	}
	saved, err := s.tables.savedHead()
	if err != nil {
		return err
	}
	if saved.Size == head.Size && saved.Root == head.Root && saved.Clean == clean {
		return nil
	}
	return s.tables.saveHead(savedHead{Size: head.Size, Root: head.Root, Clean: clean, Time: time.Now().UTC()})
}

// Exists says whether a data directory has anything in it that Open would
// read: commands that only read should not make a new store.
func Exists(data string) error {
	_, err := durable.OS.Stat(path.Join(filepath.ToSlash(data), catalogName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w at %s", errNoData, data)
	}
	return err
}
