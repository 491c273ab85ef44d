package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/trail"
)

// A trailRoute is a path that tells of trails or delivers for them. It is the
// same on the TCP port and on the local socket.
type trailRoute struct {
	pattern   string
	operation string
	readOnly  bool
	streams   bool // the answer takes as long as there is something to tell
	telling   bool // tells of events, so that the directory's owner leaves an event, too

	// Serve returns what writes the answer, once all that can refuse the request
	// was asked.
	serve func(ctx context.Context, q *trailQuery) (trailAnswer, error)
}

// A trailAnswer writes an answer.
type trailAnswer func(ctx context.Context, w http.ResponseWriter)

func (s *Server) trailRoutes() []trailRoute {
	return []trailRoute{
		{"GET /_cairn/api/trails", "GetTrails", true, false, false, s.getTrails},
		{"GET /_cairn/api/trails/files", "GetTrailFiles", true, true, false, s.getTrailFiles},
		{"GET /_cairn/api/trails/why", "ExplainEvent", true, false, true, s.explainEvent},
		{"POST /_cairn/api/trails/redeliver", "RedeliverLogFiles", false, true, true, s.redeliver},
	}
}

// A trailQuery is a request to one of the routes.
type trailQuery struct {
	account  string // the wall: no other account is seen; empty for all
	front    *front
	request  any // for the record
	values   url.Values
	body     []byte
	operator bool
}

// errNotServing says that the local API cannot tell of trails.
var errNotServing = errors.New("no server runs on the data directory, and trails live in one; start it with `cairn serve`")

// newTrailQuery returns a request of somebody who sees an account, or all.
func (s *Server) newTrailQuery(values url.Values, body []byte, account string) (*trailQuery, error) {
	s.mu.Lock()
	f := s.front
	s.mu.Unlock()
	if f == nil {
		return nil, &requestError{errNotServing}
	}
	q := &trailQuery{account: account, front: f, body: body, operator: account == "", values: make(url.Values)}
	shown := make(map[string]any)
	for name, list := range values {
		if strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if len(list) > 1 {
			return nil, &requestError{fmt.Errorf("%s is given %d times", clip(name), len(list))}
		}
		q.values[name], shown[name] = list, list[0]
	}
	q.request = shown
	return q, nil
}

// addTrails adds the routes to the TCP port.
func (x *routes) addTrails(add func(pattern string, route aws.Route)) {
	for _, t := range x.trailRoutes() {
		add(t.pattern, aws.Route{Operation: t.operation, ReadOnly: t.readOnly, MaxBody: maxJSONBody,
			Serve: func(ctx context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
				return x.serveTrails(withCall(ctx, c), c, r, body, &t)
			}})
	}
}

func (x *routes) serveTrails(ctx context.Context, c *aws.Call, r *http.Request, body []byte, t *trailRoute) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	if err := showBody(c, r, body); err != nil {
		return nil, err
	}
	if t.readOnly && t.telling { // it may make log files again
		if _, err := x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	}
	account := c.Account()
	if c.Identity.Operator {
		account = ""
	}
	q, err := x.newTrailQuery(values, body, account)
	var answer trailAnswer
	if err == nil {
		answer, err = t.serve(ctx, q)
	}
	var bad *requestError
	var missing *noTrailError
	var walled *wallError
	switch {
	case errors.As(err, &walled):
		return nil, aws.AccessDenied(err.Error())
	case errors.As(err, &missing):
		return nil, &aws.Error{Code: "TrailNotFoundException", Status: http.StatusNotFound, Message: err.Error()}
	case errors.As(err, &bad):
		return nil, invalid(err)
	case err != nil:
		return nil, x.unavailable(c, err)
	case !t.streams:
		return func(w http.ResponseWriter) { answer(ctx, w) }, nil
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) { answer(ctx, unhurried(w)) })
	}, nil
}

// localTrailRoutes are the routes of the local socket, whose caller sees all
// accounts.
func (s *Server) localTrailRoutes() []localRoute {
	var local []localRoute
	for _, t := range s.trailRoutes() {
		local = append(local, localRoute{pattern: t.pattern, operation: t.operation, readOnly: t.readOnly, ownerOnly: true,
			serve: func(w http.ResponseWriter, r *http.Request) error { return s.serveLocalTrails(w, r, &t) }})
	}
	return local
}

