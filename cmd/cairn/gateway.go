package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cairn/gateway"
	"cairn/server"
)

// defaultGatewayListen is the address of a gateway that runs alone.
const defaultGatewayListen = "127.0.0.1:4588"

// gatewayFlags are those of a gateway without a configuration file: one port with
// one route.
type gatewayFlags struct {
	upstream, service, host, path, bucketDomains []string
	upstreamCA, record, signatures               string
	defaultService, to, identities, health       string
	authority                                    bool
}

func (a *app) gatewayCommand() *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Record the calls to a backend that speaks AWS's protocols",
		Long: `Stand before a backend that speaks AWS's protocols (MinIO, Ceph, an emulator, AWS
itself) and record every call as a CloudTrail event. Clients need another endpoint URL and
nothing else: their requests pass byte for byte, with their own signatures.

The records are kept in the data directory, so that lookup, tail, status and check work on
it as with a server. With --to they are also sent to a Cairn server, which may be away for
days: nothing is removed before it has answered. Its access key needs the permission
cairn:PutGatewayEvents, and comes from CAIRN_TO_ACCESS_KEY_ID and CAIRN_TO_SECRET_ACCESS_KEY
or else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; CAIRN_TO_CA_BUNDLE or AWS_CA_BUNDLE names
a file of certificates to trust.

A gateway with several ports or routes has them in the section "gateway" of the file that
--config names. "cairn serve" reads the same section, and runs the gateway beside the rest.`,
		Example: `  cairn gateway --upstream http://127.0.0.1:9000 --service s3
  cairn gateway --listen 127.0.0.1:9100 --upstream http://minio:9000 --to https://cairn.example.com:4586
  cairn gateway --config gateway.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runGateway(cmd, &f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.upstream, "upstream", nil, "URL of the backend, or several, which are taken in turns")
	for _, d := range settingDefs {
		switch d.name { // what they say of the server's port they say of the gateway's
		case "listen":
			flags.String(d.name, defaultGatewayListen, "address of the gateway; port 0 picks a free one")
		case "tls-cert", "tls-key":
			flags.String(d.name, d.def, strings.Replace(d.usage, "the server", "the gateway", 2))
		case "insecure":
			flags.Bool(d.name, false, d.usage)
		}
	}
	flags.StringVar(&f.to, "to", "", "URL of the Cairn server that the records are sent to")
	flags.StringSliceVar(&f.service, "service", nil, "services whose calls pass, by their signing names such as s3 (default all)")
	flags.StringSliceVar(&f.host, "host", nil, "hosts whose calls pass, such as *.amazonaws.com (default all)")
	flags.StringSliceVar(&f.path, "path", nil, "paths below which calls pass (default all)")
	flags.StringVar(&f.upstreamCA, "upstream-ca", "", "PEM file with the authorities of an https upstream (default the system's)")
	flags.StringVar(&f.record, "record", "strict", "strict: no call passes without its record; relaxed: calls pass that cannot be recorded")
	flags.StringVar(&f.signatures, "signatures", "record", "signatures that can be checked and are wrong: record, refuse, or off")
	flags.StringVar(&f.defaultService, "default-service", "", "service of requests that name none")
	flags.StringSliceVar(&f.bucketDomains, "bucket-domains", nil, "hosts of S3 below which a name is a bucket's")
	flags.StringVar(&f.identities, "identities", "", "file that tells who access keys belong to")
	flags.BoolVar(&f.authority, "authority", false, "learn who access keys belong to from the backend's answers of IAM and STS")
	flags.StringVar(&f.health, "health-listen", "", "address for /health, /ready and /metrics (default none)")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "account" { // as a route in the file has it
			name = "account-id"
		}
		return pflag.NormalizedName(name)
	})
	return c
}

// config returns the gateway of the flags.
func (f *gatewayFlags) config(cfg *server.Config) (*server.GatewayConfig, error) {
	r := gateway.Route{
		Name: "default", Services: f.service, Hosts: f.host, Paths: f.path, Upstreams: f.upstream, UpstreamCA: f.upstreamCA,
		DefaultService: f.defaultService, BucketDomains: f.bucketDomains, Authority: f.authority, Signatures: gateway.SignatureRule(f.signatures),
	}
	switch f.record {
	case "strict":
	case "relaxed":
		r.Relaxed = true
	default:
		return nil, usagef("--record %q: neither strict nor relaxed", f.record)
	}
	return &server.GatewayConfig{
		Identities: f.identities,
		Listeners: []server.GatewayListener{{
			Listen: cfg.Listen, TLSCert: cfg.TLSCert, TLSKey: cfg.TLSKey, Insecure: cfg.Insecure, Routes: []gateway.Route{r},
		}},
	}, nil
}

// gatewayServer returns the settings of a gateway that runs alone: those of the
// file, or of the flags.
func (a *app) gatewayServer(cmd *cobra.Command, f *gatewayFlags) (server.Config, error) {
	cfg, err := a.serverConfig()
	if err != nil {
		return cfg, err
	}
	if a.settings.source["listen"] == "default" {
		cfg.Listen = defaultGatewayListen
	}
	if cfg.Gateway != nil {
		for _, name := range []string{"upstream", "service", "host", "path", "upstream-ca", "record", "signatures", "default-service", "bucket-domains", "authority", "listen", "tls-cert", "tls-key"} {
			if cmd.Flags().Changed(name) {
				return cfg, usagef("--%s: the configuration file %s has the section gateway, which says that for each listener and route", name, a.settings.path)
			}
		}
		if f.identities != "" {
			cfg.Gateway.Identities = f.identities
		}
	} else {
		if len(f.upstream) == 0 {
			return cfg, usagef("cairn gateway: --upstream is missing: the URL of the backend, such as http://127.0.0.1:9000 (or --config with a section gateway)")
		}
		if cfg.Gateway, err = f.config(&cfg); err != nil {
			return cfg, err
		}
	}
	if f.to == "" {
		f.to = a.env["CAIRN_TO"]
	}
	if f.to != "" {
		cfg.Gateway.To = a.forwardTo(f.to)
	}
	cfg.Gateway.Health = f.health
	if to := cfg.Gateway.To; to.URL != "" && (to.Key.AccessKeyID == "" || to.Key.Secret == "") {
		return cfg, usagef("--to %s: there is no access key for it; set CAIRN_TO_ACCESS_KEY_ID and CAIRN_TO_SECRET_ACCESS_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", to.URL)
	}
	return cfg, nil
}

func (a *app) runGateway(cmd *cobra.Command, f *gatewayFlags) error {
	cfg, err := a.gatewayServer(cmd, f)
	if err != nil {
		return err
	}
	if err := a.validGateway(cfg); err != nil {
		return err
	}
	var s *server.Server
	err = whenUnlocked(cmd.Context(), func() error {
		if addr, err := server.FindServer(cfg.Data); err == nil {
			return fmt.Errorf("a server runs on %s already: process %d, %s; a gateway that runs alone has a data directory of its own", cfg.Data, addr.PID, addr.URL)
		}
		if server.Exists(cfg.Data) != nil {
			// An address that cannot be had must not leave a data directory behind.
			if err := server.TryListenGateway(cfg); err != nil {
				return err
			}
		}
		s, err = server.Open(cfg)
		return err
	})
	if err != nil {
		return err
	}
	err = s.ServeGateway(cmd.Context(), func(at []server.GatewayAddress) { a.announceGateway(cfg, at) })
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return a.gatewayProblem(err)
}

// announceGateway tells where the gateway is and what to try next. A terminal
// gets text, a log a line for each port.
func (a *app) announceGateway(cfg server.Config, at []server.GatewayAddress) {
	data := cfg.Data
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	if !isTerminal(a.stderr) {
		cfg.Logger.Info("serving the gateway", slog.String("data", data), slog.String("to", cfg.Gateway.To.URL), slog.String("version", version()))
		logGateways(cfg, at)
		return
	}
	flag := ""
	if a.settings.source["data"] != "default" {
		flag = " --data " + shellQuote(cfg.Data)
	}
	fmt.Fprintf(a.stderr, "Cairn %s\n%sData is in %s\n", version(), gatewayText(at), data)
	if to := cfg.Gateway.To.URL; to != "" {
		fmt.Fprintf(a.stderr, "Records are sent to %s\n", to)
	}
	fmt.Fprintf(a.stderr, "\nTry next, in another terminal, with the backend's own credentials:\n  %s\n", gatewayExports(at[0]))
	fmt.Fprintf(a.stderr, "  cairn tail -f%[1]s\n  cairn status%[1]s\n", flag)
}

// gatewayExports is what points AWS clients at a port.
func gatewayExports(p server.GatewayAddress) string {
	text := "export AWS_ENDPOINT_URL=" + shellQuote(p.URL)
	if p.CABundle != "" {
		text += " AWS_CA_BUNDLE=" + shellQuote(p.CABundle)
	}
	return text
}

// gatewayText tells where the ports of a gateway are, and what is behind them.
func gatewayText(at []server.GatewayAddress) (text string) {
	for _, p := range at {
		text += fmt.Sprintf("Calls to %s pass to %s and are recorded (%s)\n", p.URL, strings.Join(p.Upstreams, ", "), p.Name)
	}
	return text
}

// logGateways is gatewayText for a log.
func logGateways(cfg server.Config, at []server.GatewayAddress) {
	for _, p := range at {
		cfg.Logger.Info("recording", slog.String("gateway", p.Name), slog.String("url", p.URL), slog.String("upstreams", strings.Join(p.Upstreams, " ")))
	}
}

// validGateway refuses settings of a gateway that cannot be used.
func (a *app) validGateway(cfg server.Config) error { return a.gatewayProblem(cfg.Validate()) }

// gatewayProblem shows an error of the gateway's settings with its place.
func (a *app) gatewayProblem(err error) error {
	var bad server.GatewayError
	var one *server.SettingError
	if errors.As(err, &bad) {
		return a.refuseGateway(bad)
	} else if errors.As(err, &one) {
		return a.settings.refuse(one.Setting, one)
	}
	return err
}

// gatewayLines are what `cairn status` says of a gateway.
func gatewayLines(g *server.GatewayStatus) (lines [][2]string) {
	if g == nil {
		return nil
	}
	for _, l := range g.Listeners {
		lines = append(lines, [2]string{"Gateway", l.Name + " at " + l.URL})
		for _, r := range l.Routes {
			text := fmt.Sprintf("route %s (%s), %s", r.Name, r.Record, count(r.Total, "call"))
			for _, outcome := range slices.Sorted(maps.Keys(r.Calls)) {
				text += fmt.Sprintf(", %d %s", r.Calls[outcome], outcome)
			}
			lines = append(lines, [2]string{"", text})
			for _, u := range r.Upstreams {
				state := "answers"
				if !u.Healthy {
					state = "DOES NOT ANSWER"
				}
				lines = append(lines, [2]string{"", fmt.Sprintf("  %s %s", u.Address, state)})
			}
		}
		if l.Unrouted > 0 {
			lines = append(lines, [2]string{"", count(l.Unrouted, "call") + " that no route took"})
		}
	}
	if g.Kept > 0 {
		lines = append(lines, [2]string{"", count(uint64(g.Kept), "record") + " in reserved space, until the event log takes records again"})
	}
	f := g.Forward
	if f == nil {
		return lines
	}
	lines = append(lines, [2]string{"Sent to", f.To}, [2]string{"", fmt.Sprintf("%s, %d pending, the oldest for %s",
		count(f.Stored, "record"), f.Pending, time.Duration(f.LagSeconds*float64(time.Second)).Round(time.Second))})
	for _, r := range f.Refusals {
		lines = append(lines, [2]string{"", fmt.Sprintf("%s %s: %s (seq %d to %d)", count(r.Count, "record"), r.Status, r.Reason, r.FirstSeq, r.LastSeq)})
	}
	if f.Damaged > 0 {
		lines = append(lines, [2]string{"", count(f.Damaged, "record") + " could not be read here"})
	}
	if f.Problem != "" {
		lines = append(lines, [2]string{"", "since " + f.Since.UTC().Format(time.RFC3339) + ": " + f.Problem})
	}
	return lines
}
