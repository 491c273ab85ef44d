package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cairn/gateway"
	"cairn/identity"
	"cairn/record"
)

// gatewayName is the directory of the gateway's journal of intents in a data
// directory.
const gatewayName = "gateway"

// intentsBytes is the size of the journal, which is allocated at the first start.
const intentsBytes = 64 << 20

// maxGatewayStreams bounds the calls under way on one HTTP/2 connection.
const maxGatewayStreams = 64

// A recordingGateway is the gateway at work: its ports, and what they share.
type recordingGateway struct {
	server     *Server
	intents    *gateway.Intents
	identities *gateway.Identities
	ports      []*gatewayPort
	forward    *forwarder // nil if records stay here
	giveUp     []func()   // of what is tried until it succeeds
}

// A gatewayPort is one listener with its routes.
type gatewayPort struct {
	GatewayListener
	gateway  *gateway.Gateway
	listener net.Listener
	http     *http.Server
	url      string
	caBundle string // file, if clients can trust the certificate only by knowing it
}

// openGateway opens the gateway of the settings, nil if there is none. What an
// earlier process left of its calls is in the log when it returns; nothing is
// listened on yet. Store is that of Cairn's own IAM, nil if none answers here.
func (s *Server) openGateway(store *identity.Store, recorder *record.Recorder) (_ *recordingGateway, err error) {
	cfg := s.cfg.Gateway
	if cfg == nil {
		return nil, errors.Join(s.recoverIntents(), s.releaseForwarded())
	}
	if err := s.checkAccounts(store); err != nil {
		return nil, err
	}
	g := &recordingGateway{server: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.intents, err = s.openIntents(); err != nil {
		return nil, err
	}
	identities := gateway.IdentitiesConfig{
		Catalog: s.catalog, MappingFile: cfg.Identities, Own: s.cfg.ownKeys(), Logger: s.cfg.Logger, Now: s.cfg.Now,
	}
	if store != nil {
		identities.Keys = store
	}
	if g.identities, err = gateway.OpenIdentities(identities); err != nil {
		return nil, fmt.Errorf("open the gateway's identities: %w", err)
	}
	for _, l := range cfg.named() {
		port := &gatewayPort{GatewayListener: l}
		port.gateway, err = gateway.New(gateway.Config{
			Routes: l.Routes, Log: s.log, Intents: g.intents, Identities: g.identities, Recorder: recorder,
			Regions: s.regions(), AccountID: s.cfg.AccountID, Region: s.cfg.Region, ForwardedFor: l.ForwardedFor,
			Now: s.cfg.Now, Logger: s.cfg.Logger,
		})
		if err != nil {
			return nil, fmt.Errorf("gateway listener %s: %w", l.Name, err)
		}
		g.ports = append(g.ports, port)
	}
	if cfg.To.URL == "" {
		return g, s.releaseForwarded()
	}
	if g.forward, err = s.openForwarder(cfg.To, cfg.ForwardEvery); err != nil {
		return nil, fmt.Errorf("forward records to %s: %w", cfg.To.URL, err)
	}
	return g, nil
}

func (s *Server) intentsDir() string {
	return path.Join(filepath.ToSlash(s.cfg.Data), gatewayName)
}

// openIntents opens the journal, which puts into the log what an earlier process
// left in it.
func (s *Server) openIntents() (*gateway.Intents, error) {
	more := int64(0)
	if _, err := s.cfg.FS.Stat(s.intentsDir()); errors.Is(err, fs.ErrNotExist) {
		more = intentsBytes
		free, err := s.cfg.FS.Free(s.cfg.Data)
		if need := uint64(reserveBytes + more + ballastBytes); err == nil && free < need {
			s.cfg.Logger.Warn("the disk has too little space: calls on strict routes will be refused until there is more",
				slog.String("data", s.cfg.Data), slog.Uint64("freeBytes", free), slog.Uint64("neededBytes", need),
				slog.Int64("journalBytes", more), slog.Int64("reserveBytes", reserveBytes))
		}
	}
	j, err := gateway.OpenIntents(gateway.IntentsConfig{Dir: s.intentsDir(), Space: intentsBytes, FS: s.cfg.FS, Log: s.log, Logger: s.cfg.Logger, Now: s.cfg.Now})
	if err != nil {
		return nil, s.ballast.explain(fmt.Errorf("open the gateway's journal: %w", err), more)
	}
	return j, nil
}

// recoverIntents does the same for a server that has no gateway any more.
func (s *Server) recoverIntents() error {
	if _, err := s.cfg.FS.Stat(s.intentsDir()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	j, err := s.openIntents()
	if err != nil {
		return err
	}
	return j.Close()
}

// checkAccounts refuses a route into an account that nobody could sign in to: a
// mistyped one would hide its events from everybody but operators.
func (s *Server) checkAccounts(store *identity.Store) error {
	if store == nil {
		return nil
	}
	var bad GatewayError
	for i, l := range s.cfg.Gateway.Listeners {
		for j, r := range l.Routes {
			if r.Account == "" || r.Account == s.cfg.AccountID {
				continue
			}
			_, err := store.Account(r.Account)
			var missing *identity.NotFoundError
			if err != nil && !errors.As(err, &missing) {
				return err
			} else if err != nil {
				bad = append(bad, &SettingError{fmt.Sprintf("gateway.listeners[%d].routes[%d].account", i, j), r.Account,
					"the server has no such account; add it with `cairn account add " + r.Account + "`"})
			}
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// ownKeys are the access keys by which Cairn itself delivers.
func (c *Config) ownKeys() (keys []gateway.OwnKey) {
	for _, to := range []*Companion{&c.S3, &c.SNS, &c.KMS} {
		if to.AccessKeyID != "" && to.Secret != "" {
			keys = append(keys, gateway.OwnKey{AccessKeyID: to.AccessKeyID, Secret: to.Secret})
		}
	}
	return keys
}

// listen opens the ports, and says where they are. Own are the other addresses
// that this process listens on: an upstream must be none of them all.
func (g *recordingGateway) listen(ctx context.Context, own ...net.Addr) error {
	if g == nil {
		return nil
	}
	s := g.server
	for _, p := range g.ports {
		l, err := s.cfg.gatewayListener(&p.GatewayListener)
		if err != nil {
			return err
		}
		own = append(own, l.Addr())
		p.url = listenURL(l.Addr())
		p.listener = listenProxied(l, p.ProxyProtocol)
		p.http = s.newHTTPServer(p.gateway)
		p.http.ConnState = newConnLimit(maxConnections, maxPeerConnections).track
		// Every request is the backend's to answer, OPTIONS * too.
		p.http.DisableGeneralOptionsHandler = true
		if err := p.setUpTLS(s); err != nil {
			return fmt.Errorf("gateway listener %s: %w", p.Name, err)
		}
	}
	if err := g.refuseLoops(ctx, own); err != nil {
		return err
	}
	now := time.Now()
	for _, p := range g.ports {
		settings := p.settings(g)
		// A full disk takes no records, and must not take the backend away from
		// relaxed routes, nor the history from its readers.
		g.giveUp = append(g.giveUp, s.insist("recording "+gatewayConfigured+" for the listener "+p.Name, func() error {
			return s.auditAt(ctx, now, gatewayConfigured, false, settings, nil)
		}))
	}
	return nil
}

// gatewayListener listens on one port of the gateway.
func (c Config) gatewayListener(g *GatewayListener) (net.Listener, error) {
	c.Listen, c.TLSCert, c.TLSKey = g.Listen, g.TLSCert, g.TLSKey
	c.Dev, c.Insecure = false, c.Insecure || g.Insecure
	return c.listen()
}

// TryListenGateway is TryListen for the ports of the gateway alone.
func TryListenGateway(cfg Config) error {
	if cfg.Gateway == nil {
		return nil
	}
	for i := range cfg.Gateway.Listeners {
		l, err := cfg.gatewayListener(&cfg.Gateway.Listeners[i])
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// setUpTLS makes a port speak TLS if it has a certificate. HTTP/2 is spoken where
// clients ask for it, because some operations of AWS need it.
func (p *gatewayPort) setUpTLS(s *Server) error {
	p.http.Protocols = new(http.Protocols)
	p.http.Protocols.SetHTTP1(true)
	if p.TLSCert == "" {
		return nil
	}
	c, err := openCertificate(p.TLSCert, p.TLSKey, s.cfg.Logger)
	if err != nil {
		return err
	}
	p.http.TLSConfig = c.config()
	p.http.Protocols.SetHTTP2(true)
	p.http.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxGatewayStreams}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		return err
	}
	p.url = "https://" + net.JoinHostPort(certifiedHost(c.pair.Leaf, host), port)
	if selfSigned(c.pair.Leaf) {
		p.caBundle, err = filepath.Abs(p.TLSCert)
	}
	return err
}

// start serves the ports, and whatever goes on beside them.
func (g *recordingGateway) start(group *errgroup.Group) {
	if g == nil {
		return
	}
	for _, p := range g.ports {
		group.Go(func() error { return serveUntilClosed(p.http, p.listener) })
	}
	if g.forward != nil {
		group.Go(func() error { g.forward.run(g.server.stopping); return nil })
	}
}

// shutDown lets the calls under way finish, on all ports at once.
func (g *recordingGateway) shutDown() error {
	if g == nil {
		return nil
	}
	errs := make([]error, len(g.ports))
	var ports sync.WaitGroup
	for i, p := range g.ports {
		ports.Go(func() { errs[i] = shutDown(p.http) })
	}
	ports.Wait()
	return errors.Join(errs...)
}

// close closes what openGateway opened, and a listener that was never served.
func (g *recordingGateway) close() error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, giveUp := range g.giveUp {
		giveUp()
	}
	for _, p := range g.ports {
		if p.listener != nil {
			if err := p.listener.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		errs = append(errs, p.gateway.Close())
	}
	if g.identities != nil {
		errs = append(errs, g.identities.Close())
	}
	if g.intents != nil {
		errs = append(errs, g.intents.Close())
	}
	return errors.Join(errs...)
}

// GatewayAddress is a port of the gateway for those who call it.
type GatewayAddress struct {
	Name      string
	URL       string
	CABundle  string // file; empty unless clients would not trust the port
	Upstreams []string
}

// addresses are where the ports are.
func (g *recordingGateway) addresses() []GatewayAddress {
	if g == nil {
		return nil
	}
	all := make([]GatewayAddress, len(g.ports))
	for i, p := range g.ports {
		all[i] = GatewayAddress{Name: p.Name, URL: p.url, CABundle: p.caBundle}
		for _, r := range p.Routes {
			all[i].Upstreams = append(all[i].Upstreams, r.Upstreams...)
		}
	}
	return all
}

// Gateways are the ports of the gateway while the server serves.
func (s *Server) Gateways() []GatewayAddress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.addresses()
}

// setGateway lets status and metrics reach what is there while serving only.
func (s *Server) setGateway(g *recordingGateway) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway = g
}
