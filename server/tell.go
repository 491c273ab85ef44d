package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"cairn/aws"
	"cairn/eventlog"
)

// callKey is the key of a context's *aws.Call.
type callKey struct{}

// withCall returns a context for what is done for a call of the TCP port.
func withCall(ctx context.Context, c *aws.Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call of the TCP port that something is done for; nil if
// the directory's owner asked for it, through the socket or in the directory
// itself.
func callOf(ctx context.Context) *aws.Call {
	c, _ := ctx.Value(callKey{}).(*aws.Call)
	return c
}

// tell says what the one who asked may know of an error that is not the
// caller's fault. The directory's owner may know everything. A client of the
// TCP port gets a sentence that does not depend on how the server works or
// where it keeps its files, with the ID under which its log tells the rest.
func (s *Server) tell(ctx context.Context, err error) string {
	c := callOf(ctx)
	if c == nil {
		return err.Error()
	}
	var ended *endedError
	if errors.As(err, &ended) && ended.refusal != nil {
		return ended.Error()
	}
	if ctx.Err() == nil || ended != nil { // else the client went away
		s.cfg.Logger.Error("request failed", slog.String("operation", c.Operation), slog.String("request", c.RequestID), slog.Any("error", err))
	}
	return sentence(err) + " Request ID: " + c.RequestID
}

// sentence is what a stranger may know of an error.
func sentence(err error) string {
	var damage *eventlog.Damage
	switch {
	case errors.As(err, &damage) && damage.LastSeq > damage.FirstSeq:
		return fmt.Sprintf("The records %d to %d could not be read.", damage.FirstSeq, damage.LastSeq)
	case errors.As(err, &damage) && damage.LastSeq == damage.FirstSeq:
		return fmt.Sprintf("The record %d could not be read.", damage.FirstSeq)
	case errors.As(err, &damage):
		return "A part of the event log could not be read."
	case errors.Is(err, eventlog.ErrDiskFull):
		return "The disk of the event log is full."
	case errors.Is(err, eventlog.ErrStopped):
		return "The event log has stopped after a failed write."
	case errors.Is(err, errFreeSpace):
		return "The free space of the disk cannot be told."
	case errors.Is(err, eventlog.ErrClosed):
		return "The server is stopping."
	}
	var ended *endedError
	if errors.As(err, &ended) {
		return ended.Error()
	}
	return "The request could not be completed."
}

// closedLog says whether an error is that of a log that takes or gives nothing
// now.
func closedLog(err error) bool {
	return errors.Is(err, eventlog.ErrDiskFull) || errors.Is(err, eventlog.ErrStopped) || errors.Is(err, eventlog.ErrClosed)
}
