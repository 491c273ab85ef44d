package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cairn/record"
)

var recordBuffers = sync.Pool{New: func() any { return new([]byte) }}

// maxRecordBuffer is the largest buffer that is kept for the next record.
const maxRecordBuffer = 64 << 10

// answerRoom is how much longer than its intent a completing record may be to be kept
// whole. One that is longer is kept without what the backend answered.
const answerRoom = 32 << 10

// begin makes the call's intent durable. After an error the call must not be forwarded,
// or its answer not released.
func (c *call) begin(ctx context.Context) error {
	if err := c.g.cfg.Log.Writable(); err != nil {
		return fmt.Errorf("the event log cannot be written to: %w", err)
	}
	buffer := recordBuffers.Get().(*[]byte)
	defer giveBack(buffer)
	*buffer = c.render((*buffer)[:0])
	p, err := c.g.cfg.Intents.Begin(context.WithoutCancel(ctx), Intent{
		EventID: c.eventID, Account: c.account, Region: c.recordedRegion(), Record: *buffer,
		Room: min(len(*buffer)+answerRoom, record.MaxBytes),
	})
	if err != nil {
		return fmt.Errorf("record the intent of the call: %w", err)
	}
	c.pending = p
	c.count.intents.Add(1)
	return nil
}

func giveBack(buffer *[]byte) {
	if cap(*buffer) <= maxRecordBuffer {
		recordBuffers.Put(buffer)
	}
}

// recordedRegion is the region under which the log finds the call's record, which has
// those of its characters that names of regions have.
func (c *call) recordedRegion() string {
	region := c.x.Region
	if c.x.Model != nil {
		region = c.x.Model.Service.EventRegion(c.r.Host, region)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, region[:min(len(region), maxIDBytes)])
}

// render appends the record of the call as it is known by now.
func (c *call) render(dst []byte) []byte {
	x := c.x
	k, d := x.Call(), x.Details()
	k.Time, k.SourceIP, k.TLS, k.Identity = c.began, c.source, c.r.TLS, c.caller.Identity
	if k.RequestID == "" && x.Err != nil {
		k.RequestID = c.requestID
	}
	d.EventID, d.RecipientAccountID = c.eventID, c.account
	if d.AdditionalEventData == nil {
		d.AdditionalEventData = make(map[string]any, 2)
	}
	d.AdditionalEventData["route"] = c.rt.Name
	for i := range d.Resources {
		d.Resources[i].AccountID = c.account
	}
	if x.HostID == "" && x.Model != nil && x.Model.Service.ID == "s3" && k.SignatureVersion != "" {
		d.AdditionalEventData["x-amz-id-2"] = nil // not every backend has one
	}
	if c.caller.Unverified != "" {
		d.AdditionalEventData["unverified"] = c.caller.Unverified
	}
	if c.outcome != "" {
		d.AdditionalEventData["outcome"] = c.outcome
	}
	return record.Append(dst, k, d)
}

// complete makes the call's record durable, and reports whether the answer may leave. What
// the backend has done cannot be taken back: the answer to a change is released even if
// its record could only be kept in the journal, or is lost.
func (c *call) complete(ctx context.Context) bool {
	ctx = context.WithoutCancel(ctx)
	c.proven()
	c.count.bytesIn.Add(uint64(max(c.x.BytesIn, 0)))
	c.count.bytesOut.Add(uint64(max(c.x.BytesOut, 0)))
	if c.caller.Own {
		c.count.own.Add(1)
		return true
	}
	c.learn(ctx)
	c.caller = c.caller.Answered(c.x)
	c.unsettled = c.unsettled || !c.caller.Verified && (Refused(c.x) || c.caller.Source == "" && c.x.noUser())
	switch {
	case c.excluded:
		c.count.excluded.Add(1)
		c.done()
		return true
	case c.unsettled && !c.g.throttle.allow(c.source, c.began):
		c.count.counted.Add(1)
		c.tally(c.x.Err)
		c.done()
		return true
	}
	buffer := recordBuffers.Get().(*[]byte)
	defer giveBack(buffer)
	*buffer = c.render((*buffer)[:0])
	err := c.g.append(ctx, *buffer, c.pending != nil)
	if err == nil {
		c.count.recorded.Add(1)
		c.done()
		return true
	}
	if c.pending != nil {
		if kept := c.keep(*buffer); kept != nil {
			err = errors.Join(err, kept)
		} else {
			c.count.kept.Add(1)
			return true
		}
	}
	c.unstored = err
	c.g.cfg.Logger.Error("the record of a call could not be stored", "route", c.rt.Name, "eventID", c.eventID, "error", err)
	if c.rt.Relaxed {
		c.count.unrecorded.Add(1)
		return true
	}
	return c.x.MayChange()
}

func (c *call) done() {
	if c.pending != nil {
		c.pending.Done()
	}
}

// keep puts the record into the journal.
func (c *call) keep(raw []byte) error {
	err := c.pending.Keep(raw)
	if !errors.Is(err, ErrIntentSize) {
		return err
	}
	c.x.Output = nil
	c.x.problem(InAnswer, TooLarge, "the answer, while the event log could not be written to")
	return c.pending.Keep(c.render(nil))
}

// learn takes from the answer of an authority who new access keys belong to.
func (c *call) learn(ctx context.Context) {
	if !c.rt.Authority || c.g.cfg.Identities == nil {
		return
	}
	conflict, err := c.g.cfg.Identities.Learn(ctx, c.x, c.rt.Name, c.account, c.caller.Identity, c.began)
	if err != nil {
		c.g.cfg.Logger.Error("what an answer told of an access key could not be kept", "route", c.rt.Name, "eventID", c.eventID, "error", err)
	}
	if conflict == nil {
		return
	}
	c.count.conflicts.Add(1)
	err = c.g.event(ctx, "IdentityConflict", conflict.Account, map[string]any{
		"route": conflict.Route, "operation": conflict.Operation, "accessKeyId": conflict.AccessKeyID, "known": conflict.Known,
		"claimed": conflict.Claimed, "reason": conflict.Reason, "eventId": c.eventID,
	})
	if err != nil {
		c.g.cfg.Logger.Error("a conflict of identities was not recorded", "route", c.rt.Name, "accessKeyId", conflict.AccessKeyID, "error", err)
	}
}
