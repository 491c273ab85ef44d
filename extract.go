package cairn

import (
	"strconv"
	"strings"
)

// MaxRecordBytes is the size of the largest record that is taken: the most that
// CloudTrail knows, for event data stores whose MaxEventSize is Large.
const MaxRecordBytes = 1 << 20

// maxTopLevelKeys bounds the search for keys that come twice. CloudTrail's
// largest records have about 35.
const maxTopLevelKeys = 256

// Extract fills r from the bytes of one CloudTrail record, of any version from
// 1.0 to 1.11 or a later 1.x. What r held before is dropped; the memory of
// r.Resources is used again. The strings in r share raw's memory, so raw must
// not be modified while r is in use.
//
// The whole of raw is checked to be one JSON object of at most MaxRecordBytes
// and MaxDepth. The envelope, which is the top-level keys and the fields in
// Record, is read strictly: a key that comes twice or in the wrong case, a value
// of the wrong type, a value that no index should hold, and a field that is
// missing are faults. Inside requestParameters, responseElements and the other
// bodies, which callers can shape, anything goes that is JSON: names that come
// twice, bytes that are not UTF-8, numbers of any size.
//
// A fault is returned as a *RecordError, and r is not to be used then.
func (r *Record) Extract(raw []byte) error {
	clear(r.Resources)
	*r = Record{Resources: r.Resources[:0]}
	if len(raw) > MaxRecordBytes {
		return &RecordError{Offset: MaxRecordBytes, Reason: "larger than " + strconv.Itoa(MaxRecordBytes) + " bytes"}
	}
	x := extraction{r: r}
	x.b = raw
	if !x.record() || !x.settle() {
		return x.fault
	}
	return nil
}

// An extraction is the state of one call of Extract.
type extraction struct {
	scanner
	r *Record

	seen   uint64   // one bit for each topKey that came
	keys   int      // how many top-level keys came
	others []string // those among them that are not known

	// Values that only settle can judge, once it knows the rest.
	time             field
	category         string
	recipient        field // recipientAccountId
	management       Ternary
	aggregateAccount field // an aggregated record's accountId
	aggregateID      field // an aggregated record's eventId
	insightSource    string
	insightName      string
	typed            bool // whether the record lists a resource with its type

	// Where the values of the fields lie that settle judges.
	versionAt, sourceAt, nameAt, idAt, regionAt, identityAt int

	// Where the bodies lie that are read only when something in them matters.
	// Each is empty when absent or null.
	request, response, insightDetails, eventData, timeWindow span
}

// A field is a string and the position where it begins.
type field struct {
	text string
	at   int
}

// A span is a part of the record, up to but not including end.
type span struct{ start, end int }

// record reads the whole record and notes what it holds.
func (x *extraction) record() bool {
	i := x.space(0)
	if i >= len(x.b) {
		return x.refuse("", i, "empty")
	}
	if x.b[i] != '{' {
		return x.refuse("", i, "not a JSON object")
	}
	x.depth = 1
	i++
	for first := true; ; first = false {
		name, at, value := x.member(i, first)
		if value <= 0 {
			if value < 0 {
				return false
			}
			i = at
			break
		}
		if x.keys++; x.keys > maxTopLevelKeys {
			return x.refuse("", at, "more than "+strconv.Itoa(maxTopLevelKeys)+" top-level keys")
		}
		key := topKeyOf(name)
		if key == keyUnknown {
			if !x.unknown(name, at) {
				return false
			}
		} else if x.seen>>key&1 != 0 {
			return x.refuse(name, at, reasonTwice)
		}
		x.seen |= 1 << key
		if i = x.value(key, value); i < 0 {
			x.blame(name)
			return false
		}
	}
	if i = x.space(i); i != len(x.b) {
		return x.refuse("", i, "more text behind the record")
	}
	return true
}

const (
	reasonTwice   = "key comes twice"
	reasonMissing = "missing"
)

// unknown checks a top-level key that is not known: it must not be a known one
// in another case, nor come twice.
func (x *extraction) unknown(name string, at int) bool {
	if want := otherCase(name, topKeyNames[1:]); want != "" {
		return x.refuse(name, at, "key is spelled "+want)
	}
	for _, other := range x.others {
		if other == name {
			return x.refuse(name, at, reasonTwice)
		}
	}
	x.others = append(x.others, name)
	return true
}

