package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report gathers the differences by operation.
type report struct {
	operations map[operationName]*outcome
	unknown    map[operationName]int
	services   int // records that are not API calls
}

type operationName struct{ source, name string }

// outcome is what was found in the records of one operation.
type outcome struct {
	records     int
	different   int            // records with a difference
	differences map[string]int // by path and kind, with the number of records
	carried     map[string]int // paths of members that the API model does not have
}

func newReport() *report {
	return &report{operations: make(map[operationName]*outcome), unknown: make(map[operationName]int)}
}

// add compares one record.
func (p *report) add(r map[string]any) {
	if text(r, "eventType") != "AwsApiCall" {
		p.services++
		return
	}
	name := operationName{text(r, "eventSource"), text(r, "eventName")}
	op := operationOf(r)
	if op == nil {
		p.unknown[name]++
		return
	}
	o := p.operations[name]
	if o == nil {
		o = &outcome{differences: make(map[string]int), carried: make(map[string]int)}
		p.operations[name] = o
	}
	o.records++
	ours, err := again(op, r, func(path string) { o.carried[path]++ })
	if err != nil {
		o.different++
		o.differences["not JSON: "+err.Error()]++
		return
	}
	found := make(map[string]bool)
	compare("", expected(r), expected(ours), found)
	if len(found) > 0 {
		o.different++
	}
	for difference := range found {
		o.differences[difference]++
	}
}

// expected takes out what is known to differ.
func expected(r map[string]any) map[string]any {
	r = maps.Clone(r)
	for _, name := range []string{"eventVersion", "vpcEndpointId", "vpcEndpointAccountId", "sessionCredentialFromConsole"} {
		delete(r, name)
	}
	if u := object(r, "userIdentity"); u != nil {
		r["userIdentity"] = withoutEmpty(u)
		// A service that calls for somebody names itself in the record, or AWS in general.
		if text(u, "invokedBy") != "" {
			delete(r, "userAgent")
			delete(r, "tlsDetails")
		}
	}
	if answer := object(r, "responseElements"); answer != nil {
		if credentials := object(answer, "credentials"); credentials != nil {
			answer, credentials = maps.Clone(answer), maps.Clone(credentials)
			delete(credentials, "sessionToken")
			answer["credentials"] = credentials
			r["responseElements"] = answer
		}
	}
	return r
}

func withoutEmpty(u map[string]any) map[string]any {
	session := object(u, "sessionContext")
	if session == nil {
		return u
	}
	u, session = maps.Clone(u), maps.Clone(session)
	for _, name := range []string{"sessionIssuer", "webIdFederationData"} {
		if o := object(session, name); o != nil && len(o) == 0 {
			delete(session, name)
		}
	}
	delete(session, "ec2RoleDelivery") // how an instance got its credentials
	u["sessionContext"] = session
	return u
}

// compare notes where ours differs from real.
func compare(path string, real, ours any, found map[string]bool) {
	switch real := real.(type) {
	case map[string]any:
		tree, ok := ours.(map[string]any)
		if !ok {
			break
		}
		for name, v := range real {
			if w, ok := tree[name]; ok {
				compare(path+"."+name, v, w, found)
			} else {
				found[path+"."+name+": missing"] = true
			}
		}
		for name := range tree {
			if _, ok := real[name]; !ok {
				found[path+"."+name+": not in the real record"] = true
			}
		}
		return
	case []any:
		list, ok := ours.([]any)
		if !ok {
			break
		}
		if len(list) != len(real) {
			found[fmt.Sprintf("%s: %d elements for %d", path, len(list), len(real))] = true
			return
		}
		for i := range real {
			compare(path+"[]", real[i], list[i], found)
		}
		return
	}
	if a, b := kind(real), kind(ours); a != b {
		found[fmt.Sprintf("%s: %s for %s", path, b, a)] = true
	} else if !equal(real, ours) {
		found[path+": another value"] = true
	}
}

func equal(real, ours any) bool {
	a, isNumber := real.(json.Number)
	b, ok := ours.(json.Number)
	if !isNumber || !ok {
		return real == ours
	}
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	return x == y && err1 == nil && err2 == nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// write prints the report: a line per operation that differs, its differences below it,
// and totals per service.
func (p *report) write(w io.Writer) error {
	var b strings.Builder
	type total struct{ operations, differing, records, different int }
	totals := make(map[string]*total)
	for _, name := range slices.SortedFunc(maps.Keys(p.operations), operationName.compare) {
		o := p.operations[name]
		t := totals[name.source]
		if t == nil {
			t = &total{}
			totals[name.source] = t
		}
		t.operations++
		t.records += o.records
		t.different += o.different
		for _, path := range slices.Sorted(maps.Keys(o.carried)) {
			fmt.Fprintf(&b, "%s %s: %s is not in the API model and was taken over as it is\n", name.source, name.name, path)
		}
		if o.different == 0 {
			continue
		}
		t.differing++
		fmt.Fprintf(&b, "%s %s: %d of %d records differ\n", name.source, name.name, o.different, o.records)
		for _, difference := range slices.Sorted(maps.Keys(o.differences)) {
			fmt.Fprintf(&b, "    %s (%d)\n", strings.TrimPrefix(difference, "."), o.differences[difference])
		}
	}
	fmt.Fprintf(&b, "\n%-45s %10s %9s %8s %9s\n", "event source", "operations", "differing", "records", "differing")
	for _, source := range slices.Sorted(maps.Keys(totals)) {
		t := totals[source]
		fmt.Fprintf(&b, "%-45s %10d %9d %8d %9d\n", source, t.operations, t.differing, t.records, t.different)
	}
	for _, name := range slices.SortedFunc(maps.Keys(p.unknown), operationName.compare) {
		fmt.Fprintf(&b, "not in the API model: %s %s (%d records)\n", name.source, name.name, p.unknown[name])
	}
	fmt.Fprintf(&b, "not API calls: %d records\n", p.services)
	_, err := io.WriteString(w, b.String())
	return err
}

func (n operationName) compare(other operationName) int {
	return cmp.Or(cmp.Compare(n.source, other.source), cmp.Compare(n.name, other.name))
}

// differing counts the operations of a service that differ.
func (p *report) differing(source string) int {
	n := 0
	for name, o := range p.operations {
		if name.source == source && o.different > 0 {
			n++
		}
	}
	return n
}
