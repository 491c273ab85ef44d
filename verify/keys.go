package verify

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"cairn"
)

// PublicKeys know the keys that digests are signed with.
type PublicKeys interface {
	// PublicKeys returns the keys of a region that were valid at some time in
	// [from, until]. It may return more. ErrNoKeys tells that it knows nothing of
	// the region, which is another thing than that the region has no keys.
	PublicKeys(ctx context.Context, region string, from, until time.Time) ([]PublicKey, error)
}

// ErrNoKeys tells that no public keys of a region are at hand.
var ErrNoKeys = errors.New("no public keys of the region were given")

// A PublicKey is a key that signed digests in its validity.
type PublicKey struct {
	Key         *rsa.PublicKey
	From, Until time.Time // zero if not known

	// File names where the key comes from if it is not known which region it is
	// of; empty if it is. All keys of a file are of one region, and the digests
	// that they signed tell which.
	File string
}

// ServerKeys asks a CloudTrail for the keys. Client returns a client for a
// region.
type ServerKeys struct {
	Client func(region string) cloudtrail.ListPublicKeysAPIClient
}

// PublicKeys lists the keys of a region.
func (s ServerKeys) PublicKeys(ctx context.Context, region string, from, until time.Time) ([]PublicKey, error) {
	var keys []PublicKey
	pages := cloudtrail.NewListPublicKeysPaginator(s.Client(region), &cloudtrail.ListPublicKeysInput{StartTime: &from, EndTime: &until})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the public keys of %s: %w", region, err)
		}
		for _, k := range page.PublicKeyList {
			key, err := cairn.ParsePublicKeyDER(k.Value)
			if err != nil {
				return nil, fmt.Errorf("list the public keys of %s: %w", region, err)
			}
			p := PublicKey{Key: key}
			if k.ValidityStartTime != nil {
				p.From = *k.ValidityStartTime
			}
			if k.ValidityEndTime != nil {
				p.Until = *k.ValidityEndTime
			}
			keys = append(keys, p)
		}
	}
	return keys, nil
}

// FileKeys are keys that are known beforehand: those of a region, and under the
// empty name those that are for every region.
type FileKeys map[string][]PublicKey

// PublicKeys returns the keys for a region.
func (f FileKeys) PublicKeys(_ context.Context, region string, _, _ time.Time) ([]PublicKey, error) {
	keys := append(f[region][:len(f[region]):len(f[region])], f[""]...)
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}

// keysFile is what `aws cloudtrail list-public-keys` prints.
type keysFile struct {
	PublicKeyList []keyEntry
}

type keyEntry struct {
	Value             []byte
	ValidityStartTime fileTime
	ValidityEndTime   fileTime
	Fingerprint       string
}

// fileTime is a time as text, or, as some clients print it, as seconds.
type fileTime struct{ time.Time }

// UnmarshalJSON reads either form.
func (t *fileTime) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		t.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
		return nil
	}
	return json.Unmarshal(b, &t.Time)
}

// ParseKeys reads the output of `aws cloudtrail list-public-keys`.
func ParseKeys(text []byte) ([]PublicKey, error) {
	var file keysFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not the output of `aws cloudtrail list-public-keys`: %w", err)
	}
	if len(file.PublicKeyList) == 0 {
		return nil, errors.New("no public keys in it; it must be the output of `aws cloudtrail list-public-keys` with the --start-time and --end-time of the digests")
	}
	var keys []PublicKey
	for _, e := range file.PublicKeyList {
		key, err := cairn.ParsePublicKeyDER(e.Value)
		if err != nil {
			return nil, err
		}
		keys = append(keys, PublicKey{Key: key, From: e.ValidityStartTime.Time, Until: e.ValidityEndTime.Time})
	}
	return keys, nil
}

// keysFileName is the name of the file in which a copy keeps the public keys of a
// region, or with none those of which the region is not known.
func keysFileName(region string) string {
	if region != "" {
		region = "." + region
	}
	return "public-keys" + region + ".json"
}

// KeyFiles returns the files in a folder that Save kept public keys in, by region.
// The empty one is that of the keys of which the region is not known.
func KeyFiles(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for files of public keys: %w", err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), "public-keys")
		region, suffix := strings.CutSuffix(rest, ".json")
		region = strings.TrimPrefix(region, ".")
		if ok && suffix && e.Name() == keysFileName(region) {
			files[region] = filepath.Join(dir, e.Name())
		}
	}
	return files, nil
}

