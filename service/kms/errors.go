package kms

import (
	"errors"
	"fmt"
	"net/http"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

func errNotFound(format string, args ...any) error {
	return aws.Errorf("NotFoundException", format, args...)
}

func errNoKey(arn string) error { return errNotFound("Key '%s' does not exist", arn) }

func errNoAlias(arn string) error { return errNotFound("Alias %s is not found.", arn) }

func errInvalidARN(arn string) error {
	return aws.Errorf("InvalidArnException", "%s is not an ARN that this operation takes.", arn)
}

func errOtherAccount(c *aws.Call) error {
	return aws.AccessDenied(c.Operation + " acts on keys of the caller's own account only.")
}

// errRefersToNoKey answers a Decrypt without KeyId that has no permission, or no
// key: it does not tell which.
func errRefersToNoKey() error {
	return aws.AccessDenied("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
}

func errDisabled(arn string) error { return aws.Errorf("DisabledException", "%s is disabled.", arn) }

func errState(arn, is string) error {
	return aws.Errorf("KMSInvalidStateException", "%s %s.", arn, is)
}

func errUsage(arn, usage, operation string) error {
	return aws.Errorf("InvalidKeyUsageException", "%s key usage is %s which is not valid for %s.", arn, usage, operation)
}

func errAlgorithm(algorithm, spec string) error {
	return errValidation("Algorithm %s is incompatible with key spec %s.", algorithm, spec)
}

func errInvalidCiphertext() error {
	return aws.Errorf("InvalidCiphertextException", "The ciphertext is not one that this key and encryption context have made.")
}

func errIncorrectKey() error {
	return aws.Errorf("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
}

func errInvalidSignature() error {
	return aws.Errorf("KMSInvalidSignatureException", "The signature is not one of this key over this message.")
}

func errInvalidMac() error {
	return aws.Errorf("KMSInvalidMacException", "The HMAC is not one of this key over this message.")
}

func errDryRun() error {
	return aws.Errorf("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
}

func errValidation(format string, args ...any) error {
	return aws.Errorf("ValidationException", format, args...)
}

// errLength is about a member whose value must not stand in a message.
func errLength(member, relation string, bound int) error {
	return errValidation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length %s than or equal to %d", member, relation, bound)
}

func errUnsupported(format string, args ...any) error {
	return aws.Errorf("UnsupportedOperationException", format, args...)
}

func errGrantToken() error {
	return aws.Errorf("InvalidGrantTokenException", "This version of Cairn has no grants, and so no grant tokens.")
}

func errMarker() error {
	return aws.Errorf("InvalidMarkerException", "The marker is not one that this account was given for this list.")
}

func errAliasName(format string, args ...any) error {
	return aws.Errorf("InvalidAliasNameException", format, args...)
}

func errAliasExists(arn string) error {
	return aws.Errorf("AlreadyExistsException", "An alias with the name %s already exists", arn)
}

func errTag(format string, args ...any) error { return aws.Errorf("TagException", format, args...) }

func errLimit(format string, args ...any) error {
	return aws.Errorf("LimitExceededException", format, args...)
}

func errLockout() error {
	return aws.Errorf("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
}

// errMalformedPolicy is for faults of the document and for principals in it that
// do not exist.
func errMalformedPolicy(err error) error {
	var parse *policy.ParseError
	var missing *identity.NotFoundError
	switch {
	case errors.As(err, &parse):
		return aws.Errorf("MalformedPolicyDocumentException", "The key policy is not valid: %v", parse)
	case errors.As(err, &missing):
		return aws.Errorf("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals: %s", missing.Name)
	}
	return err
}

// errInternal is for keys whose stored form does not hold what it should.
func errInternal(doing, arn string, err error) error {
	return fmt.Errorf("%s of key %s: %w", doing, arn, err)
}

// errBusy is for a row that others keep changing.
func errBusy(arn string) error {
	return &aws.Error{Code: "DependencyTimeoutException", Status: http.StatusServiceUnavailable, Message: arn + " is being changed by others. Try again."}
}
