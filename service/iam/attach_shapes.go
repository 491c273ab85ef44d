package iam

type AttachUserPolicyInput struct {
	UserName  string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type AttachUserPolicyOutput struct{}

type DetachUserPolicyInput struct {
	UserName  string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type DetachUserPolicyOutput struct{}

type ListAttachedUserPoliciesInput struct {
	UserName   string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PathPrefix string `aws:",min=1,max=512,pattern=^((/[A-Za-z0-9\\.,\\+@=_-]+)*)/$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListAttachedUserPoliciesOutput struct {
	AttachedPolicies []AttachedPolicy
	IsTruncated      bool
	Marker           string
}

type AttachGroupPolicyInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type AttachGroupPolicyOutput struct{}

type DetachGroupPolicyInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type DetachGroupPolicyOutput struct{}

type ListAttachedGroupPoliciesInput struct {
	GroupName  string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PathPrefix string `aws:",min=1,max=512,pattern=^((/[A-Za-z0-9\\.,\\+@=_-]+)*)/$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListAttachedGroupPoliciesOutput struct {
	AttachedPolicies []AttachedPolicy
	IsTruncated      bool
	Marker           string
}

type AttachRolePolicyInput struct {
	RoleName  string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type AttachRolePolicyOutput struct{}

type DetachRolePolicyInput struct {
	RoleName  string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyArn string `aws:",required,min=20,max=2048"`
}

type DetachRolePolicyOutput struct{}

type ListAttachedRolePoliciesInput struct {
	RoleName   string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PathPrefix string `aws:",min=1,max=512,pattern=^((/[A-Za-z0-9\\.,\\+@=_-]+)*)/$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListAttachedRolePoliciesOutput struct {
	AttachedPolicies []AttachedPolicy
	IsTruncated      bool
	Marker           string
}

type ListEntitiesForPolicyInput struct {
	PolicyArn         string `aws:",required,min=20,max=2048"`
	EntityFilter      string `aws:",enum=User|Role|Group|LocalManagedPolicy|AWSManagedPolicy"`
	PathPrefix        string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	PolicyUsageFilter string `aws:",enum=PermissionsPolicy|PermissionsBoundary"`
	Marker            string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems          *int32 `aws:",min=1,max=1000"`
}

type ListEntitiesForPolicyOutput struct {
	PolicyGroups []PolicyGroup
	PolicyUsers  []PolicyUser
	PolicyRoles  []PolicyRole
	IsTruncated  bool
	Marker       string
}
