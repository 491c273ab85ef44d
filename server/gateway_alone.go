package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"

	"cairn/record"
)

// ServeGateway runs the gateway alone, without the AWS API, until ctx is done. It
// calls ready once calls pass, with the addresses of its ports. Close comes after
// it.
func (s *Server) ServeGateway(ctx context.Context, ready func([]GatewayAddress)) (err error) {
	if s.cfg.Gateway == nil {
		return errors.New("the settings have no gateway")
	}
	defer func() { err = s.ballast.explain(err, 0) }()
	recorder, err := record.New(record.Config{Log: s.log, AccountID: s.cfg.AccountID, Region: s.cfg.Region, Logger: s.cfg.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, recorder.Close()) }()
	g, err := s.openGateway(nil, recorder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	socket, socketPath, cleanup, err := listenSocket(s.cfg.Data)
	if err != nil {
		return err
	}
	defer cleanup()
	defer func() { _ = socket.Close() }()
	local := s.newHTTPServer(s.api)
	health, healthAt, err := s.listenHealth()
	if err != nil {
		return err
	}
	if health != nil {
		defer func() { _ = healthAt.Close() }()
		err = g.listen(ctx, healthAt.Addr())
	} else {
		err = g.listen(ctx)
	}
	if err != nil {
		return err
	}
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return serveUntilClosed(local, socket) })
	if health != nil {
		group.Go(func() error { return serveUntilClosed(health, healthAt) })
	}
	g.start(group)
	s.setGateway(g)
	at := g.addresses()
	s.setURL(at[0].URL)
	retract := s.publishAddress(Address{PID: os.Getpid(), URL: at[0].URL, Socket: socketPath, CABundle: at[0].CABundle, Gateway: true})
	s.ballast.keep()
	s.noteProblem(s.problem())
	ready(at)
	<-serving.Done()
	s.cfg.Logger.Info("stopping")
	retract()
	s.setURL("")
	s.stop()
	err = errors.Join(g.shutDown(), shutDown(local))
	if health != nil {
		err = errors.Join(err, shutDown(health))
	}
	err = errors.Join(err, group.Wait())
	s.setGateway(nil)
	return err
}

// listenHealth opens the port for health and metrics of a gateway that runs
// alone, if it is to have one.
func (s *Server) listenHealth() (*http.Server, net.Listener, error) {
	if s.cfg.Gateway.Health == "" {
		return nil, nil, nil
	}
	l, err := net.Listen("tcp", s.cfg.Gateway.Health)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for health and metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", s.health)
	mux.HandleFunc("/ready", s.ready)
	mux.Handle("/metrics", s.metrics.handler())
	srv := s.newPublicServer()
	srv.Handler = mux
	s.cfg.Logger.Info("health and metrics", slog.String("url", "http://"+l.Addr().String()))
	return srv, l, nil
}
