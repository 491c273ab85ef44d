package iam

type TagUserInput struct {
	UserName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Tags     []Tag  `aws:",required,max=50"`
}

type TagUserOutput struct{}

type UntagUserInput struct {
	UserName string   `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	TagKeys  []string `aws:",required,max=50"`
}

type UntagUserOutput struct{}

type ListUserTagsInput struct {
	UserName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=1000,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListUserTagsOutput struct {
	Tags        []Tag
	IsTruncated bool
	Marker      string
}

type TagRoleInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Tags     []Tag  `aws:",required,max=50"`
}

type TagRoleOutput struct{}

type UntagRoleInput struct {
	RoleName string   `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	TagKeys  []string `aws:",required,max=50"`
}

type UntagRoleOutput struct{}

type ListRoleTagsInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=1000,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListRoleTagsOutput struct {
	Tags        []Tag
	IsTruncated bool
	Marker      string
}

type TagPolicyInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	Tags      []Tag  `aws:",required,max=50"`
}

type TagPolicyOutput struct{}

type UntagPolicyInput struct {
	PolicyArn string   `aws:",required,min=20,max=2048"`
	TagKeys   []string `aws:",required,max=50"`
}

type UntagPolicyOutput struct{}

type ListPolicyTagsInput struct {
	PolicyArn string `aws:",required,min=20,max=2048"`
	Marker    string `aws:",min=1,max=1000,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems  *int32 `aws:",min=1,max=1000"`
}

type ListPolicyTagsOutput struct {
	Tags        []Tag
	IsTruncated bool
	Marker      string
}

type TagInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Tags                []Tag  `aws:",required,max=50"`
}

type TagInstanceProfileOutput struct{}

type UntagInstanceProfileInput struct {
	InstanceProfileName string   `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	TagKeys             []string `aws:",required,max=50"`
}

type UntagInstanceProfileOutput struct{}

type ListInstanceProfileTagsInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker              string `aws:",min=1,max=1000,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems            *int32 `aws:",min=1,max=1000"`
}

type ListInstanceProfileTagsOutput struct {
	Tags        []Tag
	IsTruncated bool
	Marker      string
}
