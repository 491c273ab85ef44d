package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"cairn/catalog"
	"cairn/internal/durable"
)

// A StagedReport says how the files stand that wait for their bucket.
type StagedReport struct {
	Files   int
	Damaged []string // names of files that are not as their rows say, and why
	Missing []string // names of files that are not there; deliveries make them again
}

// CheckStaged compares the staged files in a directory with the rows that name
// them. Deliveries may go on meanwhile: then what is missing may be what was
// delivered just now.
func CheckStaged(c *catalog.Catalog, fsys durable.FS, dir string) (*StagedReport, error) {
	named, err := stagedFiles(c)
	if err != nil {
		return nil, fmt.Errorf("check staged files: %w", err)
	}
	r := &StagedReport{Files: len(named)}
	damaged := make(map[string]error)
	for name, want := range named {
		err := want.check(fsys, path.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Missing = append(r.Missing, name)
		case err != nil:
			damaged[name] = err
		}
	}
	if len(damaged) > 0 {
		// A digest that is signed again is written before its row is.
		if named, err = stagedFiles(c); err != nil {
			return nil, fmt.Errorf("check staged files: %w", err)
		}
	}
	for name := range damaged {
		want, still := named[name]
		if !still {
			continue
		}
		if err := want.check(fsys, path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.Damaged = append(r.Damaged, fmt.Sprintf("%s: %v", name, err))
		}
	}
	slices.Sort(r.Damaged)
	slices.Sort(r.Missing)
	return r, nil
}

// A stagedFile is what rows say of a staged file.
type stagedFile struct {
	size int64
	sum  uint32
}

// stagedFiles reads which staged files rows name: log files of cuts that count,
// and digests in the queues of their lanes.
func stagedFiles(c *catalog.Catalog) (map[string]stagedFile, error) {
	state, _, err := catalog.TableOf[cutState](c, "delivery-state").Get(cutterRow)
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	named := make(map[string]stagedFile)
	for row, err := range catalog.TableOf[*File](c, "delivery-pending").Scan("") {
		if err != nil {
			return nil, err
		}
		if f := row.Value; f.state() == Staged && f.Cut <= state.Cut {
			named[f.Staged] = stagedFile{f.Size, f.Sum}
		}
	}
	for row, err := range catalog.TableOf[*lane](c, "delivery-lanes").Scan("") {
		if err != nil {
			return nil, err
		}
		for _, q := range row.Value.Queue {
			named[q.Staged] = stagedFile{q.Size, q.Sum}
		}
	}
	return named, nil
}

func (s stagedFile) check(fsys durable.FS, name string) error {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := f.Size()
	if err != nil {
		return err
	}
	return intact(f, have, s.size, s.sum)
}
