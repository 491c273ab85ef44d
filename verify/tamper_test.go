package verify_test

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/verify"
)

// A tampering changes a bucket and says what it did; empty if it changed nothing
// that could be seen in the content.
type tampering func(t *testing.T, r *rand.Rand, b *memoryBucket) string

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

func anyFile(r *rand.Rand, b *memoryBucket) string { return pick(r, b.matching(".json.gz")) }
func anyDigest(r *rand.Rand, b *memoryBucket) string {
	return pick(r, b.matching("_CloudTrail-Digest_"))
}
func anyLog(r *rand.Rand, b *memoryBucket) string { return pick(r, b.matching("_CloudTrail_")) }

// sameContent reports whether two files unpack to the same: what is in a gzip
// file's header is no part of what is proved.
func sameContent(a, b []byte) bool {
	x, errX := unzipped(a)
	y, errY := unzipped(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func change(b *memoryBucket, key string, f func(o *object)) {
	o := b.objects[key]
	o.body, o.metadata = bytes.Clone(o.body), maps.Clone(o.metadata)
	f(&o)
	b.objects[key] = o
}

// resign gives a digest another content and signs it with a key.
func resign(t *testing.T, b *memoryBucket, key string, signer *rsa.PrivateKey, f func(d *cairn.Digest)) {
	t.Helper()
	change(b, key, func(o *object) {
		body, err := unzipped(o.body)
		if err != nil {
			t.Fatal(err)
		}
		d, err := cairn.ParseDigest(body)
		if err != nil {
			t.Fatal(err)
		}
		f(d)
		s, err := d.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		s.BackfillTime = o.metadata[cairn.MetadataBackfill]
		o.body, o.metadata = zipped(s.Body), s.Metadata()
	})
}

func logName(t *testing.T, key string) cairn.LogFileName {
	t.Helper()
	n, err := cairn.ParseLogFileKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var tamperings = map[string]tampering{
	"change one byte": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		before := b.objects[key].body
		change(b, key, func(o *object) { o.body[r.IntN(len(o.body))] ^= byte(1 + r.IntN(255)) })
		if sameContent(before, b.objects[key].body) {
			return ""
		}
		return key
	},
	"change one byte of the content": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		change(b, key, func(o *object) {
			body, _ := unzipped(o.body)
			body[r.IntN(len(body))] ^= byte(1 + r.IntN(255))
			o.body = zipped(body)
		})
		return key
	},
	"delete one": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		delete(b.objects, key)
		return key
	},
	"delete two": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		one, two := anyFile(r, b), anyFile(r, b)
		delete(b.objects, one)
		delete(b.objects, two)
		return one + " and " + two
	},
	"delete two digests in a row": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		all := b.matching("_CloudTrail-Digest_")
		i := r.IntN(len(all) - 1)
		delete(b.objects, all[i])
		delete(b.objects, all[i+1])
		return all[i]
	},
	"swap two": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		one, two := anyLog(r, b), anyLog(r, b)
		if r.IntN(2) == 0 {
			one, two = anyDigest(r, b), anyDigest(r, b)
		}
		b.objects[one], b.objects[two] = b.objects[two], b.objects[one]
		if one == two {
			return ""
		}
		return one + " and " + two
	},
	"rename a log file": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyLog(r, b)
		n := logName(t, key)
		if r.IntN(2) == 0 {
			n.Unique = cairn.UniqueString(r.IntN(1000), [16]byte{9, byte(r.IntN(256))})
		} else {
			n.Time = n.Time.Add(time.Duration(1+r.IntN(4)) * time.Minute)
		}
		b.objects[n.Key()] = b.objects[key]
		delete(b.objects, key)
		return key
	},
	"rename a digest": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		n, err := cairn.ParseDigestFileKey(key)
		if err != nil {
			t.Fatal(err)
		}
		switch r.IntN(3) {
		case 0:
			n.End = n.End.Add(time.Duration(r.IntN(3000)-1500)*time.Second + time.Second)
		case 1:
			n.TrailName = "other"
		default:
			n.Backfill = !n.Backfill
		}
		if n.Key() == key {
			return ""
		}
		b.objects[n.Key()] = b.objects[key]
		delete(b.objects, key)
		return key
	},
	"truncate": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		change(b, key, func(o *object) { o.body = o.body[:r.IntN(len(o.body))] })
		return key
	},
	"append a gzip member": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		change(b, key, func(o *object) { o.body = append(o.body, zipped([]byte(`{"Records":[]}`))...) })
		return key
	},
	"append rubbish": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyFile(r, b)
		change(b, key, func(o *object) { o.body = append(o.body, "rubbish"...) })
		return key
	},
	"drop metadata": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		change(b, key, func(o *object) {
			if r.IntN(2) == 0 {
				o.metadata = nil
				return
			}
			delete(o.metadata, pick(r, slices.Sorted(maps.Keys(o.metadata))))
		})
		return key
	},
	"change the signature": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		change(b, key, func(o *object) {
			s := []byte(o.metadata["signature"])
			i := r.IntN(len(s))
			s[i] = "123456789abcdef0"[strings.IndexByte("0123456789abcdef", s[i])]
			o.metadata["signature"] = string(s)
		})
		return key
	},
	"sign with another key": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		resign(t, b, key, thief(), func(d *cairn.Digest) {})
		return key
	},
	"sign with another key under the right name": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		resign(t, b, key, thief(), func(d *cairn.Digest) {})
		change(b, key, func(o *object) {
			body, _ := unzipped(o.body)
			o.body = zipped(bytes.Replace(body, []byte(cairn.Fingerprint(&thief().PublicKey)), []byte(cairn.Fingerprint(&signer().PublicKey)), 1))
		})
		return key
	},
	"forge a log file": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		n := logName(t, anyLog(r, b))
		n.Unique = cairn.UniqueString(r.IntN(1000), [16]byte{8, byte(r.IntN(256))})
		n.Time = dayOne.Add(time.Duration(r.IntN(windows*60)) * time.Minute)
		b.objects[n.Key()] = object{body: zipped([]byte(`{"Records":[]}`)), modified: n.Time}
		return n.Key()
	},
	"put a log file now into a time that has passed": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		n := logName(t, anyLog(r, b))
		n.Unique = cairn.UniqueString(r.IntN(1000), [16]byte{7, byte(r.IntN(256))})
		n.Time = dayOne.Add(time.Duration(r.IntN(windows*60)) * time.Minute)
		b.objects[n.Key()] = object{body: zipped([]byte(`{"Records":[]}`)), modified: dayOne.Add(windows*time.Hour + time.Duration(1+r.IntN(99))*time.Minute)}
		return n.Key()
	},
	"forge a log file under an odd name": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyLog(r, b)
		key = key[:len(key)-len(pick(r, []string{".gz", ".json.gz", "lM.json.gz"}))] + pick(r, []string{"", ".log", "/x.json.gz"})
		b.objects[key] = object{body: zipped([]byte(`{"Records":[]}`))}
		return key
	},
	"forge a log file of another account or region": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		n := logName(t, anyLog(r, b))
		if r.IntN(2) == 0 {
			n.AccountID = "444455556666"
		} else {
			n.Region = "ap-south-1"
		}
		b.objects[n.Key()] = object{body: zipped([]byte(`{"Records":[]}`))}
		return n.Key()
	},
	"forge a digest": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		n, err := cairn.ParseDigestFileKey(key)
		if err != nil {
			t.Fatal(err)
		}
		n.End = n.End.Add(time.Duration(r.IntN(3))*30*time.Minute + time.Second)
		b.objects[n.Key()] = b.objects[key]
		resign(t, b, n.Key(), thief(), func(d *cairn.Digest) {
			d.DigestS3Object, d.DigestEndTime = n.Key(), cairn.FormatDigestTime(n.End)
		})
		return n.Key()
	},
	"replace a log file and its digest": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		key := anyDigest(r, b)
		resign(t, b, key, thief(), func(d *cairn.Digest) {
			for i := range d.LogFiles {
				body := []byte(`{"Records":[]}`)
				change(b, d.LogFiles[i].S3Object, func(o *object) { o.body = zipped(body) })
				d.LogFiles[i].HashValue = cairn.HashHex(body)
			}
		})
		return key
	},
	"roll a region back": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		region := pick(r, []string{"us-east-1", "eu-west-1"})
		all := slices.DeleteFunc(b.matching("_CloudTrail-Digest_"+region), func(k string) bool { return strings.Contains(k, "backfill") })
		n := 1 + r.IntN(len(all)-1)
		since := dayOne.Add(time.Duration(len(all)-n) * time.Hour)
		for _, key := range all[len(all)-n:] {
			delete(b.objects, key)
		}
		for _, key := range b.matching("_CloudTrail_" + region) {
			if !logName(t, key).Time.Before(since) {
				delete(b.objects, key)
			}
		}
		return fmt.Sprint(n, " windows of ", region)
	},
	"remove a region": func(t *testing.T, r *rand.Rand, b *memoryBucket) string {
		region := pick(r, []string{"us-east-1", "eu-west-1"})
		for _, key := range b.matching("_CloudTrail-Digest_" + region) {
			delete(b.objects, key)
		}
		return region
	},
}

