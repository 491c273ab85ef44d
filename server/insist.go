package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// insistEvery is how long after a failure something is tried again.
const insistEvery = time.Second

// insist does something that need not be done for a server to serve: at once, or
// else in the background, as soon as it succeeds. The failure is logged once.
// GiveUp ends the attempts, and returns when none is under way.
func (s *Server) insist(what string, do func() error) (giveUp func()) {
	err := do()
	if err == nil {
		return func() {}
	}
	s.cfg.Logger.Error(what+" failed; it is tried again until it succeeds", slog.Any("error", err))
	ctx, cancel := context.WithCancel(s.stopping)
	var trying sync.WaitGroup
	trying.Go(func() {
		tick := time.NewTicker(insistEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if do() == nil {
				s.cfg.Logger.Info(what + " succeeded")
				return
			}
		}
	})
	return func() {
		cancel()
		trying.Wait()
	}
}
