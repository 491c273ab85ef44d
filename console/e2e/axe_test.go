package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"cairn/internal/demo"
)

// everyPage are the pages with something on them, by what they are called.
var everyPage = []shownPage{
	{name: "history", path: "/events?sourceIPAddress=198.51.100.77", ready: "StopLogging"},
	{name: "history-panel", path: "/events?sourceIPAddress=" + demo.AttackerIP, ready: "StopLogging", choose: "StopLogging of .*"},
	{name: "event", ready: "Resources referenced"},
	{name: "compare", ready: "Event details side by side"},
	{name: "timeline", path: "/resources?type=AWS%3A%3AIAM%3A%3AUser&name=support-sync", ready: "CreateUser"},
	{name: "resources", path: "/resources", ready: "Find a resource"},
	{name: "dashboard", path: "/dashboard", ready: "Events by hour"},
	{name: "trails", path: "/trails", ready: "audit"},
	{name: "trail", path: "/trails/audit", ready: "General details"},
	{name: "trail-verify", path: "/trails/audit?tab=verify", ready: "Verify now"},
	{name: "trail-new", path: "/trails/new", ready: "Trail name"},
	{name: "settings", path: "/settings", ready: "Create user"},
	{name: "settings-limits", path: "/settings?tab=limits", ready: "Limits"},
	{name: "settings-server", path: "/settings?tab=server", ready: "Server"},
	{name: "missing", path: "/no/such/page", ready: "Page not found"},
	{name: "sign-in", path: "/", ready: "Secret access key"},
}

// A shownPage is a page with the text that it shows when it is there, and the row that is
// then chosen.
type shownPage struct{ name, path, ready, choose string }

// axeSource is the checker of accessibility that the pages' own checks use.
const axeSource = "../web/node_modules/axe-core/axe.min.js"

// Every page can be used by all, in light and dark colours, and none scrolls sideways, on a
// wide screen or a narrow one.
func TestAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axeSource)
	if err != nil {
		t.Log("no axe-core (npm ci in console/web brings it): accessibility is not checked, only the widths")
	}
	x := newSite(t, nil)
	x.furnish(t)
	for _, p := range everyPage {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			v := x.show(t, p)
			for _, scheme := range []string{"light", "dark"} {
				v.must(v.Scheme(scheme))
				for _, width := range widths {
					full := width == widths[0]
					if !full && !*long && scheme == "dark" {
						continue // colours make no difference to what fits
					}
					v.must(v.Resize(width, 900))
					if over := eval[int](v, scrollsSideways); over > 0 {
						t.Errorf("in %s it scrolls sideways by %d px of %d", scheme, over, width)
					}
					if axe == nil || !full && !*long {
						continue
					}
					rules := axeRules
					if scheme == "dark" && !*long {
						rules = "'color-contrast'"
					}
					v.must(v.Eval(string(axe), nil))
					for _, finding := range eval[[]string](v, fmt.Sprintf(axeRun, rules)) {
						t.Errorf("in %s at %d px: %s", scheme, width, finding)
					}
				}
			}
		})
	}
}

// widths are those of a large screen, a tablet and a telephone.
var widths = []int64{1440, 768, 390}

// show opens a page in a tab of its own, and waits until it shows what it is for.
func (x *site) show(t *testing.T, p shownPage) *view {
	t.Helper()
	var v *view
	if p.name == "sign-in" {
		v = x.open(t)
	} else {
		v = x.signIn(t, x.operator)
	}
	v.visit(x.pathOf(t, p))
	v.see(p.ready)
	if p.choose != "" {
		v.click("checkbox", p.choose)
		v.wait("button", "Next event")
	}
	v.must(v.Wait("!document.querySelector('[aria-busy=true]') || performance.now() > 5000"))
	return v
}

const scrollsSideways = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
	done(document.documentElement.scrollWidth - document.documentElement.clientWidth))))`

const axeRules = "'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'"

const axeRun = `axe.run({runOnly: [%s], resultTypes: ['violations']})
	.then(r => r.violations.map(v => v.id + ' (' + v.impact + '): ' + v.nodes.length + ' × ' + v.nodes[0].html.slice(0, 200)))`

// furnish gives a site a day of events and a trail, so that no page is empty.
func (x *site) furnish(t *testing.T) {
	t.Helper()
	x.loadDay(t)
	x.call(t, x.operator, "s3", http.MethodPut, "/audit-logs", "")
	x.call(t, x.operator, "s3", http.MethodPut, "/audit-logs?policy", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::audit-logs"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::audit-logs/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`)
	x.cloudTrail(t, x.operator, "CreateTrail", map[string]any{"Name": "audit", "S3BucketName": "audit-logs", "EnableLogFileValidation": true, "IsMultiRegionTrail": true}, nil)
	x.cloudTrail(t, x.operator, "StartLogging", map[string]any{"Name": "audit"}, nil)
}

// pathOf is the path of a page; those of events are found in the history.
func (x *site) pathOf(t *testing.T, p shownPage) string {
	t.Helper()
	if p.path != "" {
		return p.path
	}
	ids := x.eventIDs(t, "StopLogging", "CreateUser", "DeleteTrail")
	if p.name == "compare" {
		return "/compare?ids=" + strings.Join(ids, ",")
	}
	return "/events/" + ids[0]
}

// eventIDs are the IDs of the newest events with some names.
func (x *site) eventIDs(t *testing.T, names ...string) (ids []string) {
	t.Helper()
	for _, name := range names {
		var answer struct{ Events []struct{ EventId string } }
		x.cloudTrail(t, x.operator, "LookupEvents", map[string]any{"LookupAttributes": []any{map[string]any{"AttributeKey": "EventName", "AttributeValue": name}}, "MaxResults": 1}, &answer)
		for _, e := range answer.Events {
			ids = append(ids, e.EventId)
		}
	}
	if len(ids) < 2 {
		t.Fatalf("of %q there are %q", names, ids)
	}
	return ids
}
