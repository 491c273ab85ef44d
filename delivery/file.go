package delivery

import (
	"fmt"
	"time"

	"cairn"
	"cairn/catalog"
)

// A State says how far a log file has come.
type State string

// The states of log files.
const (
	Staged    State = "staged"    // on disk, and not in the bucket yet
	Delivered State = "delivered" // in the bucket
	Abandoned State = "abandoned" // given up; Error says why
)

// A File is a log file of one trail: a row of the delivery ledger. It says for
// the events of one range of the log, one account and one region what became of
// them.
type File struct {
	Trail   string        `json:"trail"` // the trail's ID
	Account string        `json:"account"`
	Region  string        `json:"region"`
	Kind    cairn.LogKind `json:"kind"`

	Cut    uint64    `json:"cut"` // number of the cut that made it
	N      int       `json:"n"`   // and of the file in it
	Stamp  time.Time `json:"stamp"`
	Unique string    `json:"unique"`
	From   string    `json:"from"` // eventlog.Position of the range, as text
	To     string    `json:"to"`   // up to, but not including

	Events  int       `json:"events"`
	RawSize int64     `json:"rawSize"`       // bytes before compression
	Size    int64     `json:"size"`          // bytes of the object
	Sum     uint32    `json:"sum,omitempty"` // CRC-32C of the object; 0 if it was not noted
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Hash    string    `json:"hash"`   // SHA-256 before compression, in hexadecimal
	Staged  string    `json:"staged"` // name of the staged file

	State     State     `json:"state,omitempty"` // empty means Staged
	Bucket    string    `json:"bucket,omitempty"`
	Key       string    `json:"key,omitempty"`
	Delivered time.Time `json:"delivered,omitzero"`
	Notified  time.Time `json:"notified,omitzero"`
	Digest    string    `json:"digest,omitempty"` // key of the digest that lists it
	Error     string    `json:"error,omitempty"`

	// Again says that a redelivery made the file, of events that no other file
	// of their range has.
	Again bool `json:"again,omitempty"`
}

// state is never empty.
func (f *File) state() State {
	if f.State == "" {
		return Staged
	}
	return f.State
}

// key orders a trail's files by the time that they were made.
func (f *File) key() string {
	return catalog.Key(f.Trail, fmt.Sprintf("%016x", f.Stamp.Unix()), fmt.Sprintf("%016x-%04x", f.Cut, f.N))
}

// lane names the digest chain that the file belongs to.
func (f *File) lane() laneKey { return laneKey{f.Trail, f.Account, f.Region} }
