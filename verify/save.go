package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"cairn"
)

// A Saver is a Source that keeps a copy of every object that is read from
// another, with the metadata of digests, so that the copy can be verified without
// the bucket.
type Saver struct {
	Source
	root *os.Root
	mu   sync.Mutex // of the files of keys
}

// NewSaver keeps copies in a folder, which is made if it is not there.
func NewSaver(s Source, dir string) (*Saver, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder to save to: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder to save to: %w", err)
	}
	return &Saver{Source: s, root: root}, nil
}

// Close closes the folder.
func (s *Saver) Close() error { return s.root.Close() }

// Get reads an object and saves what is read. An object that is not read to its
// end is, when it is closed.
func (s *Saver) Get(ctx context.Context, bucket, key string) (*Object, error) {
	o, err := s.Source.Get(ctx, bucket, key)
	if err != nil {
		return nil, err
	}
	if err := s.root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("save %s: %w", key, err), o.Body.Close())
	}
	part := key + ".part"
	f, err := s.root.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("save %s: %w", key, err), o.Body.Close())
	}
	var side *sidecar
	if o.Metadata != nil && strings.Contains(key, "/"+string(cairn.LogKindDigest)+"/") {
		side = &sidecar{Bucket: bucket, Metadata: o.Metadata}
	}
	return &Object{Metadata: o.Metadata, Body: &savedBody{root: s.root, key: key, body: o.Body, f: f, side: side}}, nil
}

// Keys returns keys that are saved as they are asked for: in a file for each
// region, as `aws cloudtrail list-public-keys` prints them, and in one more those
// of which the region is not known. Who verifies the copy later must know from
// elsewhere that they are the right ones.
func (s *Saver) Keys(k PublicKeys) PublicKeys { return &savedKeys{k, s} }

type savedKeys struct {
	from  PublicKeys
	saver *Saver
}

func (k *savedKeys) PublicKeys(ctx context.Context, region string, from, until time.Time) ([]PublicKey, error) {
	keys, err := k.from.PublicKeys(ctx, region, from, until)
	if err != nil || len(keys) == 0 {
		return keys, err
	}
	k.saver.mu.Lock()
	defer k.saver.mu.Unlock()
	files := make(map[string][]PublicKey)
	for _, key := range keys {
		name := keysFileName(path.Base(region))
		if key.File != "" {
			name = keysFileName("")
		}
		files[name] = append(files[name], key)
	}
	for name, all := range files {
		if text, err := k.saver.root.ReadFile(name); err == nil {
			if old, err := ParseKeys(text); err == nil {
				all = append(all, old...)
			}
		}
		text, err := formatKeys(all)
		if err == nil {
			err = k.saver.root.WriteFile(name, text, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("save the public keys: %w", err)
		}
	}
	return keys, nil
}

// savedBody copies what is read through it.
type savedBody struct {
	root *os.Root
	key  string
	body io.ReadCloser
	f    *os.File
	side *sidecar
	err  error
}

func (b *savedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.err == nil && n > 0 {
		if _, b.err = b.f.Write(p[:n]); b.err != nil {
			return 0, fmt.Errorf("save %s: %w", b.key, b.err)
		}
	}
	return n, err
}

// Close reads what is left, and puts the file in place if all of it came.
func (b *savedBody) Close() error {
	if b.err == nil {
		_, b.err = io.Copy(b.f, b.body)
	}
	err := errors.Join(b.err, b.f.Close())
	if err == nil {
		err = b.root.Rename(b.key+".part", b.key)
	} else {
		_ = b.root.Remove(b.key + ".part")
	}
	if err == nil && b.side != nil {
		var text []byte
		if text, err = json.MarshalIndent(b.side, "", "  "); err == nil {
			err = b.root.WriteFile(b.key+sidecarSuffix, append(text, '\n'), 0o600)
		}
	}
	if cerr := b.body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", b.key, err)
	}
	return nil
}
