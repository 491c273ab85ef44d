package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"cairn"
	"cairn/server"
)

// attributeFlags are the flags that events are found by.
var attributeFlags = []struct {
	flag      string
	attribute cairn.Attribute
}{
	{"event-id", cairn.AttrEventID},
	{"event-name", cairn.AttrEventName},
	{"event-source", cairn.AttrEventSource},
	{"username", cairn.AttrUsername},
	{"resource-type", cairn.AttrResourceType},
	{"resource-name", cairn.AttrResourceName},
	{"read-only", cairn.AttrReadOnly},
	{"access-key-id", cairn.AttrAccessKeyID},
	{"error-code", cairn.AttrErrorCode},
	{"source-ip", cairn.AttrSourceIP},
	{"user-arn", cairn.AttrUserARN},
}

const filterHelp = `Each attribute's flag may be given several times: an event passes if it has one
of the values. --not-event-name and its like are the opposite: an event passes if
it has none of them. Different flags must all pass. A * at the end of a value
matches every value that begins so (\* for a real star).

Without any of these flags, --error-only and --category, management events alone
are shown, without those of Cairn's own lookups (GetEvents). With any of them all
events are searched; so they are with --category all.

--error-only is for events with an error code, and for console sign-ins that
failed, which have none.`

// categories are what --category takes in any case, besides all.
const categories = "Management, Data, Insight, NetworkActivity, Aggregated, Other"

// filterFlags are the conditions of lookup and tail.
type filterFlags struct {
	values    map[string]*[]string // by flag
	account   string
	region    string
	category  string
	errorOnly bool
	since     string
	until     string
}

func (f *filterFlags) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	f.values = make(map[string]*[]string)
	for _, not := range []bool{false, true} {
		for _, a := range attributeFlags {
			name, usage := a.flag, fmt.Sprintf("only events with this %s", a.attribute)
			if not {
				name, usage = "not-"+name, fmt.Sprintf("only events without this %s", a.attribute)
			}
			f.values[name] = flags.StringArray(name, nil, usage)
		}
	}
	flags.StringVar(&f.account, "account", "", "only events of this account")
	flags.StringVar(&f.region, "region", "", "only events of this region")
	_ = flags.SetAnnotation("region", conditionFlag, nil) // the flag exists
	flags.StringVar(&f.category, "category", "", "only events of this category: "+categories+"; or all")
	flags.BoolVar(&f.errorOnly, "error-only", false, "only events of calls and sign-ins that failed")
	flags.StringVar(&f.since, "since", "0", "only events from this time on")
	flags.StringVar(&f.until, "until", "now", "only events up to this time")
}

// conditionFlag annotates a flag that has the name of a setting but is a
// condition on events instead.
const conditionFlag = "condition"

// request builds the query. Narrowed says that it keeps to management events
// because nothing was asked for.
func (f *filterFlags) request(now time.Time) (q server.LookupRequest, narrowed bool, err error) {
	q = server.LookupRequest{Account: f.account, Region: f.region, ErrorOnly: f.errorOnly}
	if q.Category, err = parseCategory(f.category); err != nil {
		return q, false, err
	}
	for _, not := range []bool{false, true} {
		for _, a := range attributeFlags {
			name := a.flag
			if not {
				name = "not-" + name
			}
			filters, err := attributeFilters(name, a.attribute, *f.values[name], not)
			if err != nil {
				return q, false, err
			}
			q.Filters = append(q.Filters, filters...)
		}
	}
	if narrowed = f.category == "" && !f.errorOnly && len(q.Filters) == 0; narrowed {
		// Data events and the lookups themselves would soon fill the view.
		q.Category = cairn.Management.String()
		q.Filters = []server.LookupFilter{{Attribute: cairn.AttrEventName.String(), Values: []string{"GetEvents"}, Not: true}}
	}
	return q, narrowed, f.timeRange(&q, now)
}

// parseCategory returns the category that a text names in any case, empty for
// all.
func parseCategory(text string) (string, error) {
	if text == "" || strings.EqualFold(text, "all") {
		return "", nil
	}
	for name := range strings.SplitSeq(categories, ", ") {
		if strings.EqualFold(name, text) {
			return name, nil
		}
	}
	return "", usagef("--category %q: not one of %s, all", text, categories)
}

// narrowedHint tells of the events that a query without a condition leaves out.
const narrowedHint = "… management events only: --category all shows the others too"

// attributeFilters turns the values of one flag into filters.
func attributeFilters(flag string, a cairn.Attribute, values []string, not bool) ([]server.LookupFilter, error) {
	exact := server.LookupFilter{Attribute: a.String(), Not: not}
	prefix := server.LookupFilter{Attribute: a.String(), Not: not, Prefix: true}
	for _, v := range values {
		stem, star := strings.CutSuffix(v, "*")
		literal, escaped := strings.CutSuffix(stem, `\`)
		switch {
		case v == "":
			return nil, usagef("--%s: the value is empty", flag)
		case a == cairn.AttrReadOnly && v != "true" && v != "false":
			return nil, usagef("--%s %q: it is true or false", flag, v)
		case star && escaped:
			exact.Values = append(exact.Values, literal+"*")
		case star:
			prefix.Values = append(prefix.Values, stem)
		default:
			exact.Values = append(exact.Values, v)
		}
	}
	var filters []server.LookupFilter
	if len(exact.Values) > 0 && len(prefix.Values) > 0 && !not {
		return nil, usagef("--%s: values with a * at the end cannot be mixed with others in one search", flag)
	}
	for _, f := range []server.LookupFilter{exact, prefix} {
		if len(f.Values) > 0 {
			filters = append(filters, f)
		}
	}
	return filters, nil
}

func (f *filterFlags) timeRange(q *server.LookupRequest, now time.Time) error {
	since, err := parseTime(f.since, now, false)
	if err != nil {
		return usagef("--since: %w", err)
	}
	if !since.IsZero() {
		q.Since = &since
	}
	if f.until == "now" {
		return nil // records dated a little ahead are found too
	}
	until, err := parseTime(f.until, now, true)
	if err != nil {
		return usagef("--until: %w", err)
	}
	if until.IsZero() {
		return usagef("--until %s: no event is that old", f.until)
	}
	if since.After(until) {
		return usagef("--until %s: it is before --since %s", f.until, f.since)
	}
	q.Until = &until
	return nil
}
