package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// text is a string of the document with the place where it stands.
type text struct {
	value  string
	offset int64
}

// The document as it stands in the file. Variables need the version to be
// understood, and the version may stand behind them, so that reading comes
// first and compiling second.
type documentText struct {
	version    *text
	id         string
	statements []statementText
}

type statementText struct {
	path                       string
	offset                     int64
	sid                        string
	effect                     *text
	principals                 []principalText
	hasPrincipal, notPrincipal bool
	actions                    []text
	hasAction, notAction       bool
	resources                  []text
	hasResource, notResource   bool
	conditions                 []conditionText
}

type principalText struct {
	kind string
	name text
	path string
}

type conditionText struct {
	path     string
	operator text
	key      text
	values   []text
}

// A reader walks through the tokens and keeps the first error, after which all
// its methods do nothing.
type reader struct {
	dec *jsontext.Decoder
	err error
}

func (r *reader) fail(path string, offset int64, format string, args ...any) {
	if r.err == nil {
		r.err = &ParseError{Path: path, Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
}

// syntax keeps an error of the JSON decoder.
func (r *reader) syntax(path string, err error) {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic) && syntactic.Err == jsontext.ErrDuplicateName:
		name := syntactic.JSONPointer.LastToken()
		r.fail(path, syntactic.ByteOffset, "%s stands twice in one object", strconv.Quote(name))
	case errors.As(err, &syntactic):
		reason := "not valid JSON"
		if syntactic.Err != nil {
			reason += " (" + strings.TrimPrefix(syntactic.Err.Error(), "jsontext: ") + ")"
		}
		r.fail(path, syntactic.ByteOffset, "%s", reason)
	default:
		r.fail(path, r.dec.InputOffset(), "not valid JSON (%v)", err)
	}
}

// scalar reads one value that has no parts and returns its raw text and place.
// Its kind must be one of kinds; want says so in the error.
func (r *reader) scalar(path, want, kinds string) (jsontext.Value, int64) {
	if r.err != nil {
		return nil, 0
	}
	kind := r.dec.PeekKind()
	if kind == '{' || kind == '[' {
		// Consumed for its place only.
		if _, err := r.dec.ReadToken(); err != nil {
			r.syntax(path, err)
		}
		r.fail(path, r.dec.InputOffset()-1, "must be %s", want)
		return nil, 0
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		r.syntax(path, err)
		return nil, 0
	}
	offset := r.dec.InputOffset() - int64(len(raw))
	if !strings.ContainsRune(kinds, rune(kind)) {
		r.fail(path, offset, "must be %s", want)
	}
	return raw, offset
}

func (r *reader) string(path, want string) text {
	raw, offset := r.scalar(path, want, `"`)
	if r.err != nil {
		return text{}
	}
	return r.unquote(path, raw, offset)
}

func (r *reader) unquote(path string, raw jsontext.Value, offset int64) text {
	s, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		r.fail(path, offset, "not valid JSON")
	}
	return text{string(s), offset}
}

// object calls member for each name, which then must read its value.
func (r *reader) object(path, want string, member func(name text)) (offset int64) {
	if r.err != nil {
		return 0
	}
	if r.dec.PeekKind() != '{' {
		// Whatever stands there is read for its place and for JSON errors.
		r.scalar(path, want, "")
		return 0
	}
	if _, err := r.dec.ReadToken(); err != nil {
		r.syntax(path, err)
		return 0
	}
	offset = r.dec.InputOffset() - 1
	for r.err == nil && r.dec.PeekKind() == '"' {
		raw, err := r.dec.ReadValue()
		if err != nil {
			r.syntax(path, err)
			return offset
		}
		member(r.unquote(path, raw, r.dec.InputOffset()-int64(len(raw))))
	}
	if r.err == nil {
		if _, err := r.dec.ReadToken(); err != nil {
			r.syntax(path, err)
		}
	}
	return offset
}

