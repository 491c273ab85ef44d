package logfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxRecordBytes is the longest record that a file may hold. CloudTrail's own
// limit is 1 MiB; anything longer is reported and skipped without being kept
// in memory.
const MaxRecordBytes = 4 << 20

// ErrNotEvents says that a file is readable but holds something other than
// CloudTrail records.
var ErrNotEvents = errors.New("not an event log")

// A SyntaxError is a place behind which a file cannot be split into
// records any more.
type SyntaxError struct {
	Offset int64
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// A Record is one record of a file.
type Record struct {
	Raw    []byte // valid until the next call
	Index  int64  // 0 for the first record
	Offset int64  // where the record begins in the unpacked file
	Err    error  // why Raw could not be read out; Raw is then what stands there
}

// splitContext is what surrounds the next record.
type splitContext uint8

const (
	atTop     splitContext = iota // between top-level values
	inArray                       // within a bare array or "Records"
	inEvents                      // within "Events", the output of LookupEvents
	afterLast                     // behind the array of a wrapper object
)

// A Splitter finds the records in a file of any layout that CloudTrail files
// come in: {"Records":[…]}, a bare array, one record, one record a line,
// {"Events":[{"CloudTrailEvent":"…"}]}, and several of these behind each other.
// It only finds where records begin and end and hands on their bytes
// unchanged; whether a record is well-formed is for the event log to say.
// It holds one record in memory, never the file.
type Splitter struct {
	r   *bufio.Reader
	off int64 // bytes consumed

	// lines says that a top-level value ends at the end of its line, so that a
	// broken one does not swallow its neighbours.
	lines bool

	ctx     splitContext
	wrapped bool  // the current array is a member of an object
	element int64 // elements seen in the current array
	values  int64 // top-level values seen
	index   int64 // records handed out

	buf     []byte
	tooLong bool
	record  []byte // an unescaped CloudTrailEvent
}

// NewSplitter returns a Splitter that reads from r. With lines, each line is taken as one value from
// the start; otherwise the file's first two values decide.
func NewSplitter(r io.Reader, lines bool) *Splitter {
	return &Splitter{r: bufio.NewReaderSize(r, 64<<10), lines: lines}
}

// Next returns the next record, or io.EOF behind the last one. After any
// error the file is finished.
func (s *Splitter) Next() (Record, error) {
	for {
		c, err := s.skipSpace()
		switch {
		case err == io.EOF && s.ctx == atTop:
			if s.values == 0 {
				return Record{}, ErrNotEvents
			}
			return Record{}, io.EOF
		case err == io.EOF:
			return Record{}, s.syntaxError("the file ends in the middle")
		case err != nil:
			return Record{}, err
		}
		var rec Record
		var found bool
		switch s.ctx {
		case atTop:
			rec, found, err = s.topLevel(c)
		case afterLast:
			err = s.restOfWrapper(c)
		default:
			rec, found, err = s.arrayElement(c)
		}
		if err != nil {
			return Record{}, err
		}
		if found {
			rec.Index = s.index
			s.index++
			return rec, nil
		}
	}
}

// Offset returns how many bytes of the unpacked file have been read: after an
// error, where it was met.
func (s *Splitter) Offset() int64 { return s.off }

// topLevel reads one value that stands alone, or enters the array that holds
// the records.
func (s *Splitter) topLevel(c byte) (Record, bool, error) {
	start := s.off
	s.values++
	switch c {
	case '{':
		return s.topLevelObject(start)
	case '[':
		if s.lines && s.values > 1 {
			break
		}
		s.consume()
		s.ctx, s.wrapped, s.element = inArray, false, 0
		return Record{}, false, nil
	}
	if !s.lines {
		if s.values == 1 {
			return Record{}, false, ErrNotEvents
		}
		return Record{}, false, s.syntaxError("something other than a record follows the last one")
	}
	s.buf, s.tooLong = s.buf[:0], false
	if err := s.restOfLine(); err != nil {
		return Record{}, false, err
	}
	return s.take(start), true, nil
}

// topLevelObject reads an object that is a record, or enters the array of one
// that wraps records.
func (s *Splitter) topLevelObject(start int64) (Record, bool, error) {
	s.buf, s.tooLong = s.buf[:0], false
	var isEvent bool
	s.keep('{')
	s.consume()
	for {
		c, err := s.skipSpaceKeeping()
		if err == errLineEnds || err == nil && c != '"' && c != ',' && c != '}' {
			return s.broken(start)
		}
		if err != nil {
			return Record{}, false, s.inside(err, start)
		}
		if c == '}' {
			s.keep(c)
			s.consume()
			break
		}
		if c == ',' {
			s.keep(c)
			s.consume()
			continue
		}
		keyStart := len(s.buf)
		if err := s.value(); err != nil {
			if err == errLineEnds {
				return s.broken(start)
			}
			return Record{}, false, s.inside(err, start)
		}
		key := ""
		if !s.tooLong {
			key = string(bytes.Trim(s.buf[keyStart:], `"`))
		}
		c, err = s.skipSpaceKeeping()
		if err == nil && c == ':' {
			s.keep(c)
			s.consume()
			c, err = s.skipSpaceKeeping()
		} else if err == nil {
			err = errLineEnds
		}
		if err == nil && c == '[' && (key == "Records" || key == "Events") {
			s.consume()
			s.ctx, s.wrapped, s.element = inArray, true, 0
			if key == "Events" {
				s.ctx = inEvents
			}
			return Record{}, false, nil
		}
		switch key {
		case "eventVersion", "eventTime", "eventName", "eventSource", "eventID":
			isEvent = true
		}
		if err == nil {
			err = s.value()
		}
		if err == errLineEnds {
			return s.broken(start)
		}
		if err != nil {
			return Record{}, false, s.inside(err, start)
		}
	}
	if s.values == 1 && !s.lines {
		if !isEvent {
			return Record{}, false, ErrNotEvents
		}
		s.lines = s.anotherLineFollows()
	}
	return s.take(start), true, nil
}

// broken hands out a top-level value that is not one, when lines tell where
// it ends, and gives up otherwise.
func (s *Splitter) broken(start int64) (Record, bool, error) {
	if !s.lines {
		if s.values == 1 && s.index == 0 {
			return Record{}, false, fmt.Errorf("%w: byte %d: not JSON", ErrNotEvents, s.off)
		}
		return Record{}, false, s.syntaxError("not JSON")
	}
	if err := s.restOfLine(); err != nil {
		return Record{}, false, err
	}
	return s.take(start), true, nil
}

// anotherLineFollows says whether the first record of a file was a line of its
// own with more lines behind it.
func (s *Splitter) anotherLineFollows() bool {
	if bytes.IndexByte(s.buf, '\n') >= 0 {
		return false
	}
	ahead, _ := s.r.Peek(2)
	return len(ahead) > 0 && ahead[0] == '\n' || len(ahead) > 1 && ahead[0] == '\r' && ahead[1] == '\n'
}

// arrayElement reads one element of the current array, or leaves the array.
func (s *Splitter) arrayElement(c byte) (Record, bool, error) {
	switch {
	case c == ']':
		s.consume()
		s.ctx = atTop
		if s.wrapped {
			s.ctx = afterLast
		}
		return Record{}, false, nil
	case c == ',' && s.element > 0:
		s.consume()
		return Record{}, false, nil
	case c == ',' || c == '}' || c == ':':
		return Record{}, false, s.syntaxError(fmt.Sprintf("%q where a record should begin", c))
	case c != '{' && s.element == 0 && s.index == 0:
		return Record{}, false, ErrNotEvents
	}
	start := s.off
	s.element++
	s.buf, s.tooLong = s.buf[:0], false
	lines := s.lines
	s.lines = false // an array may be spread over many lines
	err := s.value()
	s.lines = lines
	if err != nil {
		return Record{}, false, s.inside(err, start)
	}
	rec := s.take(start)
	if s.ctx == inEvents && rec.Err == nil {
		s.unwrapLookupEvent(&rec)
	}
	return rec, true, nil
}

// restOfWrapper skips what stands behind the array of a wrapper object.
func (s *Splitter) restOfWrapper(c byte) error {
	switch c {
	case '}':
		s.consume()
		s.ctx = atTop
		return nil
	case ',', ':':
		s.consume()
		return nil
	case ']':
		return s.syntaxError("']' without '['")
	}
	s.buf, s.tooLong = s.buf[:0], true // nothing of it is kept
	start := s.off
	lines := s.lines
	s.lines = false
	err := s.value()
	s.lines = lines
	if err != nil {
		return s.inside(err, start)
	}
	return nil
}

// unwrapLookupEvent puts the record that LookupEvents gave as a JSON string in
// the place of the object around it.
func (s *Splitter) unwrapLookupEvent(rec *Record) {
	fail := func(err error) {
		rec.Err = fmt.Errorf("read CloudTrailEvent: %w", err)
	}
	d := jsontext.NewDecoder(bytes.NewReader(rec.Raw))
	if _, err := d.ReadToken(); err != nil {
		fail(err)
		return
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			fail(err)
			return
		}
		if name.String() != "CloudTrailEvent" {
			if err := d.SkipValue(); err != nil {
				fail(err)
				return
			}
			continue
		}
		v, err := d.ReadValue()
		if err == nil && v.Kind() != '"' {
			err = errors.New("it is not a string")
		}
		if err == nil {
			s.record, err = jsontext.AppendUnquote(s.record[:0], v)
		}
		if err != nil {
			fail(err)
			return
		}
		rec.Raw = s.record
		return
	}
	fail(errors.New("there is none"))
}

