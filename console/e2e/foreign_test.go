package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// attack is a page that tries what a page of another origin can: to read what the console
// answers, to change something by requests that browsers send without asking, to frame
// it, to use its parts, and to reach into its window. It leaves in window.results what it
// could do.
const attack = `<!doctype html><title>foreign</title><body><script>
const console_ = %s, results = window.results = [];
if (window.cairnScriptRan) cairnScriptRan('the foreign page');
const could = what => results.push(what);
const later = ms => new Promise(done => setTimeout(done, ms));
const post = {method: 'POST', mode: 'no-cors', credentials: 'include', headers: {'Content-Type': 'application/x-www-form-urlencoded'}};
const element = (name, set) => new Promise(done => {
	const e = Object.assign(document.createElement(name), set);
	e.onload = () => done(true); e.onerror = () => done(false);
	document.body.append(e);
});
async function tryAll() {
	for (const path of ['/session', '/_cairn/api/settings', '/_cairn/api/events', '/aws/s3/us-east-1/', '/assets/index.js', '/'])
		await fetch(console_ + path, {credentials: 'include'}).then(async r => could('read ' + path + ': ' + (await r.text()).slice(0, 80)), () => {});
	await fetch(console_ + '/session', {method: 'DELETE', credentials: 'include'}).then(() => could('send DELETE'), () => {});
	await fetch(console_ + '/aws/cloudtrail/us-east-1/', {method: 'POST', credentials: 'include', headers: {'X-Amz-Target': 'CloudTrail_20131101.ListTrails'}, body: '{}'}).then(() => could('send X-Amz-Target'), () => {});
	await fetch(console_ + '/aws/iam/us-east-1/', {...post, body: 'Action=CreateUser&UserName=evil-fetch&Version=2010-05-08'}).catch(() => {});
	await fetch(console_ + '/session', {...post, body: JSON.stringify({accessKeyId: 'AKIAEVIL', secretAccessKey: 'x'})}).catch(() => {});
	navigator.sendBeacon(console_ + '/aws/iam/us-east-1/', new URLSearchParams({Action: 'CreateUser', UserName: 'evil-beacon', Version: '2010-05-08'}));
	for (const [name, set] of [['img', {src: console_ + '/favicon.svg'}], ['img', {src: console_ + '/_cairn/api/settings'}], ['script', {src: console_ + '/assets/index.js'}],
		['script', {src: console_ + '/_cairn/api/settings'}], ['link', {rel: 'stylesheet', href: console_ + '/assets/index.css'}]])
		if (await element(name, set)) could('use ' + (set.src ?? set.href) + ' as ' + name);
	const source = new EventSource(console_ + '/_cairn/api/tail', {withCredentials: true});
	await new Promise(done => { source.onopen = () => { could('follow events'); done(); }; source.onerror = done; });
	source.close();
	const frame = document.createElement('iframe');
	frame.src = console_ + '/events';
	document.body.append(frame);
	const target = document.body.appendChild(Object.assign(document.createElement('iframe'), {name: 'sink'}));
	for (const [path, fields] of [['/aws/iam/us-east-1/', {Action: 'CreateUser', UserName: 'evil-form', Version: '2010-05-08'}], ['/session', {link: 'x'}]]) {
		const form = Object.assign(document.createElement('form'), {method: 'POST', action: console_ + path, target: target.name});
		for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), {name, value}));
		document.body.append(form);
		form.submit();
		await later(150);
	}
	const other = window.open(console_ + '/events');
	await later(700);
	try { if (other && !other.closed && other.document.body) could('read the window'); } catch {}
	try { if (other && other.length !== 0) could('count the frames of the window'); } catch {}
	try { if (other && !other.closed) { other.postMessage({link: 'x'}, '*'); other.location = 'about:blank#moved'; await later(150); if (other.location.hash === '#moved') could('move the window'); } } catch {}
	window.finished = true;
}
tryAll();
</script>`

