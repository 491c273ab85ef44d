package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/eventlog"
)

// maxJSONBody bounds the body of a request that holds no records.
const maxJSONBody = 1 << 20

// A localRoute is a path of the local API. Its handler returns an error before
// it begins an answer, and tells of those that come later within the answer.
type localRoute struct {
	pattern string

	// Over TCP the call is of this operation, and so are the events of what the
	// directory's owner does.
	operation string
	readOnly  bool
	maxBody   int64
	ownerOnly bool // not served on the TCP port
	walled    bool // served there to others than operators too, within their walls

	// Serve answers. A route whose answer stays open has stream instead, which
	// returns what writes the answer once all that can refuse it was asked.
	serve  func(w http.ResponseWriter, r *http.Request) error
	stream func(w http.ResponseWriter, r *http.Request) (func(context.Context, http.ResponseWriter), error)
}

func (s *Server) localRoutes() []localRoute {
	return append(append(s.localTrailRoutes(), s.localIngestRoutes()...), []localRoute{
		{pattern: "POST /_cairn/v1/import/begin", operation: "StartImport", maxBody: maxJSONBody, serve: s.importBegin},
		{pattern: "POST /_cairn/v1/import/records", operation: "ImportEvents", maxBody: maxRecordsBody, serve: s.importRecords},
		{pattern: "POST /_cairn/v1/lookup", operation: "GetEvents", readOnly: true, walled: true, maxBody: maxJSONBody, stream: s.lookup},
		{pattern: "POST /_cairn/v1/tail", operation: "GetEvents", readOnly: true, walled: true, maxBody: maxJSONBody, stream: s.tail},
		{pattern: "POST /_cairn/v1/values", operation: "GetEvents", readOnly: true, maxBody: maxJSONBody, serve: s.values},
		{pattern: "POST /_cairn/v1/histogram", operation: "GetEvents", readOnly: true, maxBody: maxJSONBody, serve: s.histogram},
		{pattern: "POST /_cairn/v1/check", operation: "GetCheckReport", readOnly: true, maxBody: maxJSONBody, stream: s.check},
		{pattern: "GET /_cairn/v1/backup", operation: "GetBackup", readOnly: true, maxBody: 1, stream: s.backup},
		{pattern: "GET /_cairn/v1/status", operation: "GetStatus", readOnly: true, maxBody: 1, serve: s.status},
		{pattern: "POST /_cairn/v1/account", operation: "AddAccount", ownerOnly: true, serve: s.addAccount},
		{pattern: "POST /_cairn/v1/account/rekey", operation: "RekeyAccount", ownerOnly: true, serve: s.rekeyAccount},
		{pattern: "GET /_cairn/v1/account", operation: "ListAccounts", readOnly: true, ownerOnly: true, serve: s.accounts},
		{pattern: "POST /_cairn/v1/console-link", operation: "CreateConsoleLink", ownerOnly: true, serve: s.consoleLink},
		{pattern: "GET /_cairn/v1/keys", operation: "GetKeyStatus", readOnly: true, ownerOnly: true, serve: s.keyStatus},
		{pattern: "POST /_cairn/v1/keys/rotate", operation: "RotateKeys", ownerOnly: true, serve: s.rotateKeys},
	}...)
}

// newAPI returns the local API.
func (s *Server) newAPI() http.Handler {
	mux := http.NewServeMux()
	for _, l := range s.localRoutes() {
		mux.HandleFunc(l.pattern, func(w http.ResponseWriter, r *http.Request) {
			if l.stream == nil {
				if err := l.serve(w, r); err != nil {
					s.refuse(w, r, err)
				}
				return
			}
			respond, err := l.stream(w, r)
			if err != nil {
				s.refuse(w, r, err)
				return
			}
			respond(r.Context(), w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "the local API has no "+r.Method+" "+r.URL.Path)
	})
	return mux
}

// A requestError is the caller's fault.
type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// refuse answers with an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var (
		badRequest *requestError
		gap        *gapError
		tooLong    *http.MaxBytesError
	)
	switch {
	case r.Context().Err() != nil:
	case errors.As(err, &gap):
		writeError(w, http.StatusConflict, err.Error())
	case errors.As(err, &tooLong), errors.Is(err, eventlog.ErrBatchTooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, err.Error())
	case errors.As(err, &badRequest), errors.Is(err, eventlog.ErrHistogramStep), errors.Is(err, eventlog.ErrHistogramSize), errors.Is(err, eventlog.ErrOrigin):
		writeError(w, http.StatusBadRequest, err.Error())
	case closedLog(err):
		writeError(w, http.StatusServiceUnavailable, s.tell(r.Context(), err))
	default:
		if callOf(r.Context()) == nil {
			s.cfg.Logger.Error("request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		}
		writeError(w, http.StatusInternalServerError, s.tell(r.Context(), err))
	}
}

func writeError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, apiError{Error: text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// readJSON reads a request's body, in which every member must be known.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSONBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("something follows the JSON object")
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return err
	}
	return badJSON(err)
}

