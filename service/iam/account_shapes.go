package iam

type GetAccountSummaryInput struct{}

type GetAccountSummaryOutput struct {
	SummaryMap map[string]int32
}

type GetAccountAuthorizationDetailsInput struct {
	Filter   []string
	MaxItems *int32 `aws:",min=1,max=1000"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
}

type GetAccountAuthorizationDetailsOutput struct {
	UserDetailList  []UserDetail
	GroupDetailList []GroupDetail
	RoleDetailList  []RoleDetail
	Policies        []ManagedPolicyDetail
	IsTruncated     bool
	Marker          string
}

type CreateAccountAliasInput struct {
	AccountAlias string `aws:",required,min=3,max=63,pattern=^[a-z0-9](-?[a-z0-9])+$"`
}

type CreateAccountAliasOutput struct{}

type ListAccountAliasesInput struct {
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListAccountAliasesOutput struct {
	AccountAliases []string
	IsTruncated    bool
	Marker         string
}

type DeleteAccountAliasInput struct {
	AccountAlias string `aws:",required,min=3,max=63,pattern=^[a-z0-9](-?[a-z0-9])+$"`
}

type DeleteAccountAliasOutput struct{}