func (s *Server) serveLocalTrails(w http.ResponseWriter, r *http.Request, t *trailRoute) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &requestError{err}
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxJSONBody)); err != nil {
		return err
	}
	q, err := s.newTrailQuery(values, body.Bytes(), "")
	if err != nil {
		return err
	}
	answer, err := t.serve(r.Context(), q)
	var missing *noTrailError
	if errors.As(err, &missing) {
		return &requestError{err}
	}
	if err != nil {
		return err
	}
	switch {
	case t.readOnly && t.telling:
		s.auditRead(r.Context(), t.operation, q.request)
	case !t.readOnly:
		input, _ := treeOf(q.request).(map[string]any)
		if err := s.audit(r.Context(), t.operation, false, input, nil); err != nil {
			return err
		}
	}
	answer(r.Context(), w)
	return nil
}

// A wallError says that a caller asked for another account.
type wallError struct{}

func (*wallError) Error() string { return "Only an operator may read the trails of other accounts." }

// A noTrailError says that there is no trail of a name.
type noTrailError struct{ name string }

func (e *noTrailError) Error() string {
	return fmt.Sprintf("there is no trail %q; `cairn trail list` shows those that there are", clip(e.name))
}

// only refuses parameters that are not known.
func (q *trailQuery) only(known ...string) error {
	for name := range q.values {
		if !slices.Contains(known, name) {
			return &requestError{fmt.Errorf("parameter %q is not known", clip(name))}
		}
	}
	return nil
}

// within returns the account that is asked for, within the caller's wall; empty
// for all.
func (q *trailQuery) within(account string) (string, error) {
	if q.account == "" || account == q.account {
		return account, nil
	}
	if account != "" {
		return "", &wallError{}
	}
	return q.account, nil
}

// trails returns those that are asked for by name or ARN; all if it is empty. A
// deleted trail that is not done yet goes by its ARN or with all others, unless
// there is a new one of its name.
func (q *trailQuery) trails(account, name string) ([]*trail.Trail, error) {
	account, err := q.within(account)
	if err != nil {
		return nil, err
	}
	var found, deleted []*trail.Trail
	for _, t := range q.front.trails.All() {
		switch {
		case account != "" && t.AccountID != account:
		case name != "" && t.Name != name && t.ARN().String() != name:
		case name != "" && !t.Deleted.IsZero():
			deleted = append(deleted, t)
		default:
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		found = deleted
	}
	if name != "" && len(found) == 0 {
		return nil, &noTrailError{name}
	}
	slices.SortStableFunc(found, func(a, b *trail.Trail) int {
		return slices.Compare([]string{a.AccountID, a.Name, a.HomeRegion}, []string{b.AccountID, b.Name, b.HomeRegion})
	})
	return found, nil
}

// trail returns the one trail of a name or ARN.
func (q *trailQuery) trail(account, name string) (*trail.Trail, error) {
	if name == "" {
		return nil, &requestError{errors.New("trail is missing: the name or the ARN of a trail")}
	}
	found, err := q.trails(account, name)
	if err != nil {
		return nil, err
	}
	if len(found) > 1 {
		var arns []string
		for _, t := range found {
			arns = append(arns, t.ARN().String())
		}
		return nil, &requestError{fmt.Errorf("there are %d trails %q; name one by its ARN: %s", len(found), clip(name), strings.Join(arns, ", "))}
	}
	return found[0], nil
}

// instant reads a time, zero if it is not given.
func (q *trailQuery) instant(name string) (time.Time, error) {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, &requestError{fmt.Errorf("%s %q is neither of the form 2006-01-02T15:04:05Z nor seconds since 1970", name, clip(text))}
	}
	return t, nil
}

// getTrails answers with how the deliveries of trails stand.
func (s *Server) getTrails(ctx context.Context, q *trailQuery) (trailAnswer, error) {
	if err := q.only("account", "trail"); err != nil {
		return nil, err
	}
	found, err := q.trails(q.values.Get("account"), q.values.Get("trail"))
	if err != nil {
		return nil, err
	}
	reports, err := q.front.deliveries.Report(ctx, found)
	if err != nil {
		return nil, err
	}
	list := TrailList{Trails: []TrailReport{}, S3: s.cfg.S3.place()}
	for i := range reports {
		list.Trails = append(list.Trails, *trailReport(&reports[i]))
	}
	return func(_ context.Context, w http.ResponseWriter) { writeJSON(w, http.StatusOK, list) }, nil
}

