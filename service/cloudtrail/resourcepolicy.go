package cloudtrail

import (
	"context"

	"cairn"
	"cairn/aws"
)

// PutResourcePolicyInput holds the parameters of PutResourcePolicy.
type PutResourcePolicyInput struct {
	ResourceArn    string `aws:",required,min=3,max=256"`
	ResourcePolicy string `aws:",required,min=1,max=8192"`
}

// PutResourcePolicyOutput shows the policy.
type PutResourcePolicyOutput struct {
	ResourceArn                  string
	ResourcePolicy               string
	DelegatedAdminResourcePolicy string
}

// GetResourcePolicyInput names the resource.
type GetResourcePolicyInput struct {
	ResourceArn string `aws:",required,min=3,max=256"`
}

// GetResourcePolicyOutput shows the policy.
type GetResourcePolicyOutput PutResourcePolicyOutput

// DeleteResourcePolicyInput names the resource.
type DeleteResourcePolicyInput struct {
	ResourceArn string `aws:",required,min=3,max=256"`
}

// DeleteResourcePolicyOutput is empty.
type DeleteResourcePolicyOutput struct{}

// The resources of CloudTrail that have policies are event data stores, channels
// and dashboards. Trails have none, and of the others there is none: so these
// operations have nothing to do but to say which it is.

func (s *Service) putResourcePolicy(_ context.Context, _ *aws.Call, in *PutResourcePolicyInput) (*PutResourcePolicyOutput, error) {
	return nil, withoutPolicy(in.ResourceArn)
}

func (s *Service) getResourcePolicy(_ context.Context, _ *aws.Call, in *GetResourcePolicyInput) (*GetResourcePolicyOutput, error) {
	return nil, withoutPolicy(in.ResourceArn)
}

func (s *Service) deleteResourcePolicy(_ context.Context, _ *aws.Call, in *DeleteResourcePolicyInput) (*DeleteResourcePolicyOutput, error) {
	return nil, withoutPolicy(in.ResourceArn)
}

func withoutPolicy(resource string) error {
	arn, err := cairn.ParseARN(resource)
	if err != nil || arn.Service != "cloudtrail" {
		return aws.Errorf("ResourceARNNotValidException", "%q is not the ARN of a resource of CloudTrail.", resource)
	}
	if err := otherResource(arn); err != nil {
		return errResourceNotFound(resource)
	}
	return aws.Errorf("ResourceTypeNotSupportedException", "Resource policies are for event data stores, channels and dashboards.")
}
