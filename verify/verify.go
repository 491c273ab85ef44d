// Package verify proves what lies in a bucket: that the digests are those that
// were signed, that their chains have no hole and no fork, that every log file
// that they list is there unchanged, and that there is no log file that none of
// them lists.
//
// The nouns: a group is the files of one prefix, organization, account and
// region; a lane is the digests of one trail within a group, which form a chain,
// and beside it one of backfill digests; a Finding is something that is not as
// it should be.
//
// The invariant: nothing counts as proved unless a signature by a known key leads
// to it. What cannot be proved is reported, and is never passed over for being
// unreadable, unlisted or oddly named.
package verify

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"cairn"
)

// Config says what is verified, with which keys.
type Config struct {
	Source Source
	Keys   PublicKeys

	// KeysBeside tells that the keys lie in the copy that they are to prove.
	// Whoever changed the one could change the other, so the report says that
	// not all is proved.
	KeysBeside bool

	// Prefixes are the trails' key prefixes, as in a trail's S3KeyPrefix; the
	// empty one is a prefix like any other. Nil looks for every AWSLogs folder
	// that there is.
	Prefixes []string

	// What is looked at. Empty fields are no limit.
	TrailName  string // with HomeRegion
	HomeRegion string
	AccountID  string
	Region     string
	Start, End time.Time // digests whose window lies at least in part in [Start, End)

	// Trails is what a server says of its trails; nil when none was asked. With
	// it, digests are missed that are the newest of their chain.
	Trails []TrailState

	// Now is the time up to which digests are expected. Zero, as for a copy of
	// unknown age, expects them up to the newest log file only.
	Now time.Time

	// Parallel is how many objects are read at a time; default 4 for each
	// processor, 64 at most.
	Parallel int

	// Progress is told how many files, and bytes of them unpacked, have been
	// verified since it was last called. It is called by one goroutine at a time.
	Progress func(files int, bytes int64)
}

// A TrailState is what a server says of a trail.
type TrailState struct {
	Name, HomeRegion, AccountID string
	Prefix                      string // that it delivers below now
	IsMultiRegion               bool
	IsOrganization              bool
	Logging                     bool      // it is recording
	Validation                  bool      // it makes digests
	Started                     time.Time // when it last began to record; zero when not known
	LatestDigest                time.Time // when its newest digest was delivered; zero when not known
}

// verifier is a verification at work.
type verifier struct {
	Config
	bucket string
	slots  chan struct{} // one for each object that is being read

	mu   sync.Mutex // of Progress
	keys keyring
}

// Run verifies. The report tells what was found, and is the same for the same
// files; the error tells that the source as a whole could not be read.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Parallel <= 0 {
		cfg.Parallel = min(4*runtime.GOMAXPROCS(0), 64)
	}
	if !cfg.End.IsZero() && !cfg.Start.Before(cfg.End) {
		return nil, errors.New("the start is not before the end")
	}
	v := &verifier{Config: cfg, bucket: cfg.Source.Bucket(), slots: make(chan struct{}, cfg.Parallel)}
	v.keys.source = cfg.Keys
	groups, err := v.findGroups(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Bucket: v.bucket, Source: cfg.Source.Name(), Chains: []Chain{}, Findings: []Finding{}}
	var failed error
	for r := range ordered(ctx, 4, slices.Values(groups), v.verifyGroup) {
		if r.err != nil && failed == nil {
			failed = r.err
			break
		}
		report.add(r)
	}
	if failed == nil {
		failed = ctx.Err()
	}
	if failed != nil {
		return nil, failed
	}
	report.withoutKeys(&v.keys)
	if v.KeysBeside && report.DigestsProved > 0 {
		report.Findings = append(report.Findings, Finding{Severity: Unproved, Kind: KindKeysBeside,
			Detail: "the public keys lie in the copy itself: whoever changed it could change them too, so it is shown only that it agrees with itself"})
	}
	v.missNewest(report)
	report.finish()
	return report, nil
}

// progress tells that a file was verified.
func (v *verifier) progress(bytes int64) {
	if v.Progress == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Progress(1, bytes)
}

func stamp(t time.Time) string { return cairn.FormatDigestTime(t) }
