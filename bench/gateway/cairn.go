package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"cairn/eventlog"
	"cairn/gateway"
	"cairn/internal/eventgen"
	"cairn/server"
)

// serveCairn serves a new data directory, with the gateway as it is by default.
func serveCairn(ctx context.Context, data, upstream string, ready func(serving)) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := server.Open(server.Config{
		Data: filepath.Clean(data), Listen: "127.0.0.1:0", AccountID: eventgen.Scopes[0].Account, Region: region, Retention: eventlog.Forever,
		Gateway: &server.GatewayConfig{Listeners: []server.GatewayListener{{
			Name: "bench", Listen: "127.0.0.1:0", Routes: []gateway.Route{{Name: "backend", Upstreams: []string{upstream}}},
		}}},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Serve(ctx, func(_ server.Address, key *server.Credentials) {
		at := s.Gateways()
		if key == nil || len(at) != 1 {
			stop()
			return
		}
		ready(serving{Address: strings.TrimPrefix(at[0].URL, "http://"), Key: *key})
	})
}
