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

// nextSteps say what to do about findings of a kind. They are printed once for
// each.
var nextSteps = map[string]string{
	verify.KindMissingDigest:             "bring deleted digests back with `cairn trail redeliver NAME --since TIME`, which has those of the last 30 days, or from the bucket's versions or a copy, and look for DeleteObject events; if a lifecycle rule removes old files, give --start-time",
	verify.KindMissingLog:                "bring deleted log files back with `cairn trail redeliver NAME --key KEY`, as far as the server still has their events, or from the bucket's versions or a copy, and look for DeleteObject events",
	verify.KindUnlisted:                  "do not trust the content of log files that no digest lists; look for the PutObject events that made them",
	verify.KindForeign:                   "whoever reads the folder may take foreign files for log files; look for the PutObject events that made them",
	string(cairn.LogFileModified):        "bring the original back from the bucket's versions or a copy, and look for PutObject events",
	string(cairn.DigestBadSignature):     "bring the original digest back from the bucket's versions or a copy; until then nothing is known of the log files that it lists",
	string(cairn.DigestUnknownKey):       "if you named the keys yourself, get those of the region and time with `aws cloudtrail list-public-keys --start-time … --end-time … --region …`; otherwise somebody else signed the digest, or a server that was not asked",
	string(cairn.DigestUnsigned):         "the object's metadata is gone: it was copied or written anew; bring the original version back",
	verify.KindNoSignature:               "make copies with `cairn verify s3://BUCKET --save FOLDER`, which keeps the signatures",
	verify.KindGap:                       "look for StopLogging and StartLogging events at both ends; without them, digests were removed. To leave the gap out, give --start-time",
	verify.KindOverdue:                   "`aws cloudtrail get-trail-status --name TRAIL` tells whether digests fail; for a trail that ended, give --end-time",
	verify.KindNoDigests:                 "`aws cloudtrail update-trail --name TRAIL --enable-log-file-validation` makes digests from now on",
	verify.KindNotCovered:                "log files from a time without digests cannot be proved; --start-time and --end-time leave them out",
	verify.KindOtherKind:                 "log files that the trail's digests do not list cannot be proved; look for the PutObject events that made them",
	verify.KindLate:                      "verify again after the time that is named: a backfill digest then lists the log files that came late; look for the PutObject events of the others, and do not trust them until then",
	verify.KindNoKeys:                    "get the keys with `aws cloudtrail list-public-keys --start-time … --end-time … --region REGION`, and name the file of each region with --keys REGION=FILE; or leave other regions out with --region",
	verify.KindKeysBeside:                "name keys that were kept elsewhere, or the server that knows them with --endpoint-url or --profile",
	verify.KindUnreadable:                "make them readable, and verify again",
	string(cairn.DigestMoved):            "put the file back to where it was delivered to",
	string(cairn.DigestChainBroken):      "a digest was replaced by another one that is signed too; compare both with the bucket's versions",
	string(cairn.DigestMalformed):        "bring the original digest back from the bucket's versions or a copy; until then nothing is known of the log files that it lists",
	verify.KindFork:                      "somebody else has signed digests of this trail too: a restored server, or a thief of the key",
	verify.KindNotLinked:                 "somebody else has signed digests of this trail too: a restored server, or a thief of the key",
	string(cairn.DigestNoTimestamp):      "the object's metadata is gone: it was copied or written anew; bring the original version back",
	string(cairn.DigestHashBroken):       "a digest was replaced by another one that is signed too; compare both with the bucket's versions",
	string(cairn.DigestTimeGap):          "ask whoever runs the server: it signed a chain with a hole",
	string(cairn.DigestTimeOverlap):      "ask whoever runs the server: it signed digests whose times overlap",
	verify.KindKeyAge:                    "a key that was no longer, or not yet, in use has signed it: it may have been stolen",
	verify.KindListedTwice:               "ask whoever runs the server: it signed two contents of one file",
	verify.KindOrder:                     "ask whoever runs the server: it signed a chain that does not lead back in time",
	string(cairn.DigestUnknownAlgorithm): "only SHA256withRSA is known",
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
		if step := nextSteps[f.Kind]; step != "" && f.Severity != verify.Note && !told[step] {
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
	switch {
	case r.Damage > 0:
		verdict = "DAMAGED in " + count(uint64(r.Damage), "place")
	case r.Unreadable > 0:
		verdict = "NOT READABLE in " + count(uint64(r.Unreadable), "place")
	case r.Unproved > 0:
		verdict = "NOT ALL PROVED, no damage found"
	case len(r.Chains) == 0:
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
