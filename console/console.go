// Package console serves the web console: its pages, the sign-in, and the calls that
// pages make as whoever has signed in.
//
// Its nouns: a session is a browser that has proved an access key, or redeemed a
// one-time link; it is known by a random cookie, of which the server keeps the hash. A
// session is not a right: whose it is and what they may is asked anew for each call.
//
// The console has a listener, and so an origin, of its own. Its one invariant: nothing is
// done for a request that a page of another origin could have made a browser send.
// docs/console.md describes it from outside.
package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cairn/aws"
	"cairn/record"
)

// The times of sessions and links, and how often the caller of an answer that takes
// long is checked again.
const (
	IdleTimeout    = time.Hour
	SessionTimeout = 12 * time.Hour
	LinkTimeout    = 10 * time.Minute
	defaultRecheck = 30 * time.Second
)

// Records is where sign-ins are recorded: *record.Recorder.
type Records interface {
	// RecordWith returns when the record of a call is durable.
	RecordWith(ctx context.Context, c *aws.Call, d record.Details) error

	// Count notes a failure that no identity can be named for.
	Count(c *aws.Call, e *aws.Error)
}

// Config says what a Console needs. Where nothing else is said, all is required.
type Config struct {
	Keys    aws.Keys
	Records Records

	// Mux answers calls of AWS's services, and Routes holds the handlers of Cairn's own
	// routes, which Mux has made.
	Mux    *aws.Mux
	Routes *http.ServeMux

	// Operator returns whom a link signs in.
	Operator func(context.Context) (aws.Identity, error)

	Regions []string // all that exist
	Region  string   // of a session that names none
	Version string
	Dev     bool // any access key is good

	// Port is that of the listener. PublicURL is where browsers find the console, if
	// that is not the listener itself: a proxy's. It may be empty.
	Port      string
	PublicURL string

	// Certified reports whether the listener's certificate proves a name; nil without TLS.
	Certified func(host string) bool

	// Assets holds the pages, packed: index.html.gz and so on.
	Assets fs.FS

	Recheck time.Duration    // how often whose a long answer is is asked again; 30 s if zero
	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // default discards
}

// Console is an http.Handler.
type Console struct {
	cfg      Config
	public   *url.URL // nil without a PublicURL
	sessions *sessions
	links    *links
	delays   *delays
	failures rate
	assets   map[string]*asset
}

// New makes a Console.
func New(cfg Config) (*Console, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Recheck == 0 {
		cfg.Recheck = defaultRecheck
	}
	x := &Console{
		cfg: cfg, sessions: newSessions(cfg.Now), links: newLinks(cfg.Now), delays: newDelays(cfg.Now),
		failures: rate{now: cfg.Now, max: maxRecordedFailures},
	}
	if cfg.PublicURL != "" {
		var err error
		if x.public, err = ParseURL(cfg.PublicURL); err != nil {
			return nil, err
		}
	}
	var err error
	if x.assets, err = loadAssets(cfg.Assets); err != nil {
		return nil, fmt.Errorf("read the console's pages: %w", err)
	}
	return x, nil
}

// ParseURL reads the URL by which browsers find a console: a scheme and a host, and
// nothing that its pages, which stand at the root, could not have in front.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is not of the form https://host or https://host:port", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("%q has more than a host and a port, and the console stands at the root", text)
	case strings.HasSuffix(strings.ToLower(u.Hostname()), ".localhost"):
		return nil, fmt.Errorf("%q: to S3 the names below localhost are buckets", text)
	}
	return u, nil
}

// Link makes a one-time link's secret, and says until when it is good.
func (x *Console) Link() (secret string, until time.Time) { return x.links.make() }

// Close ends all sessions, and with them their streams.
func (x *Console) Close() { x.sessions.close() }

// ServeHTTP answers a browser.
func (x *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.protect(w, r)
	if why := x.foreign(r); why != "" {
		x.refuse(w, http.StatusForbidden, "AccessDeniedException", why)
		return
	}
	switch path := r.URL.Path; {
	case path == "/session":
		x.serveSession(w, r)
	case strings.HasPrefix(path, "/aws/"), strings.HasPrefix(path, "/_cairn/"):
		x.forward(w, r)
	default:
		x.serveAsset(w, r)
	}
}

// refuse answers with an error in the form of the TCP port's routes.
func (x *Console) refuse(w http.ResponseWriter, status int, code, message string) {
	x.refuseCall(w, aws.NewUUID(), &aws.Error{Code: code, Status: status, Message: message})
}

func (x *Console) refuseCall(w http.ResponseWriter, requestID string, e *aws.Error) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("X-Amzn-Errortype", e.Code)
	writeJSON(w, e.Status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Code, e.Message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser may be gone
}

// secure reports whether a browser reached the console over TLS, here or at the proxy
// that the public URL names.
func (x *Console) secure(r *http.Request) bool {
	return r.TLS != nil || x.public != nil && x.public.Scheme == "https"
}

// sourceOf is the address of the other end.
func sourceOf(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap()
	}
	return netip.Addr{}
}

// hostOf is a Host header without its port, in lower case.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