// take hands out what was kept since start.
func (s *Splitter) take(start int64) Record {
	rec := Record{Raw: bytes.TrimRight(s.buf, " \t\r\n"), Offset: start}
	if s.tooLong {
		rec.Raw = s.buf[:0]
		rec.Err = fmt.Errorf("the record is %d bytes long; the limit is %d", s.off-start, MaxRecordBytes)
	}
	return rec
}

// errLineEnds says that a line ended inside a value.
var errLineEnds = errors.New("the line ends inside a record")

// value reads one JSON value by its brackets and strings alone and keeps its
// bytes.
func (s *Splitter) value() error {
	depth := 0
	for {
		if depth > 0 {
			s.keepUntil(&endsRun)
		}
		c, err := s.peek()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		switch c {
		case '"':
			if err := s.stringValue(); err != nil {
				return err
			}
			if depth == 0 {
				return nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return nil // the end of what surrounds a literal
			}
			depth--
			if depth == 0 {
				s.keep(c)
				s.consume()
				return nil
			}
		case ',', ' ', '\t', '\r', '\n':
			if c == '\n' && s.lines {
				return errLineEnds
			}
			if depth == 0 {
				return nil
			}
		}
		s.keep(c)
		s.consume()
	}
}

// stringValue reads one JSON string and keeps its bytes.
func (s *Splitter) stringValue() error {
	s.keep('"')
	s.consume()
	for {
		s.keepUntil(&endsStringRun)
		c, err := s.peek()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if c == '\n' && s.lines {
			return errLineEnds
		}
		s.keep(c)
		s.consume()
		switch c {
		case '"':
			return nil
		case '\\':
			c, err := s.peek()
			if err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
			if c == '\n' && s.lines {
				return errLineEnds
			}
			s.keep(c)
			s.consume()
		}
	}
}

