package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"cairn/server"
)

// A failure is a line of the file of failures.
type failure struct {
	Run    string `json:"run"` // when the import began
	File   string `json:"file"`
	Record int64  `json:"record"` // index in the file; -1 if the file as a whole failed
	Byte   int64  `json:"byte"`   // offset in the unpacked file
	Reason string `json:"reason"`
	Raw    []byte `json:"raw,omitempty"` // base64
}

// A failureFile is made when the first failure is added. One that is there
// already, from an earlier import, is added to: a record that could not be read
// may be nowhere else.
type failureFile struct {
	name string
	run  string
	mu   sync.Mutex
	f    *os.File
}

// newFailureFile refuses a file that is there and holds something else.
func newFailureFile(name string, begin time.Time) (*failureFile, error) {
	l := &failureFile{name: name, run: begin.UTC().Format(time.RFC3339Nano)}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open file of failures: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return l, nil // such as /dev/stderr
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open file of failures: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	var first failure
	if err := d.Decode(&first); err != nil || first.File == "" || first.Reason == "" {
		return nil, usagef("--failures %s: the file holds something else than failures of imports; it is not written to", name)
	}
	return l, nil
}

// add writes a failure.
func (l *failureFile) add(x failure) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		f, err := os.OpenFile(l.name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("write file of failures: %w", err)
		}
		l.f = f
	}
	x.Run = l.run
	line, err := json.Marshal(x)
	if err == nil {
		_, err = l.f.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write file of failures: %w", err)
	}
	return nil
}

// written is the name of the file, "" if there were no failures.
func (l *failureFile) written() string {
	if l.f == nil {
		return ""
	}
	return l.f.Name()
}

func (l *failureFile) close() error {
	if l.f == nil {
		return nil
	}
	if err := errors.Join(l.f.Sync(), l.f.Close()); err != nil {
		return fmt.Errorf("write file of failures: %w", err)
	}
	return nil
}

// fileOutcome is the JSON line about a file.
type fileOutcome struct {
	File    string              `json:"file"`
	Status  string              `json:"status"`
	Records server.ImportCounts `json:"records"`
	Error   string              `json:"error,omitempty"`
}

// importProgress shows an import: a bar on a terminal, JSON lines otherwise.
type importProgress struct {
	stdout, stderr io.Writer
	bar            *progressbar.ProgressBar // nil: JSON lines
	mu             sync.Mutex
	stored         int64
	err            error
}

func newImportProgress(stdout, stderr io.Writer, files []importPath) *importProgress {
	p := &importProgress{stdout: stdout, stderr: stderr}
	if !isTerminal(stdout) {
		return p
	}
	var size int64
	for _, f := range files {
		size += f.size
	}
	p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("importing"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	return p
}

// records tells that a batch is stored.
func (p *importProgress) records(c server.ImportCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored += c.Stored
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("importing, %d events", p.stored))
	}
}

// file tells that a file of so many bytes is dealt with.
func (p *importProgress) file(o fileOutcome, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Add64(size)
		if o.Error != "" {
			_ = p.bar.Clear()
			fmt.Fprintf(p.stderr, "%s: %s\n", printable(o.File), printableLines(o.Error))
		}
		return
	}
	p.line(o)
}

func (p *importProgress) line(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = p.stdout.Write(append(b, '\n'))
	}
	if p.err == nil {
		p.err = err
	}
}

// finish takes the bar away.
func (p *importProgress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// summarise writes the summary.
func (p *importProgress) summarise(s importSummary) error {
	if p.bar != nil {
		return printSummary(p.stdout, s)
	}
	p.line(map[string]any{"summary": s})
	return p.err
}
