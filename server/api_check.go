package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// checkLine is a line of the answer to check: progress, or at the end the
// report or an error.
type checkLine struct {
	RawBytes int64        `json:"rawBytes,omitempty"`
	Report   *CheckReport `json:"report,omitempty"`
	Error    string       `json:"error,omitempty"`
}

// progressInterval is how often a check tells how far it is.
const progressInterval = 200 * time.Millisecond

// check verifies the store while it is in use.
func (s *Server) check(http.ResponseWriter, *http.Request) (func(context.Context, http.ResponseWriter), error) {
	return s.streamCheck, nil
}

func (s *Server) streamCheck(ctx context.Context, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	var mu sync.Mutex // progress may come from several goroutines
	var last time.Time
	lines := json.NewEncoder(w)
	report, err := s.Check(ctx, func(rawBytes int64) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < progressInterval {
			return
		}
		last = time.Now()
		_ = lines.Encode(checkLine{RawBytes: rawBytes})
		_ = http.NewResponseController(w).Flush()
	})
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		_ = lines.Encode(checkLine{Error: s.tell(ctx, endOf(ctx, err))})
		return
	}
	_ = lines.Encode(checkLine{Report: report})
}
