package server

import (
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
func (s *Server) check(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	var mu sync.Mutex // progress may come from several goroutines
	var last time.Time
	lines := json.NewEncoder(w)
	report, err := s.Check(r.Context(), func(rawBytes int64) {
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
		_ = lines.Encode(checkLine{Error: err.Error()})
		return nil
	}
	_ = lines.Encode(checkLine{Report: report})
	return nil
}
