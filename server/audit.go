package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/record"
)

// audit records what was done through the Unix socket, or in the directory
// itself: its owner did it, who is the operator. The record is durable when it
// returns. Calls of the TCP port have records of their own.
func (s *Server) audit(ctx context.Context, operation string, readOnly bool, input, output map[string]any) error {
	return s.auditAt(ctx, time.Now(), operation, readOnly, input, output)
}

// auditAt is audit for what was done at a time.
func (s *Server) auditAt(ctx context.Context, at time.Time, operation string, readOnly bool, input, output map[string]any) error {
	if callOf(ctx) != nil {
		return nil
	}
	c := &aws.Call{
		Time: at, RequestID: aws.NewUUID(), Service: aws.RouteService, Operation: operation, ReadOnly: readOnly,
		Region: s.cfg.Region, UserAgent: "cairn/" + s.cfg.Version, Input: input, Output: output,
		Identity: aws.Identity{Type: "Root", AccountID: s.cfg.AccountID, PrincipalID: s.cfg.AccountID,
			ARN: "arn:aws:iam::" + s.cfg.AccountID + ":root", Operator: true},
	}
	// What was done is done, also if nobody waits for the answer any more.
	results, err := s.log.Append(context.WithoutCancel(ctx), eventlog.Batch{Origin: cairn.OriginAudit, UseReserve: true,
		Records: [][]byte{record.Append(nil, c, record.Details{})}})
	if err == nil && results[0].Status != eventlog.Stored {
		err = fmt.Errorf("the record is %v: %w", results[0].Status, results[0].Err)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", operation, err)
	}
	return nil
}

// auditRead is audit for what only reads, with the request as it was read, if a
// server runs: reading in a directory that none runs on must not change it. Its
// owner can read the files in any case, so that a log that takes nothing more is
// no reason to keep its events back.
func (s *Server) auditRead(ctx context.Context, operation string, request any) {
	s.mu.Lock()
	serving := s.url != ""
	s.mu.Unlock()
	if !serving {
		return
	}
	input, _ := treeOf(request).(map[string]any)
	if err := s.audit(ctx, operation, true, input, nil); err != nil {
		s.cfg.Logger.Warn("a reading of the log could not be recorded", slog.Any("error", err))
	}
}
