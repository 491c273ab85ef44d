package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"cairn"
	"cairn/internal/logfile"
	"cairn/server"
)

// The bounds of a batch. Larger ones gain little, and each reader holds one.
const (
	batchRecords = 2000
	batchBytes   = 2 << 20
)

// An importer sends the records of files to the server.
type importer struct {
	client   *server.Client
	flags    importFlags
	stdin    io.Reader
	failures *failureFile
	progress *importProgress

	mu      sync.Mutex
	summary importSummary
	claims  map[string]*sync.Mutex // by SHA-256 of the content
}

// claim waits until no other file with the same content is being imported.
func (im *importer) claim(sha string) (release func()) {
	im.mu.Lock()
	if im.claims == nil {
		im.claims = make(map[string]*sync.Mutex)
	}
	c := im.claims[sha]
	if c == nil {
		c = new(sync.Mutex)
		im.claims[sha] = c
	}
	im.mu.Unlock()
	c.Lock()
	return c.Unlock
}

// A fileError is what is wrong with one file; the import goes on with others.
type fileError struct {
	offset int64 // in the unpacked file
	err    error
}

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// all imports files, some at a time. Only what concerns all of them is an
// error.
func (im *importer) all(ctx context.Context, files []importPath) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(im.flags.workers)
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			return im.one(ctx, f)
		})
	}
	return group.Wait()
}

// one imports one file and counts how it went.
func (im *importer) one(ctx context.Context, f importPath) error {
	imp := fileImport{importer: im, path: f}
	err := imp.run(ctx)
	var bad *fileError
	outcome := fileOutcome{File: f.name, Records: imp.counts}
	im.mu.Lock()
	defer im.mu.Unlock()
	im.summary.Records.Add(imp.counts)
	switch {
	case err == nil && imp.before:
		im.summary.AlreadyDone++
		outcome.Status = "imported before"
	case err == nil:
		im.summary.Files++
		outcome.Status = "imported"
	case errors.Is(err, logfile.ErrNotEvents) && (!f.named || isDigest(f.name)):
		im.summary.NotEventLogs++
		outcome.Status = "not an event log"
		err = nil
	case errors.As(err, &bad):
		im.summary.Failed++
		outcome.Status, outcome.Error = "failed", bad.Error()
		err = im.failures.add(failure{File: f.name, Record: -1, Byte: bad.offset, Reason: bad.Error()})
	case ctx.Err() != nil:
		outcome.Status = "interrupted"
		err = nil
	default:
		return fmt.Errorf("import %s: %w", f.name, err)
	}
	im.progress.file(outcome, f.size)
	return err
}

// A fileImport is the import of one file.
type fileImport struct {
	importer *importer
	path     importPath
	file     server.ImportFile
	counts   server.ImportCounts // of this run
	before   bool                // the file was finished before

	first   int64 // index of the batch's first record
	told    int64 // unreadable records before this index are in the file of failures
	batch   [][]byte
	offsets []int64
	unread  []bool // the record could not be read out
	bytes   int
}

// run reads the file twice: for its hash, by which it is known, and for its
// records.
func (f *fileImport) run(ctx context.Context) error {
	if f.path.err != nil {
		return &fileError{err: f.path.err}
	}
	if isDigest(f.path.name) {
		return &fileError{err: fmt.Errorf("%w: a digest file", logfile.ErrNotEvents)}
	}
	in, cleanup, err := f.open(ctx)
	if ctx.Err() != nil {
		if err == nil {
			cleanup()
		}
		return ctx.Err()
	}
	if err != nil {
		return &fileError{err: err}
	}
	defer cleanup()
	hash := sha256.New()
	size, err := io.Copy(hash, contextReader{ctx, in})
	if err == nil {
		_, err = in.Seek(0, io.SeekStart)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &fileError{err: fmt.Errorf("read: %w", err)}
	}
	if size == 0 {
		return &fileError{err: fmt.Errorf("%w: the file is empty", logfile.ErrNotEvents)}
	}
	name := f.path.name
	if abs, err := filepath.Abs(name); err == nil && name != stdinName {
		name = abs
	}
	f.file = server.ImportFile{SHA256: hex.EncodeToString(hash.Sum(nil)), Name: name, Size: size}
	defer f.importer.claim(f.file.SHA256)()
	for {
		state, err := f.importer.client.BeginImport(ctx, f.file)
		if err != nil {
			return err
		}
		if state.Finished {
			f.before = f.counts == server.ImportCounts{}
			return nil
		}
		f.first = state.Done
		f.batch, f.offsets, f.unread, f.bytes = nil, nil, nil, 0
		err = f.records(ctx, in)
		if !isConflict(err) {
			return err
		}
		// Another import of the same content got further.
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return &fileError{err: fmt.Errorf("read: %w", err)}
		}
	}
}