// value reads the value of a top-level key.
func (x *extraction) value(key topKey, i int) int {
	r := x.r
	switch key {
	case keyEventVersion:
		x.versionAt = i
		return x.text(i, &r.EventVersion)
	case keyUserIdentity:
		x.identityAt = i
		return x.userIdentity(i)
	case keyEventTime:
		x.time.at = i
		return x.text(i, &x.time.text)
	case keyEventSource:
		x.sourceAt = i
		return x.text(i, &r.EventSource)
	case keyEventName:
		x.nameAt = i
		return x.text(i, &r.EventName)
	case keyAWSRegion:
		x.regionAt = i
		return x.text(i, &r.AWSRegion)
	case keySourceIPAddress:
		return x.text(i, &r.SourceIPAddress)
	case keyUserAgent:
		return x.freeText(i, &r.UserAgent)
	case keyErrorCode:
		return x.text(i, &r.ErrorCode)
	case keyErrorMessage:
		return x.freeText(i, &r.ErrorMessage)
	case keyRequestParameters:
		return x.later(i, &x.request)
	case keyResponseElements:
		return x.later(i, &x.response)
	case keyRequestID:
		return x.freeText(i, &r.RequestID)
	case keyEventID:
		x.idAt = i
		return x.text(i, &r.EventID)
	case keyReadOnly:
		return x.ternary(i, &r.ReadOnly)
	case keyResources:
		return x.resources(i)
	case keyEventType:
		return x.text(i, &r.EventType)
	case keyManagementEvent:
		return x.ternary(i, &x.management)
	case keyRecipientAccountID:
		x.recipient.at = i
		return x.text(i, &x.recipient.text)
	case keySharedEventID:
		return x.text(i, &r.SharedEventID)
	case keyEventCategory:
		return x.text(i, &x.category)
	case keyInsightDetails:
		return x.later(i, &x.insightDetails)
	case keyInsightEventSource:
		x.sourceAt = i
		return x.text(i, &x.insightSource)
	case keyInsightEventName:
		x.nameAt = i
		return x.text(i, &x.insightName)
	case keyEventData:
		return x.later(i, &x.eventData)
	case keyAccountID:
		x.aggregateAccount.at = i
		return x.text(i, &x.aggregateAccount.text)
	case keyEventIDAggregated:
		x.aggregateID.at = i
		return x.text(i, &x.aggregateID.text)
	case keyTimeWindow:
		return x.later(i, &x.timeWindow)
	}
	return x.skip(i)
}

// text reads a string, or a null that leaves dst as it is. The string must be
// fit for an index: UTF-8 without control characters.
func (x *extraction) text(i int, dst *string) int {
	if x.b[i] != '"' {
		return x.null(i, "not a string")
	}
	end, odd := x.str(i + 1)
	if end < 0 {
		return -1
	}
	if odd == 0 {
		*dst = alias(x.b[i+1 : end])
		return end + 1
	}
	var reason string
	if *dst, reason = x.unusual(i+1, end, odd); reason != "" && !(reason == reasonControl && x.controls) {
		return x.fail(i, "holds "+reason)
	}
	return end + 1
}

// freeText is text for values that are shown but not indexed, and that callers
// choose: they may hold anything.
func (x *extraction) freeText(i int, dst *string) int {
	if x.b[i] != '"' {
		return x.null(i, "not a string")
	}
	end, odd := x.str(i + 1)
	if end < 0 {
		return -1
	}
	*dst = alias(x.b[i+1 : end])
	if odd&escaped != 0 {
		*dst, _ = x.unusual(i+1, end, odd)
	}
	return end + 1
}

