package verify_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/verify"
)

func hour(n int) time.Time { return dayOne.Add(time.Duration(n) * time.Hour) }

func digestKey(region string, end int, backfill bool) string {
	return demoTrail().DigestFileName("111122223333", region, hour(end), backfill).Key()
}

// Each kind of damage has its name, and names the right place.
func TestFindings(t *testing.T) {
	t.Parallel()
	remove := func(keys ...string) func(*testing.T, *memoryBucket) {
		return func(_ *testing.T, b *memoryBucket) {
			for _, k := range keys {
				if _, ok := b.objects[k]; !ok {
					panic(k)
				}
				delete(b.objects, k)
			}
		}
	}
	const home = "us-east-1"
	for name, c := range map[string]struct {
		tamper func(*testing.T, *memoryBucket)
		want   []string
		key    string // of the first finding
	}{
		"a digest is missing": {
			remove(digestKey(home, 3, false)),
			[]string{"damage: missing digest", "unproved: log files in no digest's time"}, digestKey(home, 3, false),
		},
		"two digests in a row are missing": {
			remove(digestKey(home, 3, false), digestKey(home, 4, false)),
			[]string{"damage: missing digest", "unproved: log files in no digest's time"}, digestKey(home, 4, false),
		},
		"two digests apart are missing": {
			remove(digestKey(home, 3, false), digestKey(home, 5, false)),
			[]string{"damage: missing digest", "damage: missing digest", "unproved: log files in no digest's time"}, digestKey(home, 3, false),
		},
		"the oldest digest is missing": {
			remove(digestKey(home, 1, false)),
			[]string{"damage: missing digest", "unproved: log files in no digest's time"}, digestKey(home, 1, false),
		},
		"the first backfill digest is missing": {
			remove(digestKey(home, 3, true)),
			[]string{"damage: log file in no digest", "damage: log file in no digest", "damage: missing digest"}, digestKey(home, 3, true),
		},
		"the newest backfill digest is missing": {
			// They were put an hour ago, so it could still come.
			remove(digestKey(home, 5, true)),
			[]string{"unproved: late log file", "unproved: late log file"}, "",
		},
		"metadata is lost": {
			func(_ *testing.T, b *memoryBucket) {
				change(b, digestKey(home, 4, false), func(o *object) { o.metadata = nil })
			},
			[]string{"damage: unsigned", "unproved: log files in no digest's time"}, digestKey(home, 4, false),
		},
		"the server signed another digest": {
			func(t *testing.T, b *memoryBucket) {
				resign(t, b, digestKey(home, 4, false), signer(), func(d *cairn.Digest) { d.OldestEventTime = "" })
			},
			[]string{"damage: previous hash"}, digestKey(home, 5, false),
		},
		"the server signed a fork": {
			func(t *testing.T, b *memoryBucket) {
				at := hour(6).Add(30 * time.Minute)
				key := demoTrail().DigestFileName("111122223333", home, at, false).Key()
				b.objects[key] = b.objects[digestKey(home, 6, false)]
				resign(t, b, key, signer(), func(d *cairn.Digest) {
					d.DigestS3Object, d.DigestEndTime = key, cairn.FormatDigestTime(at)
				})
			},
			[]string{"damage: fork", "damage: not in the chain"}, digestKey(home, 5, false),
		},
		"a folder of other things": {
			func(_ *testing.T, b *memoryBucket) {
				b.objects["AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/19/.hidden"] = object{body: []byte("x")}
			},
			[]string{"damage: foreign file"}, "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/19/.hidden",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, end := sound(t)
			c.tamper(t, b)
			r := run(t, verify.Config{Source: b, Now: end})
			if got := kinds(r); !slices.Equal(got, c.want) {
				t.Fatalf("found %q, want %q\n%s", got, c.want, dump(r))
			}
			if c.key != "" && r.Findings[0].Key != c.key {
				t.Errorf("the place is %s, want %s", r.Findings[0].Key, c.key)
			}
		})
	}
}

