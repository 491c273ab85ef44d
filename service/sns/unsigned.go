package sns

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"cairn/aws"
)

// Handler serves what endpoints need without credentials: the certificates, and
// the URLs in messages that confirm and end a subscription. Tokens in these stand in
// for a signature. Everything else goes to next.
func (s *Service) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		get := r.Method == http.MethodGet || r.Method == http.MethodHead
		if match := certificatePath.FindStringSubmatch(r.URL.Path); get && match != nil {
			s.serveCertificate(w, match[1])
			return
		}
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Authorization") == "" {
			query := r.URL.Query()
			action := query.Get("Action")
			if (action == "ConfirmSubscription" || action == "Unsubscribe") && !query.Has("X-Amz-Signature") && !query.Has("Signature") {
				s.serveUnsigned(w, r, query)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Service) subscribeURL(topicARN, token string) string {
	return s.cfg.BaseURL() + "/?Action=ConfirmSubscription&TopicArn=" + url.QueryEscape(topicARN) + "&Token=" + token
}

func (s *Service) unsubscribeURL(sub *subscription) (string, error) {
	token, err := s.endToken(sub)
	if err != nil {
		return "", err
	}
	return s.cfg.BaseURL() + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(sub.arn()) + "&Token=" + token, nil
}

// serveUnsigned performs a call that is not signed. A call with the right token is
// recorded; others are counted, because anybody can make them.
func (s *Service) serveUnsigned(w http.ResponseWriter, r *http.Request, query url.Values) {
	c := &aws.Call{
		Time: time.Now(), RequestID: aws.NewUUID(), Service: "sns", Operation: query.Get("Action"), UserAgent: r.UserAgent(),
		Host: r.Host, TLS: r.TLS, Header: r.Header, Identity: aws.Identity{Type: "AWSAccount", AccountID: "ANONYMOUS_PRINCIPAL"},
	}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.SourceIP = from.Addr().Unmap()
	}
	result, err := s.unsigned(r.Context(), c, query)
	if err != nil {
		var e *aws.Error
		if !errors.As(err, &e) {
			s.cfg.Logger.Error("call failed", "service", "sns", "operation", c.Operation, "request", c.RequestID, "error", err)
			e = &aws.Error{Code: "InternalError", Status: http.StatusInternalServerError, Message: "The call failed because of an internal error."}
		}
		refused := *e
		refused.Unattributed = true
		s.cfg.Recorder.Count(c, &refused)
		writeFailure(w, c, &refused)
		return
	}
	if err := s.cfg.Recorder.Record(r.Context(), c); err != nil {
		s.cfg.Logger.Error("call could not be recorded", "service", "sns", "operation", c.Operation, "request", c.RequestID, "error", err)
		writeFailure(w, c, errUnrecorded())
		return
	}
	writeResult(w, c, result)
}

// unsigned performs the call. The result is the one member that the answer has.
func (s *Service) unsigned(_ context.Context, c *aws.Call, query url.Values) (result string, err error) {
	if version := query.Get("Version"); version != "" && version != apiVersion {
		return "", aws.Errorf("NoSuchVersion", "The requested version %q is not supported; this service has version %s.", version, apiVersion)
	}
	if c.Operation == "Unsubscribe" {
		return "", s.unsignedUnsubscribe(c, query)
	}
	authenticated, err := isTrue(query.Get("AuthenticateOnUnsubscribe"))
	if err != nil {
		return "", err
	}
	if authenticated {
		return "", &aws.Error{Code: "AuthorizationError", Status: http.StatusForbidden, Message: "AuthenticateOnUnsubscribe needs a call that is signed."}
	}
	c.Region = regionOf(query.Get("TopicArn"))
	n, ok := parseTopic(c.Region, query.Get("TopicArn"))
	if !ok {
		return "", errInvalid("TopicArn")
	}
	c.SharedWith = n.account
	c.Input = map[string]any{"TopicArn": n.arn(), "Token": query.Get("Token")}
	if err := s.ready(c); err != nil {
		return "", err
	}
	arn, err := s.confirm(n, query.Get("Token"), func(*subscription) {})
	c.Output = map[string]any{"SubscriptionArn": arn}
	return arn, err
}

// unsignedUnsubscribe takes the token that stands in the URL of each message, so
// that an ARN alone, which lists show, ends nothing.
func (s *Service) unsignedUnsubscribe(c *aws.Call, query url.Values) error {
	arn := query.Get("SubscriptionArn")
	c.Region = regionOf(arn)
	n, id, ok := parseSubscription(c.Region, arn)
	if !ok {
		return errInvalid("SubscriptionArn")
	}
	c.SharedWith, c.Input = n.account, map[string]any{"SubscriptionArn": arn}
	denied := &aws.Error{Code: "AuthorizationError", Status: http.StatusForbidden, Message: "The call is neither signed, nor has it the token that stands in the messages of the subscription."}
	sub, _, err := s.loadSubscription(n, id)
	if err != nil {
		return err
	}
	if sub == nil || sub.State != confirmedState || sub.AuthenticatedEnd {
		return denied
	}
	want, err := s.endToken(sub)
	if err != nil {
		return err
	}
	if !sameToken(want, query.Get("Token")) {
		return denied
	}
	if err := s.ready(c); err != nil {
		return err
	}
	return s.end(sub)
}

// ready refuses a call whose record could not be written.
func (s *Service) ready(c *aws.Call) error {
	err := s.cfg.Recorder.Ready(c)
	if err == nil {
		return nil
	}
	s.cfg.Logger.Error("a call is refused, because it could not be recorded", "service", "sns", "operation", c.Operation, "error", err)
	return errUnrecorded()
}

func writeResult(w http.ResponseWriter, c *aws.Call, arn string) {
	b := []byte("<" + c.Operation + `Response xmlns="` + namespace + `">`)
	if arn != "" {
		b = slices.Concat(b, []byte("<"+c.Operation+"Result><SubscriptionArn>"), escaped(arn), []byte("</SubscriptionArn></"+c.Operation+"Result>"))
	}
	writeXML(w, c, http.StatusOK, append(b, "<ResponseMetadata><RequestId>"+c.RequestID+"</RequestId></ResponseMetadata></"+c.Operation+"Response>\n"...))
}

func writeFailure(w http.ResponseWriter, c *aws.Call, e *aws.Error) {
	status, party := e.Status, "Sender"
	if status == 0 {
		status = http.StatusBadRequest
	}
	if status >= 500 {
		party = "Receiver"
	}
	writeXML(w, c, status, slices.Concat([]byte(`<ErrorResponse xmlns="`+namespace+`"><Error><Type>`+party+"</Type><Code>"+e.Code+"</Code><Message>"),
		escaped(e.Message), []byte("</Message></Error><RequestId>"+c.RequestID+"</RequestId></ErrorResponse>\n")))
}

func writeXML(w http.ResponseWriter, c *aws.Call, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Amzn-Requestid", c.RequestID)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func escaped(text string) []byte {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer takes everything
	return b.Bytes()
}