// formatKeys writes what ParseKeys reads, each key once.
func formatKeys(keys []PublicKey) ([]byte, error) {
	var file keysFile
	seen := make(map[string]bool)
	for _, k := range keys {
		if f := cairn.Fingerprint(k.Key); !seen[f] {
			seen[f] = true
			file.PublicKeyList = append(file.PublicKeyList, keyEntry{cairn.PublicKeyDER(k.Key), fileTime{k.From.UTC()}, fileTime{k.Until.UTC()}, f})
		}
	}
	text, err := json.MarshalIndent(file, "", "  ")
	return append(text, '\n'), err
}

// keyring remembers the keys that it asked for.
type keyring struct {
	source PublicKeys

	mu      sync.Mutex
	regions map[string]*regionKeys
}

type regionKeys struct {
	keys   map[string]PublicKey // by fingerprint
	asked  map[int64]bool       // days, counted from 1970
	files  map[string]bool      // that have keys of nobody knows which region, and whether one signed a digest here
	unsure bool                 // none of the keys is known to be of the region
	err    error
}

// How far from its validity a key is still asked for and taken: the AWS command
// line asks for two hours more than the digests' time.
const keySlack = 24 * time.Hour

// load asks for the keys of a span of time.
func (k *keyring) load(ctx context.Context, region string, from, until time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ask(ctx, k.of(region), region, from.Add(-time.Hour), until.Add(2*time.Hour))
}

// find returns a key, nil if there is none with the fingerprint. It asks for the
// keys of the day around a time if that may help.
func (k *keyring) find(ctx context.Context, region, fingerprint string, at time.Time) (*PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.of(region)
	if key, ok := r.keys[fingerprint]; ok {
		return &key, nil
	}
	if day := at.Unix() / 86400; !r.asked[day] && len(r.asked) < 1000 {
		r.asked[day] = true
		if err := k.ask(ctx, r, region, at.Add(-time.Hour), at.Add(2*time.Hour)); err != nil {
			return nil, err
		}
		if key, ok := r.keys[fingerprint]; ok {
			return &key, nil
		}
	}
	return nil, r.err
}

func (k *keyring) of(region string) *regionKeys {
	if k.regions == nil {
		k.regions = make(map[string]*regionKeys)
	}
	if k.regions[region] == nil {
		k.regions[region] = &regionKeys{keys: make(map[string]PublicKey), asked: make(map[int64]bool), files: make(map[string]bool), unsure: true}
	}
	return k.regions[region]
}

func (k *keyring) ask(ctx context.Context, r *regionKeys, region string, from, until time.Time) error {
	keys, err := k.source.PublicKeys(ctx, region, from, until)
	if errors.Is(err, ErrNoKeys) {
		return nil
	}
	if err != nil {
		r.err = err
		return err
	}
	r.unsure = r.unsure && len(keys) > 0 // whoever answers that there are none knows it
	for _, key := range keys {
		fingerprint := cairn.Fingerprint(key.Key)
		if key.File == "" {
			r.unsure = false
		} else {
			if _, ok := r.files[key.File]; !ok {
				r.files[key.File] = false
			}
			if old, ok := r.keys[fingerprint]; ok && old.File == "" {
				continue
			}
		}
		r.keys[fingerprint] = key
	}
	return nil
}

// used notes that a key signed a digest of a region.
func (k *keyring) used(region string, key *PublicKey) {
	if key.File != "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.of(region).files[key.File] = true
	}
}

// unsure reports whether a region's keys may not have been given.
func (k *keyring) unsure(region string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.of(region).unsure
}

// lacks reports, when all is read, whether no keys of a region were given. Those
// of a file that signed nothing anywhere may be the region's, so they were.
func (k *keyring) lacks(region string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.of(region)
	if !r.unsure {
		return false
	}
	elsewhere := make(map[string]bool)
	for _, other := range k.regions {
		for file, used := range other.files {
			elsewhere[file] = elsewhere[file] || used
		}
	}
	for file, here := range r.files {
		if here || !elsewhere[file] {
			return false
		}
	}
	return true
}