// Two digests in a row are said to be two, with the time that they were for.
func TestMissingInARow(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	delete(b.objects, digestKey("us-east-1", 3, false))
	delete(b.objects, digestKey("us-east-1", 4, false))
	r := run(t, verify.Config{Source: b, Now: end})
	f := r.Findings[0]
	if f.Files != 2 || !f.From.Equal(hour(2)) || !f.Until.Equal(hour(4)) || !strings.Contains(f.Detail, "about 2") {
		t.Errorf("found %+v", f)
	}
}

// What no reader of a bucket can know, and what tells it all the same.
func TestRollback(t *testing.T) {
	t.Parallel()
	roll := func(windows int) (*memoryBucket, time.Time) {
		b, end := sound(t)
		since := end.Add(-time.Duration(windows) * time.Hour)
		for _, key := range b.matching(".json.gz") {
			if b.objects[key].modified.After(since.Add(time.Minute)) {
				delete(b.objects, key)
			}
		}
		return b, end
	}
	state := func(newest time.Time) []verify.TrailState {
		return []verify.TrailState{{Name: "my_trail", HomeRegion: "us-east-1", AccountID: "111122223333", IsMultiRegion: true, Logging: true, Validation: true, LatestDigest: newest}}
	}
	b, end := roll(1)
	// The newest window is gone with its log files: the bucket looks as it did an
	// hour ago, and the next digest could be late.
	if r := run(t, verify.Config{Source: b, Now: end.Add(10 * time.Minute)}); !r.Proved() {
		t.Errorf("a bucket that is an hour old is not proved:\n%s", dump(r))
	}
	// The server knows that it has delivered one since.
	if r := run(t, verify.Config{Source: b, Now: end.Add(10 * time.Minute), Trails: state(end.Add(time.Minute))}); !slices.Contains(kinds(r), "damage: missing digest") {
		t.Errorf("a rollback that the server knows of is not found:\n%s", dump(r))
	}
	// It also knows of the trail's home region, if nothing of that is left.
	b, end = sound(t)
	for _, key := range b.matching("/us-east-1/") {
		delete(b.objects, key)
	}
	if r := run(t, verify.Config{Source: b, Now: end, Trails: state(end.Add(time.Minute))}); !slices.Equal(kinds(r), []string{"damage: missing digest"}) {
		t.Errorf("nothing is left of the home region: %q\n%s", kinds(r), dump(r))
	}
	// Without a server, three windows are too many to be late.
	b, end = roll(3)
	r := run(t, verify.Config{Source: b, Now: end.Add(10 * time.Minute)})
	if want := []string{"unproved: digests have stopped", "unproved: digests have stopped"}; !slices.Equal(kinds(r), want) {
		t.Errorf("found %q, want %q", kinds(r), want)
	}
	// A trail that is not logging has no new digests.
	stopped := state(hour(5).Add(time.Minute))
	stopped[0].Logging = false
	if r := run(t, verify.Config{Source: b, Now: end.Add(100 * time.Hour), Trails: stopped}); !r.Proved() {
		t.Errorf("the digests of a stopped trail are not proved:\n%s", dump(r))
	}
	// One that has just been started again has none yet.
	stopped[0].Logging, stopped[0].Started = true, end.Add(100*time.Hour)
	if r := run(t, verify.Config{Source: b, Now: end.Add(101 * time.Hour), Trails: stopped}); !r.Proved() {
		t.Errorf("the digests of a trail that was started again are not proved:\n%s", dump(r))
	}
	if r := run(t, verify.Config{Source: b, Now: end.Add(103 * time.Hour), Trails: stopped}); r.Proved() {
		t.Error("digests that do not come are not missed")
	}
	// Nor are digests expected behind the end of the asked time.
	if r := run(t, verify.Config{Source: b, Now: end.Add(100 * time.Hour), End: hour(5)}); !r.Proved() {
		t.Errorf("the asked time is not proved:\n%s", dump(r))
	}
}

