package cairn

import "time"

// An Event is one CloudTrail record together with what the server noted when
// the record arrived.
type Event struct {
	// Seq is the event's arrival number in its event log. It never changes.
	Seq uint64

	// Arrival is when the server took the record in. Within one event log it
	// never decreases with Seq.
	Arrival time.Time

	// Origin says which way the record came in.
	Origin Origin

	// Flags are what the server noted about the record.
	Flags Flags

	// Raw is the record, byte for byte as it came. It must not be modified:
	// the strings in Record share its memory.
	Raw []byte

	// Record holds the fields extracted from Raw. It is the zero Record until
	// Extract fills it.
	Record
}

// Extract fills e.Record from e.Raw.
func (e *Event) Extract() error { return e.Record.Extract(e.Raw) }

// Time is the time by which the event is ordered, searched and aged, in whole
// seconds: the record's own time, or the arrival time of a record that is
// flagged as dated ahead of it. The Record must have been extracted.
func (e *Event) Time() time.Time {
	if e.Flags&FlagAhead != 0 {
		return e.Arrival.Truncate(time.Second)
	}
	return e.EventTime.Truncate(time.Second)
}

// Origin says which way a record entered the event log. It is set by the
// server, never by the sender.
type Origin uint8

// The origins. Their numbers are part of the event log's format.
const (
	OriginRecorded Origin = 1 // a call to one of Cairn's own services
	OriginGateway  Origin = 2 // a call seen by the recording gateway
	OriginPosted   Origin = 3 // sent by a client through PutAuditEvents or an ingest route
	OriginImported Origin = 4 // read from log files that something else wrote
	OriginAudit    Origin = 5 // made by Cairn about itself
)

var originNames = [...]string{
	OriginRecorded: "recorded",
	OriginGateway:  "gateway",
	OriginPosted:   "posted",
	OriginImported: "imported",
	OriginAudit:    "audit",
}

// String returns the origin's name, or "unknown".
func (o Origin) String() string {
	if int(o) < len(originNames) && originNames[o] != "" {
		return originNames[o]
	}
	return "unknown"
}

// Flags are facts about a record that the server noted on arrival.
type Flags uint8

// The flags. Their bits are part of the event log's format.
const (
	// FlagAhead marks a record dated more than 15 minutes after its arrival.
	// Such a record is ordered and aged by its arrival.
	FlagAhead Flags = 1 << iota

	// FlagConflict marks a record whose eventID was already taken, in the same
	// account and region, by a record with other bytes.
	FlagConflict
)

// Strings returns the names of the flags that are set: "ahead", "conflict".
func (f Flags) Strings() []string {
	var names []string
	if f&FlagAhead != 0 {
		names = append(names, "ahead")
	}
	if f&FlagConflict != 0 {
		names = append(names, "conflict")
	}
	return names
}

// A Record holds the fields of a CloudTrail record that Cairn indexes, shows
// or decides by. Its strings share memory with the bytes they were extracted
// from, unless unescaping made a copy necessary.
type Record struct {
	EventVersion    string
	EventID         string // empty in records of eventVersion 1.0
	EventTime       time.Time
	EventSource     string // e.g. "s3.amazonaws.com"
	EventName       string
	EventType       string // e.g. "AwsApiCall"
	Category        Category
	AWSRegion       string
	SourceIPAddress string
	UserAgent       string
	ErrorCode       string // empty when the call succeeded
	ErrorMessage    string
	RequestID       string
	ReadOnly        Ternary
	AccountID       string // the account whose trail the record belongs to
	SharedEventID   string
	UserIdentity    UserIdentity
	Username        string     // as LookupEvents gives it; see usernameOf
	Resources       []Resource // as LookupEvents gives them
}

// A Resource is something that a call acted on.
type Resource struct {
	Type string // e.g. "AWS::S3::Bucket"; may be empty
	Name string // an ARN or a plain name
}

// UserIdentity says who made a call.
type UserIdentity struct {
	Type          string // e.g. "IAMUser", "AssumedRole", "Root"; may be empty
	PrincipalID   string
	ARN           string
	AccountID     string
	AccessKeyID   string
	UserName      string
	InvokedBy     string
	SessionIssuer SessionIssuer
}

// SessionIssuer says who gave out the temporary credentials of a call.
type SessionIssuer struct {
	Type        string
	PrincipalID string
	ARN         string
	AccountID   string
	UserName    string
}

// Ternary is a boolean that a record may leave out.
type Ternary uint8

// The values of a Ternary.
const (
	Unset Ternary = iota
	False
	True
)

// String returns "true", "false" or, when unset, "".
func (t Ternary) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	}
	return ""
}

// Category is the kind of an event. LookupEvents, trails and indexes keep the
// categories apart, because data events can outnumber the others a
// hundredfold.
type Category uint8

// The categories. Their numbers are part of the event log's format.
const (
	Management      Category = 1
	Data            Category = 2
	Insight         Category = 3
	NetworkActivity Category = 4
	Aggregated      Category = 5
	Other           Category = 6 // a category that CloudTrail's trails do not carry
)

var categoryNames = [...]string{
	Management:      "Management",
	Data:            "Data",
	Insight:         "Insight",
	NetworkActivity: "NetworkActivity",
	Aggregated:      "Aggregated",
	Other:           "Other",
}

// String returns the category as records spell it in eventCategory.
func (c Category) String() string {
	if int(c) < len(categoryNames) && categoryNames[c] != "" {
		return categoryNames[c]
	}
	return "Unknown"
}

// ParseCategory returns the category with the given name.
func ParseCategory(name string) (Category, bool) {
	for c, n := range categoryNames {
		if n != "" && n == name {
			return Category(c), true
		}
	}
	return 0, false
}
