package eventlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A seal says what a sealed segment holds and where it stands in the log's
// tree. It is a signed note whose first three lines are a checkpoint as
// transparency logs publish them. It outlives its segment.
type seal struct {
	tree     treeRange // over everything up to the segment's end
	segment  treeRange // over the segment
	frames   [sha256.Size]byte
	index    [sha256.Size]byte // of the .idx file
	format   [sha256.Size]byte // of the format file, whose seed the index keys have
	lost     []seqRange        // records that were lost before the segment was sealed
	minTime  int64
	maxTime  int64
	previous [sha256.Size]byte // of the seal before; zero for the first
}

func (s *seal) text(origin string) string {
	var b strings.Builder
	root := s.tree.root()
	fmt.Fprintf(&b, "%s\n%d\n%s\n", origin, s.tree.end, base64.StdEncoding.EncodeToString(root[:]))
	fmt.Fprintf(&b, "segment %d %d\n", s.segment.start, s.segment.end-s.segment.start)
	writeHashes(&b, "subtree", s.segment.nodes)
	writeHashes(&b, "tree", s.tree.nodes)
	fmt.Fprintf(&b, "frames %x\nindex %x\nformat %x\n", s.frames, s.index, s.format)
	fmt.Fprintf(&b, "times %d %d\n", s.minTime, s.maxTime)
	for _, r := range s.lost {
		fmt.Fprintf(&b, "lost %d %d\n", r.first, r.last)
	}
	fmt.Fprintf(&b, "previous %x\n", s.previous)
	return b.String()
}

func writeHashes(b *strings.Builder, name string, hashes []tlog.Hash) {
	b.WriteString(name)
	for _, h := range hashes {
		b.WriteByte(' ')
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
}

func (s *seal) sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: s.text(signer.Name())}, signer)
}

var errSealText = errors.New("the seal's text is malformed")

// parseSeal checks the signature of a seal and reads it.
func parseSeal(b []byte, verifiers note.Verifiers) (*seal, error) {
	n, err := openNote(b, verifiers)
	if err != nil {
		return nil, fmt.Errorf("verify the seal's signature: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if len(lines) < 3 {
		return nil, errSealText
	}
	s := &seal{}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return nil, errSealText
	}
	s.tree.end = size
	for _, line := range lines[3:] {
		name, value, _ := strings.Cut(line, " ")
		switch name {
		case "segment":
			var count uint64
			_, err = fmt.Sscanf(value, "%d %d", &s.segment.start, &count)
			s.segment.end = s.segment.start + count
		case "subtree":
			s.segment.nodes, err = parseHashes(value)
		case "tree":
			s.tree.nodes, err = parseHashes(value)
		case "frames":
			err = parseHex(s.frames[:], value)
		case "index":
			err = parseHex(s.index[:], value)
		case "format":
			err = parseHex(s.format[:], value)
		case "previous":
			err = parseHex(s.previous[:], value)
		case "times":
			_, err = fmt.Sscanf(value, "%d %d", &s.minTime, &s.maxTime)
		case "lost":
			var r seqRange
			_, err = fmt.Sscanf(value, "%d %d", &r.first, &r.last)
			s.lost = append(s.lost, r)
		default:
			err = errSealText
		}
		if err != nil {
			return nil, errSealText
		}
	}
	// A seal is written one way only, so the text says nothing twice or
	// against itself.
	if len(rangeLevels(0, s.tree.end)) != len(s.tree.nodes) ||
		len(rangeLevels(s.segment.start, s.segment.end)) != len(s.segment.nodes) ||
		s.text(lines[0]) != n.Text {
		return nil, errSealText
	}
	return s, nil
}

// openNote checks a note that has one signature and is written the one way that
// note.Sign writes it. Base64 as note.Open takes it leaves bits that no
// signature covers.
func openNote(b []byte, verifiers note.Verifiers) (*note.Note, error) {
	n, err := note.Open(b, verifiers)
	if err != nil {
		return nil, err
	}
	if len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0 {
		sig := n.Sigs[0]
		_, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
		if err == nil && string(b) == n.Text+"\n\u2014 "+sig.Name+" "+sig.Base64+"\n" {
			return n, nil
		}
	}
	return nil, errors.New("the signature line is malformed")
}

func parseHashes(s string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, f := range strings.Fields(s) {
		b, err := base64.StdEncoding.DecodeString(f)
		if err != nil || len(b) != sha256.Size {
			return nil, errSealText
		}
		hashes = append(hashes, tlog.Hash(b))
	}
	return hashes, nil
}

func parseHex(dst []byte, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return errSealText
	}
	copy(dst, b)
	return nil
}

// A retirement is the signed note that retention leaves in place of a segment.
type retirement struct {
	base, count      uint64
	minTime, maxTime int64
	at               time.Time
}

func (r *retirement) sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: r.text(signer.Name())}, signer)
}

func (r *retirement) text(origin string) string {
	return fmt.Sprintf("%s\nretired %d %d\ntimes %d %d\nat %s\n", origin, r.base, r.count, r.minTime, r.maxTime, r.at.UTC().Format(time.RFC3339))
}

// of reports whether the note speaks of the segment that a seal names, and of a
// time when its events were all in the past.
func (r *retirement) of(s *seal) bool {
	return r.base == s.segment.start && r.count == s.segment.end-s.segment.start &&
		r.minTime == s.minTime && r.maxTime == s.maxTime && r.at.Unix() > r.maxTime
}

// parseRetired checks the signature of a note of retention and reads it.
func parseRetired(b []byte, verifiers note.Verifiers) (*retirement, error) {
	n, err := openNote(b, verifiers)
	if err != nil {
		return nil, fmt.Errorf("verify the note of retention: %w", err)
	}
	origin, rest, _ := strings.Cut(n.Text, "\n")
	r := &retirement{}
	var at string
	_, err = fmt.Sscanf(rest, "retired %d %d\ntimes %d %d\nat %s\n", &r.base, &r.count, &r.minTime, &r.maxTime, &at)
	if err == nil {
		r.at, err = time.Parse(time.RFC3339, at)
	}
	if err != nil || r.text(origin) != n.Text {
		return nil, errors.New("the note of retention is malformed")
	}
	return r, nil
}
