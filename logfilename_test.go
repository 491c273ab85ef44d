package cairn_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
)

var deliveredAt = time.Date(2026, 11, 20, 9, 5, 59, 123, time.UTC)

// Keys are exactly those of CloudTrail, and are taken apart again.
func TestLogFileKeys(t *testing.T) {
	t.Parallel()
	const unique = "Ab3dEf6hIj9lMn2p"
	for key, name := range map[string]cairn.LogFileName{
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz": {
			AccountID: "111122223333", Kind: cairn.LogKindCloudTrail, Region: "eu-west-1"},
		"a/b/AWSLogs/o-abc/111122223333/CloudTrail/us-gov-west-1/2026/11/20/111122223333_CloudTrail_us-gov-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz": {
			Prefix: "a/b", OrganizationID: "o-abc", AccountID: "111122223333", Kind: cairn.LogKindCloudTrail, Region: "us-gov-west-1"},
		"AWSLogs/o-x/AWSLogs/111122223333/CloudTrail-Insight/eu-west-1/2026/11/20/111122223333_CloudTrail-Insight_eu-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz": {
			Prefix: "AWSLogs/o-x", AccountID: "111122223333", Kind: cairn.LogKindInsight, Region: "eu-west-1"},
		"p//AWSLogs/111122223333/CloudTrail-NetworkActivity/eu-west-1/2026/11/20/111122223333_CloudTrail-NetworkActivity_eu-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz": {
			Prefix: "p/", AccountID: "111122223333", Kind: cairn.LogKindNetworkActivity, Region: "eu-west-1"},
		"AWSLogs/111122223333/CloudTrail-Aggregated/eu-west-1/2026/11/20/111122223333_CloudTrail-Aggregated_eu-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz": {
			AccountID: "111122223333", Kind: cairn.LogKindAggregated, Region: "eu-west-1"},
	} {
		name.Time, name.Unique = deliveredAt.In(time.FixedZone("", -12*3600)), unique
		if got := name.Key(); got != key {
			t.Errorf("key\n got %s\nwant %s", got, key)
		}
		name.Time = deliveredAt.Truncate(time.Minute)
		if got, err := cairn.ParseLogFileKey(key); err != nil || got != name {
			t.Errorf("%s: %+v, %v, want %+v", key, got, err, name)
		}
	}
}

const logKey = "p/AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0905Z_Ab3dEf6hIj9lMn2p.json.gz"

// Keys that CloudTrail would not write are refused.
func TestParseLogFileKeyFaults(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		logKey + ">":                        "not AWSLogs, account, kind, region, year, month and day",
		"AWSLogs>awslogs":                   "not AWSLogs, account, kind, region, year, month and day",
		"/o-abc/>/x-abc/":                   "folder below AWSLogs is neither an account nor an organisation",
		"o-abc/111122223333>o-abc/1111":     "account is not 12 digits",
		"/eu-west-1>/EU":                    "region is not 1 to 64 of a-z, 0-9 and -",
		"/111122223333_>/111122223334_":     "name does not begin with account, kind and region",
		".json.gz>.json":                    "name does not end with .json.gz",
		"20261120T0905Z_>20261120T0905Z":    "no 16 letters and digits at the end of the name",
		"Ab3dEf6hIj9lMn2p>Ab3dEf6hIj9lMn2":  "no 16 letters and digits at the end of the name",
		"Ab3dEf6hIj9lMn2p>Ab3dEf6hIj9lMn2-": "no 16 letters and digits at the end of the name",
		"20261120T0905Z>20261120T090559Z":   "time is not of the form YYYYMMDDTHHMMZ",
		"20261120T0905Z>20261320T0905Z":     "time is not of the form YYYYMMDDTHHMMZ",
		"2026/11/20>2026/11/21":             "name and folders do not agree",
		"CloudTrail/>CloudTrail-Digest/":    "name does not begin with account, kind and region",
		"CloudTrail>CloudTrail-Digest":      "not in a folder of log files",
		"CloudTrail>CloudTrail-Lake":        "not in a folder of log files",
	} {
		old, changed, _ := strings.Cut(change, ">")
		key := strings.ReplaceAll(logKey, old, changed)
		_, err := cairn.ParseLogFileKey(key)
		if fault, ok := err.(*cairn.FileNameError); !ok || fault.Reason != want || fault.Key != key || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}

