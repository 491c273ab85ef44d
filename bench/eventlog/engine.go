package main

import (
	"context"
	"fmt"
	"time"

	"cairn"
)

// An engine is one of the stores that are compared. Its methods but append
// are called by one goroutine at a time.
type engine interface {
	// open starts the engine on an empty or an earlier directory.
	open(ctx context.Context) error

	// append returns when all the records are durable. It is called by many
	// clients at once. Whatever the engine needs to read out of the records is
	// done inside.
	append(ctx context.Context, records [][]byte) error

	// settle returns when no work on behalf of earlier appends is left.
	settle(ctx context.Context) error

	// prepare does what a careful operator would do once before the lookups;
	// it is not measured.
	prepare(ctx context.Context) error

	// lookup returns a page of full records, the newest first.
	lookup(ctx context.Context, q query, after cursor) ([]row, error)

	// scan hands out every record.
	scan(ctx context.Context, yield func(raw []byte)) error

	// dropDay deletes the records dated before the end of a day.
	dropDay(ctx context.Context, end time.Time) error

	// usage is what the engine's own processes have used so far; this process
	// is not one of them.
	usage() (usage, error)

	// diskBytes is the space taken by records and indexes.
	diskBytes() (int64, error)

	close() error
}

// row is one record of a page.
type row struct {
	Time int64 // Unix seconds
	Seq  uint64
	Raw  []byte
}

// cursor is the place of a row in a page's order; the zero cursor is before
// the newest.
type cursor struct {
	Time int64
	Seq  uint64
}

// pageSize is the number of records in a page.
const pageSize = 50

// newEngine returns the engine of a name, not opened yet.
func newEngine(name string, spec *spec) (engine, error) {
	switch name {
	case "cairn":
		return newCairn(spec), nil
	case "postgres":
		return newPostgres(spec), nil
	case "sqlite":
		return newSQLite(spec), nil
	}
	return nil, fmt.Errorf("there is no engine %q: choose among cairn, postgres and sqlite", name)
}

// columns are a record's fields as the peers store them. Those that the
// record does not have are empty.
type columns struct {
	account, region, eventID, eventName, readOnly, username, eventSource string
	accessKeyID, errorCode, sourceIP, userARN                            string

	time     int64
	category cairn.Category
	listed   []cairn.Resource // each once
}

// extract reads the columns out of a record. The strings share its memory.
func (c *columns) extract(r *cairn.Record, raw []byte) error {
	if err := r.Extract(raw); err != nil {
		return fmt.Errorf("extract %.80s: %w", raw, err)
	}
	*c = columns{
		account: r.AccountID, region: r.AWSRegion, eventID: r.EventID, eventName: r.EventName,
		readOnly: r.ReadOnly.String(), username: r.Username, eventSource: r.EventSource,
		accessKeyID: r.UserIdentity.AccessKeyID, errorCode: r.ErrorCode, sourceIP: r.SourceIPAddress,
		userARN: r.UserIdentity.ARN,
		time:    r.EventTime.Unix(), category: r.Category, listed: c.listed[:0],
	}
next:
	for _, resource := range r.Resources {
		for _, earlier := range c.listed {
			if earlier == resource {
				continue next
			}
		}
		c.listed = append(c.listed, resource)
	}
	return nil
}

// columnOf is the column that holds an attribute, in both peers; resources
// have a table of their own.
var columnOf = map[cairn.Attribute]string{
	cairn.AttrEventID:     "event_id",
	cairn.AttrEventName:   "event_name",
	cairn.AttrReadOnly:    "read_only",
	cairn.AttrUsername:    "username",
	cairn.AttrEventSource: "event_source",
	cairn.AttrAccessKeyID: "access_key_id",
	cairn.AttrErrorCode:   "error_code",
	cairn.AttrSourceIP:    "source_ip",
	cairn.AttrUserARN:     "user_arn",
}

// scopeCode packs a record's account, region and category into the number
// that begins every index key of the peers.
func scopeCode(codes map[string]int64, account, region string, category cairn.Category) int64 {
	key := account + "/" + region
	code, ok := codes[key]
	if !ok {
		code = int64(len(codes) + 1)
		codes[key] = code
	}
	return code*16 + int64(category)
}
