package policy

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// An operator is a condition operator without its prefix and suffix.
type operator uint8

const (
	opStringEquals operator = iota
	opStringEqualsIgnoreCase
	opStringLike
	opNumericEquals
	opNumericLessThan
	opNumericLessThanEquals
	opNumericGreaterThan
	opNumericGreaterThanEquals
	opDateEquals
	opDateLessThan
	opDateLessThanEquals
	opDateGreaterThan
	opDateGreaterThanEquals
	opBool
	opBinaryEquals
	opIPAddress
	opArnLike
	opNull

	opNegated operator = 0x80 // a bit beside the others
)

var operators = map[string]operator{
	"StringEquals":              opStringEquals,
	"StringNotEquals":           opStringEquals | opNegated,
	"StringEqualsIgnoreCase":    opStringEqualsIgnoreCase,
	"StringNotEqualsIgnoreCase": opStringEqualsIgnoreCase | opNegated,
	"StringLike":                opStringLike,
	"StringNotLike":             opStringLike | opNegated,
	"NumericEquals":             opNumericEquals,
	"NumericNotEquals":          opNumericEquals | opNegated,
	"NumericLessThan":           opNumericLessThan,
	"NumericLessThanEquals":     opNumericLessThanEquals,
	"NumericGreaterThan":        opNumericGreaterThan,
	"NumericGreaterThanEquals":  opNumericGreaterThanEquals,
	"DateEquals":                opDateEquals,
	"DateNotEquals":             opDateEquals | opNegated,
	"DateLessThan":              opDateLessThan,
	"DateLessThanEquals":        opDateLessThanEquals,
	"DateGreaterThan":           opDateGreaterThan,
	"DateGreaterThanEquals":     opDateGreaterThanEquals,
	"Bool":                      opBool,
	"BinaryEquals":              opBinaryEquals,
	"IpAddress":                 opIPAddress,
	"NotIpAddress":              opIPAddress | opNegated,
	"ArnEquals":                 opArnLike,
	"ArnNotEquals":              opArnLike | opNegated,
	"ArnLike":                   opArnLike,
	"ArnNotLike":                opArnLike | opNegated,
	"Null":                      opNull,
}

// A setOperator says how the several values of a key are taken.
type setOperator uint8

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

// parseOperator takes an operator's name apart. Null has neither prefix nor
// suffix: it asks whether there are values, not what they are.
func parseOperator(name string) (op operator, set setOperator, ifExists, ok bool) {
	base, all := strings.CutPrefix(name, "ForAllValues:")
	base, some := strings.CutPrefix(base, "ForAnyValue:")
	base, ifExists = strings.CutSuffix(base, "IfExists")
	op, ok = operators[base]
	switch {
	case all && some, op == opNull && (all || some || ifExists):
		return op, noSet, false, false
	case all:
		set = forAllValues
	case some:
		set = forAnyValue
	}
	return op, set, ifExists, ok
}

// A conditionValue is one value of a condition, ready to be compared. Which
// field counts depends on the operator.
type conditionValue struct {
	pattern pattern
	arn     *[6][]piece // the pattern's parts, if it has no variables
	number  number
	time    time.Time
	prefix  netip.Prefix
	bytes   string
	isTrue  bool
}

// compile makes a value that op can compare.
func (op operator) compile(s string, variables bool) (v conditionValue, err error) {
	switch op &^ opNegated {
	case opStringEquals, opStringEqualsIgnoreCase:
		v.pattern, err = compilePattern(s, variables, false)
	case opStringLike:
		v.pattern, err = compilePattern(s, variables, true)
	case opArnLike:
		return compileARN(s, variables)
	case opBool:
		return compileBool(s, variables)
	case opNull:
		if v.isTrue, err = parseBool(s); err != nil {
			return v, err
		}
	case opBinaryEquals:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return v, fmt.Errorf("%q is not base64", s)
		}
		v.bytes = string(b)
	case opIPAddress:
		if v.prefix, err = parsePrefix(s); err != nil {
			return v, err
		}
	case opNumericEquals, opNumericLessThan, opNumericLessThanEquals, opNumericGreaterThan, opNumericGreaterThanEquals:
		var ok bool
		if v.number, ok = parseNumber(s); !ok {
			return v, fmt.Errorf("%q is not a number", s)
		}
	default:
		var ok bool
		if v.time, ok = parseDate(s); !ok {
			return v, fmt.Errorf("%q is neither an ISO 8601 date nor seconds since 1970", s)
		}
	}
	return v, err
}

func compileARN(s string, variables bool) (v conditionValue, err error) {
	if v.pattern, err = compilePattern(s, variables, true); err != nil || v.pattern.variables || s == "*" {
		return v, err
	}
	parts, _, ok := arnParts(nil, v.pattern.pieces)
	if !ok {
		return v, fmt.Errorf("%q is not an ARN: it has fewer than six parts", s)
	}
	v.arn = &parts
	return v, nil
}

