// Package kms serves AWS KMS: keys that encrypt, sign and authenticate, and that
// never leave the catalog in the clear.
//
// A key has a policy, which decides alone who may use it, and one or more
// materials: rotation adds one, and what an older one has encrypted stays
// readable. An alias is a second name for a key.
//
// Its one invariant: nobody uses a key that its policy does not let use it, and
// key material leaves the keyring's seal for the length of a call only.
package kms

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/internal/awsmodel"
)

// Principals knows the users and roles that key policies name.
type Principals interface {
	// TrustedIDs returns the unique IDs of the users and roles that a policy
	// names by ARN.
	TrustedIDs(account, document string) (map[string]string, error)
}

// Service is KMS.
type Service struct {
	Catalog    *catalog.Catalog
	Principals Principals
	Logger     *slog.Logger     // required
	Now        func() time.Time // required

	// generating lets one pair of RSA keys be made at a time: it takes a
	// processor for seconds.
	generating sync.Mutex

	// naming is held while an alias and its row in the index are changed.
	naming sync.Mutex
}

// API returns the service's operations for a Mux.
//
// Each operation finds its key and asks for permission itself, in the function
// authorize: a name may stand for another key a moment later, so that the key that
// was asked about must be the one that is used.
func (s *Service) API() *aws.API {
	api := &aws.API{Service: "kms", Protocol: aws.JSON{Version: "1.1", Target: "TrentService"}, Known: known}

	handle(api, s.createKey, aws.Rate(5))
	handle(api, s.describeKey)
	handle(api, s.listKeys)
	handle(api, s.enableKey)
	handle(api, s.disableKey)
	handle(api, s.scheduleKeyDeletion)
	handle(api, s.cancelKeyDeletion)
	handle(api, s.updateKeyDescription)

	handle(api, s.createAlias)
	handle(api, s.updateAlias)
	handle(api, s.deleteAlias)
	handle(api, s.listAliases)

	handle(api, s.getKeyPolicy)
	handle(api, s.putKeyPolicy)
	handle(api, s.listKeyPolicies)

	handle(api, s.tagResource)
	handle(api, s.untagResource)
	handle(api, s.listResourceTags)

	handle(api, s.enableKeyRotation)
	handle(api, s.disableKeyRotation)
	handle(api, s.getKeyRotationStatus)
	handle(api, s.rotateKeyOnDemand)
	handle(api, s.listKeyRotations)

	handle(api, s.encrypt)
	handle(api, s.decrypt)
	handle(api, s.reEncrypt)
	handle(api, s.generateDataKey)
	handle(api, s.generateDataKeyWithoutPlaintext)
	handle(api, s.generateDataKeyPair, aws.Rate(1))
	handle(api, s.generateDataKeyPairWithoutPlaintext, aws.Rate(1))
	handle(api, s.generateRandom)

	handle(api, s.sign)
	handle(api, s.verify)
	handle(api, s.getPublicKey)
	handle(api, s.generateMac)
	handle(api, s.verifyMac)
	return api
}

// handle registers an operation that asks for permission itself.
func handle[In, Out any](api *aws.API, fn func(context.Context, *aws.Call, *In) (*Out, error), options ...aws.Option) {
	aws.Handle(api, fn, append(options, aws.NeedsNoPermission())...)
}

// known tells whether AWS's KMS has an operation.
func known(operation string) bool {
	model, ok := awsmodel.Service("kms")
	if !ok {
		return false
	}
	_, ok = model.Operation(operation)
	return ok
}
