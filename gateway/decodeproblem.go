package gateway

import "strings"

// A Problem is something that could not be decoded, or that another reader might
// understand in another way.
type Problem struct {
	Where Part
	What  Fault
	About string // more words, never bytes of the message
}

// Part is the message that a Problem is in.
type Part string

// The parts.
const (
	InRequest Part = "request"
	InAnswer  Part = "answer"
)

// Fault is the kind of a Problem.
type Fault string

// The kinds of problems.
const (
	Truncated        Fault = "truncated"         // the copy of the body ends early
	Malformed        Fault = "malformed"         // not in the form that the protocol demands
	TooLarge         Fault = "too large"         // beyond a bound on size, members, depth or expansion
	Unsupported      Fault = "unsupported"       // in a coding that is not known here
	UnknownOperation Fault = "unknown operation" // the API model does not have it
	UnknownService   Fault = "unknown service"
	Ambiguous        Fault = "ambiguous" // said twice, in different ways
)

func (p Problem) String() string {
	s := string(p.Where) + ": " + string(p.What)
	if p.About != "" {
		s += ": " + p.About
	}
	return s
}

// maxProblems bounds what one exchange lists.
const maxProblems = 8

func (x *Exchange) problem(where Part, what Fault, about string) {
	p := Problem{where, what, about}
	for _, known := range x.Problems {
		if known == p {
			return
		}
	}
	if len(x.Problems) < maxProblems {
		x.Problems = append(x.Problems, p)
	}
}

// A fault that a reader of a body ended with.
type faultError struct{ Problem }

func (e *faultError) Error() string { return e.Problem.String() }

func malformed(about string) error { return &faultError{Problem{What: Malformed, About: about}} }

func tooLarge(about string) error { return &faultError{Problem{What: TooLarge, About: about}} }

// note makes a problem of the error that a reader of a body ended with. The end of a copy
// that is not whole is no fault of the message.
func (x *Exchange) note(where Part, partly bool, err error, about string) {
	if err == nil {
		return
	}
	e, ok := err.(*faultError)
	switch {
	case ok && e.What != Malformed:
		x.problem(where, e.What, e.About)
	case partly:
		x.problem(where, Truncated, about)
	case ok && e.About != "":
		x.problem(where, Malformed, e.About)
	default:
		x.problem(where, Malformed, about)
	}
}

// word cuts what a client chose for a name to what a record's envelope can hold.
func word(s string) string {
	const limit = 128
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, s[:min(len(s), 4*limit)])
	return s[:min(len(s), limit)]
}
