package iam

type CreatePolicyInput struct {
	PolicyName     string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Path           string `aws:",min=1,max=512,pattern=^((/[A-Za-z0-9\\.,\\+@=_-]+)*)/$"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	Description    string `aws:",max=1000"`
	Tags           []Tag  `aws:",max=50"`
}

type CreatePolicyOutput struct {
	Policy Policy
}

type GetPolicyInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type GetPolicyOutput struct {
	Policy Policy
}

type ListPoliciesInput struct {
	Scope             string `aws:",enum=All|AWS|Local"`
	OnlyAttached      *bool
	PathPrefix        string `aws:",min=1,max=512,pattern=^((/[A-Za-z0-9\\.,\\+@=_-]+)*)/$"`
	PolicyUsageFilter string `aws:",enum=PermissionsPolicy|PermissionsBoundary"`
	Marker            string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems          *int32 `aws:",min=1,max=1000"`
}

type ListPoliciesOutput struct {
	Policies    []Policy
	IsTruncated bool
	Marker      string
}

type DeletePolicyInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type DeletePolicyOutput struct{}

type CreatePolicyVersionInput struct {
	PolicyArn      string `aws:",required,min=20,max=2048"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	SetAsDefault   *bool
}

type CreatePolicyVersionOutput struct {
	PolicyVersion PolicyVersion
}

type GetPolicyVersionInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	VersionId string `aws:",required,pattern=^v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?$"`
}

type GetPolicyVersionOutput struct {
	PolicyVersion PolicyVersion
}

type ListPolicyVersionsInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	Marker    string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems  *int32 `aws:",min=1,max=1000"`
}

type ListPolicyVersionsOutput struct {
	Versions    []PolicyVersion
	IsTruncated bool
	Marker      string
}

type SetDefaultPolicyVersionInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	VersionId string `aws:",required,pattern=^v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?$"`
}

type SetDefaultPolicyVersionOutput struct{}

type DeletePolicyVersionInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	VersionId string `aws:",required,pattern=^v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?$"`
}

type DeletePolicyVersionOutput struct{}
