package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A pattern is a compiled text with wildcards and policy variables.
type pattern struct {
	pieces    []piece
	variables bool // some pieces are variables
}

// A piece is one part of a pattern. Neighbouring literals are one piece, except
// around variables.
type piece struct {
	kind pieceKind
	text string // the literal, or the variable's key in lower case

	// fallback is what a variable stands for if it cannot be resolved.
	fallback    string
	hasFallback bool
}

type pieceKind uint8

const (
	literal  pieceKind = iota
	anyOne             // "?": one character
	anyMany            // "*": any characters, or none
	variable           // "${key}"
)

// A match is the outcome of comparing a value with a pattern or the like.
// Unresolved means that there is nothing to compare with: a variable has no
// value, or the request's value is not of the operator's type.
type match uint8

const (
	no match = iota
	yes
	unresolved
)

func matchOf(b bool) match {
	if b {
		return yes
	}
	return no
}

// stackPieces is how many pieces a pattern with variables may have before
// resolving it takes memory from the heap.
const stackPieces = 12

// compilePattern makes a pattern of s. Without variables or wildcards, their
// characters stand for themselves.
func compilePattern(s string, variables, wildcards bool) (p pattern, err error) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			p.pieces = append(p.pieces, piece{kind: literal, text: text.String()})
			text = strings.Builder{}
		}
	}
	for rest := s; rest != ""; {
		switch {
		case wildcards && rest[0] == '*':
			flush()
			if n := len(p.pieces); n == 0 || p.pieces[n-1].kind != anyMany {
				p.pieces = append(p.pieces, piece{kind: anyMany})
			}
		case wildcards && rest[0] == '?':
			flush()
			p.pieces = append(p.pieces, piece{kind: anyOne})
		case variables && strings.HasPrefix(rest, "${"):
			v, behind, err := parseVariable(rest)
			if err != nil {
				return pattern{}, fmt.Errorf("%q: %w", s, err)
			}
			if rest = behind; v.kind == literal {
				text.WriteString(v.text)
				continue
			}
			flush()
			p.pieces = append(p.pieces, v)
			p.variables = true
			continue
		default:
			text.WriteByte(rest[0])
		}
		rest = rest[1:]
	}
	flush()
	return p, nil
}

// parseVariable reads the variable that s begins with: a key, perhaps with a
// default value in quotes, or one of the characters that are special.
func parseVariable(s string) (v piece, rest string, err error) {
	inside := s[len("${"):]
	if len(inside) >= 2 && strings.IndexByte("*?$", inside[0]) >= 0 && inside[1] == '}' {
		return piece{kind: literal, text: inside[:1]}, inside[2:], nil
	}
	end := strings.IndexAny(inside, "},")
	if end < 0 {
		return v, "", errors.New("policy variable has no closing brace")
	}
	key := strings.TrimSpace(inside[:end])
	if key == "" || strings.ContainsAny(key, "${'") {
		return v, "", errors.New("policy variable has no valid key")
	}
	v = piece{kind: variable, text: strings.ToLower(key)}
	if inside[end] == '}' {
		return v, inside[end+1:], nil
	}
	quoted, ok := strings.CutPrefix(strings.TrimLeft(inside[end+1:], " "), "'")
	if !ok {
		return v, "", errors.New("default value of a policy variable must stand in single quotes")
	}
	v.fallback, rest, ok = strings.Cut(quoted, "'")
	v.hasFallback = true
	if ok {
		rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "}")
	}
	if !ok {
		return v, "", errors.New("policy variable has no closing brace")
	}
	return v, rest, nil
}

// match compares the whole of s with the pattern.
func (p *pattern) match(s string, fold bool, ctx *Context) match {
	if !p.variables {
		return matchOf(matchPieces(p.pieces, s, fold))
	}
	var stack [stackPieces]piece
	pieces, ok := p.resolve(stack[:0], ctx)
	if !ok {
		return unresolved
	}
	return matchOf(matchPieces(pieces, s, fold))
}

// resolve appends the pieces with their variables replaced.
func (p *pattern) resolve(to []piece, ctx *Context) ([]piece, bool) {
	for _, next := range p.pieces {
		if next.kind == variable {
			values := ctx.lookup(next.text)
			switch {
			case len(values) == 1:
				next.text = values[0]
			case len(values) == 0 && next.hasFallback:
				next.text = next.fallback
			default:
				return nil, false
			}
			next.kind = literal
			if next.text == "" {
				continue
			}
		}
		to = append(to, next)
	}
	return to, true
}

