package e2e

import (
	"strings"
	"testing"
	"time"
)

// Somebody signs in with an access key, sees who they are, and signs out; the address that
// was asked for stays.
func TestSignInWithKey(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	v := x.open(t)
	v.visit("/events?EventName=StopLogging")
	v.wait("heading", "Sign in")
	v.click("button", "Sign in")
	v.see("Required")
	v.fill("textbox", "Access key ID", x.operator.AccessKeyID)
	v.fill("textbox", "Secret access key", "wrong")
	v.click("button", "Sign in")
	v.see("The access key ID, its secret or the session token is not valid.")
	v.fill("textbox", "Secret access key", x.operator.Secret)
	v.click("button", "Sign in")
	v.wait("button", "Signed in as .*, account "+account)
	v.path("/events")
	if eval[bool](v, "document.cookie !== ''") || strings.Contains(eval[string](v, "JSON.stringify([localStorage, sessionStorage])"), x.operator.Secret) {
		t.Error("scripts can read the cookie, or the secret was kept")
	}
	v.click("button", "Signed in as .*")
	v.click("menuitem", "Sign out")
	v.wait("heading", "Sign in")
	v.must(v.Reload())
	v.wait("heading", "Sign in")
	if n := eval[int](v, "fetch('/_cairn/api/settings').then(r => r.status)"); n != 401 {
		t.Errorf("after the sign-out the server answers %d", n)
	}
	v.expect("log", "status of 401") // the sign-in that failed, what was under way, and the request above
}

// A one-time link signs in by a click, once, and is not in the address any more.
func TestSignInWithLink(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	link := x.link(t)
	v := x.open(t)
	v.must(v.Goto(link))
	v.wait("heading", "Sign in with a one-time link")
	if url, _ := v.URL(); strings.Contains(url, "link") {
		t.Errorf("the address still has the link: %s", url)
	}
	v.click("button", "Sign in")
	v.wait("button", "Signed in as .*")
	if n := eval[int](v, "history.length"); n > 2 {
		t.Errorf("the history has %d entries", n)
	}

	again := x.open(t)
	again.must(again.Goto(link))
	again.click("button", "Sign in")
	again.see("The link is not valid any more.")
	again.click("button", "Use an access key")
	again.wait("textbox", "Access key ID")
}

// A session that runs out of time leads to the sign-in page, and from there back.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	v := x.signIn(t, x.operator)
	v.visit("/settings")
	v.wait("button", "Signed in as .*")
	x.ahead.Store(int64(61 * time.Minute))
	v.must(v.Eval("void history.pushState(null, '', '/events'), void dispatchEvent(new PopStateEvent('popstate'))", nil)) // to another page, without loading it
	v.see("Your session has ended.")
	v.fill("textbox", "Access key ID", x.operator.AccessKeyID)
	v.fill("textbox", "Secret access key", x.operator.Secret)
	v.click("button", "Sign in")
	v.wait("button", "Signed in as .*")
	v.path("/events")
	v.expect("log", "status of 401")
}

// A link may be redeemed by its page alone: one that is opened and left is still good.
func TestLinkIsNotRedeemedByOpening(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	link := x.link(t)
	first := x.open(t)
	first.must(first.Goto(link))
	first.wait("button", "Sign in")
	second := x.open(t)
	second.must(second.Goto(link))
	second.click("button", "Sign in")
	second.wait("button", "Signed in as .*")
}
