package eventlog

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"github.com/klauspost/compress/s2"

	"cairn"
)

// An index file holds the index of one sealed segment. All numbers are
// little-endian. Behind a header of idxHeaderSize bytes come the sections, in
// the order of the constants below; the header has the offset, the length and
// the CRC-32C of each.
//
// A rank is the place of an event in the order (scope, time, ordinal). Each
// scope is a range of ranks, and a list of events is a rising list of ranks.
const (
	secScopes    = iota // per scope: account, region, category, ranks, times, which values are complete
	secTimes            // u32 per rank: Unix seconds
	secOrdinals         // width bytes per rank: seq - base
	secDirectory        // u32 per value of the upper dirBits of a key and one more: the number of its first key
	secKeys             // per key, rising: its lower 40 bits
	secRefs             // width bytes per key: top bit set: its only rank; else where its list begins in secLists
	secLists            // lists of ranks, see appendList
	secBlocks           // per block: u64 offset in the .seg file, u32 first ordinal
	secBloom            // filter over the event-ID keys
	secValues           // s2: per scope and attribute: the values' texts and counts
	numSections
)

const (
	idxHeaderSize = 72 + numSections*20 + 4
	blockEntry    = 12
	keyTail       = 5 // bytes of a key in secKeys
	maxDirBits    = keyBits - 8*keyTail
)

// idxHeader is the fixed part of an index file.
type idxHeader struct {
	base       uint64
	count      uint32
	blocks     uint32
	minTime    int64
	maxTime    int64
	maxArrival int64 // Unix microseconds
	rawBytes   uint64
	dirBits    uint8 // of a key that secDirectory leads by
	width      uint8 // bytes of a rank, an ordinal or a reference: 3 or 4
	sections   [numSections]struct {
		offset, length uint64
		sum            uint32
	}
}

// blockPlace is where a block of a sealed segment begins.
type blockPlace struct {
	offset       uint64
	firstOrdinal uint32
}

// encodeIndex returns the index file of a sealed segment. The same events give
// the same bytes. It only reads x, so that lookups can go on.
func encodeIndex(x *memIndex, base uint64, blocks []blockPlace, count uint32, maxArrival int64, rawBytes uint64) []byte {
	h := idxHeader{base: base, count: count, blocks: uint32(len(blocks)),
		minTime: x.minTime, maxTime: x.maxTime, maxArrival: maxArrival, rawBytes: rawBytes}

	// Ranks: the scopes' own lists, one after another.
	scopes := x.sortedScopes()
	rankOf := make([]uint32, count)
	times := make([]byte, 0, 4*count)
	ordinals := make([]uint32, 0, count)
	var scopeSec, valueSec []byte
	rank := uint32(0)
	for _, s := range scopes {
		sc := x.byScope[s]
		first := rank
		list := x.keys.events(x.keys.find(sc.key))
		for _, ordinal := range list {
			times = putU32(times, x.keys.times[ordinal])
			ordinals = append(ordinals, ordinal)
			rankOf[ordinal] = rank
			rank++
		}
		scopeSec = appendScope(scopeSec, s, sc, first, rank, x.keys.times[list[0]], x.keys.times[list[len(list)-1]])
		valueSec = appendValues(valueSec, &x.keys, sc)
	}

	// Keys and their lists. A reference is turned into bytes when it is known
	// how wide it has to be.
	entries := x.keys.sorted()
	refs := make([]uint32, len(entries))
	lists := make([]byte, 0, 16*count)
	scratch := make([]uint32, 0, 1024)
	for i := range entries {
		e := &entries[i]
		if e.list == 0 {
			refs[i] = 1<<31 | rankOf[e.ordinal]
			continue
		}
		refs[i] = uint32(len(lists))
		scratch = scratch[:0]
		for _, ordinal := range x.keys.lists[e.list-1] {
			scratch = append(scratch, rankOf[ordinal])
		}
		if !slices.IsSorted(scratch) { // a list over several scopes
			slices.Sort(scratch)
		}
		lists = appendList(lists, scratch)
	}
	h.width = 4
	if count <= 1<<23 && len(lists) <= 1<<23 {
		h.width = 3
	}
	h.dirBits = directoryBits(entries)
	directory := make([]byte, 0, 4<<h.dirBits+4)
	keys := make([]byte, 0, keyTail*len(entries))
	refSec := make([]byte, 0, int(h.width)*len(entries))
	for i := range entries {
		for bucket := (entries[i].key - 1) >> (keyBits - h.dirBits); uint64(len(directory)/4) <= bucket; {
			directory = putU32(directory, uint32(i))
		}
		k := entries[i].key - 1
		keys = append(keys, byte(k), byte(k>>8), byte(k>>16), byte(k>>24), byte(k>>32))
		ref := refs[i] &^ (1 << 31)
		if refs[i]>>31 == 1 {
			ref |= 1 << (8*h.width - 1)
		}
		refSec = putWide(refSec, ref, h.width)
	}
	for len(directory) < 4<<h.dirBits+4 {
		directory = putU32(directory, uint32(len(entries)))
	}
	ordinalSec := make([]byte, 0, int(h.width)*len(ordinals))
	for _, o := range ordinals {
		ordinalSec = putWide(ordinalSec, o, h.width)
	}

	filter := newBloom(len(x.ids))
	for _, id := range x.ids {
		filter.add(id)
	}
	blockSec := make([]byte, 0, blockEntry*len(blocks))
	for _, b := range blocks {
		blockSec = putU32(putU64(blockSec, b.offset), b.firstOrdinal)
	}
	return assembleIndex(&h, [numSections][]byte{
		secScopes: scopeSec, secTimes: times, secOrdinals: ordinalSec,
		secDirectory: directory, secKeys: keys, secRefs: refSec, secLists: lists,
		secBlocks: blockSec, secBloom: filter, secValues: s2.EncodeBetter(nil, valueSec),
	})
}

