// Package demo makes up the activity of a small company in one AWS account, so
// that a newcomer has something to search. On each day the company's programs
// work around the clock, its people during the day, and somebody breaks in with
// a leaked password and access key.
//
// Its nouns: a Day is a calendar day in UTC, whose Events follow from the seed,
// the account and the date alone. An Event is a CloudTrail record.
//
// Its one invariant: the same seed, account, region and date give the same
// bytes, on every machine. So a day that is sent twice is stored once.
package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// An Event is one record.
type Event struct {
	Time     time.Time
	Incident bool // part of the break-in
	Raw      []byte
}

// The break-in, as a reader looks for it.
const (
	Victim     = "tomas"         // whose password and access key have leaked
	Intruder   = "support-sync"  // the user that the attacker makes
	AttackerIP = "198.51.100.77" // of the block that is set aside for documentation
)

// LastDay returns the events of the 24 hours before now, the oldest first, with
// the newest break-in that is over: of one that now or the window's beginning
// cuts in two, a reader would see only a half.
func LastDay(seed uint64, account, region string, now time.Time) []Event {
	now = now.UTC()
	today := now.Truncate(24 * time.Hour)
	var all []Event
	var newest time.Time // the day of the newest break-in that is over
	for _, date := range []time.Time{today.Add(-24 * time.Hour), today} {
		if !date.Add(incidentEnd).After(now) {
			newest = date
		}
		all = append(all, Day(seed, account, region, date)...)
	}
	return slices.DeleteFunc(all, func(e Event) bool {
		if e.Incident {
			return !e.Time.Truncate(24 * time.Hour).Equal(newest)
		}
		return e.Time.After(now) || !e.Time.After(now.Add(-24*time.Hour))
	})
}

// Day returns all events of a calendar day, the oldest first.
func Day(seed uint64, account, region string, date time.Time) []Event {
	date = date.UTC().Truncate(24 * time.Hour)
	d := &day{
		account: account, region: region, date: date,
		people: rand.New(rand.NewPCG(seed, 1)),
		random: rand.New(rand.NewPCG(seed, uint64(date.Unix()))),
	}
	d.hire()
	d.programs()
	d.staff()
	d.incident()
	slices.SortStableFunc(d.events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return d.events
}

// A day is one that is being made up.
type day struct {
	account, region string
	date            time.Time
	people          *rand.Rand // what stays the same from day to day
	random          *rand.Rand
	events          []Event
	team            map[string]caller
	inIncident      bool
}

// A record is a CloudTrail record. Its members stand in CloudTrail's order.
type record struct {
	EventVersion        string         `json:"eventVersion"`
	UserIdentity        userIdentity   `json:"userIdentity"`
	EventTime           string         `json:"eventTime"`
	EventSource         string         `json:"eventSource"`
	EventName           string         `json:"eventName"`
	AWSRegion           string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent"`
	ErrorCode           string         `json:"errorCode,omitempty"`
	ErrorMessage        string         `json:"errorMessage,omitempty"`
	RequestParameters   any            `json:"requestParameters"`
	ResponseElements    any            `json:"responseElements"`
	AdditionalEventData map[string]any `json:"additionalEventData,omitempty"`
	RequestID           string         `json:"requestID,omitempty"`
	EventID             string         `json:"eventID"`
	ReadOnly            bool           `json:"readOnly"`
	Resources           []resource     `json:"resources,omitempty"`
	EventType           string         `json:"eventType"`
	ManagementEvent     bool           `json:"managementEvent"`
	RecipientAccountID  string         `json:"recipientAccountId"`
	EventCategory       string         `json:"eventCategory"`
	TLSDetails          *tlsDetails    `json:"tlsDetails,omitempty"`
}

type userIdentity struct {
	Type           string          `json:"type"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *sessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
}

type sessionContext struct {
	SessionIssuer *sessionIssuer    `json:"sessionIssuer,omitempty"`
	Attributes    map[string]string `json:"attributes"`
}

type sessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

type resource struct {
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

type tlsDetails struct {
	TLSVersion               string `json:"tlsVersion"`
	CipherSuite              string `json:"cipherSuite"`
	ClientProvidedHostHeader string `json:"clientProvidedHostHeader"`
}

// object is a JSON object, whose members are written in alphabetical order.
type object = map[string]any

// A call is what somebody does.
type call struct {
	source, name string // source without .amazonaws.com
	write        bool
	data         bool   // a data event
	region       string // the day's if empty
	params       object
	response     object
	resources    []resource
	failure      *failure
	additional   map[string]any
	signIn       bool // on the console's sign-in page
}

// A failure is how a call ends that is refused.
type failure struct{ code, message string }

// denied is the refusal of a call that no policy allows.
func denied(who caller, action string) *failure {
	return &failure{"AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: %s because no identity-based policy allows the %s action", who.identity.ARN, action, action)}
}

// add makes c the event of a caller at a time after midnight.
func (d *day) add(at time.Duration, who caller, c call) {
	t := d.date.Add(at).Truncate(time.Second)
	r := record{
		EventVersion: "1.11", UserIdentity: who.identity, EventTime: t.Format(time.RFC3339),
		EventSource: c.source + ".amazonaws.com", EventName: c.name, AWSRegion: d.region,
		SourceIPAddress: who.address, UserAgent: who.agent, AdditionalEventData: c.additional,
		RequestID: d.uuid(), EventID: d.uuid(), ReadOnly: !c.write, Resources: c.resources, EventType: "AwsApiCall",
		ManagementEvent: !c.data, RecipientAccountID: d.account, EventCategory: "Management",
	}
	// An interface that holds a nil map would be written as null too, but a
	// map without members must not be.
	if c.params != nil {
		r.RequestParameters = c.params
	}
	if c.failure != nil {
		r.ErrorCode, r.ErrorMessage = c.failure.code, c.failure.message
	}
	if c.response != nil {
		r.ResponseElements = c.response
	}
	if c.data {
		r.EventCategory = "Data"
	}
	if c.signIn {
		r.EventType, r.RequestID = "AwsConsoleSignIn", ""
	}
	host := c.source + "." + d.region + ".amazonaws.com"
	switch {
	case c.region != "":
		r.AWSRegion = c.region
		host = c.source + "." + c.region + ".amazonaws.com"
	case c.source == "iam" || c.signIn:
		r.AWSRegion, host = "us-east-1", c.source+".amazonaws.com"
	}
	if who.identity.Type != "AWSService" {
		r.TLSDetails = &tlsDetails{"TLSv1.3", "TLS_AES_128_GCM_SHA256", host}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		panic("demo: " + err.Error()) // text and numbers alone
	}
	d.events = append(d.events, Event{Time: t, Incident: d.inIncident, Raw: raw})
}

// uuid returns a random UUID (version 4).
func (d *day) uuid() string {
	a, b := d.random.Uint64(), d.random.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// id returns a prefix with n letters and digits of AWS's alphabet behind it.
func id(r *rand.Rand, prefix string, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := []byte(prefix)
	for range n {
		b = append(b, alphabet[r.IntN(len(alphabet))])
	}
	return string(b)
}

// hex returns a prefix with 17 hexadecimal digits behind it, as EC2 names its
// resources.
func (d *day) hex(prefix string) string {
	return fmt.Sprintf("%s0%016x", prefix, d.random.Uint64())
}

// pick returns one of several.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
