package e2e

import (
	"testing"
	"time"

	"cairn/console/e2e/browser"
)

// What the tests look out for they would see: a page that does it is found out.
func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	for kind, act := range map[browser.Kind]string{
		browser.Exception: "setTimeout(() => { throw new Error('deliberate') })",
		browser.Console:   "console.error('deliberate')",
		browser.Log:       "fetch('/no/such.file').catch(() => {})",
		browser.Policy:    "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/x'}))",
		browser.Dialog:    "setTimeout(() => alert('deliberate'))",
		browser.Script:    "cairnScriptRan('deliberate')",
		browser.Window:    "void open('/events')",
	} {
		tab := newTab(t)
		tab.Origins = []string{x.console}
		v := &view{Tab: tab, t: t, site: x}
		v.visit("/")
		v.wait("heading", "Sign in")
		v.must(v.Eval("void ("+act+")", nil))
		found := false
		for end := time.Now().Add(10 * time.Second); !found && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			for _, p := range v.unexpected() {
				found = found || p.Kind == kind
			}
		}
		if !found {
			t.Errorf("%s is not noticed: %v", kind, v.Problems())
		}
	}
}

// A payload that became a part of a page would be found.
func TestPayloadsAreFound(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	v := &view{Tab: newTab(t), t: t, site: x}
	v.visit("/")
	v.wait("heading", "Sign in")
	if found := eval[[]string](v, foreignElements); len(found) > 0 {
		t.Errorf("the sign-in page has %q", found)
	}
	for _, markup := range []string{
		"document.createElement('iframe')", "document.createElement('base')", "Object.assign(document.createElement('a'), {href: 'javascript:alert(1)'})",
		"Object.assign(document.createElement('a'), {href: 'https://example.org/'})", "document.createElement('style')",
	} {
		v.must(v.Eval("void document.body.append(window.made = "+markup+")", nil))
		if found := eval[[]string](v, foreignElements); len(found) != 1 {
			t.Errorf("%s: %q", markup, found)
		}
		v.must(v.Eval("made.remove()", nil))
	}
}
