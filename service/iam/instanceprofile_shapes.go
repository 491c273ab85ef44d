package iam

type CreateInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Path                string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	Tags                []Tag  `aws:",max=50"`
}

type CreateInstanceProfileOutput struct {
	InstanceProfile InstanceProfile
}

type GetInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type GetInstanceProfileOutput struct {
	InstanceProfile InstanceProfile
}

type ListInstanceProfilesInput struct {
	PathPrefix string `aws:",min=1,max=512,pattern=^\\x{002F}[\\x{0021}-\\x{007F}]*$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListInstanceProfilesOutput struct {
	InstanceProfiles []InstanceProfile
	IsTruncated      bool
	Marker           string
}

type DeleteInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteInstanceProfileOutput struct{}

type AddRoleToInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	RoleName            string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type AddRoleToInstanceProfileOutput struct{}

type RemoveRoleFromInstanceProfileInput struct {
	InstanceProfileName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	RoleName            string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type RemoveRoleFromInstanceProfileOutput struct{}

type ListInstanceProfilesForRoleInput struct {
	RoleName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListInstanceProfilesForRoleOutput struct {
	InstanceProfiles []InstanceProfile
	IsTruncated      bool
	Marker           string
}
