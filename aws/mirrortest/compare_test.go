package mirrortest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type sdkInner struct{ Key, Value *string }

type sdkEnum string

type sdkShape struct {
	Name           *string
	Kind           sdkEnum
	Count          *int32
	On             bool
	When           *time.Time
	List           []sdkInner
	Map            map[string]string
	ResultMetadata int
}

type inner struct{ Key, Value string }

func text(s string) *string { return &s }

// Every way in which the two sides can differ is found.
func TestCompare(t *testing.T) {
	t.Parallel()
	now, two := time.Unix(1_700_000_000, 0), int32(2)
	sdk := sdkShape{Name: text("a"), Kind: "K", Count: &two, On: true, When: &now,
		List: []sdkInner{{text("k"), text("v")}}, Map: map[string]string{"x": "y"}, ResultMetadata: 1}
	type full struct {
		Title string `aws:"name,min=1"`
		Kind  string
		Count *int32
		On    *bool
		When  time.Time
		List  []inner
		Map   map[string]string
	}
	yes := true
	same := func() *full {
		return &full{"a", "K", &two, &yes, now.UTC(), []inner{{"k", "v"}}, map[string]string{"x": "y"}}
	}
	for want, change := range map[string]func(*full){
		"":                   func(*full) {},
		"name: we have":      func(f *full) { f.Title = "b" },
		"Kind: we have":      func(f *full) { f.Kind = "" },
		"Count: we have":     func(f *full) { f.Count = nil },
		"On: we have":        func(f *full) { f.On = new(bool) },
		"When: we have":      func(f *full) { f.When = now.Add(time.Second) },
		"List[0].Value: we":  func(f *full) { f.List[0].Value = "w" },
		"List: we have 2":    func(f *full) { f.List = append(f.List, inner{}) },
		"Map[x]: we have":    func(f *full) { f.Map["x"] = "z" },
		"Map: we have 2":     func(f *full) { f.Map["w"] = "z" },
		"List: we have noth": func(f *full) { f.List = nil },
	} {
		ours := same()
		change(ours)
		found := strings.Join(compareMembers("in", reflect.ValueOf(ours).Elem(), reflect.ValueOf(sdk)), "\n")
		if (want == "") != (found == "") || !strings.Contains(found, want) {
			t.Errorf("want %q, found %q", want, found)
		}
	}
	for want, ours := range map[string]any{
		"in.When: we have no such member":         struct{ Name, Kind string }{"a", "K"},
		"in.Extra: the SDK has no such member":    struct{ Extra string }{"x"},
		"in.Count: our type is string, the SDK's": struct{ Count string }{"2"},
	} {
		found := strings.Join(compareMembers("in", reflect.ValueOf(ours), reflect.ValueOf(sdk)), "\n")
		if !strings.Contains(found, want) {
			t.Errorf("want %q, found %q", want, found)
		}
	}
}

// What is filled in differs from member to member, and keeps to the tags.
func TestFill(t *testing.T) {
	t.Parallel()
	type shape struct {
		Name string `aws:",required,min=9,max=12,pattern=^[0-9a-z]+$"`
		Path string `aws:",pattern=^/.*/$"`
		Kind string `aws:",enum=one|two"`
		N    *int32 `aws:",min=5,max=6"`
		When time.Time
		List []string
	}
	var sdk struct {
		Name, Path *string
		Kind       sdkEnum
		N          *int32
		When       *time.Time
		List       []string
	}
	if err := new(filler).fillSDK(reflect.ValueOf(&sdk).Elem(), reflect.TypeFor[shape](), "in"); err != nil {
		t.Fatal(err)
	}
	name := constraintsOf(reflect.TypeFor[shape]().Field(0))
	if !name.allows(*sdk.Name) || !strings.HasPrefix(*sdk.Path, "/") || sdk.Kind != "one" && sdk.Kind != "two" || *sdk.N < 5 || *sdk.N > 6 || sdk.When.IsZero() {
		t.Errorf("filled %q %q %q %d %v", *sdk.Name, *sdk.Path, sdk.Kind, *sdk.N, sdk.When)
	}
	if len(sdk.List) != 2 || sdk.List[0] == sdk.List[1] || fmt.Sprint(sdk.List[0]) == *sdk.Name {
		t.Errorf("the list is %q", sdk.List)
	}
	var more struct{ Unknown *string }
	if err := new(filler).fillSDK(reflect.ValueOf(&more).Elem(), reflect.TypeFor[shape](), "in"); err == nil {
		t.Error("a member that we do not have was filled")
	}
}
