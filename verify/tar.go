package verify

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// OpenTar opens a tar file, which may be compressed with gzip, as a Source. A
// compressed one is unpacked into a temporary file, because its members are not
// read in the order in which they lie.
func OpenTar(name string) (*Copy, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	fail := func(err error) (*Copy, error) {
		return nil, errors.Join(fmt.Errorf("read archive %s: %w", name, err), f.Close())
	}
	if magic, err := bufio.NewReader(f).Peek(2); err == nil && bytes.Equal(magic, []byte{0x1F, 0x8B}) {
		unpacked, err := unpackTar(f)
		if err != nil {
			return fail(err)
		}
		_ = f.Close()
		f = unpacked
	}
	index, err := indexTar(f)
	if err != nil {
		return fail(err)
	}
	return newCopy(name, index, f.Close)
}

// A tar file of log files, which are compressed already, hardly gets smaller;
// its headers do. What unpacks to more than this is none.
const (
	maxTarRatio = 200
	leastTar    = 64 << 20
)

// unpackTar unpacks into a temporary file that is gone once it is closed.
func unpackTar(f *os.File) (*os.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	unpacked, err := os.CreateTemp("", "cairn-verify-*.tar")
	if err != nil {
		return nil, err
	}
	limit := max(info.Size()*maxTarRatio, leastTar)
	n, err := io.Copy(unpacked, io.LimitReader(zip, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it unpacks to more than %d times its size", maxTarRatio)
	}
	if rerr := os.Remove(unpacked.Name()); err == nil {
		err = rerr
	}
	if err != nil {
		return nil, errors.Join(err, unpacked.Close())
	}
	return unpacked, nil
}

// A tarIndex knows where the members of an archive lie.
type tarIndex struct {
	f       *os.File
	members []tarMember // by name; of members with one name, the last
}

type tarMember struct {
	name         string
	offset, size int64
}

// indexTar reads the headers of all members. Names that lead out of the archive
// are kept as what they are, and never match a key.
func indexTar(f *os.File) (*tarIndex, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := &tarIndex{f: f}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || name == "" || path.Clean(name) != name || strings.HasPrefix(name, "../") {
			continue
		}
		// The reader takes nothing of a member before it is asked to.
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if isSparse(h) {
			return nil, fmt.Errorf("%s is a sparse file", name)
		}
		t.members = append(t.members, tarMember{name, offset, h.Size})
	}
	slices.SortStableFunc(t.members, func(a, b tarMember) int { return strings.Compare(a.name, b.name) })
	kept := t.members[:0]
	for i, m := range t.members {
		if i+1 == len(t.members) || t.members[i+1].name != m.name {
			kept = append(kept, m)
		}
	}
	t.members = kept
	return t, nil
}

// isSparse reports whether a member's bytes are not stored as they are.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// from returns the index of the first member whose name does not sort before.
func (t *tarIndex) from(name string) int {
	i, _ := slices.BinarySearchFunc(t.members, name, func(m tarMember, name string) int { return strings.Compare(m.name, name) })
	return i
}

func (t *tarIndex) dirs(dir string) ([]string, error) {
	if dir != "" {
		dir += "/"
	}
	var dirs []string
	for i := t.from(dir); i < len(t.members); {
		rest, ok := strings.CutPrefix(t.members[i].name, dir)
		if !ok {
			break
		}
		sub, _, isDir := strings.Cut(rest, "/")
		if !isDir {
			i++
			continue
		}
		dirs = append(dirs, sub)
		i = t.from(dir + sub + "0") // "0" is what comes behind "/"
	}
	return dirs, nil
}

func (t *tarIndex) walk(prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for i := t.from(prefix); i < len(t.members) && strings.HasPrefix(t.members[i].name, prefix); i++ {
			if !yield(Entry{Key: t.members[i].name, Size: t.members[i].size}, nil) {
				return
			}
		}
	}
}

func (t *tarIndex) open(name string) (io.ReadCloser, error) {
	i := t.from(name)
	if i == len(t.members) || t.members[i].name != name {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(io.NewSectionReader(t.f, t.members[i].offset, t.members[i].size)), nil
}
