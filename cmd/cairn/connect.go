package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
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
	if endpoint, source := a.endpoint(); endpoint != "" {
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
		client, err = server.OpenClient(ctx, quiet(cfg, a))
		return err
	})
	return client, err
}

// endpoint returns the endpoint to connect to and where it was set; it is empty
// if the data directory says where its server is. AWS_ENDPOINT_URL, which is
// often set for other programs, counts only if no data directory is named.
func (a *app) endpoint() (endpoint, source string) {
	if endpoint = a.settings.values["endpoint"]; endpoint != "" {
		return endpoint, a.settings.source["endpoint"]
	}
	endpoint = a.env["AWS_ENDPOINT_URL"]
	data := a.settings.source["data"]
	if endpoint == "" || data == "default" {
		return endpoint, "AWS_ENDPOINT_URL"
	}
	addr, err := server.FindServer(a.settings.values["data"])
	if !a.warned && (err != nil || addr.URL != strings.TrimSuffix(endpoint, "/")) {
		a.warned = true
		fmt.Fprintf(a.stderr, "cairn: AWS_ENDPOINT_URL is not used, because %s names a data directory; --endpoint counts more than both\n", data)
	}
	return "", ""
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

// connectEndpoint connects to the server that an endpoint names: to its TCP port
// with the credentials of the environment or those that the data directory
// keeps, else, on the same machine, to the socket that the server names.
func (a *app) connectEndpoint(ctx context.Context, endpoint, source string) (*server.Client, error) {
	if path, ok := strings.CutPrefix(endpoint, "unix:"); ok && path != "" {
		return server.Dial(strings.TrimPrefix(path, "//")), nil
	}
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		return nil, usagef("%s %q: an endpoint has the form unix:/path/to/cairn.sock or http://host:port", source, endpoint)
	}
	e := server.Endpoint{
		URL: endpoint, Region: a.settings.values["region"], CABundle: a.env["AWS_CA_BUNDLE"], Token: a.env["AWS_SESSION_TOKEN"],
		Key: server.Credentials{AccessKeyID: a.env["AWS_ACCESS_KEY_ID"], Secret: a.env["AWS_SECRET_ACCESS_KEY"]},
	}
	if e.Key.AccessKeyID == "" || e.Key.Secret == "" {
		e.Token = ""
		key, err := a.keptKey(endpoint)
		if err != nil {
			return nil, err
		}
		if key == nil {
			return a.connectNamed(ctx, endpoint, source)
		}
		e.Key = *key
	}
	client, err := server.DialEndpoint(e)
	if err != nil {
		return nil, usagef("%s: %w", source, err)
	}
	return client, nil
}

// keptKey returns the access key in the data directory, nil unless its server is
// the one that the endpoint names and so knows the key.
func (a *app) keptKey(endpoint string) (*server.Credentials, error) {
	data := a.settings.values["data"]
	addr, err := server.FindServer(data)
	if err != nil || addr.URL != strings.TrimSuffix(endpoint, "/") {
		return nil, nil
	}
	key, err := server.ReadCredentials(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return key, err
}

// connectNamed connects to the socket that a server names on its TCP port.
func (a *app) connectNamed(ctx context.Context, endpoint, source string) (*server.Client, error) {
	addr, err := server.AskAddress(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", source, endpoint, err)
	}
	if _, err := os.Stat(addr.Socket); err != nil {
		return nil, fmt.Errorf("%s %q: the server is not on this machine; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an operator's access key", source, endpoint)
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
