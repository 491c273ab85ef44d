package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cairn/verify"
)

// A keyFile is a file of public keys that was named for a region; for none if
// the region is empty.
type keyFile struct{ region, name string }

// keyFilesOf returns the files that --keys names: FILE, REGION=FILE, or a folder
// of files as --save writes them.
func keyFilesOf(flags []string) ([]keyFile, error) {
	var files []keyFile
	for _, name := range flags {
		region := ""
		if r, n, ok := strings.Cut(name, "="); ok && !strings.ContainsAny(r, `/\`) {
			region, name = r, n
		}
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			files = append(files, keyFile{region, name})
			continue
		}
		found, err := verify.KeyFiles(name)
		if err != nil {
			return nil, err
		}
		if region != "" {
			return nil, usagef("--keys %s=%s: this is a folder; name the region's file in it", region, name)
		}
		if len(found) == 0 {
			return nil, usagef("--keys %s: there is no public-keys.REGION.json in this folder", name)
		}
		for _, r := range slices.Sorted(maps.Keys(found)) {
			files = append(files, keyFile{r, found[r]})
		}
	}
	return files, nil
}

// keysOf reads files of public keys; nil if there are none.
func keysOf(files []keyFile) (verify.PublicKeys, error) {
	if len(files) == 0 {
		return nil, nil
	}
	keys := verify.FileKeys{}
	for _, f := range files {
		text, err := os.ReadFile(f.name)
		if err != nil {
			return nil, fmt.Errorf("read public keys: %w", err)
		}
		some, err := verify.ParseKeys(text)
		if err != nil {
			return nil, usagef("--keys %s: %w", f.name, err)
		}
		if f.region == "" {
			for i := range some {
				some[i].File = f.name
			}
		}
		keys[f.region] = append(keys[f.region], some...)
	}
	return keys, nil
}

// liesIn reports whether a file lies in a copy, which is a folder or an archive.
// Links are followed. What cannot be found is in no copy.
func liesIn(name, place string) bool {
	var paths [2]string
	for i, p := range []string{name, place} {
		full, err := filepath.Abs(p)
		if err == nil {
			full, err = filepath.EvalSymlinks(full)
		}
		if err != nil {
			return false
		}
		paths[i] = full
	}
	rel, err := filepath.Rel(paths[1], paths[0])
	return err == nil && filepath.IsLocal(rel)
}

// keysForCopy returns the keys of the server that knows those of a copy.
func (a *app) keysForCopy(ctx context.Context, f verifyFlags, place string) (verify.PublicKeys, error) {
	clients, err := a.awsClients(ctx, f, true)
	if err != nil {
		return nil, err
	}
	needed := needKeys(place)
	if c := clients.config.Credentials; c == nil {
		return nil, needed
	} else if _, err := c.Retrieve(ctx); err != nil && f.profile == "" && f.endpointURL == "" {
		return nil, needed
	} else if err != nil {
		return nil, fmt.Errorf("%w (%w)", needed, err)
	}
	return copyKeys{clients.keys(), needed}, nil
}

// needKeys says that public keys are needed, and what the ones that lie in a
// copy are good for.
func needKeys(place string) error {
	text := "public keys are needed to verify a copy: name them with --keys, or the server that knows them with --endpoint-url or --profile"
	if found, err := verify.KeyFiles(place); err == nil && len(found) > 0 {
		names := slices.Sorted(maps.Values(found))
		text += fmt.Sprintf("; the copy has %s, but whoever changed it could change them too: `--keys %s` shows only that it agrees with itself", filepath.Base(names[0]), place)
	}
	return fmt.Errorf("%s", text)
}

// copyKeys asks the server for the public keys of a copy.
type copyKeys struct {
	server verify.PublicKeys
	needed error
}

// PublicKeys says what to do when the server cannot be asked.
func (k copyKeys) PublicKeys(ctx context.Context, region string, from, until time.Time) ([]verify.PublicKey, error) {
	keys, err := k.server.PublicKeys(ctx, region, from, until)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", k.needed, err)
	}
	return keys, nil
}