// directoryBits returns how many upper bits of a key the directory leads by: so
// many that a few keys share an entry of it, and that no two of those have the
// same tail, by which find tells them apart. With maxDirBits none can.
func directoryBits(entries []keyEntry) uint8 {
	d := min(maxDirBits, max(0, bits.Len(uint(len(entries)))-3))
	for d < maxDirBits && sameTails(entries, d) {
		d++
	}
	return uint8(d)
}

// sameTails reports whether two of the sorted entries have the same upper d
// bits and the same tail.
func sameTails(entries []keyEntry, d int) bool {
	const tail = 1<<(8*keyTail) - 1
	for i := range entries {
		k := entries[i].key - 1
		for j := i + 1; j < len(entries) && (entries[j].key-1)>>(keyBits-d) == k>>(keyBits-d); j++ {
			if (entries[j].key-1)&tail == k&tail {
				return true
			}
		}
	}
	return false
}

func assembleIndex(h *idxHeader, sections [numSections][]byte) []byte {
	size := idxHeaderSize
	for _, s := range sections {
		size += (len(s) + 7) &^ 7
	}
	out := make([]byte, idxHeaderSize, size)
	for i, s := range sections {
		h.sections[i].offset, h.sections[i].length = uint64(len(out)), uint64(len(s))
		out = append(out, s...)
		for len(out)%8 != 0 {
			out = append(out, 0)
		}
		h.sections[i].sum = checksum(out[h.sections[i].offset:])
	}
	h.put(out)
	return out
}

func (h *idxHeader) put(b []byte) {
	le := binary.LittleEndian
	copy(b, idxMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], h.count)
	le.PutUint64(b[16:], h.base)
	le.PutUint64(b[24:], uint64(h.minTime))
	le.PutUint64(b[32:], uint64(h.maxTime))
	le.PutUint64(b[40:], uint64(h.maxArrival))
	le.PutUint64(b[48:], h.rawBytes)
	le.PutUint32(b[56:], h.blocks)
	le.PutUint32(b[60:], numSections)
	b[64], b[65] = h.dirBits, h.width
	for i, s := range h.sections {
		at := b[72+20*i:]
		le.PutUint64(at, s.offset)
		le.PutUint64(at[8:], s.length)
		le.PutUint32(at[16:], s.sum)
	}
	le.PutUint32(b[idxHeaderSize-4:], checksum(b[:idxHeaderSize-4]))
}

func putWide(b []byte, v uint32, width uint8) []byte {
	b = append(b, byte(v), byte(v>>8), byte(v>>16))
	if width == 4 {
		b = append(b, byte(v>>24))
	}
	return b
}