// place says where a companion is, without its address.
func (c *Companion) place() string {
	switch {
	case c.embedded():
		return TrailsOwnS3
	case c.URL == CompanionOff:
		return TrailsNoS3
	}
	return TrailsOtherS3
}

// The bounds of an answer with log files.
const (
	defaultTrailFiles = 50
	maxTrailFiles     = 10_000
)

// getTrailFiles streams the log files of a trail, the newest first.
func (s *Server) getTrailFiles(ctx context.Context, q *trailQuery) (trailAnswer, error) {
	if err := q.only("account", "trail", "since", "until", "state", "limit", "after"); err != nil {
		return nil, err
	}
	t, err := q.trail(q.values.Get("account"), q.values.Get("trail"))
	if err != nil {
		return nil, err
	}
	ledger := delivery.LedgerQuery{Trail: t.ID, Before: q.values.Get("after")}
	if ledger.Since, err = q.instant("since"); err == nil {
		ledger.Until, err = q.instant("until")
	}
	if err != nil {
		return nil, err
	}
	if state := q.values.Get("state"); state != "" {
		if !slices.Contains(delivery.FileStates, delivery.FileState(state)) {
			return nil, &requestError{fmt.Errorf("state %q is not one of %v", clip(state), delivery.FileStates)}
		}
		ledger.States = []delivery.FileState{delivery.FileState(state)}
	}
	limit := defaultTrailFiles
	if text := q.values.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 || limit > maxTrailFiles {
			return nil, &requestError{fmt.Errorf("limit %q is not a number from 1 to %d, or 0 for all", clip(text), maxTrailFiles)}
		}
	}
	var pending *delivery.Pending
	if ledger.Before == "" && ledger.States == nil && ledger.Until.IsZero() {
		reports, err := q.front.deliveries.Report(ctx, []*trail.Trail{t})
		if err != nil {
			return nil, err
		}
		pending = &reports[0].Pending
	}
	return func(ctx context.Context, w http.ResponseWriter) {
		s.streamTrailFiles(ctx, w, q, ledger, limit, pending)
	}, nil
}

func (s *Server) streamTrailFiles(ctx context.Context, w http.ResponseWriter, q *trailQuery, ledger delivery.LedgerQuery, limit int, pending *delivery.Pending) {
	w.Header().Set("Content-Type", lines.contentType)
	e := json.NewEncoder(w)
	if pending != nil && pending.Events > 0 {
		_ = e.Encode(TrailLine{Pending: pendingReport(*pending)})
	}
	n, last := 0, ""
	for f, err := range q.front.deliveries.Files(ledger) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = e.Encode(TrailLine{Error: &TrailText{s.tell(ctx, endOf(ctx, err))}})
			return
		}
		if n++; limit > 0 && n > limit {
			_ = e.Encode(TrailLine{End: &TrailEnd{Next: last}})
			return
		}
		last = f.ID()
		if e.Encode(TrailLine{File: trailFile(f)}) != nil {
			return // the client is gone
		}
	}
	_ = e.Encode(TrailLine{End: &TrailEnd{}})
}

