package timeline

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// verbs are what the names of operations begin with, and what they do; longer
// ones come first where one begins with another.
var verbs = []struct{ verb, effect string }{
	{"Create", "create"}, {"Delete", "delete"}, {"Terminate", "delete"}, {"Update", "update"}, {"Modify", "update"}, {"Change", "update"},
	{"Put", "put"}, {"Set", "put"}, {"Add", "add"}, {"Attach", "add"}, {"Associate", "add"}, {"Register", "add"}, {"Authorize", "add"},
	{"Remove", "remove"}, {"Detach", "remove"}, {"Disassociate", "remove"}, {"Deregister", "remove"}, {"Revoke", "remove"},
	{"Enable", "enable"}, {"Disable", "disable"}, {"Start", "start"}, {"Stop", "stop"}, {"Tag", "tag"}, {"Untag", "untag"},
}

// genericRules are what an operation without rules of its own does to a resource
// of a type, as its name tells: the verb, and what is behind it. Understood is
// false where the name tells nothing; about says whether the operation is one on
// resources of this type at all, and not one that only names it.
func genericRules(event, typ string) (found []rule, about, understood bool) {
	kind := nounOf(typ)
	switch event {
	case "AddTags", "CreateTags", "AddTagsToResource", "TagResource", "TagResources":
		return []rule{{"tag", []string{"request"}}}, true, true
	case "RemoveTags", "DeleteTags", "RemoveTagsFromResource", "UntagResource", "UntagResources":
		return []rule{{"untag", []string{"request"}}}, true, true
	}
	about = kind != "" && strings.Contains(event, kind)
	for _, v := range verbs {
		rest, ok := strings.CutPrefix(event, v.verb)
		if r, _ := utf8.DecodeRuneInString(rest); !ok || rest == "" || !unicode.IsUpper(r) {
			continue
		}
		itself := rest == kind || rest == kind+"s"
		part := partOf(rest, kind)
		switch v.effect {
		case "create":
			if itself {
				return []rule{{"create", []string{"request", "response*"}}}, true, true
			}
			return []rule{{"add", []string{plural(part), "rest"}}}, about, about
		case "delete":
			if itself {
				return []rule{{"delete", nil}}, true, true
			}
			return []rule{{"unset", []string{part}}}, about, about
		case "update":
			if itself || slices.Contains([]string{"attribute", "attributes", "configuration", "settings", "config"}, part) {
				return []rule{{"merge", []string{"rest", "response*"}}}, about, about
			}
			return []rule{{"set", []string{part, "rest"}}}, about, about
		case "put":
			if itself || part == "attributes" {
				return []rule{{"merge", []string{"rest"}}}, about, about
			}
			return []rule{{"set", []string{part, "rest"}}}, about, about
		case "add":
			return []rule{{"add", []string{plural(part), "rest"}}}, about, about
		case "remove":
			return []rule{{"remove", []string{plural(part), "rest"}}}, about, about
		case "enable", "disable":
			if itself {
				part = "enabled"
			}
			text := "=true"
			if v.effect == "disable" {
				text = "=false"
			}
			return []rule{{"set", []string{part, text}}}, about, about
		case "start", "stop":
			text := map[string]string{"start": "=started", "stop": "=stopped"}[v.effect]
			if itself {
				part = "status"
			}
			return []rule{{"set", []string{part, text}}}, about, about
		case "tag":
			return []rule{{"tag", []string{"request"}}}, about, about
		case "untag":
			return []rule{{"untag", []string{"request"}}}, about, about
		}
	}
	return nil, about, false
}

// nounOf is what operations call resources of a type: the end of the type.
func nounOf(typ string) string {
	return typ[strings.LastIndexByte(typ, ':')+1:]
}

// partOf names the part of a resource that an operation is about: what is left
// of BucketPolicy without Bucket, with a small first letter.
func partOf(rest, kind string) string {
	part := rest
	if kind != "" {
		part = strings.TrimPrefix(part, kind)
		for _, joint := range []string{"To", "From", "With", "For", ""} {
			if before, ok := strings.CutSuffix(part, joint+kind); ok {
				part = before
				break
			}
		}
	}
	if part == "" || part == "s" {
		part = rest
	}
	r, n := utf8.DecodeRuneInString(part)
	return string(unicode.ToLower(r)) + part[n:]
}

func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "s"):
		return noun
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ey"):
		return noun[:len(noun)-1] + "ies"
	}
	return noun + "s"
}