// A trail that was stopped and started leaves a gap, which is told and is no
// damage; one without lost time is only noted.
func TestRestart(t *testing.T) {
	t.Parallel()
	b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	l := newLane(b, demoTrail(), "111122223333", "us-east-1")
	l.hours(t, 2, 2)
	l.link = cairn.DigestLink{}
	l.hours(t, 2, 2)
	if r := run(t, verify.Config{Source: b, Now: l.end}); !r.Proved() || len(r.Findings) != 1 || r.Findings[0].Kind != verify.KindRestart {
		t.Errorf("a chain that begins anew: %s", dump(r))
	}
	l.link = cairn.DigestLink{}
	l.log(t, l.end.Add(time.Hour))
	l.end = l.end.Add(2 * time.Hour)
	l.hours(t, 2, 2)
	r := run(t, verify.Config{Source: b, Now: l.end})
	if want := []string{"unproved: gap", "unproved: log files in no digest's time"}; !slices.Equal(kinds(r), want) {
		t.Fatalf("found %q, want %q\n%s", kinds(r), want, dump(r))
	}
	if f := r.Findings[slices.IndexFunc(r.Findings, func(f verify.Finding) bool { return f.Kind == verify.KindGap })]; !f.From.Equal(hour(4)) || !f.Until.Equal(hour(6)) {
		t.Errorf("the gap is from %s to %s", f.From, f.Until)
	}
	l.link, l.end = cairn.DigestLink{}, l.end.Add(-30*time.Minute)
	l.hours(t, 1, 0)
	if r := run(t, verify.Config{Source: b, Now: l.end}); !slices.Contains(kinds(r), "damage: overlap in time") {
		t.Errorf("a chain that begins within another: %s", dump(r))
	}
}

// Log files that were delivered since the newest digest wait for the next, but
// not for ever.
func TestWaiting(t *testing.T) {
	t.Parallel()
	b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	l := newLane(b, demoTrail(), "111122223333", "us-east-1")
	l.hours(t, 4, 2)
	l.log(t, l.end.Add(5*time.Minute))
	l.log(t, l.end.Add(7*time.Minute))
	r := run(t, verify.Config{Source: b, Now: l.end.Add(20 * time.Minute)})
	if !r.Proved() || len(r.Findings) != 1 || r.Findings[0].Kind != verify.KindWaiting || r.Findings[0].Files != 2 {
		t.Errorf("log files that wait: %s", dump(r))
	}
	r = run(t, verify.Config{Source: b, Now: l.end.Add(5 * time.Hour)})
	if want := []string{"unproved: digests have stopped", "unproved: log files in no digest's time"}; !slices.Equal(kinds(r), want) {
		t.Errorf("found %q, want %q\n%s", kinds(r), want, dump(r))
	}
}

// A log file that is put into the time of a digest, which does not list it, is
// late or planted. It is never passed over, and is damage once no backfill digest
// can list it any more, or at once if it was there before its digest.
func TestLate(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"the newest window": 3*time.Hour + 55*time.Minute, "an older window": 70 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
			l := newLane(b, demoTrail(), "111122223333", "us-east-1")
			l.hours(t, 4, 2)
			put := l.end.Add(3 * time.Minute)
			var planted []string
			for i := range 3 {
				f := l.log(t, dayOne.Add(at).Add(time.Duration(i)*time.Minute))
				change(b, f.S3Object, func(o *object) { o.modified = put })
				planted = append(planted, f.S3Object)
			}
			found := func(now time.Time, severity verify.Severity, kind string) {
				t.Helper()
				r := run(t, verify.Config{Source: b, Now: now})
				var keys []string
				for _, f := range r.Findings {
					if f.Severity == severity && f.Kind == kind {
						keys = append(keys, f.Key)
					}
				}
				if r.Proved() || !slices.Equal(keys, planted) {
					t.Errorf("at %s there is no %s of each: %s", now, kind, dump(r))
				}
			}
			found(l.end.Add(20*time.Minute), verify.Unproved, verify.KindLate)
			found(put.Add(149*time.Minute), verify.Unproved, verify.KindLate)
			found(put.Add(150*time.Minute), verify.Damage, verify.KindUnlisted)
			for _, key := range planted {
				change(b, key, func(o *object) { o.modified = logName(t, key).Time.Add(time.Minute) })
			}
			found(l.end.Add(20*time.Minute), verify.Damage, verify.KindUnlisted)
			// Those that were late are proved by the backfill digest.
			var files []cairn.DigestLogFile
			for _, key := range planted {
				body, err := unzipped(b.objects[key].body)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, cairn.DigestLogFile{S3Bucket: "audit-bucket", S3Object: key, HashValue: cairn.HashHex(body), HashAlgorithm: cairn.DigestHashAlgorithm})
			}
			start := dayOne.Add(at).Truncate(time.Hour)
			l.digest(t, start, start.Add(time.Hour), true, files...)
			if r := run(t, verify.Config{Source: b, Now: l.end.Add(20 * time.Minute)}); !r.Proved() || len(r.Findings) > 0 {
				t.Errorf("log files of a backfill digest: %s", dump(r))
			}
		})
	}
}

