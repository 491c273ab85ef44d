package catalog

import (
	"bytes"
	"encoding/binary"

	"hash/fnv"
)

// The layout of a bbolt file, https://github.com/etcd-io/bbolt, in the byte
// order of the machine: pages of equal size, the first two of them meta pages.
//
//	page header   id 8, flags 2, count 2, overflow 4
//	meta          magic 4, version 4, page size 4, flags 4, root page 8,
//	              root sequence 8, freelist page 8, pages in use 8,
//	              transaction 8, FNV-1a of the above 8
//	branch entry  offset from the entry 4, key length 4, page 8
//	leaf entry    flags 4, offset from the entry 4, key length 4, value length 4
//	bucket value  root page 8 (0: a page follows in the value), sequence 8
const (
	pageHeader   = 16
	entryHeader  = 16
	metaBytes    = 64
	bucketHeader = 16

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10
	bucketEntry  = 0x01

	noFreelist = ^uint64(0)
	maxDepth   = 64
)

var order = binary.NativeEndian

// A walker reads a bbolt file without trusting it. bbolt itself follows page
// numbers and lengths wherever they lead, out of the mapped file if they were
// changed; the walker checks each one, and visits no page twice.
type walker struct {
	file     []byte
	pageSize uint64
	pages    uint64          // in use, from the meta page
	seen     map[uint64]bool // each page, with those that it runs over into

	row     func(table string, sequence uint64, key string, value []byte)
	problem func(format string, args ...any)
	note    func(format string, args ...any)
}

type page struct {
	id      uint64
	flags   uint16
	count   int
	content []byte // header included
}

type meta struct {
	pageSize, root, freelist, pages, transaction uint64
}

// walk visits every row of every table and reports what is wrong between.
func (w *walker) walk() {
	w.seen = map[uint64]bool{}
	m, ok := w.meta()
	if !ok {
		return
	}
	w.pageSize, w.pages = m.pageSize, m.pages
	if have := uint64(len(w.file)) / m.pageSize; m.pages < 4 || m.pages > have {
		w.problem("the meta page counts %d pages, and the file has %d", m.pages, have)
		w.pages = min(m.pages, have)
	}
	w.seen[0], w.seen[1] = true, true
	var last []byte
	w.visit(m.root, 0, nil, nil, &last, func(flags uint32, key, value []byte) {
		if flags != bucketEntry {
			w.problem("entry %q beside the tables is not a table", key)
			return
		}
		w.table(string(key), value)
	})
	w.freelist(m.freelist)
	for id := range w.pages {
		if !w.seen[id] {
			w.problem("page %d is neither in use nor free", id)
			return
		}
	}
}

// meta picks the meta page of the newest transaction.
func (w *walker) meta() (meta, bool) {
	first, ok1 := w.metaAt(0)
	var second meta
	ok2 := false
	if ok1 {
		second, ok2 = w.metaAt(first.pageSize)
	} else {
		// The size of the pages is unknown: it is where a meta page says so.
		for size := uint64(1024); size <= 1<<16 && !ok2; size *= 2 {
			second, ok2 = w.metaAt(size)
			ok2 = ok2 && second.pageSize == size
		}
	}
	switch {
	case !ok1 && !ok2:
		w.problem("no meta page is valid")
	case !ok1 || !ok2:
		w.note("one of the two meta pages is not valid, as after a power cut in the middle of a change")
	}
	if !ok1 || ok2 && second.transaction > first.transaction {
		return second, ok2
	}
	return first, ok1
}

func (w *walker) metaAt(offset uint64) (meta, bool) {
	if uint64(len(w.file)) < offset+pageHeader+metaBytes {
		return meta{}, false
	}
	head, b := w.file[offset:], w.file[offset+pageHeader:][:metaBytes]
	sum := fnv.New64a()
	sum.Write(b[:56])
	m := meta{uint64(order.Uint32(b[8:])), order.Uint64(b[16:]), order.Uint64(b[32:]), order.Uint64(b[40:]), order.Uint64(b[48:])}
	ok := order.Uint16(head[8:])&metaPage != 0 && order.Uint32(b) == boltMagic && order.Uint32(b[4:]) == boltVersion &&
		order.Uint64(b[56:]) == sum.Sum64() && m.pageSize >= 1024 && m.pageSize <= 1<<16 && m.pageSize&(m.pageSize-1) == 0
	return m, ok
}

// table visits the rows of a table, whose value in the list of tables is
// given.
func (w *walker) table(name string, value []byte) {
	if len(value) < bucketHeader {
		w.problem("the entry of table %s is too short", name)
		return
	}
	sequence := order.Uint64(value[8:])
	row := func(flags uint32, key, value []byte) {
		if flags != 0 {
			w.problem("table %s, row %q: unknown flags %#x", name, key, flags)
			return
		}
		w.row(name, sequence, string(key), value)
	}
	var last []byte
	if root := order.Uint64(value); root != 0 {
		w.visit(root, 0, nil, nil, &last, row)
		return
	}
	b := value[bucketHeader:]
	if len(b) < pageHeader || order.Uint16(b[8:]) != leafPage {
		w.problem("the page within the entry of table %s is not a leaf", name)
		return
	}
	w.leaf(page{flags: leafPage, count: int(order.Uint16(b[10:])), content: b}, nil, nil, &last, row)
}

