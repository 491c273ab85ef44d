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

// wallKey seeds the keys of event IDs, which leave out the category, so that
// one probe tells whether an ID is taken.
func (h hasher) wallKey(account, region string) uint64 {
	return h.scopeKey(Scope{Account: account, Region: region})
}

// valueKey is the key of an attribute's value within a scope.
func valueKey(scope uint64, a cairn.Attribute, value string) uint64 {
	return xxh3.HashStringSeed(value, scope+uint64(a)*0xc2b2ae3d27d4eb4f) & keyMask
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

// keyTable maps index keys to the events that have them, in the order of their
// places. It is an open-addressing table, because the keys are hashes already
// and a segment has a few hundred thousand of them.
type keyTable struct {
	entries []keyEntry // power of two
	used    int
	lists   [][]uint32 // ordinals
	times   []uint32   // by ordinal
	touched uint64     // keeps touch from being optimised away
}

type keyEntry struct {
	key     uint64 // plus 1, so that 0 is an empty entry
	list    uint32 // 1 + index in lists, 0 if there is only one event
	ordinal uint32 // of the only event
}

// newKeyTable makes a table for about the given number of keys.
func newKeyTable(keys int) keyTable {
	size := 1024
	for size*3/4 < keys {
		size *= 2
	}
	return keyTable{entries: make([]keyEntry, size)}
}

// touch begins to load the entries of keys, all at once, as each is likely to
// be out of the processor's cache.
func (t *keyTable) touch(keys []indexKey) {
	mask := uint64(len(t.entries) - 1)
	for i := range keys {
		t.touched += t.entries[keys[i].hash&mask].key
	}
}

// find returns the entry of key, or nil.
func (t *keyTable) find(key uint64) *keyEntry {
	mask := uint64(len(t.entries) - 1)
	for i := key & mask; t.entries[i].key != 0; i = (i + 1) & mask {
		if t.entries[i].key == key+1 {
			return &t.entries[i]
		}
	}
	return nil
}

// events returns the ordinals of an entry's events, valid until the next add.
func (t *keyTable) events(e *keyEntry) []uint32 {
	if e.list == 0 {
		return []uint32{e.ordinal}
	}
	return t.lists[e.list-1]
}

// place is where an event stands in the order of its segment.
func (t *keyTable) place(ordinal uint32) uint64 { return placeOf(int64(t.times[ordinal]), ordinal) }

// add adds an event to the list of key and reports whether key is new. The
// event's time must be known.
func (t *keyTable) add(key uint64, ordinal uint32) (isNew bool) {
	if t.used >= len(t.entries)*3/4 {
		t.grow()
	}
	mask := uint64(len(t.entries) - 1)
	i := key & mask
	for ; t.entries[i].key != 0; i = (i + 1) & mask {
		e := &t.entries[i]
		if e.key != key+1 {
			continue
		}
		if e.list == 0 {
			list := make([]uint32, 1, 4)
			list[0] = e.ordinal
			t.lists = append(t.lists, t.insert(list, ordinal))
			e.list = uint32(len(t.lists))
			return false
		}
		t.lists[e.list-1] = t.insert(t.lists[e.list-1], ordinal)
		return false
	}
	t.entries[i] = keyEntry{key: key + 1, ordinal: ordinal}
	t.used++
	return true
}

// insert inserts an event into a list. Events arrive nearly in the order of
// their times, so it belongs near the end.
func (t *keyTable) insert(list []uint32, ordinal uint32) []uint32 {
	n := len(list)
	place := t.place(ordinal)
	list = append(list, ordinal)
	if t.place(list[n-1]) <= place {
		return list
	}
	step := 1
	for step < n && t.place(list[n-step]) > place {
		step *= 2
	}
	lo, hi := max(0, n-step), n-step/2
	for lo < hi {
		if m := (lo + hi) / 2; t.place(list[m]) > place {
			hi = m
		} else {
			lo = m + 1
		}
	}
	copy(list[lo+1:], list[lo:n])
	list[lo] = ordinal
	return list
}

func (t *keyTable) grow() {
	old := t.entries
	t.entries = make([]keyEntry, 2*len(old))
	mask := uint64(len(t.entries) - 1)
	for _, e := range old {
		if e.key == 0 {
			continue
		}
		i := (e.key - 1) & mask
		for t.entries[i].key != 0 {
			i = (i + 1) & mask
		}
		t.entries[i] = e
	}
}

// setTime notes an event's time before it is added.
func (t *keyTable) setTime(ordinal uint32, time int64) {
	for int(ordinal) >= len(t.times) {
		t.times = append(t.times, make([]uint32, max(1024, len(t.times)/2))...)
	}
	t.times[ordinal] = uint32(time)
}

func putU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func putU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }
