package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"sync"

	"cairn/internal/durable"
)

// Content is the content of one version. It stays readable while it is open,
// also when the version is deleted. Each frame is checked before any of its
// bytes is given out; what does not pass is a *DamageError. It is safe for
// concurrent use of ReadAt; Read and Seek share a position.
type Content struct {
	store  *Store
	object *Object
	parts  []*contentPart

	mu     sync.Mutex // of what follows
	pos    int64
	closed bool
}

// contentPart is one file, or the inline content.
type contentPart struct {
	segment
	offset int64 // of its first byte in the object
	coding *frames
	inline []byte

	mu     sync.Mutex // of what follows
	file   durable.File
	headed bool
	cached int64 // the number of the frame in plain; -1: none
	plain  []byte
	buf    []byte
}

// Open opens a version for reading. The errors are those of Head.
func (s *Store) Open(ctx context.Context, ref Ref) (*Content, error) {
	c, err := s.openContent(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("open %s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return c, nil
}

func (s *Store) openContent(ctx context.Context, ref Ref) (*Content, error) {
	for {
		list, inline, o, err := s.lookup(ctx, ref, true)
		if err != nil {
			return nil, err
		}
		if list == nil {
			return s.newContent(o, []segment{{Size: o.Size}}, inline)
		}
		// A pinned object's files are not removed. It must be there after it
		// was pinned: then its removal, if any, comes later and sees the pin.
		s.pin(o.id)
		_, _, again, err := s.lookup(ctx, o.Ref, false)
		if err == nil && again.id == o.id {
			c, err := s.newContent(o, list, nil)
			if err != nil {
				s.unpin(o.id)
			}
			return c, err
		}
		s.unpin(o.id)
		if err != nil && !errors.Is(err, ErrNoSuchKey) && !errors.Is(err, ErrNoSuchVersion) {
			return nil, err
		}
		// Replaced or deleted just now: look again.
	}
}

func (s *Store) newContent(o *Object, list []segment, inline []byte) (*Content, error) {
	c := &Content{store: s, object: o}
	var offset int64
	for _, g := range list {
		if len(inline) >= headerSize {
			copy(g.File[:], inline[32:]) // inline content has no name but the one in its header
		}
		coding, err := newFrames(o.Bucket, o.Key, o.id, g.File, g.Number, o.Encryption != nil, nil)
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, &contentPart{segment: g, offset: offset, coding: coding, inline: inline, cached: -1})
		offset += g.Size
	}
	if offset != o.Size {
		return nil, &DamageError{File: s.index.path, What: fmt.Sprintf("the files of the object hold %d bytes, and it has %d", offset, o.Size), Ref: o.Ref}
	}
	return c, nil
}

// Object describes the version.
func (c *Content) Object() *Object { return c.object }

// Unlock gives the data key that sealed content needs before it is read. It
// reads and opens the first frame, so ErrWrongKey comes here and not later.
func (c *Content) Unlock(dataKey []byte) error {
	if c.object.Encryption == nil {
		return nil
	}
	if len(dataKey) != dataKeySize {
		return fmt.Errorf("unlock %s/%s with a key of %d bytes: %w", c.object.Bucket, c.object.Key, len(dataKey), ErrWrongKey)
	}
	for i, p := range c.parts {
		coding, err := newFrames(c.object.Bucket, c.object.Key, c.object.id, p.File, p.Number, true, dataKey)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.coding, p.cached = coding, -1
		p.mu.Unlock()
		if i > 0 {
			continue
		}
		if _, err := p.readAt(c, nil, 0); err != nil {
			// The bytes are as they were written: their checksum fits.
			if errors.Is(err, errSeal) {
				return fmt.Errorf("unlock %s/%s: %w", c.object.Bucket, c.object.Key, ErrWrongKey)
			}
			return err
		}
	}
	return nil
}

// ReadAt reads plaintext.
func (c *Content) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s/%s: %w", c.object.Bucket, c.object.Key, fs.ErrInvalid)
	}
	n := 0
	for n < len(p) && off+int64(n) < c.object.Size {
		at := off + int64(n)
		i := sort.Search(len(c.parts), func(i int) bool { return c.parts[i].offset+c.parts[i].Size > at })
		part := c.parts[i]
		m, err := part.readAt(c, p[n:], at-part.offset)
		n += m
		if err != nil {
			return n, fmt.Errorf("read %s/%s: %w", c.object.Bucket, c.object.Key, err)
		}
		if part.offset+part.Size == at+int64(m) && i+1 < len(c.parts) {
			part.closeFile() // one file at a time is enough for who reads in order
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readAt reads from one part what lies in one or more of its frames. With an
// empty p it reads and checks the frame all the same.
func (p *contentPart) readAt(c *Content, dst []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for {
		at := off + int64(n)
		number := at / frameSize
		if err := p.load(c, number); err != nil {
			return n, err
		}
		n += copy(dst[n:], p.plain[at-number*frameSize:])
		if n == len(dst) || off+int64(n) >= p.Size {
			return n, nil
		}
	}
}

// load makes a frame the cached one.
func (p *contentPart) load(c *Content, number int64) error {
	if p.cached == number {
		return nil
	}
	if p.coding.sealed && p.coding.aead == nil {
		return fmt.Errorf("the content is sealed: %w", ErrWrongKey)
	}
	p.cached = -1
	stored, err := p.stored(c, number)
	if err != nil {
		return err
	}
	plain, err := p.coding.open(stored, number, number == frameCount(p.Size)-1)
	if err != nil {
		return p.damage(c, err)
	}
	p.plain, p.cached = plain, number
	return nil
}

// stored reads a frame as it is stored, and the header first.
func (p *contentPart) stored(c *Content, number int64) ([]byte, error) {
	if !p.headed {
		head := make([]byte, headerSize)
		if err := p.read(c, head, 0); err != nil {
			return nil, err
		}
		if err := p.coding.checkHeader(head); err != nil {
			return nil, p.damage(c, err)
		}
		if err := p.checkLength(c); err != nil {
			return nil, err
		}
		p.headed = true
	}
	offset, length := p.coding.at(number, p.Size)
	if cap(p.buf) < length {
		p.buf = make([]byte, length)
	}
	p.buf = p.buf[:length]
	return p.buf, p.read(c, p.buf, offset)
}

func (p *contentPart) checkLength(c *Content) error {
	have := int64(len(p.inline))
	if p.inline == nil {
		var err error
		if have, err = p.file.Size(); err != nil {
			return err
		}
	}
	if want := p.coding.stored(p.Size); have != want {
		return p.damage(c, fmt.Errorf("it has %d bytes instead of %d", have, want))
	}
	return nil
}

func (p *contentPart) read(c *Content, dst []byte, off int64) error {
	if p.inline != nil {
		if off+int64(len(dst)) > int64(len(p.inline)) {
			return p.damage(c, errors.New("it is too short"))
		}
		copy(dst, p.inline[off:])
		return nil
	}
	if p.file == nil {
		c.mu.Lock()
		closed := c.closed
		c.mu.Unlock()
		if closed {
			return fs.ErrClosed
		}
		f, err := c.store.fs.OpenFile(c.store.contentPath(p.Gen, p.File), os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return p.damage(c, errors.New("the file is gone"))
		}
		if err != nil {
			return err
		}
		p.file = f
	}
	n, err := p.file.ReadAt(dst, off)
	if n == len(dst) {
		return nil
	}
	if err == io.EOF {
		return p.damage(c, fmt.Errorf("it ends at byte %d", off+int64(n)))
	}
	return err
}

// damage says that the part is not what was written. A seal that does not fit
// stays recognisable to Unlock.
func (p *contentPart) damage(c *Content, err error) error {
	d := &DamageError{File: c.store.index.path, What: err.Error(), Ref: c.object.Ref}
	if p.inline == nil {
		d.File = c.store.contentPath(p.Gen, p.File)
	}
	if errors.Is(err, errSeal) {
		return fmt.Errorf("%w: %w", d, errSeal)
	}
	if errors.Is(err, ErrWrongKey) {
		return err
	}
	return d
}

func (p *contentPart) closeFile() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}

// Read reads on from where the last Read or Seek ended.
func (c *Content) Read(p []byte) (int, error) {
	c.mu.Lock()
	pos := c.pos
	c.mu.Unlock()
	n, err := c.ReadAt(p, pos)
	c.mu.Lock()
	c.pos = pos + int64(n)
	c.mu.Unlock()
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}

// Seek sets the position of Read.
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += c.pos
	case io.SeekEnd:
		offset += c.object.Size
	}
	if offset < 0 {
		return c.pos, fs.ErrInvalid
	}
	c.pos = offset
	return offset, nil
}

// WriteTo writes everything from the position on.
func (c *Content) WriteTo(w io.Writer) (int64, error) {
	buf := make([]byte, frameSize)
	var total int64
	for {
		n, err := c.Read(buf)
		if n > 0 {
			m, werr := w.Write(buf[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Close gives up the files.
func (c *Content) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	var err error
	for _, p := range c.parts {
		if closeErr := p.closeFile(); err == nil {
			err = closeErr
		}
	}
	if len(c.parts) > 0 && c.parts[0].inline == nil {
		c.store.unpin(c.object.id)
	}
	return err
}

func (s *Store) pin(id objectID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[id]++
}

func (s *Store) unpin(id objectID) {
	s.mu.Lock()
	s.pins[id]--
	free := s.pins[id] == 0
	if free {
		delete(s.pins, id)
	}
	s.mu.Unlock()
	if free {
		s.wakeCollector()
	}
}
