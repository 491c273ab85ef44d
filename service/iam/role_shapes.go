package iam

type CreateRoleInput struct {
	Path                     string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	RoleName                 string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	AssumeRolePolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
	Description              string `aws:",max=1000,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{00A1}-\\x{00FF}]*$"`
	MaxSessionDuration       *int32 `aws:",min=3600,max=43200"`
	PermissionsBoundary      string `aws:",min=20,max=2048"`
	Tags                     []Tag  `aws:",max=50"`
}

type CreateRoleOutput struct {
	Role Role
}

type GetRoleInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type GetRoleOutput struct {
	Role Role
}

type ListRolesInput struct {
	PathPrefix string `aws:",min=1,max=512,pattern=^\\x{002F}[\\x{0021}-\\x{007F}]*$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListRolesOutput struct {
	Roles       []Role
	IsTruncated bool
	Marker      string
}

type UpdateRoleInput struct {
	RoleName           string  `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Description        *string `aws:",max=1000,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{00A1}-\\x{00FF}]*$"`
	MaxSessionDuration *int32  `aws:",min=3600,max=43200"`
}

type UpdateRoleOutput struct{}

type UpdateRoleDescriptionInput struct {
	RoleName    string  `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Description *string `aws:",required,max=1000,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{00A1}-\\x{00FF}]*$"`
}

type UpdateRoleDescriptionOutput struct {
	Role Role
}

type UpdateAssumeRolePolicyInput struct {
	RoleName       string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PolicyDocument string `aws:",required,min=1,max=131072,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{00FF}]+$"`
}

type UpdateAssumeRolePolicyOutput struct{}

type DeleteRoleInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type DeleteRoleOutput struct{}

type PutRolePermissionsBoundaryInput struct {
	RoleName            string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PermissionsBoundary string `aws:",required,min=20,max=2048"`
}

type PutRolePermissionsBoundaryOutput struct{}

type DeleteRolePermissionsBoundaryInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type DeleteRolePermissionsBoundaryOutput struct{}
