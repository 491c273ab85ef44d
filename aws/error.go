package aws

import (
	"fmt"
	"net/http"

	"cairn/internal/sigv4"
)

// An Error is what a client may see of a failure.
type Error struct {
	Code    string // e.g. "TrailNotFoundException"
	Status  int    // HTTP status; 400 if zero
	Message string

	// Unattributed says that no identity can be named for the call, so that it
	// is counted instead of recorded.
	Unattributed bool

	// Detail are further members of answers in REST services' XML.
	Detail []Detail
}

// A Detail is one more member of an error's answer, such as Key of NoSuchKey.
type Detail struct{ Name, Value string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// The errors of authentication and authorisation, by the codes that records
// have. The protocols spell some of them their own way.
func errUnknownKey() *Error {
	return &Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden, Message: "The security token included in the request is invalid."}
}

func errExpiredToken() *Error {
	return &Error{Code: "ExpiredToken", Status: http.StatusForbidden, Message: "The security token included in the request is expired"}
}

// AccessDenied refuses a call.
func AccessDenied(message string) *Error {
	return &Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message}
}

// ErrUnknownKey and ErrExpiredToken are what Keys return for credentials that
// do not exist, and for those whose time is over.
var (
	ErrUnknownKey   error = errUnknownKey()
	ErrExpiredToken error = errExpiredToken()
)

// signatureError turns an error of package sigv4 into one for the client.
func signatureError(p Protocol, err error) error {
	kind := sigv4.KindOf(err)
	if kind == 0 {
		return err
	}
	e := &Error{Code: kind.Codes().JSON, Message: err.Error(), Unattributed: true}
	switch p.(type) {
	case Query:
		e.Code, e.Status = kind.Codes().Query, http.StatusForbidden
	case RESTXML:
		e.Code, e.Status = kind.Codes().S3, kind.Codes().S3Status
	}
	return e
}

// fault is what query answers call the party at fault.
func (e *Error) fault() string {
	if e.status() >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// Errorf makes an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
