package delivery_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/mod/sumdb/note"

	"cairn"
	"cairn/catalog"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/trail"
)

const (
	account = "111122223333"
	home    = "eu-central-1"
	global  = "us-east-1"
)

var regions = []string{home, global}

// testKey makes RSA keys of which there are only a few: making one takes long.
var testKey = func() func() (*rsa.PrivateKey, error) {
	var mu sync.Mutex
	var keys []*rsa.PrivateKey
	next := 0
	return func() (*rsa.PrivateKey, error) {
		mu.Lock()
		defer mu.Unlock()
		if next++; len(keys) < 3 {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		return keys[next%len(keys)], nil
	}
}()

// A harness is a server's deliveries: a log, a catalog, trails, and one bucket
// for them all.
type harness struct {
	t        testing.TB
	dir      string
	clock    *clock
	log      *eventlog.Log
	catalog  *catalog.Catalog
	trails   *trail.Store
	keys     *delivery.Keys
	bucket   *bucket
	delivery *delivery.Delivery
	sent     []string // event IDs, in the order of the log
	posted   int
	config   delivery.Config
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	h := &harness{t: t, dir: t.TempDir(), clock: &clock{now: time.Date(2026, 11, 20, 10, 2, 30, 0, time.UTC)}, bucket: newBucket()}
	key, public, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	h.log, err = eventlog.Open(eventlog.Config{
		Dir: filepath.Join(h.dir, "events"), Now: h.clock.Now, Retention: eventlog.Forever,
		Signer: signer, Verifiers: note.VerifierList(verifier),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.log.Close() })
	h.openCatalog(h.dir)
	h.open()
	return h
}

func (h *harness) openCatalog(dir string) {
	h.t.Helper()
	c, err := catalog.Open(catalog.Config{Dir: dir, MasterKey: bytes.Repeat([]byte{7}, 32), Now: h.clock.Now})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	h.catalog = c
	h.keys = delivery.OpenKeys(c, testKey)
	h.trails, err = trail.Open(trail.Config{Catalog: c, Regions: regions, End: h.log.End, Passed: func() eventlog.Position {
		if h.delivery == nil {
			return eventlog.Position{}
		}
		return h.delivery.Passed()
	}, Now: h.clock.Now})
	if err != nil {
		h.t.Fatal(err)
	}
}

// open opens deliveries, as a start of the server does.
func (h *harness) open() {
	h.t.Helper()
	cfg := h.config
	cfg.Dir, cfg.Log, cfg.Catalog, cfg.Trails, cfg.Keys = filepath.ToSlash(filepath.Join(h.dir, "staged")), h.log, h.catalog, h.trails, h.keys
	cfg.Destinations, cfg.Regions, cfg.Now = h.bucket, regions, h.clock.Now
	d, err := delivery.Open(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.delivery = d
}

// crashWhere lets deliveries die at the first crash point that a function
// chooses.
func (h *harness) crashWhere(here func(at string) bool) {
	delivery.SetCrash(h.delivery, func(at string) {
		if here(at) {
			panic(crash(at))
		}
	})
}

type crash string

// deliver delivers, and reports at which point it crashed, if it did.
func (h *harness) deliver() (crashed string, err error) {
	defer func() {
		if p := recover(); p != nil {
			at, ok := p.(crash)
			if !ok {
				panic(p)
			}
			crashed = string(at)
		}
	}()
	return "", h.delivery.Deliver(h.t.Context())
}

func (h *harness) mustDeliver() {
	h.t.Helper()
	if _, err := h.deliver(); err != nil {
		h.t.Fatal(err)
	}
}

// create makes a trail and starts it.
func (h *harness) create(name string, edit func(*cairn.Trail)) *trail.Trail {
	h.t.Helper()
	t := cairn.Trail{
		Name: name, AccountID: account, HomeRegion: home, S3BucketName: "audit", LogFileValidation: true,
		IncludeGlobalServiceEvents: true, Created: h.clock.Now(), Logging: true, LoggingStarted: h.clock.Now(),
	}
	if edit != nil {
		edit(&t)
	}
	made, err := h.trails.Create(t, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

func (h *harness) change(t *trail.Trail, requestID string, fn func(*trail.Trail)) *trail.Trail {
	h.t.Helper()
	changed, err := h.trails.Change(t.AccountID, t.ID, requestID, func(t *trail.Trail) error { fn(t); return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	return changed
}

// An event is what a test logs.
type event struct {
	source, name, region, account, request string
	parameter                              string
	readOnly                               bool
	origin                                 cairn.Origin
}

// post logs an event and returns its ID.
func (h *harness) post(e event) string {
	h.t.Helper()
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&e.source, "ec2.amazonaws.com")
	set(&e.name, "RunInstances")
	set(&e.region, home)
	set(&e.account, account)
	if e.origin == 0 {
		e.origin = cairn.OriginRecorded
	}
	h.posted++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", h.posted)
	set(&e.request, "r-"+id)
	raw := fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"Root","accountId":%q},"eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":%q,"sourceIPAddress":"192.0.2.7","userAgent":"t","requestParameters":{"n":1.50,"Tag":1,"tag":2,"text":%q},"responseElements":null,"requestID":%q,"eventID":%q,"readOnly":%t,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":%q,"eventCategory":"Management"}`,
		e.account, h.clock.Now().UTC().Format("2006-01-02T15:04:05Z"), e.source, e.name, e.region, e.parameter, e.request, id, e.readOnly, e.account)
	results, err := h.log.Append(context.Background(), eventlog.Batch{Origin: e.origin, Records: [][]byte{[]byte(raw)}})
	if err != nil || results[0].Status != eventlog.Stored {
		h.t.Fatalf("append: %v %+v", err, results)
	}
	h.sent = append(h.sent, id)
	return id
}

// A clock shows the time that it was set to, or follows time.Now.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	follow bool
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.follow {
		return time.Now()
	}
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A bucket is an object store and a topic in memory, which can be made to fail.
type bucket struct {
	mu       sync.Mutex
	objects  map[string]object // by bucket/key
	puts     map[string][]object
	messages []string

	// fault returns how a put fails, and whether it takes effect all the same.
	fault func(bucket, key string) (err error, effect bool)
	quiet error // how publishing fails
	blind bool  // nobody may read

	rotten map[string]bool // objects that are told of and cannot be read any more
}

type object struct {
	body     []byte
	metadata map[string]string
	in       *s3.PutObjectInput
}

func newBucket() *bucket {
	return &bucket{objects: make(map[string]object), puts: make(map[string][]object)}
}

func (b *bucket) Objects(*trail.Trail) delivery.Objects { return b }
func (b *bucket) Topics(*trail.Trail) delivery.Topics   { return b }

func failure(code string, status int) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "the test's"},
	}}
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	name := *in.Bucket + "/" + *in.Key
	put := object{body, in.Metadata, in}
	var fault error
	effect := true
	if b.fault != nil {
		if fault, effect = b.fault(*in.Bucket, *in.Key); fault == nil {
			effect = true
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !effect {
		b.puts[name] = append(b.puts[name], put)
		return nil, fault
	}
	if _, taken := b.objects[name]; taken && aws.ToString(in.IfNoneMatch) == "*" {
		return nil, failure("PreconditionFailed", http.StatusPreconditionFailed)
	}
	b.puts[name] = append(b.puts[name], put)
	b.objects[name] = put
	delete(b.rotten, name)
	return &s3.PutObjectOutput{}, fault
}

func (b *bucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blind {
		return nil, failure("Forbidden", http.StatusForbidden)
	}
	o, ok := b.objects[*in.Bucket+"/"+*in.Key]
	if !ok {
		return nil, failure("NotFound", http.StatusNotFound)
	}
	tag := md5.Sum(o.body)
	return &s3.HeadObjectOutput{Metadata: o.metadata, ContentLength: aws.Int64(int64(len(o.body))), ETag: aws.String(`"` + hex.EncodeToString(tag[:]) + `"`)}, nil
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := *in.Bucket + "/" + *in.Key
	o, ok := b.objects[name]
	switch {
	case b.blind:
		return nil, failure("Forbidden", http.StatusForbidden)
	case !ok:
		return nil, failure("NoSuchKey", http.StatusNotFound)
	case b.rotten[name]:
		return nil, failure("DamagedObject", http.StatusInternalServerError)
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(o.body)), Metadata: o.metadata}, nil
}

