package policy_test

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/internal/policy"
)

// The model evaluates policies the slow and obvious way: straight from the JSON
// document, with regular expressions, rational numbers and no compiled state. It
// shares no code with the package; only the caller's type is the package's.

type modelRequest struct {
	action, resource string
	caller           policy.Principal
	context          map[string][]string // keys in lower case
}

type modelPolicies struct {
	identity          []string
	resource          string
	owner             string
	resourceMustAllow bool
	boundary          string
	session           []string
	scps              [][]string
}

// modelEvaluate returns "allow", "explicit" or "implicit".
func modelEvaluate(r modelRequest, p modelPolicies) string {
	hasAccount := r.caller.AccountID != ""
	var everything []string
	everything = append(everything, p.identity...)
	everything = append(everything, p.session...)
	if p.boundary != "" {
		everything = append(everything, p.boundary)
	}
	if hasAccount {
		for _, level := range p.scps {
			everything = append(everything, level...)
		}
	}
	for _, document := range everything {
		if len(modelMatches(document, "Deny", r, false)) > 0 {
			return "explicit"
		}
	}
	if p.resource != "" && len(modelMatches(p.resource, "Deny", r, true)) > 0 {
		return "explicit"
	}
	anyAllows := func(documents []string) bool {
		return slices.ContainsFunc(documents, func(d string) bool {
			return len(modelMatches(d, "Allow", r, false)) > 0
		})
	}
	var grants []string
	if p.resource != "" {
		grants = modelMatches(p.resource, "Allow", r, true)
	}
	if !hasAccount {
		return modelOutcome(len(grants) > 0)
	}
	for _, level := range p.scps {
		if !anyAllows(level) {
			return "implicit"
		}
	}
	foreign := p.owner != "" && p.owner != r.caller.AccountID
	if !foreign && slices.Contains(grants, "self") {
		return "allow"
	}
	base := anyAllows(p.identity) || r.caller.Type == policy.Root || !foreign && slices.Contains(grants, "issuer")
	if (foreign || p.resourceMustAllow) && len(grants) == 0 {
		base = false
	}
	if r.caller.Type != policy.Root && p.boundary != "" && !anyAllows([]string{p.boundary}) {
		base = false
	}
	if len(p.session) > 0 && !anyAllows(p.session) {
		base = false
	}
	if r.caller.Type == policy.FederatedUser && len(p.session) == 0 {
		base = false
	}
	return modelOutcome(base)
}

func modelOutcome(allowed bool) string {
	if allowed {
		return "allow"
	}
	return "implicit"
}

// modelMatches returns, for each statement with the effect that applies, whom it
// names: "account", "issuer" or "self".
func modelMatches(document, effect string, r modelRequest, ofResource bool) (named []string) {
	var d map[string]any
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		panic(err)
	}
	variables := d["Version"] == "2012-10-17"
	for _, one := range modelList(d["Statement"]) {
		s := one.(map[string]any)
		if s["Effect"] != effect || !modelElements(s, r, variables) {
			continue
		}
		if !ofResource {
			named = append(named, "self")
			continue
		}
		named = append(named, modelPrincipal(s, r.caller)...)
	}
	return named
}

func modelList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func modelStrings(v any) (list []string) {
	for _, one := range modelList(v) {
		switch one := one.(type) {
		case string:
			list = append(list, one)
		case bool:
			list = append(list, strconv.FormatBool(one))
		case float64:
			list = append(list, strconv.FormatFloat(one, 'f', -1, 64))
		}
	}
	return list
}

func modelElements(s map[string]any, r modelRequest, variables bool) bool {
	deny := s["Effect"] == "Deny"
	for _, name := range []string{"Action", "Resource"} {
		value, flags := r.action, "(?is)"
		if name == "Resource" {
			value, flags = r.resource, "(?s)"
		}
		for _, not := range []bool{false, true} {
			element := name
			if not {
				element = "Not" + name
			}
			v, ok := s[element]
			if !ok {
				continue
			}
			hit, open := false, false
			for _, pattern := range modelStrings(v) {
				re, known := modelRegexp(pattern, flags, variables && name == "Resource", true, r.context)
				switch {
				case !known:
					open = true
				case re.MatchString(value):
					hit = true
				}
			}
			if not && !hit && open && !deny {
				return false
			}
			if hit == not {
				return false
			}
		}
	}
	conditions, _ := s["Condition"].(map[string]any)
	for operator, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			if !modelCondition(operator, key, modelStrings(values), r.context, variables, deny) {
				return false
			}
		}
	}
	return true
}

