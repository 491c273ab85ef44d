package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"cairn/aws"
	"cairn/console"
)

// consoleOff is the ConsoleListen that switches the console off.
const consoleOff = "off"

// A ConsoleLink signs in to the console as the operator's root user, once.
type ConsoleLink struct {
	URL     string    `json:"url"` // the secret is in its fragment, which browsers keep to themselves
	Expires time.Time `json:"expires"`
}

// ConsoleLink makes a one-time link to the console of the running server.
func (c *Client) ConsoleLink(ctx context.Context) (*ConsoleLink, error) {
	var l ConsoleLink
	return &l, c.call(ctx, http.MethodPost, "console-link", struct{}{}, &l)
}

// ConsoleLink makes a one-time link to the console, while serving. It is recorded.
func (s *Server) ConsoleLink(ctx context.Context) (*ConsoleLink, error) {
	s.mu.Lock()
	f := s.front
	s.mu.Unlock()
	if f == nil {
		return nil, &requestError{errors.New("no server runs on this data directory: cairn serve starts one, with its console")}
	}
	if f.console == nil {
		return nil, &requestError{errors.New("this server has no console (--console-listen off)")}
	}
	if err := s.log.Writable(); err != nil {
		return nil, err // it could not be recorded
	}
	if err := s.audit(ctx, "CreateConsoleLink", false, nil, nil); err != nil {
		return nil, err
	}
	secret, expires := f.console.console.Link()
	return &ConsoleLink{URL: f.console.url + "/#link=" + secret, Expires: expires.UTC().Truncate(time.Second)}, nil
}

// consoleLink answers with a one-time link.
func (s *Server) consoleLink(w http.ResponseWriter, r *http.Request) error {
	var none struct{}
	if err := readJSON(w, r, &none); err != nil {
		return err
	}
	link, err := s.ConsoleLink(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, link)
	return nil
}

// validateConsole refuses what the console cannot be served on.
func (c Config) validateConsole() error {
	if c.ConsoleURL != "" {
		if _, err := console.ParseURL(c.ConsoleURL); err != nil {
			return &SettingError{"console-url", c.ConsoleURL, err.Error()}
		}
	}
	if c.ConsoleListen == "" || c.ConsoleListen == consoleOff {
		return nil
	}
	return c.validateListen("console-listen", c.ConsoleListen, DefaultConsole)
}

// listenConsole listens for browsers; without a console it returns nil.
func (c Config) listenConsole() (net.Listener, error) {
	if c.ConsoleListen == "" || c.ConsoleListen == consoleOff {
		return nil, nil
	}
	address := c.onLoopback(c.ConsoleListen)
	l, err := net.Listen("tcp", address)
	if c.ConsoleAnyPort && errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(address) // Validate has seen it
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the console on %s: %w (--console-listen takes another address, or off)", c.ConsoleListen, err)
	}
	return l, nil
}

// A consoleServer is the console with its listener. A nil one serves nothing.
type consoleServer struct {
	console  *console.Console
	server   *http.Server
	listener net.Listener
	url      string // without a slash at the end
}

// openConsole makes the console and listens, if there is to be one, and tells its URL. The
// front's routes must be there already.
func (s *Server) openConsole(f *front, address *Address) (err error) {
	listener, err := s.cfg.listenConsole()
	if err != nil || listener == nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, listener.Close())
		}
	}()
	c := &consoleServer{server: s.newPublicServer(), listener: listener}
	found := Address{URL: listenURL(listener.Addr())}
	if err := s.setUpTLS(c.server, &found); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("tell the console's port: %w", err)
	}
	c.url = found.URL
	if s.cfg.ConsoleURL != "" {
		u, err := console.ParseURL(s.cfg.ConsoleURL)
		if err != nil {
			return err
		}
		c.url = u.Scheme + "://" + u.Host
	}
	cfg := console.Config{
		Keys: f.identities, Records: f.recorder, Mux: f.mux, Routes: f.routes,
		Operator: func(context.Context) (aws.Identity, error) { return s.operator(f) },
		Regions:  s.regions(), Region: s.cfg.Region, Version: s.cfg.Version, Dev: s.cfg.Dev,
		Port: port, PublicURL: s.cfg.ConsoleURL, Assets: console.Assets(),
		Recheck: s.cfg.Recheck, Now: s.cfg.Now, Logger: s.cfg.Logger,
	}
	if t := c.server.TLSConfig; t != nil {
		cfg.Certified = func(host string) bool {
			pair, err := t.GetCertificate(nil)
			return err == nil && pair.Leaf.VerifyHostname(host) == nil
		}
	}
	if c.console, err = console.New(cfg); err != nil {
		return err
	}
	c.server.Handler = c.console
	f.console, address.Console = c, c.url
	return nil
}

// operator is the root user of the operator's account, whom a link signs in.
func (s *Server) operator(f *front) (aws.Identity, error) {
	account, err := f.identities.Account(s.cfg.AccountID)
	if err != nil {
		return aws.Identity{}, fmt.Errorf("find the operator's account: %w", err)
	}
	return aws.Identity{Type: "Root", AccountID: account.ID, PrincipalID: account.ID, ARN: "arn:aws:iam::" + account.ID + ":root", Operator: account.Operator}, nil
}

func (c *consoleServer) serve() error {
	if c == nil {
		return nil
	}
	return serveUntilClosed(c.server, c.listener)
}

// shutDown ends all sessions, and lets requests in progress finish for a while.
func (c *consoleServer) shutDown() error {
	if c == nil {
		return nil
	}
	c.console.Close()
	return shutDown(c.server)
}
