// Package cloudtrail serves AWS CloudTrail's operations.
//
// Its one invariant: what a caller sees lies in the caller's own account and
// in the region of the call.
package cloudtrail

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/internal/awsmodel"
	"cairn/trail"
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

// Deliveries are what becomes of the trails' events.
type Deliveries interface {
	// Probe tries what deliveries of a trail will do; before is what the trail
	// was, nil for a new one. The error is a *delivery.ProbeError.
	Probe(ctx context.Context, t, before *cairn.Trail) error

	// Status tells how a trail's deliveries are doing.
	Status(trailID string) (delivery.Status, error)
}

// PublicKeys are the keys that verify digests.
type PublicKeys interface {
	Public(region string, start, end time.Time) ([]delivery.PublicKey, error)
}

// EncryptionKeys is KMS, as a client that acts for a call's caller.
type EncryptionKeys interface {
	DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, options ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Service is CloudTrail.
type Service struct {
	History    History
	Trails     *trail.Store
	Deliveries Deliveries
	Keys       PublicKeys
	KMS        func(c *aws.Call) EncryptionKeys
	Sealer     Sealer
	Logger     *slog.Logger     // required
	Now        func() time.Time // required
}

// The rates of AWS, per account and region.
const (
	readRate  = 10
	writeRate = 1
)

// API returns the service's operations for a Mux.
func (s *Service) API() *aws.API {
	api := &aws.API{Service: "cloudtrail", Protocol: aws.JSON{Version: "1.1", Target: "CloudTrail_20131101"}, Known: known}
	read, write := aws.Rate(readRate), aws.Rate(writeRate)
	aws.Handle(api, s.lookupEvents, aws.Rate(2), aws.AnswerUnrecorded())

	aws.Handle(api, s.createTrail, write, taggingTrail(s, func(in *CreateTrailInput) string { return in.Name }, func(in *CreateTrailInput) []Tag { return in.TagsList }))
	aws.Handle(api, s.updateTrail, write, onTrail(s, func(in *UpdateTrailInput) string { return in.Name }))
	aws.Handle(api, s.deleteTrail, write, onTrail(s, func(in *DeleteTrailInput) string { return in.Name }))
	aws.Handle(api, s.startLogging, write, onTrail(s, func(in *StartLoggingInput) string { return in.Name }))
	aws.Handle(api, s.stopLogging, write, onTrail(s, func(in *StopLoggingInput) string { return in.Name }))

	aws.Handle(api, s.getTrail, read, onTrail(s, func(in *GetTrailInput) string { return in.Name }))
	aws.Handle(api, s.describeTrails, read)
	aws.Handle(api, s.listTrails, read)
	aws.Handle(api, s.getTrailStatus, read, onTrail(s, func(in *GetTrailStatusInput) string { return in.Name }))

	aws.Handle(api, s.putEventSelectors, write, onTrail(s, func(in *PutEventSelectorsInput) string { return in.TrailName }))
	aws.Handle(api, s.getEventSelectors, read, onTrail(s, func(in *GetEventSelectorsInput) string { return in.TrailName }))
	aws.Handle(api, s.putInsightSelectors, write, onTrail(s, func(in *PutInsightSelectorsInput) string { return in.TrailName }))
	aws.Handle(api, s.getInsightSelectors, read, onTrail(s, func(in *GetInsightSelectorsInput) string { return in.TrailName }))
	aws.Handle(api, s.putEventConfiguration, write, onTrail(s, func(in *PutEventConfigurationInput) string { return in.TrailName }))
	aws.Handle(api, s.getEventConfiguration, read, onTrail(s, func(in *GetEventConfigurationInput) string { return in.TrailName }))

	aws.Handle(api, s.addTags, write, taggingTrail(s, func(in *AddTagsInput) string { return in.ResourceId }, func(in *AddTagsInput) []Tag { return in.TagsList }))
	aws.Handle(api, s.removeTags, write, taggingTrail(s, func(in *RemoveTagsInput) string { return in.ResourceId }, func(in *RemoveTagsInput) []Tag { return in.TagsList }))
	aws.Handle(api, s.listTags, read, aws.Needs(s.listTagsNeeds))
	aws.Handle(api, s.listPublicKeys, read)

	aws.Handle(api, s.putResourcePolicy, write, aws.OnResource(func(_ *aws.Call, in *PutResourcePolicyInput) []string { return []string{in.ResourceArn} }))
	aws.Handle(api, s.getResourcePolicy, read, aws.OnResource(func(_ *aws.Call, in *GetResourcePolicyInput) []string { return []string{in.ResourceArn} }))
	aws.Handle(api, s.deleteResourcePolicy, write, aws.OnResource(func(_ *aws.Call, in *DeleteResourcePolicyInput) []string { return []string{in.ResourceArn} }))
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
