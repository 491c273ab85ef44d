//go:build linux

package catalog_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cairn/catalog"

	"golang.org/x/sys/unix"
)

// writerDir names, in the environment of a process of its own, the catalog
// that it is to write to, and writerLimit the greatest length of its files.
const (
	writerDir   = "CAIRN_TEST_WRITER_DIR"
	writerLimit = "CAIRN_TEST_WRITER_LIMIT"
)

// TestWriter is that process. It prints the number of each row that was
// acknowledged, and the first error.
func TestWriter(t *testing.T) {
	dir := os.Getenv(writerDir)
	if dir == "" {
		t.Skip("runs within other tests only")
	}
	c := ok(catalog.Open(catalog.Config{Dir: dir}))(t)
	numbers := catalog.TableOf[string](c, "numbers")
	if limit, err := strconv.ParseUint(os.Getenv(writerLimit), 10, 64); err == nil {
		signal.Ignore(unix.SIGXFSZ)
		must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}))
	}
	for i := 0; ; i++ {
		if _, err := numbers.Put(fmt.Sprintf("%06d", i), strings.Repeat("x", 500)); err != nil {
			fmt.Println("failed:", err)
			break
		}
		fmt.Println("stored:", i)
	}
	fmt.Println("stopped:", errors.Is(second(numbers.Put("one more", "")), catalog.ErrStopped))
	fmt.Println("read:", second2(numbers.Get("000000")) == nil)
	fmt.Println("closed:", c.Close() == nil)
}

func writer(t *testing.T, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriter$")
	cmd.Env = append(append(os.Environ(), writerDir+"="+dir), env...)
	out := ok(cmd.StdoutPipe())(t)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// What was acknowledged before a kill -9 is there after it, and the catalog
// opens at once.
func TestKilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for cycle := range 3 {
		cmd, lines := writer(t, dir)
		last := -1
		for lines.Scan() {
			if n, found := strings.CutPrefix(lines.Text(), "stored: "); found {
				last = ok(strconv.Atoi(n))(t)
			}
			if last == 10+7*cycle {
				must(t, cmd.Process.Signal(syscall.SIGKILL))
			}
		}
		cmd.Wait()
		if last < 10 {
			t.Fatalf("the writer stored %d rows", last+1)
		}
		if r := ok(catalog.Check(dir))(t); r.Clean || len(r.Problems) != 0 || len(r.Notes) == 0 {
			t.Fatalf("Check after the kill: %+v", r)
		}
		c := open(t, catalog.Config{Dir: dir})
		for i := range last + 1 {
			if err := second2(catalog.TableOf[string](c, "numbers").Get(fmt.Sprintf("%06d", i))); err != nil {
				t.Fatalf("cycle %d, row %d of %d: %v", cycle, i, last, err)
			}
		}
		must(t, c.Close())
	}
}

// When the file system fails, the catalog takes no more changes, can be read,
// and leaves no digest that would vouch for it.
func TestFailingFileSystemStopsTheCatalog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, lines := writer(t, dir, writerLimit+"=65536")
	stored, said := 0, map[string]string{}
	hung := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer hung.Stop()
	for lines.Scan() {
		if what, value, found := strings.Cut(lines.Text(), ": "); found {
			said[what] = value
			if what == "stored" {
				stored++
			}
		}
	}
	cmd.Wait()
	if stored == 0 || said["failed"] == "" || said["stopped"] != "true" || said["read"] != "true" || said["closed"] != "true" {
		t.Fatalf("%d rows were stored; the writer said %v", stored, said)
	}
	if r := ok(catalog.Check(dir))(t); r.Clean || len(r.Problems) != 0 {
		t.Errorf("Check: %+v", r)
	}
	c := open(t, catalog.Config{Dir: dir})
	rows := 0
	for _, err := range catalog.TableOf[string](c, "numbers").Scan("") {
		must(t, err)
		rows++
	}
	if rows < stored {
		t.Errorf("%d rows were acknowledged, and %d are there", stored, rows)
	}
	ok(catalog.TableOf[string](c, "numbers").Put("after", ""))(t)
}
