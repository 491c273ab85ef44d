package server

import (
	"net/url"
	"strconv"
	"syscall"
	"testing"

	"cairn/eventlog"
)

// A listener that fails ends the server with an error, rather than leave it
// there without a port.
func TestListenerFails(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Retention: eventlog.Forever})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = s.Serve(t.Context(), func(a Address, _ *Credentials) {
		u, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			t.Fatal(err)
		}
		breakListener(t, port)
	})
	if err == nil {
		t.Error("the server ended without an error")
	}
}

// breakListener finds the socket that listens on a port and shuts it down
// behind the listener's back.
func breakListener(t *testing.T, port int) {
	t.Helper()
	for fd := range 1024 {
		name, err := syscall.Getsockname(fd)
		if err != nil {
			continue
		}
		listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
		if in, ok := name.(*syscall.SockaddrInet4); ok && err == nil && listens == 1 && in.Port == port {
			if err := syscall.Shutdown(fd, syscall.SHUT_RDWR); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no socket listens on port %d", port)
}
