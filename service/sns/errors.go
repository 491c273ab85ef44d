package sns

import (
	"errors"
	"net/http"

	"cairn/aws"
	"cairn/identity"
	"cairn/internal/policy"
)

func errInvalid(format string, args ...any) error {
	return aws.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}

// errAttributeValue is for message attributes.
func errAttributeValue(format string, args ...any) error {
	return aws.Errorf("ParameterValueInvalid", format, args...)
}

func errNoTopic() error {
	return &aws.Error{Code: "NotFound", Status: http.StatusNotFound, Message: "Topic does not exist"}
}

func errNoSubscription() error {
	return &aws.Error{Code: "NotFound", Status: http.StatusNotFound, Message: "Subscription does not exist"}
}

func errNoResource() error {
	return &aws.Error{Code: "ResourceNotFound", Status: http.StatusNotFound, Message: "Resource does not exist"}
}

func errForbidden(c *aws.Call, arn string) error {
	return &aws.Error{Code: "AuthorizationError", Status: http.StatusForbidden,
		Message: "User: " + c.Identity.ARN + " is not authorized to perform: SNS:" + c.Operation + " on resource: " + arn}
}

func errTooManyTopics() error {
	return &aws.Error{Code: "TopicLimitExceeded", Status: http.StatusForbidden, Message: "Topic limit exceeded"}
}

func errTooManySubscriptions() error {
	return &aws.Error{Code: "SubscriptionLimitExceeded", Status: http.StatusForbidden, Message: "Subscription limit exceeded"}
}

func errTooManyTags() error {
	return aws.Errorf("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
}

func errToken() error { return errInvalid("Token") }

func errBusy() error {
	return &aws.Error{Code: "ConcurrentAccess", Message: "The resource is being changed by others. Try again."}
}

// errPolicy is for faults of a topic's policy and for principals in it that do not
// exist.
func errPolicy(err error) error {
	var parse *policy.ParseError
	var missing *identity.NotFoundError
	switch {
	case errors.As(err, &parse):
		return errInvalid("Policy Error: %v", parse)
	case errors.As(err, &missing):
		return errInvalid("Policy Error: PrincipalNotFound: %s", missing.Name)
	}
	return err
}

// errFIFO is for what belongs to topics that keep an order.
func errFIFO() error {
	return errInvalid("Attributes Reason: This version of Cairn has standard topics only, no FIFO topics.")
}

// isMissing reports whether an error says that there is no such thing.
func isMissing(err error) bool {
	var e *aws.Error
	return errors.As(err, &e) && e.Code == "NotFound"
}

func errUnrecorded() *aws.Error {
	return &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "The call could not be recorded."}
}
