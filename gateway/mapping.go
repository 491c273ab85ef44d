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

	// mappingInterval is how often the file is looked at. A change counts after two to
	// three of them.
	mappingInterval = time.Second
)

// mapping is a file of identities by access key, which is read again when it changes. One
// goroutine looks at it, calls or not, until it is closed.
type mapping struct {
	path   string
	logger *slog.Logger
	keys   atomic.Pointer[map[string]*mapped]

	closed chan struct{}
	reader sync.WaitGroup

	// Of the reader alone.
	seen    fs.FileInfo // of what was read last
	pending fs.FileInfo // of a file that changed, and may still be written
	gone    bool        // the file could not be looked at the last time
}

func openMapping(path string, logger *slog.Logger, interval time.Duration) (*mapping, error) {
	m := &mapping{path: path, logger: logger, closed: make(chan struct{})}
	info, err := os.Stat(path)
	if err == nil {
		err = m.read()
	}
	if err != nil {
		return nil, fmt.Errorf("read the mapping of access keys: %w", err)
	}
	m.seen = info
	m.reader.Go(func() { m.watch(interval) })
	return m, nil
}

// close ends the reader and waits for it. It is called once.
func (m *mapping) close() {
	close(m.closed)
	m.reader.Wait()
}

// watch looks at the file until the mapping is closed.
func (m *mapping) watch(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-m.closed:
			return
		case <-ticker.C:
			m.refresh()
		}
	}
}

// find returns whom an access key belongs to, as the file was when it was last read.
func (m *mapping) find(key string) (*mapped, bool) {
	e, ok := (*m.keys.Load())[key]
	return e, ok
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
