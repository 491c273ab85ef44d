package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// measureVersitygw puts and gets the same objects by versitygw, over the same
// disk. Its absence is noted.
func (b *bench) measureVersitygw(ctx context.Context) (err error) {
	if b.versitygw == "" {
		return nil
	}
	program, err := exec.LookPath(b.versitygw)
	if err != nil {
		b.table.remark("There is no program versitygw, so that it is not measured.")
		return nil
	}
	dir := filepath.Join(b.temp, "versitygw")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	key := credentialsOf{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	cmd := exec.CommandContext(running, program, "--access", key.ID, "--secret", key.Secret, "--region", region, "--port", address, "--quiet", "--keep-alive", "posix", dir)
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		stop()
		b.table.remark("versitygw does not start (%v), so that it is not measured.", err)
		return nil
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is always stopped by a signal
	}()
	defer func() {
		stop()
		<-ended
	}()
	if why := makePeerBucket(ctx, "http://"+address, key, ended); why != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.table.remark("versitygw does not take a bucket (%v), so that it is not measured.", why)
		return nil
	}
	r, err := b.measureBucket(ctx, "http://"+address, key, cmd.Process.Pid)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		b.table.remark("versitygw fails (%v), so that it is not measured.", err)
		return nil
	}
	b.table.versitygw = &r
	return nil
}

// makePeerBucket makes the bucket as soon as the server answers.
func makePeerBucket(ctx context.Context, url string, key credentialsOf, ended <-chan struct{}) error {
	client := newObjects(url, http.DefaultClient, key.provider())
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	var failure error
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.New("it ended")
		case <-limit:
			return failure
		case <-tick.C:
			if _, failure = client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: awssdk.String(bucketName)}); failure == nil {
				return nil
			}
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