// wide reads the i-th number that putWide wrote.
func (h *idxHeader) wide(b []byte, i int) uint32 {
	if h.width == 4 {
		return binary.LittleEndian.Uint32(b[4*i:])
	}
	b = b[3*i : 3*i+3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
}

// sorted returns the table's entries by rising key. Keys are spread evenly, so
// one pass by their upper bits leaves short runs to sort.
func (t *keyTable) sorted() []keyEntry {
	const lead = 14
	starts := make([]int, 1<<lead+1)
	for i := range t.entries {
		if e := &t.entries[i]; e.key != 0 {
			starts[(e.key-1)>>(keyBits-lead)+1]++
		}
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	out := make([]keyEntry, t.used)
	next := slices.Clone(starts)
	for i := range t.entries {
		if e := &t.entries[i]; e.key != 0 {
			bucket := (e.key - 1) >> (keyBits - lead)
			out[next[bucket]] = *e
			next[bucket]++
		}
	}
	for b := range 1 << lead {
		slices.SortFunc(out[starts[b]:starts[b+1]], func(v, w keyEntry) int { return cmp.Compare(v.key, w.key) })
	}
	return out
}

// A list of n ranks is stored as uvarint n, then, if n > listChunk, for each
// chunk of listChunk ranks its first rank and the offset of its deltas behind
// the table, u32 each; then the chunks: uvarint deltas, in the first chunk or
// a short list starting with the first rank itself. So a reader enters a long
// list anywhere and walks it both ways.
const listChunk = 128

func appendList(b []byte, ranks []uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(ranks)))
	if len(ranks) <= listChunk {
		prev := uint32(0)
		for _, r := range ranks {
			b = binary.AppendUvarint(b, uint64(r-prev))
			prev = r
		}
		return b
	}
	chunks := (len(ranks) + listChunk - 1) / listChunk
	table := len(b)
	b = append(b, make([]byte, 8*chunks)...)
	data := len(b)
	for c := range chunks {
		part := ranks[c*listChunk : min((c+1)*listChunk, len(ranks))]
		binary.LittleEndian.PutUint32(b[table+8*c:], part[0])
		binary.LittleEndian.PutUint32(b[table+8*c+4:], uint32(len(b)-data))
		for i := 1; i < len(part); i++ {
			b = binary.AppendUvarint(b, uint64(part[i]-part[i-1]))
		}
	}
	return b
}

