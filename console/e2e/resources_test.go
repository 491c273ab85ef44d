package e2e

import "testing"

// A resource's timeline tells what became of it, under each name that it had.
func TestTimeline(t *testing.T) {
	t.Parallel()
	x := newSite(t, nil)
	iam := func(id int, name string, parameters map[string]any) []byte {
		return madeRecord(t, id, map[string]any{"eventSource": "iam.amazonaws.com", "eventName": name, "requestParameters": parameters})
	}
	x.load(t,
		iam(300, "CreateUser", map[string]any{"userName": "Kit-user"}),
		iam(200, "AddUserToGroup", map[string]any{"userName": "Kit-user", "groupName": "developers"}),
		iam(100, "UpdateUser", map[string]any{"userName": "Kit-user", "newUserName": "Kit-admin"}),
		iam(50, "TagUser", map[string]any{"userName": "Kit-admin", "tags": []any{map[string]any{"key": "team", "value": "blue"}}}))
	v := x.signIn(t, x.operator)
	v.visit("/resources?type=AWS%3A%3AIAM%3A%3AUser&name=Kit-admin")
	v.wait("heading", "Kit-admin.*")
	for _, text := range []string{"Kit-user", "CreateUser", "AddUserToGroup", "UpdateUser", "TagUser", "developers", "alice"} {
		v.see(text)
	}
	v.click("link", "TagUser.*|.*TagUser")
	v.path("/events/" + eventID(50))
	v.wait("heading", "TagUser")
}