func (b *bucket) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quiet != nil {
		return nil, b.quiet
	}
	b.messages = append(b.messages, *in.Message)
	return &sns.PublishOutput{}, nil
}

// keys returns the keys in a bucket that contain a text, sorted.
func (b *bucket) keys(text string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []string
	for name := range b.objects {
		if strings.Contains(name, text) {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	return keys
}

func unzip(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// eventIDs returns the IDs of all events in the log files whose names contain a
// text, in the order of the names.
func (h *harness) eventIDs(text string) []string {
	h.t.Helper()
	var ids []string
	for _, name := range h.bucket.keys("_CloudTrail_") {
		if !strings.Contains(name, text) {
			continue
		}
		body := unzip(h.t, h.bucket.objects[name].body)
		if !bytes.HasPrefix(body, []byte(`{"Records":[`)) {
			h.t.Fatalf("%s begins with %.20s", name, body)
		}
		var file struct {
			Records []struct{ EventID string }
		}
		if err := json.Unmarshal(body, &file); err != nil {
			h.t.Fatalf("%s: %v", name, err)
		}
		for _, r := range file.Records {
			ids = append(ids, r.EventID)
		}
	}
	return ids
}

// A walk is what a reader finds who checks all digests of a bucket.
type walk struct {
	digests map[string]*cairn.SignedDigest // by bucket/key
	starts  []string                       // of chains
	listed  map[string]int                 // how often a log file is listed
}

// verify checks everything in the bucket: each digest by itself, each link, that
// no digest has two followers, that windows join, and every log file that is
// listed.
func (h *harness) verify() *walk {
	h.t.Helper()
	w := &walk{digests: make(map[string]*cairn.SignedDigest), listed: make(map[string]int)}
	public := make(map[string]*rsa.PublicKey)
	for _, region := range regions {
		keys, err := h.keys.Public(region, time.Time{}, h.clock.Now().Add(1000*time.Hour))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, k := range keys {
			if public[k.Fingerprint], err = cairn.ParsePublicKeyDER(k.DER); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	followers := make(map[string]string)
	names := h.bucket.keys("/CloudTrail-Digest/")
	for _, name := range names {
		o := h.bucket.objects[name]
		bucket, key, _ := strings.Cut(name, "/")
		object := cairn.DigestObject{S3Bucket: bucket, S3Object: key, Body: unzip(h.t, o.body), Metadata: o.metadata}
		signed, err := object.Verify(func(f string) *rsa.PublicKey { return public[f] })
		if err != nil {
			h.t.Fatalf("digest %s: %v", name, err)
		}
		w.digests[name] = signed
	}
	for _, name := range names {
		signed := w.digests[name]
		link := signed.Digest.Previous()
		if link == (cairn.DigestLink{}) {
			w.starts = append(w.starts, name)
		} else {
			previous := link.S3Bucket + "/" + link.S3Object
			if w.digests[previous] == nil {
				h.t.Fatalf("digest %s follows %s, which is not there", name, previous)
			}
			if other := followers[previous]; other != "" {
				h.t.Fatalf("chain forks: %s and %s both follow %s", name, other, previous)
			}
			followers[previous] = name
			if err := signed.VerifyPrevious(w.digests[previous]); err != nil {
				h.t.Fatalf("digest %s: %v", name, err)
			}
		}
		for _, f := range signed.Digest.LogFiles {
			log, ok := h.bucket.objects[f.S3Bucket+"/"+f.S3Object]
			if !ok {
				h.t.Fatalf("digest %s lists %s, which is not there", name, f.S3Object)
			}
			if err := f.Verify(cairn.HashHex(unzip(h.t, log.body))); err != nil {
				h.t.Fatalf("digest %s: %v", name, err)
			}
			w.listed[f.S3Bucket+"/"+f.S3Object]++
		}
	}
	return w
}

// verifyComplete verifies, and checks that each log file is listed exactly once.
func (h *harness) verifyComplete() *walk {
	h.t.Helper()
	w := h.verify()
	for _, name := range h.bucket.keys("_CloudTrail_") {
		if w.listed[name] != 1 {
			h.t.Errorf("%s is listed by %d digests", name, w.listed[name])
		}
	}
	return w
}

// samePuts checks that an object that was put more than once had the same bytes
// each time.
func (h *harness) samePuts() {
	h.t.Helper()
	for name, puts := range h.bucket.puts {
		for _, p := range puts {
			if !bytes.Equal(p.body, puts[0].body) {
				h.t.Errorf("%s was put with different bytes", name)
			}
		}
	}
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

func sameEvents(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("%s: delivered %d events, want %d:\n got %v\nwant %v", what, len(got), len(want), sorted(got), sorted(want))
	}
}