// explainEvent says for each trail of an event's account why it takes the event
// or not.
func (s *Server) explainEvent(ctx context.Context, q *trailQuery) (trailAnswer, error) {
	if err := q.only("account", "eventId"); err != nil {
		return nil, err
	}
	id := q.values.Get("eventId")
	if id == "" {
		return nil, &requestError{errors.New("eventId is missing")}
	}
	account, err := q.within(q.values.Get("account"))
	if err != nil {
		return nil, err
	}
	page, err := s.log.Lookup(ctx, eventlog.Query{
		Scope: eventlog.Scope{Account: account}, Limit: maxExplained,
		Filters: []eventlog.Filter{{Attribute: cairn.AttrEventID, Values: []string{id}}},
	})
	if err != nil {
		return nil, err
	}
	if len(page.Events) == 0 {
		if len(page.Damage) > 0 {
			return nil, page.Damage[0]
		}
		return nil, &requestError{fmt.Errorf("the event log has no event with the ID %q: it may be older than the retention, or of another account", clip(id))}
	}
	out := EventExplanations{Events: []EventExplanation{}}
	for i := range page.Events {
		event := &page.Events[i]
		verdicts, err := q.front.deliveries.Explain(ctx, event)
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, *eventExplanation(event, verdicts))
	}
	return func(_ context.Context, w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// maxExplained bounds the events of one ID: only conflicts have more than one.
const maxExplained = 10

// byKey finds the log file or the digest that a key names.
func (q *trailQuery) byKey(r *delivery.Redelivery, key string) error {
	t := r.Trail
	if name, err := cairn.ParseDigestFileKey(key); err == nil {
		r.Digest, err = q.front.deliveries.DigestByKey(t.ID, key, name.End)
		if errors.Is(err, delivery.ErrUnknownDigest) {
			return &requestError{fmt.Errorf("trail %s has no digest %s that is kept, as digests are for 30 days from their delivery on", t.Name, clip(key))}
		}
		return err
	}
	name, err := cairn.ParseLogFileKey(key)
	if err != nil {
		return &requestError{fmt.Errorf("key %q is neither that of a log file nor that of a digest: %w", clip(key), err)}
	}
	r.File, err = q.front.deliveries.FileByKey(t.ID, key, name.Time)
	if errors.Is(err, delivery.ErrUnknownFile) {
		return &requestError{fmt.Errorf("the ledger of trail %s, which keeps 30 days, has no log file %s; `cairn trail files %s` shows those that it has", t.Name, clip(key), t.Name)}
	}
	return err
}

// redeliver delivers log files and digests of a trail again, and tells of each.
func (s *Server) redeliver(ctx context.Context, q *trailQuery) (trailAnswer, error) {
	if err := q.only(); err != nil {
		return nil, err
	}
	var req RedeliverRequest
	d := json.NewDecoder(bytes.NewReader(q.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return nil, badJSON(err)
	}
	q.request = req
	t, err := q.trail(req.Account, req.Trail)
	if err != nil {
		return nil, err
	}
	r := delivery.Redelivery{Trail: t, AsNew: req.AsNew}
	switch {
	case !t.Deleted.IsZero():
		return nil, &requestError{fmt.Errorf("trail %s is deleted", t.Name)}
	case req.Key != "" && (req.Since != nil || req.Until != nil):
		return nil, &requestError{errors.New("key and a time range exclude each other")}
	case req.Key != "":
		if err := q.byKey(&r, req.Key); err != nil {
			return nil, err
		}
	case req.Since == nil:
		return nil, &requestError{errors.New("name a file by its key, or a time range by since and until")}
	case req.Until != nil && req.Since.After(*req.Until):
		return nil, &requestError{errors.New("the time range ends before it begins")}
	default:
		r.Since, r.Until = *req.Since, time.Now()
		if req.Until != nil {
			r.Until = *req.Until
		}
	}
	return func(ctx context.Context, w http.ResponseWriter) { s.streamRedelivery(ctx, w, q, r) }, nil
}

func (s *Server) streamRedelivery(ctx context.Context, w http.ResponseWriter, q *trailQuery, r delivery.Redelivery) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	w.Header().Set("Content-Type", lines.contentType)
	e := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	counts := make(map[delivery.Outcome]int)
	err := q.front.deliveries.Redeliver(ctx, r, func(f delivery.Redelivered) error {
		counts[f.Outcome]++
		if f.Outcome == delivery.OutcomeFailed {
			f.Why += "; next: " + advise("delivery", f.Why, &delivery.Report{Trail: r.Trail})
		}
		line := TrailLine{Outcome: string(f.Outcome), Why: f.Why}
		if f.Digest != nil {
			line.Digest = trailDigest(f.Digest)
		} else {
			line.File = trailFile(f.File)
		}
		if err := e.Encode(line); err != nil {
			return err
		}
		return flush.Flush()
	})
	switch {
	case errors.Is(err, delivery.ErrRedelivering):
		_ = e.Encode(TrailLine{Error: &TrailText{err.Error()}})
	case err != nil && counts[delivery.OutcomeFailed] > 0:
		s.cfg.Logger.Error("a redelivery ended early", "trail", r.Trail.ARN().String(), "error", err)
		_ = e.Encode(TrailLine{Error: &TrailText{"the redelivery ended at a file that the bucket did not take"}})
	case err != nil:
		_ = e.Encode(TrailLine{Error: &TrailText{s.tell(ctx, endOf(ctx, err))}})
	default:
		_ = e.Encode(TrailLine{End: &TrailEnd{Counts: counts}})
	}
}
