package identity

import "sync"

// turns lets the changes of each account take turns. The accounts do not wait for
// each other. The zero value is ready to use.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	sync.Mutex
	wanted int // by how many, the holder included
}

// lock waits for an account's turn, and returns what ends it.
func (t *turns) lock(account string) (unlock func()) {
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[string]*turn)
	}
	own := t.held[account]
	if own == nil {
		own = &turn{}
		t.held[account] = own
	}
	own.wanted++
	t.mu.Unlock()
	own.Lock()
	return func() {
		own.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.wanted--; own.wanted == 0 {
			delete(t.held, account)
		}
	}
}
