package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cairn"
)

// A lane is the digests of one trail, account and region: a chain, and beside it
// one of backfill digests.
type lane struct {
	w             *groupWork
	trail, home   string
	regular, late []digestEntry // newest first
	nodes         []*node       // of the regular ones, newest first
	chain         Chain
}

// A digestEntry is a digest that was listed.
type digestEntry struct {
	key      string
	end      time.Time
	modified time.Time
}

// A node is what is remembered of a digest.
type node struct {
	digestEntry
	start    time.Time // zero if it could not be read
	proved   bool
	weak     bool // nothing more is wrong than that its signature is not at hand
	keyless  bool // nothing more is known to be wrong than that its key is not
	outside  bool // of the asked time
	begins   bool // it names none before it
	named    bool // a newer one names it
	previous previousState
}

// previousState is what became of the digest that a node names as the one
// before.
type previousState int

const (
	previousUnknown previousState = iota
	previousHere
	previousElsewhere
	previousMissing
)

// A namer is a digest that names another one as the one before it.
type namer struct {
	node   *node
	signed *cairn.SignedDigest // without its list of log files
}

// fetched is a digest that was read.
type fetched struct {
	digestEntry
	body     []byte
	metadata map[string]string
	err      error
}

// walk verifies the lane's digests and gives the log files that they list.
func (l *lane) walk(ctx context.Context, yield func(logJob) bool) error {
	if all := slices.Concat(l.regular, l.late); len(all) > 0 {
		first := slices.MinFunc(all, func(a, b digestEntry) int { return a.end.Compare(b.end) })
		last := slices.MaxFunc(all, func(a, b digestEntry) int { return a.end.Compare(b.end) })
		if err := l.w.keys.load(ctx, l.w.region, first.end, last.end); err != nil {
			return err
		}
		for _, d := range all {
			if d.modified.After(l.chain.newestPut) {
				l.chain.newestPut = d.modified
			}
		}
	}
	for i, digests := range [][]digestEntry{l.regular, l.late} {
		p := &pass{lane: l, late: i == 1, named: make(map[string][]namer), here: make(map[string]time.Time)}
		for _, d := range digests {
			p.here[d.key] = d.end
		}
		for f := range ordered(ctx, min(l.w.Parallel, 8), slices.Values(digests), l.w.fetch) {
			if !p.add(ctx, f, yield) {
				return ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.follow(ctx)
		if !p.late {
			l.nodes = p.nodes
			p.joints()
		}
	}
	l.expect()
	return nil
}

// expect notes up to when there are digests, and by when there must be newer
// ones: delivery waits for log files, for up to one window more.
func (l *lane) expect() {
	c := &l.chain
	c.window = usualWindow(l.nodes)
	for _, n := range l.nodes {
		if !n.start.IsZero() {
			c.newest, c.newestKey = n.end, n.key
			c.settled = n.end.Add(2*c.window + leeway(c.window))
			return
		}
	}
}

// fetch reads a digest.
func (v *verifier) fetch(ctx context.Context, d digestEntry) fetched {
	return v.fetchFrom(ctx, v.bucket, d)
}

func (v *verifier) fetchFrom(ctx context.Context, bucket string, d digestEntry) fetched {
	f := fetched{digestEntry: d}
	f.err = v.read(ctx, bucket, d.key, func(o *Object) (err error) {
		f.metadata = o.Metadata
		f.body, err = unpack(o.Body, maxDigest)
		return err
	})
	return f
}

// about is how many windows there are in a span of time.
func about(span, window time.Duration) int { return int((span + window/2) / window) }

// usualWindow is how much time a digest is usually for: the median of all.
func usualWindow(nodes []*node) time.Duration {
	var all []time.Duration
	for _, n := range nodes {
		if n.proved && n.end.After(n.start) {
			all = append(all, n.end.Sub(n.start))
		}
	}
	if len(all) == 0 {
		return time.Hour
	}
	slices.Sort(all)
	return min(all[len(all)/2], 24*time.Hour)
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