// list calls element for a value that stands alone, or for each one of an array.
func (r *reader) list(path string, element func(path string)) {
	if r.err != nil {
		return
	}
	if r.dec.PeekKind() != '[' {
		element(path)
		return
	}
	if _, err := r.dec.ReadToken(); err != nil {
		r.syntax(path, err)
		return
	}
	start := r.dec.InputOffset() - 1
	n := 0
	for r.err == nil && r.dec.PeekKind() != ']' {
		element(path + "[" + strconv.Itoa(n) + "]")
		n++
	}
	if r.err != nil {
		return
	}
	if _, err := r.dec.ReadToken(); err != nil {
		r.syntax(path, err)
		return
	}
	if n == 0 {
		r.fail(path, start, "must have at least one value")
	}
}

func (r *reader) strings(path string) (list []text) {
	r.list(path, func(path string) {
		list = append(list, r.string(path, "a string or an array of strings"))
	})
	return list
}

// document reads the outermost object.
func (r *reader) document() *documentText {
	d := &documentText{}
	hasStatement := false
	start := r.object("", "a JSON object", func(name text) {
		switch name.value {
		case "Version":
			v := r.string("Version", "a string")
			d.version = &v
		case "Id":
			d.id = r.string("Id", "a string").value
		case "Statement":
			hasStatement = true
			r.list("Statement", func(path string) {
				d.statements = append(d.statements, r.statement(path))
			})
		default:
			r.fail("", name.offset, "unknown element %q", name.value)
		}
	})
	if r.err == nil && !hasStatement {
		r.fail("", start, "Statement is missing")
	}
	return d
}

func (r *reader) statement(path string) (s statementText) {
	s.path = path
	s.offset = r.object(path, "an object", func(name text) {
		at := path + "." + name.value
		switch name.value {
		case "Sid":
			s.sid = r.string(at, "a string").value
		case "Effect":
			v := r.string(at, `"Allow" or "Deny"`)
			s.effect = &v
		case "Principal", "NotPrincipal":
			r.once(&s.hasPrincipal, path, name, "Principal or NotPrincipal")
			s.notPrincipal = name.value == "NotPrincipal"
			s.principals = r.principals(at)
		case "Action", "NotAction":
			r.once(&s.hasAction, path, name, "Action or NotAction")
			s.notAction = name.value == "NotAction"
			s.actions = r.strings(at)
		case "Resource", "NotResource":
			r.once(&s.hasResource, path, name, "Resource or NotResource")
			s.notResource = name.value == "NotResource"
			s.resources = r.strings(at)
		case "Condition":
			s.conditions = r.conditions(at)
		default:
			r.fail(path, name.offset, "unknown element %q", name.value)
		}
	})
	return s
}

// once refuses an element beside its opposite.
func (r *reader) once(seen *bool, path string, name text, pair string) {
	if *seen {
		r.fail(path, name.offset, "may hold %s, not both", pair)
	}
	*seen = true
}

func (r *reader) principals(path string) (list []principalText) {
	if r.err == nil && r.dec.PeekKind() == '"' {
		name := r.string(path, "")
		if r.err == nil && name.value != "*" {
			r.fail(path, name.offset, `must be "*" or an object`)
		}
		return []principalText{{"AWS", name, path}}
	}
	start := r.object(path, `"*" or an object`, func(kind text) {
		at := path + "." + kind.value
		switch kind.value {
		case "AWS", "Service", "Federated", "CanonicalUser":
			for _, name := range r.strings(at) {
				list = append(list, principalText{kind.value, name, at})
			}
		default:
			r.fail(path, kind.offset, "unknown principal type %q", kind.value)
		}
	})
	if r.err == nil && len(list) == 0 {
		r.fail(path, start, "must name a principal")
	}
	return list
}

func (r *reader) conditions(path string) (list []conditionText) {
	r.object(path, "an object", func(operator text) {
		at := path + "." + operator.value
		r.object(at, "an object", func(key text) {
			c := conditionText{path: at, operator: operator, key: key}
			r.list(at+"."+key.value, func(path string) {
				raw, offset := r.scalar(path, "a string, number or boolean", `"0tf`)
				switch {
				case r.err != nil:
				case raw[0] == '"':
					c.values = append(c.values, r.unquote(path, raw, offset))
				default:
					c.values = append(c.values, text{string(raw), offset})
				}
			})
			list = append(list, c)
		})
	})
	return list
}
