package verify

import (
	"fmt"
	"time"
)

// missNewest tells of digests that should be the newest of their chain and are
// not there. A chain does not show that by itself; the clock, the trail's chains
// in other regions and the server do.
func (v *verifier) missNewest(r *Report) {
	newest := make(map[string]time.Time) // of a trail and account, in any region
	for i := range r.Chains {
		c := &r.Chains[i]
		if c.newest.After(newest[c.siblings()]) {
			newest[c.siblings()] = c.newest
		}
	}
	continued := make(map[string]bool)
	for i := range r.Chains {
		for _, key := range r.Chains[i].follows {
			continued[key] = true
		}
	}
	for i := range r.Chains {
		c := &r.Chains[i]
		if !c.newest.IsZero() && !continued[c.newestKey] {
			v.missIn(r, c, newest[c.siblings()])
		}
	}
	for i := range v.Trails {
		v.missOf(r, &v.Trails[i])
	}
}

// siblings names the chains of one trail and account.
func (c *Chain) siblings() string {
	return c.Prefix + "\n" + c.OrganizationID + "\n" + c.AccountID + "\n" + c.Trail + "\n" + c.HomeRegion
}

// stateOf returns what the server says of a chain's trail, nil if nothing.
func (v *verifier) stateOf(c *Chain) *TrailState {
	for i, t := range v.Trails {
		if t.Name == c.Trail && t.HomeRegion == c.HomeRegion && t.Prefix == c.Prefix && (t.AccountID == c.AccountID || t.IsOrganization) {
			return &v.Trails[i]
		}
	}
	return nil
}

// missIn tells that a chain has stopped. newest is where the newest digest of the
// trail in any region ends.
func (v *verifier) missIn(r *Report, c *Chain, newest time.Time) {
	now := v.Now
	if !v.End.IsZero() && v.End.Before(now) {
		now = v.End
	}
	if !v.End.IsZero() && !c.newest.Before(v.End) {
		return
	}
	behind := newest.Sub(c.newest) > c.window+leeway(c.window)
	if now.Before(c.settled) && !behind {
		return
	}
	severity, text := Unproved, "the trail was stopped, its digests cannot be delivered, or the newest were removed"
	if state := v.stateOf(c); state != nil {
		if !state.Logging || !state.Validation || !state.IsMultiRegion && c.HomeRegion != c.Region {
			return
		}
		text = "the trail is logging, and the server could not deliver newer ones either"
		switch {
		case now.Before(state.Started.Add(2*c.window + leeway(c.window))):
			return // it was stopped before, and its new chain need not have begun
		case behind:
			severity, text = Damage, "the newest were removed: in other regions there are digests up to "+stamp(newest)
		case !state.LatestDigest.Before(c.settled):
			severity, text = Damage, "the newest were removed: the server delivered one at "+stamp(state.LatestDigest)
		}
	} else if behind {
		text += "; in other regions there are digests up to " + stamp(newest)
	}
	until := now
	if newest.After(until) {
		until = newest
	}
	r.Findings = append(r.Findings, Finding{Severity: severity, Kind: KindOverdue, From: c.newest, Until: until,
		Detail: fmt.Sprintf("trail %s, account %s, region %s has no digest after %s: %s", c.Trail, c.AccountID, c.Region, stamp(c.newest), text)})
}

// missOf tells that the newest digest which the server delivered for a trail is
// not there.
func (v *verifier) missOf(r *Report, t *TrailState) {
	limited := v.AccountID != "" || v.Region != "" || !v.End.IsZero() || t.IsOrganization
	if limited || t.LatestDigest.IsZero() || t.LatestDigest.Before(v.Start) || v.TrailName != "" && (v.TrailName != t.Name || v.HomeRegion != t.HomeRegion) {
		return
	}
	found, atHome := false, false
	var put time.Time
	for i := range r.Chains {
		if c := &r.Chains[i]; v.stateOf(c) == t {
			found, atHome = true, atHome || c.Region == t.HomeRegion
			if c.newestPut.After(put) {
				put = c.newestPut
			}
		}
	}
	miss := func(text string) {
		r.Findings = append(r.Findings, Finding{Severity: Damage, Kind: KindMissingDigest, From: put, Until: t.LatestDigest,
			Detail: fmt.Sprintf("the server delivered a digest of trail %s at %s, and %s", t.Name, stamp(t.LatestDigest), text)})
	}
	// A server's clock and its bucket's may differ a little.
	if !found {
		miss("there is none at all")
	} else if !atHome {
		miss("there is none of its home region, " + t.HomeRegion)
	} else if !put.IsZero() && t.LatestDigest.Sub(put) > 5*time.Minute {
		miss("the newest one that is there was put at " + stamp(put))
	}
}
