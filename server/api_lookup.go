package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"cairn"
	"cairn/eventlog"
)

// pageEvents is how many events are held in memory at a time while a lookup
// streams its results.
const pageEvents = 200

// beatInterval is how often a tail without events shows that it is alive.
const beatInterval = 15 * time.Second

// lookup streams the events that a query finds.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request) error {
	var req LookupRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	q, err := req.query()
	if err != nil {
		return &requestError{err}
	}
	stream := eventStream{w: w}
	left := req.Limit
	for {
		q.Limit = pageEvents
		if req.Limit > 0 {
			q.Limit = min(left, pageEvents)
		}
		page, err := s.log.Lookup(r.Context(), q)
		if err != nil {
			return stream.fail(err)
		}
		for _, d := range page.Damage {
			stream.send(frameHead{Type: "damage", Text: d.Error()}, nil)
		}
		for i := range page.Events {
			stream.event(&page.Events[i])
		}
		left -= len(page.Events)
		end := frameHead{Type: "end"}
		if page.More {
			end.Next = cursorText(page.Next)
		}
		if !page.More || req.Limit > 0 && left <= 0 || stream.err != nil {
			stream.send(end, nil)
			return nil
		}
		q.After = page.Next
		stream.flush()
	}
}

// tail streams events in the order of their arrival, and goes on with new ones
// as they arrive if that is asked for.
func (s *Server) tail(w http.ResponseWriter, r *http.Request) error {
	var req TailRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	q, err := req.query()
	if err != nil {
		return &requestError{err}
	}
	var pos eventlog.Position
	switch req.From {
	case "start", "":
		pos = s.log.Start()
	case "end":
		pos = s.log.End()
	default:
		if pos, err = eventlog.ParsePosition(req.From); err != nil {
			return &requestError{err}
		}
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	stream := eventStream{w: w}
	stream.flush() // the caller learns at once that it is connected
	for sent := 0; ; {
		end := s.log.End()
		for e, err := range s.log.Read(ctx, pos) {
			if err != nil {
				if ctx.Err() == nil {
					stream.send(frameHead{Type: "damage", Text: err.Error()}, nil)
				}
				continue
			}
			pos = eventlog.At(e.Seq + 1)
			if e.Extract() != nil || !matches(&q, e) {
				continue
			}
			stream.event(e)
			if sent++; stream.err != nil || sent == req.Limit {
				break
			}
		}
		if sent > 0 && sent == req.Limit || !req.Follow || stream.err != nil || ctx.Err() != nil {
			stream.send(frameHead{Type: "end", Position: pos.String()}, nil)
			return nil
		}
		if pos.Compare(end) < 0 {
			pos = end // what could not be read lies before it
		}
		stream.flush()
		s.await(ctx, pos, &stream)
	}
}

// await returns once there is a record at pos, the stream is broken, or ctx is
// done.
func (s *Server) await(ctx context.Context, pos eventlog.Position, stream *eventStream) {
	for {
		waiting, cancel := context.WithTimeout(ctx, beatInterval)
		err := s.log.Wait(waiting, pos)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			_ = stream.fail(err) // the answer has begun
			stream.err = err
			return
		}
		stream.send(frameHead{Type: "beat"}, nil)
		stream.flush()
		if stream.err != nil {
			return
		}
	}
}

// An eventStream is an answer made of frames. Behind its first error it sends
// nothing more.
type eventStream struct {
	w     http.ResponseWriter
	begun bool
	err   error
}

func (s *eventStream) event(e *cairn.Event) {
	s.send(frameHead{Type: "event", Seq: e.Seq, Arrival: e.Arrival.UTC(), Origin: uint8(e.Origin), Flags: uint8(e.Flags)}, e.Raw)
}

func (s *eventStream) send(h frameHead, raw []byte) {
	s.begin()
	if s.err == nil {
		s.err = writeFrame(s.w, h, raw)
	}
}

// fail reports an error within the answer, or returns it if the answer has not
// begun.
func (s *eventStream) fail(err error) error {
	if !s.begun {
		return err
	}
	s.send(frameHead{Type: "error", Text: err.Error()}, nil)
	return nil
}

func (s *eventStream) begin() {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", eventStreamType)
		s.w.WriteHeader(http.StatusOK)
	}
}

func (s *eventStream) flush() {
	s.begin()
	if s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
}
