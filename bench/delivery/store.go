package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/aws"
	"cairn/catalog"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/eventgen"
	"cairn/internal/objectstore"
	"cairn/record"
	"cairn/service/s3"
	"cairn/service/sts"
	"cairn/trail"
)

// account is whose events are delivered: the busiest of package eventgen.
var account, region = eventgen.Scopes[0].Account, eventgen.Scopes[0].Region

var regions = []string{region, eventgen.Scopes[1].Region}

const bucketName = "audit"

// A clock is the real one unless it was set.
type clock struct{ set atomic.Pointer[time.Time] }

func (c *clock) Now() time.Time {
	if t := c.set.Load(); t != nil {
		return *t
	}
	return time.Now()
}

// A store is what a server has: the stores of a data directory and the embedded
// S3 and STS on top, wired as package server does it.
type store struct {
	clock      *clock
	catalog    *catalog.Catalog
	log        *eventlog.Log // what is delivered
	calls      *eventlog.Log // of the bench's own clients, which must not be
	identities *identity.Store
	recorder   *record.Recorder
	objects    *objectstore.Store
	mux        *aws.Mux
	key        credentialsOf
}

type credentialsOf struct{ ID, Secret string }

func (c credentialsOf) provider() awssdk.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.ID, c.Secret, "")
}

// openStore opens the stores in dir and the event log in events, and makes the
// bucket that trails deliver to.
func openStore(ctx context.Context, dir, events string, now *clock) (_ *store, err error) {
	s := &store{clock: now}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.log, err = openLog(events, now); err != nil {
		return nil, err
	}
	if s.calls, err = openLog(filepath.Join(dir, "calls"), now); err != nil {
		return nil, err
	}
	if s.catalog, err = catalog.Open(catalog.Config{Dir: dir, Now: now.Now}); err != nil {
		return nil, err
	}
	if s.identities, err = identity.Open(s.catalog, identity.Options{DefaultAccount: account, Now: now.Now}); err != nil {
		return nil, err
	}
	if s.key.ID, s.key.Secret, err = s.identities.Bootstrap(account); err != nil {
		return nil, err
	}
	if s.recorder, err = record.New(record.Config{Log: s.calls, AccountID: account}); err != nil {
		return nil, err
	}
	if s.objects, err = objectstore.Open(objectstore.Config{Dir: filepath.Join(dir, "objects"), Now: now.Now}); err != nil {
		return nil, err
	}
	s.mux = aws.NewMux(aws.Config{Keys: s.identities, Authorizer: s.identities, Recorder: s.recorder, Regions: regions, Now: now.Now})
	s.mux.Serve((&s3.Service{Objects: s.objects, Sealer: s.catalog.Keyring(), Identities: s.identities, Regions: regions, Now: now.Now}).API())
	s.mux.Serve((&sts.Service{Store: s.identities}).API())
	return s, s.makeBucket(ctx)
}

// bucketPolicy is the one of AWS's documentation for the bucket of a trail.
const bucketPolicy = `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::` + bucketName + `"},
{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::` + bucketName + `/AWSLogs/*",
"Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`

func (s *store) makeBucket(ctx context.Context) error {
	// Clients sign with the real time.
	defer s.clock.set.Store(s.clock.set.Swap(nil))
	client := s.client()
	if _, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: awssdk.String(bucketName)}); err != nil {
		return err
	}
	_, err := client.PutBucketPolicy(ctx, &awss3.PutBucketPolicyInput{Bucket: awssdk.String(bucketName), Policy: awssdk.String(bucketPolicy)})
	return err
}

// client is the S3 client of the account's root user.
func (s *store) client() *awss3.Client {
	return newObjects("http://s3.internal", &http.Client{Transport: aws.InProcess{Handler: s.mux}}, s.key.provider())
}

func newObjects(endpoint string, client *http.Client, as awssdk.CredentialsProvider, options ...func(*awss3.Options)) *awss3.Client {
	return awss3.New(awss3.Options{
		Region: region, BaseEndpoint: awssdk.String(endpoint), HTTPClient: client, Credentials: as, UsePathStyle: true, RetryMaxAttempts: 1,
	}, options...)
}

// Objects returns an S3 client that acts for a trail, as package server makes it.
func (s *store) Objects(t *trail.Trail) delivery.Objects {
	transport := s.mux.As(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: t.ARN().String(), SourceAccount: t.AccountID})
	return newObjects("http://s3.internal", &http.Client{Transport: transport}, credentials.NewStaticCredentialsProvider("own", "own", ""), func(o *awss3.Options) {
		o.RequestChecksumCalculation = awssdk.RequestChecksumCalculationWhenSupported
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	})
}

// Topics returns nil: no trail of the bench has a topic.
func (s *store) Topics(*trail.Trail) delivery.Topics { return nil }

func (s *store) deliveryConfig(dir string, log delivery.Log, trails delivery.Trails) delivery.Config {
	return delivery.Config{
		Dir: filepath.ToSlash(filepath.Join(dir, "delivery")), Log: log, Catalog: s.catalog, Trails: trails, Destinations: s,
		Keys: delivery.OpenKeys(s.catalog, nil), Regions: regions, Now: s.clock.Now,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

func (s *store) close() error {
	var errs []error
	if s.recorder != nil {
		errs = append(errs, s.recorder.Close())
	}
	if s.objects != nil {
		errs = append(errs, s.objects.Close())
	}
	if s.catalog != nil {
		errs = append(errs, s.catalog.Close())
	}
	for _, log := range []*eventlog.Log{s.log, s.calls} {
		if log != nil {
			errs = append(errs, log.Close())
		}
	}
	return errors.Join(errs...)
}

// openLog opens an event log. The key that signs its seals is kept beside it, so
// that a later process knows it.
func openLog(dir string, now *clock) (*eventlog.Log, error) {
	file := dir + ".key"
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		private, public, err := note.GenerateKey(rand.Reader, "bench")
		if err != nil {
			return nil, fmt.Errorf("make a signing key: %w", err)
		}
		text = []byte(private + "\n" + public)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	private, public, _ := bytes.Cut(text, []byte("\n"))
	signer, err := note.NewSigner(string(private))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	verifier, err := note.NewVerifier(string(public))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return eventlog.Open(eventlog.Config{Dir: dir, Now: now.Now, Retention: eventlog.Forever, Signer: signer, Verifiers: note.VerifierList(verifier)})
}

// A source makes events that are wanted.
type source struct {
	generator *eventgen.Generator
	wanted    func(*cairn.Subject) bool
	event     cairn.Event // the one made last
	subject   cairn.Subject
}

// next appends one to buf.
func (s *source) next(buf []byte) ([]byte, error) {
	for start := len(buf); ; buf = buf[:start] {
		buf = s.generator.Next(buf)
		s.event.Raw = buf[start:]
		if err := s.event.Extract(); err != nil {
			return nil, fmt.Errorf("read a made event: %w", err)
		}
		if s.subject.Reset(&s.event); s.wanted(&s.subject) {
			return buf, nil
		}
	}
}

// appendAll appends records to the log, to which all of them must be new.
func appendAll(ctx context.Context, log *eventlog.Log, records [][]byte) error {
	results, err := log.Append(ctx, eventlog.Batch{Origin: cairn.OriginPosted, Source: "bench", Records: records})
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Status != eventlog.Stored {
			return fmt.Errorf("record %.80s is %v and not stored: %v", records[i], r.Status, r.Err)
		}
	}
	return nil
}