func compileBool(s string, variables bool) (v conditionValue, err error) {
	v.pattern, err = compilePattern(s, variables, false)
	if err == nil && !v.pattern.variables {
		_, err = parseBool(s)
	}
	return v, err
}

func parseBool(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%q is neither \"true\" nor \"false\"", s)
}

// holds tells whether the condition is met. Where a negated condition finds
// nothing to compare with, the answer is otherwise.
func (c *Condition) holds(ctx *Context, otherwise bool) bool {
	values := ctx.lookup(c.key)
	if c.op == opNull {
		return c.isNull(len(values) == 0)
	}
	if len(values) == 0 {
		switch {
		case c.ifExists:
			return true
		case c.set == noSet:
			return c.op&opNegated != 0
		}
		return c.set == forAllValues
	}
	switch c.set {
	case forAllValues:
		// A set of nothing but empty texts counts as empty.
		return c.all(values, ctx, otherwise) || onlyEmpty(values)
	case forAnyValue:
		return !onlyEmpty(values) && c.some(values, ctx, otherwise)
	}
	// Any match counts, and a negated condition wants none.
	if c.op&opNegated == 0 {
		return c.some(values, ctx, otherwise)
	}
	return c.all(values, ctx, otherwise)
}

func (c *Condition) isNull(null bool) bool {
	for i := range c.values {
		if c.values[i].isTrue == null {
			return true
		}
	}
	return false
}

func (c *Condition) all(values []string, ctx *Context, otherwise bool) bool {
	for _, value := range values {
		if !c.verdict(c.matchAny(value, ctx), otherwise) {
			return false
		}
	}
	return true
}

func (c *Condition) some(values []string, ctx *Context, otherwise bool) bool {
	for _, value := range values {
		if c.verdict(c.matchAny(value, ctx), otherwise) {
			return true
		}
	}
	return false
}

// verdict turns the match with the values listed into the condition's answer.
func (c *Condition) verdict(m match, otherwise bool) bool {
	switch {
	case c.op&opNegated == 0:
		return m == yes
	case m == unresolved:
		return otherwise
	}
	return m == no
}

// matchAny compares one value of the request with all of the condition.
func (c *Condition) matchAny(value string, ctx *Context) match {
	result := no
	for i := range c.values {
		switch c.op.match(&c.values[i], value, ctx) {
		case yes:
			return yes
		case unresolved:
			result = unresolved
		}
	}
	return result
}

// match compares one value of the request with one of the condition, without
// regard to negation.
func (op operator) match(v *conditionValue, value string, ctx *Context) match {
	switch op &^ opNegated {
	case opStringEquals, opStringLike:
		return v.pattern.match(value, false, ctx)
	case opStringEqualsIgnoreCase, opBool:
		return v.pattern.match(value, true, ctx)
	case opArnLike:
		return v.matchARN(value, ctx)
	case opBinaryEquals:
		return matchOf(v.bytes == value)
	case opIPAddress:
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return unresolved
		}
		return matchOf(v.prefix.Contains(addr.Unmap()))
	case opNumericEquals, opNumericLessThan, opNumericLessThanEquals, opNumericGreaterThan, opNumericGreaterThanEquals:
		n, ok := parseNumber(value)
		if !ok {
			return unresolved
		}
		return matchOf(op.ordered(n.compare(v.number)))
	}
	t, ok := parseDate(value)
	if !ok {
		return unresolved
	}
	return matchOf(op.ordered(t.Compare(v.time)))
}

// ordered tells whether an order of -1, 0 or 1 is the one that op asks for.
func (op operator) ordered(order int) bool {
	switch op {
	case opNumericLessThan, opDateLessThan:
		return order < 0
	case opNumericLessThanEquals, opDateLessThanEquals:
		return order <= 0
	case opNumericGreaterThan, opDateGreaterThan:
		return order > 0
	case opNumericGreaterThanEquals, opDateGreaterThanEquals:
		return order >= 0
	}
	return order == 0
}

// matchARN compares the six parts of an ARN one by one. A value that is no ARN
// matches only "*".
func (v *conditionValue) matchARN(value string, ctx *Context) match {
	if v.arn != nil {
		return matchOf(matchARNParts(v.arn, value))
	}
	var resolved, split [stackPieces]piece
	pieces, ok := v.pattern.resolve(resolved[:0], ctx)
	if !ok {
		return unresolved
	}
	if len(pieces) == 1 && pieces[0].kind == anyMany {
		return yes
	}
	parts, _, ok := arnParts(split[:0], pieces)
	return matchOf(ok && matchARNParts(&parts, value))
}

func matchARNParts(parts *[6][]piece, value string) bool {
	for i := range parts {
		part, rest, colon := strings.Cut(value, ":")
		switch {
		case i == 5:
			part = value
		case !colon:
			return false
		}
		if !matchPieces(parts[i], part, false) {
			return false
		}
		value = rest
	}
	return true
}

func onlyEmpty(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}
