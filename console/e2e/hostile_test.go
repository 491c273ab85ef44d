package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"cairn/console/e2e/browser"
)

// payloads are texts that become a script, markup or a style where they are not kept as
// texts. One that runs calls what the browser reports, or opens a dialog.
var payloads = []string{
	`<script>cairnScriptRan(1)</script>`,
	`"><script src=//127.0.0.1:9/x.js></script>`,
	`<img src=x onerror=cairnScriptRan(3)>`,
	`'"><svg/onload=cairnScriptRan(4)>`,
	`javascript:cairnScriptRan(5)`,
	` jAvAsCrIpT:alert(6)//`,
	`data:text/html,<script>parent.cairnScriptRan(7)</script>`,
	`<iframe srcdoc="<script>parent.cairnScriptRan(8)</script>">`,
	`<a href="javascript:cairnScriptRan(9)">click</a>`,
	`</script><script>alert(10)</script>`,
	`</textarea></style></title><img src=//127.0.0.1:9/p onerror=alert(11)>`,
	`<style>@import '//127.0.0.1:9/s.css';*{background:url(//127.0.0.1:9/b)}</style>`,
	`<math><mtext><table><mglyph><style><img src onerror=alert(13)>`,
	"`${cairnScriptRan(14)}`{{constructor.constructor('cairnScriptRan(14)')()}}",
	`<details open ontoggle=cairnScriptRan(15)>`,
	`<form action=//127.0.0.1:9/><input autofocus onfocus=alert(16)>`,
	`<base href=//127.0.0.1:9/><link rel=stylesheet href=//127.0.0.1:9/l.css>`,
	`<meta http-equiv=refresh content="0;url=//127.0.0.1:9/m">`,
	`\u003cimg src=x onerror=alert(19)\u003e%3Cscript%3Ealert(19)%3C/script%3E&lt;script&gt;alert(19)&lt;/script&gt;`,
	`__proto__"};alert(20);//<object data="javascript:alert(20)">`,
}

// hostileFields are the places of a record that hold a payload: a path, whose last part
// is the name of a member. A part in brackets is an array with one entry.
var hostileFields = []string{
	"eventSource", "eventName", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestID", "sharedEventID", "apiVersion", "vpcEndpointId", "vpcEndpointAccountId",
	"userIdentity.type", "userIdentity.principalId", "userIdentity.arn", "userIdentity.accountId", "userIdentity.userName", "userIdentity.accessKeyId", "userIdentity.invokedBy",
	"userIdentity.identityProvider", "userIdentity.onBehalfOf.userId", "userIdentity.sessionContext.sessionIssuer.type", "userIdentity.sessionContext.sessionIssuer.arn",
	"userIdentity.sessionContext.sessionIssuer.userName", "userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.webIdFederationData.federatedProvider",
	"resources[].ARN", "resources[].type", "resources[].accountId", "requestParameters.bucketName", "requestParameters.userName", "requestParameters.policyDocument",
	"requestParameters.nested.list[].deep", "responseElements.user.arn", "responseElements.message", "additionalEventData.note", "serviceEventDetails.detail",
	"tlsDetails.cipherSuite", "tlsDetails.clientProvidedHostHeader", "addendum.reason", "unknownMember.text",
}

// hostileRecord is a record with a payload in all of the fields, each followed by a mark
// that tells which it is. The names of members are payloads, too.
func hostileRecord(t *testing.T, id int, payload string) []byte {
	t.Helper()
	members := map[string]any{"requestParameters": map[string]any{payload: payload}, "userIdentity": map[string]any{}}
	for i, field := range hostileFields {
		set(members, strings.Split(field, "."), fmt.Sprintf("%s mark-%d-%d", payload, id, i))
	}
	return madeRecord(t, id, members)
}

func set(in map[string]any, path []string, value string) {
	name, list := strings.CutSuffix(path[0], "[]")
	if len(path) == 1 {
		in[name] = value
		return
	}
	next, _ := in[name].(map[string]any)
	if entries, ok := in[name].([]any); ok {
		next = entries[0].(map[string]any)
	}
	if next == nil {
		next = make(map[string]any)
		in[name] = next
		if list {
			in[name] = []any{next}
		}
	}
	set(next, path[1:], value)
}

