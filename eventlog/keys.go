package eventlog

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"cairn"
)

// Index keys are 56-bit hashes of (scope, attribute, value), seeded with a
// secret of the store, so that nobody who does not have the store can make
// values that collide. A lookup re-checks what a key finds against the record.
type hasher struct{ seed uint64 }

// scopeKey is the hash of a scope: the key of the list of all its events, and
// the seed of its other keys.
func (h hasher) scopeKey(s Scope) uint64 {
	return (xxh3.HashStringSeed(s.Account+"\x00"+s.Region, h.seed) + uint64(s.Category)*0x9e3779b97f4a7c15) & keyMask
}

const (
	keyBits = 56
	keyMask = 1<<keyBits - 1
)

// wallKey seeds the keys that do not depend on the category.
func (h hasher) wallKey(account, region string) uint64 {
	return h.scopeKey(Scope{Account: account, Region: region})
}

// valueKey is the key of an attribute's value within a scope.
func valueKey(scope uint64, a cairn.Attribute, value string) uint64 {
	return xxh3.HashStringSeed(value, scope+uint64(a)*0xc2b2ae3d27d4eb4f) & keyMask
}

// eventIDKey is the key of an event ID. It leaves out the category, so that
// one probe tells whether an ID is taken.
func (h hasher) eventIDKey(account, region, id string) uint64 {
	return valueKey(h.wallKey(account, region), cairn.AttrEventID, id)
}

// textAttributes are the attributes whose values the index keeps as text, so
// that lists of values need no scan. The others have too many values.
var textAttributes = [cairn.NumAttributes]bool{
	cairn.AttrEventName:    true,
	cairn.AttrReadOnly:     true,
	cairn.AttrUsername:     true,
	cairn.AttrResourceType: true,
	cairn.AttrEventSource:  true,
	cairn.AttrErrorCode:    true,
	cairn.AttrSourceIP:     true,
	cairn.AttrUserARN:      true,
}

// maxTexts bounds the values that one segment keeps as text for one attribute
// of one scope; maxText bounds the length of each in bytes.
const (
	maxTexts = 4096
	maxText  = 1024
)

// An indexKey is one key of a record. Value is set for the attributes whose
// text is kept.
type indexKey struct {
	hash  uint64
	attr  cairn.Attribute
	value string
}

// scopeCache remembers the keys of the scopes of one batch, most of which are
// the same.
type scopeCache struct {
	hasher
	last  Scope
	key   uint64
	wall  uint64
	valid bool
}

func (c *scopeCache) of(s Scope) (key, wall uint64) {
	if !c.valid || c.last != s {
		c.last, c.valid = s, true
		c.key = c.scopeKey(s)
		c.wall = c.wallKey(s.Account, s.Region)
	}
	return c.key, c.wall
}

// appendKeys appends the keys of r, the scope's own first and the event ID's
// second. Values that come twice give their key once.
func appendKeys(keys []indexKey, r *cairn.Record, scope, wall uint64, id string) []indexKey {
	first := len(keys)
	keys = append(keys,
		indexKey{hash: scope},
		indexKey{hash: valueKey(wall, cairn.AttrEventID, id), attr: cairn.AttrEventID})
	add := func(a cairn.Attribute, value string) {
		if value == "" {
			return
		}
		k := indexKey{hash: valueKey(scope, a, value), attr: a}
		for i := range keys[first:] {
			if keys[first+i].hash == k.hash {
				return
			}
		}
		if textAttributes[a] {
			k.value = value
		}
		keys = append(keys, k)
	}
	add(cairn.AttrEventName, r.EventName)
	add(cairn.AttrReadOnly, r.ReadOnly.String())
	add(cairn.AttrUsername, r.Username)
	add(cairn.AttrEventSource, r.EventSource)
	add(cairn.AttrAccessKeyID, r.UserIdentity.AccessKeyID)
	add(cairn.AttrErrorCode, r.ErrorCode)
	add(cairn.AttrSourceIP, r.SourceIPAddress)
	add(cairn.AttrUserARN, r.UserIdentity.ARN)
	for i := range r.Resources {
		add(cairn.AttrResourceType, r.Resources[i].Type)
		add(cairn.AttrResourceName, r.Resources[i].Name)
	}
	return keys
}

// identity is what tells an event from its doubles: its ID, or for records of
// versions that have none the hash of its bytes.
func identity(r *cairn.Record, leaf []byte) string {
	if r.EventID != "" {
		return r.EventID
	}
	return "\x00" + string(leaf)
}

