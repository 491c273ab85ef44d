package server

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"cairn"
	"cairn/eventlog"
)

// The bodies and answers of the local API; docs/api.md describes them.

// ImportFile names a file to import.
type ImportFile struct {
	SHA256 string `json:"sha256"` // lower-case hex, of the file as it is stored
	Name   string `json:"name"`
	Size   int64  `json:"size"`
}

// ImportCounts says what became of records.
type ImportCounts struct {
	Stored      int64 `json:"stored"`
	Double      int64 `json:"double"`      // the same record was there already
	Expired     int64 `json:"expired"`     // older than the retention, not kept
	Quarantined int64 `json:"quarantined"` // not a well-formed record
}

// Add adds d to c.
func (c *ImportCounts) Add(d ImportCounts) {
	c.Stored += d.Stored
	c.Double += d.Double
	c.Expired += d.Expired
	c.Quarantined += d.Quarantined
}

// ImportState is how far a file has been imported.
type ImportState struct {
	Finished bool         `json:"finished"`
	Done     int64        `json:"done"` // records of the file that need not be sent again
	Counts   ImportCounts `json:"counts"`
}

// ImportResult says what became of one batch of records.
type ImportResult struct {
	Counts      ImportCounts        `json:"counts"`
	Quarantined []QuarantinedRecord `json:"quarantined,omitempty"`
	State       ImportState         `json:"state"`
}

// QuarantinedRecord is a record that was quarantined.
type QuarantinedRecord struct {
	Index  int64  `json:"index"` // in the file
	Reason string `json:"reason"`
}

// LookupRequest is a query. Attributes and categories go by their names.
type LookupRequest struct {
	Account     string         `json:"account,omitempty"`
	Region      string         `json:"region,omitempty"`
	Category    string         `json:"category,omitempty"`
	Filters     []LookupFilter `json:"filters,omitempty"`
	ErrorOnly   bool           `json:"errorOnly,omitempty"` // only calls that failed
	Since       *time.Time     `json:"since,omitempty"`
	Until       *time.Time     `json:"until,omitempty"`
	OldestFirst bool           `json:"oldestFirst,omitempty"`
	Limit       int            `json:"limit,omitempty"` // 0: all
	After       string         `json:"after,omitempty"` // Cursor of an earlier answer
}

// LookupFilter is a condition on one attribute.
type LookupFilter struct {
	Attribute string   `json:"attribute"`
	Values    []string `json:"values"`
	Prefix    bool     `json:"prefix,omitempty"`
	Not       bool     `json:"not,omitempty"`
}

// TailRequest asks for events in the order of their arrival.
type TailRequest struct {
	LookupRequest

	// From is a position, "start" or "end".
	From   string `json:"from"`
	Follow bool   `json:"follow,omitempty"`
}

// ValuesRequest asks for the values of an attribute.
type ValuesRequest struct {
	Account   string `json:"account,omitempty"`
	Region    string `json:"region,omitempty"`
	Category  string `json:"category,omitempty"`
	Attribute string `json:"attribute"`
	Prefix    string `json:"prefix,omitempty"`
	Limit     int    `json:"limit,omitempty"` // 100 if 0
}

// HistogramRequest asks for the number of hits over time.
type HistogramRequest struct {
	LookupRequest
	StepSeconds int64 `json:"stepSeconds"`
}

// Status describes a data directory.
type Status struct {
	Version        string    `json:"version"`
	Store          string    `json:"store"`
	Data           string    `json:"data"`
	Running        bool      `json:"running"` // a server listens on the directory
	URL            string    `json:"url,omitempty"`
	Started        time.Time `json:"started,omitzero"` // of the server, if one runs
	AccountID      string    `json:"accountId"`
	Region         string    `json:"region"`
	Regions        []string  `json:"regions"`
	Retention      string    `json:"retention"` // as --retention reads it; "0" is for ever
	Events         uint64    `json:"events"`
	Segments       int       `json:"segments"`
	SealedSegments int       `json:"sealedSegments"`
	DiskBytes      int64     `json:"diskBytes"`   // of all files, those of the embedded S3 included
	ObjectBytes    int64     `json:"objectBytes"` // of the embedded S3 alone
	RawBytes       int64     `json:"rawBytes"`
	FreeBytes      uint64    `json:"freeBytes"`
	Quarantined    *uint64   `json:"quarantined,omitempty"` // since a server started that runs
	End            string    `json:"end"`
	HeadSize       uint64    `json:"headSize"`
	HeadRoot       string    `json:"headRoot"`
	Problem        string    `json:"problem,omitempty"` // why events cannot be written

	Gateway *GatewayStatus `json:"gateway,omitempty"`
}

