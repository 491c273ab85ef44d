package server

import (
	"context"
	"fmt"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/record"
)

// audit records what was done through the Unix socket, or in the directory
// itself: its owner did it, who is the operator. The record is durable when it
// returns.
func (s *Server) audit(ctx context.Context, operation string, readOnly bool, input map[string]any) error {
	c := &aws.Call{
		Time: time.Now(), RequestID: aws.NewUUID(), Service: aws.RouteService, Operation: operation, ReadOnly: readOnly,
		Region: s.cfg.Region, UserAgent: "cairn/" + s.cfg.Version, Input: input,
		Identity: aws.Identity{Type: "Root", AccountID: s.cfg.AccountID, PrincipalID: s.cfg.AccountID,
			ARN: "arn:aws:iam::" + s.cfg.AccountID + ":root", Operator: true},
	}
	results, err := s.log.Append(ctx, eventlog.Batch{Origin: cairn.OriginAudit, UseReserve: true,
		Records: [][]byte{record.Append(nil, c, record.Details{})}})
	if err == nil && results[0].Status != eventlog.Stored {
		err = fmt.Errorf("the record is %v: %w", results[0].Status, results[0].Err)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", operation, err)
	}
	return nil
}
