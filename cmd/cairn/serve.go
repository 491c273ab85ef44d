package main

import (
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
./cairn-data. The TCP port serves /health, /ready and /metrics; the other
commands talk to the server through a Unix socket in the data directory.`,
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
				s, err = server.Open(cfg)
				return err
			})
			if err != nil {
				return err
			}
			err = s.Serve(cmd.Context(), func(addr server.Address) { a.announce(cfg, addr) })
			if cerr := s.Close(); err == nil {
				err = cerr
			}
			return err
		},
	}
}

// announce tells where the server is and what to try next. A terminal gets
// text, a log gets one line.
func (a *app) announce(cfg server.Config, addr server.Address) {
	data := cfg.Data
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	if !isTerminal(a.stderr) {
		cfg.Logger.Info("serving", slog.String("url", addr.URL), slog.String("socket", addr.Socket), slog.String("data", data), slog.String("version", version()))
		return
	}
	flag := ""
	if a.settings.source["data"] != "default" {
		flag = " --data " + shellQuote(cfg.Data)
	}
	fmt.Fprintf(a.stderr, `Cairn %s serves %s
Data is in %s

Try next, in another terminal:
  cairn import%[4]s ./path/to/AWSLogs --retention 0
  cairn lookup%[4]s --since 7d
  cairn tail -f%[4]s
`, version(), addr.URL, data, flag)
}
