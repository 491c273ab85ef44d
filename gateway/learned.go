package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

const (
	// maxLearned is how many access keys are kept of a route and account.
	maxLearned = 100_000

	// maxNames is how many users and roles: AWS has quotas of 5,000 and 1,000.
	maxNames = 20_000

	// maxDecoded bounds the keys that are held in memory as they are needed.
	maxDecoded = 16_384

	// sweepEvery is how often keys are looked for whose time is over, at most.
	sweepEvery = time.Minute

	// sweepBatch is how many of them are noted for deletion at once. Each costs a
	// synchronous write, so two go with each key that is added.
	sweepBatch = 1024
)

// learned keeps what the answers of IAM and STS told: whose an access key is, and what
// the paths and unique IDs of users and roles are. Nothing of it is secret.
//
// A key is never given to somebody else. What changes is what is true of the same
// user: the name, the path, and an ID that was not known.
type learned struct {
	keys  catalog.Table[learnedKey]
	names catalog.Table[learnedName]
	limit int

	writing sync.Mutex // one change at a time
	gone    []string   // rows that may be deleted; guarded by writing
	swept   time.Time  // guarded by writing

	mu      sync.RWMutex
	index   map[string]keyFacts // of all keys, by row
	counts  map[string]int      // of keys, by scope
	decoded map[string]*learnedKey
	changes uint64         // of rows that were known
	named   map[string]int // names by scope; guarded by writing
}

// keyFacts are what is held in memory of each key.
type keyFacts struct {
	created, expires int64  // Unix seconds; expires is 0 for keys that stay
	user             string // whose key it is, or whose session
}