// In the minute in which a chain begins or ends, a log file that no digest lists
// may have been delivered before or after; one that came late is told as that.
func TestPartOfMinute(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"the first minute": 0, "the last minute": 4 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
			l := newLane(b, demoTrail(), "111122223333", "us-east-1")
			l.end = dayOne.Add(20 * time.Second)
			l.hours(t, 4, 2)
			f := l.log(t, dayOne.Add(at))
			state := []verify.TrailState{{Name: "my_trail", HomeRegion: "us-east-1", AccountID: "111122223333"}}
			r := run(t, verify.Config{Source: b, Now: hour(8), Trails: state})
			if !slices.Equal(kinds(r), []string{"unproved: log files in no digest's time"}) || !strings.Contains(r.Findings[0].Detail, "a part of its minute only") {
				t.Errorf("a log file at an end of a chain: %s", dump(r))
			}
			change(b, f.S3Object, func(o *object) { o.modified = hour(7) })
			r = run(t, verify.Config{Source: b, Now: hour(8), Trails: state})
			if !slices.Equal(kinds(r), []string{"unproved: late log file"}) {
				t.Errorf("one that came late: %s", dump(r))
			}
		})
	}
}

// Log files of a kind that the digests list none of are told as that.
func TestOtherKind(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	n := logName(t, b.matching("_CloudTrail_us-east-1")[0])
	n.Kind = cairn.LogKindInsight
	b.objects[n.Key()] = object{body: zipped([]byte("{}")), modified: n.Time}
	if r := run(t, verify.Config{Source: b, Now: end}); !slices.Equal(kinds(r), []string{"unproved: log files of another kind"}) {
		t.Errorf("a log file of Insights: %s", dump(r))
	}
}

