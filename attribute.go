package cairn

// An Attribute is something that events are found by.
type Attribute uint8

// The attributes: the eight of LookupEvents and three more. Their numbers are
// part of the event log's index format.
const (
	AttrEventID      Attribute = 1
	AttrEventName    Attribute = 2
	AttrReadOnly     Attribute = 3 // "true" or "false"
	AttrUsername     Attribute = 4
	AttrResourceType Attribute = 5
	AttrResourceName Attribute = 6
	AttrEventSource  Attribute = 7
	AttrAccessKeyID  Attribute = 8
	AttrErrorCode    Attribute = 9
	AttrSourceIP     Attribute = 10
	AttrUserARN      Attribute = 11
)

// NumAttributes is one more than the highest attribute number.
const NumAttributes = 12

var attributeNames = [NumAttributes]string{
	AttrEventID:      "EventId",
	AttrEventName:    "EventName",
	AttrReadOnly:     "ReadOnly",
	AttrUsername:     "Username",
	AttrResourceType: "ResourceType",
	AttrResourceName: "ResourceName",
	AttrEventSource:  "EventSource",
	AttrAccessKeyID:  "AccessKeyId",
	AttrErrorCode:    "errorCode",
	AttrSourceIP:     "sourceIPAddress",
	AttrUserARN:      "userIdentity.arn",
}

// String returns the attribute's name: LookupEvents' AttributeKey, or the path
// in the record for the attributes that LookupEvents does not know.
func (a Attribute) String() string {
	if a < NumAttributes && attributeNames[a] != "" {
		return attributeNames[a]
	}
	return "unknown"
}

// ParseAttribute returns the attribute with the given name.
func ParseAttribute(name string) (Attribute, bool) {
	for a, n := range attributeNames {
		if n != "" && n == name {
			return Attribute(a), true
		}
	}
	return 0, false
}

// Values calls yield with each value that the record has for a, until yield
// returns false. A value may come twice. Absent and empty values are not
// values.
func (r *Record) Values(a Attribute, yield func(value string) bool) {
	switch a {
	case AttrResourceType:
		for i := range r.Resources {
			if t := r.Resources[i].Type; t != "" && !yield(t) {
				return
			}
		}
	case AttrResourceName:
		for i := range r.Resources {
			if n := r.Resources[i].Name; n != "" && !yield(n) {
				return
			}
		}
	default:
		if v := r.value(a); v != "" {
			yield(v)
		}
	}
}

// value returns the record's value for an attribute that has at most one.
func (r *Record) value(a Attribute) string {
	switch a {
	case AttrEventID:
		return r.EventID
	case AttrEventName:
		return r.EventName
	case AttrReadOnly:
		return r.ReadOnly.String()
	case AttrUsername:
		return r.Username
	case AttrEventSource:
		return r.EventSource
	case AttrAccessKeyID:
		return r.UserIdentity.AccessKeyID
	case AttrErrorCode:
		return r.ErrorCode
	case AttrSourceIP:
		return r.SourceIPAddress
	case AttrUserARN:
		return r.UserIdentity.ARN
	}
	return ""
}
