package objectstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"

	"go.etcd.io/bbolt"
)

// maxGroup is how many changes one transaction takes.
const maxGroup = 256

// errUnknown marks a change of which it is not known whether it took effect:
// what it refers to must stay.
var errUnknown = errors.New("it is not known whether the change took effect")

// A change is one all-or-nothing change of the index. Run may be called more
// than once, each time over the state before it.
type change struct {
	run  func(*txn) error
	gens []uint32 // folders whose entries must be durable first
	err  error
	done chan struct{}
}

// commit returns when the change is durable and visible, or was refused.
func (s *Store) commit(run func(*txn) error, gens ...uint32) error {
	c := &change{run: run, gens: gens, done: make(chan struct{})}
	select {
	case s.changes <- c:
		<-c.done
		return c.err
	case <-s.closing:
		return ErrClosed
	}
}

// commitLoop does the changes. Those that come while one group is being made
// durable form the next, and share its syncs.
func (s *Store) commitLoop() {
	for {
		select {
		case first := <-s.changes:
			s.commitGroup(s.gather(first))
		case <-s.closing:
			return
		}
	}
}

func (s *Store) gather(first *change) []*change {
	group := []*change{first}
	for len(group) < maxGroup {
		select {
		case c := <-s.changes:
			group = append(group, c)
		default:
			return group
		}
	}
	return group
}

func (s *Store) commitGroup(group []*change) {
	defer func() {
		for _, c := range group {
			close(c.done)
		}
	}()
	if err := s.stoppedBy(); err != nil {
		for _, c := range group {
			c.err = err
		}
		return
	}
	// A row must never be durable before the name of its content is. A crash
	// from here to the end of the transaction leaves content that no row names,
	// which the next start collects.
	ready := s.syncFolders(group)
	for len(ready) > 0 {
		again, freed := s.transact(ready)
		if freed {
			s.wakeCollector()
		}
		ready = again
	}
}

// syncFolders makes the entries of the group's folders durable, each folder
// once, and returns the changes for which that worked.
func (s *Store) syncFolders(group []*change) []*change {
	synced := map[uint32]error{}
	ready := make([]*change, 0, len(group))
	for _, c := range group {
		for _, gen := range c.gens {
			err, ok := synced[gen]
			if !ok {
				err = s.fs.SyncDir(s.folder(gen))
				synced[gen] = err
			}
			if err != nil && c.err == nil {
				c.err = fmt.Errorf("sync folder of content: %w", withDiskFull(err))
			}
		}
		if c.err == nil {
			ready = append(ready, c)
		}
	}
	return ready
}

var errAgain = errors.New("a change failed halfway")

// transact runs changes in one transaction. A change that is refused before it
// has written anything does not disturb the others; when one fails later, the
// transaction is undone and the others are returned, to be tried again.
func (s *Store) transact(group []*change) (again []*change, freed bool) {
	var t *txn
	var failed *change
	wrote := false
	err := guard(s.index.path, func() error {
		return s.index.db.Update(func(tx *bbolt.Tx) error {
			t = &txn{tx: tx, path: s.index.path, verdict: s.index.verdict}
			if err := s.noteSwept(t); err != nil {
				return err
			}
			for _, c := range group {
				t.dirty = false
				c.err = guard(s.index.path, func() error { return c.run(t) })
				wrote = wrote || t.dirty
				if c.err != nil && t.dirty {
					failed = c
					return errAgain
				}
			}
			if !wrote {
				return errAgain // nothing to make durable
			}
			if s.beforeCommit != nil {
				return s.beforeCommit()
			}
			return nil
		})
	})
	switch {
	case failed != nil:
		for _, c := range group {
			if c != failed {
				again = append(again, c)
			}
		}
		return again, false
	case err == nil && s.afterCommit != nil:
		err = s.afterCommit()
	case errors.Is(err, errAgain):
		return nil, false
	}
	if err == nil {
		return nil, t.freed
	}
	err = withDiskFull(err)
	if !fullAtWrite(err) {
		err = fmt.Errorf("%w: %w", errUnknown, err)
		s.stop(err)
	}
	for _, c := range group {
		if c.err == nil {
			c.err = fmt.Errorf("change the index: %w", err)
		}
	}
	return nil, false
}

// noteSwept remembers from which folder on an unclean stop may have left
// content that no row names: the oldest one that a put is still at work in.
func (s *Store) noteSwept(t *txn) error {
	lowest := s.lowestGen()
	if lowest <= s.swept {
		return nil
	}
	if err := t.put(metaTable, []byte(sweptRow), binary.BigEndian.AppendUint32(nil, lowest)); err != nil {
		return err
	}
	s.swept = lowest // if the transaction fails, the row is older than this: more is looked at, not less
	return nil
}

func (s *Store) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped == nil {
		s.stopped = err
		s.logger.Error("the object store stops taking changes", "error", err)
	}
}

func (s *Store) stoppedBy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != nil {
		return fmt.Errorf("%w, because of an earlier failure: %w", ErrStopped, s.stopped)
	}
	return nil
}

func (s *Store) folder(gen uint32) string {
	return path.Join(s.dir, contentDir, fmt.Sprintf("%08x", gen))
}

func (s *Store) contentPath(gen uint32, file objectID) string {
	return path.Join(s.folder(gen), fmt.Sprintf("%x", file[:]))
}