// apiError is the body of an answer that is not a success.
type apiError struct {
	Error string `json:"error"`
}

// query translates r into the event log's terms.
func (r *LookupRequest) query() (eventlog.Query, error) {
	scope, err := scopeOf(r.Account, r.Region, r.Category)
	if err != nil {
		return eventlog.Query{}, err
	}
	q := eventlog.Query{Scope: scope, OldestFirst: r.OldestFirst}
	for _, f := range r.Filters {
		a, ok := cairn.ParseAttribute(f.Attribute)
		if !ok {
			return q, fmt.Errorf("attribute %q is not known", f.Attribute)
		}
		if len(f.Values) == 0 {
			return q, fmt.Errorf("the filter on %s has no values", f.Attribute)
		}
		q.Filters = append(q.Filters, eventlog.Filter{Attribute: a, Values: f.Values, Prefix: f.Prefix, Not: f.Not})
	}
	if r.Since != nil {
		q.Since = *r.Since
	}
	if r.Until != nil {
		if r.Until.IsZero() { // which means unbounded in a query
			return q, errors.New("until is before every event")
		}
		q.Until = *r.Until
	}
	if r.Since != nil && r.Until != nil && r.Since.After(*r.Until) {
		return q, errors.New("the time range ends before it begins")
	}
	if r.Limit < 0 {
		return q, fmt.Errorf("limit %d is negative", r.Limit)
	}
	q.After, err = parseCursor(r.After)
	return q, err
}

func scopeOf(account, region, category string) (eventlog.Scope, error) {
	s := eventlog.Scope{Account: account, Region: region}
	if category != "" {
		c, ok := cairn.ParseCategory(category)
		if !ok {
			return s, fmt.Errorf("category %q is not known", category)
		}
		s.Category = c
	}
	return s, nil
}

// cursorText writes a cursor as text.
func cursorText(c eventlog.Cursor) string {
	return fmt.Sprintf("%d-%d", c.Time, c.Seq)
}

// parseCursor reads what cursorText wrote; "" is the zero cursor.
func parseCursor(s string) (c eventlog.Cursor, err error) {
	if s == "" {
		return c, nil
	}
	if _, err := fmt.Sscanf(s, "%d-%d", &c.Time, &c.Seq); err != nil || cursorText(c) != s {
		return eventlog.Cursor{}, fmt.Errorf("cursor %q is not one that was given out", s)
	}
	return c, nil
}

// frameHead is what a frame of an event stream says beside a record's bytes.
type frameHead struct {
	Type     string    `json:"type"` // event, damage, beat, end, error
	Seq      uint64    `json:"seq,omitempty"`
	Arrival  time.Time `json:"arrival,omitzero"`
	Origin   uint8     `json:"origin,omitempty"`
	Flags    uint8     `json:"flags,omitempty"`
	Text     string    `json:"text,omitempty"`     // damage, error
	Next     string    `json:"next,omitempty"`     // end of a lookup: the cursor, if there is more
	Position string    `json:"position,omitempty"` // end and beat of a tail: where it stands

	Resources []cairn.Resource `json:"-"` // event: what was extracted, for lines of JSON
}

const (
	eventStreamType = "application/x-cairn-events"
	maxFrameHead    = 64 << 10
	maxFrameRaw     = eventlog.MaxBatchBytes
)

// writeFrame writes the head's length (4 bytes, big-endian), the head as JSON,
// the record's length (4 bytes) and the record, untouched.
func writeFrame(w io.Writer, h frameHead, raw []byte) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	b := make([]byte, 0, 8+len(head)+len(raw))
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)))
	b = append(b, head...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(raw)))
	b = append(b, raw...)
	_, err = w.Write(b)
	return err
}

// readFrame reads what writeFrame wrote. A stream that ends before its end
// frame is io.ErrUnexpectedEOF.
func readFrame(r io.Reader) (frameHead, []byte, error) {
	head, err := readSized(r, maxFrameHead)
	if err != nil {
		return frameHead{}, nil, err
	}
	var h frameHead
	if err := json.Unmarshal(head, &h); err != nil {
		return frameHead{}, nil, fmt.Errorf("read event stream: %w", err)
	}
	raw, err := readSized(r, maxFrameRaw)
	return h, raw, err
}

// readSized reads a length of 4 bytes, big-endian, and so many bytes.
func readSized(r io.Reader, limit int) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if int64(n) > int64(limit) {
		return nil, fmt.Errorf("a frame of %d bytes is longer than %d", n, limit)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}
