package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// addressName is the file in the data directory that says where its server
// listens.
const addressName = "address"

// An Address says where a running server is found.
type Address struct {
	PID     int    `json:"pid"`
	URL     string `json:"url"`               // of the TCP listener
	Console string `json:"console,omitempty"` // URL of the web console, empty without one
	Socket  string `json:"socket"`            // path of the Unix socket with the local API

	// CABundle is the file with the server's certificate if that is
	// self-signed: clients must be told to trust it.
	CABundle string `json:"caBundle,omitempty"`

	// Gateway says that a gateway alone runs there, whose port is its backend's.
	Gateway bool `json:"gateway,omitempty"`
}

// FindServer returns the address of the server that runs on a data directory,
// or an error that is fs.ErrNotExist if none does. The address file of a
// server that died is recognised by its socket, which refuses connections.
func FindServer(data string) (*Address, error) {
	name := filepath.Join(data, addressName)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("find the server of %s: %w", data, err)
	}
	var a Address
	if err := json.Unmarshal(b, &a); err != nil || a.Socket == "" {
		return nil, fmt.Errorf("find the server of %s: %s is not an address file: %w", data, name, fs.ErrNotExist)
	}
	conn, err := net.DialTimeout("unix", a.Socket, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("find the server of %s: it is gone: %w", data, errors.Join(fs.ErrNotExist, err))
	}
	_ = conn.Close()
	return &a, nil
}

// AskAddress asks the TCP port of a server for its address. The server must be
// on this machine for the socket to be of use.
func AskAddress(ctx context.Context, endpoint string) (*Address, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+addressPath, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server for its socket: %w", err)
	}
	defer resp.Body.Close()
	var a Address
	err = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&a)
	if err != nil || resp.StatusCode != http.StatusOK || a.Socket == "" {
		return nil, fmt.Errorf("what answers there is not a Cairn server (status %d); use --endpoint unix:/path/to/cairn.sock, or --data alone", resp.StatusCode)
	}
	return &a, nil
}

// addressPath is where the TCP port tells the server's address.
const addressPath = "/_cairn/v1/address"

// publishAddress puts the address file in place, or, where the disk does not take
// it, goes on trying. Retract removes it.
func (s *Server) publishAddress(a Address) (retract func()) {
	giveUp := s.insist("writing the address file, by which commands find the server,", func() error { return writeAddress(s.cfg.Data, a) })
	return func() {
		giveUp()
		removeAddress(s.cfg.Data)
	}
}

// removeAddress removes the address file, and what an attempt to write one left.
func removeAddress(data string) {
	_ = os.Remove(filepath.Join(data, addressName))
	_ = os.Remove(filepath.Join(data, addressName+".tmp"))
}

// writeAddress puts the address file in place in one step.
func writeAddress(data string, a Address) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	tmp := filepath.Join(data, addressName+".tmp")
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write address file: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(data, addressName)); err != nil {
		return fmt.Errorf("write address file: %w", err)
	}
	return nil
}

// socketName is the socket in the data directory.
const socketName = "cairn.sock"

// maxSocketPath is how long the path of a Unix socket may be, with room for
// the systems where it is shortest (104 bytes with the final NUL on BSD).
const maxSocketPath = 100

// listenSocket listens on cairn.sock in the data directory, or, where that
// path is too long for a socket, in a directory of its own among the temporary
// files. Only the owner may connect. Cleanup removes what it made.
func listenSocket(data string) (l net.Listener, path string, cleanup func(), err error) {
	cleanup = func() {}
	// That of a server that died would pass for this one's: the socket is the same.
	removeAddress(data)
	path, err = filepath.Abs(filepath.Join(data, socketName))
	if err != nil {
		return nil, "", nil, fmt.Errorf("listen on socket: %w", err)
	}
	if len(path) > maxSocketPath {
		dir, err := os.MkdirTemp("", "cairn-")
		if err != nil {
			return nil, "", nil, fmt.Errorf("listen on socket: %w", err)
		}
		path = filepath.Join(dir, socketName)
		cleanup = func() { _ = os.RemoveAll(dir) }
	}
	// Nobody else can be listening: the caller holds the directory's lock.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		cleanup()
		return nil, "", nil, fmt.Errorf("listen on socket: %w", err)
	}
	l, err = net.Listen("unix", path)
	if err != nil {
		cleanup()
		return nil, "", nil, fmt.Errorf("listen on socket: %w", err)
	}
	// Nobody else can connect in between where Cairn made the directory, which
	// is 0700 then. In one that was there before and lets others in, only the
	// umask keeps them from it for that moment.
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		cleanup()
		return nil, "", nil, fmt.Errorf("listen on socket: %w", err)
	}
	return l, path, cleanup, nil
}
