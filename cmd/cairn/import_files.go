package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An importPath is a file to import.
type importPath struct {
	name  string
	size  int64
	named bool  // by the user, rather than found in a folder
	err   error // why a folder, or a file in one, cannot be read
}

// stdinName is what the user calls standard input.
const stdinName = "-"

// importSuffixes are the ends of the names of files that a folder is searched
// for.
var importSuffixes = []string{".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".json.zst", ".ndjson.zst", ".jsonl.zst"}

// findImportFiles lists the files that paths name, folders with everything in
// them, in the order of their names, in which log files are by time. The file
// that failures are written to is no log file, nor is what Cairn itself keeps.
func findImportFiles(paths []string, failures string) ([]importPath, error) {
	var files []importPath
	own, err := os.Stat(failures)
	if err != nil {
		own = nil // not made yet
	}
	for _, p := range paths {
		if p == stdinName {
			files = append(files, importPath{name: p, named: true})
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		if !info.IsDir() {
			f := importPath{name: p, named: true, err: notRegular(info)}
			if f.err == nil && own != nil && os.SameFile(info, own) {
				f.err = errors.New("this is the file that the failures of this import are written to")
			}
			if f.err == nil {
				f.size = info.Size()
			}
			files = append(files, f)
			continue
		}
		if isDataDirectory(p) {
			return nil, fmt.Errorf("import %s: this is a Cairn data directory; its events are in it already", p)
		}
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				if isDataDirectory(name) {
					return fs.SkipDir
				}
				return nil
			}
			if err == nil && (!hasImportSuffix(name) || filepath.Base(name) == defaultFailures) {
				return nil
			}
			var info fs.FileInfo
			if err == nil {
				info, err = os.Stat(name) // follows symbolic links to files
			}
			if err != nil {
				files = append(files, importPath{name: name, err: err})
				return nil // the rest of the folder can be imported
			}
			switch err := notRegular(info); {
			case info.IsDir(): // a symbolic link to one is not followed
			case err != nil:
				files = append(files, importPath{name: name, err: err})
			case own == nil || !os.SameFile(info, own):
				files = append(files, importPath{name: name, size: info.Size()})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
	}
	return files, nil
}

// notRegular is why something cannot be imported that is not a file with an
// end, nil if it is one: a file is read twice.
func notRegular(info fs.FileInfo) error {
	kind := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	default:
		kind = "something else"
	}
	return fmt.Errorf("this is %s, not a file; to import what a program writes, pipe it to `cairn import -`", kind)
}

// isDataDirectory says whether a folder is a data directory of Cairn.
func isDataDirectory(name string) bool {
	catalog, err := os.Stat(filepath.Join(name, "catalog.db"))
	if err != nil || !catalog.Mode().IsRegular() {
		return false
	}
	events, err := os.Stat(filepath.Join(name, "events"))
	return err == nil && events.IsDir()
}

func hasImportSuffix(name string) bool {
	name = strings.ToLower(name)
	for _, s := range importSuffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// isLines says whether a file's name promises one record a line.
func isLines(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	return strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".jsonl")
}

// isDigest says whether a file is one of CloudTrail's digest files.
func isDigest(name string) bool {
	return strings.Contains(filepath.Base(name), "_CloudTrail-Digest_")
}