const digestKey = "p/AWSLogs/o-abc/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/111122223333_CloudTrail-Digest_eu-west-1_my_trail-1_us-east-1_20261120T090559Z.json.gz"

// Keys of digests are exactly those of CloudTrail, and are taken apart again,
// with underscores in the trail's name too.
func TestDigestFileKeys(t *testing.T) {
	t.Parallel()
	name := cairn.DigestFileName{
		Prefix: "p", OrganizationID: "o-abc", AccountID: "111122223333", Region: "eu-west-1",
		TrailName: "my_trail-1", HomeRegion: "us-east-1", End: deliveredAt.Truncate(time.Second),
	}
	backfill := name
	backfill.Backfill = true
	for key, name := range map[string]cairn.DigestFileName{
		digestKey: name, strings.Replace(digestKey, ".json", "_backfill.json", 1): backfill,
	} {
		if got := name.Key(); got != key {
			t.Errorf("key\n got %s\nwant %s", got, key)
		}
		if got, err := cairn.ParseDigestFileKey(key); err != nil || got != name {
			t.Errorf("%s: %+v, %v, want %+v", key, got, err, name)
		}
	}
	for change, want := range map[string]string{
		"CloudTrail-Digest>CloudTrail":    "not in a folder of digest files",
		"20261120T090559Z>20261120T0905Z": "time is not of the form YYYYMMDDTHHMMSSZ",
		"my_trail-1_us-east-1_>x":         "name has no trail, home region and time",
		"my_trail-1_us-east-1_>x_":        "name has no trail and home region",
		"_us-east-1_>_US_":                "name has no trail and home region",
		"my_trail>my__trail":              `name of the trail: trail name "my__trail-1" has periods, underscores or hyphens side by side`,
		"2026/11/20>2026/11/19":           "name and folders do not agree",
		"o-abc>abc":                       "folder below AWSLogs is neither an account nor an organisation",
	} {
		old, changed, _ := strings.Cut(change, ">")
		_, err := cairn.ParseDigestFileKey(strings.ReplaceAll(digestKey, old, changed))
		if fault, ok := err.(*cairn.FileNameError); !ok || fault.Reason != want {
			t.Errorf("%s: %v, want %s", change, err, want)
		}
	}
}

// The folders are those that CloudTrail makes when a trail is made.
func TestFolders(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"AWSLogs/111122223333/CloudTrail/":                cairn.KindFolder("", "", "111122223333", cairn.LogKindCloudTrail),
		"p/AWSLogs/o-x/111122223333/CloudTrail-Digest/":   cairn.KindFolder("p", "o-x", "111122223333", cairn.LogKindDigest),
		"p/AWSLogs/111122223333/CloudTrail-Insight/eu-1/": cairn.RegionFolder("p", "", "111122223333", cairn.LogKindInsight, "eu-1"),
	} {
		if got != want {
			t.Errorf("folder %s, want %s", got, want)
		}
	}
	for c, want := range map[cairn.Category]cairn.LogKind{
		cairn.Management: "CloudTrail", cairn.Data: "CloudTrail", cairn.Insight: "CloudTrail-Insight",
		cairn.NetworkActivity: "CloudTrail-NetworkActivity", cairn.Aggregated: "CloudTrail-Aggregated", cairn.Other: "",
	} {
		if got, ok := cairn.LogKindOf(c); got != want || ok != (want != "") {
			t.Errorf("%s goes to %s, want %s", c, got, want)
		}
	}
}

// Unique strings are 16 letters and digits, sort by their order, and differ with
// every bit of the seed that they can hold.
func TestUniqueString(t *testing.T) {
	t.Parallel()
	var seed [16]byte
	last := ""
	for _, order := range []int{-1, 1, 61, 62, 3843, 3844, 59999, cairn.MaxUniqueOrder} {
		s := cairn.UniqueString(order, seed)
		name := cairn.LogFileName{AccountID: "111122223333", Kind: cairn.LogKindCloudTrail, Region: "r", Time: deliveredAt, Unique: s}
		if _, err := cairn.ParseLogFileKey(name.Key()); err != nil {
			t.Error(err)
		}
		if s <= last {
			t.Errorf("%s of order %d does not sort behind %s", s, order, last)
		}
		last = s
		for i := range seed {
			seed[i] += byte(37 * (i + 1))
		}
	}
	if a, b := cairn.UniqueString(cairn.MaxUniqueOrder, seed), cairn.UniqueString(1<<30, seed); a != b {
		t.Errorf("%s beyond the bound, want %s", b, a)
	}
	seen := map[string]bool{}
	for bit := range 77 {
		var seed [16]byte
		seed[15-bit/8] = 1 << (bit % 8)
		seen[cairn.UniqueString(0, seed)] = true
	}
	if len(seen) != 77 {
		t.Errorf("%d strings for 77 seeds", len(seen))
	}
}