// The bytes that a run of uninteresting ones ends at, within a value and
// within a string.
var (
	endsRun       = byteSet("\"{}[]\n")
	endsStringRun = byteSet("\"\\\n")
)

func byteSet(members string) (set [256]bool) {
	for i := range len(members) {
		set[members[i]] = true
	}
	return set
}

// keepUntil keeps the bytes at hand up to the first one of the set. It is what
// makes splitting fast; nothing else relies on it.
func (s *Splitter) keepUntil(set *[256]bool) {
	b, _ := s.r.Peek(s.r.Buffered())
	n := 0
	for n < len(b) && !set[b[n]] {
		n++
	}
	if !s.tooLong {
		if len(s.buf)+n > MaxRecordBytes {
			s.buf, s.tooLong = s.buf[:0], true
		} else {
			s.buf = append(s.buf, b[:n]...)
		}
	}
	_, _ = s.r.Discard(n)
	s.off += int64(n)
}

// restOfLine keeps everything up to the end of the line.
func (s *Splitter) restOfLine() error {
	for {
		c, err := s.peek()
		if err == io.EOF || err == nil && c == '\n' {
			return nil
		}
		if err != nil {
			return err
		}
		s.keep(c)
		s.consume()
	}
}

// skipSpace returns the next byte that is not white space, without consuming
// it. A byte order mark at the very beginning counts as white space.
func (s *Splitter) skipSpace() (byte, error) {
	if s.off == 0 {
		if b, _ := s.r.Peek(3); bytes.Equal(b, []byte("\xef\xbb\xbf")) {
			_, _ = s.r.Discard(3)
			s.off = 3
		}
	}
	for {
		c, err := s.peek()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
		s.consume()
	}
}

// skipSpaceKeeping is skipSpace within a value whose bytes are kept.
func (s *Splitter) skipSpaceKeeping() (byte, error) {
	for {
		c, err := s.peek()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err == nil && c == '\n' && s.lines {
			return c, errLineEnds
		}
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
		s.keep(c)
		s.consume()
	}
}

func (s *Splitter) peek() (byte, error) {
	b, err := s.r.Peek(1)
	if len(b) == 0 {
		return 0, err
	}
	return b[0], nil
}

func (s *Splitter) consume() {
	_, _ = s.r.Discard(1)
	s.off++
}

// keep adds a byte to the current record. A record that grows too long is
// dropped, and the rest of it only skipped.
func (s *Splitter) keep(c byte) {
	switch {
	case s.tooLong:
	case len(s.buf) >= MaxRecordBytes:
		s.buf, s.tooLong = s.buf[:0], true
	default:
		s.buf = append(s.buf, c)
	}
}

// inside says where a value could not be read to its end.
func (s *Splitter) inside(err error, start int64) error {
	if err == io.ErrUnexpectedEOF {
		return &SyntaxError{Offset: s.off, What: fmt.Sprintf("the file ends inside the value that begins at byte %d", start)}
	}
	return err
}

func (s *Splitter) syntaxError(what string) error {
	return &SyntaxError{Offset: s.off, What: what}
}
