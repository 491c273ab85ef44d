package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cairn/eventlog"
)

// ForwardStatus tells how the forwarding of a gateway's records stands.
type ForwardStatus struct {
	To   string `json:"to"`
	Next string `json:"next"` // the position behind what was forwarded

	// Pending is how many records of the event log are not dealt with, and LagSeconds
	// how old the oldest is of those that are to be forwarded.
	Pending    uint64  `json:"pending"`
	LagSeconds float64 `json:"lagSeconds"`

	// What became of records at the server, ever.
	Stored      uint64           `json:"stored"`
	Expired     uint64           `json:"expired"`
	Refused     uint64           `json:"refused"`
	Quarantined uint64           `json:"quarantined"`
	Damaged     uint64           `json:"damaged"` // could not be read here
	Refusals    []ForwardRefusal `json:"refusals,omitempty"`

	Problem  string    `json:"problem,omitempty"`
	Since    time.Time `json:"since,omitzero"` // of the problem
	Failures uint64    `json:"failures"`       // since the start
}

// status tells how forwarding stands.
func (f *forwarder) status() *ForwardStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.statusLocked()
	if !f.oldest.IsZero() {
		s.LagSeconds = max(0, f.now().Sub(f.oldest).Seconds())
	}
	s.Problem, s.Failures = f.problem, f.failures
	if f.problem != "" {
		s.Since = f.since.UTC()
	}
	return s
}

func (f *forwarder) statusLocked() *ForwardStatus {
	head, _ := f.log.Head()
	return f.row.status(head.Size)
}

// status tells how forwarding stood when the row was written.
func (r *forwardRow) status(end uint64) *ForwardStatus {
	return &ForwardStatus{
		To: r.To, Next: eventlog.At(r.Next).String(), Pending: max(end, r.Next) - r.Next,
		Stored: r.Stored, Expired: r.Expired, Refused: r.Refused, Quarantined: r.Quarantined, Damaged: r.Damaged, Refusals: r.Refusals,
	}
}

// logEnd is the seq behind the newest record, 0 if it is not known.
func (s *Server) logEnd() uint64 {
	head, err := s.log.Head()
	if err != nil {
		return 0
	}
	return head.Size
}

// putGatewayEvents sends records that a gateway has made. With again the server
// looks for each of them in all that it has.
func (c *Client) putGatewayEvents(ctx context.Context, body []byte, encoding string, again bool) (*putAnswer, error) {
	path := "/_cairn/gateway/events"
	if again {
		path += "?again=true"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", encoding)
	resp, err := c.exchange(req)
	var refused *AnswerError
	if errors.As(err, &refused) && refused.Code == "" { // each of Cairn's errors has one
		return nil, fmt.Errorf("what answers there is no Cairn server: it answered with status %d, and not with an error of Cairn's; is the URL right?", refused.StatusCode)
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer putAnswer
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, maxForwardAnswer)).Decode(&answer); err != nil {
		var form *json.SyntaxError
		if errors.As(err, &form) {
			return nil, errors.New("what answers there is no Cairn server: its answer is not JSON; is the URL right?")
		}
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return &answer, nil
}

// maxForwardAnswer bounds the answer to one request, whose results have a reason
// each at most.
const maxForwardAnswer = 4 << 20
