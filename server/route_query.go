package server

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/eventlog"
)

// An eventQuery is what the parameters of a URL ask for: what the event log
// answers from its index, and conditions that records are held to afterwards.
type eventQuery struct {
	eventlog.Query
	errorOnly  bool        // only calls that failed
	limit      int         // 0: all
	conditions []condition // all must pass
}

// The bounds of a query. They keep what one request can make the server do for
// each record small.
const (
	maxQueryValues  = 256
	maxQueryText    = 4096 // bytes of one value
	defaultGetLimit = 50
)

// A condition passes if one of its tests does.
type condition []recordTest

// A recordTest holds a record to values of one attribute or path.
type recordTest struct {
	attribute cairn.Attribute // 0 for a path
	path      jsonPath
	exact     []string
	prefixes  []string
	not       bool
}

// queryNames are the parameters that are no conditions on values, each of which
// can be given once.
var queryNames = []string{"account", "region", "category", "since", "until", "errorOnly", "limit", "after", "order"}

var groupPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// parseEventQuery reads the parameters of a URL. Those in others belong to the
// route, and those of a presigned URL to its signature.
func parseEventQuery(values url.Values, others ...string) (*eventQuery, error) {
	q := &eventQuery{limit: defaultGetLimit}
	one := make(map[string]string)
	tests := make(map[string]condition) // by group
	total := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if slices.Contains(others, name) || strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if slices.Contains(queryNames, name) {
			if len(v) != 1 {
				return nil, fmt.Errorf("%s is given %d times", name, len(v))
			}
			one[name] = v[0]
			continue
		}
		if total += len(v); total > maxQueryValues {
			return nil, fmt.Errorf("there are more than %d values", maxQueryValues)
		}
		group, t, err := parseTest(name, v)
		if err != nil {
			return nil, err
		}
		if group == "" {
			q.and(t)
		} else {
			tests[group] = append(tests[group], t)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(tests)) {
		if c := tests[group]; len(c) == 1 {
			q.and(c[0])
		} else {
			q.conditions = append(q.conditions, c)
		}
	}
	return q, q.settings(one)
}

