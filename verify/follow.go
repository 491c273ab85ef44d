package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cairn"
)

// follow looks for the digests that were named and did not come.
func (p *pass) follow(ctx context.Context) {
	for _, place := range slices.Sorted(maps.Keys(p.named)) {
		namers := slices.DeleteFunc(p.named[place], func(nm namer) bool { return !nm.node.proved || nm.node.outside })
		if len(namers) == 0 || ctx.Err() != nil {
			continue
		}
		first := namers[0]
		bucket, key := first.signed.Digest.PreviousDigestS3Bucket, first.signed.Digest.PreviousDigestS3Object
		if end, ok := p.here[key]; ok && p.place(p.w.bucket, key) == place && !end.Before(first.node.end) {
			p.w.add(Damage, KindOrder, first.signed.Digest.DigestS3Bucket, first.node.key, "it names %s as the one before it, which is not older", key)
			continue
		}
		if p.w.bucket == "" && bucket != first.signed.Digest.DigestS3Bucket {
			p.mark(namers, previousElsewhere)
			p.w.add(Unproved, KindElsewhere, bucket, key, "the digest before %s lies in another bucket, which is not in this copy", first.node.key)
			continue
		}
		p.followTo(ctx, namers, bucket, key)
	}
}

func (p *pass) mark(namers []namer, s previousState) {
	for _, nm := range namers {
		nm.node.previous = s
	}
}

// followTo verifies a digest that lies before the asked time, below another
// prefix or in another bucket. The rest of its chain is not followed.
func (p *pass) followTo(ctx context.Context, namers []namer, bucket, key string) {
	first := namers[0].node
	from := bucket
	if p.w.bucket == "" {
		from = ""
	}
	f := p.w.fetchFrom(ctx, from, digestEntry{key: key, end: first.start})
	if errors.Is(f.err, ErrNotFound) {
		p.mark(namers, previousMissing)
		p.missing(namers, bucket, key)
		return
	}
	p.mark(namers, previousElsewhere)
	name, err := cairn.ParseDigestFileKey(key)
	if err == nil {
		f.end = name.End
	}
	n := &node{digestEntry: f.digestEntry}
	s := p.judge(ctx, f, from, namers, n)
	if s == nil {
		return
	}
	p.links(namers, n, s)
	if n.proved && (bucket != p.w.bucket && p.w.bucket != "" || !p.inLane(key)) {
		if bucket == p.w.bucket || p.w.bucket == "" {
			p.chain.follows = append(p.chain.follows, key)
		}
		p.w.add(Note, KindElsewhere, bucket, key, "%s follows it, and it is proved; what is before it has to be verified there", first.key)
	}
}

// inLane reports whether a key is that of a digest of the lane.
func (p *pass) inLane(key string) bool {
	n, err := cairn.ParseDigestFileKey(key)
	return err == nil && n.TrailName == p.trail && n.HomeRegion == p.home && n.Prefix == p.w.prefix &&
		n.OrganizationID == p.w.organization && n.AccountID == p.w.account && n.Region == p.w.region
}

// missing tells that a digest is not there that others name.
func (p *pass) missing(namers []namer, bucket, key string) {
	first := namers[0].node
	f := p.w.add(Damage, KindMissingDigest, bucket, key, "%s names it as the one before", first.key)
	if len(namers) > 1 {
		p.w.add(Damage, KindFork, bucket, key, "%d digests follow it, which is missing: %s and %s", len(namers), first.key, namers[1].node.key)
		f = &p.w.findings[len(p.w.findings)-2]
	}
	p.chain.Digests++
	if p.late {
		return
	}
	f.Until = first.start
	for _, n := range p.nodes {
		if n.proved && !n.start.IsZero() && !n.end.After(first.start) {
			f.From = n.end
			break
		}
	}
	if f.From.IsZero() {
		f.Detail += ", and there is none before; a lifecycle rule may remove old files: then give --start-time"
		return
	}
	if n := about(f.Until.Sub(f.From), usualWindow(p.nodes)); n > 1 {
		f.Files = n
		p.chain.Digests += n - 1
		f.Detail += fmt.Sprintf("; about %d digests are missing in a row", n)
	}
}

// joints looks at each digest and the next older one that is there, where the
// chain does not lead from the one to the other.
func (p *pass) joints() {
	for i := 1; i < len(p.nodes); i++ {
		newer, older := p.nodes[i-1], p.nodes[i]
		if !newer.proved || !older.proved || newer.outside && older.outside {
			continue
		}
		switch {
		case newer.begins && newer.start.Before(older.end):
			p.w.add(Damage, string(cairn.DigestTimeOverlap), "", newer.key, "it begins a chain within the time of %s", older.key)
		case newer.begins && newer.start.Equal(older.end):
			p.w.add(Note, KindRestart, "", newer.key, "it names none before it; no time is left out")
		case newer.begins:
			f := p.w.add(Unproved, KindGap, "", newer.key, "the digest names none before it, and the last one is %s", older.key)
			f.From, f.Until = older.end, newer.start
		case newer.previous == previousHere && !older.named:
			p.w.add(Damage, KindNotLinked, "", older.key, "it is signed, but %s, the next one, follows another", newer.key)
		}
	}
}
