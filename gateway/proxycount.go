package gateway

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are the counters of a route since the Gateway was made.
type Stats struct {
	Route string // empty: calls that no route took

	Calls          uint64
	Active         int64  // under way
	Recorded       uint64 // with a record of their own in the log
	Kept           uint64 // whose record waits in the journal until the log takes it
	Unrecorded     uint64 // that a relaxed route let pass without their record
	Excluded       uint64 // left out by a rule
	Own            uint64 // Cairn's own deliveries
	Counted        uint64 // not recorded one by one, but in the summaries of unattributed failures
	Refused        uint64 // that the backend never saw
	Intents        uint64
	UpstreamErrors uint64 // calls, or attempts, that an upstream gave no answer to
	Conflicts      uint64 // of what answers told about identities
	BytesIn        uint64 // of bodies
	BytesOut       uint64
	Upstreams      []UpstreamStats
	Seconds        float64 // that calls took, in all
	Added          float64 // of these, seconds that were not spent on waiting for the upstream or the client's body
}

// UpstreamStats tell how one of a route's upstreams is.
type UpstreamStats struct {
	URL     string
	Healthy bool // not left out
}

// counters are Stats while they grow.
type counters struct {
	calls, recorded, kept, unrecorded, excluded, own, counted, refused, intents, upstreamErrors, conflicts, bytesIn, bytesOut atomic.Uint64
	active, nanos, waited                                                                                                     atomic.Int64
}

func (c *counters) stats(name string) Stats {
	return Stats{
		Route: name, Calls: c.calls.Load(), Active: c.active.Load(), Recorded: c.recorded.Load(), Kept: c.kept.Load(), Unrecorded: c.unrecorded.Load(),
		Excluded: c.excluded.Load(), Own: c.own.Load(), Counted: c.counted.Load(), Refused: c.refused.Load(), Intents: c.intents.Load(),
		UpstreamErrors: c.upstreamErrors.Load(), Conflicts: c.conflicts.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Seconds: time.Duration(c.nanos.Load()).Seconds(), Added: time.Duration(c.nanos.Load() - c.waited.Load()).Seconds(),
	}
}

// Stats returns the counters of each route, and first those of calls without one.
func (g *Gateway) Stats() []Stats {
	all := []Stats{g.strays.stats("")}
	for _, rt := range g.routes {
		s := rt.counters.stats(rt.Name)
		s.Upstreams = rt.backend.stats(rt.Upstreams)
		all = append(all, s)
	}
	return all
}

const (
	maxUnverified       = 100  // records of unverified calls, a minute and source
	maxThrottledSources = 4096 // sources that are told apart in a minute
)

// A throttle bounds the records of calls that anybody could have made.
type throttle struct {
	mu      sync.Mutex
	minute  int64
	sources map[netip.Addr]int
}

// allow reports whether one more call of a source may have a record of its own.
func (t *throttle) allow(source netip.Addr, at time.Time) bool {
	source = throttled(source)
	t.mu.Lock()
	defer t.mu.Unlock()
	if minute := at.Unix() / 60; minute != t.minute || t.sources == nil {
		t.minute, t.sources = minute, make(map[netip.Addr]int)
	}
	n, known := t.sources[source]
	if n >= maxUnverified || !known && len(t.sources) >= maxThrottledSources {
		return false
	}
	t.sources[source] = n + 1
	return true
}

// throttled is what counts as one source: an IPv6 host can have any address of its /64.
func throttled(source netip.Addr) netip.Addr {
	if source.Is6() {
		if p, err := source.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return source
}