// A scope entry: uvarint lengths and texts of account and region, u8 category,
// u32 first and end rank, u32 least and greatest time, u16 bits of the
// attributes whose values are complete.
func appendScope(b []byte, s Scope, sc *memScope, first, end, minTime, maxTime uint32) []byte {
	b = appendText(b, s.Account)
	b = appendText(b, s.Region)
	b = append(b, byte(s.Category))
	b = putU32(putU32(b, first), end)
	b = putU32(putU32(b, minTime), maxTime)
	var complete uint16
	for a := range sc.values {
		if textAttributes[a] && !sc.values[a].partial {
			complete |= 1 << a
		}
	}
	return binary.LittleEndian.AppendUint16(b, complete)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// The values of a scope: for each attribute from 1 to NumAttributes-1 uvarint
// n, then n times a text and uvarint count, sorted by text.
func appendValues(b []byte, t *keyTable, sc *memScope) []byte {
	for a := 1; a < cairn.NumAttributes; a++ {
		texts := slices.Clone(sc.values[a].texts) // lookups go on meanwhile
		slices.SortFunc(texts, func(v, w textValue) int { return strings.Compare(v.text, w.text) })
		b = binary.AppendUvarint(b, uint64(len(texts)))
		for _, v := range texts {
			b = appendText(b, v.text)
			b = binary.AppendUvarint(b, uint64(t.countOf(v.hash)))
		}
	}
	return b
}

// countOf is the length of the list of hash.
func (t *keyTable) countOf(hash uint64) int {
	e := t.find(hash)
	switch {
	case e == nil:
		return 0
	case e.list == 0:
		return 1
	}
	return len(t.lists[e.list-1])
}

// An indexFile reads an index file from memory. Its header has been checked;
// each section is checked when it is first used.
type indexFile struct {
	idxHeader
	data   []byte
	scopes []fileScope
}

type fileScope struct {
	Scope
	first, end       uint32 // ranks
	minTime, maxTime int64
	complete         uint16
}

func parseIndex(data []byte) (*indexFile, error) {
	if len(data) < idxHeaderSize || string(data[:8]) != idxMagic {
		return nil, errIndexHeader
	}
	le := binary.LittleEndian
	if le.Uint32(data[idxHeaderSize-4:]) != checksum(data[:idxHeaderSize-4]) {
		return nil, errIndexHeader
	}
	if v := le.Uint32(data[8:]); v != formatVersion {
		return nil, &NewerFormatError{Version: v}
	}
	f := &indexFile{data: data}
	f.count = le.Uint32(data[12:])
	f.base = le.Uint64(data[16:])
	f.minTime = int64(le.Uint64(data[24:]))
	f.maxTime = int64(le.Uint64(data[32:]))
	f.maxArrival = int64(le.Uint64(data[40:]))
	f.rawBytes = le.Uint64(data[48:])
	f.blocks = le.Uint32(data[56:])
	f.dirBits, f.width = data[64], data[65]
	if f.dirBits > maxDirBits || f.width != 3 && f.width != 4 {
		return nil, errIndexHeader
	}
	end := uint64(idxHeaderSize)
	for i := range f.sections {
		at := data[72+20*i:]
		s := &f.sections[i]
		s.offset, s.length, s.sum = le.Uint64(at), le.Uint64(at[8:]), le.Uint32(at[16:])
		if s.offset != end || s.length > uint64(len(data)) {
			return nil, errIndexHeader
		}
		end = (end + s.length + 7) &^ 7
	}
	if end != uint64(len(data)) || f.sections[secTimes].length > 4*uint64(f.count) || f.sections[secTimes].length%4 != 0 ||
		f.sections[secBloom].length == 0 || f.sections[secBloom].length%64 != 0 ||
		f.sections[secOrdinals].length != uint64(f.width)*uint64(f.ranks()) ||
		f.sections[secDirectory].length != 4<<f.dirBits+4 ||
		f.sections[secKeys].length*uint64(f.width) != keyTail*f.sections[secRefs].length ||
		f.sections[secBlocks].length != blockEntry*uint64(f.blocks) {
		return nil, errIndexHeader
	}
	if err := f.checkSection(secScopes); err != nil {
		return nil, err
	}
	return f, f.parseScopes()
}

var errIndexHeader = fmt.Errorf("the index file's header is damaged")

func (f *indexFile) section(i int) []byte {
	s := f.sections[i]
	return f.data[s.offset : s.offset+s.length : s.offset+s.length]
}

// checkSection verifies one section's checksum, padding included.
func (f *indexFile) checkSection(i int) error {
	s := f.sections[i]
	if checksum(f.data[s.offset:(s.offset+s.length+7)&^7]) != s.sum {
		return fmt.Errorf("the checksum of index section %d at byte %d does not match", i, s.offset)
	}
	return nil
}

// checkAll verifies every section.
func (f *indexFile) checkAll() error {
	for i := range f.sections {
		if err := f.checkSection(i); err != nil {
			return err
		}
	}
	return nil
}

var errIndexScopes = fmt.Errorf("the index file's scopes are damaged")

func (f *indexFile) parseScopes() error {
	b := f.section(secScopes)
	le := binary.LittleEndian
	rank := uint32(0)
	for len(b) > 0 {
		var s fileScope
		var ok1, ok2 bool
		s.Account, b, ok1 = takeText(b)
		s.Region, b, ok2 = takeText(b)
		if !ok1 || !ok2 || len(b) < 19 {
			return errIndexScopes
		}
		s.Category = cairn.Category(b[0])
		s.first, s.end = le.Uint32(b[1:]), le.Uint32(b[5:])
		s.minTime, s.maxTime = int64(le.Uint32(b[9:])), int64(le.Uint32(b[13:]))
		s.complete = le.Uint16(b[17:])
		b = b[19:]
		if s.first != rank || s.end < s.first || s.end > f.ranks() {
			return errIndexScopes
		}
		rank = s.end
		f.scopes = append(f.scopes, s)
	}
	if rank != f.ranks() {
		return errIndexScopes
	}
	return nil
}

func takeText(b []byte) (string, []byte, bool) {
	text, rest, ok := takeBytes(b)
	return string(text), rest, ok
}

// takeBytes takes what appendText appended off the front of b.
func takeBytes(b []byte) (text, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}

// ranks is the number of records in the index. It is less than count when
// records of the segment are lost.
func (f *indexFile) ranks() uint32 { return uint32(f.sections[secTimes].length / 4) }

func (f *indexFile) time(rank uint32) int64 {
	return int64(binary.LittleEndian.Uint32(f.section(secTimes)[4*rank:]))
}

func (f *indexFile) ordinal(rank uint32) uint32 {
	return f.wide(f.section(secOrdinals), int(rank))
}

func (f *indexFile) block(i int) blockPlace {
	b := f.section(secBlocks)[blockEntry*i:]
	return blockPlace{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])}
}

// blockOf returns the number of the block that holds an ordinal.
func (f *indexFile) blockOf(ordinal uint32) int {
	return sort.Search(int(f.blocks), func(i int) bool { return f.block(i).firstOrdinal > ordinal }) - 1
}

// seek returns the first rank of a scope whose event is not before (time,
// ordinal).
func (f *indexFile) seek(s *fileScope, time int64, ordinal uint32) uint32 {
	if time > math.MaxUint32 {
		return s.end
	}
	n := sort.Search(int(s.end-s.first), func(i int) bool {
		r := s.first + uint32(i)
		t := f.time(r)
		return t > time || t == time && f.ordinal(r) >= ordinal
	})
	return s.first + uint32(n)
}

