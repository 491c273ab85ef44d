package verify

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// A Source is where the files lie.
type Source interface {
	// Name says what the source is, for people.
	Name() string

	// Bucket is the name of the bucket; empty if it is not known.
	Bucket() string

	// Folders returns the folders directly below folder, which ends with a slash
	// unless it is empty; so do those returned. They are in the order of keys.
	Folders(ctx context.Context, folder string) ([]string, error)

	// List gives the objects whose keys begin with prefix. Those up to the key
	// after may be left out.
	List(ctx context.Context, prefix, after string) iter.Seq2[Entry, error]

	// Get opens an object. One that is not there is an ErrNotFound.
	Get(ctx context.Context, bucket, key string) (*Object, error)
}

// An Entry is an object of a listing.
type Entry struct {
	Key      string
	Size     int64
	Modified time.Time // zero if not known
}

// An Object is an open object. Body must be closed.
type Object struct {
	Body     io.ReadCloser
	Metadata map[string]string // names in lower case; nil if the source does not know any
}

// ErrNotFound tells that there is no object under a key.
var ErrNotFound = errors.New("there is no such object")

// ErrOtherBucket tells that an object lies in a bucket that the source is not
// of.
var ErrOtherBucket = errors.New("it lies in another bucket, which is not at hand")
