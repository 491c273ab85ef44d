package server

import (
	"context"
	"errors"
	"io"
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
	return s.streamLookup(r.Context(), q, req.Limit, nil, &eventStream{w: w, format: frames})
}

// streamLookup sends the events that a query finds and that keep, if there is
// one, lets pass: so many of them, or all if limit is 0. An error is returned
// only if the answer has not begun.
func (s *Server) streamLookup(ctx context.Context, q eventlog.Query, limit int, keep func(*cairn.Event) bool, stream *eventStream) error {
	left := limit
	for {
		q.Limit = pageEvents
		if limit > 0 && keep == nil {
			q.Limit = min(left, pageEvents)
		}
		page, err := s.log.Lookup(ctx, q)
		if err != nil {
			return stream.fail(err)
		}
		for _, d := range page.Damage {
			stream.damage(d)
		}
		more := page.More
		for i := range page.Events {
			e := &page.Events[i]
			if keep != nil && !keep(e) {
				continue
			}
			stream.event(e)
			if left--; left == 0 && limit > 0 {
				more = more || i < len(page.Events)-1
				page.Next = eventlog.Cursor{Time: e.Time().Unix(), Seq: e.Seq}
				break
			}
		}
		end := frameHead{Type: "end"}
		if more {
			end.Next = cursorText(page.Next)
		}
		if !more || limit > 0 && left == 0 || stream.err != nil {
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
	s.streamTail(r.Context(), tailing{query: q, from: pos, limit: req.Limit, follow: req.Follow}, &eventStream{w: w, format: frames})
	return nil
}

// A tailing says what a tail sends.
type tailing struct {
	query  eventlog.Query
	keep   func(*cairn.Event) bool // nil lets all pass
	from   eventlog.Position
	limit  int  // 0: all
	follow bool // go on with what arrives
}

// streamTail sends events in the order of their arrival. It ends when ctx is
// done or the server stops.
func (s *Server) streamTail(ctx context.Context, t tailing, stream *eventStream) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	stream.flush() // the caller learns at once that it is connected
	pos := t.from
	for sent := 0; ; {
		end := s.log.End()
		for e, err := range s.log.Read(ctx, pos) {
			if err != nil {
				if ctx.Err() == nil {
					stream.damage(err)
				}
				continue
			}
			pos = eventlog.At(e.Seq + 1)
			if e.Extract() != nil || !t.query.Matches(e) || t.keep != nil && !t.keep(e) {
				continue
			}
			stream.event(e)
			if sent++; stream.err != nil || sent == t.limit {
				break
			}
		}
		if sent > 0 && sent == t.limit || !t.follow || stream.err != nil || ctx.Err() != nil {
			stream.send(frameHead{Type: "end", Position: pos.String()}, nil)
			return
		}
		if pos.Compare(end) < 0 {
			pos = end // what could not be read lies before it
		}
		stream.flush()
		s.await(ctx, pos, stream)
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
		stream.send(frameHead{Type: "beat", Position: pos.String()}, nil)
		stream.flush()
		if stream.err != nil {
			return
		}
	}
}

// A streamFormat is how the frames of an answer are written.
type streamFormat struct {
	contentType string
	write       func(w io.Writer, h frameHead, raw []byte) error
}

// frames is the format that keeps the bytes of records.
var frames = streamFormat{eventStreamType, writeFrame}

// An eventStream is an answer made of frames. Behind its first error it sends
// nothing more.
type eventStream struct {
	w      http.ResponseWriter
	format streamFormat
	begun  bool
	told   map[string]bool // the damage that was told
	err    error
}

// damage tells of a place that could not be read. Each page that would need it
// meets it again; the caller hears of it once.
func (s *eventStream) damage(err error) {
	text := err.Error()
	if s.told[text] {
		return
	}
	if s.told == nil {
		s.told = make(map[string]bool)
	}
	s.told[text] = true
	s.send(frameHead{Type: "damage", Text: text}, nil)
}

func (s *eventStream) event(e *cairn.Event) {
	s.send(frameHead{Type: "event", Seq: e.Seq, Arrival: e.Arrival.UTC(), Origin: uint8(e.Origin), Flags: uint8(e.Flags)}, e.Raw)
}

func (s *eventStream) send(h frameHead, raw []byte) {
	s.begin()
	if s.err == nil {
		s.err = s.format.write(s.w, h, raw)
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
		s.w.Header().Set("Content-Type", s.format.contentType)
		s.w.WriteHeader(http.StatusOK)
	}
}

func (s *eventStream) flush() {
	s.begin()
	if s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
}
