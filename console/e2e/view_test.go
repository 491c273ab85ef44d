package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cairn/console/e2e/browser"
	"cairn/server"
)

// A view is a tab that shows a site. What cannot be done fails the test, and so does
// every problem that the tab has met by the test's end.
type view struct {
	*browser.Tab
	t     *testing.T
	site  *site
	allow []func(browser.Problem) bool
}

// open opens a tab on a site.
func (x *site) open(t *testing.T, options ...browser.TabOption) *view {
	t.Helper()
	v := &view{Tab: newTab(t, options...), t: t, site: x}
	v.Origins = []string{x.console}
	t.Cleanup(v.check)
	return v
}

// signIn opens a tab that is signed in with a key, as after the request that the sign-in
// page makes. It shows no page yet.
func (x *site) signIn(t *testing.T, key server.Credentials, options ...browser.TabOption) *view {
	t.Helper()
	body, err := json.Marshal(map[string]string{"accessKeyId": key.AccessKeyID, "secretAccessKey": key.Secret})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.console+"/session", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	v := x.open(t, options...)
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 1 {
		t.Fatalf("sign in: %s", answer.Status)
	}
	v.must(v.SetCookie(x.console, answer.Cookies()[0]))
	return v
}

// expect lets problems of a kind pass whose text and URL fit a regular expression.
func (v *view) expect(kind browser.Kind, pattern string) {
	re := regexp.MustCompile(pattern)
	v.allow = append(v.allow, func(p browser.Problem) bool { return p.Kind == kind && re.MatchString(p.Text+" "+p.URL) })
}

// unexpected are the problems that nothing lets pass. The first answer to "who is signed
// in?" is 401, which browsers note as an error.
func (v *view) unexpected() (problems []browser.Problem) {
next:
	for _, p := range v.Problems() {
		if p.Kind == browser.Log && strings.HasSuffix(p.URL, "/session") && strings.Contains(p.Text, "status of 401") {
			continue
		}
		for _, allowed := range v.allow {
			if allowed(p) {
				continue next
			}
		}
		problems = append(problems, p)
	}
	return problems
}

// check reports problems, and what the page looks like if the test has failed.
func (v *view) check() {
	v.t.Helper()
	for _, p := range v.unexpected() {
		v.t.Errorf("the page had a problem: %s", p)
	}
	if !v.t.Failed() {
		return
	}
	text, _ := v.Text()
	url, _ := v.URL()
	v.t.Logf("the page %s:\n%.3000s", url, text)
	if picture, err := v.Screenshot(); err == nil {
		name := filepath.Join(v.t.ArtifactDir(), "page.png")
		if err := os.WriteFile(name, picture, 0o600); err == nil {
			v.t.Log("a picture, kept with go test -artifacts: ", name)
		}
	}
}

func (v *view) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// visit goes to a path of the console, as one who types its address.
func (v *view) visit(path string) {
	v.t.Helper()
	v.must(v.Goto(v.site.console + path))
}

func (v *view) click(role, name string) { v.t.Helper(); v.must(v.Get(role, name).Click()) }
func (v *view) wait(role, name string)  { v.t.Helper(); v.must(v.Get(role, name).Wait()) }
func (v *view) gone(role, name string)  { v.t.Helper(); v.must(v.Get(role, name).Gone()) }
func (v *view) see(text string)         { v.t.Helper(); v.must(v.See(text)) }
func (v *view) fill(role, name, text string) {
	v.t.Helper()
	v.must(v.Get(role, name).Fill(text))
}

// eval evaluates JavaScript in the page.
func eval[T any](v *view, expression string) (to T) {
	v.t.Helper()
	v.must(v.Eval(expression, &to))
	return to
}

// path waits until the page's path with its query begins with one.
func (v *view) path(want string) {
	v.t.Helper()
	v.must(v.Wait("(location.pathname + location.search).startsWith(" + quoteJS(want) + ")"))
}

// download lets a view save files.
func download(dir string) browser.TabOption { return browser.Downloads(dir) }

// query writes pairs of names and values as the query of a URL.
func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(pairs[i]) + "=" + strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
	}
	return b.String()
}

// quoteJS writes a text as JavaScript does.
func quoteJS(s string) string {
	b, _ := json.Marshal(s) // texts always have a JSON form
	return string(b)
}
