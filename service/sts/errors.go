package sts

import (
	"errors"
	"net/http"
	"strconv"

	"cairn/aws"
	"cairn/internal/policy"
)

func errSessionCredentials(operation string) error {
	return aws.AccessDenied("Cannot call " + operation + " with session credentials")
}

func errRootAssumesRole() error {
	return aws.AccessDenied("Roles may not be assumed by root accounts.")
}

func errNoMFA() error {
	return aws.AccessDenied("MultiFactorAuthentication failed: there are no MFA devices here.")
}

func errValidation(format string, args ...any) error {
	return aws.Errorf("ValidationException", format, args...)
}

func errTooManyTags() error {
	return errValidation("A session has %d tags at most.", maxSessionTags)
}

func errMalformedPolicy(err error) error {
	var parse *policy.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	return aws.Errorf("MalformedPolicyDocument", "The session policy is not valid: %v", parse)
}

func errNoPolicy(arn string) error {
	return &aws.Error{Code: "ValidationException", Message: "Policy " + arn + " does not exist or is not attachable."}
}

func errPackedTooLarge(percent int) error {
	return &aws.Error{Code: "PackedPolicyTooLarge", Status: http.StatusBadRequest,
		Message: "Packed size of session tags and policies consumes " + strconv.Itoa(percent) + "% of allotted space."}
}
