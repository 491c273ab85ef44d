package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// usage is the processor time and the memory that processes have used.
type usage struct {
	cpu    time.Duration
	memory int64 // anonymous and shared bytes now, shared ones counted once
}

// ownCPU is the processor time of this process, user and system.
func ownCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err)) // only wrong arguments can do that
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ownMemory is the anonymous memory of this process in bytes: mapped files,
// the corpus among them, are not part of it.
func ownMemory() int64 {
	m, err := memoryOf(os.Getpid())
	if err != nil {
		return 0
	}
	return m.anonymous
}

type memory struct{ anonymous, shared, resident int64 }

func memoryOf(pid int) (m memory, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "RssAnon":
			m.anonymous = kb << 10
		case "RssShmem":
			m.shared = kb << 10
		case "VmRSS":
			m.resident = kb << 10
		}
	}
	return m, lines.Err()
}

// clockTick is the unit of times in /proc/<pid>/stat: USER_HZ, which is 100
// on every architecture that Go runs on with Linux.
const clockTick = 10 * time.Millisecond

// treeUsage is what a process, its children and those of its children that
// ended and were waited for have used.
func treeUsage(root int) (usage, error) {
	stat, err := readStat(root)
	if err != nil {
		return usage{}, err
	}
	u := usage{cpu: stat.own + stat.waited}
	pids := []int{root}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return usage{}, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		child, err := readStat(pid)
		if err != nil {
			continue // it has ended meanwhile
		}
		if child.parent == root {
			u.cpu += child.own + child.waited
			pids = append(pids, pid)
		}
	}
	var shared int64
	for _, pid := range pids {
		if m, err := memoryOf(pid); err == nil {
			u.memory += m.anonymous
			shared = max(shared, m.shared)
		}
	}
	u.memory += shared
	return u, nil
}

type processStat struct {
	parent      int
	own, waited time.Duration
}

// readStat reads /proc/<pid>/stat, which proc(5) describes.
func readStat(pid int) (processStat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processStat{}, err
	}
	// The name in parentheses may hold anything; fields are counted behind it,
	// the first being number 3, the state.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return processStat{}, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	number := func(field int) time.Duration {
		n, _ := strconv.ParseInt(fields[field-3], 10, 64)
		return time.Duration(n)
	}
	return processStat{
		parent: int(number(4)),
		own:    (number(14) + number(15)) * clockTick,
		waited: (number(16) + number(17)) * clockTick,
	}, nil
}

// A watch samples memory and keeps the peak.
type watch struct {
	stop chan struct{}
	done sync.WaitGroup
	peak int64
}

func startWatch(sample func() int64) *watch {
	w := &watch{stop: make(chan struct{})}
	w.done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			w.peak = max(w.peak, sample())
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
		}
	})
	return w
}

// end stops sampling and returns the peak.
func (w *watch) end() int64 {
	close(w.stop)
	w.done.Wait()
	return w.peak
}

// diskUsage is the space that the files below a directory take on disk.
func diskUsage(dir string, skip string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skip != "" && d.Name() == skip {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += s.Blocks * 512
		}
		return nil
	})
	return bytes, err
}
