package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"cairn/internal/durable"
	"cairn/server"
)

// lockWait is how long a command waits for another one to give the data
// directory back, or for a server on it to get ready.
const lockWait = 5 * time.Second

// connect returns a client of the server that --endpoint, AWS_ENDPOINT_URL or
// the data directory's address file names, or else opens the directory itself.
// Only with write is a directory made that is not there, and its retention set:
// a command that reads must not remove events.
func (a *app) connect(ctx context.Context, write bool) (*server.Client, error) {
	endpoint, source := a.settings.values["endpoint"], a.settings.source["endpoint"]
	if endpoint == "" {
		endpoint, source = a.env["AWS_ENDPOINT_URL"], "AWS_ENDPOINT_URL"
	}
	if endpoint != "" {
		return a.connectEndpoint(ctx, endpoint, source)
	}
	cfg, err := a.serverConfig()
	if err != nil {
		return nil, err
	}
	if !write {
		cfg.Retention = 0
	}
	var client *server.Client
	err = whenUnlocked(ctx, func() error {
		addr, err := server.FindServer(cfg.Data)
		if err == nil {
			client = server.Dial(addr.Socket)
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !write {
			if err := server.Exists(cfg.Data); err != nil {
				return err
			}
		}
		client, err = server.OpenClient(quiet(cfg, a))
		return err
	})
	return client, err
}

// whenUnlocked tries something that needs the lock of a data directory, and
// tries it again for a while if another command has the lock.
func whenUnlocked(ctx context.Context, try func() error) error {
	deadline := time.Now().Add(lockWait)
	for {
		err := try()
		if !errors.Is(err, durable.ErrLocked) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// connectEndpoint connects to the server that an endpoint names. The TCP port
// checks no credentials and only tells where the socket is.
func (a *app) connectEndpoint(ctx context.Context, endpoint, source string) (*server.Client, error) {
	if path, ok := strings.CutPrefix(endpoint, "unix:"); ok && path != "" {
		return server.Dial(strings.TrimPrefix(path, "//")), nil
	}
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		return nil, usagef("%s %q: an endpoint has the form unix:/path/to/cairn.sock or http://host:port", source, endpoint)
	}
	addr, err := server.AskAddress(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", source, endpoint, err)
	}
	return server.Dial(addr.Socket), nil
}

// quiet makes a directory that a command opens for itself log only what
// went wrong.
func quiet(cfg server.Config, a *app) server.Config {
	level, _ := a.settings.logLevel()
	if a.settings.source["log-level"] == "default" {
		level = slog.LevelError
	}
	cfg.Logger = newLogger(a.stderr, level)
	return cfg
}
