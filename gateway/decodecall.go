package gateway

import (
	"reflect"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

// anonymous stands for the account of callers without credentials, in CloudTrail's
// records too.
const anonymous = "ANONYMOUS_PRINCIPAL"

// Call returns the exchange as a call of the front, for package record. What the wire does
// not tell is left to the caller: Time, SourceIP, TLS, and of the Identity all but
// the access key.
func (x *Exchange) Call() *aws.Call {
	c := &aws.Call{
		RequestID: x.RequestID, Service: x.Service, Operation: x.Operation, ReadOnly: x.ReadOnly(), Region: x.Region,
		UserAgent: x.agent, Host: x.host, Header: x.header, SessionToken: x.Signature.SessionToken,
		Input: x.Input, Output: x.Output, Err: x.Err, BytesIn: x.BytesIn, BytesOut: x.BytesOut,
		Identity: aws.Identity{AccessKeyID: x.Signature.AccessKeyID},
	}
	switch s := &x.Signature; s.Version {
	case "SigV4", "SigV4A", "SigV2":
		c.SignatureVersion, c.AuthenticationMethod = s.Version, s.Method
	default:
		c.Identity.Type = x.unsigned()
		if c.Identity.Type == "AWSAccount" {
			c.Identity.AccountID = anonymous
		}
	}
	x.redactAlso(c)
	return c
}

// redactAlso takes out what is secret in the other operations that the request names.
// Package record knows only the one that was chosen.
func (x *Exchange) redactAlso(c *aws.Call) {
	for _, op := range x.also {
		input := op.RedactInput(c.Input)
		if c.Err != nil && c.Err.Message != "" && !reflect.DeepEqual(input, c.Input) {
			e := *c.Err
			e.Message = awsmodel.Hidden // it may quote what was taken out
			c.Err = &e
		}
		c.Input, c.Output = input, op.RedactOutput(c.Output)
	}
}

// unsigned returns the type of the identity of a caller without a signature.
func (x *Exchange) unsigned() string {
	switch {
	case x.Model == nil:
	case x.Model.Name == "AssumeRoleWithWebIdentity" && x.Service == "sts":
		return "WebIdentityUser"
	case x.Model.Name == "AssumeRoleWithSAML" && x.Service == "sts":
		return "SAMLUser"
	case x.Model.Service.ID == "s3" && x.Signature.Version == "":
		return "AWSAccount"
	}
	return "Unknown"
}

// Details returns what the record of the exchange says beyond its call: the operation of
// the service that was found, and what could not be decoded.
func (x *Exchange) Details() record.Details {
	d := record.Details{Operation: x.Model, Resources: x.preflightResources()}
	additional := make(map[string]any)
	if x.HostID != "" && x.Model != nil && x.Model.Service.ID == "s3" {
		additional["x-amz-id-2"] = x.HostID
	}
	if len(x.Problems) > 0 {
		problems := make([]any, len(x.Problems))
		for i, p := range x.Problems {
			problems[i] = p.String()
		}
		additional["undecoded"] = problems
	}
	if x.Status == 0 && x.Err == nil {
		additional["outcome"] = "unknown"
	}
	if len(additional) > 0 {
		d.AdditionalEventData = additional
	}
	return d
}
