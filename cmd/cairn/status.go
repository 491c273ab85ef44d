package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"cairn/server"
)

func (a *app) statusCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what the data directory holds and whether a server runs on it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usagef("--output %q: not one of text, json", format)
			}
			return a.withClient(cmd, func(client *server.Client) error {
				s, err := client.Status(cmd.Context())
				if err != nil {
					return err
				}
				if format == "json" {
					e := json.NewEncoder(a.stdout)
					e.SetIndent("", "  ")
					return e.Encode(s)
				}
				return a.printStatus(s)
			})
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return c
}

func (a *app) printStatus(s *server.Status) error {
	running := "no server runs"
	if s.Running {
		running = "serving " + s.URL
	}
	retention := s.Retention
	if retention == "0" {
		retention = "for ever"
	}
	lines := [][2]string{
		{"Data", s.Data},
		{"Server", running},
		{"Store", s.Store},
		{"Account", s.AccountID},
		{"Regions", strings.Join(s.Regions, ", ")},
		{"Retention", retention},
		{"Events", fmt.Sprintf("%d (%s of records)", s.Events, humanize.IBytes(uint64(s.RawBytes)))},
		{"Segments", fmt.Sprintf("%d, %d of them sealed", s.Segments, s.SealedSegments)},
		{"On disk", fmt.Sprintf("%s, S3 %s of it; %s free", humanize.IBytes(uint64(s.DiskBytes)), humanize.IBytes(uint64(s.ObjectBytes)), humanize.IBytes(s.FreeBytes))},
		{"Tree", fmt.Sprintf("%d records, root %s", s.HeadSize, s.HeadRoot)},
	}
	if s.Quarantined != nil {
		lines = append(lines, [2]string{"Quarantine", count(*s.Quarantined, "record") + " since the server started"})
	}
	lines = append(lines, gatewayLines(s.Gateway)...)
	if s.Problem != "" {
		lines = append(lines, [2]string{"Not ready", s.Problem})
	}
	for _, l := range lines {
		if _, err := fmt.Fprintf(a.stdout, "%-10s %s\n", l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}