// matchPieces tells whether the pieces, none of them a variable, match the whole
// of s. Each run of pieces between two stars is looked for once, at the first
// place where it fits, and never again: nothing is tried twice. The time is
// linear in s for runs without "?", and at most the product of the length of s
// and of the longest run otherwise.
func matchPieces(pieces []piece, s string, fold bool) bool {
	run, rest, star := cutStar(pieces)
	n := matchRun(run, s, fold)
	if n < 0 || !star {
		return n == len(s)
	}
	for s = s[n:]; ; s = s[n:] {
		if run, rest, star = cutStar(rest); !star {
			return matchEnd(run, s, fold)
		}
		if n = findRun(run, s, fold); n < 0 {
			return false
		}
	}
}

// cutStar splits pieces around the first star.
func cutStar(pieces []piece) (run, rest []piece, star bool) {
	for i := range pieces {
		if pieces[i].kind == anyMany {
			return pieces[:i], pieces[i+1:], true
		}
	}
	return pieces, nil, false
}

// matchRun returns how many bytes at the front of s the run matches, or -1.
func matchRun(run []piece, s string, fold bool) int {
	at := 0
	for i := range run {
		n := -1
		switch {
		case run[i].kind == anyOne:
			if _, n = utf8.DecodeRuneInString(s[at:]); n == 0 {
				return -1
			}
		case fold:
			n = foldPrefix(s[at:], run[i].text)
		case strings.HasPrefix(s[at:], run[i].text):
			n = len(run[i].text)
		}
		if n < 0 {
			return -1
		}
		at += n
	}
	return at
}

// findRun returns where the first match of the run in s ends, or -1.
func findRun(run []piece, s string, fold bool) int {
	if len(run) == 0 {
		return 0
	}
	for at := 0; ; {
		if !fold && run[0].kind == literal {
			i := strings.Index(s[at:], run[0].text)
			if i < 0 {
				return -1
			}
			at += i
		}
		if n := matchRun(run, s[at:], fold); n >= 0 {
			return at + n
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		if size == 0 {
			return -1
		}
		at += size
	}
}

// matchEnd tells whether the run matches the end of s. A run always matches the
// same number of characters, so that there is one place to try.
func matchEnd(run []piece, s string, fold bool) bool {
	if len(run) == 0 {
		return true
	}
	if len(run) == 1 && run[0].kind == literal && !fold {
		return strings.HasSuffix(s, run[0].text)
	}
	characters := 0
	for i := range run {
		if run[i].kind == anyOne {
			characters++
		} else {
			characters += utf8.RuneCountInString(run[i].text)
		}
	}
	at := len(s)
	for ; characters > 0; characters-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		if size == 0 {
			return false
		}
		at -= size
	}
	return matchRun(run, s[at:], fold) == len(s)-at
}

// foldPrefix returns how many bytes at the front of s equal prefix when case
// is ignored, or -1. Characters are compared one by one, so that both sides have
// the same number of them.
func foldPrefix(s, prefix string) int {
	at := 0
	for i := 0; i < len(prefix); {
		if at >= len(s) {
			return -1
		}
		a, b := s[at], prefix[i]
		if a < utf8.RuneSelf && b < utf8.RuneSelf {
			if a != b && (a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z') {
				return -1
			}
			at++
			i++
			continue
		}
		ra, na := utf8.DecodeRuneInString(s[at:])
		rb, nb := utf8.DecodeRuneInString(prefix[i:])
		// One byte each means that one of them is no valid character.
		if na == 1 && nb == 1 && a != b || !equalFold(ra, rb) {
			return -1
		}
		at += na
		i += nb
	}
	return at
}

// equalFold compares two characters by Unicode's simple case folding.
func equalFold(a, b rune) bool {
	if a == b {
		return true
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

// arnParts splits the pieces of an ARN's pattern at its first five colons. The
// parts are matched one by one, so that no wildcard reaches over a colon.
func arnParts(to []piece, pieces []piece) (parts [6][]piece, all []piece, ok bool) {
	part, start := 0, 0
	for _, p := range pieces {
		for p.kind == literal && part < 5 {
			before, behind, colon := strings.Cut(p.text, ":")
			if !colon {
				break
			}
			if before != "" {
				to = append(to, piece{kind: literal, text: before})
			}
			parts[part] = to[start:len(to):len(to)]
			part, start = part+1, len(to)
			p.text = behind
		}
		if p.kind != literal || p.text != "" {
			to = append(to, p)
		}
	}
	parts[part] = to[start:]
	return parts, to, part == 5
}
