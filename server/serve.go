package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"cairn/eventlog"
)

// stopTimeout is how long requests in progress may take once the server is
// told to stop.
const stopTimeout = 15 * time.Second

// TryListen says why a server could not listen on its address, before Open makes
// a data directory for it.
func TryListen(cfg Config) error {
	l, err := cfg.listen()
	if err != nil {
		return err
	}
	console, err := cfg.listenConsole()
	if console != nil {
		err = console.Close()
	}
	return errors.Join(err, l.Close(), TryListenGateway(cfg))
}

func (c Config) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", c.listenAddress())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	return l, nil
}

// Serve listens until ctx is done. It calls ready once requests are answered and
// the address file is in place, with the server's address, and with the
// operator's first access key if this start has made it. It returns nil after
// an orderly stop; Close comes after it.
func (s *Server) Serve(ctx context.Context, ready func(Address, *Credentials)) (err error) {
	defer func() { err = s.ballast.explain(err, 0) }()
	front, err := s.openFront()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.close()) }()
	gateway, err := s.openGateway(front.identities, front.recorder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gateway.close()) }()
	tcp, err := s.cfg.listen()
	if err != nil {
		return err
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
	if err := gateway.listen(ctx, tcp.Addr()); err != nil {
		return errors.Join(err, tcp.Close(), socket.Close())
	}
	public.Handler = s.publicHandler(address, front)
	if err := s.openConsole(front, &address); err != nil {
		return errors.Join(err, tcp.Close(), socket.Close())
	}
	local := s.newHTTPServer(s.api)

	group, serving := errgroup.WithContext(ctx) // done too when a listener fails
	group.Go(func() error { return serveUntilClosed(public, tcp) })
	group.Go(func() error { return serveUntilClosed(local, socket) })
	group.Go(front.console.serve)
	group.Go(func() error { front.kms.Run(s.stopping); return nil })
	group.Go(func() error { front.topics.Run(s.stopping); return nil })

	gateway.start(group)
	front.deliveries.Start()
	s.setFront(front)
	s.setGateway(gateway)
	s.setURL(address.URL)
	retract := s.publishAddress(address)
	s.ballast.keep()
	s.noteProblem(s.problem())
	ready(address, front.firstKey)
	<-serving.Done()
	s.cfg.Logger.Info("stopping")
	retract()
	s.setURL("")
	s.setFront(nil)
	s.stop() // ends streams that follow the log
	err = errors.Join(gateway.shutDown(), shutDown(local), front.console.shutDown(), shutDown(public), group.Wait())
	s.setGateway(nil)
	return err
}

func (s *Server) setURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

// setFront lets the local API reach what is there while serving only.
func (s *Server) setFront(f *front) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.front = f
}

// newPublicServer returns the server of the TCP port, where peers may be hostile.
// A handler whose answer takes longer moves the deadlines of its request.
func (s *Server) newPublicServer() *http.Server {
	srv := s.newHTTPServer(nil)
	srv.ReadTimeout = time.Minute
	srv.WriteTimeout = time.Minute
	srv.ConnState = newConnLimit(maxConnections, maxPeerConnections).track
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
	f.routes = mux
	mux.Handle("/", f.mux)
	all := f.topics.Handler(ownPaths(mux, f.mux))
	if s.cfg.Dev {
		return s.localOnly(all)
	}
	return all
}

// forwardedBy are the headers that proxies add to what they pass on.
var forwardedBy = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}

// fromThisMachine says whether a request was sent from an address of the
// machine itself, and not by a proxy there for somebody else.
func fromThisMachine(r *http.Request) bool {
	for _, name := range forwardedBy {
		if _, ok := r.Header[name]; ok {
			return false
		}
	}
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

// ready says whether events can be written. It needs no credentials, so that it
// tells no more than that; the log has the rest, once for each problem.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	err := s.problem()
	s.noteProblem(err)
	if err == nil {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "problem": sentence(err)})
}

// noteProblem logs what came in the way of writing events, or that nothing does
// any more, when it has changed.
func (s *Server) noteProblem(err error) {
	kind := ""
	if err != nil {
		kind = sentence(err)
	}
	s.mu.Lock()
	changed := kind != s.noted
	s.noted = kind
	s.mu.Unlock()
	switch {
	case changed && err != nil:
		s.cfg.Logger.Error("events cannot be written", slog.Any("error", err))
	case changed:
		s.cfg.Logger.Info("events can be written again")
	}
}

// problem is why events cannot be written, nil if they can.
func (s *Server) problem() error {
	if err := s.log.Err(); err != nil {
		return err
	}
	free, err := s.cfg.FS.Free(s.cfg.Data)
	if err != nil {
		return errors.Join(errFreeSpace, err)
	}
	if free < reserveBytes {
		return fmt.Errorf("%w: it has %d bytes left, fewer than the reserve of %d", eventlog.ErrDiskFull, free, reserveBytes)
	}
	return nil
}

var errFreeSpace = errors.New("the free space of the disk cannot be told")

// reserveBytes is the free space below which the event log takes nothing new.
const reserveBytes = 64 << 20
