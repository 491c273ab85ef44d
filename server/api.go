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
	route("POST /_cairn/v1/account", s.addAccount)
	route("GET /_cairn/v1/account", s.accounts)
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
	case errors.As(err, &badRequest), errors.Is(err, eventlog.ErrHistogramStep), errors.Is(err, eventlog.ErrHistogramSize), errors.Is(err, eventlog.ErrOrigin):
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
	out, err := s.valuesOf(r.Context(), req)
	if err == nil {
		writeJSON(w, http.StatusOK, out)
	}
	return err
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
	buckets, err := s.log.Histogram(r.Context(), q, time.Duration(req.StepSeconds)*time.Second)
	if err != nil {
		return err
	}
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
		Version: s.cfg.Version, Store: s.id, Data: s.cfg.Data, Running: url != "", URL: url,
		AccountID: s.cfg.AccountID, Region: s.cfg.Region, Regions: s.cfg.Regions, Retention: retentionText(s.cfg.Retention),
		Events: st.Records, Segments: st.Segments, SealedSegments: st.SealedSegments,
		DiskBytes: st.DiskBytes, RawBytes: st.RawBytes,
		End: s.log.End().String(), HeadSize: head.Size, HeadRoot: head.Root.String(),
	}
	if free, err := s.cfg.FS.Free(s.cfg.Data); err == nil {
		out.FreeBytes = free
	}
	if out.Running {
		out.Started, out.Quarantined = s.started.UTC(), &st.Quarantined
	}
	out.Problem = s.problem()
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
