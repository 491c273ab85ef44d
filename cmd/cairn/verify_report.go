package main

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"

	"cairn"
	"cairn/verify"
)

// severityLabels begin the lines of findings.
var severityLabels = map[verify.Severity]string{
	verify.Damage: "DAMAGE", verify.Unreadable: "UNREAD", verify.Unproved: "UNPROVED", verify.Note: "note",
}

// printVerification writes a report for people.
func printVerification(out io.Writer, r *verify.Report) error {
	w := bufio.NewWriter(out)
	var steps []string
	told := make(map[string]bool)
	shown := make(map[verify.Severity]int)
	for _, f := range r.Findings {
		shown[f.Severity]++
		printFinding(w, f)
		if step := f.Advice(); step != "" && !told[step] {
			told[step] = true
			steps = append(steps, step)
		}
	}
	for s, n := range map[verify.Severity]int{verify.Damage: r.Damage, verify.Unreadable: r.Unreadable, verify.Unproved: r.Unproved} {
		if n > shown[s] {
			fmt.Fprintf(w, "%-9s and %d more\n", severityLabels[s], n-shown[s])
		}
	}
	for _, step := range steps {
		fmt.Fprintf(w, "next      %s\n", step)
	}
	for _, c := range r.Chains {
		printChain(w, c)
	}
	verdict := "ok: all is proved"
	switch r.Verdict() {
	case verify.VerdictDamaged:
		verdict = "DAMAGED in " + count(uint64(r.Damage), "place")
	case verify.VerdictUnreadable:
		verdict = "NOT READABLE in " + count(uint64(r.Unreadable), "place")
	case verify.VerdictUnproved:
		verdict = "NOT ALL PROVED, no damage found"
	case verify.VerdictNothing:
		verdict = "NOTHING FOUND: there is no AWSLogs folder with digests or log files"
	}
	fmt.Fprintf(w, "%s: %s; %d of %s and %d of %s proved (%s)\n", printable(r.Source), verdict,
		r.DigestsProved, count(uint64(r.Digests), "digest"), r.LogFilesProved, count(uint64(r.LogFiles), "log file"), humanize.IBytes(uint64(r.Bytes)))
	return w.Flush()
}

func printFinding(w io.Writer, f verify.Finding) {
	fmt.Fprintf(w, "%-9s %s", severityLabels[f.Severity], f.Kind)
	if f.Key != "" {
		key := f.Key
		if f.Bucket != "" {
			key = "s3://" + f.Bucket + "/" + key
		}
		fmt.Fprintf(w, "  %s", printable(key))
	}
	if f.Detail != "" {
		fmt.Fprintf(w, "\n          %s", printable(f.Detail))
	}
	if !f.From.IsZero() || !f.Until.IsZero() {
		fmt.Fprintf(w, "\n          %s", span(f.From, f.Until))
	}
	fmt.Fprintln(w)
}

func printChain(w io.Writer, c verify.Chain) {
	name := "no trail's digests"
	if c.Trail != "" {
		name = "trail " + c.Trail + " (" + c.HomeRegion + ")"
	}
	place := "account " + c.AccountID + ", region " + c.Region
	if c.OrganizationID != "" {
		place += ", organization " + c.OrganizationID
	}
	if c.Prefix != "" {
		place += ", prefix " + c.Prefix
	}
	fmt.Fprintf(w, "%s, %s: %d of %s, %d of %s", printable(name), printable(place),
		c.DigestsProved, count(uint64(c.Digests), "digest"), c.LogFilesProved, count(uint64(c.LogFiles), "log file"))
	if !c.From.IsZero() {
		fmt.Fprintf(w, ", %s", span(c.From, c.Until))
	}
	fmt.Fprintln(w)
}

// span writes a span of time of which one end may be open.
func span(from, until time.Time) string {
	text := ""
	if !from.IsZero() {
		text = "from " + cairn.FormatDigestTime(from) + " "
	}
	if until.IsZero() {
		return text + "on"
	}
	return text + "to " + cairn.FormatDigestTime(until)
}
