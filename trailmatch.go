package cairn

import "fmt"

// Match reports whether the trail takes the event: by its account, its region and
// its selectors, which s has ready for use. inOrganization says whether the
// event's account is a member of the trail's organization. Whether the trail is
// logging, and where the event came from, is not asked. Match does not allocate.
func (t *Trail) Match(e *Subject, s *Selectors, inOrganization bool) bool {
	r := e.record
	return t.IsIn(r.AWSRegion) && t.WantsAccount(r.AccountID, inOrganization) &&
		(t.IncludeGlobalServiceEvents || !e.Global()) && s.Match(e)
}

// Explain says in words what Match decides, and why.
func (t *Trail) Explain(e *Subject, s *Selectors, inOrganization bool) (matched bool, why string) {
	r := e.record
	switch {
	case !t.WantsAccount(r.AccountID, inOrganization) && t.IsOrganization:
		return false, fmt.Sprintf("not taken: account %s is not in the trail's organization", r.AccountID)
	case !t.WantsAccount(r.AccountID, inOrganization):
		return false, fmt.Sprintf("not taken: the event is of account %s, and the trail of account %s", r.AccountID, t.AccountID)
	case !t.IsIn(r.AWSRegion) && e.Global():
		return false, fmt.Sprintf("not taken: global-service events are recorded in %s, and the trail is for %s alone", r.AWSRegion, t.HomeRegion)
	case !t.IsIn(r.AWSRegion):
		return false, fmt.Sprintf("not taken: the event is of region %s, and the trail for %s alone", r.AWSRegion, t.HomeRegion)
	case !t.Wants(r.AWSRegion, e.Global()):
		return false, "not taken: the trail leaves out global-service events"
	}
	x := s.Explain(e)
	return x.Matched, x.String()
}
