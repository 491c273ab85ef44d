package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"cairn/aws"
	"cairn/eventlog"
)

// routes are Cairn's own paths on the TCP port. Every request is signed like an
// AWS call, authorised by an action of the service cairn, and recorded. Accounts
// are walls: only an operator reads or writes across them.
type routes struct {
	*Server

	callers   callers
	unpacking *semaphore.Weighted // bytes of posted records in memory
	streams   *places             // answers that stay open
	scans     *places             // searches that read every record in their range
	tops      keptTops            // of overviews
}

// maxUnpacking bounds what all requests together can unpack.
const maxUnpacking = 256 << 20

// The bounds of what goes on at a time: in all, for each account, and of the
// places those that are kept for operators.
const (
	maxStreams        = 256
	maxAccountStreams = maxStreams / 4
	operatorStreams   = maxStreams / 16

	maxScans        = 32
	maxAccountScans = 4
	operatorScans   = 4
)

// streamTimeout is how long a client that reads a stream may take for each
// piece of it.
const streamTimeout = 5 * time.Minute

// addRoutes adds Cairn's own paths to the public handler.
func (s *Server) addRoutes(mux *http.ServeMux, f *front) {
	x := &routes{
		Server: s, callers: f.identities, unpacking: semaphore.NewWeighted(maxUnpacking),
		streams: newPlaces("streams open", maxStreams, maxAccountStreams, operatorStreams),
		scans:   newPlaces("searches that read every record under way", maxScans, maxAccountScans, operatorScans),
	}
	add := func(pattern string, route aws.Route) { mux.Handle(pattern, f.mux.Handler(route)) }
	add("POST /_cairn/events", aws.Route{Operation: "PutEvents", MaxBody: maxPacked, Serve: x.putEvents})
	add("POST /_cairn/gateway/events", aws.Route{Operation: "PutGatewayEvents", MaxBody: maxPacked, Serve: x.putGatewayEvents})
	add("GET /_cairn/api/events", aws.Route{Operation: "GetEvents", ReadOnly: true, Serve: x.getEvents})
	add("GET /_cairn/api/values", aws.Route{Operation: "GetEvents", ReadOnly: true, Serve: x.getValues})
	add("GET /_cairn/api/histogram", aws.Route{Operation: "GetEvents", ReadOnly: true, Serve: x.getHistogram})
	add("GET /_cairn/api/tail", aws.Route{Operation: "GetEvents", ReadOnly: true, Serve: x.getTail})
	add("GET /_cairn/api/export", aws.Route{Operation: "ExportEvents", ReadOnly: true, Serve: x.exportEvents})
	add("GET /_cairn/api/overview", aws.Route{Operation: "GetOverview", ReadOnly: true, Serve: x.getOverview})
	add("GET /_cairn/api/settings", aws.Route{Operation: "GetSettings", ReadOnly: true, Serve: x.getSettings})
	add("GET /_cairn/api/timeline", aws.Route{Operation: "GetTimeline", ReadOnly: true, Serve: x.getTimeline})
	add("POST /_cairn/api/trails/dry-run", aws.Route{Operation: "DryRunSelectors", ReadOnly: true, MaxBody: maxJSONBody, Serve: x.dryRun})
	add("POST /_cairn/api/trails/verify", aws.Route{Operation: "VerifyTrail", ReadOnly: true, MaxBody: maxJSONBody, Serve: x.verifyTrail})
	x.addTrails(add)
	x.addLocal(add)
	x.addIngest(mux, f.recorder)
	mux.HandleFunc("/_cairn/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path+" here")
	})
}

// parameters reads the parameters of a request's URL and shows them in the
// record of the call, without those of a presigned URL.
func parameters(c *aws.Call, r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid(err)
	}
	for name, list := range values {
		if strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if c.Input == nil {
			c.Input = make(map[string]any)
		}
		all := make([]any, len(list))
		for i, v := range list {
			all[i] = v
		}
		c.Input[name] = all
		if len(all) == 1 {
			c.Input[name] = all[0]
		}
	}
	return values, nil
}

// wall keeps a caller who is not an operator within the caller's own account.
func wall(c *aws.Call, scope *eventlog.Scope) error {
	if c.Identity.Operator {
		return nil
	}
	if scope.Account != "" && scope.Account != c.Account() {
		return aws.AccessDenied("Only an operator may read the events of other accounts.")
	}
	scope.Account = c.Account()
	return nil
}

// invalid is the answer to a request that makes no sense.
func invalid(err error) error {
	return aws.Errorf("ValidationException", "%s", err)
}

// unavailable turns the errors of a log that takes or gives nothing now into
// answers.
func (x *routes) unavailable(c *aws.Call, err error) error {
	if closedLog(err) {
		return &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: x.tell(withCall(context.Background(), c), err)}
	}
	return err
}

// take takes a place until the request ends, or release is called.
func (x *routes) take(p *places, c *aws.Call, r *http.Request) (release func(), err error) {
	release, err = p.take(c.Account(), c.Identity.Operator)
	if err != nil {
		c.SetHeader("Retry-After", "5")
		return nil, err
	}
	context.AfterFunc(r.Context(), release)
	return release, nil
}

// unhurried returns a writer for an answer that takes longer than the server
// allows other answers: each piece has its own deadline.
func unhurried(w http.ResponseWriter) http.ResponseWriter {
	// The deadline of reading would end the request's context.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return &pieceWriter{w}
}

type pieceWriter struct{ http.ResponseWriter }

func (w *pieceWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pieceWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController flushes by.
func (w *pieceWriter) FlushError() error {
	w.extend()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *pieceWriter) extend() {
	// Writers without deadlines are those of calls within the process.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(streamTimeout))
}