// badJSON says what is wrong with a body that is not the JSON object it should
// be.
func badJSON(err error) error {
	var (
		member *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &member) && member.Field != "":
		err = fmt.Errorf("the member %q cannot be a JSON %s", member.Field, member.Value)
	case errors.As(err, &member):
		err = fmt.Errorf("it is a JSON %s, not an object", member.Value)
	case errors.As(err, &syntax):
		err = fmt.Errorf("it is not JSON: %w at byte %d", syntax, syntax.Offset)
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		err = errors.New("it ends too early")
	default:
		// Of members that are not known the package has no error of its own.
		err = errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return &requestError{fmt.Errorf("read the request's body: %w", err)}
}

// values answers with the values of one attribute, the most frequent first.
func (s *Server) values(w http.ResponseWriter, r *http.Request) error {
	var req ValuesRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	out, err := s.valuesOf(r.Context(), req)
	if err != nil {
		return err
	}
	s.auditRead(r.Context(), "GetEvents", req)
	writeJSON(w, http.StatusOK, out)
	return nil
}

// valueList is the answer with an attribute's values.
type valueList struct {
	Values   []valueCount `json:"values"`
	Complete bool         `json:"complete"`
}

type valueCount struct {
	Value string `json:"value"`
	Count uint64 `json:"count"`
}

func (s *Server) valuesOf(ctx context.Context, req ValuesRequest) (*valueList, error) {
	scope, err := scopeOf(req.Account, req.Region, req.Category)
	if err != nil {
		return nil, &requestError{err}
	}
	a, ok := cairn.ParseAttribute(req.Attribute)
	if !ok {
		return nil, &requestError{fmt.Errorf("attribute %q is not known", req.Attribute)}
	}
	if req.Limit <= 0 {
		req.Limit = 100
	}
	v, err := s.log.Values(ctx, scope, a, req.Prefix, req.Limit)
	if err != nil {
		return nil, err
	}
	out := &valueList{Values: []valueCount{}, Complete: v.Complete}
	for _, c := range v.Values {
		out.Values = append(out.Values, valueCount(c))
	}
	return out, nil
}

// histogram answers with the number of hits in each step of time.
func (s *Server) histogram(w http.ResponseWriter, r *http.Request) error {
	var req HistogramRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	q, err := req.query()
	if err == nil && (req.StepSeconds <= 0 || req.StepSeconds > math.MaxInt32) {
		err = errors.New("stepSeconds must be at least 1, and less than 2^31")
	}
	if err != nil {
		return &requestError{err}
	}
	step := time.Duration(req.StepSeconds) * time.Second
	var buckets []eventlog.Bucket
	if req.ErrorOnly {
		buckets, err = s.countKept(r.Context(), q, true, step, failed)
	} else {
		buckets, err = s.log.Histogram(r.Context(), q, step)
	}
	if err != nil {
		return err
	}
	s.auditRead(r.Context(), "GetEvents", req)
	writeJSON(w, http.StatusOK, bucketList(buckets))
	return nil
}

// bucketList is the answer with a histogram.
func bucketList(buckets []eventlog.Bucket) any {
	type bucket struct {
		Start time.Time `json:"start"`
		Count uint64    `json:"count"`
	}
	out := make([]bucket, len(buckets))
	for i, b := range buckets {
		out[i] = bucket{b.Start.UTC(), b.Count}
	}
	return map[string]any{"buckets": out}
}

// status describes the data directory.
func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	head, err := s.log.Head()
	if err != nil {
		return err
	}
	st := s.log.Stats()
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	out := Status{
		Version: s.cfg.Version, Store: s.id, Data: s.cfg.Data, Running: url != "", URL: url,
		AccountID: s.cfg.AccountID, Region: s.cfg.Region, Regions: s.cfg.Regions, Retention: retentionText(s.cfg.Retention),
		Events: st.Records, Segments: st.Segments, SealedSegments: st.SealedSegments,
		DiskBytes: st.DiskBytes, RawBytes: st.RawBytes,
		End: s.log.End().String(), HeadSize: head.Size, HeadRoot: head.Root.String(),
	}
	if others, err := s.otherBytes(r.Context()); err == nil {
		out.ObjectBytes = others.objects
		out.DiskBytes += others.objects + others.staged + others.catalog
	} else { // as with a damaged object store, of which check tells
		s.cfg.Logger.Warn("the size of what is stored is not known whole", "error", err)
	}
	if free, err := s.cfg.FS.Free(s.cfg.Data); err == nil {
		out.FreeBytes = free
	}
	if out.Running {
		out.Started, out.Quarantined = s.started.UTC(), &st.Quarantined
	}
	if out.Gateway, err = s.gatewayStatus(); err != nil {
		return err
	}
	if err := s.problem(); err != nil {
		out.Problem = err.Error()
		if callOf(r.Context()) != nil {
			out.Problem = sentence(err)
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// retentionText writes a retention as the --retention flag reads it.
func retentionText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == eventlog.Forever:
		return "0"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d > day:
		return strconv.FormatInt(int64(d/day), 10) + "d" + retentionText(d%day)
	}
	text := d.String() // such as 36h0m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