func eventID(id int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", id) }

// Nothing that a record holds becomes a part of a page: no script runs, no dialog opens, no
// request leaves, and the policy has nothing to stop.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	var records [][]byte
	for i, p := range payloads {
		records = append(records, hostileRecord(t, i+1, p))
	}
	x.load(t, records...)
	v := x.signIn(t, x.operator)
	shows := func(path string, ids ...int) {
		t.Helper()
		v.visit(path)
		for _, id := range ids {
			v.see(fmt.Sprintf("mark-%d-", id))
		}
		v.inert(path)
	}
	all := make([]int, len(payloads))
	for i := range all {
		all[i] = i + 1
	}
	shows("/events", all...)
	v.allColumns()
	v.see(fmt.Sprintf("mark-1-%d", fieldIndex("errorMessage")))
	v.inert("the history with all columns")
	v.fill("combobox", "Conditions of the search", "Event name = <")
	v.wait("option", ".*<script>.*")
	v.inert("the values that are offered")
	v.must(v.Press(kb.Escape))
	v.visit("/events") // what was typed is gone
	v.must(v.Get("checkbox", ".* of .*").Nth(2).Click())
	for _, tab := range []string{"Resources referenced .*", "Event record", "Fields", "Origin and integrity"} {
		v.click("tab", tab)
		v.inert("the panel: " + tab)
	}
	step := 7
	if *long {
		step = 1
	}
	for id := 1; id <= len(payloads); id += step {
		shows("/events/"+eventID(id), id)
		v.click("button", "(?i).*copy.*json.*|(?i)copy.*record.*")
		v.inert("the record, copied")
	}
	for id := 1; id <= len(payloads); id += 5 * step {
		ids := []string{}
		for i := range min(5, len(payloads)-id+1) {
			ids = append(ids, eventID(id+i))
		}
		shows("/compare?ids="+strings.Join(ids, ","), id)
	}
	for i, p := range payloads {
		if i%step == 0 {
			name := fmt.Sprintf("%s mark-%d-%d", p, i+1, fieldIndex("resources[].ARN"))
			v.visit("/resources?" + query("type", fmt.Sprintf("%s mark-%d-%d", p, i+1, fieldIndex("resources[].type")), "name", name))
			v.see(fmt.Sprintf("mark-%d-", i+1))
			v.inert("the timeline")
			v.visit("/events?" + query("EventName", fmt.Sprintf("%s mark-%d-%d", p, i+1, fieldIndex("eventName")), "path.requestParameters.bucketName", p+"*"))
			v.see(fmt.Sprintf("mark-%d-", i+1))
			v.inert("a search for it")
		}
	}
	shows("/dashboard")
	v.see("mark-")
	v.inert("the dashboard")
	for _, p := range []string{"/trails", "/trails/new", "/settings", "/trails/" + query("", payloads[2])[1:], "/events/" + query("", payloads[3])[1:], "/" + query("", payloads[2])[1:]} {
		v.visit(p)
		v.wait("heading", ".+")
		v.inert(p)
	}
	v.expect(browser.Log, "status of (400|404)")
}

// allColumns lets the history show every column that there is.
func (v *view) allColumns() {
	v.t.Helper()
	v.click("button", "Table preferences")
	dialog := v.Get("dialog", "Table preferences")
	v.must(dialog.Get("button", "Confirm").Wait())
	v.must(v.Eval(`document.querySelectorAll('[role=dialog] input[type=checkbox]:not(:checked):not(:disabled)').forEach(e => e.click())`, nil))
	v.must(dialog.Get("button", "Confirm").Click())
	v.must(dialog.Gone())
}

func fieldIndex(name string) int {
	for i, f := range hostileFields {
		if f == name {
			return i
		}
	}
	return -1
}

// inert fails the test if a page holds anything that a payload would have made, and waits
// a moment for what runs later.
func (v *view) inert(where string) {
	v.t.Helper()
	time.Sleep(100 * time.Millisecond)
	for _, p := range v.unexpected() {
		if p.Kind == browser.Log && strings.Contains(p.Text, "status of") {
			continue
		}
		v.t.Errorf("%s: %s", where, p)
	}
	v.Forget()
	if found := eval[[]string](v, foreignElements); len(found) > 0 {
		v.t.Errorf("%s has %q", where, found)
	}
}

// foreignElements finds what no page of the console has.
const foreignElements = `[
	...document.querySelectorAll('iframe, object, embed, base, math, meta[http-equiv], body script, body style, body link, [onerror], [onload], [onfocus], [ontoggle]'),
	...[...document.querySelectorAll('a[href], area[href], form[action]')].filter(e => {
		const url = new URL(e.getAttribute('href') ?? e.getAttribute('action'), location.href);
		return url.origin !== location.origin;
	})].map(e => e.outerHTML.slice(0, 200))`
