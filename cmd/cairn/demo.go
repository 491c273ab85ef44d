package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/demo"
	"cairn/server"
)

func (a *app) demoCommand() *cobra.Command {
	var seed uint64
	c := &cobra.Command{
		Use:   "demo",
		Short: "Store a made-up day of activity, with a break-in to find",
		Long: `Make up what happens in the AWS account of a small company in the 24 hours up to
now, and store it as imported events of the operator's account: some 3,600 of them, and
among them a break-in. The events follow from --seed, the account and the time, so that
demo may be repeated: events that are there already are recognised, and only what would
have happened since the last time is added. It works with and without a running server.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			err = a.demo(cmd.Context(), client, seed)
			if cerr := client.Close(); err == nil {
				err = cerr
			}
			return err
		},
	}
	c.Flags().Uint64Var(&seed, "seed", 1, "another seed makes another day")
	return c
}

func (a *app) demo(ctx context.Context, client *server.Client, seed uint64) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	var incident time.Time
	var records [][]byte
	h, size := sha256.New(), int64(0)
	for _, e := range demo.LastDay(seed, status.AccountID, status.Region, time.Now()) {
		if e.Incident && incident.IsZero() {
			incident = e.Time
		}
		records = append(records, e.Raw)
		h.Write(e.Raw)
		size += int64(len(e.Raw))
	}
	file := server.ImportFile{SHA256: hex.EncodeToString(h.Sum(nil)), Name: "cairn demo", Size: size}
	state, err := client.BeginImport(ctx, file)
	if err != nil {
		return err
	}
	counts := server.ImportCounts{Double: state.Done}
	const batch = 1000
	for first := state.Done; first < int64(len(records)) && !state.Finished; first += batch {
		to := min(first+batch, int64(len(records)))
		result, err := client.ImportRecords(ctx, file, first, records[first:to], to == int64(len(records)))
		if err != nil {
			return fmt.Errorf("store the events: %w", err)
		}
		counts.Add(result.Counts)
	}
	_, err = fmt.Fprintf(a.stdout, "%d events of the 24 hours up to now in the account %s: %d are new, %d were there already.\n",
		len(records), status.AccountID, counts.Stored, counts.Double)
	if err != nil || counts.Quarantined > 0 || counts.Expired > 0 {
		if err == nil {
			err = fmt.Errorf("%d events were not kept: %d are older than the retention, %d were refused", counts.Expired+counts.Quarantined, counts.Expired, counts.Quarantined)
		}
		return err
	}
	return a.demoHints(incident, client.InProcess)
}

// demoHints tells how to find the break-in.
func (a *app) demoHints(incident time.Time, stopped bool) error {
	flag := ""
	if a.settings.source["data"] != "default" {
		flag = " --data " + shellQuote(a.settings.values["data"])
	}
	last := "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=StopLogging"
	if stopped {
		last = "cairn lookup" + flag + " --event-name StopLogging -o ndjson"
	} else if a.env["AWS_ENDPOINT_URL"] == "" {
		last = `eval "$(cairn env` + flag + `)" && ` + last
	}
	_, err := fmt.Fprintf(a.stdout, `
At %s UTC somebody breaks in with the password and the access key of %s. Find out how, and what for:
  cairn lookup%s --source-ip %s --since 2d --limit 0
  cairn lookup%s --username %s --not-read-only true --since 2d
  %s
`, incident.Format("2006-01-02 15:04"), demo.Victim, flag, demo.AttackerIP, flag, demo.Intruder, last)
	return err
}
