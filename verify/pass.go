package verify

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"time"

	"cairn"
)

// A pass goes through one chain, newest digest first.
type pass struct {
	*lane
	late  bool
	nodes []*node
	here  map[string]time.Time // the end of each digest, by key
	named map[string][]namer   // those that name a digest, by its place, until it comes
}

// place is how a digest is found again. Copies know no buckets.
func (p *pass) place(bucket, key string) string {
	if p.w.bucket == "" {
		return key
	}
	return bucket + "/" + key
}

// add verifies a digest and its links to those that name it. It returns false
// when nobody wants log files any more.
func (p *pass) add(ctx context.Context, f fetched, yield func(logJob) bool) bool {
	n := &node{digestEntry: f.digestEntry}
	p.nodes = append(p.nodes, n)
	place := p.place(p.w.bucket, f.key)
	namers := p.named[place]
	delete(p.named, place)
	n.named = len(namers) > 0
	for _, nm := range namers {
		nm.node.previous = previousHere
	}
	s := p.judge(ctx, f, p.w.bucket, namers, n)
	if s == nil {
		p.chain.Digests++
		return true
	}
	start, end := s.Digest.Window()
	n.start, n.begins = start, s.Digest.BeginsChain()
	n.outside = p.w.outside(start, end)
	p.links(namers, n, s)
	files := s.Digest.LogFiles
	link := *s.Digest
	link.LogFiles = nil
	if !n.begins {
		at := p.place(link.PreviousDigestS3Bucket, link.PreviousDigestS3Object)
		p.named[at] = append(p.named[at], namer{n, &cairn.SignedDigest{Digest: &link, Signature: s.Signature}})
	}
	if n.outside {
		for i := range files {
			p.w.list(n.key, &files[i])
		}
		return true
	}
	p.count(n, s)
	if n.weak {
		p.w.add(Unproved, KindNoSignature, link.DigestS3Bucket, n.key, "its metadata was not copied, and no newer digest that is proved holds its signature; it lists %s", count(len(files), "log file")).Files = len(files)
	}
	if !n.proved && !n.weak && !n.keyless {
		return true
	}
	for i := range files {
		p.w.list(n.key, &files[i])
		job := logJob{lane: p.lane, file: files[i], proved: n.proved, away: p.w.bucket == "" && files[i].S3Bucket != link.DigestS3Bucket}
		if !yield(job) {
			return false
		}
	}
	return true
}

// count counts a digest that could be read.
func (p *pass) count(n *node, s *cairn.SignedDigest) {
	c := &p.chain
	c.Digests++
	if !n.proved {
		return
	}
	c.DigestsProved++
	if p.late {
		return
	}
	start, end := s.Digest.Window()
	if c.From.IsZero() || start.Before(c.From) {
		c.From = start
	}
	if end.After(c.Until) {
		c.Until, c.Newest, c.NewestSignature = end, n.key, s.Signature
	}
}

