package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

const (
	objectSize    = 1 << 20
	objectClients = 4
)

// A rate is how much was moved in a time.
type rate struct {
	bytes   int64
	elapsed time.Duration
	cpu     time.Duration // of the server; 0 if there is none
}

func (r rate) perSecond() float64 {
	if r.elapsed == 0 {
		return 0
	}
	return float64(r.bytes) / 1e6 / r.elapsed.Seconds()
}

// perObject is the server's processor time for each object.
func (r rate) perObject() time.Duration {
	return time.Duration(float64(r.cpu) * objectSize / float64(max(r.bytes, 1)))
}

// A bucketRate is what was measured of one S3.
type bucketRate struct{ put, get rate }

// measureObjects puts and gets objects, and writes files to the same disk before
// and after.
func (b *bench) measureObjects(ctx context.Context) error {
	b.note("measuring the disk and the object store …")
	before, err := b.measureDisk(ctx)
	if err != nil {
		return err
	}
	if err := b.measureCairnObjects(ctx); err != nil {
		return err
	}
	after, err := b.measureDisk(ctx)
	if err != nil {
		return err
	}
	b.table.disk = rate{bytes: before.bytes + after.bytes, elapsed: before.elapsed + after.elapsed}
	return b.measureVersitygw(ctx)
}

func (b *bench) measureCairnObjects(ctx context.Context) (err error) {
	dir := filepath.Join(b.temp, "objects")
	var s serving
	p, err := b.start(ctx, spec{Task: taskServe, Dir: dir}, "s3-server", &s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(), os.RemoveAll(dir)) }()
	b.table.objects, err = b.measureBucket(ctx, s.URL, s.Key, p.pid)
	return err
}

// measureBucket puts objects from several clients for a while, and gets them again.
func (b *bench) measureBucket(ctx context.Context, url string, key credentialsOf, pid int) (r bucketRate, err error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = objectClients
	defer transport.CloseIdleConnections()
	client := newObjects(url, &http.Client{Transport: transport}, key.provider(), func(o *awss3.Options) {
		// As clients have it that load a configuration.
		o.RequestChecksumCalculation = awssdk.RequestChecksumCalculationWhenSupported
	})
	content := make([]byte, objectSize)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(content) // never fails
	name := func(n int64) *string { return awssdk.String(fmt.Sprintf("objects/%08d", n)) }
	timed := func(do func(ctx context.Context, n int64) error) (rate, error) {
		before := cpuOf(pid)
		r, err := b.drive(ctx, do)
		r.cpu = cpuOf(pid) - before
		return r, err
	}
	r.put, err = timed(func(ctx context.Context, n int64) error {
		_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: awssdk.String(bucketName), Key: name(n), Body: bytes.NewReader(content)})
		return err
	})
	if err != nil {
		return r, fmt.Errorf("put: %w", err)
	}
	stored := r.put.bytes / objectSize
	r.get, err = timed(func(ctx context.Context, _ int64) error {
		out, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: awssdk.String(bucketName), Key: name(rand.Int64N(stored))})
		if err != nil {
			return err
		}
		got, err := io.ReadAll(out.Body)
		if err := errors.Join(err, out.Body.Close()); err != nil {
			return err
		}
		if !bytes.Equal(got, content) {
			return errors.New("an object is not what was put")
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("get: %w", err)
	}
	return r, nil
}

// drive does something that moves an object again and again, from several
// goroutines, until the period is over. n counts from 0 without a gap.
func (b *bench) drive(ctx context.Context, do func(ctx context.Context, n int64) error) (rate, error) {
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range objectClients {
		group.Go(func() error {
			for time.Since(began) < b.period {
				if err := do(ctx, next.Add(1)-1); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return rate{bytes: done.Load() * objectSize, elapsed: time.Since(began)}, err
}

// measureDisk writes files of an object's size, each synced and its directory, too.
func (b *bench) measureDisk(ctx context.Context) (r rate, err error) {
	dir := filepath.Join(b.temp, "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	content := make([]byte, objectSize)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(content) // never fails
	return b.drive(ctx, func(ctx context.Context, n int64) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return writeSynced(dir, fmt.Sprintf("%08d", n), content)
	})
}

func writeSynced(dir, name string, content []byte) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
