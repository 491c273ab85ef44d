package iam

type PutUserPolicyInput struct {
	UserName       string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName     string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
}

type PutUserPolicyOutput struct{}

type GetUserPolicyInput struct {
	UserName   string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type GetUserPolicyOutput struct {
	UserName       string
	PolicyName     string
	PolicyDocument string
}

type ListUserPoliciesInput struct {
	UserName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListUserPoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
	Marker      string
}

type DeleteUserPolicyInput struct {
	UserName   string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteUserPolicyOutput struct{}

type PutGroupPolicyInput struct {
	GroupName      string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName     string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
}

type PutGroupPolicyOutput struct{}

type GetGroupPolicyInput struct {
	GroupName  string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type GetGroupPolicyOutput struct {
	GroupName      string
	PolicyName     string
	PolicyDocument string
}

type ListGroupPoliciesInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker    string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems  *int32 `aws:",min=1,max=1000"`
}

type ListGroupPoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
	Marker      string
}

type DeleteGroupPolicyInput struct {
	GroupName  string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteGroupPolicyOutput struct{}

type PutRolePolicyInput struct {
	RoleName       string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyName     string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
}

type PutRolePolicyOutput struct{}

type GetRolePolicyInput struct {
	RoleName   string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type GetRolePolicyOutput struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string
}

type ListRolePoliciesInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListRolePoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
	Marker      string
}

type DeleteRolePolicyInput struct {
	RoleName   string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteRolePolicyOutput struct{}
