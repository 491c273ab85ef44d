package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/eventlog"
	"cairn/internal/egress"
	"cairn/record"
)

// Config says what a Gateway needs. Routes, Log and AccountID are required, and Intents
// unless all routes are relaxed.
type Config struct {
	Routes []Route // the first one that matches takes a call

	Log        Log
	Intents    *Intents
	Identities *Identities // nil: nobody is known

	// Recorder counts calls that no identity can be named for: *record.Recorder.
	Recorder Counter

	// Regions are those that calls may be recorded in. Calls signed for others are refused,
	// but for those of global services; all are taken if it is empty.
	Regions []string

	// AccountID is that of callers without an account on routes without one, and Region that
	// of requests which name none, us-east-1 if empty.
	AccountID string
	Region    string

	// ForwardedFor are the networks of proxies whose X-Forwarded-For is believed.
	ForwardedFor []netip.Prefix

	// Egress lets calls to https://{host} through; by default to public addresses.
	Egress *egress.Guard

	// SlowBody is how long a request's body may make no progress: 30 s.
	SlowBody time.Duration

	Logger *slog.Logger     // default discards
	Now    func() time.Time // default time.Now
}

// A Counter counts calls that are not recorded one by one.
type Counter interface {
	Count(c *aws.Call, e *aws.Error)
}

// A Gateway passes calls to backends and records them. It is the handler of one listener.
type Gateway struct {
	cfg    Config
	routes []*route

	strays   counters // of calls without a route
	throttle throttle

	ctx      context.Context // of tunnels and chores
	cancel   context.CancelFunc
	entering sync.Mutex     // makes no tunnel begin after Close
	working  sync.WaitGroup // chores and tunnels
	closing  sync.Once
}

// New makes a Gateway, which must be closed.
func New(cfg Config) (*Gateway, error) {
	switch {
	case cfg.Log == nil:
		return nil, errors.New("gateway: no log")
	case len(cfg.Routes) == 0:
		return nil, errors.New("gateway: no routes")
	case !accountID(cfg.AccountID):
		return nil, fmt.Errorf("gateway: account %q is not 12 digits", cfg.AccountID)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	setDefault(&cfg.SlowBody, slowGrace)
	setDefault(&cfg.Region, "us-east-1")
	g := &Gateway{cfg: cfg}
	for _, r := range cfg.Routes {
		rt, err := newRoute(&cfg, r)
		if err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
		if slices.ContainsFunc(g.routes, func(other *route) bool { return other.Name == r.Name }) {
			return nil, fmt.Errorf("gateway: two routes are called %s", r.Name)
		}
		if !r.Relaxed && cfg.Intents == nil {
			return nil, fmt.Errorf("gateway: route %s is strict and there are no intents", r.Name)
		}
		g.routes = append(g.routes, rt)
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.working.Go(g.chores)
	return g, nil
}

// Close ends tunnels and connections to upstreams. The listener must be closed before, and
// its calls have ended.
func (g *Gateway) Close() error {
	var err error
	g.closing.Do(func() {
		g.entering.Lock()
		g.cancel()
		g.entering.Unlock()
		g.working.Wait()
		for _, rt := range g.routes {
			rt.backend.each((*upstream).close)
			err = errors.Join(err, g.summarise(context.Background(), rt))
		}
	})
	return err
}

// enter lets a tunnel begin, which Close then waits for, unless the Gateway is closed.
func (g *Gateway) enter() bool {
	g.entering.Lock()
	defer g.entering.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.working.Add(1)
	return true
}

// chores are what is to be done now and then.
func (g *Gateway) chores() {
	tick := time.NewTicker(healthInterval)
	defer tick.Stop()
	for n := 1; ; n++ {
		var checks sync.WaitGroup
		for _, rt := range g.routes {
			rt.backend.each(func(u *upstream) { u.prune(time.Now()) })
			checks.Go(func() { rt.backend.check(g.ctx) })
			if n%int(time.Minute/healthInterval) == 0 {
				if err := g.summarise(g.ctx, rt); err != nil {
					g.cfg.Logger.Error("the summary of excluded calls was not recorded; they stay counted", "route", rt.Name, "error", err)
				}
			}
		}
		checks.Wait()
		select {
		case <-g.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// summarise records how many calls the rules of a route have left out since the last time.
func (g *Gateway) summarise(ctx context.Context, rt *route) error {
	counts := make([]uint64, len(rt.rules))
	var rules []any
	for i, r := range rt.rules {
		if counts[i] = r.excluded.Swap(0); counts[i] > 0 {
			rules = append(rules, map[string]any{"operation": r.name(), "notRecorded": fmt.Sprint(counts[i])})
		}
	}
	if len(rules) == 0 {
		return nil
	}
	err := g.event(context.WithoutCancel(ctx), "ExcludedCalls", rt.Account, map[string]any{"route": rt.Name, "rules": rules})
	if err != nil {
		for i, r := range rt.rules {
			r.excluded.Add(counts[i])
		}
	}
	return err
}

// event records something that the gateway itself has to say, as an event of the source
// cairn.amazonaws.com.
func (g *Gateway) event(ctx context.Context, name, account string, parameters map[string]any) error {
	c := &aws.Call{
		Time: g.cfg.Now(), Service: aws.RouteService, Operation: name, Region: g.cfg.Region, Input: parameters,
		Identity: aws.Identity{Type: "AWSService", InvokedBy: "cairn.amazonaws.com"},
	}
	raw := record.Append(nil, c, record.Details{RecipientAccountID: cmp.Or(account, g.cfg.AccountID)})
	return g.append(ctx, raw, true)
}

// append makes a record durable in the log.
func (g *Gateway) append(ctx context.Context, raw []byte, reserve bool) error {
	results, err := g.cfg.Log.Append(ctx, eventlog.Batch{Origin: cairn.OriginGateway, Source: "gateway", Records: [][]byte{raw}, UseReserve: reserve})
	switch {
	case err != nil:
		return fmt.Errorf("append to the event log: %w", err)
	case len(results) != 1:
		return fmt.Errorf("append to the event log: %d results for one record", len(results))
	case results[0].Status != eventlog.Stored:
		return fmt.Errorf("the event log did not store the record (%s): %w", results[0].Status, cmp.Or(results[0].Err, errNotStored))
	}
	return nil
}

var errNotStored = errors.New("no reason was given")