// The digests of a region whose keys were not given are not proved, and that is
// no damage; where the region's keys are known, another key is.
func TestKeysOfOneRegion(t *testing.T) {
	t.Parallel()
	mine, other := verify.PublicKey{Key: &signer().PublicKey}, verify.PublicKey{Key: &thief().PublicKey}
	from := func(k verify.PublicKey, file string) verify.PublicKey {
		k.File = file
		return k
	}
	noKeys := []string{"unproved: no public keys"}
	for name, c := range map[string]struct {
		keys verify.FileKeys
		want []string // of eu-west-1, whose digests another key signed
	}{
		"a file of the one region":                 {verify.FileKeys{"us-east-1": {mine}}, noKeys},
		"a file of nobody knows which region":      {verify.FileKeys{"": {from(mine, "a")}}, noKeys},
		"several keys in one such file":            {verify.FileKeys{"": {from(mine, "a"), from(verify.PublicKey{Key: &third().PublicKey}, "a")}}, noKeys},
		"a file of each region":                    {verify.FileKeys{"us-east-1": {mine}, "eu-west-1": {other}}, nil},
		"both in files without regions":            {verify.FileKeys{"": {from(mine, "a"), from(other, "b")}}, nil},
		"the region's own file has other keys":     {verify.FileKeys{"us-east-1": {mine}, "eu-west-1": {mine}}, slices.Repeat([]string{"damage: unknown key"}, 4)},
		"one more file, which fits nothing at all": {verify.FileKeys{"": {from(mine, "a"), from(verify.PublicKey{Key: &third().PublicKey}, "b")}}, slices.Repeat([]string{"damage: unknown key"}, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
			newLane(b, demoTrail(), "111122223333", "us-east-1").hours(t, 4, 2)
			away := newLane(b, demoTrail(), "111122223333", "eu-west-1")
			away.key, away.serial = thief(), 100
			away.hours(t, 4, 2)
			r := run(t, verify.Config{Source: b, Now: away.end, Keys: c.keys})
			got := slices.DeleteFunc(kinds(r), func(k string) bool { return k == "unproved: log files in no digest's time" && r.Damage > 0 })
			if !slices.Equal(got, c.want) || r.DigestsProved < 4 || r.LogFilesProved < 8 || r.Proved() != (c.want == nil) {
				t.Fatalf("found %q, want %q\n%s", got, c.want, dump(r))
			}
			if f := r.Findings; len(f) == 1 && (!strings.HasPrefix(f[0].Detail, "no public keys of eu-west-1 were given") || f[0].Files != 4 || !f[0].From.Equal(hour(1)) || !f[0].Until.Equal(hour(4))) {
				t.Errorf("found %+v", f[0])
			}
			// What is wrong all the same is still found.
			logs := b.matching("_CloudTrail_eu-west-1")
			change(b, logs[0], func(o *object) { o.body = zipped([]byte("{}")) })
			delete(b.objects, logs[1])
			if r := run(t, verify.Config{Source: b, Now: away.end, Keys: c.keys}); r.Damage < 2 {
				t.Errorf("damage in a region: %s", dump(r))
			}
		})
	}
}

// Keys that came with the copy prove only that it agrees with itself.
func TestKeysBeside(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	r := run(t, verify.Config{Source: b, Now: end, KeysBeside: true})
	if !slices.Equal(kinds(r), []string{"unproved: keys from the copy"}) || r.DigestsProved != 2*windows+2 {
		t.Errorf("keys from the copy: %s", dump(r))
	}
}

// The asked time limits what is verified, and the link to what is before it is
// still checked.
func TestTimes(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	r := run(t, verify.Config{Source: b, Now: end, Start: hour(2), End: hour(5), Region: "us-east-1"})
	if !r.Proved() || len(r.Chains) != 1 || r.Chains[0].Digests != 3+2 || !r.Chains[0].From.Equal(hour(2)) || !r.Chains[0].Until.Equal(hour(5)) {
		t.Errorf("three hours: %+v\n%s", r.Chains, dump(r))
	}
	delete(b.objects, digestKey("us-east-1", 2, false))
	r = run(t, verify.Config{Source: b, Now: end, Start: hour(2), End: hour(5), Region: "us-east-1"})
	if !slices.Contains(kinds(r), "damage: missing digest") {
		t.Errorf("the digest before the asked time is gone: %s", dump(r))
	}
	// What is damaged outside is not looked at.
	b, end = sound(t)
	for _, key := range []string{digestKey("us-east-1", 8, false), digestKey("us-east-1", 1, false), digestKey("eu-west-1", 4, false)} {
		change(b, key, func(o *object) { o.body = nil })
	}
	if r := run(t, verify.Config{Source: b, Now: end, Start: hour(2), End: hour(5), Region: "us-east-1"}); !r.Proved() {
		t.Errorf("damage elsewhere: %s", dump(r))
	}
	if _, err := verify.Run(t.Context(), verify.Config{Source: b, Start: hour(5), End: hour(2), Keys: knownKeys()}); err == nil {
		t.Error("a time that ends before it begins is taken")
	}
}

