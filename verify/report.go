package verify

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Severity is how bad a Finding is.
type Severity string

// The severities, worst first.
const (
	Damage     Severity = "damage"     // something was changed, removed or added
	Unreadable Severity = "unreadable" // it could not be read, so nothing is known of it
	Unproved   Severity = "unproved"   // nothing speaks against it, and nothing for it
	Note       Severity = "note"       // worth knowing
)

// The kinds of findings, beside the faults of digests (cairn.DigestFault).
const (
	KindMissingDigest = "missing digest"
	KindMissingLog    = "missing log file"
	KindUnlisted      = "log file in no digest"
	KindForeign       = "foreign file"
	KindFork          = "fork"
	KindNotLinked     = "not in the chain"
	KindOrder         = "order"
	KindListedTwice   = "listed twice"
	KindKeyAge        = "key not valid then"
	KindUnreadable    = "cannot be read"
	KindStoreDamage   = "damaged in the store"
	KindNoSignature   = "no signature at hand"
	KindGap           = "gap"
	KindRestart       = "chain begins anew"
	KindElsewhere     = "chain goes on elsewhere"
	KindNoDigests     = "no digests"
	KindNotCovered    = "log files in no digest's time"
	KindOtherKind     = "log files of another kind"
	KindLate          = "late log file"
	KindNoKeys        = "no public keys"
	KindKeysBeside    = "keys from the copy"
	KindOverdue       = "digests have stopped"
	KindWaiting       = "log files that wait for a digest"
	KindNotJudged     = "not judged"
)

// A Finding is something that is not as it should be.
type Finding struct {
	Severity Severity  `json:"severity"`
	Kind     string    `json:"kind"`
	Bucket   string    `json:"bucket,omitempty"`
	Key      string    `json:"key,omitempty"`
	From     time.Time `json:"from,omitzero"` // the time that it is about
	Until    time.Time `json:"until,omitzero"`
	Files    int       `json:"files,omitempty"` // how many files it is about, if not one
	Detail   string    `json:"detail,omitempty"`

	// Of a digest whose key is not known: its region, if that region's keys may
	// not have been given, and where it ends.
	unsure string
	end    time.Time
}

// A Chain is what there is of one trail, account and region.
type Chain struct {
	Prefix         string    `json:"prefix,omitempty"`
	OrganizationID string    `json:"organizationId,omitempty"`
	AccountID      string    `json:"accountId"`
	Region         string    `json:"region"`
	Trail          string    `json:"trail,omitempty"` // empty for log files without any digest
	HomeRegion     string    `json:"homeRegion,omitempty"`
	Digests        int       `json:"digests"`
	DigestsProved  int       `json:"digestsProved"`
	LogFiles       int       `json:"logFiles"` // that proved digests list
	LogFilesProved int       `json:"logFilesProved"`
	From           time.Time `json:"from,omitzero"` // what the proved digests are for
	Until          time.Time `json:"until,omitzero"`

	// Newest is the newest digest that is proved. Kept elsewhere, its signature
	// shows later that none of the digests up to it was removed.
	Newest          string `json:"newestDigest,omitempty"`
	NewestSignature string `json:"newestSignature,omitempty"`

	newest    time.Time     // where the newest digest ends that could be read; zero if there is none
	newestKey string        // of that digest
	follows   []string      // keys of digests below other prefixes that the chain goes on from
	newestPut time.Time     // when the newest of the digests was put; zero when not known
	window    time.Duration // how much time a digest is usually for
	settled   time.Time     // by when there must be a newer one
}

// MaxFindings is how many findings of a severity a report keeps; more are counted.
const MaxFindings = 10_000

// A Report is what a verification found.
type Report struct {
	Source   string    `json:"source"`
	Bucket   string    `json:"bucket,omitempty"`
	Chains   []Chain   `json:"chains"`
	Findings []Finding `json:"findings"` // worst first

	// Counts of findings, those that were not kept among them.
	Damage     int `json:"damage"`
	Unreadable int `json:"unreadable"`
	Unproved   int `json:"unproved"`

	Digests        int   `json:"digests"`
	DigestsProved  int   `json:"digestsProved"`
	LogFiles       int   `json:"logFiles"`
	LogFilesProved int   `json:"logFilesProved"`
	Bytes          int64 `json:"bytes"` // of log files, unpacked
}

// Proved reports whether there was something to verify, and all of it is proved.
func (r *Report) Proved() bool {
	return r.Damage+r.Unreadable+r.Unproved == 0 && r.DigestsProved > 0
}

// add takes the result of a group.
func (r *Report) add(g *groupResult) {
	for _, c := range g.chains {
		r.Chains = append(r.Chains, c)
		r.Digests += c.Digests
		r.DigestsProved += c.DigestsProved
		r.LogFiles += c.LogFiles
		r.LogFilesProved += c.LogFilesProved
	}
	r.Bytes += g.bytes
	r.Findings = append(r.Findings, g.findings...)
	r.Damage += g.more.damage
	r.Unproved += g.more.unproved
}

// withoutKeys makes one finding for each region of the digests that no keys were
// given for.
func (r *Report) withoutKeys(keys *keyring) {
	regions := make(map[string]*Finding)
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool {
		if f.unsure == "" || !keys.lacks(f.unsure) {
			return false
		}
		n := regions[f.unsure]
		if n == nil {
			n = &Finding{Severity: Unproved, Kind: KindNoKeys}
			regions[f.unsure] = n
		}
		if n.Files++; n.From.IsZero() || f.end.Before(n.From) {
			n.From = f.end
		}
		if f.end.After(n.Until) {
			n.Until = f.end
		}
		return true
	})
	for region, n := range regions {
		n.Detail = fmt.Sprintf("no public keys of %s were given, so nothing is proved of %s and the log files that they list", region, count(n.Files, "digest"))
		r.Findings = append(r.Findings, *n)
	}
}

var severities = []Severity{Damage, Unreadable, Unproved, Note}

// finish counts and sorts the findings.
func (r *Report) finish() {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Bucket == "" && f.Key != "" {
			f.Bucket = r.Bucket
		}
		switch f.Severity {
		case Damage:
			r.Damage++
		case Unreadable:
			r.Unreadable++
		case Unproved:
			r.Unproved++
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			cmp.Compare(a.Key, b.Key), a.From.Compare(b.From), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail))
	})
	kept := r.Findings[:0]
	n := make(map[Severity]int)
	for _, f := range r.Findings {
		if n[f.Severity]++; n[f.Severity] <= MaxFindings {
			kept = append(kept, f)
		}
	}
	r.Findings = kept
}

// maxNamed is how many findings about names in a bucket a collector keeps; more are
// counted. Whoever may write to the bucket can put any number of names there.
const maxNamed = 2 * MaxFindings

// A collector takes findings.
type collector struct {
	findings []Finding
	named    int
	more     overflow
}

// An overflow counts findings that are not kept.
type overflow struct{ damage, unproved int }

// addNamed is add for findings about a name in the bucket.
func (c *collector) addNamed(s Severity, kind, key, format string, args ...any) {
	if c.named++; c.named <= maxNamed {
		c.add(s, kind, "", key, format, args...)
	} else if s == Damage {
		c.more.damage++
	} else {
		c.more.unproved++
	}
}

func (c *collector) add(s Severity, kind, bucket, key, format string, args ...any) *Finding {
	c.findings = append(c.findings, Finding{Severity: s, Kind: kind, Bucket: bucket, Key: key, Detail: fmt.Sprintf(format, args...)})
	return &c.findings[len(c.findings)-1]
}