// The names of real log files are those that are expected.
func TestRealLogFileNames(t *testing.T) {
	t.Parallel()
	const folder = "../shared/data/invictus/CloudTrail"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no real log files at hand: ", err)
	}
	files, err := filepath.Glob(folder + "/*_CloudTrail_*.json*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		parts := strings.Split(name, "_")
		at, err := time.Parse("20060102T1504Z", parts[3])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".gz") {
			name += ".gz"
		}
		key := "AWSLogs/" + parts[0] + "/CloudTrail/" + parts[2] + at.Format("/2006/01/02/") + name
		if _, err := cairn.ParseLogFileKey(key); err != nil {
			t.Error(err)
		}
	}
}

// FuzzFileKeys reads anybody's keys: what is taken is written again as it was.
func FuzzFileKeys(f *testing.F) {
	f.Add(logKey)
	f.Add(digestKey)
	f.Add(strings.Replace(digestKey, ".json", "_backfill.json", 1))
	f.Add("AWSLogs/AWSLogs/111122223333//////")
	f.Fuzz(func(t *testing.T, key string) {
		log, logErr := cairn.ParseLogFileKey(key)
		if logErr == nil && log.Key() != key {
			t.Fatalf("%q becomes %q", key, log.Key())
		}
		digest, digestErr := cairn.ParseDigestFileKey(key)
		if digestErr == nil && digest.Key() != key {
			t.Fatalf("%q becomes %q", key, digest.Key())
		}
		if logErr == nil && digestErr == nil {
			t.Fatalf("%q is both a log file and a digest", key)
		}
	})
}

// Names are held to CloudTrail's rules.
func TestValidateNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what     string
		validate func(string) error
		good     []string
		bad      []string
	}{
		{"trail name", cairn.ValidateTrailName,
			[]string{"abc", "my-trail", "a.b_c-d", "1.2.3", "1.2.3.4.5", "999.1.1.1", "A" + strings.Repeat("b", 127)},
			[]string{"", "ab", "A" + strings.Repeat("b", 128), "-abc", "abc.", "a--b", "a._b", "a b", "añb", "192.168.5.4", "a/b", "abc\n"}},
		{"prefix", cairn.ValidateS3KeyPrefix,
			[]string{"", "a/b", "with space", "AWSLogs", strings.Repeat("é", 200)},
			[]string{strings.Repeat("p", 201), "a\nb", "a\x7f", "\xff"}},
		{"bucket", cairn.ValidateBucketName,
			[]string{"abc", "a.b-c", "1bucket", strings.Repeat("b", 63), "xn--a"},
			[]string{"", "ab", "Abc", "a_b", "-ab", "ab-", "a..b", ".ab", "10.0.0.1", strings.Repeat("b", 64)}},
		{"topic", cairn.ValidateSNSTopicName,
			[]string{"t", "My_topic-1", "arn:aws:sns:us-east-2:111122223333:t", strings.Repeat("t", 256)},
			[]string{"", "t.fifo", "a:b", "arn:aws:sns:us-east-2:111122223333:", "arn:aws:sqs:us-east-2:111122223333:t",
				"arn:aws:sns::111122223333:t", "arn:aws:sns:us-east-2:1:t", strings.Repeat("t", 257)}},
	} {
		for _, name := range c.good {
			if err := c.validate(name); err != nil {
				t.Errorf("%s %q: %v", c.what, name, err)
			}
		}
		for _, name := range c.bad {
			if err, ok := c.validate(name).(*cairn.NameError); !ok || err.Name != name || !strings.Contains(err.Error(), err.Reason) {
				t.Errorf("%s %q: %v", c.what, name, err)
			}
		}
	}
	var reasons []string
	for _, name := range []string{"ab", "-abc", "a--b", "a b", "1.2.3.4"} {
		reasons = append(reasons, cairn.ValidateTrailName(name).(*cairn.NameError).Reason)
	}
	slices.Sort(reasons)
	if len(slices.Compact(reasons)) != 5 {
		t.Errorf("reasons %q are not all different", reasons)
	}
}
