package console

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/aws"
	"cairn/record"
)

// maxSessionBody bounds the body of a request about the session: a session token has up
// to 8 KiB.
const maxSessionBody = 16 << 10

// maxKeyID is how long the ID of an access key may be, in bytes; AWS's API has the same bound.
const maxKeyID = 128

// A signInRequest is an access key with its secret, or a link. Where it stands for a
// change of a session, it has the region only.
type signInRequest struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Region          string `json:"region"`
	Link            string `json:"link"`
}

// sessionAnswer describes a session to the pages.
type sessionAnswer struct {
	SignedIn    bool           `json:"signedIn"`
	Identity    identityAnswer `json:"identity"`
	Region      string         `json:"region"`
	Regions     []string       `json:"regions"`
	Version     string         `json:"version"`
	IdleSeconds int            `json:"idleSeconds"`
	Expires     time.Time      `json:"expires"` // the session, however much it is used
	Dev         bool           `json:"dev"`
}

type identityAnswer struct {
	Type        string `json:"type"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName,omitempty"`
	PrincipalID string `json:"principalId"`
	AccessKeyID string `json:"accessKeyId,omitempty"`
	Operator    bool   `json:"operator"`
}

// serveSession answers requests about the session itself.
func (x *Console) serveSession(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		x.signIn(w, r)
	case http.MethodGet:
		if s, id := x.caller(w, r); s != nil {
			x.answerSession(w, s, &id)
		}
	case http.MethodPatch:
		x.changeSession(w, r)
	case http.MethodDelete:
		if s := x.sessionOf(r, false); s != nil {
			x.sessions.end(s)
		}
		x.setCookie(w, r, "")
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, PATCH, DELETE")
		x.refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "A session is made by POST, read by GET, changed by PATCH and ended by DELETE.")
	}
}

// signIn begins a session for who proves to have an access key, or redeems a link.
func (x *Console) signIn(w http.ResponseWriter, r *http.Request) {
	q, err := readSignIn(w, r)
	if err != nil {
		x.refuse(w, http.StatusBadRequest, "ValidationException", err.Error())
		return
	}
	c := &aws.Call{
		Time: x.cfg.Now(), RequestID: aws.NewUUID(), Service: "signin", Operation: "ConsoleLogin", Region: cmp.Or(q.Region, x.cfg.Region),
		SourceIP: sourceOf(r), UserAgent: r.UserAgent(), Host: r.Host, TLS: r.TLS,
	}
	if !slices.Contains(x.cfg.Regions, c.Region) {
		x.refuse(w, http.StatusBadRequest, "ValidationException", "there is no such region here, but "+strings.Join(x.cfg.Regions, ", "))
		return
	}
	tried := cmp.Or(q.AccessKeyID, "a link")
	if wait := x.delays.begin(c.SourceIP, tried); wait > 0 {
		seconds := int(wait/time.Second) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		e := &aws.Error{Code: "ThrottlingException", Status: http.StatusTooManyRequests,
			Message: fmt.Sprintf("Too many attempts to sign in have failed. Try again in %d seconds.", seconds)}
		x.cfg.Records.Count(c, e)
		x.refuseCall(w, c.RequestID, e)
		return
	}
	s, id, err := x.prove(r.Context(), c, q)
	if err == nil {
		err = x.recordSignIn(r.Context(), c, x.urlOf(r), "")
	}
	if err != nil {
		x.refuseSignIn(w, r, c, err)
		return
	}
	x.delays.succeeded(c.SourceIP, tried)
	if old := x.sessionOf(r, false); old != nil {
		x.sessions.end(old)
	}
	s.region = c.Region
	x.setCookie(w, r, x.sessions.add(s))
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	x.answerSession(w, s, id)
}

func readSignIn(w http.ResponseWriter, r *http.Request) (*signInRequest, error) {
	var q signInRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSessionBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return nil, errors.New("the body is not the JSON object that it should be")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	switch {
	case r.Method == http.MethodPatch && q.AccessKeyID+q.SecretAccessKey+q.SessionToken+q.Link != "":
		return nil, errors.New("only the region of a session can be changed")
	case r.Method == http.MethodPatch:
	case q.Link != "" && q.AccessKeyID+q.SecretAccessKey+q.SessionToken != "":
		return nil, errors.New("there is a link and an access key, and one is enough")
	case q.Link == "" && (q.AccessKeyID == "" || q.SecretAccessKey == ""):
		return nil, errors.New("there must be accessKeyId and secretAccessKey, or link")
	case len(q.AccessKeyID) > maxKeyID:
		return nil, errors.New("the access key ID is too long")
	}
	return &q, nil
}

