package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"cairn"
)

// A Copy is a copy of a bucket, or of a part of it, on disk: a folder as
// `aws s3 sync` makes it, or a tar file of one. A copy has no metadata, and so no
// signatures, but each digest holds the signature of the one before; only the
// newest of a chain cannot be proved. A copy made by Save has them: the file
// <key>.metadata.json beside each digest.
//
// The copy may begin anywhere in the bucket, and the folder anywhere above it:
// the first digest that is found tells where it belongs.
type Copy struct {
	name       string
	files      files
	close      func() error
	strip, add string // a file's name is its key, with strip instead of add before it
}

// files are the files of a copy. Names have slashes.
type files interface {
	dirs(dir string) ([]string, error)                // the names of the folders in dir, sorted
	walk(prefix string) iter.Seq2[Entry, error]       // in a fixed order
	open(name string) (body io.ReadCloser, err error) // fs.ErrNotExist if there is none
}

const sidecarSuffix = ".metadata.json"

// A sidecar is the file beside a digest that keeps what S3 has with it.
type sidecar struct {
	Bucket   string            `json:"bucket"`
	Metadata map[string]string `json:"metadata"`
}

// maxSidecar bounds a sidecar, in bytes; S3 allows metadata of 2 KB.
const maxSidecar = 64 << 10

// OpenFolder opens a folder as a Source. Links that lead out of it are not
// followed.
func OpenFolder(dir string) (*Copy, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return newCopy(dir, &folder{root: root, fs: root.FS()}, root.Close)
}

// newCopy finds out where the files belong.
func newCopy(name string, f files, close func() error) (*Copy, error) {
	c := &Copy{name: name, files: f, close: close}
	tries := 20
	if err := c.settle("", 0, &tries); err != nil && !errors.Is(err, errSettled) {
		return nil, errors.Join(fmt.Errorf("look for digests in %s: %w", name, err), close())
	}
	return c, nil
}

var errSettled = errors.New("found")

// settle looks for a digest below dir that shows where the copy begins. It ends
// with errSettled, also when it has tried enough.
func (c *Copy) settle(dir string, depth int, tries *int) error {
	dirs, err := c.files.dirs(dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		path := d
		if dir != "" {
			path = dir + "/" + d
		}
		switch {
		case d == string(cairn.LogKindDigest):
			for e, err := range c.files.walk(path + "/") {
				if err != nil {
					return err
				}
				if !strings.HasSuffix(e.Key, ".json.gz") {
					continue
				}
				if c.fits(e.Key) {
					return errSettled
				}
				if *tries--; *tries <= 0 {
					return errSettled
				}
			}
		case slices.Contains(logKinds, cairn.LogKind(d)) || depth > maxDepth:
		default:
			if err := c.settle(path, depth+1, tries); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits takes where the copy begins from the digest in a file, if it says so.
func (c *Copy) fits(name string) bool {
	f, err := c.files.open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	body, err := unpack(f, maxDigest)
	if err != nil {
		return false
	}
	d, err := cairn.ParseDigest(body)
	if err != nil {
		return false
	}
	if name == d.DigestS3Object {
		return true
	}
	if strip, ok := strings.CutSuffix(name, "/"+d.DigestS3Object); ok {
		c.strip = strip + "/"
		return true
	}
	if add, ok := strings.CutSuffix(d.DigestS3Object, "/"+name); ok {
		c.add = add + "/"
		return true
	}
	return false
}

// Close closes the folder or file.
func (c *Copy) Close() error { return c.close() }

// Name is the path that the copy was opened with.
func (c *Copy) Name() string { return c.name }

// Bucket is not known of a copy: each digest names its own.
func (c *Copy) Bucket() string { return "" }

// file returns the name of the file that holds an object.
func (c *Copy) file(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, c.add)
	return c.strip + rest, ok
}

// Folders lists the folders in a folder.
func (c *Copy) Folders(_ context.Context, folder string) ([]string, error) {
	name, ok := c.file(folder)
	if !ok {
		if rest, ok := strings.CutPrefix(c.add, folder); ok {
			next, _, _ := strings.Cut(rest, "/")
			return []string{folder + next + "/"}, nil
		}
		return nil, nil
	}
	dirs, err := c.files.dirs(strings.TrimSuffix(name, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, d := range dirs {
		dirs[i] = folder + d + "/"
	}
	return dirs, nil
}

// List walks a folder. Sidecars are left out.
func (c *Copy) List(_ context.Context, prefix, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		name, ok := c.file(prefix)
		if !ok {
			return
		}
		for e, err := range c.files.walk(name) {
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) {
					yield(Entry{}, err)
				}
				return
			}
			e.Key = c.add + strings.TrimPrefix(e.Key, c.strip)
			if isSidecar(e.Key) || e.Key <= after {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// isSidecar reports whether a file is a sidecar: one beside a digest.
func isSidecar(key string) bool {
	digest, ok := strings.CutSuffix(key, sidecarSuffix)
	if !ok {
		return false
	}
	_, err := cairn.ParseDigestFileKey(digest)
	return err == nil
}

// Get opens a file and reads its sidecar.
func (c *Copy) Get(_ context.Context, _, key string) (*Object, error) {
	name, ok := c.file(key)
	if !ok {
		return nil, ErrNotFound
	}
	body, err := c.files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	o := &Object{Body: body}
	if !strings.Contains(key, "/"+string(cairn.LogKindDigest)+"/") {
		return o, nil
	}
	side, err := c.files.open(name + sidecarSuffix)
	if err != nil {
		return o, nil
	}
	defer side.Close()
	var s sidecar
	text, err := io.ReadAll(io.LimitReader(side, maxSidecar+1))
	// What is no sidecar, or says nothing, is as good as none: the digest has to
	// be proved without it.
	if err == nil && len(text) <= maxSidecar && json.Unmarshal(text, &s) == nil && len(s.Metadata) > 0 {
		o.Metadata = maps.Clone(s.Metadata)
	}
	return o, nil
}

// folder is a folder as files.
type folder struct {
	root *os.Root
	fs   fs.FS
}

func (f *folder) dirs(dir string) ([]string, error) {
	if dir == "" {
		dir = "."
	}
	if !fs.ValidPath(dir) {
		return nil, fs.ErrNotExist
	}
	entries, err := fs.ReadDir(f.fs, dir)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	return dirs, nil
}

func (f *folder) walk(prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		dir := "."
		if i := strings.LastIndexByte(prefix, '/'); i > 0 {
			dir = prefix[:i]
		}
		if !fs.ValidPath(dir) {
			return
		}
		err := fs.WalkDir(f.fs, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !strings.HasPrefix(name, prefix) {
				return nil
			}
			e := Entry{Key: name}
			if info, err := d.Info(); err == nil {
				e.Size = info.Size()
			}
			if !yield(e, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Entry{}, err)
		}
	}
}

// open opens regular files only: reading a named pipe could wait for ever.
func (f *folder) open(name string) (io.ReadCloser, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return f.root.Open(name)
}
