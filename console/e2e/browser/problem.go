package browser

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Kind is what sort of problem it is.
type Kind string

// The kinds of problems.
const (
	Exception Kind = "exception" // that nothing caught
	Console   Kind = "console"   // an error or a warning that a page has written there
	Log       Kind = "log"       // an error or a warning of the browser itself, such as a request that failed
	Policy    Kind = "policy"    // a violation of the Content-Security-Policy
	Dialog    Kind = "dialog"    // alert, confirm, prompt
	Script    Kind = "script"    // a foreign script has run: it called window.cairnScriptRan
	Foreign   Kind = "foreign"   // a request to an origin that is none of the tab's
	Window    Kind = "window"    // a page has opened a window
)

// A Problem is something that a page has done and should not.
type Problem struct {
	Kind Kind
	Text string
	URL  string // that it is about, if there is one
}

func (p Problem) String() string {
	if p.URL == "" {
		return fmt.Sprintf("%s: %s", p.Kind, p.Text)
	}
	return fmt.Sprintf("%s: %s (%s)", p.Kind, p.Text, p.URL)
}

const (
	bindingViolation = "cairnPolicyViolated"
	bindingScript    = "cairnScriptRan"
)

// watchScript runs in each document before anything else.
const watchScript = `document.addEventListener('securitypolicyviolation', e => cairnPolicyViolated(
	JSON.stringify([e.violatedDirective, e.blockedURI, e.sample, e.sourceFile, document.location.href].map(String))), true);`

// Problems returns what has happened so far.
func (t *Tab) Problems() []Problem {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.problems)
}

// Forget forgets what has happened so far.
func (t *Tab) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problems = nil
}

// maxProblems bounds what a page that goes wrong again and again can fill.
const maxProblems = 1000

func (t *Tab) add(p Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.problems) < maxProblems {
		t.problems = append(t.problems, p)
	}
}

// hear hears all events of the tab. It must not wait.
func (t *Tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		t.add(Problem{Exception, exceptionText(e.ExceptionDetails), e.ExceptionDetails.URL})
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]string{"error", "warning", "assert"}, string(e.Type)) {
			var words []string
			for _, a := range e.Args {
				words = append(words, objectText(a))
			}
			t.add(Problem{Console, strings.Join(words, " "), ""})
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			t.add(Problem{Log, e.Entry.Text, e.Entry.URL})
		}
	case *runtime.EventBindingCalled:
		switch e.Name {
		case bindingViolation:
			t.add(Problem{Policy, e.Payload, ""})
		case bindingScript:
			t.add(Problem{Script, e.Payload, ""})
		}
	case *page.EventJavascriptDialogOpening:
		t.add(Problem{Dialog, string(e.Type) + " " + e.Message, e.URL})
		select {
		case t.dialogs <- struct{}{}:
		default: // a page that opens so many at a time has stopped working anyway
		}
	case *page.EventWindowOpen:
		t.add(Problem{Window, "opened", e.URL})
	case *network.EventRequestWillBeSent:
		if !t.own(e.Request.URL) {
			t.add(Problem{Foreign, "a request to another origin", e.Request.URL})
		}
	}
}

// own reports whether a page may ask for a URL.
func (t *Tab) own(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if len(t.Origins) == 0 || u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "about" {
		return true
	}
	return slices.Contains(t.Origins, u.Scheme+"://"+u.Host)
}

// dismissDialogs closes dialogs, which would stop the page.
func (t *Tab) dismissDialogs() {
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.dialogs:
			_, _ = chromedp.Call(t.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) // it may be gone with its page
		}
	}
}

func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + objectText(d.Exception)
	}
	return d.Text
}

func objectText(o *runtime.RemoteObject) string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	if o.Description != "" {
		return o.Description
	}
	return string(o.Value)
}
