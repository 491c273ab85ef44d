package cairn

import "strings"

// settle checks what can only be judged once the whole record is read, and
// derives the fields that the record does not hold as they are.
func (x *extraction) settle() bool {
	minor, ok := minorVersion(x.r.EventVersion)
	if !ok {
		return x.missingOr("eventVersion", x.r.EventVersion, x.versionAt, "not a version 1.x")
	}
	x.r.Category = x.categoryOf()
	switch x.r.Category {
	case Insight:
		ok = x.fromInsight()
	case Aggregated:
		ok = x.fromAggregate()
	case Other:
		ok = x.fromEventData()
	}
	if !ok || !x.checkTime() || !x.checkNames(minor) || !x.checkScope() {
		return false
	}
	x.r.Username = usernameOf(&x.r.UserIdentity)
	if !x.typed {
		x.referenced()
	}
	return true
}

// minorVersion returns n of a version 1.n. CloudTrail writes 1.1 as "1.01" up
// to 1.9 as "1.09", then "1.10".
func minorVersion(s string) (n int, ok bool) {
	minor, ok := strings.CutPrefix(s, "1.")
	if !ok || minor == "" || len(minor) > 3 {
		return 0, false
	}
	for i := range len(minor) {
		if !isDigit(minor[i]) {
			return 0, false
		}
		n = n*10 + int(minor[i]-'0')
	}
	return n, true
}

// fromInsight takes what an Insights record says about the API that it is
// about: in insightDetails, or, in event data stores, in keys of their own.
func (x *extraction) fromInsight() bool {
	r := x.r
	fallBack(&r.EventSource, x.insightSource)
	fallBack(&r.EventName, x.insightName)
	var source, name string
	if !x.reread("insightDetails", x.insightDetails, sourceAndName, &source, &name) {
		return false
	}
	fallBack(&r.EventSource, source)
	fallBack(&r.EventName, name)
	return true
}

// fromAggregate takes the fields that aggregated records hold under other names
// than the rest. They count for the time at which their window ends.
func (x *extraction) fromAggregate() bool {
	fallBack(&x.r.EventID, x.aggregateID.text)
	if x.recipient.text == "" {
		x.recipient = x.aggregateAccount
	}
	var end string
	if !x.reread("timeWindow", x.timeWindow, windowEnd, &end) {
		return false
	}
	if x.time.text == "" && end != "" {
		x.time = field{end, x.timeWindow.start}
	}
	return true
}

// fromEventData takes what records from outside AWS (ActivityAuditLog) hold one
// level down.
func (x *extraction) fromEventData() bool {
	var source, name string
	if !x.reread("eventData", x.eventData, sourceAndName, &source, &name) {
		return false
	}
	fallBack(&x.r.EventSource, source)
	fallBack(&x.r.EventName, name)
	return true
}

var (
	sourceAndName = []string{"eventSource", "eventName"}
	windowEnd     = []string{"windowEnd"}
)

// reread reads strings out of a body that was only checked so far.
func (x *extraction) reread(name string, body span, names []string, dst ...*string) bool {
	if body.end == 0 {
		return true
	}
	if x.object(body.start, names, dst) < 0 {
		x.blame(name)
		return false
	}
	return true
}

func fallBack(dst *string, value string) {
	if *dst == "" {
		*dst = value
	}
}

func (x *extraction) checkTime() bool {
	if x.time.text == "" {
		return x.missingOr("eventTime", "", x.time.at, reasonTime)
	}
	var reason string
	if x.r.EventTime, reason = parseEventTime(x.time.text); reason != "" {
		return x.refuse("eventTime", x.time.at, reason)
	}
	return true
}

// The most characters that a source, name or ID may have. CloudTrail's own stay
// below 100.
const (
	maxNameBytes = 256
	reasonLength = "longer than 256 bytes"
)

// checkNames checks the source, name and ID. Aggregated records sum up calls of
// many names, and records of Other categories may not be about a call at all.
// The ID came with version 1.01.
func (x *extraction) checkNames(minor int) bool {
	r := x.r
	switch {
	case len(r.EventSource) > maxNameBytes:
		return x.refuse("eventSource", x.sourceAt, reasonLength)
	case len(r.EventName) > maxNameBytes:
		return x.refuse("eventName", x.nameAt, reasonLength)
	case len(r.EventID) > maxNameBytes:
		return x.refuse("eventID", x.idAt, reasonLength)
	case r.EventSource == "" && r.Category != Other:
		return x.missingOr("eventSource", "", x.sourceAt, "")
	case r.EventName == "" && r.Category != Other && r.Category != Aggregated:
		return x.missingOr("eventName", "", x.nameAt, "")
	case r.Category != Aggregated && x.aggregateID.at != 0:
		return x.refuse("eventId", x.aggregateID.at, "key is spelled eventID")
	case r.EventID == "" && minor >= 1:
		return x.missingOr("eventID", "", x.idAt, "")
	}
	return true
}

// checkScope checks the account and region that the record is kept under.
// Records before version 1.02 do not name the recipient; it is the caller's
// account then.
func (x *extraction) checkScope() bool {
	r := x.r
	if !validRegion(r.AWSRegion) {
		return x.missingOr("awsRegion", r.AWSRegion, x.regionAt, "not 1 to 64 of a-z, 0-9 and -")
	}
	name, account := "recipientAccountId", x.recipient
	if account.text == "" && r.UserIdentity.AccountID != "" {
		name, account = "userIdentity.accountId", field{r.UserIdentity.AccountID, x.identityAt}
	}
	if !validAccountID(account.text) {
		return x.missingOr(name, account.text, account.at, "not 12 digits")
	}
	r.AccountID = account.text
	return true
}

func validRegion(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '-' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 64
}

func validAccountID(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) == 12
}

// missingOr refuses a required field: because it is missing or empty, or for
// the reason given. at is 0 when the key did not come.
func (x *extraction) missingOr(name, value string, at int, reason string) bool {
	switch {
	case at == 0:
		return x.refuse(name, -1, reasonMissing)
	case value == "":
		return x.refuse(name, at, "empty")
	}
	return x.refuse(name, at, reason)
}