// Organizations, prefixes with AWSLogs in them, and several trails in one bucket
// are all found.
func TestLayouts(t *testing.T) {
	t.Parallel()
	b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	org := demoTrail()
	org.Name, org.IsOrganization, org.OrganizationID, org.S3KeyPrefix = "org-trail", true, "o-a1b2c3d4e5", "all/our/logs"
	for i, account := range []string{"111122223333", "444455556666"} {
		l := newLane(b, org, account, "us-east-1")
		l.serial = 100 * i
		l.hours(t, 3, 2)
	}
	one, two := demoTrail(), demoTrail()
	two.Name = "other"
	for i, trail := range []*cairn.Trail{one, two} {
		l := newLane(b, trail, "111122223333", "eu-west-1")
		l.serial = 1000 * (i + 1)
		l.hours(t, 3, 2)
	}
	r := run(t, verify.Config{Source: b, Now: hour(3)})
	if !r.Proved() || len(r.Chains) != 4 || len(r.Findings) > 0 {
		t.Fatalf("%+v\n%s", r.Chains, dump(r))
	}
	r = run(t, verify.Config{Source: b, Now: hour(3), TrailName: "other", HomeRegion: "us-east-1"})
	if !r.Proved() || len(r.Chains) != 1 || r.Findings[0].Kind != verify.KindNotJudged {
		t.Errorf("one trail of two: %+v\n%s", r.Chains, dump(r))
	}
	r = run(t, verify.Config{Source: b, Now: hour(3), Prefixes: []string{"all/our/logs"}, AccountID: "444455556666"})
	if !r.Proved() || len(r.Chains) != 1 || r.Chains[0].OrganizationID != "o-a1b2c3d4e5" {
		t.Errorf("one member account: %+v\n%s", r.Chains, dump(r))
	}
	// The trails deliver to one folder: a log file of neither is found.
	n := logName(t, b.matching("_CloudTrail_eu-west-1")[0])
	n.Unique = "0000000000000000"
	b.objects[n.Key()] = object{body: zipped([]byte("{}"))}
	if r := run(t, verify.Config{Source: b, Now: hour(3)}); !slices.Equal(kinds(r), []string{"damage: log file in no digest"}) {
		t.Errorf("a forged log file beside two trails: %s", dump(r))
	}
}

// A chain that goes on below another prefix is followed to where it leaves.
func TestMovedTrail(t *testing.T) {
	t.Parallel()
	b := &memoryBucket{name: "audit-bucket", objects: make(map[string]object)}
	l := newLane(b, demoTrail(), "111122223333", "us-east-1")
	l.hours(t, 3, 2)
	moved := demoTrail()
	moved.S3KeyPrefix = "new"
	l.trail = moved
	l.hours(t, 3, 2)
	state := verify.TrailState{
		Name: "my_trail", HomeRegion: "us-east-1", AccountID: "111122223333", Prefix: "new", Logging: true, Validation: true, LatestDigest: l.end.Add(time.Minute),
	}
	for _, states := range [][]verify.TrailState{nil, {state}} {
		if r := run(t, verify.Config{Source: b, Now: l.end, Trails: states}); !r.Proved() || len(r.Chains) != 2 {
			t.Errorf("a trail that was given another prefix: %+v\n%s", r.Chains, dump(r))
		}
	}
	r := run(t, verify.Config{Source: b, Now: l.end})
	if !slices.ContainsFunc(r.Findings, func(f verify.Finding) bool { return f.Kind == verify.KindElsewhere }) {
		t.Errorf("it is not told that the chain goes on elsewhere: %s", dump(r))
	}
	last := demoTrail().DigestFileName("111122223333", "us-east-1", hour(3), false).Key()
	delete(b.objects, last)
	if r := run(t, verify.Config{Source: b, Prefixes: []string{"new"}, Now: l.end}); !slices.Equal(kinds(r), []string{"damage: missing digest"}) || r.Findings[0].Key != last {
		t.Errorf("the digest below the old prefix is gone: %s", dump(r))
	}
}

