package gateway

import (
	"context"

	"cairn/eventlog"
)

// Log is where records go: *eventlog.Log.
type Log interface {
	// Writable returns an error if Append would refuse a batch now.
	Writable() error

	// Append adds a batch, which is durable once it returns.
	Append(ctx context.Context, b eventlog.Batch) ([]eventlog.Result, error)

	// Lookup returns a page of events. It sees every record whose Append has
	// returned.
	Lookup(ctx context.Context, q eventlog.Query) (*eventlog.Page, error)
}

var _ Log = (*eventlog.Log)(nil)
