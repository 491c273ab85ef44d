package cairn

import "strings"

// GlobalRegion is the region that global-service events are recorded in.
const GlobalRegion = "us-east-1"

// A Subject is one event as the selectors of any number of trails see it. What
// selectors ask for and Record does not hold is read from the event's bytes when
// the first of them asks, and once. A Subject is made to be used again, with
// Reset; it is not safe for concurrent use.
type Subject struct {
	record *Record
	raw    []byte

	scanned       bool
	vpcEndpointID string
	console       string // sessionCredentialFromConsole: "true", "false" or ""
	host          string // tlsDetails.clientProvidedHostHeader
}

// Reset makes e the event that s stands for. Its Record must have been
// extracted. s shares the memory of e, which must not change while s is in use.
func (s *Subject) Reset(e *Event) { *s = Subject{record: &e.Record, raw: e.Raw} }

// Global reports whether the event is a global-service event: one that
// CloudTrail records once, in GlobalRegion, wherever the caller is. These are the
// events of IAM, CloudFront and Route 53, those of STS's global endpoint, and the
// root user's sign-ins. A call to STS is global when its record says that it went
// to the global endpoint; where the record does not say, it counts as an event
// of its region, so that leaving global services out never loses it.
//
// Source: docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html,
// "Global service events".
func (s *Subject) Global() bool {
	r := s.record
	if r.AWSRegion != GlobalRegion {
		return false
	}
	switch r.EventSource {
	case "iam.amazonaws.com", "cloudfront.amazonaws.com", "route53.amazonaws.com":
		return true
	case "signin.amazonaws.com":
		return r.UserIdentity.Type == "Root"
	case "sts.amazonaws.com":
		s.scan()
		return s.host == "sts.amazonaws.com"
	}
	return false
}

// value returns the event's value for a field that has at most one. An absent
// value is empty. A record that does not say whether it reads or writes counts as a write, so
// that a trail of writes loses nothing; a session that is not marked as one of
// the console's is none.
func (s *Subject) value(f selectorField) string {
	r := s.record
	switch f {
	case fieldCategory:
		return r.Category.String()
	case fieldReadOnly:
		if r.ReadOnly == True {
			return "true"
		}
		return "false"
	case fieldEventSource:
		return r.EventSource
	case fieldEventName:
		return r.EventName
	case fieldEventType:
		return r.EventType
	case fieldUserARN:
		return r.UserIdentity.ARN
	case fieldErrorCode:
		return r.ErrorCode
	case fieldConsole:
		if s.scan(); s.console == "true" {
			return "true"
		}
		return "false"
	case fieldVPCEndpointID:
		s.scan()
		return s.vpcEndpointID
	}
	return ""
}

// hasType reports whether the event is about a resource of the type.
func (s *Subject) hasType(typ string) bool {
	for i := range s.record.Resources {
		if s.record.Resources[i].Type == typ {
			return true
		}
	}
	return false
}

// arns calls yield with the ARN of each resource of the type, until yield
// returns false. Resources that are only known by a name have none.
func (s *Subject) arns(typ string, yield func(arn string) bool) {
	for i := range s.record.Resources {
		r := &s.record.Resources[i]
		if r.Type == typ && strings.HasPrefix(r.Name, "arn:") && !yield(r.Name) {
			return
		}
	}
}

// scan reads what Record does not hold. The bytes were checked when the Record
// was extracted; in bytes that were not, the scan ends at the first fault.
func (s *Subject) scan() {
	if s.scanned {
		return
	}
	s.scanned = true
	sc := scanner{b: s.raw, depth: 1, lenient: true}
	i := sc.space(0)
	if i >= len(s.raw) || s.raw[i] != '{' {
		return
	}
	i++
	for first := true; i > 0; first = false {
		name, _, value := sc.member(i, first)
		if value <= 0 {
			return
		}
		switch name {
		case "vpcEndpointId":
			s.vpcEndpointID, i = sc.plain(value)
		case "sessionCredentialFromConsole":
			s.console, i = sc.plain(value)
		case "tlsDetails":
			i = sc.plainMember(value, "clientProvidedHostHeader", &s.host)
		default:
			i = sc.skip(value)
		}
	}
}

// plain reads the text of a string or a boolean; that of any other value is
// empty.
func (s *scanner) plain(i int) (text string, end int) {
	switch s.b[i] {
	case '"':
		end, odd := s.str(i + 1)
		if end < 0 {
			return "", -1
		}
		text = alias(s.b[i+1 : end])
		if odd != 0 {
			text, _ = s.unusual(i+1, end, odd)
		}
		return text, end + 1
	case 't', 'f':
		if end = s.literal(i); end < 0 {
			return "", -1
		}
		return alias(s.b[i:end]), end
	}
	return "", s.skip(i)
}

// plainMember reads one member of an object and passes over the rest.
func (s *scanner) plainMember(i int, want string, dst *string) int {
	if s.b[i] != '{' {
		return s.skip(i)
	}
	s.depth++
	i++
	for first := true; i > 0; first = false {
		name, at, value := s.member(i, first)
		if value < 0 {
			return -1
		}
		if value == 0 {
			s.depth--
			return at
		}
		if name == want {
			*dst, i = s.plain(value)
		} else {
			i = s.skip(value)
		}
	}
	return i
}