var modelVariable = regexp.MustCompile(`\$\{([^},]*)(?:, *'([^']*)')?\}`)

// modelRegexp translates a pattern. known is false if a variable has no value.
func modelRegexp(pattern, flags string, variables, wildcards bool, ctx map[string][]string) (re *regexp.Regexp, known bool) {
	var b strings.Builder
	plain := func(s string) {
		for _, c := range s {
			switch {
			case wildcards && c == '*':
				b.WriteString(".*")
			case wildcards && c == '?':
				b.WriteString(".")
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
	}
	known = true
	at := 0
	for _, m := range modelVariable.FindAllStringSubmatchIndex(pattern, -1) {
		if !variables {
			break
		}
		plain(pattern[at:m[0]])
		at = m[1]
		key := pattern[m[2]:m[3]]
		values := ctx[strings.ToLower(key)]
		switch {
		case key == "*" || key == "?" || key == "$":
			b.WriteString(regexp.QuoteMeta(key))
		case len(values) == 1:
			b.WriteString(regexp.QuoteMeta(values[0]))
		case len(values) == 0 && m[4] >= 0:
			b.WriteString(regexp.QuoteMeta(pattern[m[4]:m[5]]))
		default:
			known = false
		}
	}
	plain(pattern[at:])
	return regexp.MustCompile(flags + "^(?:" + b.String() + ")$"), known
}

func modelCondition(operator, key string, wanted []string, ctx map[string][]string, variables, deny bool) bool {
	values := ctx[strings.ToLower(key)]
	if operator == "Null" {
		return slices.Contains(wanted, strconv.FormatBool(len(values) == 0))
	}
	base, ifExists := strings.CutSuffix(operator, "IfExists")
	base, all := strings.CutPrefix(base, "ForAllValues:")
	base, some := strings.CutPrefix(base, "ForAnyValue:")
	negated := strings.Contains(base, "Not")
	base = strings.Replace(base, "Not", "", 1)
	if len(values) == 0 {
		switch {
		case ifExists, all:
			return true
		case some:
			return false
		}
		return negated
	}
	// one is the answer for a single value of the request.
	one := func(value string) bool {
		open := false
		for _, w := range wanted {
			hit, known := modelCompare(base, w, value, ctx, variables)
			if known && hit {
				return !negated
			}
			open = open || !known
		}
		if open && negated {
			return deny
		}
		return negated
	}
	empty := !slices.ContainsFunc(values, func(v string) bool { return v != "" })
	switch {
	case all:
		return empty || !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	case some:
		return !empty && slices.ContainsFunc(values, one)
	case negated:
		return !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(values, one)
}

func modelCompare(base, wanted, value string, ctx map[string][]string, variables bool) (hit, known bool) {
	match := func(flags string, wildcards bool) (bool, bool) {
		re, known := modelRegexp(wanted, flags, variables, wildcards, ctx)
		return re.MatchString(value), known
	}
	switch {
	case base == "StringEquals":
		return match("(?s)", false)
	case base == "StringEqualsIgnoreCase", base == "Bool":
		return match("(?is)", false)
	case base == "StringLike":
		return match("(?s)", true)
	case strings.HasPrefix(base, "Arn"):
		return modelARN(wanted, value, ctx, variables)
	case base == "BinaryEquals":
		b, err := base64.StdEncoding.DecodeString(wanted)
		return err == nil && string(b) == value, true
	case base == "IpAddress":
		if !strings.Contains(wanted, "/") {
			wanted += map[bool]string{true: "/128", false: "/32"}[strings.Contains(wanted, ":")]
		}
		_, network, err := net.ParseCIDR(wanted)
		ip := net.ParseIP(value)
		return err == nil && ip != nil && network.Contains(ip), ip != nil
	}
	var order int
	if relation, ok := strings.CutPrefix(base, "Numeric"); ok {
		a, okA := new(big.Rat).SetString(value)
		b, okB := new(big.Rat).SetString(wanted)
		if !okA || !okB {
			return false, !okB
		}
		order, base = a.Cmp(b), relation
	} else {
		a, okA := modelDate(value)
		b, okB := modelDate(wanted)
		if !okA || !okB {
			return false, !okB
		}
		order, base = a.Compare(b), strings.TrimPrefix(base, "Date")
	}
	return map[string]bool{
		"Equals": order == 0, "LessThan": order < 0, "LessThanEquals": order <= 0,
		"GreaterThan": order > 0, "GreaterThanEquals": order >= 0,
	}[base], true
}

func modelDate(s string) (time.Time, bool) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, ok := new(big.Rat).SetString(s)
	if !modelEpoch.MatchString(s) || !ok {
		return time.Time{}, false
	}
	nanos := new(big.Rat).Mul(seconds, big.NewRat(1e9, 1)).Num().Int64()
	return time.Unix(0, nanos), true
}

var modelEpoch = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// modelARN matches part by part, with variables put in first. The values that
// tests give variables hold no wildcards where ARNs are compared.
func modelARN(wanted, value string, ctx map[string][]string, variables bool) (hit, known bool) {
	if wanted == "*" {
		return true, true
	}
	known = true
	if variables {
		wanted = modelVariable.ReplaceAllStringFunc(wanted, func(v string) string {
			m := modelVariable.FindStringSubmatch(v)
			values := ctx[strings.ToLower(m[1])]
			switch {
			case len(values) == 1:
				return values[0]
			case len(values) == 0 && strings.Contains(v, "'"):
				return m[2]
			}
			known = false
			return ""
		})
	}
	patterns, parts := strings.SplitN(wanted, ":", 6), strings.SplitN(value, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return false, known
	}
	for i := range parts {
		if re, _ := modelRegexp(patterns[i], "(?s)", false, true, nil); !re.MatchString(parts[i]) {
			return false, known
		}
	}
	return true, known
}

// modelPrincipal returns "self", "issuer" or "account" if the statement's
// Principal or NotPrincipal speaks of the caller, or nothing.
func modelPrincipal(s map[string]any, c policy.Principal) []string {
	element, not := s["NotPrincipal"]
	if !not {
		element = s["Principal"]
	}
	names := map[string]bool{}
	for _, entry := range modelPrincipalEntries(element) {
		for _, level := range modelLevels(entry, c) {
			names[level] = true
		}
	}
	if !not {
		for _, level := range []string{"self", "issuer", "account"} {
			if names[level] {
				return []string{level}
			}
		}
		return nil
	}
	exempt := len(names) > 0
	if s["Effect"] == "Deny" {
		exempt = names["self"]
		switch c.Type {
		case policy.AssumedRole, policy.FederatedUser:
			exempt = exempt && names["issuer"] && names["account"]
		case policy.User:
			exempt = exempt && names["account"]
		}
	}
	if exempt {
		return nil
	}
	return []string{"self"}
}

func modelPrincipalEntries(element any) (entries [][2]string) {
	if element == "*" {
		return [][2]string{{"AWS", "*"}}
	}
	for kind, list := range element.(map[string]any) {
		for _, name := range modelStrings(list) {
			entries = append(entries, [2]string{kind, name})
		}
	}
	return entries
}

func modelLevels(entry [2]string, c policy.Principal) []string {
	kind, name := entry[0], entry[1]
	switch {
	case kind == "AWS" && name == "*":
		return []string{"self", "issuer", "account"}
	case kind == "Service" && c.Type == policy.AWSService && (name == "*" || name == c.Service):
		return []string{"self"}
	case kind == "Federated" && c.Type == policy.WebOrSAML && name == c.Provider:
		return []string{"self"}
	case kind != "AWS" || c.AccountID == "":
		return nil
	case name == c.ARN:
		return []string{"self"}
	case name == c.IssuerARN:
		return []string{"issuer"}
	case name == c.AccountID || name == "arn:aws:iam::"+c.AccountID+":root":
		if c.Type == policy.Root {
			return []string{"self"}
		}
		return []string{"account"}
	}
	return nil
}
