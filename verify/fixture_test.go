package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn"
	"cairn/verify"
)

var rsaKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
	var keys [3]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

// signer is the key that signs, thief another one, and third one that signs
// nothing.
func signer() *rsa.PrivateKey { return rsaKeys()[0] }
func thief() *rsa.PrivateKey  { return rsaKeys()[1] }
func third() *rsa.PrivateKey  { return rsaKeys()[2] }

func knownKeys() verify.FileKeys {
	return verify.FileKeys{"": {{Key: &signer().PublicKey, From: dayOne.Add(-time.Hour), Until: dayOne.Add(30 * 24 * time.Hour)}}}
}

var dayOne = time.Date(2026, 11, 19, 20, 0, 0, 0, time.UTC)

// An object of a memoryBucket.
type object struct {
	body     []byte // as it is stored
	metadata map[string]string
	modified time.Time
}

// A memoryBucket is a bucket as a verify.Source. With copied, it knows no
// metadata, as a folder would not.
type memoryBucket struct {
	name    string
	objects map[string]object
	copied  bool
}

func (b *memoryBucket) clone() *memoryBucket {
	return &memoryBucket{b.name, maps.Clone(b.objects), b.copied}
}

func (b *memoryBucket) keys() []string { return slices.Sorted(maps.Keys(b.objects)) }

func (b *memoryBucket) matching(part string) []string {
	return slices.DeleteFunc(b.keys(), func(k string) bool { return !strings.Contains(k, part) })
}

func (b *memoryBucket) Name() string { return "s3://" + b.name }

func (b *memoryBucket) Bucket() string {
	if b.copied {
		return ""
	}
	return b.name
}

func (b *memoryBucket) Folders(_ context.Context, folder string) ([]string, error) {
	var folders []string
	for _, k := range b.keys() {
		if rest, ok := strings.CutPrefix(k, folder); ok {
			if sub, _, ok := strings.Cut(rest, "/"); ok {
				folders = append(folders, folder+sub+"/")
			}
		}
	}
	return slices.Compact(folders), nil
}

func (b *memoryBucket) List(_ context.Context, prefix, after string) iter.Seq2[verify.Entry, error] {
	return func(yield func(verify.Entry, error) bool) {
		for _, k := range b.keys() {
			if strings.HasPrefix(k, prefix) && k > after && !yield(verify.Entry{Key: k, Size: int64(len(b.objects[k].body)), Modified: b.objects[k].modified}, nil) {
				return
			}
		}
	}
}

func (b *memoryBucket) Get(_ context.Context, bucket, key string) (*verify.Object, error) {
	o, ok := b.objects[key]
	if !ok || bucket != b.Bucket() && !b.copied {
		return nil, verify.ErrNotFound
	}
	m := o.metadata
	if b.copied {
		m = nil
	} else if m == nil {
		m = map[string]string{}
	}
	return &verify.Object{Body: io.NopCloser(bytes.NewReader(o.body)), Metadata: m}, nil
}

