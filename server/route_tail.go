package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"cairn/aws"
	"cairn/eventlog"
)

// getTail sends events as they arrive, as server-sent events. The ID of each is
// the position behind it, so that a client that comes back misses none.
func (x *routes) getTail(_ context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	q, values, err := x.eventQuery(c, r, "from")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"limit", "order", "after"} {
		if values.Has(name) {
			return nil, invalid(fmt.Errorf("a tail has no %s", name))
		}
	}
	from, err := single(values, "from")
	if err != nil {
		return nil, err
	}
	pos, err := x.tailStart(cmp.Or(r.Header.Get("Last-Event-ID"), from, "end"))
	if err == nil && x.log.End().Compare(pos) < 0 {
		err = errors.New("the position lies behind the newest event")
	}
	if err != nil {
		return nil, invalid(err)
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	caughtUp := func() {}
	if end := x.log.Stats().End; end > tailBacklog && pos.Compare(eventlog.At(end-tailBacklog)) < 0 {
		if caughtUp, err = x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) {
			w.Header().Set("Cache-Control", "no-store")
			stream := x.newStream(ctx, unhurried(w), serverSent)
			stream.send(frameHead{Type: "beat", Position: pos.String()}, nil)
			x.streamTail(ctx, tailing{query: q.Query, keep: q.keep(), from: pos, follow: true, caughtUp: caughtUp}, stream)
		})
	}, nil
}

// tailBacklog is by how many records a tail may begin before the newest without
// counting as a search that reads every record.
const tailBacklog = 100_000

// serverSent is the format text/event-stream of the HTML standard. An event
// without data only sets the ID to come back with.
var serverSent = streamFormat{"text/event-stream", func(w io.Writer, h frameHead, raw []byte) error {
	var b []byte
	switch h.Type {
	case "event":
		b = fmt.Appendf(b, "id: %s\ndata: ", eventlog.At(h.Seq+1))
		var err error
		if b, err = appendEventLine(b, h, raw); err != nil {
			return err
		}
		b = append(b, "\n\n"...)
	case "beat":
		b = fmt.Appendf(b, ": beat\nid: %s\n\n", h.Position)
	default:
		note, err := json.Marshal(noteOf(h)[h.Type])
		if err != nil {
			return err
		}
		b = fmt.Appendf(b, "event: %s\ndata: %s\n\n", h.Type, note)
	}
	_, err := w.Write(b)
	return err
}}
