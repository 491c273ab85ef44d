package iam

import (
	"errors"
	"fmt"
	"net/http"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

// visible turns an error of the store into one of IAM.
func visible(err error) error {
	var missing *identity.NotFoundError
	var exists *identity.ExistsError
	var limit *identity.LimitError
	switch {
	case errors.As(err, &missing):
		return errNoSuchEntity(missing.Kind, missing.Name)
	case errors.As(err, &exists):
		return errExists(exists.Kind, exists.Name)
	case errors.As(err, &limit):
		return errQuota(limit.Quota, limit.Limit)
	}
	return err
}

func failure(code string, status int, message string) *aws.Error {
	return &aws.Error{Code: code, Status: status, Message: message}
}

func errNoSuchEntity(kind, name string) error {
	message := "The " + kind + " with name " + name + " cannot be found."
	switch kind {
	case "policy":
		message = "Policy " + name + " was not found."
	case "instance-profile":
		message = "Instance Profile " + name + " cannot be found."
	case "access-key":
		message = "The Access Key with id " + name + " cannot be found."
	case "principal":
		return aws.Errorf("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":%q", name)
	case "alias":
		message = "The account alias " + name + " cannot be found."
	}
	return failure("NoSuchEntity", http.StatusNotFound, message)
}

func errNoInlinePolicy(kind, name, policyName string) error {
	return failure("NoSuchEntity", http.StatusNotFound, "The "+kind+" policy with name "+policyName+" cannot be found for the "+kind+" "+name+".")
}

func errNotAttached(kind, name, arn string) error {
	return failure("NoSuchEntity", http.StatusNotFound, "Policy "+arn+" is not attached to the "+kind+" "+name+".")
}

func errNoVersion(arn, version string) error {
	return failure("NoSuchEntity", http.StatusNotFound, "Policy "+arn+" version "+version+" does not exist or is not attachable.")
}

var titles = map[string]string{
	"user": "User with name ", "group": "Group with name ", "role": "Role with name ", "policy": "A policy called ",
	"instance-profile": "Instance Profile ", "alias": "The account alias ",
}

func errExists(kind, name string) error {
	return failure("EntityAlreadyExists", http.StatusConflict, titles[kind]+name+" already exists.")
}

func errConflict(what string) error {
	return failure("DeleteConflict", http.StatusConflict, "Cannot delete entity, must "+what+" first.")
}

func errQuota(quota string, limit int) error {
	return failure("LimitExceeded", http.StatusConflict, fmt.Sprintf("Cannot exceed quota for %s: %d", quota, limit))
}

func errPolicySize(limit int, what string) error {
	return failure("LimitExceeded", http.StatusConflict, fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s", limit, what))
}

func errMalformedPolicy(err error) error {
	var parse *policy.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	return aws.Errorf("MalformedPolicyDocument", "The policy is not valid: %v", parse)
}

func errInput(message string) error { return failure("InvalidInput", http.StatusBadRequest, message) }

func errValidation(message string) error {
	return failure("ValidationException", http.StatusBadRequest, message)
}
