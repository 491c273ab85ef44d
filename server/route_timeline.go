package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/timeline"
)

// defaultTimelineEvents is how many events a timeline is told out of unless more
// are asked for.
const defaultTimelineEvents = 2000

// timelineTimeout is how long a timeline may take: less than the server has to write
// an answer, as it is told as a whole.
const timelineTimeout = 50 * time.Second

// getTimeline answers with the history of a resource.
func (x *routes) getTimeline(ctx context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	one, err := singles(values, "name", "type", "account", "region", "since", "until", "limit", "reads", "at")
	if err != nil {
		return nil, err
	}
	ask, query, err := timelineAsk(one)
	if err != nil {
		return nil, invalid(err)
	}
	if query.Scope.Account == "" { // names are of one account
		query.Scope.Account = c.Account()
		if arn, err := cairn.ParseARN(ask.Name); err == nil && arn.AccountID != "" && c.Identity.Operator {
			query.Scope.Account = arn.AccountID
		}
	}
	if err := wall(c, &query.Scope); err != nil {
		return nil, err
	}
	release, err := x.take(x.scans, c, r)
	if err != nil {
		return nil, err
	}
	defer release()
	source := &timelineSource{server: x.Server, query: query}
	limited, cancel := context.WithTimeout(ctx, timelineTimeout)
	defer cancel()
	history, err := timeline.Follow(limited, source, ask)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
			Message: fmt.Sprintf("The history could not be told within %s. Ask for one of fewer events, by limit.", timelineTimeout)}
	}
	if err != nil {
		return nil, x.unavailable(c, err)
	}
	out := Timeline{History: history, Account: query.Scope.Account}
	for _, d := range source.damage {
		out.Damage = append(out.Damage, x.tell(withCall(ctx, c), d))
	}
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// A Timeline is the answer with the history of a resource.
type Timeline struct {
	Account string `json:"account"`
	*timeline.History
	Damage []string `json:"damage,omitempty"` // parts of the log that could not be read
}

// timelineAsk reads the parameters.
func timelineAsk(one map[string]string) (ask timeline.Ask, q eventlog.Query, err error) {
	ask = timeline.Ask{Name: one["name"], Type: one["type"], Region: one["region"], At: one["at"], Limit: defaultTimelineEvents}
	switch {
	case ask.Name == "":
		return ask, q, errors.New("name is missing: the name, the ID or the ARN of a resource")
	case len(ask.Name) > maxQueryText || len(ask.Type) > maxQueryText || len(ask.At) > maxQueryText:
		return ask, q, fmt.Errorf("name, type or at has more than %d bytes", maxQueryText)
	}
	if q.Scope, err = scopeOf(one["account"], "", cairn.Management.String()); err != nil {
		return ask, q, err
	}
	if ask.Since, err = queryTime("since", one["since"]); err != nil {
		return ask, q, err
	}
	if q.Until, err = queryTime("until", one["until"]); err != nil {
		return ask, q, err
	}
	if text := one["limit"]; text != "" {
		if ask.Limit, err = strconv.Atoi(text); err != nil || ask.Limit < 1 || ask.Limit > timeline.MaxEvents {
			return ask, q, fmt.Errorf("limit %q is not a number from 1 to %d", clip(text), timeline.MaxEvents)
		}
	}
	switch one["reads"] {
	case "", "false":
		q.Filters = []eventlog.Filter{{Attribute: cairn.AttrReadOnly, Values: []string{"true"}, Not: true}}
	case "true":
	default:
		return ask, q, fmt.Errorf("reads %q is neither true nor false", clip(one["reads"]))
	}
	return ask, q, nil
}

// A timelineSource finds the events of resources in the event log.
type timelineSource struct {
	server *Server
	query  eventlog.Query
	bytes  int // of the records found so far
	damage []error
}

// Find implements timeline.Source. It ends early when all records found so far,
// under any name, take too much memory.
func (s *timelineSource) Find(ctx context.Context, names []string, limit int) (events []cairn.Event, more bool, err error) {
	q := s.query
	q.Filters = append([]eventlog.Filter{{Attribute: cairn.AttrResourceName, Values: names}}, q.Filters...)
	q.OldestFirst = true
	next := 50 // records may be large, which the first page tells
	for len(events) < limit {
		if s.bytes > maxTimelineBytes {
			return events, true, nil
		}
		q.Limit = min(limit-len(events), next)
		page, err := s.server.log.Lookup(ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("find the events of a resource: %w", err)
		}
		if len(s.damage) < 10 {
			s.damage = append(s.damage, page.Damage...)
		}
		for i := range page.Events {
			s.bytes += len(page.Events[i].Raw)
		}
		events = append(events, page.Events...)
		if !page.More {
			return events, false, nil
		}
		q.After, next = page.Next, exportLimit(page)
	}
	return events, true, nil
}

// maxTimelineBytes bounds the records that one timeline is told out of.
const maxTimelineBytes = 64 << 20
