package server

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"cairn"
	"cairn/eventlog"
)

// maxJSONBody bounds the body of a request that holds no records.
const maxJSONBody = 1 << 20

// newAPI returns the local API.
func (s *Server) newAPI() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, h func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, h) })
	}
	route("POST /_cairn/v1/import/begin", s.importBegin)
	route("POST /_cairn/v1/import/records", s.importRecords)
	route("POST /_cairn/v1/lookup", s.lookup)
	route("POST /_cairn/v1/tail", s.tail)
	route("POST /_cairn/v1/values", s.values)
	route("POST /_cairn/v1/histogram", s.histogram)
	route("POST /_cairn/v1/check", s.check)
	route("GET /_cairn/v1/backup", s.backup)
	route("GET /_cairn/v1/status", s.status)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "the local API has no "+r.Method+" "+r.URL.Path)
	})
	return mux
}

// A requestError is the caller's fault.
type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// answer calls a handler and turns its error into an answer. A handler that
// has begun its answer reports errors within it and returns nil.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, h func(http.ResponseWriter, *http.Request) error) {
	err := h(w, r)
	var (
		badRequest *requestError
		gap        *gapError
		tooLong    *http.MaxBytesError
	)
	switch {
	case err == nil, r.Context().Err() != nil:
	case errors.As(err, &gap):
		writeError(w, http.StatusConflict, err.Error())
	case errors.As(err, &tooLong), errors.Is(err, eventlog.ErrBatchTooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, err.Error())
	case errors.As(err, &badRequest):
		writeError(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, eventlog.ErrDiskFull), errors.Is(err, eventlog.ErrStopped), errors.Is(err, eventlog.ErrClosed):
		writeError(w, http.StatusServiceUnavailable, err.Error())
	default:
		s.cfg.Logger.Error("request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		writeError(w, http.StatusInternalServerError, err.Error())
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
	return &requestError{errors.Join(errors.New("read request"), err)}
}

// values answers with the values of one attribute, the most frequent first.
func (s *Server) values(w http.ResponseWriter, r *http.Request) error {
	var req ValuesRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	scope, err := scopeOf(req.Account, req.Region, req.Category)
	if err != nil {
		return &requestError{err}
	}
	a, ok := cairn.ParseAttribute(req.Attribute)
	if !ok {
		return &requestError{errors.New("attribute \"" + req.Attribute + "\" is not known")}
	}
	if req.Limit <= 0 {
		req.Limit = 100
	}
	v, err := s.log.Values(r.Context(), scope, a, req.Prefix, req.Limit)
	if err != nil {
		return err
	}
	type value struct {
		Value string `json:"value"`
		Count uint64 `json:"count"`
	}
	out := struct {
		Values   []value `json:"values"`
		Complete bool    `json:"complete"`
	}{Values: []value{}, Complete: v.Complete}
	for _, c := range v.Values {
		out.Values = append(out.Values, value(c))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// histogram answers with the number of hits in each step of time.
func (s *Server) histogram(w http.ResponseWriter, r *http.Request) error {
	var req HistogramRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	q, err := req.query()
	if err == nil && req.StepSeconds <= 0 {
		err = errors.New("stepSeconds must be at least 1")
	}
	if err != nil {
		return &requestError{err}
	}
	buckets, err := s.log.Histogram(r.Context(), q, time.Duration(req.StepSeconds)*time.Second)
	if err != nil {
		return err
	}
	type bucket struct {
		Start time.Time `json:"start"`
		Count uint64    `json:"count"`
	}
	out := make([]bucket, len(buckets))
	for i, b := range buckets {
		out[i] = bucket{b.Start.UTC(), b.Count}
	}
	writeJSON(w, http.StatusOK, map[string]any{"buckets": out})
	return nil
}

// status describes the data directory.
func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	head, err := s.log.Head()
	if err != nil {
		return err
	}
	st := s.log.Stats()
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	out := Status{
		Version: s.cfg.Version, Store: s.id, Data: s.cfg.Data, Running: url != "", URL: url, Started: s.started.UTC(),
		AccountID: s.cfg.AccountID, Region: s.cfg.Region, Regions: s.cfg.Regions, Retention: retentionText(s.cfg.Retention),
		Events: st.Records, Segments: st.Segments, SealedSegments: st.SealedSegments,
		DiskBytes: st.DiskBytes, RawBytes: st.RawBytes, Quarantined: st.Quarantined,
		End: s.log.End().String(), HeadSize: head.Size, HeadRoot: head.Root.String(),
	}
	if free, err := s.cfg.FS.Free(s.cfg.Data); err == nil {
		out.FreeBytes = free
	}
	if err := s.log.Err(); err != nil {
		out.Problem = err.Error()
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
	}
	return d.String()
}
