package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopTimeout is how long requests in progress may take once the server is
// told to stop.
const stopTimeout = 15 * time.Second

// Serve listens until ctx is done, and calls ready with the server's address
// once requests are answered and the address file is in place. It returns nil
// after an orderly stop; Close comes after it.
func (s *Server) Serve(ctx context.Context, ready func(Address)) error {
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

	address := Address{PID: os.Getpid(), URL: "http://" + tcp.Addr().String(), Socket: path}
	public := s.newHTTPServer(s.publicHandler(address))
	public.ReadTimeout = time.Minute
	public.WriteTimeout = time.Minute
	local := s.newHTTPServer(s.api)

	var group errgroup.Group
	group.Go(func() error { return serveUntilClosed(public, tcp) })
	group.Go(func() error { return serveUntilClosed(local, socket) })

	s.setURL(address.URL)
	err = writeAddress(s.cfg.Data, address)
	if err == nil {
		ready(address)
		<-ctx.Done()
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

// newHTTPServer returns a server with limits on what a slow or hostile peer
// can hold on to.
func (s *Server) newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
}

func serveUntilClosed(srv *http.Server, l net.Listener) error {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
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

// publicHandler serves the TCP port: health, metrics, where the socket is, and a
// clear refusal of everything else.
func (s *Server) publicHandler(address Address) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", s.health)
	mux.HandleFunc("/ready", s.ready)
	mux.Handle("/metrics", s.metrics.handler())
	mux.HandleFunc("GET "+addressPath, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, address)
	})
	mux.HandleFunc("/_cairn/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusForbidden, "the local API is served on the Unix socket in the data directory only, because this port checks no credentials")
	})
	mux.HandleFunc("/", notServed)
	return mux
}

// health says that the process answers. A stopped log does not change that.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// ready says whether events can be written.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	problem := ""
	if err := s.log.Err(); err != nil {
		problem = err.Error()
	} else if free, err := s.cfg.FS.Free(s.cfg.Data); err != nil {
		problem = err.Error()
	} else if free < reserveBytes {
		problem = fmt.Sprintf("the disk has %d bytes left, fewer than the reserve of %d", free, reserveBytes)
	}
	w.Header().Set("Content-Type", "application/json")
	if problem == "" {
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ready"})
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "not ready", "problem": problem})
}

// reserveBytes is the free space below which the event log takes nothing new.
const reserveBytes = 64 << 20
