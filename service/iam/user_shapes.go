package iam

type CreateUserInput struct {
	Path                string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	UserName            string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PermissionsBoundary string `aws:",min=20,max=2048"`
	Tags                []Tag  `aws:",max=50"`
}

type CreateUserOutput struct {
	User User
}

type GetUserInput struct {
	UserName string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type GetUserOutput struct {
	User User
}

type ListUsersInput struct {
	PathPrefix string `aws:",min=1,max=512,pattern=^\\x{002F}[\\x{0021}-\\x{007F}]*$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListUsersOutput struct {
	Users       []User
	IsTruncated bool
	Marker      string
}

type UpdateUserInput struct {
	UserName    string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	NewPath     string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	NewUserName string `aws:",min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type UpdateUserOutput struct{}

type DeleteUserInput struct {
	UserName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteUserOutput struct{}

type PutUserPermissionsBoundaryInput struct {
	UserName            string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
	PermissionsBoundary string `aws:",required,min=20,max=2048"`
}

type PutUserPermissionsBoundaryOutput struct{}

type DeleteUserPermissionsBoundaryInput struct {
	UserName string `aws:",required,min=1,max=64,pattern=^[\\w+=,.@-]+$"`
}

type DeleteUserPermissionsBoundaryOutput struct{}