// parseTest reads one parameter: [or.GROUP.][not.]ATTRIBUTE or
// [or.GROUP.][not.]path.PATH.
func parseTest(name string, values []string) (group string, t recordTest, err error) {
	rest := name
	if after, ok := strings.CutPrefix(rest, "or."); ok {
		if group, rest, ok = strings.Cut(after, "."); !ok || !groupPattern.MatchString(group) {
			return "", t, fmt.Errorf("parameter %q: or. is followed by the name of a group, of letters, digits, - and _, and a condition", clip(name))
		}
	}
	rest, t.not = strings.CutPrefix(rest, "not.")
	if path, ok := strings.CutPrefix(rest, "path."); ok {
		if t.path, err = parseJSONPath(path); err != nil {
			return "", t, fmt.Errorf("parameter %q: %w", clip(name), err)
		}
	} else if t.attribute, ok = cairn.ParseAttribute(rest); !ok {
		return "", t, fmt.Errorf("parameter %q is not known", clip(name))
	}
	for _, v := range values {
		stem, star := strings.CutSuffix(v, "*")
		literal, escaped := strings.CutSuffix(stem, `\`)
		switch {
		case v == "":
			return "", t, fmt.Errorf("parameter %q has an empty value", clip(name))
		case len(v) > maxQueryText:
			return "", t, fmt.Errorf("parameter %q has a value of more than %d bytes", clip(name), maxQueryText)
		case t.attribute == cairn.AttrReadOnly && v != "true" && v != "false":
			return "", t, fmt.Errorf("ReadOnly %q is neither true nor false", clip(v))
		case star && escaped:
			t.exact = append(t.exact, literal+"*")
		case star:
			t.prefixes = append(t.prefixes, stem)
		default:
			t.exact = append(t.exact, v)
		}
	}
	return group, t, nil
}

// and adds a test that must pass: to the event log's filters where they can
// express it.
func (q *eventQuery) and(t recordTest) {
	if t.attribute == 0 || len(t.exact) > 0 && len(t.prefixes) > 0 && !t.not {
		q.conditions = append(q.conditions, condition{t})
		return
	}
	if len(t.exact) > 0 {
		q.Filters = append(q.Filters, eventlog.Filter{Attribute: t.attribute, Values: t.exact, Not: t.not})
	}
	if len(t.prefixes) > 0 {
		q.Filters = append(q.Filters, eventlog.Filter{Attribute: t.attribute, Values: t.prefixes, Prefix: true, Not: t.not})
	}
}

// settings reads the parameters that are no conditions on values.
func (q *eventQuery) settings(one map[string]string) (err error) {
	if q.Scope, err = scopeOf(one["account"], one["region"], one["category"]); err != nil {
		return err
	}
	if q.Since, err = queryTime("since", one["since"]); err != nil {
		return err
	}
	if q.Until, err = queryTime("until", one["until"]); err != nil {
		return err
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since) {
		return errors.New("the time range ends before it begins")
	}
	switch v, given := one["errorOnly"]; {
	case !given, v == "false":
	case v == "true":
		q.errorOnly = true
	default:
		return fmt.Errorf("errorOnly %q is neither true nor false", clip(v))
	}
	if v, given := one["limit"]; given {
		if q.limit, err = strconv.Atoi(v); err != nil || q.limit < 0 {
			return fmt.Errorf("limit %q is not a number from 0 on", clip(v))
		}
	}
	switch v, given := one["order"]; {
	case !given, v == "newest":
	case v == "oldest":
		q.OldestFirst = true
	default:
		return fmt.Errorf("order %q is neither newest nor oldest", clip(v))
	}
	q.After, err = parseCursor(one["after"])
	return err
}

// queryTime reads a time: RFC 3339, or seconds since 1970.
func queryTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 && seconds <= math.MaxUint32 {
		return time.Unix(seconds, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Unix() <= 0 || t.Unix() > math.MaxUint32 {
		return time.Time{}, fmt.Errorf("%s %q is neither a time like 2024-05-01T10:00:00Z nor seconds since 1970", name, clip(text))
	}
	return t, nil
}

// keep returns what events are held to beside the event log's query, nil if
// that says it all. The events must have been extracted.
func (q *eventQuery) keep() func(*cairn.Event) bool {
	switch {
	case len(q.conditions) == 0 && !q.errorOnly:
		return nil
	case len(q.conditions) == 0:
		return failed
	}
	return func(e *cairn.Event) bool {
		if q.errorOnly && !failed(e) {
			return false
		}
		for _, c := range q.conditions {
			if !slices.ContainsFunc(c, func(t recordTest) bool { return t.passes(e) }) {
				return false
			}
		}
		return true
	}
}

// scans says whether the query reads records that the index cannot rule out: it
// can then take as long as reading all records of its scope and time range.
func (q *eventQuery) scans() bool {
	return len(q.conditions) > 0 || q.errorOnly || scans(q.Filters)
}

// scans says whether any filter is on the beginning of a value that the index
// keeps no list of.
func scans(filters []eventlog.Filter) bool {
	return slices.ContainsFunc(filters, func(f eventlog.Filter) bool {
		switch f.Attribute {
		case cairn.AttrEventID, cairn.AttrResourceName, cairn.AttrAccessKeyID:
			return f.Prefix
		}
		return false
	})
}

func (t *recordTest) passes(e *cairn.Event) bool {
	found := false
	look := func(v string) bool {
		found = t.takes(v)
		return !found
	}
	if t.attribute != 0 {
		e.Values(t.attribute, look)
	} else {
		t.path.values(e.Raw, look)
	}
	return found != t.not
}

func (t *recordTest) takes(v string) bool {
	return slices.Contains(t.exact, v) || slices.ContainsFunc(t.prefixes, func(p string) bool { return strings.HasPrefix(v, p) })
}

// clip shortens what a client sent for a message.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
