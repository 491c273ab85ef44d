package server

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"cairn/eventlog"
	"cairn/internal/durable"
)

const (
	// ballastName is a file of a data directory that holds space and nothing else.
	ballastName = "ballast"

	// ballastBytes is its size. A start or a stop writes some pages of 4 KiB to the
	// catalog, the last group of the event log once more, and a few small files.
	ballastBytes = 4 << 20
)

// A ballast keeps space for what a start and a stop must write, so that a disk
// that others have filled keeps no server from coming up: the file is given up
// where the disk is full, and made again with what is left.
type ballast struct {
	fs   durable.FS
	data string
	log  *slog.Logger
}

func (b *ballast) name() string { return path.Join(filepath.ToSlash(b.data), ballastName) }

// drop gives the space up if the disk has less than that left.
func (b *ballast) drop() error {
	free, err := b.fs.Free(b.data)
	if err != nil || free >= ballastBytes {
		return err
	}
	info, err := b.fs.Stat(b.name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = b.fs.Remove(b.name())
	}
	if err != nil {
		return fmt.Errorf("make room with the ballast: %w", err)
	}
	b.log.Warn("the disk is full: the ballast in the data directory was removed to make room",
		slog.Uint64("freeBytes", free), slog.Int64("ballastBytes", info.Size()))
	return nil
}

// keep makes the file as long as it should be, or as the disk allows. It holds
// random bytes, because file systems that compress keep no space for zeros. It
// need not survive a power cut, so that nothing is synced. What fails is tried
// again, at the latest when the server stops.
func (b *ballast) keep() {
	info, err := b.fs.Stat(b.name())
	at := int64(0)
	if err == nil {
		at = info.Size()
	}
	free, err := b.fs.Free(b.data)
	if err != nil || at >= ballastBytes || free == 0 {
		return
	}
	f, err := b.fs.OpenFile(b.name(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	source := rand.NewChaCha8([32]byte{})
	piece := make([]byte, 64<<10)
	for at < ballastBytes {
		_, _ = source.Read(piece) // never fails
		n, err := f.WriteAt(piece[:min(int64(len(piece)), ballastBytes-at)], at)
		at += int64(n)
		if err != nil {
			return
		}
	}
}

// explain adds to an error of a full disk how much a start needs, beside what the
// caller needs.
func (b *ballast) explain(err error, more int64) error {
	if err == nil || !diskFull(err) {
		return err
	}
	free, ferr := b.fs.Free(b.data)
	if ferr != nil {
		return err
	}
	return fmt.Errorf("%w; %d bytes of the disk of %s are free, and a start needs up to %d: make room and start again", err, free, b.data, ballastBytes+more)
}

// diskFull says whether an error is that of a disk without space, or with less
// than the reserve of the event log.
func diskFull(err error) bool {
	return errors.Is(err, eventlog.ErrDiskFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
