package objectstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
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
//	table value   root page 8 (0: a page follows in the value), sequence 8
const (
	pageHeader  = 16
	entryHeader = 16
	tableHeader = 16
	metaBytes   = 64

	branchPage = 0x01
	leafPage   = 0x02
	metaPage   = 0x04
	tableEntry = 0x01
	maxDepth   = 64
)

var order = binary.NativeEndian

// pages reads a bbolt file without trusting it. bbolt itself follows page
// numbers and lengths wherever they lead; here each one is checked, and no
// page is visited twice. The first fault ends the walk.
type pages struct {
	file  []byte
	size  uint64 // of a page
	count uint64 // in use, from the meta page
	seen  []bool
	row   func(table string, key, value []byte)
}

func (p *pages) walk() error {
	root, err := p.meta()
	if err != nil {
		return err
	}
	if have := uint64(len(p.file)) / p.size; p.count < 3 || p.count > have {
		return fmt.Errorf("it should have %d pages, and has %d", p.count, have)
	}
	p.seen = make([]bool, p.count)
	p.seen[0], p.seen[1] = true, true
	return p.tree(root, 0, nil, nil, func(flags uint32, name, value []byte) error {
		if flags != tableEntry || len(value) < tableHeader {
			return fmt.Errorf("entry %q is not a table", name)
		}
		row := func(flags uint32, key, value []byte) error {
			if flags != 0 {
				return fmt.Errorf("table %s, row %q: unknown flags %#x", name, key, flags)
			}
			p.row(string(name), key, value)
			return nil
		}
		if root := order.Uint64(value); root != 0 {
			return p.tree(root, 0, nil, nil, row)
		}
		inline := value[tableHeader:]
		if len(inline) < pageHeader || order.Uint16(inline[8:]) != leafPage {
			return fmt.Errorf("the page within the entry of table %s is not a leaf", name)
		}
		return p.leaf(inline, nil, nil, row)
	})
}

// meta picks the meta page of the newest transaction, as bbolt does.
func (p *pages) meta() (root uint64, err error) {
	p.size = 4096
	found := false
	var newest uint64
	for n := range uint64(2) {
		if uint64(len(p.file)) < n*p.size+pageHeader+metaBytes {
			break
		}
		head, b := p.file[n*p.size:], p.file[n*p.size+pageHeader:][:metaBytes]
		sum := fnv.New64a()
		sum.Write(b[:56])
		if order.Uint16(head[8:])&metaPage == 0 || order.Uint32(b) != 0xED0CDAED || order.Uint32(b[4:]) != 2 ||
			uint64(order.Uint32(b[8:])) != p.size || order.Uint64(b[56:]) != sum.Sum64() {
			continue
		}
		if tx := order.Uint64(b[48:]); !found || tx > newest {
			found, newest = true, tx
			root, p.count = order.Uint64(b[16:]), order.Uint64(b[40:])
		}
	}
	if !found {
		return 0, fmt.Errorf("no meta page is valid")
	}
	return root, nil
}

// tree walks the tree below a page, whose keys must lie in [low, high).
func (p *pages) tree(id uint64, depth int, low, high []byte, row func(flags uint32, key, value []byte) error) error {
	page, err := p.page(id)
	if err != nil {
		return err
	}
	if order.Uint16(page[8:]) == leafPage {
		return p.leaf(page, low, high, row)
	}
	count := int(order.Uint16(page[10:]))
	if order.Uint16(page[8:]) != branchPage || depth > maxDepth || count == 0 {
		return fmt.Errorf("page %d is not a branch", id)
	}
	next, ok := entryBytes(page, count, 0, 0, 4)
	for i := range count {
		key := next
		limit := high
		if ok && i+1 < count {
			next, ok = entryBytes(page, count, i+1, 0, 4)
			limit = next
		}
		if !ok || low != nil && bytes.Compare(key, low) < 0 || limit != nil && bytes.Compare(key, limit) >= 0 {
			return fmt.Errorf("the keys of page %d are out of order at entry %d", id, i)
		}
		child := order.Uint64(page[pageHeader+i*entryHeader+8:])
		if err := p.tree(child, depth+1, key, limit, row); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) leaf(page, low, high []byte, row func(flags uint32, key, value []byte) error) error {
	count := int(order.Uint16(page[10:]))
	var last []byte
	for i := range count {
		key, ok := entryBytes(page, count, i, 4, 8)
		value, okValue := entryBytes(page, count, i, 4, 8, 12)
		if !ok || !okValue {
			return fmt.Errorf("entry %d of page %d points out of it", i, order.Uint64(page))
		}
		if low != nil && bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 || i > 0 && bytes.Compare(key, last) <= 0 {
			return fmt.Errorf("the keys of page %d are out of order at entry %d", order.Uint64(page), i)
		}
		last = key
		if err := row(order.Uint32(page[pageHeader+i*entryHeader:]), key, value); err != nil {
			return err
		}
	}
	return nil
}

// page checks the header of a page, and that nothing else uses its bytes.
func (p *pages) page(id uint64) ([]byte, error) {
	if id < 2 || id >= p.count {
		return nil, fmt.Errorf("page %d is referred to, and pages end at %d", id, p.count)
	}
	b := p.file[id*p.size:]
	overflow := uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || overflow >= p.count-id {
		return nil, fmt.Errorf("the header of page %d makes no sense", id)
	}
	for part := id; part <= id+overflow; part++ {
		if p.seen[part] {
			return nil, fmt.Errorf("page %d is used twice", part)
		}
		p.seen[part] = true
	}
	return b[:(overflow+1)*p.size], nil
}

// entryBytes returns bytes of an entry: offset and lengths are at the given
// places of its header, and the last length counts behind those before it.
func entryBytes(page []byte, count, i, offsetAt int, lengthsAt ...int) ([]byte, bool) {
	at := pageHeader + i*entryHeader
	if at+entryHeader > len(page) {
		return nil, false
	}
	entry := page[at:][:entryHeader]
	from := uint64(at) + uint64(order.Uint32(entry[offsetAt:]))
	to := from
	for _, at := range lengthsAt {
		from = to
		to += uint64(order.Uint32(entry[at:]))
	}
	if to > uint64(len(page)) || from < uint64(pageHeader+count*entryHeader) {
		return nil, false
	}
	return page[from:to:to], true
}
