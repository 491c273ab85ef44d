package sts

type GetCallerIdentityInput struct{}

type GetCallerIdentityOutput struct {
	UserId  string
	Account string
	Arn     string
}

type GetSessionTokenInput struct {
	DurationSeconds         *int32 `aws:",min=900,max=129600"`
	SerialNumber            string `aws:",min=9,max=256,pattern=^[\\w+=/:,.@-]*$"`
	TokenCode               string `aws:",min=6,max=6,pattern=^[\\d]*$"`
	MinimumSessionTokenSize *int32 `aws:",max=4096"`
}

type GetSessionTokenOutput struct {
	Credentials             Credentials
	SessionTokenSize        *int32
	SessionTokenUtilization *int32
}

type AssumeRoleInput struct {
	RoleArn                 string `aws:",required,min=20,max=2048,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{10FFFF}]+$"`
	RoleSessionName         string `aws:",required,min=2,max=64,pattern=^[\\w+=,.@-]*$"`
	PolicyArns              []PolicyDescriptorType
	Policy                  string            `aws:",min=1,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	DurationSeconds         *int32            `aws:",min=900,max=43200"`
	Tags                    []Tag             `aws:",max=50"`
	TransitiveTagKeys       []string          `aws:",max=50"`
	ExternalId              string            `aws:",min=2,max=1224,pattern=^[\\w+=,.@:\\/-]*$"`
	SerialNumber            string            `aws:",min=9,max=256,pattern=^[\\w+=/:,.@-]*$"`
	TokenCode               string            `aws:",min=6,max=6,pattern=^[\\d]*$"`
	SourceIdentity          string            `aws:",min=2,max=64,pattern=^[\\w+=,.@-]*$"`
	ProvidedContexts        []ProvidedContext `aws:",min=1,max=5"`
	MinimumSessionTokenSize *int32            `aws:",max=4096"`
}

type AssumeRoleOutput struct {
	Credentials             Credentials
	AssumedRoleUser         AssumedRoleUser
	PackedPolicySize        *int32
	SourceIdentity          string
	SessionTokenSize        *int32
	SessionTokenUtilization *int32
}

type GetAccessKeyInfoInput struct {
	AccessKeyId string `aws:",required,min=16,max=128,pattern=^[\\w]*$"`
}

type GetAccessKeyInfoOutput struct {
	Account string
}

type GetFederationTokenInput struct {
	Name                    string `aws:",required,min=2,max=32,pattern=^[\\w+=,.@-]*$"`
	Policy                  string `aws:",min=1,max=2048,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	PolicyArns              []PolicyDescriptorType
	DurationSeconds         *int32 `aws:",min=900,max=129600"`
	Tags                    []Tag  `aws:",max=50"`
	MinimumSessionTokenSize *int32 `aws:",max=4096"`
}

type GetFederationTokenOutput struct {
	Credentials             Credentials
	FederatedUser           FederatedUser
	PackedPolicySize        *int32
	SessionTokenSize        *int32
	SessionTokenUtilization *int32
}
