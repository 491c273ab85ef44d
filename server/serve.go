package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopTimeout is how long requests in progress may take once the server is
// told to stop.
const stopTimeout = 15 * time.Second

// Serve listens until ctx is done. It calls ready once requests are answered and
// the address file is in place, with the server's address, and with the
// operator's first access key if this start has made it. It returns nil after
// an orderly stop; Close comes after it.
func (s *Server) Serve(ctx context.Context, ready func(Address, *Credentials)) (err error) {
	front, err := s.openFront()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.close()) }()
	tcp, err := net.Listen("tcp", s.cfg.listenAddress())
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Listen, err)
	}
	socket, path, cleanup, err := listenSocket(s.cfg.Data)
	if err != nil {
		_ = tcp.Close()
		return err
	}
	defer cleanup()

	address := Address{PID: os.Getpid(), URL: listenURL(tcp.Addr()), Socket: path}
	public := s.newPublicServer()
	if err := s.setUpTLS(public, &address); err != nil {
		return errors.Join(err, tcp.Close(), socket.Close())
	}
	public.Handler = s.publicHandler(address, front)
	local := s.newHTTPServer(s.api)

	group, serving := errgroup.WithContext(ctx) // done too when a listener fails
	group.Go(func() error { return serveUntilClosed(public, tcp) })
	group.Go(func() error { return serveUntilClosed(local, socket) })

	s.setURL(address.URL)
	err = writeAddress(s.cfg.Data, address)
	if err == nil {
		ready(address, front.firstKey)
		<-serving.Done()
	}
	s.cfg.Logger.Info("stopping")
	_ = os.Remove(filepath.Join(s.cfg.Data, addressName))
	s.setURL("")
	s.stop() // ends streams that follow the log
	err = errors.Join(err, shutDown(local), shutDown(public), group.Wait())
	return err
}

func (s *Server) setURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

// newPublicServer returns the server of the TCP port, where peers may be hostile.
// A handler whose answer takes longer moves the deadlines of its request.
func (s *Server) newPublicServer() *http.Server {
	srv := s.newHTTPServer(nil)
	srv.ReadTimeout = time.Minute
	srv.WriteTimeout = time.Minute
	srv.ConnState = newConnLimit(maxConnections).track
	return srv
}

// newHTTPServer returns a server with limits on what a slow or hostile peer
// can hold on to.
func (s *Server) newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(serverLog{s.cfg.Logger}, "", 0),
	}
}

// serverLog takes what an http.Server has to say. Failed handshakes are of
// interest to who looks for a fault; otherwise strangers could fill the log.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}

func serveUntilClosed(srv *http.Server, l net.Listener) error {
	serve := srv.Serve
	if srv.TLSConfig != nil {
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// shutDown lets requests in progress finish, for a while.
func shutDown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return srv.Close()
	}
	return err
}

// publicHandler serves the TCP port: health, metrics, where the socket is, the
// routes of Cairn's own, and the AWS API.
func (s *Server) publicHandler(address Address, f *front) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", s.health)
	mux.HandleFunc("/ready", s.ready)
	mux.Handle("/metrics", s.metrics.handler())
	mux.HandleFunc("GET "+addressPath, func(w http.ResponseWriter, r *http.Request) {
		if !fromThisMachine(r) {
			writeError(w, http.StatusForbidden, "the address is of use on the server's machine only")
			return
		}
		writeJSON(w, http.StatusOK, address)
	})
	s.addRoutes(mux, f)
	mux.Handle("/", f.mux)
	if s.cfg.Dev {
		return localOnly(mux)
	}
	return mux
}

// fromThisMachine says whether a request was sent from an address of the
// machine itself.
func fromThisMachine(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return remote.Addr().Unmap().IsLoopback() || local != nil && local.AddrPort().Addr().Unmap() == remote.Addr().Unmap()
}

// health says that the process answers. A stopped log does not change that.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// ready says whether events can be written.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	problem := s.problem()
	w.Header().Set("Content-Type", "application/json")
	if problem == "" {
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ready"})
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "not ready", "problem": problem})
}

// problem is why events cannot be written, "" if they can.
func (s *Server) problem() string {
	if err := s.log.Err(); err != nil {
		return err.Error()
	}
	free, err := s.cfg.FS.Free(s.cfg.Data)
	if err != nil {
		return err.Error()
	}
	if free < reserveBytes {
		return fmt.Sprintf("the disk has %d bytes left, fewer than the reserve of %d", free, reserveBytes)
	}
	return ""
}

// reserveBytes is the free space below which the event log takes nothing new.
const reserveBytes = 64 << 20