// What a page of another origin tries against somebody who is signed in fails, whether it is
// on another port of the same host, which cookies go to, or on another host.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	page := fmt.Sprintf(attack, quoteJS(x.console))
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(foreign.Close)
	u, err := url.Parse(foreign.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{foreign.URL, "http://" + net.JoinHostPort("localhost", u.Port())} {
		v := x.signIn(t, x.operator)
		v.Origins = nil // the foreign page asks for what it likes
		v.visit("/settings")
		before := events(v)
		v.must(v.Goto(address))
		v.must(v.Wait("window.finished"))
		if could := eval[[]string](v, "results"); len(could) > 0 {
			t.Errorf("a page of %s could %q", address, could)
		}
		ran := false
		for _, p := range v.Problems() {
			ran = ran || p.Kind == "script"
		}
		if !ran {
			t.Errorf("the page of %s did not run", address)
		}
		v.Forget()
		v.must(v.Front())
		v.visit("/settings")
		v.wait("button", "Signed in as .*") // nobody signed it out
		users := iamUsers(v)
		if len(users) > 0 {
			t.Errorf("a page of %s made users: %q", address, users)
		}
		for name, n := range events(v) {
			if n > before[name] && slices.Contains([]string{"CreateUser", "ListBuckets", "ListTrails", "TailEvents"}, name) {
				t.Errorf("a page of %s made %d calls %s", address, n-before[name], name)
			}
		}
	}
}

// events counts the events of the history, by name.
func events(v *view) map[string]int {
	v.t.Helper()
	return eval[map[string]int](v, `fetch('/_cairn/api/values?attribute=EventName').then(r => r.json()).then(a => Object.fromEntries(a.values.map(v => [v.value, v.count])))`)
}

func iamUsers(v *view) []string {
	v.t.Helper()
	return eval[[]string](v, `fetch('/aws/iam/us-east-1/', {method: 'POST', headers: {Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded'}, body: 'Action=ListUsers&Version=2010-05-08'})
		.then(r => r.json()).then(a => (a.ListUsersResponse.ListUsersResult.Users ?? []).map(u => u.UserName))`)
}

// A page that somebody has put into the embedded S3 is no page of the console: there it is
// a download, and at the S3 itself it runs no script.
func TestObjectIsNoPage(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	page := fmt.Sprintf(attack, quoteJS(x.console))
	x.call(t, x.operator, "s3", http.MethodPut, "/evil-bucket", "")
	for name, contentType := range map[string]string{"evil.html": "text/html", "evil.svg": "image/svg+xml", "evil.js": "text/javascript"} {
		x.call(t, x.operator, "s3", http.MethodPut, "/evil-bucket/"+name, page, "Content-Type", contentType)
	}
	dir := t.TempDir()
	v := x.signIn(t, x.operator, download(dir))
	v.Origins = append(v.Origins, x.api)
	v.visit("/settings")
	v.wait("button", "Signed in as .*")
	for i, name := range []string{"evil.html", "evil.svg"} {
		v.must(v.Eval("void (location.href = "+quoteJS("/aws/s3/us-east-1/evil-bucket/"+name)+")", nil))
		d, err := v.WaitDownload(i)
		v.must(err)
		if b, err := os.ReadFile(d.Path); err != nil || string(b) != page || d.State != "completed" {
			t.Errorf("%s became %+v, %v", name, d, err)
		}
	}
	if !strings.HasPrefix(eval[string](v, "location.pathname"), "/") || eval[bool](v, "'results' in window") {
		t.Error("the object is a page of the console")
	}
	// The console's own code could not run it either, were it made to.
	for name, how := range map[string]string{
		"a script": `new Promise(done => { const e = document.createElement('script'); e.onload = () => done('loaded'); e.onerror = () => done('refused');
			try { e.src = '/aws/s3/us-east-1/evil-bucket/evil.js'; document.head.append(e); } catch { done('refused') } })`,
		"a frame": `new Promise(done => { const e = document.createElement('iframe'); e.src = '/aws/s3/us-east-1/evil-bucket/evil.html'; document.body.append(e);
			setTimeout(() => { try { done(e.contentWindow.results ? 'loaded' : 'refused') } catch { done('refused') } }, 300) })`,
	} {
		if got := eval[string](v, how); got != "refused" {
			t.Errorf("the object as %s was %s", name, got)
		}
	}
	// Somebody who goes there by the address alone gets nothing.
	if err := v.Goto(x.console + "/aws/s3/us-east-1/evil-bucket/evil.html"); err == nil {
		v.see("The request is not from a page of the console")
	}
	for _, p := range v.Problems() {
		if p.Kind == "script" || p.Kind == "dialog" {
			t.Errorf("on the console: %s", p)
		}
	}
	v.Forget() // the attempts above violate the policy, as they must

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.api+"/evil-bucket/evil.html", nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := sigv4.Presign(r, sigv4.UnsignedPayload, sigv4.Credentials{AccessKeyID: x.operator.AccessKeyID, SecretAccessKey: x.operator.Secret}, "s3", region, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.must(v.Goto(signed))
	v.must(v.Wait("document.title === 'foreign'"))
	if eval[bool](v, "'results' in window") {
		t.Error("a script of an object runs at the S3")
	}
	v.expect("log", "Blocked script execution|sandboxed|favicon")
}
