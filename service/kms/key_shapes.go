package kms

import "time"

type CreateKeyInput struct {
	BypassPolicyLockoutSafetyCheck bool
	CustomKeyStoreId               string `aws:",min=1,max=64"`
	CustomerMasterKeySpec          string
	Description                    string `aws:",max=8192"`
	KeySpec                        string
	KeyUsage                       string `aws:",enum=SIGN_VERIFY|ENCRYPT_DECRYPT|GENERATE_VERIFY_MAC|KEY_AGREEMENT|ENCAPSULATE_DECAPSULATE"`
	MultiRegion                    *bool
	Origin                         string `aws:",enum=AWS_KMS|EXTERNAL|AWS_CLOUDHSM|EXTERNAL_KEY_STORE"`
	Policy                         string `aws:",min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	Tags                           []Tag
	XksKeyId                       string `aws:",min=1,max=128,pattern=^[a-zA-Z0-9-_.]+$"`
}

type CreateKeyOutput struct {
	KeyMetadata KeyMetadata
}

type DescribeKeyInput struct {
	KeyId       string   `aws:",required,min=1,max=2048"`
	GrantTokens []string `aws:",max=10"`
}

type DescribeKeyOutput struct {
	KeyMetadata KeyMetadata
}

type ListKeysInput struct {
	Limit  *int32 `aws:",min=1,max=1000"`
	Marker string `aws:",min=1,max=1024"`
}

type ListKeysOutput struct {
	Keys       []KeyListEntry
	NextMarker string
	Truncated  bool
}

type EnableKeyInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type EnableKeyOutput struct{}

type DisableKeyInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type DisableKeyOutput struct{}

type ScheduleKeyDeletionInput struct {
	KeyId               string `aws:",required,min=1,max=2048"`
	PendingWindowInDays *int32 `aws:",min=7,max=30"`
}

type ScheduleKeyDeletionOutput struct {
	DeletionDate        time.Time
	KeyId               string
	KeyState            string
	PendingWindowInDays *int32
}

type CancelKeyDeletionInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type CancelKeyDeletionOutput struct {
	KeyId string
}

type UpdateKeyDescriptionInput struct {
	Description *string `aws:",required,max=8192"`
	KeyId       string  `aws:",required,min=1,max=2048"`
}

type UpdateKeyDescriptionOutput struct{}

type CreateAliasInput struct {
	AliasName   string `aws:",required,min=1,max=256,pattern=^[a-zA-Z0-9:/_-]+$"`
	TargetKeyId string `aws:",required,min=1,max=2048"`
}

type CreateAliasOutput struct{}

type UpdateAliasInput struct {
	AliasName   string `aws:",required,min=1,max=256,pattern=^[a-zA-Z0-9:/_-]+$"`
	TargetKeyId string `aws:",required,min=1,max=2048"`
}

type UpdateAliasOutput struct{}

type DeleteAliasInput struct {
	AliasName string `aws:",required,min=1,max=256,pattern=^[a-zA-Z0-9:/_-]+$"`
}

type DeleteAliasOutput struct{}

type ListAliasesInput struct {
	KeyId  string `aws:",min=1,max=2048"`
	Limit  *int32 `aws:",min=1,max=100"`
	Marker string `aws:",min=1,max=1024"`
}

type ListAliasesOutput struct {
	Aliases    []AliasListEntry
	NextMarker string
	Truncated  bool
}

type GetKeyPolicyInput struct {
	KeyId      string `aws:",required,min=1,max=2048"`
	PolicyName string `aws:",min=1,max=128,pattern=^[\\w]+$"`
}

type GetKeyPolicyOutput struct {
	Policy     string
	PolicyName string
}

type PutKeyPolicyInput struct {
	KeyId                          string `aws:",required,min=1,max=2048"`
	Policy                         string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	BypassPolicyLockoutSafetyCheck bool
	PolicyName                     string `aws:",min=1,max=128,pattern=^[\\w]+$"`
}

type PutKeyPolicyOutput struct{}

type ListKeyPoliciesInput struct {
	KeyId  string `aws:",required,min=1,max=2048"`
	Limit  *int32 `aws:",min=1,max=1000"`
	Marker string `aws:",min=1,max=1024"`
}

type ListKeyPoliciesOutput struct {
	NextMarker  string
	PolicyNames []string
	Truncated   bool
}

type TagResourceInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
	Tags  []Tag  `aws:",required"`
}

type TagResourceOutput struct{}

type UntagResourceInput struct {
	KeyId   string   `aws:",required,min=1,max=2048"`
	TagKeys []string `aws:",required"`
}

type UntagResourceOutput struct{}

type ListResourceTagsInput struct {
	KeyId  string `aws:",required,min=1,max=2048"`
	Limit  *int32 `aws:",min=1,max=50"`
	Marker string `aws:",min=1,max=1024"`
}

type ListResourceTagsOutput struct {
	NextMarker string
	Tags       []Tag
	Truncated  bool
}

type EnableKeyRotationInput struct {
	KeyId                string `aws:",required,min=1,max=2048"`
	RotationPeriodInDays *int32 `aws:",min=90,max=2560"`
}

type EnableKeyRotationOutput struct{}

type DisableKeyRotationInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type DisableKeyRotationOutput struct{}

type GetKeyRotationStatusInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type GetKeyRotationStatusOutput struct {
	KeyId                     string
	KeyRotationEnabled        bool
	NextRotationDate          time.Time
	OnDemandRotationStartDate time.Time
	RotationPeriodInDays      *int32
}

type RotateKeyOnDemandInput struct {
	KeyId string `aws:",required,min=1,max=2048"`
}

type RotateKeyOnDemandOutput struct {
	KeyId string
}

type ListKeyRotationsInput struct {
	KeyId              string `aws:",required,min=1,max=2048"`
	IncludeKeyMaterial string `aws:",enum=ALL_KEY_MATERIAL|ROTATIONS_ONLY"`
	Limit              *int32 `aws:",min=1,max=1000"`
	Marker             string `aws:",min=1,max=1024"`
}

type ListKeyRotationsOutput struct {
	NextMarker string
	Rotations  []RotationsListEntry
	Truncated  bool
}
