// Package identity knows who may call, and what they may do: accounts, their
// root users, IAM users, groups, roles, policies, access keys and temporary
// sessions. It answers the front's two questions, whose credentials a request
// carries (aws.Keys) and whether the caller may go on (aws.Authorizer).
//
// Its nouns are IAM's. A Collection holds the entities of one kind, and every
// entity lies in one account. What belongs to one entity and has a quota of its
// own (access keys, inline policies, attachments, versions, tags) is part of its
// row.
//
// Its one invariant: whatever is missing, inactive, expired or cannot be read
// proves nothing and grants nothing.
//
// # Rows
//
// All tables are keyed by account first. An entity's row is keyed by its unique
// ID, which never changes. A row for each name leads to the ID: it makes names
// unique, and the number of such rows is what the account's quota counts. The
// entity's row is the truth: a name counts only if the entity that
// it leads to has it. So a change of two rows is done when the entity's row is
// written, and a crash before or after that leaves at most a name that leads
// nowhere, which the next claim of the name or a full quota cleans up.
//
// Changes of an account take turns within the process, which owns the catalog.
//
// # Development mode
//
// With Options.Dev, credentials that are not known are accepted with any
// signature, as those of the root user of an account: an access key ID of 12
// digits names the account, any other one means the default account. Known
// access keys keep their identity, and are verified. A data directory remembers
// its mode, and refuses the other, so that what anybody could do in development
// is never taken for the doing of someone who was verified.
package identity

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cairn/catalog"
	"cairn/internal/policy"
)

// Quotas of an account and its entities, as AWS has them by default.
const (
	MaxUsers            = 5000
	MaxGroups           = 300
	MaxRoles            = 1000
	MaxPolicies         = 1500
	MaxInstanceProfiles = 1000
	MaxAccessKeys       = 2 // of a user
	MaxUserGroups       = 10
	MaxAttached         = 10 // managed policies of a user, group or role
	MaxPolicyVersions   = 5
	MaxTags             = 50
)

// Options say how to open a Store.
type Options struct {
	// DefaultAccount is the account of unknown credentials in development mode.
	DefaultAccount string
	Dev            bool

	Now func() time.Time // default time.Now
}

// Store holds the identities. It is safe for concurrent use. What its methods
// return is shared, and must not be changed.
type Store struct {
	Users            *Collection[User, *User]
	Groups           *Collection[Group, *Group]
	Roles            *Collection[Role, *Role]
	Policies         *Collection[Policy, *Policy]
	InstanceProfiles *Collection[InstanceProfile, *InstanceProfile]

	keyring        *catalog.Keyring
	now            func() time.Time
	dev            bool
	defaultAccount string

	names    *cached[nameRow]
	accounts *cached[Account]
	keys     *cached[keyOwner]
	aliases  catalog.Table[aliasRow]
	lastUsed lastUses

	writing  turns      // one change of an account at a time
	aliasing sync.Mutex // and one of the aliases, which all accounts share; taken first

	counting sync.Mutex
	counts   map[string]int // names by account and kind

	parsing sync.Mutex
	parsed  map[string]*policy.Policy // by document
}

// modeRow says how a data directory is used.
type modeRow struct {
	Dev bool `json:"dev"`
}

// A ModeError says that a data directory belongs to the other mode.
type ModeError struct {
	Dev bool // the directory's mode
}

func (e *ModeError) Error() string {
	if e.Dev {
		return "this data directory was made in development mode, in which anybody may call: use it with --dev, or take another directory"
	}
	return "this data directory was made without development mode, and unknown credentials must not be accepted for it: leave out --dev, or take another directory"
}

// Open returns the identities in a catalog. It returns a *ModeError, wrapped,
// if the catalog was used in the other mode.
func Open(cat *catalog.Catalog, opts Options) (*Store, error) {
	if opts.DefaultAccount != "" && !isAccountID(opts.DefaultAccount) {
		return nil, fmt.Errorf("open identities: account %q does not have 12 digits", opts.DefaultAccount)
	}
	if opts.Dev && opts.DefaultAccount == "" {
		return nil, errors.New("open identities: development mode needs a default account")
	}
	s := &Store{
		keyring: cat.Keyring(), now: opts.Now, dev: opts.Dev, defaultAccount: opts.DefaultAccount,
		names:    newCached[nameRow](cat, "identity-names"),
		accounts: newCached[Account](cat, "identity-accounts"),
		keys:     newCached[keyOwner](cat, "identity-access-keys"),
		aliases:  catalog.TableOf[aliasRow](cat, "identity-aliases"),
		lastUsed: newLastUses(catalog.TableOf[LastUse](cat, "identity-last-used")),
		parsed:   make(map[string]*policy.Policy),
		counts:   make(map[string]int),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.Users = newCollection[User](s, cat, "user", "AIDA", MaxUsers)
	s.Groups = newCollection[Group](s, cat, "group", "AGPA", MaxGroups)
	s.Roles = newCollection[Role](s, cat, "role", "AROA", MaxRoles)
	s.Policies = newCollection[Policy](s, cat, "policy", "ANPA", MaxPolicies)
	s.InstanceProfiles = newCollection[InstanceProfile](s, cat, "instance-profile", "AIPA", MaxInstanceProfiles)

	modes := catalog.TableOf[modeRow](cat, "identity-mode")
	mode, _, err := modes.Get("mode")
	if errors.Is(err, catalog.ErrNotFound) {
		mode.Dev = opts.Dev
		_, err = modes.CompareAndSet("mode", 0, mode)
	}
	if err == nil && mode.Dev != opts.Dev {
		err = &ModeError{Dev: mode.Dev}
	}
	if err != nil {
		return nil, fmt.Errorf("open identities: %w", err)
	}
	return s, nil
}

// Dev reports whether the store is in development mode.
func (s *Store) Dev() bool { return s.dev }

// Now is the store's time.
func (s *Store) Now() time.Time { return s.now() }

// A NotFoundError says that there is no such entity.
type NotFoundError struct {
	Kind string // "user", "group", "role", "policy", "instance-profile", "access-key", "alias", "account" or "principal"
	Name string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("the %s %q does not exist", kindName(e.Kind), e.Name)
}

// An ExistsError says that a name is taken. Names that differ only in their
// letters' case are the same.
type ExistsError struct {
	Kind string
	Name string
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("the %s %q exists already", kindName(e.Kind), e.Name)
}

// A LimitError says that a quota is used up.
type LimitError struct {
	Quota string // e.g. "UsersPerAccount"
	Limit int
}

func (e *LimitError) Error() string { return fmt.Sprintf("the quota %s is %d", e.Quota, e.Limit) }

func kindName(kind string) string { return strings.ReplaceAll(kind, "-", " ") }

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
