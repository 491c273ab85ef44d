package cairn_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A floor is where a package stands: it imports only from floors below, and
// from what also names.
type floor struct {
	path   string
	number int
	also   []string // packages on the same floor that it may import
	why    string
}

// floors are all packages of the module. A package that is not listed, or whose
// path does not begin with a listed one and a slash, fails the test.
var floors = []floor{
	{"cairn/cmd", 7, nil, "commands put everything together and nothing builds on them"},
	{"cairn/bench/columns", 0, nil, "prints what benchmarks have measured, and knows none of them"},
	{"cairn/bench", 7, nil, "benchmarks measure everything and nothing builds on them"},
	{"cairn/server", 6, []string{"cairn/console"}, "wires the stores and services and listens; a service that knew it could not be tested alone"},
	{"cairn/console", 6, nil, "shows what the services answer, on a listener of its own"},
	{"cairn/service", 5, nil, "one package per AWS service; companions never import each other, because cross-service work is an audited SDK call"},
	{"cairn/gateway", 4, nil, "records calls to other back ends; it needs the wire and the log, no service"},
	{"cairn/delivery", 4, nil, "a follower of the log that speaks to S3 and SNS over the wire"},
	{"cairn/timeline", 3, nil, "tells a resource's history out of events, wherever they came from"},
	{"cairn/verify", 4, nil, "proves what lies in a bucket, wherever it came from; it needs no store and no service"},
	{"cairn/stream", 4, nil, "a follower of the log that speaks to Logs and EventBridge over the wire"},
	{"cairn/insight", 4, nil, "a follower of the log that counts"},
	{"cairn/lake", 4, nil, "a follower of the log that answers SQL"},
	{"cairn/internal/recorddiff", 4, nil, "compares Cairn's records with real ones; a tool that nothing builds on"},
	{"cairn/record", 3, []string{"cairn/aws"}, "makes records of the front's calls; what is done with them is decided above"},
	{"cairn/trail", 3, nil, "keeps the trails for all who follow the log for them"},
	{"cairn/identity", 3, []string{"cairn/aws"}, "knows who there is and what they may, and tells the front; IAM and STS are two views of it"},
	{"cairn/aws", 3, []string{"cairn/aws"}, "speaks the AWS protocols and knows no service; what its tests share stands below it"},
	{"cairn/eventlog", 2, nil, "keeps events and knows nothing of who sends or reads them"},
	{"cairn/catalog", 2, nil, "keeps small facts of any type, and so knows none of them"},
	{"cairn/internal/objectstore", 2, nil, "keeps objects on disk; knows neither HTTP nor who may read them"},
	{"cairn/internal/eventgen", 2, nil, "makes events for tests and benchmarks out of the vocabulary alone"},
	{"cairn/internal/eventcsv", 2, nil, "writes events as CSV for the command and for downloads, out of the vocabulary alone"},
	{"cairn/internal/demo", 2, nil, "makes up a day of a company's activity out of nothing but a seed"},
	{"cairn", 1, nil, "the vocabulary is pure: no files, sockets or clocks"},
	{"cairn/internal/awsmodel", 1, []string{"cairn/internal/awsmodel"}, "AWS's operations as data, and the tool that makes them"},
	{"cairn/internal/logfile", 1, nil, "finds the records in files and bodies; what becomes of them is decided above"},
	{"cairn/internal/policy", 1, nil, "AWS's policy language: pure, and knows no service"},
	{"cairn/internal/sigv4", 1, nil, "checks and makes signatures of requests; it knows no key and no service"},
	{"cairn/internal/egress", 0, nil, "HTTP to addresses that strangers chose, kept away from what is private; it knows nothing of Cairn"},
	{"cairn/internal/durable", 0, []string{"cairn/internal/durable"}, "file writes that know nothing of Cairn; its test file systems stand beside it"},
}

// floorOf returns the floor with the longest path that pkg is, or lies below.
func floorOf(pkg string) (floor, bool) {
	var best floor
	for _, f := range floors {
		// Nothing but the root package itself stands on the root's floor.
		inside := pkg == f.path || f.path != "cairn" && strings.HasPrefix(pkg, f.path+"/")
		if inside && len(f.path) > len(best.path) {
			best = f
		}
	}
	return best, best.path != ""
}

// Each package imports from lower floors only, on every system. The imports of
// tests are not held to it. The test reads the sources itself, so that a cached
// result of it is never out of date.
func TestFloors(t *testing.T) {
	t.Parallel()
	imports := make(map[string][]string) // by package
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Join("cairn", filepath.ToSlash(filepath.Dir(name)))
		imports[pkg] = append(imports[pkg], importsOf(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports["cairn"]) == 0 {
		t.Error("the sources of the root package were not found")
	}
	for pkg, imported := range imports {
		checkFloor(t, pkg, imported)
	}
}

func importsOf(file *ast.File) (paths []string) {
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

func checkFloor(t *testing.T, pkg string, imports []string) {
	from, ok := floorOf(pkg)
	if !ok {
		t.Errorf("%s has no floor: add it to the table, with a reason", pkg)
		return
	}
	for _, imported := range imports {
		if imported != "cairn" && !strings.HasPrefix(imported, "cairn/") {
			continue
		}
		to, ok := floorOf(imported)
		if !ok || to.number < from.number || slices.Contains(from.also, to.path) {
			continue
		}
		t.Errorf("%s (floor %d) imports %s (floor %d), which is not below it.\n%s: %s.\n%s: %s.",
			pkg, from.number, imported, to.number, from.path, from.why, to.path, to.why)
	}
}
