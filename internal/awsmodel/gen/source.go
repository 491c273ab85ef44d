package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A source is a directory of API models: botocore's data directory
// (service/version/service-2.json, perhaps gzipped) or the npm package aws-sdk
// (apis/service-version.min.json or .normal.json).
type source struct {
	name   string // "botocore 1.2.3"
	models []modelFile
}

// A modelFile is the newest version of one service's model.
type modelFile struct{ id, path string }

// open finds the models below dir, or below the installed botocore when dir is empty.
func open(dir string) (*source, error) {
	if dir == "" {
		out, err := exec.Command("python3", "-c", "import botocore; print(botocore.__path__[0])").Output()
		if err != nil {
			return nil, fmt.Errorf("find botocore by python3: %w; name a directory of models with -models", err)
		}
		dir = strings.TrimSpace(string(out))
	}
	for _, at := range []string{dir, filepath.Join(dir, "data")} {
		if s, err := openBotocore(at); err != nil || s != nil {
			return s, err
		}
	}
	for _, at := range []string{dir, filepath.Join(dir, "apis")} {
		if s, err := openJavaScript(at); err != nil || s != nil {
			return s, err
		}
	}
	return nil, fmt.Errorf("%s has no API models: neither service/version/service-2.json, as botocore has, nor apis/*.min.json, as aws-sdk has", dir)
}

func openBotocore(dir string) (*source, error) {
	s := &source{name: "botocore " + botocoreVersion(filepath.Dir(dir))}
	services, err := os.ReadDir(dir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	for _, service := range services {
		if !service.IsDir() {
			continue
		}
		// Versions are dates, so that the last one is the newest.
		files, err := filepath.Glob(filepath.Join(dir, service.Name(), "*", "service-2.json*"))
		if err != nil {
			return nil, err
		}
		if len(files) > 0 {
			s.models = append(s.models, modelFile{service.Name(), slices.Max(files)})
		}
	}
	if len(s.models) == 0 {
		return nil, nil
	}
	return s, nil
}

var botocoreVersionLine = regexp.MustCompile(`(?m)^__version__ = ['"]([^'"]+)['"]`)

func botocoreVersion(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "__init__.py"))
	if err != nil {
		return "unknown"
	}
	if m := botocoreVersionLine.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return "unknown"
}

var javaScriptName = regexp.MustCompile(`^(.+)-(\d{4}-\d{2}-\d{2})\.(min|normal)\.json$`)

func openJavaScript(dir string) (*source, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	newest := map[string]string{} // service → file name; "normal" sorts behind "min" and has more
	for _, e := range entries {
		if m := javaScriptName.FindStringSubmatch(e.Name()); m != nil {
			newest[m[1]] = max(newest[m[1]], e.Name())
		}
	}
	if len(newest) == 0 {
		return nil, nil
	}
	s := &source{name: "aws-sdk " + packageVersion(filepath.Dir(dir))}
	for id, name := range newest {
		s.models = append(s.models, modelFile{id, filepath.Join(dir, name)})
	}
	slices.SortFunc(s.models, func(a, b modelFile) int { return strings.Compare(a.id, b.id) })
	return s, nil
}

func packageVersion(dir string) string {
	var p struct{ Version string }
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil || json.Unmarshal(b, &p) != nil || p.Version == "" {
		return "unknown"
	}
	return p.Version
}

// read reads one model.
func (f modelFile) read() (*model, error) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(f.path, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		}
		if b, err = io.ReadAll(r); err != nil {
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		}
	}
	m := &model{ID: f.id}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path, err)
	}
	return m, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
