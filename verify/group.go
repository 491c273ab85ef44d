package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"cairn"
)

// groupResult is what was found in a group.
type groupResult struct {
	chains   []Chain
	findings []Finding
	more     overflow
	bytes    int64
	err      error
}

// groupWork is the verification of a group. What is above the blank line belongs
// to the goroutine that walks the digests, and after it to the one that started
// it.
type groupWork struct {
	*verifier
	*group
	collector
	lanes  []*lane
	listed map[[16]byte][8]byte // keys of log files that digests list, and their hashes, both as the start of a SHA-256
	kinds  map[cairn.LogKind]bool
	err    error

	logs  collector // findings about log files
	bytes int64
}

// verifyGroup verifies the digests of a group, newest first, the log files that
// they list, and that there are no others.
func (v *verifier) verifyGroup(ctx context.Context, g *group) *groupResult {
	w := &groupWork{verifier: v, group: g, listed: make(map[[16]byte][8]byte), kinds: make(map[cairn.LogKind]bool)}
	others, err := w.listLanes(ctx)
	if err != nil {
		return &groupResult{err: err}
	}
	if len(w.lanes) == 0 && v.TrailName != "" {
		return &groupResult{}
	}
	for r := range ordered(ctx, v.Parallel, w.jobs(ctx), v.checkLog) {
		w.take(r)
	}
	if w.err == nil {
		w.err = ctx.Err()
	}
	if w.err == nil && others > 0 {
		w.add(Note, KindNotJudged, "", "", "%s: whether there are log files that no digest lists, because other trails deliver to the same folder; verify all trails together", w.what())
	} else if w.err == nil {
		w.err = w.checkUnlisted(ctx)
	}
	if w.err != nil {
		return &groupResult{err: w.err}
	}
	result := &groupResult{findings: append(w.findings, w.logs.findings...), bytes: w.bytes}
	result.more = overflow{w.more.damage + w.logs.more.damage, w.more.unproved + w.logs.more.unproved}
	for _, l := range w.lanes {
		if l.chain.Digests > 0 || len(l.regular)+len(l.late) > 0 {
			result.chains = append(result.chains, l.chain)
		}
	}
	return result
}

// what names the group for people.
func (g *group) what() string { return fmt.Sprintf("account %s, region %s", g.account, g.region) }

// listLanes lists the digests by trail. It returns how many trails are there
// that are not to be verified.
func (w *groupWork) listLanes(ctx context.Context) (others int, err error) {
	if !w.digests {
		return 0, nil
	}
	lanes := make(map[[2]string]*lane)
	folder := w.folder(cairn.LogKindDigest)
	for e, err := range w.Source.List(ctx, folder, w.after(folder)) {
		if err != nil {
			return 0, fmt.Errorf("list the digests in %s: %w", folder, err)
		}
		if strings.HasSuffix(e.Key, "/") && e.Size == 0 {
			continue // the mark of a folder
		}
		name, err := cairn.ParseDigestFileKey(e.Key)
		if err != nil {
			w.addNamed(Damage, KindForeign, e.Key, "it lies among the digests and has no digest's name: %s", reason(err))
			continue
		}
		id := [2]string{name.TrailName, name.HomeRegion}
		l := lanes[id]
		if l == nil {
			l = &lane{w: w, trail: name.TrailName, home: name.HomeRegion}
			l.chain = Chain{Prefix: w.prefix, OrganizationID: w.organization, AccountID: w.account, Region: w.region, Trail: l.trail, HomeRegion: l.home}
			lanes[id] = l
		}
		d := digestEntry{key: e.Key, end: name.End, modified: e.Modified}
		if name.Backfill {
			l.late = append(l.late, d)
		} else {
			l.regular = append(l.regular, d)
		}
	}
	for id, l := range lanes {
		if w.TrailName != "" && (w.TrailName != id[0] || w.HomeRegion != id[1]) {
			others++
			continue
		}
		l.regular, l.late = w.inRange(l.regular), w.inRange(l.late)
		w.lanes = append(w.lanes, l)
	}
	slices.SortFunc(w.lanes, func(a, b *lane) int { return cmp.Or(cmp.Compare(a.trail, b.trail), cmp.Compare(a.home, b.home)) })
	return others, nil
}

// after returns the key behind which the files of the asked time lie.
func (w *groupWork) after(folder string) string {
	if w.Start.IsZero() {
		return ""
	}
	return folder + w.Start.Add(-time.Hour).UTC().Format("2006/01/02")
}

// inRange sorts digests, newest first, and leaves out those that lie wholly
// outside the asked time. Two behind its end are kept: the window of the first
// may begin before the end, and the second holds the first one's signature.
func (w *groupWork) inRange(digests []digestEntry) []digestEntry {
	slices.SortFunc(digests, func(a, b digestEntry) int { return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.key, b.key)) })
	if !w.Start.IsZero() {
		digests = slices.DeleteFunc(digests, func(d digestEntry) bool { return !d.end.After(w.Start) })
	}
	if !w.End.IsZero() {
		i := slices.IndexFunc(digests, func(d digestEntry) bool { return !d.end.Before(w.End) })
		if i >= 0 {
			digests = digests[:min(i+2, len(digests))]
		}
	}
	slices.Reverse(digests)
	return digests
}

// outside reports whether a span of time lies wholly outside the asked one.
func (w *groupWork) outside(start, end time.Time) bool {
	return !w.Start.IsZero() && !end.After(w.Start) || !w.End.IsZero() && !start.Before(w.End)
}

// jobs walks the lanes and gives the log files that are to be checked.
func (w *groupWork) jobs(ctx context.Context) iter.Seq[logJob] {
	return func(yield func(logJob) bool) {
		for _, l := range w.lanes {
			if w.err = l.walk(ctx, yield); w.err != nil {
				return
			}
		}
	}
}

// take counts a log file that was checked.
func (w *groupWork) take(r logResult) {
	c := &r.job.lane.chain
	c.LogFiles++
	w.bytes += r.bytes
	if r.severity != "" {
		w.logs.add(r.severity, r.kind, r.job.file.S3Bucket, r.job.file.S3Object, "%s", r.detail)
	} else if r.job.proved {
		c.LogFilesProved++
	}
}

// list notes a log file that a digest lists, and tells if another one did.
func (w *groupWork) list(digest string, f *cairn.DigestLogFile) {
	key, hash := sha256.Sum256([]byte(f.S3Object)), sha256.Sum256([]byte(strings.ToLower(f.HashValue)))
	id, short := [16]byte(key[:]), [8]byte(hash[:])
	if before, ok := w.listed[id]; ok {
		if before == short {
			w.add(Note, KindListedTwice, f.S3Bucket, f.S3Object, "with the same hash, in %s and one that is newer", digest)
		} else {
			w.add(Damage, KindListedTwice, f.S3Bucket, f.S3Object, "with another hash in %s than in one that is newer", digest)
		}
		return
	}
	w.listed[id] = short
	for _, kind := range logKinds {
		if !w.kinds[kind] && strings.Contains(f.S3Object, "/"+string(kind)+"/") {
			w.kinds[kind] = true
		}
	}
}

// reason is why a key is not a file's, without the key.
func reason(err error) string {
	if e, ok := err.(*cairn.FileNameError); ok {
		return e.Reason
	}
	return err.Error()
}