// ternary reads true, false, one of the two as a string, or a null.
func (x *extraction) ternary(i int, dst *Ternary) int {
	rest := x.b[i:min(len(x.b), i+len(`"false"`))]
	switch {
	case strings.HasPrefix(alias(rest), "true"):
		*dst = True
		return i + len("true")
	case strings.HasPrefix(alias(rest), "false"):
		*dst = False
		return i + len("false")
	case strings.HasPrefix(alias(rest), `"true"`):
		*dst = True
		return i + len(`"true"`)
	case string(rest) == `"false"`:
		*dst = False
		return i + len(`"false"`)
	}
	return x.null(i, "neither true nor false")
}

// null reads a null, which stands for a value that is absent. Anything else
// fails for the reason given.
func (x *extraction) null(i int, reason string) int {
	if len(x.b)-i >= 4 && string(x.b[i:i+4]) == "null" {
		return i + 4
	}
	return x.fail(i, reason)
}

// later passes over a value and notes where it lies.
func (x *extraction) later(i int, dst *span) int {
	end := x.skip(i)
	if end > 0 && x.b[i] != 'n' {
		*dst = span{i, end}
	}
	return end
}

// object reads an object of which some members matter: the value of names[n],
// a string, goes to dst[n]. Where dst[n] is nil the member is an object in turn,
// which inner reads. An absent object may be null.
func (x *extraction) object(i int, names []string, dst []*string) int {
	if x.b[i] != '{' {
		return x.null(i, "not an object")
	}
	x.depth++
	i++
	var seen uint64
	next := 0 // members mostly come in the order of names
	for first := true; ; first = false {
		name, at, value := x.member(i, first)
		if value < 0 {
			return -1
		}
		if value == 0 {
			x.depth--
			return at
		}
		n := next
		if n == len(names) || names[n] != name {
			for n = 0; n < len(names) && names[n] != name; n++ {
			}
		}
		switch {
		case n == len(names):
			if want := otherCase(name, names); want != "" {
				x.refuse(name, at, "key is spelled "+want)
				return -1
			}
			if i = x.skip(value); i < 0 {
				return -1
			}
			continue
		case seen>>n&1 != 0:
			x.refuse(name, at, reasonTwice)
			return -1
		case dst[n] != nil:
			i = x.text(value, dst[n])
		default:
			i = x.inner(name, value)
		}
		if i < 0 {
			x.blame(name)
			return -1
		}
		seen |= 1 << n
		next = n + 1
	}
}

// inner reads the objects inside userIdentity.
func (x *extraction) inner(name string, i int) int {
	if name == "sessionContext" {
		return x.object(i, sessionContextNames, sessionContextTexts)
	}
	issuer := &x.r.UserIdentity.SessionIssuer
	return x.object(i, sessionIssuerNames, []*string{
		&issuer.Type, &issuer.PrincipalID, &issuer.ARN, &issuer.AccountID, &issuer.UserName,
	})
}

var (
	identityNames = []string{
		"type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy", "sessionContext",
	}
	sessionContextNames = []string{"sessionIssuer"}
	sessionContextTexts = []*string{nil}
	sessionIssuerNames  = []string{"type", "principalId", "arn", "accountId", "userName"}
)

// userIdentity reads the userIdentity object.
func (x *extraction) userIdentity(i int) int {
	u := &x.r.UserIdentity
	return x.object(i, identityNames, []*string{
		&u.Type, &u.PrincipalID, &u.ARN, &u.AccountID, &u.AccessKeyID, &u.UserName, &u.InvokedBy, nil,
	})
}

// refuse notes a fault of a field and answers false.
func (x *extraction) refuse(field string, at int, reason string) bool {
	if x.fault == nil {
		x.fault = &RecordError{Field: fieldName(field), Offset: at, Reason: reason}
	}
	return false
}

// blame puts a field's name in front of the fault found inside it.
func (x *extraction) blame(field string) {
	field = fieldName(field)
	if x.fault.Field == "" {
		x.fault.Field = field
	} else if strings.HasPrefix(x.fault.Field, "[") {
		x.fault.Field = field + x.fault.Field
	} else {
		x.fault.Field = field + "." + x.fault.Field
	}
}

// fieldName returns a copy of a key for an error, which outlives the record,
// cut short at 100 bytes.
func fieldName(key string) string {
	if len(key) > 100 {
		return strings.ToValidUTF8(key[:100], "") + "…"
	}
	return strings.Clone(key)
}
