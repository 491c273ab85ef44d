package gateway

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxMappingBytes and maxMappedKeys bound the mapping file.
	maxMappingBytes = 16 << 20
	maxMappedKeys   = 100_000

	// mappingInterval is how often the file is looked at, at most.
	mappingInterval = time.Second // a change counts after two such intervals at most
)

// mapping is a file of identities by access key, which is read again when it changes.
type mapping struct {
	path   string
	logger *slog.Logger
	now    func() time.Time

	keys    atomic.Pointer[map[string]*mapped]
	looked  atomic.Int64 // when the file was looked at, Unix nanoseconds
	reading sync.Mutex   // held while the file is looked at or read
	readers sync.WaitGroup
	seen    fs.FileInfo // of what was read last; guarded by reading
	pending fs.FileInfo // of a file that changed, and may still be written; guarded by reading
	gone    bool        // the file could not be looked at the last time; guarded by reading

	closing sync.Mutex // makes no reader begin after close
	closed  bool
}

func openMapping(path string, logger *slog.Logger, now func() time.Time) (*mapping, error) {
	m := &mapping{path: path, logger: logger, now: now}
	info, err := os.Stat(path)
	if err == nil {
		err = m.read()
	}
	if err != nil {
		return nil, fmt.Errorf("read the mapping of access keys: %w", err)
	}
	m.seen = info
	m.looked.Store(now().UnixNano())
	return m, nil
}

// close waits for the reader, if there is one.
func (m *mapping) close() {
	m.closing.Lock()
	m.closed = true
	m.closing.Unlock()
	m.readers.Wait()
}

// find returns whom an access key belongs to, as the file was when it was last read. If it
// has not been looked at for a while, somebody goes and looks.
func (m *mapping) find(key string) (*mapped, bool) {
	now, looked := m.now().UnixNano(), m.looked.Load()
	if since := now - looked; (since >= int64(mappingInterval) || since < 0) && m.looked.CompareAndSwap(looked, now) {
		m.look()
	}
	e, ok := (*m.keys.Load())[key]
	return e, ok
}

// look reads the file in the background if it has changed. A reader that is still at work
// from the last time suffices.
func (m *mapping) look() {
	m.closing.Lock()
	defer m.closing.Unlock()
	if m.closed || !m.reading.TryLock() {
		return
	}
	m.readers.Go(func() {
		defer m.reading.Unlock()
		m.refresh()
	})
}

// refresh reads the file if it is not what was read last, and has stood still since the
// look before: one that is being written could be read in half. What cannot be used is
// told once, and changes nothing.
func (m *mapping) refresh() {
	info, err := os.Stat(m.path)
	if err != nil {
		if !m.gone {
			m.logger.Error("the mapping of access keys cannot be read; what it said before holds", "file", m.path, "error", err)
		}
		m.gone = true
		return
	}
	if !m.gone && isSame(info, m.seen) {
		m.pending = nil
		return
	}
	if m.pending == nil || !isSame(info, m.pending) {
		m.pending = info
		return
	}
	m.seen, m.pending, m.gone = info, nil, false
	if err := m.read(); err != nil {
		m.logger.Error("the mapping of access keys is not usable; what it said before holds", "file", m.path, "error", err)
		return
	}
	m.logger.Info("the mapping of access keys was read again", "file", m.path, "keys", len(*m.keys.Load()))
}

func isSame(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (m *mapping) read() error {
	f, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMappingBytes+1))
	if err != nil {
		return err
	}
	if len(text) > maxMappingBytes {
		return fmt.Errorf("%s: the file has more than %d MiB", m.path, maxMappingBytes>>20)
	}
	keys, err := parseMapping(text)
	if err != nil {
		return fmt.Errorf("%s:%w", m.path, err)
	}
	m.keys.Store(&keys)
	return nil
}