// undecided are the tamperings that could be something else: a region whose
// digests are late, a trail that makes none, or a log file that came late. They are
// unproved, if not damage.
var undecided = map[string]bool{
	"roll a region back": true, "forge a log file of another account or region": true, "put a log file now into a time that has passed": true,
}

// Whatever is done to the files is found, and what was not touched is proved. The
// server says when it delivered its newest digest, and that it is logging.
func TestTampering(t *testing.T) {
	t.Parallel()
	const each = 48 // of 23 kinds: 1,104
	if len(tamperings)*each < 1000 {
		t.Fatalf("only %d tamperings", len(tamperings)*each)
	}
	whole, end := sound(t)
	cfg := verify.Config{Now: end.Add(100 * time.Minute), Trails: []verify.TrailState{{
		Name: "my_trail", HomeRegion: "us-east-1", AccountID: "111122223333", IsMultiRegion: true, Logging: true, Validation: true, LatestDigest: end.Add(time.Minute),
	}}}
	clean := cfg
	clean.Source = whole
	if r := run(t, clean); !r.Proved() || len(r.Findings) > 0 || r.Digests != 2*windows+2 || r.LogFilesProved != 5*windows+4 {
		t.Fatalf("a sound bucket is not proved: %+v\n%s", r, dump(r))
	}
	for name, tamper := range tamperings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range each {
				r := rand.New(rand.NewPCG(uint64(i), uint64(len(name))))
				b := whole.clone()
				did := tamper(t, r, b)
				c := cfg
				c.Source = b
				report := run(t, c)
				if did == "" {
					if !report.Proved() {
						t.Errorf("%d: nothing was changed, and it is not proved:\n%s", i, dump(report))
					}
				} else if report.Proved() || report.Damage == 0 && !undecided[name] {
					t.Errorf("%d: %s was not found", i, did)
				}
			}
		})
	}
}