// errFailed is what a sign-in answers whatever was wrong with it.
var errFailed = &aws.Error{Code: "UnrecognizedClientException", Status: http.StatusUnauthorized,
	Message: "The access key ID, its secret or the session token is not valid."}

var errLink = &aws.Error{Code: "UnrecognizedClientException", Status: http.StatusUnauthorized,
	Message: "The link is not valid any more. It works once, within ten minutes; cairn console-link makes another."}

// prove finds out who signs in. The call's identity is whom a failure is recorded of: it
// stays empty if no access key is known that was tried.
func (x *Console) prove(ctx context.Context, c *aws.Call, q *signInRequest) (*session, *aws.Identity, error) {
	if q.Link != "" {
		if !x.links.redeem(q.Link) {
			return nil, nil, errLink
		}
		id, err := x.cfg.Operator(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("find the operator: %w", err)
		}
		c.Identity = id
		return &session{account: id.AccountID, principalID: id.PrincipalID}, &id, nil
	}
	cred, err := x.cfg.Keys.Credential(ctx, q.AccessKeyID, q.SessionToken, c.Region)
	if e, ok := errors.AsType[*aws.Error](err); ok {
		if e.Code == "ExpiredToken" {
			return nil, nil, &aws.Error{Code: "ExpiredTokenException", Status: http.StatusUnauthorized, Message: e.Message}
		}
		return nil, nil, errFailed
	}
	if err != nil {
		return nil, nil, err
	}
	c.Identity = cred.Identity
	c.Identity.AccessKeyID = q.AccessKeyID
	// The hashes have one length, so that the time tells nothing of that either.
	given, want := sha256.Sum256([]byte(q.SecretAccessKey)), sha256.Sum256([]byte(cred.Secret))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 && !cred.Unverified {
		return nil, nil, errFailed
	}
	id := c.Identity
	return &session{accessKeyID: q.AccessKeyID, token: q.SessionToken, account: id.AccountID, principalID: id.PrincipalID,
		unverified: cred.Unverified}, &id, nil
}

// refuseSignIn answers a sign-in that failed, and records it if it is known whose it was.
func (x *Console) refuseSignIn(w http.ResponseWriter, r *http.Request, c *aws.Call, err error) {
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		x.cfg.Logger.Error("a sign-in failed", "request", c.RequestID, "error", err)
		x.refuseCall(w, c.RequestID, &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
			Message: "The sign-in could not be checked or recorded. The server's log has the cause, under the ID of this request."})
		return
	}
	if c.Identity.Type == "" || !x.failures.allow() {
		x.cfg.Records.Count(c, e)
	} else if err := x.recordSignIn(r.Context(), c, x.urlOf(r), "Failed authentication"); err != nil {
		x.cfg.Logger.Error("a failed sign-in was not recorded", "request", c.RequestID, "error", err)
		x.cfg.Records.Count(c, e)
	}
	x.refuseCall(w, c.RequestID, e)
}

// recordSignIn records a sign-in as AWS does: root users' in us-east-1, all others' in the
// region where they are made.
func (x *Console) recordSignIn(ctx context.Context, c *aws.Call, url, failure string) error {
	recorded := *c
	recorded.RequestID = "" // AWS's have none
	outcome := "Success"
	if failure != "" {
		outcome = "Failure"
	}
	recorded.Output = map[string]any{"ConsoleLogin": outcome}
	if c.Identity.Type == "Root" {
		recorded.Region = "us-east-1"
	}
	mfa := "No"
	if c.Identity.Session != nil && c.Identity.Session.MFA {
		mfa = "Yes"
	}
	return x.cfg.Records.RecordWith(ctx, &recorded, record.Details{
		EventType: "AwsConsoleSignIn", ErrorMessage: failure,
		AdditionalEventData: map[string]any{"LoginTo": url, "MobileVersion": "No", "MFAUsed": mfa},
	})
}

// urlOf is the console's URL as the browser has it.
func (x *Console) urlOf(r *http.Request) string {
	if x.secure(r) {
		return "https://" + r.Host + "/"
	}
	return "http://" + r.Host + "/"
}

// changeSession changes a session's region.
func (x *Console) changeSession(w http.ResponseWriter, r *http.Request) {
	s, id := x.caller(w, r)
	if s == nil {
		return
	}
	q, err := readSignIn(w, r)
	if err == nil && !slices.Contains(x.cfg.Regions, q.Region) {
		err = errors.New("there is no such region here, but " + strings.Join(x.cfg.Regions, ", "))
	}
	if err != nil {
		x.refuse(w, http.StatusBadRequest, "ValidationException", err.Error())
		return
	}
	x.sessions.setRegion(s, q.Region)
	x.answerSession(w, s, &id)
}

