package iam

type CreateAccessKeyInput struct {
	UserName string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type CreateAccessKeyOutput struct {
	AccessKey AccessKey
}

type ListAccessKeysInput struct {
	UserName string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListAccessKeysOutput struct {
	AccessKeyMetadata []AccessKeyMetadata
	IsTruncated       bool
	Marker            string
}

type UpdateAccessKeyInput struct {
	UserName    string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	AccessKeyId string `aws:",required,min=16,max=128,pattern=^[\\w]+$"`
	Status      string `aws:",required,enum=Active|Inactive|Expired"`
}

type UpdateAccessKeyOutput struct{}

type DeleteAccessKeyInput struct {
	UserName    string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	AccessKeyId string `aws:",required,min=16,max=128,pattern=^[\\w]+$"`
}

type DeleteAccessKeyOutput struct{}

type GetAccessKeyLastUsedInput struct {
	AccessKeyId string `aws:",required,min=16,max=128,pattern=^[\\w]+$"`
}

type GetAccessKeyLastUsedOutput struct {
	UserName          string
	AccessKeyLastUsed AccessKeyLastUsed
}
