package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"cairn"
	"cairn/eventlog"
)

// A forwardBatch is what one request sends.
type forwardBatch struct {
	records []forwardRecord
	next    uint64    // seq behind the last record that was looked at
	oldest  time.Time // arrival of the first of records
	damaged uint64
	full    bool
}

type forwardRecord struct {
	seq uint64
	raw []byte
}

// gather reads the records for one request. What else is in the log, such as the
// records of who looked things up here, is passed over.
func (f *forwarder) gather(ctx context.Context) (*forwardBatch, error) {
	b := &forwardBatch{next: f.row.Next}
	size, passed := 0, 0
	for e, err := range f.log.Read(ctx, eventlog.At(f.row.Next)) {
		var damage *eventlog.Damage
		switch {
		case errors.As(err, &damage):
			if damage.LastSeq >= damage.FirstSeq && damage.LastSeq >= b.next {
				n := damage.LastSeq - max(damage.FirstSeq, b.next) + 1
				f.logger.Error("records cannot be read, and are not forwarded", slog.Uint64("records", n), slog.Any("error", err))
				b.damaged += n
				b.next = max(b.next, damage.LastSeq+1)
			}
			continue
		case err != nil:
			return nil, err
		}
		if forwarded(e) {
			if len(b.records) == forwardRecords || len(b.records) > 0 && size+len(e.Raw) > forwardBytes {
				b.full = true
				return b, nil
			}
			if len(b.records) == 0 {
				b.oldest = e.Arrival
			}
			b.records = append(b.records, forwardRecord{e.Seq, bytes.Clone(e.Raw)})
			size += len(e.Raw)
		} else if passed++; passed > 100*forwardRecords {
			b.full = true
			return b, nil
		}
		b.next = e.Seq + 1
	}
	return b, nil
}

// forwarded says whether a record goes to the other server.
func forwarded(e *cairn.Event) bool {
	switch e.Origin {
	case cairn.OriginGateway:
		return true
	case cairn.OriginAudit:
		return e.Extract() == nil && gatewayNote(&e.Record)
	}
	return false
}
