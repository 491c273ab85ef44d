// Package cloudtrail serves AWS CloudTrail's operations.
//
// Its one invariant: what a caller sees lies in the caller's own account and
// in the region of the call.
package cloudtrail

import (
	"context"
	"log/slog"
	"time"

	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/awsmodel"
)

// History finds the events of the past.
type History interface {
	Lookup(ctx context.Context, q eventlog.Query) (*eventlog.Page, error)
}

// Sealer seals small texts so that only the store itself can make and read
// them. A text that was sealed for one row does not open for another.
type Sealer interface {
	Seal(purpose, row string, plaintext []byte) ([]byte, error)
	Open(purpose, row string, sealed []byte) ([]byte, error)
}

// Service is CloudTrail.
type Service struct {
	History History
	Sealer  Sealer
	Logger  *slog.Logger     // required
	Now     func() time.Time // required
}

// API returns the service's operations for a Mux.
func (s *Service) API() *aws.API {
	api := &aws.API{Service: "cloudtrail", Protocol: aws.JSON{Version: "1.1", Target: "CloudTrail_20131101"}, Known: known}
	aws.Handle(api, s.lookupEvents, aws.Rate(2), aws.AnswerUnrecorded())
	return api
}

// known tells whether AWS's CloudTrail has an operation.
func known(operation string) bool {
	model, ok := awsmodel.Service("cloudtrail")
	if !ok {
		return false
	}
	_, ok = model.Operation(operation)
	return ok
}
