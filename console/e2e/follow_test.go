package e2e

import "testing"

// Whoever follows the history sees a call as it is made.
func TestFollow(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	v := x.signIn(t, x.operator)
	v.visit("/events?EventSource=cloudtrail.amazonaws.com")
	v.see("No events match")
	v.click("button", "Follow")
	v.see("Live")
	x.cloudTrail(t, x.operator, "DescribeTrails", struct{}{}, nil)
	v.rows("Event name", is("DescribeTrails"))
	v.click("button", "Stop|Following")
	v.gone("button", "Following")
}
