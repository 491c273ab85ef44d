package server

import (
	"fmt"
	"net/http"
	"sync"

	"cairn/aws"
)

// places bound what goes on at a time, so that no account can take all of it,
// and all accounts together leave some to the operator.
type places struct {
	what                     string // is there too much of
	max, perAccount, reserve int

	mu      sync.Mutex
	taken   int
	byTaker map[placeTaker]int
}

// A placeTaker has a bound of its own: an account, and its root user where that
// is the operator, whom the account's users cannot keep out.
type placeTaker struct {
	account  string
	operator bool
}

func newPlaces(what string, limit, perAccount, reserve int) *places {
	return &places{what: what, max: limit, perAccount: perAccount, reserve: reserve, byTaker: make(map[placeTaker]int)}
}

// take takes a place for an account. Release may be called more than once.
func (p *places) take(account string, operator bool) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	taker := placeTaker{account, operator}
	limit := p.max
	if !operator {
		limit -= p.reserve
	}
	switch {
	case p.byTaker[taker] >= p.perAccount:
		return nil, throttled(fmt.Sprintf("The account has %d %s, the most that one account may have. Try again.", p.perAccount, p.what))
	case p.taken >= limit:
		return nil, throttled(fmt.Sprintf("There are too many %s. Try again.", p.what))
	}
	p.taken++
	p.byTaker[taker]++
	return sync.OnceFunc(func() { p.release(taker) }), nil
}

func (p *places) release(taker placeTaker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.byTaker[taker]--; p.byTaker[taker] == 0 {
		delete(p.byTaker, taker)
	}
}

func throttled(message string) error {
	return &aws.Error{Code: "ThrottlingException", Status: http.StatusTooManyRequests, Message: message}
}