func (x *Console) answerSession(w http.ResponseWriter, s *session, id *aws.Identity) {
	writeJSON(w, http.StatusOK, sessionAnswer{
		SignedIn: true, Region: x.sessions.regionOf(s), Regions: x.cfg.Regions, Version: x.cfg.Version, Dev: x.cfg.Dev,
		IdleSeconds: int(IdleTimeout / time.Second), Expires: s.created.Add(SessionTimeout).UTC().Truncate(time.Second),
		Identity: identityAnswer{Type: id.Type, ARN: id.ARN, AccountID: id.AccountID, UserName: id.UserName, PrincipalID: id.PrincipalID,
			AccessKeyID: id.AccessKeyID, Operator: id.Operator},
	})
}

// backgroundHeader marks what pages do of their own, such as asking for news: it does not
// keep a session from running idle.
const backgroundHeader = "X-Cairn-Background"

// caller returns the session that a request is made in, and whose it is now. Where there
// is none, it has answered.
func (x *Console) caller(w http.ResponseWriter, r *http.Request) (*session, aws.Identity) {
	s := x.sessionOf(r, r.Header.Get(backgroundHeader) == "")
	if s == nil {
		x.refuseCaller(w, r, errSignedOut)
		return nil, aws.Identity{}
	}
	id, err := x.identity(r.Context(), s)
	if err == nil {
		return s, id
	}
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		requestID := aws.NewUUID()
		x.cfg.Logger.Error("a session's identity could not be found", "request", requestID, "error", err)
		x.refuseCall(w, requestID, &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
			Message: "The session could not be checked. The server's log has the cause, under the ID of this request."})
		return nil, aws.Identity{}
	}
	x.refuseCaller(w, r, e)
	return nil, aws.Identity{}
}

// refuseCaller answers a request that is nobody's. A call is counted, as one without a
// good signature is; that a page asks whether there is a session says nothing. The cookie
// stays: by now the browser may have that of another session.
func (x *Console) refuseCaller(w http.ResponseWriter, r *http.Request, e *aws.Error) {
	c := &aws.Call{Time: x.cfg.Now(), RequestID: aws.NewUUID(), Service: aws.RouteService, SourceIP: sourceOf(r)}
	if r.URL.Path != "/session" {
		var as aws.SignedIn
		if _, ok := awsPath(r, &as); ok && strings.HasPrefix(r.URL.Path, "/aws/") {
			c.Service = as.Service
		}
		x.cfg.Records.Count(c, e)
	}
	x.refuseCall(w, c.RequestID, &aws.Error{Code: e.Code, Status: http.StatusUnauthorized, Message: e.Message})
}

var errSignedOut = &aws.Error{Code: "NotSignedIn", Status: http.StatusUnauthorized, Message: "You are not signed in, or the session is over."}

// identity returns whose a session is now. One that is nobody's any more is ended: its
// access key was disabled or deleted, its user is gone, its token has expired.
func (x *Console) identity(ctx context.Context, s *session) (aws.Identity, error) {
	if x.sessions.over(s) {
		return aws.Identity{}, errSignedOut
	}
	id, err := x.identityNow(ctx, s)
	if _, ok := errors.AsType[*aws.Error](err); ok {
		x.sessions.end(s)
	}
	return id, err
}

func (x *Console) identityNow(ctx context.Context, s *session) (aws.Identity, error) {
	if s.accessKeyID == "" {
		return x.cfg.Operator(ctx)
	}
	cred, err := x.cfg.Keys.Credential(ctx, s.accessKeyID, s.token, x.cfg.Region)
	if err != nil {
		return aws.Identity{}, err
	}
	id := cred.Identity
	id.AccessKeyID = s.accessKeyID
	// To a development server a key that is gone is one that it does not know.
	if cred.Unverified != s.unverified || id.PrincipalID != s.principalID || id.AccountID != s.account {
		return aws.Identity{}, aws.ErrUnknownKey
	}
	return id, nil
}

// sessionOf returns the session of a request's cookie, nil if there is none.
func (x *Console) sessionOf(r *http.Request, use bool) *session {
	cookie, err := r.Cookie(x.cookieName(r))
	if err != nil {
		return nil
	}
	return x.sessions.find(cookie.Value, use)
}

// cookieName tells consoles on one host apart: a cookie goes to all ports. Under TLS its
// prefix keeps other hosts of the domain from setting it.
func (x *Console) cookieName(r *http.Request) string {
	name := "cairn-session-" + x.cfg.Port
	if x.secure(r) {
		name = "__Host-" + name
	}
	return name
}

// setCookie sets the session's cookie, or removes it if the value is empty.
func (x *Console) setCookie(w http.ResponseWriter, r *http.Request, value string) {
	cookie := &http.Cookie{Name: x.cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: x.secure(r), SameSite: http.SameSiteStrictMode}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
