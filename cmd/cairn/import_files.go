package main

import (
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
	named bool // by the user, rather than found in a folder
}

// stdinName is what the user calls standard input.
const stdinName = "-"

// importSuffixes are the ends of the names of files that a folder is searched
// for.
var importSuffixes = []string{".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz"}

// findImportFiles lists the files that paths name, folders with everything in
// them, in the order of their names, in which log files are by time.
func findImportFiles(paths []string) ([]importPath, error) {
	var files []importPath
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
			files = append(files, importPath{name: p, size: info.Size(), named: true})
			continue
		}
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !hasImportSuffix(name) {
				return err
			}
			info, err := os.Stat(name) // follows symbolic links to files
			if err != nil {
				return err
			}
			if info.Mode().IsRegular() {
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
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	return strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".jsonl")
}

// isDigest says whether a file is one of CloudTrail's digest files.
func isDigest(name string) bool {
	return strings.Contains(filepath.Base(name), "_CloudTrail-Digest_")
}
