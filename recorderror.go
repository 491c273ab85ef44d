package cairn

import "strconv"

// A RecordError says why the bytes of a record were refused, and where.
type RecordError struct {
	// Field is the path of the field at fault, such as "eventTime" or
	// "userIdentity.arn". It is empty when the record as a whole is at fault.
	Field string

	// Offset is where the fault lies, in bytes from the start of the record,
	// or -1 when the fault is that something is missing.
	Offset int

	// Reason is what is wrong, such as "not an RFC 3339 time".
	Reason string
}

// Error gives the place and the reason in one line, for example
// "eventTime at byte 412: not an RFC 3339 time".
func (e *RecordError) Error() string {
	field := e.Field
	if field == "" {
		field = "record"
	}
	if e.Offset < 0 {
		return field + ": " + e.Reason
	}
	return field + " at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}
