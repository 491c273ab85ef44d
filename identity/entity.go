package identity

import (
	"time"

	"cairn/catalog"
)

// A Head is what all entities have.
type Head struct {
	ID      string            `json:"id"` // e.g. "AIDA…", 21 characters
	Name    string            `json:"name"`
	Path    string            `json:"path"` // begins and ends with a slash
	Created time.Time         `json:"created"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// Common returns the head; the method makes all kinds of entities alike.
func (h *Head) Common() *Head { return h }

// Grants are the policies of a user, group or role.
type Grants struct {
	Inline   map[string]string `json:"inline,omitempty"`   // documents by name
	Attached []string          `json:"attached,omitempty"` // ARNs of managed policies
}

// Granted returns the policies; the method makes users, groups and roles alike.
func (g *Grants) Granted() *Grants { return g }

// A User is an IAM user.
type User struct {
	Head
	Grants
	Keys     []AccessKey `json:"keys,omitempty"`
	Groups   []string    `json:"groups,omitempty"`   // IDs
	Boundary string      `json:"boundary,omitempty"` // ARN of the permissions boundary
}

// A Group is a group of users. Its members are in the users' rows.
type Group struct {
	Head
	Grants
}

// A Role is an IAM role.
type Role struct {
	Head
	Grants
	Trust       string            `json:"trust"`             // who may assume it
	Trusted     map[string]string `json:"trusted,omitempty"` // whom Trust names: TrustedIDs when it was set
	Description string            `json:"description,omitempty"`
	MaxSession  time.Duration     `json:"maxSession"`
	Boundary    string            `json:"boundary,omitempty"`
}

// A Policy is a managed policy.
type Policy struct {
	Head
	Description string          `json:"description,omitempty"`
	Versions    []PolicyVersion `json:"versions"` // oldest first
	Default     string          `json:"default"`  // e.g. "v1"
	Last        int             `json:"last"`     // number of the newest version that there ever was
	Updated     time.Time       `json:"updated"`
}

// A PolicyVersion is one of a policy's documents.
type PolicyVersion struct {
	ID       string    `json:"id"`
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

// Version returns a version, or nil.
func (p *Policy) Version(id string) *PolicyVersion {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

// An InstanceProfile holds a role for an instance.
type InstanceProfile struct {
	Head
	Roles []string `json:"roles,omitempty"` // IDs, one at most
}

// The ARNs of entities, with the account that they lie in.

// ARN returns the user's ARN.
func (u *User) ARN(account string) string { return arn(account, "user", &u.Head) }

// ARN returns the group's ARN.
func (g *Group) ARN(account string) string { return arn(account, "group", &g.Head) }

// ARN returns the role's ARN.
func (r *Role) ARN(account string) string { return arn(account, "role", &r.Head) }

// ARN returns the policy's ARN.
func (p *Policy) ARN(account string) string { return arn(account, "policy", &p.Head) }

// ARN returns the instance profile's ARN.
func (p *InstanceProfile) ARN(account string) string {
	return arn(account, "instance-profile", &p.Head)
}

func arn(account, kind string, h *Head) string {
	return "arn:aws:iam::" + account + ":" + kind + h.Path + h.Name
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func key(account, name string) string { return catalog.Key(account, name) }