// learnedKey is the row of an access key, by route, account and key.
type learnedKey struct {
	Type           string            `json:"type"`
	Partition      string            `json:"partition"`
	Path           string            `json:"path,omitempty"` // of the user or role
	Name           string            `json:"name,omitempty"` // of the user or role
	ID             string            `json:"id,omitempty"`   // unique ID of the user or role
	SessionName    string            `json:"session,omitempty"`
	Issuer         string            `json:"issuer,omitempty"` // of a federated user: "IAMUser" or "Root"
	Learned        time.Time         `json:"learned"`
	Began          *time.Time        `json:"began,omitempty"` // of temporary credentials
	Expires        *time.Time        `json:"expires,omitempty"`
	MFA            bool              `json:"mfa,omitempty"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	AssumedRoot    bool              `json:"assumedRoot,omitempty"`
	Provider       string            `json:"provider,omitempty"` // of a web identity
	Attributes     map[string]string `json:"attributes,omitempty"`
	Inactive       bool              `json:"inactive,omitempty"`
}

// learnedName is the row of a user or role, by route, account, kind and name.
type learnedName struct {
	Path string `json:"path"`
	ID   string `json:"id,omitempty"`
}

func openLearned(cat *catalog.Catalog, limit int) (*learned, error) {
	l := &learned{
		keys: catalog.TableOf[learnedKey](cat, "gateway-keys"), names: catalog.TableOf[learnedName](cat, "gateway-names"), limit: limit,
		index: make(map[string]keyFacts), counts: make(map[string]int), decoded: make(map[string]*learnedKey), named: make(map[string]int),
	}
	for row, err := range l.keys.Scan("") {
		if err != nil {
			return nil, fmt.Errorf("read what was learned of access keys: %w", err)
		}
		l.index[row.Key] = row.Value.facts()
		l.counts[scopeOf(row.Key)]++
	}
	for row, err := range l.names.Scan("") {
		if err != nil {
			return nil, fmt.Errorf("read what was learned of names: %w", err)
		}
		l.named[scopeOf(row.Key)]++
	}
	return l, nil
}

// scopeOf returns the part of a row's key that is the route and account.
func scopeOf(row string) string {
	end := strings.IndexByte(row, '/')
	end += 1 + strings.IndexByte(row[end+1:], '/')
	return row[:end]
}

func (k *learnedKey) facts() keyFacts {
	f := keyFacts{created: k.Learned.Unix()}
	if k.Expires != nil {
		f.expires = k.Expires.Unix()
	}
	if k.Type == "IAMUser" || k.Issuer == "IAMUser" {
		f.user = k.Name
	}
	return f
}

// identity returns whom the row stands for.
func (k *learnedKey) identity(account string) aws.Identity {
	var id aws.Identity
	switch k.Type {
	case "Root":
		id = rootIdentity(k.Partition, account)
	case "IAMUser":
		id = userIdentity(k.Partition, account, k.Path, k.Name, k.ID)
	case "AssumedRole":
		id = roleSession(k.Partition, account, k.Path, k.Name, k.ID, k.SessionName)
	case "FederatedUser":
		id = federatedUser(k.Partition, account, k.SessionName)
	}
	if k.Began == nil {
		return id
	}
	if id.Session == nil {
		id.Session = &aws.Session{}
	}
	session := id.Session
	session.Created, session.MFA, session.SourceIdentity, session.AssumedRoot = *k.Began, k.MFA, k.SourceIdentity, k.AssumedRoot
	if k.Expires != nil {
		session.Expires = *k.Expires
	}
	if k.Provider != "" {
		session.WebIdentity = &aws.WebIdentity{Provider: k.Provider, Attributes: k.Attributes}
	}
	if k.Issuer != "" {
		from := rootIdentity(k.Partition, account)
		if k.Issuer == "IAMUser" {
			from = userIdentity(k.Partition, account, k.Path, k.Name, k.ID)
		}
		session.Issuer = &aws.Issuer{Type: from.Type, PrincipalID: from.PrincipalID, ARN: from.ARN, AccountID: account, UserName: from.UserName}
	}
	return id
}

// find returns whom an access key belongs to, with an empty type if it is not known. why
// tells what is wrong with a key that is.
func (l *learned) find(route, account, key string, at time.Time) (id aws.Identity, why string, err error) {
	k, err := l.key(catalog.Key(route, account, key))
	switch {
	case err != nil || k == nil:
		return id, "", err
	case k.Inactive:
		return id, "the access key is inactive", nil
	case k.Expires != nil && !at.Before(*k.Expires):
		return id, "ExpiredToken", nil
	}
	return k.identity(account), "", nil
}

// key returns a row, which must not be changed, or nil.
func (l *learned) key(row string) (*learnedKey, error) {
	l.mu.RLock()
	_, known := l.index[row]
	k, before := l.decoded[row], l.changes
	l.mu.RUnlock()
	if !known || k != nil {
		return k, nil
	}
	value, _, err := l.keys.Get(row)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil // deleted in the meantime
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A change since then may have made what was read out of date.
	if before == l.changes {
		l.remember(row, &value)
	}
	return &value, nil
}

// remember keeps a row in memory. The mutex is held.
func (l *learned) remember(row string, k *learnedKey) {
	if len(l.decoded) >= maxDecoded {
		clear(l.decoded)
	}
	l.decoded[row] = k
}

// add keeps a key that is new. Of one that is known it returns the row, and changes
// nothing. writing is held.
func (l *learned) add(row string, k learnedKey, at time.Time) (known *learnedKey, err error) {
	if known, err = l.key(row); known != nil || err != nil {
		return known, err
	}
	if err := l.makeRoom(scopeOf(row), at); err != nil {
		return nil, err
	}
	if _, err := l.keys.CompareAndSet(row, 0, k); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index[row] = k.facts()
	l.counts[scopeOf(row)]++
	l.remember(row, &k)
	return nil, nil
}

// change changes a key that is known. writing is held.
func (l *learned) change(row string, k learnedKey) error {
	_, err := l.keys.Put(row, k)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	delete(l.decoded, row)
	if err == nil {
		l.index[row] = k.facts()
		l.remember(row, &k)
	}
	return err
}

// remove forgets a key. writing is held.
func (l *learned) remove(row string) error {
	err := l.keys.Delete(row, catalog.AnyRevision)
	if errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	delete(l.decoded, row)
	if _, known := l.index[row]; known && err == nil {
		delete(l.index, row)
		l.counts[scopeOf(row)]--
	}
	return err
}

// makeRoom deletes a few keys whose time is over, and if the scope is full the
// temporary ones that were learned first. writing is held.
func (l *learned) makeRoom(scope string, at time.Time) error {
	if len(l.gone) == 0 && (at.Sub(l.swept) >= sweepEvery || at.Before(l.swept)) {
		l.swept = at
		l.gone = l.expired(at)
	}
	for range min(2, len(l.gone)) {
		row := l.gone[len(l.gone)-1]
		l.gone = l.gone[:len(l.gone)-1]
		if err := l.remove(row); err != nil {
			return err
		}
	}
	if l.count(scope) < l.limit {
		return nil
	}
	oldest := l.oldest(scope)
	if len(oldest) == 0 {
		return fmt.Errorf("%d access keys of a route are known, and no more are learned", l.limit)
	}
	l.gone = append(l.gone, oldest[1:]...)
	return l.remove(oldest[0])
}

func (l *learned) count(scope string) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.counts[scope]
}

// expired returns rows of keys whose time is over.
func (l *learned) expired(at time.Time) (rows []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for row, f := range l.index {
		if f.expires != 0 && f.expires <= at.Unix() {
			if rows = append(rows, row); len(rows) == sweepBatch {
				break
			}
		}
	}
	return rows
}

// oldest returns the temporary keys of a scope that were learned first: a hundredth of
// the limit, so that the search is worth it.
func (l *learned) oldest(scope string) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var rows []string
	for row, f := range l.index {
		if f.expires != 0 && scopeOf(row) == scope {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b string) int { return cmp.Compare(l.index[a].created, l.index[b].created) })
	return slices.Clone(rows[:min(len(rows), 1+l.limit/100)])
}

// ofUser returns the rows of the keys and sessions of a user.
func (l *learned) ofUser(scope, user string) (rows []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for row, f := range l.index {
		if f.user != "" && strings.EqualFold(f.user, user) && scopeOf(row) == scope {
			rows = append(rows, row)
		}
	}
	return rows
}

// nameRow is the row of a user or role. Names that differ in the case of letters only
// are the same.
func nameRow(route, account, kind, name string) string {
	return catalog.Key(route, account, kind, strings.ToLower(name))
}

// name returns what is known of a user or role, nothing if it is not known.
func (l *learned) name(row string) (learnedName, error) {
	n, _, err := l.names.Get(row)
	if errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	return n, err
}

// setName keeps what is known of a user or role. A route with too many names learns no
// more of them: its records lack paths and IDs. writing is held.
func (l *learned) setName(row string, n learnedName) error {
	have, _, err := l.names.Get(row)
	isNew := errors.Is(err, catalog.ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	scope := scopeOf(row)
	if !isNew && have == n || isNew && l.named[scope] >= maxNames {
		return nil
	}
	if _, err := l.names.Put(row, n); err != nil {
		return err
	}
	if isNew {
		l.named[scope]++
	}
	return nil
}

// removeName forgets a user or role. writing is held.
func (l *learned) removeName(row string) error {
	err := l.names.Delete(row, catalog.AnyRevision)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err == nil {
		l.named[scopeOf(row)]--
	}
	return err
}
