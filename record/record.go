// Package record turns calls into CloudTrail records.
//
// Its nouns: a call is an [aws.Call] that was answered or refused; [Append] writes
// its record, as CloudTrail would write it. A [Recorder] puts records into the event
// log before the answer of their call leaves, and sums up the calls that no identity
// can be named for. [Restore] reads parameters back into the names of the API.
//
// Its one invariant: whatever bytes a client sends, in any field, its call gives
// exactly one record, which [cairn.Record.Extract] accepts and which holds no
// secret. A caller cannot hide behind odd bytes, depth or size.
//
// How CloudTrail spells parameters is published only by example. The rules here were
// found in public sets of real records; styles.go and ec2.txt hold what differs
// between services.
package record

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// Version is the eventVersion of all records made here.
const Version = "1.11"

// Details are what a record says beyond its call. The zero value adds nothing.
type Details struct {
	// EventID is the record's ID, a UUID. A random one is made if it is empty.
	EventID string

	// Operation is what was called, where the call's service and operation do not tell:
	// S3 and S3 Control sign with one name and share names of operations.
	Operation *awsmodel.Operation

	// RecipientAccountID is the account whose history the record belongs to, if it is
	// not the caller's: that of a call by a service, which has no account itself.
	RecipientAccountID string

	// SharedEventID ties together the records of one action in several accounts.
	SharedEventID string

	// AdditionalEventData is what the service says of the call besides parameters and
	// answer. What S3 says of all calls, such as bytesTransferredOut, is told from the
	// call and need not be here. It must hold no secret.
	AdditionalEventData map[string]any

	// Resources are what the call is about where no API model tells, as of the audit log
	// of a system that is not AWS's. A name takes the place of the ARN where there is none.
	Resources []awsmodel.Resource

	// EventType is "AwsApiCall" if it is empty.
	EventType string

	// ErrorMessage is that of a failure that has no code, such as a sign-in that failed.
	// A call's Err goes before it.
	ErrorMessage string
}

// Append appends the record of a call to dst: one line of JSON without a line feed,
// of at most [MaxBytes].
//
// The call's Output counts only if Err is nil. Redaction is done here; the call is not
// changed. Nothing of its headers is recorded.
func Append(dst []byte, c *aws.Call, d Details) []byte {
	r := newRendering(c, d)
	start := len(dst)
	for dropped := 0; ; dropped++ {
		dst = r.append(dst[:start])
		if len(dst)-start <= MaxBytes || dropped == len(droppable) {
			return dst
		}
		*droppable[dropped](r) = nil
	}
}

// rendering is a record before it is written down: the fields that a limit can take
// away are JSON texts, nil when absent.
type rendering struct {
	call    *aws.Call
	details Details
	service *awsmodel.ServiceModel // nil when the model does not know it
	op      *awsmodel.Operation    // nil when the model does not know it
	style   style
	region  string
	account string

	userAgent, errorCode, errorMessage, request, response, additional, requestID, resources []byte
}

func newRendering(c *aws.Call, d Details) *rendering {
	r := &rendering{call: c, details: d}
	if r.op = d.Operation; r.op != nil {
		r.service = r.op.Service
	} else {
		r.service, r.op = lookUp(c.Service, c.Operation)
	}
	id := ""
	if r.service != nil {
		id = r.service.ID
	}
	r.style = styleOf(id)
	r.region = regionOf(r.service, c)
	r.account = accountOf(d.RecipientAccountID, c.Identity.AccountID)

	input, output := r.redacted()
	request, response := r.bodies(input, output)
	r.request = limited(request, maxBodyBytes)
	r.response = limited(response, maxBodyBytes)
	additional := d.AdditionalEventData
	if id == "s3" {
		if of := s3Additional(c, input, output); of != nil {
			maps.Copy(of, additional)
			additional = of
		}
	}
	r.additional = limited(additional, maxAdditionalBytes)
	if c.Err == nil || request != nil {
		r.resources = r.listed(input, output)
	}
	agent := c.UserAgent
	switch {
	case c.Identity.InvokedBy != "":
		agent = c.Identity.InvokedBy
	case agent != "" && agent != "AWS Internal" && r.source() == "s3.amazonaws.com":
		agent = "[" + cut(agent, maxTextBytes-2) + "]" // S3 alone writes it so, and not that of AWS's own calls
	}
	if agent != "" {
		r.userAgent = appendText(nil, agent, maxTextBytes)
	}
	if c.Err != nil {
		r.errorCode = appendIndexed(nil, cmp.Or(r.code(), "UnknownError"), maxTextBytes)
		if message := r.message(input); message != "" {
			r.errorMessage = appendText(nil, message, maxTextBytes)
		}
	} else if d.ErrorMessage != "" {
		r.errorMessage = appendText(nil, d.ErrorMessage, maxTextBytes)
	}
	if c.RequestID != "" {
		r.requestID = appendText(nil, c.RequestID, maxTextBytes)
	}
	return r
}