// visit walks the tree below a page. Its keys must lie in [low, high) and
// above the last one; nil bounds are open.
func (w *walker) visit(id uint64, depth int, low, high []byte, last *[]byte, row func(flags uint32, key, value []byte)) {
	p, ok := w.page(id)
	switch {
	case !ok:
	case depth > maxDepth:
		w.problem("page %d lies too deep", id)
	case p.flags == leafPage:
		w.leaf(p, low, high, last, row)
	case p.flags == branchPage:
		if p.count == 0 {
			w.problem("branch page %d is empty", id)
		}
		for i := range p.count {
			key, ok := p.slice(i, 0, 4)
			if !ok {
				w.problem("entry %d of page %d points out of it", i, id)
				return
			}
			childHigh := high
			if i+1 < p.count {
				if next, ok := p.slice(i+1, 0, 4); ok {
					childHigh = next
				}
			}
			if low != nil && bytes.Compare(key, low) < 0 || childHigh != nil && bytes.Compare(key, childHigh) >= 0 {
				w.problem("the keys of branch page %d are out of order at entry %d", id, i)
			}
			w.visit(order.Uint64(p.entry(i)[8:]), depth+1, key, childHigh, last, row)
		}
	default:
		w.problem("page %d has unknown flags %#x", id, p.flags)
	}
}

func (w *walker) leaf(p page, low, high []byte, last *[]byte, row func(flags uint32, key, value []byte)) {
	for i := range p.count {
		key, ok := p.slice(i, 4, 8)
		value, okValue := p.slice(i, 4, 8, 12)
		if !ok || !okValue {
			w.problem("entry %d of leaf page %d points out of it", i, p.id)
			return
		}
		if low != nil && bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 || *last != nil && bytes.Compare(key, *last) <= 0 {
			w.problem("the keys of leaf page %d are out of order at entry %d", p.id, i)
		}
		*last = key
		row(order.Uint32(p.entry(i)), key, value)
	}
}

// page checks the header of a page, and that nothing else uses its bytes.
func (w *walker) page(id uint64) (page, bool) {
	if id < 2 || id >= w.pages {
		w.problem("page %d is referred to, and pages end at %d", id, w.pages)
		return page{}, false
	}
	b := w.file[id*w.pageSize:]
	p := page{id: id, flags: order.Uint16(b[8:]), count: int(order.Uint16(b[10:]))}
	overflow := uint64(order.Uint32(b[12:]))
	if got := order.Uint64(b); got != id {
		w.problem("page %d says that it is page %d", id, got)
		return page{}, false
	}
	if overflow >= w.pages-id {
		w.problem("page %d runs over the end of the file", id)
		return page{}, false
	}
	for part := id; part <= id+overflow; part++ {
		if !w.claim(part) {
			return page{}, false
		}
	}
	p.content = b[:(overflow+1)*w.pageSize]
	return p, true
}

func (w *walker) claim(id uint64) bool {
	if w.seen[id] {
		w.problem("page %d is used twice", id)
		return false
	}
	w.seen[id] = true
	return true
}

// freelist checks the list of free pages.
func (w *walker) freelist(id uint64) {
	if id == noFreelist {
		w.problem("the file has no list of free pages")
		return
	}
	p, ok := w.page(id)
	if !ok {
		return
	}
	if p.flags != freelistPage {
		w.problem("page %d is not the list of free pages", id)
		return
	}
	list, count := p.content[pageHeader:], uint64(p.count)
	if count == 0xFFFF { // too many for the header: the first entry is the count
		count, list = order.Uint64(list), list[8:]
	}
	if count > uint64(len(list))/8 {
		w.problem("the list of free pages is longer than its page")
		return
	}
	for i := range count {
		if free := order.Uint64(list[i*8:]); free < 2 || free >= w.pages {
			w.problem("the list of free pages names page %d, and pages end at %d", free, w.pages)
		} else {
			w.claim(free)
		}
	}
}

// entry is the header of an entry, or nil if the page ends before it.
func (p page) entry(i int) []byte {
	at := pageHeader + i*entryHeader
	if at+entryHeader > len(p.content) {
		return nil
	}
	return p.content[at:][:entryHeader]
}

// slice returns bytes of an entry: offset and lengths are at the given places
// of its header, and the last length counts behind those before it.
func (p page) slice(i, offsetAt int, lengthsAt ...int) ([]byte, bool) {
	entry := p.entry(i)
	if entry == nil {
		return nil, false
	}
	from := uint64(pageHeader+i*entryHeader) + uint64(order.Uint32(entry[offsetAt:]))
	to := from
	for _, at := range lengthsAt {
		from = to
		to += uint64(order.Uint32(entry[at:]))
	}
	if to > uint64(len(p.content)) || from < uint64(pageHeader+p.count*entryHeader) {
		return nil, false
	}
	return p.content[from:to:to], true
}
