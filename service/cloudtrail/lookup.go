package cloudtrail

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
)

// LookupEventsInput is the request of LookupEvents. Of several attributes only
// the first counts, as with AWS.
type LookupEventsInput struct {
	LookupAttributes []LookupAttribute
	StartTime        time.Time
	EndTime          time.Time
	EventCategory    string
	MaxResults       *int32
	NextToken        string
}

// LookupAttribute is what events are looked up by.
type LookupAttribute struct {
	AttributeKey   string  `aws:",required"`
	AttributeValue *string `aws:",required"` // an empty one has an error of its own
}

// LookupEventsOutput is a page of events, newest first.
type LookupEventsOutput struct {
	Events    []Event
	NextToken string
}

// Event is an event as LookupEvents gives it.
type Event struct {
	EventId         string
	EventName       string
	ReadOnly        string
	AccessKeyId     string
	EventTime       time.Time
	EventSource     string
	Username        string
	Resources       []Resource
	CloudTrailEvent string
}

// Resource is a resource that an event names.
type Resource struct {
	ResourceType string
	ResourceName string
}

// Bounds of a request.
const (
	maxLookupResults = 50
	maxLookupValue   = 2000
)

func (s *Service) lookupEvents(ctx context.Context, c *aws.Call, in *LookupEventsInput) (*LookupEventsOutput, error) {
	q, err := s.lookupQuery(c, in)
	if err != nil {
		return nil, err
	}
	row := tokenRow(c, &q)
	if in.NextToken != "" {
		if q.After, err = s.openToken(row, in.NextToken); err != nil {
			return nil, err
		}
	}
	page, err := s.History.Lookup(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("look up events: %w", err)
	}
	if len(page.Damage) > 0 {
		s.Logger.Error("event history is damaged", "error", page.Damage[0], "places", len(page.Damage))
		c.SetHeader("X-Cairn-Damage", fmt.Sprintf("%d places of the event history could not be read", len(page.Damage)))
	}
	out := &LookupEventsOutput{Events: make([]Event, len(page.Events))}
	for i := range page.Events {
		out.Events[i] = eventOf(&page.Events[i])
	}
	if page.More {
		out.NextToken, err = s.sealToken(row, page.Next)
	}
	return out, err
}

// lookupQuery turns the request into a query of the event log.
func (s *Service) lookupQuery(c *aws.Call, in *LookupEventsInput) (eventlog.Query, error) {
	q := eventlog.Query{
		Scope: eventlog.Scope{Account: c.Account(), Region: c.Region, Category: cairn.Management},
		Since: in.StartTime, Until: in.EndTime, Limit: maxLookupResults,
	}
	switch in.EventCategory {
	case "":
	case "insight":
		q.Scope.Category = cairn.Insight
	default:
		return q, errEventCategory(in.EventCategory)
	}
	if n := in.MaxResults; n != nil {
		if *n < 1 || *n > maxLookupResults {
			return q, errMaxResults()
		}
		q.Limit = int(*n)
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && q.Since.After(q.Until) {
		return q, errTimeRange()
	}
	if len(in.LookupAttributes) == 0 {
		return q, nil
	}
	a := in.LookupAttributes[0]
	attribute, ok := lookupKeys[a.AttributeKey]
	if !ok || q.Scope.Category == cairn.Insight && !slices.Contains(insightKeys, attribute) {
		return q, errLookupAttribute(a.AttributeKey)
	}
	if n := utf8.RuneCountInString(*a.AttributeValue); n < 1 || n > maxLookupValue {
		return q, errLookupValue()
	}
	if len(in.LookupAttributes) > 1 {
		c.SetHeader("X-Cairn-Warning", "only the first lookup attribute counts")
	}
	q.Filters = []eventlog.Filter{{Attribute: attribute, Values: []string{*a.AttributeValue}}}
	return q, nil
}

// lookupKeys are the attributes that LookupEvents knows.
var lookupKeys = map[string]cairn.Attribute{
	"EventId":      cairn.AttrEventID,
	"EventName":    cairn.AttrEventName,
	"ReadOnly":     cairn.AttrReadOnly,
	"Username":     cairn.AttrUsername,
	"ResourceType": cairn.AttrResourceType,
	"ResourceName": cairn.AttrResourceName,
	"EventSource":  cairn.AttrEventSource,
	"AccessKeyId":  cairn.AttrAccessKeyID,
}

var insightKeys = []cairn.Attribute{cairn.AttrEventID, cairn.AttrEventName, cairn.AttrEventSource}

func eventOf(e *cairn.Event) Event {
	out := Event{
		EventId: e.EventID, EventName: e.EventName, ReadOnly: e.ReadOnly.String(),
		AccessKeyId: e.UserIdentity.AccessKeyID, EventTime: e.EventTime, EventSource: e.EventSource,
		Username: e.Username, Resources: make([]Resource, len(e.Resources)),
		// Not a copy: nobody changes a record's bytes.
		CloudTrailEvent: unsafe.String(unsafe.SliceData(e.Raw), len(e.Raw)),
	}
	for i, r := range e.Resources {
		out.Resources[i] = Resource{r.Type, r.Name}
	}
	return out
}

// A token is the cursor behind the last event of a page, sealed for the caller
// and the query that it belongs to.
const tokenPurpose = "lookup-events token"

// tokenRow names a caller and a query. A token comes with the parameters of the
// call that gave it, the size of the page among them.
func tokenRow(c *aws.Call, q *eventlog.Query) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d %d %d %d", c.Account(), c.Region, c.Identity.PrincipalID, q.Scope.Category, q.Since.UnixNano(), q.Until.UnixNano(), q.Limit)
	for _, f := range q.Filters {
		fmt.Fprintf(h, " %d %q", f.Attribute, f.Values)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (s *Service) sealToken(row string, at eventlog.Cursor) (string, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.Time))
	binary.BigEndian.PutUint64(b[8:], at.Seq)
	sealed, err := s.Sealer.Seal(tokenPurpose, row, b[:])
	if err != nil {
		return "", fmt.Errorf("seal next token: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func (s *Service) openToken(row, token string) (eventlog.Cursor, error) {
	sealed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return eventlog.Cursor{}, errNextToken()
	}
	b, err := s.Sealer.Open(tokenPurpose, row, sealed)
	if err != nil || len(b) != 16 {
		return eventlog.Cursor{}, errNextToken()
	}
	return eventlog.Cursor{Time: int64(binary.BigEndian.Uint64(b)), Seq: binary.BigEndian.Uint64(b[8:])}, nil
}