// lookUp finds an operation by the name that requests are signed with. Of services
// that share one, the service itself goes before its relatives: rds before neptune.
func lookUp(signingName, operation string) (*awsmodel.ServiceModel, *awsmodel.Operation) {
	if s, ok := awsmodel.Service(signingName); ok && s.SigningName == signingName {
		if op, ok := s.Operation(operation); ok {
			return s, op
		}
	}
	services := awsmodel.BySigningName(signingName)
	for _, s := range services {
		if op, ok := s.Operation(operation); ok {
			return s, op
		}
	}
	if len(services) > 0 {
		return services[0], nil
	}
	return nil, nil
}

// append writes the record, its keys in CloudTrail's order.
func (r *rendering) append(b []byte) []byte {
	c := r.call
	b = append(b, `{"eventVersion":"`+Version+`","userIdentity":`...)
	b = appendIdentity(b, &c.Identity)
	b = append(b, `,"eventTime":"`...)
	b = appendTime(b, c.Time)
	b = append(b, `","eventSource":`...)
	b = appendName(b, r.source())
	b = append(b, `,"eventName":`...)
	b = appendName(b, r.name())
	b = append(b, `,"awsRegion":"`...)
	b = append(b, r.region...)
	b = append(b, `","sourceIPAddress":`...)
	b = appendName(b, r.sourceAddress())
	b = appendField(b, "userAgent", r.userAgent)
	b = appendField(b, "errorCode", r.errorCode)
	b = appendField(b, "errorMessage", r.errorMessage)
	b = appendOrNull(b, "requestParameters", r.request)
	b = appendOrNull(b, "responseElements", r.response)
	b = appendField(b, "additionalEventData", r.additional)
	b = appendField(b, "requestID", r.requestID)
	b = append(b, `,"eventID":`...)
	b = appendEventID(b, r.details.EventID)
	b = append(b, `,"readOnly":`...)
	b = appendBool(b, readOnly(c, r.details))
	b = appendField(b, "resources", r.resources)
	b = appendName(append(b, `,"eventType":`...), cmp.Or(r.details.EventType, "AwsApiCall"))
	if version := r.apiVersion(); version != "" {
		b = appendName(append(b, `,"apiVersion":`...), version)
	}
	data := r.op != nil && r.op.Data
	b = append(b, `,"managementEvent":`...)
	b = appendBool(b, !data)
	b = append(b, `,"recipientAccountId":"`...)
	b = append(b, r.account...)
	b = append(b, '"')
	if r.details.SharedEventID != "" {
		b = appendName(append(b, `,"sharedEventID":`...), r.details.SharedEventID)
	}
	if data {
		b = append(b, `,"eventCategory":"Data"`...)
	} else {
		b = append(b, `,"eventCategory":"Management"`...)
	}
	if c.SignedIn() != nil {
		b = append(b, `,"sessionCredentialFromConsole":"true"`...)
	}
	if c.TLS != nil && c.Identity.InvokedBy == "" {
		b = appendTLS(b, c)
	}
	return append(b, '}')
}

func appendField(b []byte, name string, value []byte) []byte {
	if value == nil {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return append(b, value...)
}

func appendOrNull(b []byte, name string, value []byte) []byte {
	if value == nil {
		value = []byte("null")
	}
	return appendField(b, name, value)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

// appendTime appends a time in whole seconds. What lies outside the years that the
// event log can index can only be a broken clock; it becomes the nearest time that can.
func appendTime(b []byte, t time.Time) []byte {
	const last = 1<<32 - 1
	return time.Unix(min(max(t.Unix(), 0), last), 0).UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
}

// appendEventID appends an ID, a random UUID (version 4) if it is empty.
func appendEventID(b []byte, id string) []byte {
	if id != "" {
		return appendName(b, id)
	}
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	b = append(b, '"')
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, u[[...]int{0, 4, 6, 8, 10}[i]:end])
	}
	return append(b, '"')
}

func (r *rendering) source() string {
	if r.op != nil {
		return r.op.Service.EventSource
	}
	if r.service != nil {
		return r.service.EventSource
	}
	if r.call.Service == "" {
		return "unknown"
	}
	return cut(r.call.Service, 200) + ".amazonaws.com"
}

func (r *rendering) name() string {
	switch {
	case r.op != nil:
		return r.op.EventName
	case r.call.Operation == "":
		return "Unknown"
	}
	return r.call.Operation
}

// sourceAddress is the client's address, or the name of the service that calls on
// somebody's behalf.
func (r *rendering) sourceAddress() string {
	switch c := r.call; {
	case c.Identity.InvokedBy != "":
		return c.Identity.InvokedBy
	case c.SourceIP.IsValid():
		return c.SourceIP.WithZone("").String()
	}
	return "unknown"
}

func (r *rendering) apiVersion() string {
	if r.style.apiVersion == "model" && r.service != nil {
		return r.service.APIVersion
	}
	return r.style.apiVersion
}

// regionOf returns the region under which a call is recorded. Clients choose the one in
// their credential scope; what is no region's name is made one.
func regionOf(s *awsmodel.ServiceModel, c *aws.Call) string {
	region := c.Region
	if s != nil {
		region = s.EventRegion(c.Host, region)
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, cut(region, 64))
	if clean == "" {
		return "us-east-1"
	}
	return clean
}

// accountOf returns the first of the IDs that is one.
func accountOf(ids ...string) string {
	for _, id := range ids {
		if len(id) == 12 && strings.Trim(id, "0123456789") == "" {
			return id
		}
	}
	return "000000000000"
}
