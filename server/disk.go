package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// diskBytes are the sizes of what lies beside the event log, in bytes.
type diskBytes struct{ objects, staged, catalog int64 }

// otherBytes adds up the files beside the event log. While serving, the embedded
// S3 says itself what its objects have, for there may be very many files.
func (s *Server) otherBytes(ctx context.Context) (diskBytes, error) {
	var b diskBytes
	var err error
	if store := s.serving().store(); store != nil {
		st, serr := store.Stats(ctx)
		if serr == nil {
			b.objects = st.Bytes
		}
		index, ierr := folderBytes(filepath.Join(objectsDir(s.cfg.Data), "index.db"))
		b.objects += index
		err = errors.Join(serr, ierr)
	} else {
		b.objects, err = folderBytes(objectsDir(s.cfg.Data))
	}
	if err == nil {
		b.staged, err = folderBytes(deliveryDir(s.cfg.Data))
	}
	if err == nil {
		b.catalog, err = folderBytes(filepath.Join(s.cfg.Data, catalogName))
	}
	if err != nil {
		return b, fmt.Errorf("add up what is on disk: %w", err)
	}
	return b, nil
}

// folderBytes is the size of the files in a folder, or of one file; 0 if it is not
// there. What goes away meanwhile does not count.
func folderBytes(name string) (int64, error) {
	var n int64
	err := filepath.WalkDir(name, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		} else if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	})
	return n, err
}