func scopeOf(r *cairn.Record) Scope {
	return Scope{Account: r.AccountID, Region: r.AWSRegion, Category: r.Category}
}

// A bloom filter over the event-ID keys of a sealed segment: blocks of 64
// bytes, one cache line a probe, bloomBits bits a key.
type bloom []byte

const (
	bloomBits  = 12
	bloomProbe = 6
)

func newBloom(keys int) bloom {
	lines := (keys*bloomBits + 511) / 512
	return make(bloom, max(lines, 1)*64)
}

func (b bloom) place(key uint64) (line []byte, bits uint64) {
	// One mix chooses the line, another gives six 9-bit places in it.
	i := (key * 0x9e3779b97f4a7c15 >> 32) * uint64(len(b)/64) >> 32
	x := (key ^ key>>27) * 0xc2b2ae3d27d4eb4f
	return b[i*64 : i*64+64 : i*64+64], x >> 10
}

func (b bloom) add(key uint64) {
	line, x := b.place(key)
	for range bloomProbe {
		line[x>>3&63] |= 1 << (x & 7)
		x >>= 9
	}
}

func (b bloom) has(key uint64) bool {
	if len(b) == 0 {
		return true
	}
	line, x := b.place(key)
	for range bloomProbe {
		if line[x>>3&63]&(1<<(x&7)) == 0 {
			return false
		}
		x >>= 9
	}
	return true
}

// keyTable maps index keys to the places of the events that have them, in
// order. It is an open-addressing table, because the keys are hashes already
// and a segment has a few hundred thousand of them.
type keyTable struct {
	entries []keyEntry // power of two
	used    int
	lists   [][]uint64
}

type keyEntry struct {
	hash  uint64
	place uint64 // the only place, if list is 0
	list  uint32 // 1 + index in lists, 0 if there is only one place
	set   bool
}

// find returns the entry for hash, or nil.
func (t *keyTable) find(hash uint64) *keyEntry {
	if len(t.entries) == 0 {
		return nil
	}
	mask := uint64(len(t.entries) - 1)
	for i := hash & mask; t.entries[i].set; i = (i + 1) & mask {
		if t.entries[i].hash == hash {
			return &t.entries[i]
		}
	}
	return nil
}

// places returns the places of hash in ascending order. The slice is valid
// until the next add.
func (t *keyTable) places(hash uint64) []uint64 {
	e := t.find(hash)
	if e == nil {
		return nil
	}
	return t.placesOf(e)
}

func (t *keyTable) placesOf(e *keyEntry) []uint64 {
	if e.list == 0 {
		return []uint64{e.place}
	}
	return t.lists[e.list-1]
}

// add puts place into the list of hash and reports whether hash is new.
func (t *keyTable) add(hash, place uint64) (isNew bool) {
	if t.used >= len(t.entries)*3/4 {
		t.grow()
	}
	mask := uint64(len(t.entries) - 1)
	i := hash & mask
	for ; t.entries[i].set; i = (i + 1) & mask {
		e := &t.entries[i]
		if e.hash != hash {
			continue
		}
		if e.list == 0 {
			list := make([]uint64, 2, 4)
			list[0], list[1] = min(e.place, place), max(e.place, place)
			t.lists = append(t.lists, list)
			e.list = uint32(len(t.lists))
			return false
		}
		t.lists[e.list-1] = insertPlace(t.lists[e.list-1], place)
		return false
	}
	t.entries[i] = keyEntry{hash: hash, place: place, set: true}
	t.used++
	return true
}

// insertPlace inserts a place into a sorted list. Events arrive nearly in the
// order of their times, so the place is near the end.
func insertPlace(list []uint64, place uint64) []uint64 {
	n := len(list)
	list = append(list, place)
	if list[n-1] <= place {
		return list
	}
	step := 1
	for step < n && list[n-step] > place {
		step *= 2
	}
	lo, hi := max(0, n-step), n-step/2 // list[hi] > place, or hi == n
	for lo < hi {
		if m := (lo + hi) / 2; list[m] > place {
			hi = m
		} else {
			lo = m + 1
		}
	}
	copy(list[lo+1:], list[lo:n])
	list[lo] = place
	return list
}

func (t *keyTable) grow() {
	old := t.entries
	t.entries = make([]keyEntry, max(1024, 2*len(old)))
	mask := uint64(len(t.entries) - 1)
	for _, e := range old {
		if !e.set {
			continue
		}
		i := e.hash & mask
		for t.entries[i].set {
			i = (i + 1) & mask
		}
		t.entries[i] = e
	}
}

func putU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func putU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }
