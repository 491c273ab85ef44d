package iam

import "time"

// The structs here and in the files *_shapes.go have the members of AWS's API in
// its spelling. The mirror test holds them against the SDK's.

type AccessKey struct {
	UserName        string
	AccessKeyId     string
	Status          string
	SecretAccessKey string
	CreateDate      time.Time
}

type AccessKeyLastUsed struct {
	LastUsedDate time.Time
	ServiceName  string
	Region       string
}

type AccessKeyMetadata struct {
	UserName    string
	AccessKeyId string
	Status      string
	CreateDate  time.Time
}

type AttachedPermissionsBoundary struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

type AttachedPolicy struct {
	PolicyName string
	PolicyArn  string
}

type Group struct {
	Path       string
	GroupName  string
	GroupId    string
	Arn        string
	CreateDate time.Time
}

type GroupDetail struct {
	Path                    string
	GroupName               string
	GroupId                 string
	Arn                     string
	CreateDate              time.Time
	GroupPolicyList         []PolicyDetail
	AttachedManagedPolicies []AttachedPolicy
}

type InstanceProfile struct {
	Path                string
	InstanceProfileName string
	InstanceProfileId   string
	Arn                 string
	CreateDate          time.Time
	Roles               []Role
	Tags                []Tag
}

type ManagedPolicyDetail struct {
	PolicyName                    string
	PolicyId                      string
	Arn                           string
	Path                          string
	DefaultVersionId              string
	AttachmentCount               *int32
	PermissionsBoundaryUsageCount *int32
	IsAttachable                  bool
	Description                   string
	CreateDate                    time.Time
	UpdateDate                    time.Time
	PolicyVersionList             []PolicyVersion
}

type Policy struct {
	PolicyName                    string
	PolicyId                      string
	Arn                           string
	Path                          string
	DefaultVersionId              string
	AttachmentCount               *int32
	PermissionsBoundaryUsageCount *int32
	IsAttachable                  bool
	Description                   string
	CreateDate                    time.Time
	UpdateDate                    time.Time
	Tags                          []Tag
}

type PolicyDetail struct {
	PolicyName     string
	PolicyDocument string
}

type PolicyGroup struct {
	GroupName string
	GroupId   string
}

type PolicyRole struct {
	RoleName string
	RoleId   string
}

type PolicyUser struct {
	UserName string
	UserId   string
}

type PolicyVersion struct {
	Document         string
	VersionId        string
	IsDefaultVersion bool
	CreateDate       time.Time
}

type Role struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               time.Time
	AssumeRolePolicyDocument string
	Description              string
	MaxSessionDuration       *int32
	PermissionsBoundary      AttachedPermissionsBoundary
	Tags                     []Tag
	RoleLastUsed             RoleLastUsed
	// SourceRoleTemplate is always absent: there are no role templates here.
	SourceRoleTemplate SourceRoleTemplate
}

type RoleDetail struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               time.Time
	AssumeRolePolicyDocument string
	InstanceProfileList      []InstanceProfile
	RolePolicyList           []PolicyDetail
	AttachedManagedPolicies  []AttachedPolicy
	PermissionsBoundary      AttachedPermissionsBoundary
	Tags                     []Tag
	RoleLastUsed             RoleLastUsed
}

type RoleLastUsed struct {
	LastUsedDate time.Time
	Region       string
}

type Tag struct {
	Key   string  `aws:",required,min=1,max=128,pattern=^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+$"`
	Value *string `aws:",required,max=256,pattern=^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$"`
}

type User struct {
	Path                string
	UserName            string
	UserId              string
	Arn                 string
	CreateDate          time.Time
	PasswordLastUsed    time.Time
	PermissionsBoundary AttachedPermissionsBoundary
	Tags                []Tag
}

type UserDetail struct {
	Path                    string
	UserName                string
	UserId                  string
	Arn                     string
	CreateDate              time.Time
	UserPolicyList          []PolicyDetail
	GroupList               []string
	AttachedManagedPolicies []AttachedPolicy
	PermissionsBoundary     AttachedPermissionsBoundary
	Tags                    []Tag
}

// A SourceRoleTemplate names what a role was made from.
type SourceRoleTemplate struct {
	TemplateArn          string
	TemplateMinorVersion *int32
}