// isConflict says whether a batch did not continue where the import stands.
func isConflict(err error) bool {
	var answer *server.AnswerError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusConflict
}

// A contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// open opens the file. Standard input goes through a temporary file, because
// it is read twice.
func (f *fileImport) open(ctx context.Context) (*os.File, func(), error) {
	if f.path.name != stdinName {
		in, err := os.Open(f.path.name)
		return in, func() { _ = in.Close() }, err
	}
	tmp, err := os.CreateTemp("", "cairn-import-")
	if err != nil {
		return nil, nil, err
	}
	cleanup := func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}
	if _, err = io.Copy(tmp, contextReader{ctx, f.importer.stdin}); err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		cleanup()
		return nil, nil, fmt.Errorf("read standard input: %w", err)
	}
	return tmp, cleanup, nil
}

// records sends the records that were not sent in an earlier run. The file is
// finished with the batch behind which nothing comes.
func (f *fileImport) records(ctx context.Context, in io.Reader) error {
	unpacked, err := logfile.NewReader(contextReader{ctx, in}, f.importer.flags.limits)
	if err != nil {
		return &fileError{err: err}
	}
	split := logfile.NewSplitter(unpacked, isLines(f.path.name))
	for {
		rec, err := split.Next()
		if err == io.EOF {
			return f.send(ctx, true)
		}
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if serr := f.send(ctx, false); serr != nil {
				return serr
			}
			return &fileError{offset: split.Offset(), err: withLimitFlag(err)}
		}
		if rec.Index < f.first {
			continue
		}
		raw := slices.Clone(rec.Raw)
		if rec.Err != nil {
			if rec.Index >= f.told {
				if err := f.fail(rec.Index, rec.Offset, rec.Err.Error(), raw); err != nil {
					return err
				}
				f.told = rec.Index + 1
			}
			// What stands there goes to the quarantine, as long as the log
			// cannot take it for a record.
			if e := (cairn.Event{Raw: raw}); len(raw) == 0 || e.Extract() == nil {
				raw = nil
			}
		}
		if f.bytes > 0 && f.bytes+len(raw) > batchBytes || len(f.batch) >= batchRecords {
			if err := f.send(ctx, false); err != nil {
				return err
			}
		}
		f.batch = append(f.batch, raw)
		f.offsets = append(f.offsets, rec.Offset)
		f.unread = append(f.unread, rec.Err != nil)
		f.bytes += len(raw)
	}
}

// withLimitFlag names the flag that would let a file pass that is refused for
// what it unpacks to.
func withLimitFlag(err error) error {
	var limit *logfile.LimitError
	switch {
	case !errors.As(err, &limit):
		return err
	case limit.Ratio:
		return fmt.Errorf("%w (--max-ratio)", err)
	}
	return fmt.Errorf("%w (--max-unpacked)", err)
}

// send stores the batch. Once it is on its way it is not interrupted: its
// outcome belongs in the summary.
func (f *fileImport) send(ctx context.Context, last bool) error {
	if len(f.batch) == 0 && !last {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	result, err := f.importer.client.ImportRecords(context.WithoutCancel(ctx), f.file, f.first, f.batch, last)
	if err != nil {
		return err
	}
	f.counts.Add(result.Counts)
	for _, q := range result.Quarantined {
		i := q.Index - f.first
		if i < 0 || i >= int64(len(f.batch)) {
			return fmt.Errorf("the server named record %d, which was not sent to it", q.Index)
		}
		if f.unread[i] {
			continue // the splitter's reason is in the file of failures
		}
		if err := f.fail(q.Index, f.offsets[i], q.Reason, f.batch[i]); err != nil {
			return err
		}
	}
	f.importer.progress.records(result.Counts)
	f.first += int64(len(f.batch))
	clear(f.batch)
	f.batch, f.offsets, f.unread, f.bytes = f.batch[:0], f.offsets[:0], f.unread[:0], 0
	return nil
}

func (f *fileImport) fail(index, offset int64, reason string, raw []byte) error {
	return f.importer.failures.add(failure{File: f.path.name, Record: index, Byte: offset, Reason: reason, Raw: raw})
}