// judge verifies a digest by itself and notes in n what it is. It returns nil if
// it could not be read.
func (p *pass) judge(ctx context.Context, f fetched, bucket string, namers []namer, n *node) *cairn.SignedDigest {
	w := p.w
	var broken *brokenError
	switch {
	case errors.As(f.err, &broken):
		w.add(Damage, string(cairn.DigestMalformed), bucket, f.key, "it %s", broken.reason)
		return nil
	case errors.Is(f.err, ErrNotFound):
		w.add(Unreadable, KindUnreadable, bucket, f.key, "it was listed, and then was not there any more")
		return nil
	case isStoreDamage(f.err):
		w.add(Damage, KindStoreDamage, bucket, f.key, "%v", f.err)
		return nil
	case f.err != nil:
		w.add(Unreadable, KindUnreadable, bucket, f.key, "%v", f.err)
		return nil
	}
	o := &cairn.DigestObject{S3Bucket: bucket, S3Object: f.key, Body: f.body, Metadata: f.metadata}
	if bucket == "" {
		if d, err := cairn.ParseDigest(f.body); err == nil {
			o.S3Bucket = d.DigestS3Bucket
		}
	}
	lost := f.metadata == nil
	var after *node // that holds the signature
	if lost {
		signature := "00" // is never right
		if len(namers) > 0 {
			signature, after = namers[0].signed.Digest.PreviousDigestSignature, namers[0].node
		}
		o.Metadata = map[string]string{
			cairn.MetadataSignature: signature, cairn.MetadataSignatureAlgorithm: cairn.DigestSignatureAlgorithm,
			cairn.MetadataBackfill: cairn.FormatBackfillTime(f.end),
		}
	}
	at := f.end
	if t, err := time.Parse(time.RFC3339, o.Metadata[cairn.MetadataBackfill]); err == nil && !lost && p.late {
		at = t
	}
	var key *PublicKey
	var keyErr error
	s, err := o.Verify(func(fingerprint string) *rsa.PublicKey {
		if key, keyErr = w.keys.find(ctx, w.region, fingerprint, at); key == nil {
			return nil
		}
		return key.Key
	})
	var fault *cairn.DigestError
	switch {
	case keyErr != nil:
		w.add(Unreadable, KindUnreadable, o.S3Bucket, f.key, "its public key: %v", keyErr)
	case errors.As(err, &fault) && lost && fault.Fault == cairn.DigestBadSignature && (after == nil || !after.proved && !after.weak):
		n.weak = true
	case errors.As(err, &fault) && lost && fault.Fault == cairn.DigestBadSignature:
		w.add(Damage, string(fault.Fault), o.S3Bucket, f.key, "%s", disagreement(after))
	case errors.As(err, &fault) && fault.Fault == cairn.DigestUnknownKey && w.keys.unsure(w.region):
		n.keyless = true
		found := w.add(Damage, string(fault.Fault), o.S3Bucket, f.key, "%s", fault.Detail)
		found.unsure = w.region
		found.end = f.end
	case errors.As(err, &fault):
		w.add(Damage, string(fault.Fault), o.S3Bucket, f.key, "%s", fault.Detail)
	case err != nil:
		w.add(Damage, string(cairn.DigestMalformed), o.S3Bucket, f.key, "%v", err)
	case !key.From.IsZero() && at.Before(key.From.Add(-keySlack)) || !key.Until.IsZero() && at.After(key.Until.Add(keySlack)):
		w.add(Damage, KindKeyAge, o.S3Bucket, f.key, "the key that signed it was valid from %s to %s", stamp(key.From), stamp(key.Until))
	default:
		n.proved = true
		w.keys.used(w.region, key)
	}
	return s
}

// disagreement says what it means that a digest has not the signature that the
// next one, after, holds of it.
func disagreement(after *node) string {
	if after.proved {
		return "the next one, " + after.key + ", is proved and holds another signature"
	}
	return "the next one, " + after.key + ", holds another signature: one of the two was changed"
}

// links checks what newer digests say of this one. What is said by, or of, a
// digest that is wrong in itself says nothing more.
func (p *pass) links(namers []namer, n *node, s *cairn.SignedDigest) {
	var proved []string
	for _, nm := range namers {
		if !nm.node.proved {
			continue
		}
		proved = append(proved, nm.node.key)
		if !n.proved {
			continue
		}
		var fault *cairn.DigestError
		if errors.As(nm.signed.VerifyPrevious(s), &fault) {
			p.w.add(Damage, string(fault.Fault), nm.signed.Digest.DigestS3Bucket, nm.node.key, "%s", detail(fault, "the digest before it is "+n.key))
		}
	}
	if len(proved) > 1 {
		slices.Sort(proved)
		p.w.add(Damage, KindFork, s.Digest.DigestS3Bucket, n.key, "%d digests follow it: %s and %s", len(proved), proved[0], proved[1])
	}
}

func detail(fault *cairn.DigestError, more string) string {
	if fault.Detail == "" {
		return more
	}
	return fault.Detail + "; " + more
}
