// Package sts serves AWS STS's operations: who the caller is, and temporary
// credentials.
//
// Its one invariant: temporary credentials never allow what the caller, or the
// role that the caller may assume, is not allowed.
package sts

import (
	"cairn/aws"
	"cairn/identity"
	"cairn/internal/awsmodel"
)

// Service is STS.
type Service struct {
	Store *identity.Store
}

// API returns the service's operations for a Mux.
func (s *Service) API() *aws.API {
	api := &aws.API{
		Service:  "sts",
		Protocol: aws.Query{Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"},
		Known:    known,
	}
	aws.Handle(api, s.getCallerIdentity, aws.NeedsNoPermission())
	aws.Handle(api, s.getSessionToken, aws.NeedsNoPermission())
	// The role's trust policy takes part in the decision, so that assumeRole
	// makes it itself.
	aws.Handle(api, s.assumeRole, aws.NeedsNoPermission())
	aws.Handle(api, s.getFederationToken, aws.OnResource(func(c *aws.Call, in *GetFederationTokenInput) []string {
		return []string{federatedARN(c.Account(), in.Name)}
	}))
	aws.Handle(api, s.getAccessKeyInfo)
	return api
}

// known tells whether AWS's STS has an operation.
func known(operation string) bool {
	model, ok := awsmodel.Service("sts")
	if !ok {
		return false
	}
	_, ok = model.Operation(operation)
	return ok
}
