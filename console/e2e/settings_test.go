package e2e

import (
	"strings"
	"testing"

	"cairn/server"
)

// Somebody makes a user with an access key and signs in with it; once the key is disabled
// that session is over.
func TestKeys(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	v := x.signIn(t, x.operator)
	v.visit("/settings")
	v.click("button", "Create user")
	v.fill("textbox", "User name", "erin")
	v.must(v.Get("dialog", "Create user").Get("button", "Create user").Click())
	dialog := v.Get("dialog", "New access key")
	v.must(dialog.Get("button", "Show the secret access key").Click())
	words := eval[[]string](v, `[...document.querySelectorAll('[role=dialog] .mono')].map(e => e.innerText)`)
	if len(words) < 2 || !strings.HasPrefix(words[0], "AKIA") {
		t.Fatalf("the dialog shows %q", words)
	}
	key := server.Credentials{AccessKeyID: words[0], Secret: words[1]}
	v.must(dialog.Get("button", "Done").Click())
	v.must(dialog.Gone())
	if text := eval[string](v, "document.documentElement.outerHTML"); strings.Contains(text, key.Secret) {
		t.Error("the secret is still on the page")
	}

	erin := x.signIn(t, key)
	erin.visit("/settings?tab=session")
	erin.wait("button", "Signed in as erin, account "+account)
	erin.expect("log", "status of (400|401|403)") // erin may do nothing
	v.click("button", "Deactivate "+key.AccessKeyID)
	v.must(v.Get("dialog", "Deactivate access key\\?").Get("button", "Deactivate").Click())
	v.see("is inactive.")
	erin.must(erin.Reload())
	erin.wait("heading", "Sign in")
	erin.fill("textbox", "Access key ID", key.AccessKeyID)
	erin.fill("textbox", "Secret access key", key.Secret)
	erin.click("button", "Sign in")
	erin.see("is not valid.")
}

// Who belongs to another account sees nothing of this one, on any page and by any address.
func TestWalls(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	const marker = "wall-marker"
	x.load(t, madeRecord(t, 1, map[string]any{"userAgent": marker, "requestParameters": map[string]any{"bucketName": marker}, "resources": []any{map[string]any{"ARN": "arn:aws:s3:::" + marker, "type": "AWS::S3::Bucket"}}}))
	x.cloudTrail(t, x.operator, "ListTrails", struct{}{}, nil)
	other := x.addAccount(t, "444455556666")
	v := x.signIn(t, other)
	for _, path := range []string{"/events", "/events?ResourceName=" + marker, "/events/" + eventID(1), "/compare?ids=" + eventID(1), "/resources?type=AWS%3A%3AS3%3A%3ABucket&name=" + marker,
		"/events?account=" + account, "/dashboard", "/trails", "/settings?tab=account", "/settings?tab=server"} {
		v.visit(path)
		v.wait("button", "Signed in as .*, account 444455556666")
		v.must(v.Wait("!/Loading|Searching|Looking for/.test(document.body.innerText)"))
		text, err := v.Text()
		v.must(err)
		if strings.Contains(path, marker) {
			text = strings.ReplaceAll(text, marker, "") // what was asked for may be said
		}
		if strings.Contains(text, "alice") || strings.Contains(text, "RunInstances") || strings.Contains(text, marker) || strings.Contains(text, x.operator.AccessKeyID) || strings.Contains(text, x.data) {
			t.Errorf("%s shows the other account's user: %s", path, text)
		}
	}
	v.expect("log", "status of (400|403|404)")
}
