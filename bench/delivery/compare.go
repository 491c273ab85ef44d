package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"cairn/delivery"
	"cairn/internal/logfile"
	"cairn/internal/objectstore"
)

// compare reads all log files in the bucket. Those of the first trail must have
// exactly the records of the backlog and the hashes of the ledger; those of the
// others that take every event must be the same objects; the rest must have none.
func (st *store) compare(ctx context.Context, d *delivery.Delivery, trails fixedTrails, s *spec, result *delivered) error {
	var first []string
	for n, t := range trails {
		files, err := filesOf(d, t.ID)
		if err != nil {
			return err
		}
		if n >= s.Trails.Takers {
			if len(files) > 0 {
				return fmt.Errorf("trail %s got %d log files, though it takes no event", t.Name, len(files))
			}
			continue
		}
		var tags []string
		for _, f := range files {
			o, err := st.objects.Head(ctx, objectstore.Ref{Bucket: f.Bucket, Key: f.Key})
			if err != nil {
				return err
			}
			tags = append(tags, o.ETag)
		}
		slices.Sort(tags)
		if n > 0 {
			if !slices.Equal(tags, first) {
				return fmt.Errorf("trail %s got other log files than the first one", t.Name)
			}
			continue
		}
		first = tags
		sum, err := st.readLogs(ctx, files)
		if err != nil {
			return err
		}
		if sum.Data = s.Sum.Data; sum != s.Sum {
			return fmt.Errorf("the bucket has %+v, and the backlog was %+v", sum, s.Sum)
		}
		result.Files = len(files)
		for _, f := range files {
			result.Size += f.Size
		}
	}
	return nil
}

func filesOf(d *delivery.Delivery, trailID string) (files []*delivery.File, err error) {
	for f, err := range d.Files(delivery.LedgerQuery{Trail: trailID}) {
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// readLogs returns what records are in log files.
func (st *store) readLogs(ctx context.Context, files []*delivery.File) (all contents, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range files {
		group.Go(func() error {
			sum, err := st.readLog(ctx, f)
			if err != nil {
				return fmt.Errorf("log file %s: %w", f.Key, err)
			}
			mu.Lock()
			defer mu.Unlock()
			all.Events += sum.Events
			all.Bytes += sum.Bytes
			all.Sum += sum.Sum
			return nil
		})
	}
	return all, group.Wait()
}

func (st *store) readLog(ctx context.Context, f *delivery.File) (sum contents, err error) {
	object, err := st.client().GetObject(ctx, &awss3.GetObjectInput{Bucket: awssdk.String(f.Bucket), Key: awssdk.String(f.Key)})
	if err != nil {
		return sum, err
	}
	defer object.Body.Close()
	zip, err := gzip.NewReader(object.Body)
	if err != nil {
		return sum, err
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		return sum, err
	}
	if hash := sha256.Sum256(plain); hex.EncodeToString(hash[:]) != f.Hash {
		return sum, errors.New("its hash is not that of the ledger")
	}
	records := logfile.NewSplitter(bytes.NewReader(plain), false)
	for {
		r, err := records.Next()
		if err == io.EOF {
			break
		}
		if err = errors.Join(err, r.Err); err != nil {
			return sum, err
		}
		sum.add(r.Raw)
	}
	if sum.Events != f.Events {
		return sum, fmt.Errorf("it has %d events, and %d by the ledger", sum.Events, f.Events)
	}
	return sum, nil
}
