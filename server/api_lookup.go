package server

import (
	"bytes"
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

// lookup streams the events that a query finds. What goes wrong with the first
// page is an answer of its own.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request) (func(context.Context, http.ResponseWriter), error) {
	var req LookupRequest
	if err := readJSON(w, r, &req); err != nil {
		return nil, err
	}
	q, err := req.query()
	if err != nil {
		return nil, &requestError{err}
	}
	if err := wallOf(r.Context(), &q.Scope); err != nil {
		return nil, err
	}
	if req.ErrorOnly || scans(q.Filters) {
		if _, err := takeScan(r.Context()); err != nil {
			return nil, err
		}
	}
	l := lookingUp{query: q, errorOnly: req.ErrorOnly, limit: req.Limit}
	page, err := s.lookupPage(r.Context(), l, req.Limit)
	if err != nil {
		return nil, err
	}
	s.auditRead(r.Context(), "GetEvents", req)
	return func(ctx context.Context, w http.ResponseWriter) {
		s.streamLookup(ctx, page, l, s.newStream(ctx, w, frames))
	}, nil
}

// A lookingUp says what a lookup sends.
type lookingUp struct {
	query     eventlog.Query
	errorOnly bool                    // only calls that failed
	limit     int                     // 0: all
	keep      func(*cairn.Event) bool // nil lets all pass
}

// lookupPage reads the next page, of which left events at most are sent.
func (s *Server) lookupPage(ctx context.Context, l lookingUp, left int) (*eventlog.Page, error) {
	l.query.Limit = pageEvents
	if l.limit > 0 && l.keep == nil && !l.errorOnly {
		l.query.Limit = min(left, pageEvents)
	}
	return s.find(ctx, l.query, l.errorOnly)
}

// streamLookup sends the events that a query finds and that keep, if there is
// one, lets pass: so many of them, or all if limit is 0. The first page may have
// been read already.
func (s *Server) streamLookup(ctx context.Context, page *eventlog.Page, l lookingUp, stream *eventStream) {
	left := l.limit
	for {
		if page == nil {
			var err error
			if page, err = s.lookupPage(ctx, l, left); err != nil {
				stream.fail(endOf(ctx, err))
				return
			}
		}
		for _, d := range page.Damage {
			stream.damage(d)
		}
		more := page.More
		for i := range page.Events {
			e := &page.Events[i]
			if l.keep != nil && !l.keep(e) {
				continue
			}
			if err := ctx.Err(); err != nil {
				stream.fail(endOf(ctx, err))
				return
			}
			stream.event(e)
			if left--; left == 0 && l.limit > 0 {
				more = more || i < len(page.Events)-1
				page.Next = cursorOf(e)
				break
			}
		}
		end := frameHead{Type: "end"}
		if more {
			end.Next = cursorText(page.Next)
		}
		if !more || l.limit > 0 && left == 0 || stream.err != nil {
			stream.send(end, nil)
			return
		}
		l.query.After, page = page.Next, nil
		stream.flush()
	}
}

// tail streams events in the order of their arrival, and goes on with new ones
// as they arrive if that is asked for.
func (s *Server) tail(w http.ResponseWriter, r *http.Request) (func(context.Context, http.ResponseWriter), error) {
	var req TailRequest
	if err := readJSON(w, r, &req); err != nil {
		return nil, err
	}
	q, err := req.query()
	if err != nil {
		return nil, &requestError{err}
	}
	if err := wallOf(r.Context(), &q.Scope); err != nil {
		return nil, err
	}
	var pos eventlog.Position
	switch req.From {
	case "start", "":
		pos = s.log.Start()
	case "end":
	default:
		if pos, err = eventlog.ParsePosition(req.From); err != nil {
			return nil, &requestError{err}
		}
	}
	if req.From == "end" && !req.Follow {
		return func(ctx context.Context, w http.ResponseWriter) {
			// Only where the log ends is asked for, and no event is read.
			s.newStream(ctx, w, frames).send(frameHead{Type: "end", Position: s.log.End().String()}, nil)
		}, nil
	}
	caughtUp := func() {}
	if end := s.log.Stats().End; req.From != "end" && end > tailBacklog && pos.Compare(eventlog.At(end-tailBacklog)) < 0 {
		if caughtUp, err = takeScan(r.Context()); err != nil {
			return nil, err
		}
	}
	s.auditRead(r.Context(), "GetEvents", req)
	if req.From == "end" {
		pos = s.log.End() // behind that record, too
	}
	t := tailing{query: q, from: pos, limit: req.Limit, follow: req.Follow, caughtUp: caughtUp}
	if req.ErrorOnly {
		t.keep = failed
	}
	return func(ctx context.Context, w http.ResponseWriter) { s.streamTail(ctx, t, s.newStream(ctx, w, frames)) }, nil
}

// A tailing says what a tail sends.
type tailing struct {
	query  eventlog.Query
	keep   func(*cairn.Event) bool // nil lets all pass
	from   eventlog.Position
	limit  int  // 0: all
	follow bool // go on with what arrives

	caughtUp func() // called when what was there at the start is sent
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
			if ctx.Err() != nil {
				break
			}
			if !mayBelong(e.Raw, t.query.Scope.Account) || e.Extract() != nil || !t.query.Matches(e) || t.keep != nil && !t.keep(e) {
				continue
			}
			stream.event(e)
			if sent++; stream.err != nil || sent == t.limit {
				break
			}
		}
		t.caughtUp()
		if err := endOf(ctx, nil); err != nil {
			stream.fail(err)
			return
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

// mayBelong says whether a record can be one of an account's, empty for any. It
// is what a tail asks first of the records of all accounts, because looking for
// the digits costs a small part of what reading the record does.
func mayBelong(raw []byte, account string) bool {
	return bytes.Contains(raw, []byte(account)) || bytes.Contains(raw, []byte(`\u003`)) // which writes digits, too
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
			stream.fail(err)
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
	tell   func(error) string // what the reader may know
	begun  bool
	told   map[string]bool // the damage that was told
	err    error
}

func (s *Server) newStream(ctx context.Context, w http.ResponseWriter, format streamFormat) *eventStream {
	return &eventStream{w: w, format: format, tell: func(err error) string { return s.tell(ctx, err) }}
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
	s.send(frameHead{Type: "damage", Text: s.tell(err)}, nil)
}

func (s *eventStream) event(e *cairn.Event) {
	s.send(frameHead{Type: "event", Seq: e.Seq, Arrival: e.Arrival.UTC(), Origin: uint8(e.Origin), Flags: uint8(e.Flags), Resources: e.Record.Resources}, e.Raw)
}

func (s *eventStream) send(h frameHead, raw []byte) {
	s.begin()
	if s.err == nil {
		s.err = s.format.write(s.w, h, raw)
	}
}

// fail ends the answer with an error.
func (s *eventStream) fail(err error) {
	s.send(frameHead{Type: "error", Text: s.tell(err)}, nil)
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