// A digest that a key signed long before or after its validity is told.
func TestKeyValidity(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	keys := verify.FileKeys{"": {{Key: &signer().PublicKey, From: end.Add(48 * time.Hour)}}}
	if r := run(t, verify.Config{Source: b, Now: end, Keys: keys}); r.DigestsProved != 0 || r.Findings[0].Kind != verify.KindKeyAge {
		t.Errorf("a key that was not valid yet: %s", dump(r))
	}
	// A key of one region proves nothing in another.
	keys = verify.FileKeys{"eu-west-1": {{Key: &signer().PublicKey}}, "us-east-1": {{Key: &thief().PublicKey}}}
	r := run(t, verify.Config{Source: b, Now: end, Keys: keys})
	if r.DigestsProved != windows || r.Findings[0].Kind != string(cairn.DigestUnknownKey) {
		t.Errorf("a key of another region: %d proved\n%s", r.DigestsProved, dump(r))
	}
}

// The report does not depend on how many work on it.
func TestReportOrder(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	for i, key := range b.matching(".json.gz") {
		if i%3 == 0 {
			change(b, key, func(o *object) { o.body = o.body[:len(o.body)/2] })
		}
	}
	first := run(t, verify.Config{Source: b, Now: end, Parallel: 1})
	if first.Damage < 10 {
		t.Fatalf("only %d places are damaged", first.Damage)
	}
	for range 5 {
		if again := run(t, verify.Config{Source: b, Now: end, Parallel: 16}); !reflect.DeepEqual(first, again) {
			t.Fatalf("reports differ:\n%s\n%s", dump(first), dump(again))
		}
	}
}

// A copy has no metadata. Its newest digests cannot be proved, and everything
// else can, because each digest holds the signature of the one before.
func TestCopyWithoutSignatures(t *testing.T) {
	t.Parallel()
	b, _ := sound(t)
	b.copied = true
	r := run(t, verify.Config{Source: b})
	want := []string{"unproved: no signature at hand", "unproved: no signature at hand", "unproved: no signature at hand"}
	if !slices.Equal(kinds(r), want) || r.DigestsProved != r.Digests-3 || r.LogFilesProved != r.LogFiles-3-2-2 {
		t.Fatalf("found %q, %d of %d digests, %d of %d log files\n%s", kinds(r), r.DigestsProved, r.Digests, r.LogFilesProved, r.LogFiles, dump(r))
	}
	// The same damage is found as in the bucket, the newest digest excepted.
	for _, key := range b.matching(".json.gz") {
		c := b.clone()
		change(c, key, func(o *object) {
			body, _ := unzipped(o.body)
			body[len(body)/2] ^= 1
			o.body = zipped(body)
		})
		newest := key == digestKey("us-east-1", 8, false) || key == digestKey("eu-west-1", 8, false) || key == digestKey("us-east-1", 5, true)
		if r := run(t, verify.Config{Source: c}); r.Damage == 0 && !newest || r.Proved() {
			t.Errorf("%s was changed: %s", key, dump(r))
		}
	}
}

// What cannot be read is told, and is neither damage nor proved.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	r := run(t, verify.Config{Source: &failingSource{b, b.matching("_CloudTrail_")[3]}, Now: end})
	if want := []string{"unreadable: cannot be read"}; !slices.Equal(kinds(r), want) || r.Proved() {
		t.Errorf("found %q, want %q", kinds(r), want)
	}
	if _, err := verify.Run(t.Context(), verify.Config{Source: &failingSource{b, ""}, Keys: failingKeys{}}); err == nil {
		t.Error("keys that cannot be asked for are no error")
	}
	if r := run(t, verify.Config{Source: &memoryBucket{name: "empty"}}); r.Proved() {
		t.Error("an empty bucket is proved")
	}
}

var errBroken = errors.New("the line is broken")

// Names that somebody plants in great number are counted, and so many of them told that
// memory stays bounded.
func TestManyNames(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	const planted = 3 * verify.MaxFindings
	for i := range planted {
		b.objects[fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/2026/x-%05d.json.gz", i)] = object{body: []byte("x")}
	}
	r := run(t, verify.Config{Source: b, Now: end})
	if r.Damage != planted || len(r.Findings) != verify.MaxFindings || r.Verdict() != verify.VerdictDamaged {
		t.Errorf("%d damaged, %d findings, %s", r.Damage, len(r.Findings), r.Verdict())
	}
}