// find returns the list of a key.
func (f *indexFile) find(key uint64) (rankList, bool) {
	bucket := key >> (keyBits - f.dirBits)
	directory := f.section(secDirectory)[4*bucket:]
	i, end := int(binary.LittleEndian.Uint32(directory)), int(binary.LittleEndian.Uint32(directory[4:]))
	keys := f.section(secKeys)
	if end > len(keys)/keyTail {
		return rankList{}, false
	}
	for ; i < end; i++ {
		b := keys[keyTail*i : keyTail*i+keyTail]
		if uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|uint64(b[4])<<32 == key&(1<<(8*keyTail)-1) {
			return f.list(f.wide(f.section(secRefs), i)), true
		}
	}
	return rankList{}, false
}

// A rankList is a stored list of ranks.
type rankList struct {
	count  int
	single uint32 // if count is 1
	table  []byte // of chunks; nil for a short list
	data   []byte
}

func (f *indexFile) list(ref uint32) rankList {
	if single := uint32(1) << (8*f.width - 1); ref&single != 0 {
		return rankList{count: 1, single: ref &^ single}
	}
	lists := f.section(secLists)
	if uint64(ref) >= uint64(len(lists)) {
		return rankList{}
	}
	b := lists[ref:]
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(f.count) {
		return rankList{}
	}
	b = b[n:]
	l := rankList{count: int(count), data: b}
	if l.count > listChunk {
		size := 8 * l.chunks()
		if size > len(b) {
			return rankList{}
		}
		l.table, l.data = b[:size], b[size:]
	}
	return l
}

func (l *rankList) chunks() int { return (l.count + listChunk - 1) / listChunk }

// chunkFirst is the first rank of a chunk of a long list.
func (l *rankList) chunkFirst(c int) uint32 { return binary.LittleEndian.Uint32(l.table[8*c:]) }

// chunk decodes a chunk into dst.
func (l *rankList) chunk(c int, dst []uint32) []uint32 {
	dst = dst[:0]
	if l.count == 1 && l.data == nil {
		return append(dst, l.single)
	}
	b, n, prev := l.data, l.count, uint32(0)
	if l.table != nil {
		prev = l.chunkFirst(c)
		dst = append(dst, prev)
		n = min(listChunk, l.count-c*listChunk) - 1
		off := binary.LittleEndian.Uint32(l.table[8*c+4:])
		if uint64(off) > uint64(len(b)) {
			return dst
		}
		b = b[off:]
	}
	for range n {
		d, w := binary.Uvarint(b)
		if w <= 0 {
			break
		}
		b = b[w:]
		prev += uint32(d)
		dst = append(dst, prev)
	}
	return dst
}

// fileValues are the values of an index file, decompressed.
type fileValues struct {
	file   *indexFile
	data   []byte
	starts []int // of each scope's values in data
}

// values decompresses the values and finds where those of each scope begin.
func (f *indexFile) values() (*fileValues, error) {
	b, err := s2.Decode(nil, f.section(secValues))
	if err != nil {
		return nil, fmt.Errorf("decompress the index file's values: %w", err)
	}
	v := &fileValues{file: f, data: b, starts: make([]int, len(f.scopes))}
	for s := range f.scopes {
		v.starts[s] = len(v.data) - len(b)
		for a := 1; a < cairn.NumAttributes; a++ {
			n, w := binary.Uvarint(b)
			if w <= 0 {
				return nil, errIndexValues
			}
			b = b[w:]
			for range n {
				_, rest, ok := takeBytes(b)
				_, w := binary.Uvarint(rest)
				if !ok || w <= 0 {
					return nil, errIndexValues
				}
				b = rest[w:]
			}
		}
	}
	return v, nil
}

func (v *fileValues) of(view *scopeView, attribute cairn.Attribute, yield func(text string, count uint64)) bool {
	if !textAttributes[attribute] {
		return false
	}
	b := v.data[v.starts[view.number]:]
	for a := cairn.Attribute(1); a <= attribute; a++ {
		n, w := binary.Uvarint(b)
		b = b[w:]
		for range n {
			text, rest, _ := takeBytes(b)
			count, w := binary.Uvarint(rest)
			if b = rest[w:]; a == attribute {
				yield(string(text), count)
			}
		}
	}
	return v.file.scopes[view.number].complete>>attribute&1 == 1
}

var errIndexValues = fmt.Errorf("the index file's values are damaged")