func zipped(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

func unzipped(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// A laneMaker makes the files of one trail, account and region.
type laneMaker struct {
	bucket  *memoryBucket
	trail   *cairn.Trail
	account string
	region  string
	key     *rsa.PrivateKey
	window  time.Duration
	link    cairn.DigestLink // of the newest digest
	late    cairn.DigestLink
	end     time.Time // where the newest digest ends
	serial  int
}

// log puts a log file that was delivered at a time, and returns it as a digest
// lists it.
func (l *laneMaker) log(t testing.TB, at time.Time) cairn.DigestLogFile {
	t.Helper()
	l.serial++
	name := l.trail.LogFileName(l.account, l.region, cairn.LogKindCloudTrail, at, cairn.UniqueString(l.serial, [16]byte{byte(l.serial), 7}))
	body := fmt.Appendf(nil, `{"Records":[{"eventTime":"%s","eventID":"%s-%d"}]}`, at.Format(time.RFC3339), l.region, l.serial)
	l.bucket.objects[name.Key()] = object{zipped(body), nil, at}
	return cairn.DigestLogFile{
		S3Bucket: l.trail.S3BucketName, S3Object: name.Key(), HashValue: cairn.HashHex(body), HashAlgorithm: cairn.DigestHashAlgorithm,
		NewestEventTime: cairn.FormatDigestTime(at), OldestEventTime: cairn.FormatDigestTime(at),
	}
}

// digest signs and puts a digest. It ends at end, and lists files.
func (l *laneMaker) digest(t testing.TB, start, end time.Time, backfill bool, files ...cairn.DigestLogFile) *cairn.SignedDigest {
	t.Helper()
	d := &cairn.Digest{
		AWSAccountID: l.account, DigestStartTime: cairn.FormatDigestTime(start), DigestEndTime: cairn.FormatDigestTime(end),
		DigestS3Bucket: l.trail.S3BucketName, DigestS3Object: l.trail.DigestFileName(l.account, l.region, end, backfill).Key(),
	}
	d.SetLogFiles(files)
	previous := &l.link
	if backfill {
		previous = &l.late
	}
	d.Follow(*previous)
	s, err := d.Sign(l.key)
	if err != nil {
		t.Fatal(err)
	}
	made := end.Add(time.Minute)
	if backfill {
		made = end.Add(2 * time.Hour)
		s.BackfillTime = cairn.FormatBackfillTime(made)
	}
	l.put(s, made)
	*previous = s.Link()
	return s
}

func (l *laneMaker) put(s *cairn.SignedDigest, made time.Time) {
	l.bucket.objects[s.Digest.DigestS3Object] = object{zipped(s.Body), s.Metadata(), made}
}

// hours makes so many windows, each with a digest that lists n log files.
func (l *laneMaker) hours(t testing.TB, windows, n int) {
	t.Helper()
	for range windows {
		var files []cairn.DigestLogFile
		for i := range n {
			files = append(files, l.log(t, l.end.Add(time.Duration(i+1)*5*time.Minute)))
		}
		end := l.end.Add(l.window)
		l.digest(t, l.end, end, false, files...)
		l.end = end
	}
}

func newLane(b *memoryBucket, trail *cairn.Trail, account, region string) *laneMaker {
	return &laneMaker{bucket: b, trail: trail, account: account, region: region, key: signer(), window: time.Hour, end: dayOne}
}

func demoTrail() *cairn.Trail {
	return &cairn.Trail{Name: "my_trail", AccountID: "111122223333", HomeRegion: "us-east-1", S3BucketName: "audit-bucket", IsMultiRegion: true}
}

const windows = 8

var soundBucket struct {
	once sync.Once
	b    *memoryBucket
	end  time.Time
}

// sound returns a bucket in which all is well, and where its newest digests end.
func sound(t testing.TB) (b *memoryBucket, end time.Time) {
	t.Helper()
	soundBucket.once.Do(func() { soundBucket.b, soundBucket.end = makeSound(t) })
	if soundBucket.b == nil {
		t.Fatal("the bucket could not be made")
	}
	return soundBucket.b.clone(), soundBucket.end
}

// makeSound makes a trail of two regions, one of them with backfill digests, and
// objects that are none of CloudTrail's.
func makeSound(t testing.TB) (b *memoryBucket, end time.Time) {
	t.Helper()
	b = &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	home := newLane(b, demoTrail(), "111122223333", "us-east-1")
	home.hours(t, windows, 3)
	for i := range 2 {
		at := dayOne.Add(time.Duration(i+1)*2*time.Hour + 30*time.Minute)
		late := []cairn.DigestLogFile{home.log(t, at), home.log(t, at.Add(time.Minute))}
		s := home.digest(t, at.Truncate(time.Hour), at.Truncate(time.Hour).Add(time.Hour), true, late...)
		for _, f := range late {
			o := b.objects[f.S3Object]
			o.modified = b.objects[s.Digest.DigestS3Object].modified
			b.objects[f.S3Object] = o
		}
	}
	other := newLane(b, demoTrail(), "111122223333", "eu-west-1")
	other.serial = 100
	other.hours(t, windows, 2)
	b.objects["AWSLogs/111122223333/CloudTrail/"] = object{}
	b.objects["AWSLogs/111122223333/CloudTrail-Digest/"] = object{}
	b.objects["notes/readme.txt"] = object{body: []byte("hello")}
	return b, home.end
}

// run verifies a bucket.
func run(t testing.TB, cfg verify.Config) *verify.Report {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = knownKeys()
	}
	r, err := verify.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kinds returns severity and kind of all findings but notes.
func kinds(r *verify.Report) []string {
	var all []string
	for _, f := range r.Findings {
		if f.Severity != verify.Note {
			all = append(all, string(f.Severity)+": "+f.Kind)
		}
	}
	slices.Sort(all)
	return all
}

func dump(r *verify.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s %s: %s\n", f.Severity, f.Kind, f.Key, f.Detail)
	}
	return b.String()
}
