package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until it is interrupted. It needs no configuration: data is kept in
./cairn-data. The TCP port serves the AWS API, /health, /ready and /metrics; the other
commands talk to the server through a Unix socket in the data directory.

The first start makes the operator's account (--account-id) with an access key, and keeps
it in the file credentials in the data directory. "cairn env" prints what AWS clients need.

Trails deliver to the server's own S3, SNS and KMS. --s3 URL names another S3, which
CAIRN_S3_ACCESS_KEY_ID and CAIRN_S3_SECRET_ACCESS_KEY (and CAIRN_S3_REGION) give access to;
the same goes for --sns and --kms.

With --tls-cert and --tls-key the TCP port speaks TLS 1.3 or 1.2. The files are looked at
every second, and a renewed certificate is used without a restart.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.serverConfig()
			if err != nil {
				return err
			}
			var s *server.Server
			err = whenUnlocked(cmd.Context(), func() error {
				if addr, err := server.FindServer(cfg.Data); err == nil {
					return fmt.Errorf("a server runs on %s already: process %d, %s", cfg.Data, addr.PID, addr.URL)
				}
				if server.Exists(cfg.Data) != nil {
					// An address that cannot be had must not leave a data directory behind.
					if err := server.TryListen(cfg); err != nil {
						return err
					}
				}
				s, err = server.Open(cfg)
				return err
			})
			if err != nil {
				return err
			}
			err = s.Serve(cmd.Context(), func(addr server.Address, key *server.Credentials) { a.announce(cmd.Context(), s, cfg, addr, key) })
			if cerr := s.Close(); err == nil {
				err = cerr
			}
			return a.gatewayProblem(err)
		},
	}
}

// announce tells where the server is and what to try next. A terminal gets
// text, a log gets one line.
func (a *app) announce(ctx context.Context, s *server.Server, cfg server.Config, addr server.Address, key *server.Credentials) {
	data := cfg.Data
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	if !isTerminal(a.stderr) {
		cfg.Logger.Info("serving", slog.String("url", addr.URL), slog.String("console", addr.Console), slog.String("socket", addr.Socket), slog.String("data", data), slog.String("version", version()))
		logGateways(cfg, s.Gateways())
		return
	}
	flag := ""
	if a.settings.source["data"] != "default" {
		flag = " --data " + shellQuote(cfg.Data)
	}
	fmt.Fprintf(a.stderr, `Cairn %s serves %s
Data is in %s
%[6]s%[5]s
Try next, in another terminal:
  cairn demo%[4]s
  eval "$(cairn env%[4]s)" && aws cloudtrail lookup-events
  cairn tail -f%[4]s
`, version(), addr.URL, data, flag, a.keyText(cfg, key), a.consoleText(ctx, s, addr)+gatewayText(s.Gateways()))
}

// keyText shows the operator's access key, once.
func (a *app) keyText(cfg server.Config, key *server.Credentials) string {
	if key == nil {
		return ""
	}
	return fmt.Sprintf(`
The root user of account %s has a new access key, which is shown only now and kept in
%s:
  access key ID      %s
  secret access key  %s
`, cfg.AccountID, filepath.Join(cfg.Data, server.CredentialsName), key.AccessKeyID, key.Secret)
}
