package iam

type CreateGroupInput struct {
	Path      string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type CreateGroupOutput struct {
	Group Group
}

type GetGroupInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker    string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems  *int32 `aws:",min=1,max=1000"`
}

type GetGroupOutput struct {
	Group       Group
	Users       []User
	IsTruncated bool
	Marker      string
}

type ListGroupsInput struct {
	PathPrefix string `aws:",min=1,max=512,pattern=^\\x{002F}[\\x{0021}-\\x{007F}]*$"`
	Marker     string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems   *int32 `aws:",min=1,max=1000"`
}

type ListGroupsOutput struct {
	Groups      []Group
	IsTruncated bool
	Marker      string
}

type UpdateGroupInput struct {
	GroupName    string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	NewPath      string `aws:",min=1,max=512,pattern=^(?:(\\x{002F})|(\\x{002F}[\\x{0021}-\\x{007E}]+\\x{002F}))$"`
	NewGroupName string `aws:",min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type UpdateGroupOutput struct{}

type DeleteGroupInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type DeleteGroupOutput struct{}

type AddUserToGroupInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	UserName  string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type AddUserToGroupOutput struct{}

type RemoveUserFromGroupInput struct {
	GroupName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	UserName  string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
}

type RemoveUserFromGroupOutput struct{}

type ListGroupsForUserInput struct {
	UserName string `aws:",required,min=1,max=128,pattern=^[\\w+=,.@-]+$"`
	Marker   string `aws:",min=1,max=320,pattern=^[\\x{0020}-\\x{00FF}]+$"`
	MaxItems *int32 `aws:",min=1,max=1000"`
}

type ListGroupsForUserOutput struct {
	Groups      []Group
	IsTruncated bool
	Marker      string
}
