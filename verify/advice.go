package verify

import "cairn"

// Advice says what to do about findings of a kind; empty for those that need
// nothing, and for notes.
func (f *Finding) Advice() string {
	if f.Severity == Note {
		return ""
	}
	return advice[f.Kind]
}

// advice is what to do about findings, by their kinds.
var advice = map[string]string{
	KindMissingDigest:                    "bring deleted digests back with `cairn trail redeliver NAME --since TIME`, which has those of the last 30 days, or from the bucket's versions or a copy, and look for DeleteObject events; if a lifecycle rule removes old files, give --start-time",
	KindMissingLog:                       "bring deleted log files back with `cairn trail redeliver NAME --key KEY`, as far as the server still has their events, or from the bucket's versions or a copy, and look for DeleteObject events",
	KindUnlisted:                         "do not trust the content of log files that no digest lists; look for the PutObject events that made them",
	KindForeign:                          "whoever reads the folder may take foreign files for log files; look for the PutObject events that made them",
	string(cairn.LogFileModified):        "bring the original back with `cairn trail redeliver NAME --key KEY`, or from the bucket's versions or a copy, and look for PutObject events",
	string(cairn.DigestBadSignature):     "remove it and bring the original digest back with `cairn trail redeliver NAME --key KEY`, or from the bucket's versions or a copy; until then nothing is known of the log files that it lists",
	string(cairn.DigestUnknownKey):       "if you named the keys yourself, get those of the region and time with `aws cloudtrail list-public-keys --start-time … --end-time … --region …`; otherwise somebody else signed the digest, or a server that was not asked",
	string(cairn.DigestUnsigned):         "the object's metadata is gone: it was copied or written anew; bring the original version back",
	KindNoSignature:                      "make copies with `cairn verify s3://BUCKET --save FOLDER`, which keeps the signatures",
	KindGap:                              "look for StopLogging and StartLogging events at both ends; without them, digests were removed. To leave the gap out, give --start-time",
	KindOverdue:                          "`aws cloudtrail get-trail-status --name TRAIL` tells whether digests fail; for a trail that ended, give --end-time",
	KindNoDigests:                        "`aws cloudtrail update-trail --name TRAIL --enable-log-file-validation` makes digests from now on",
	KindNotCovered:                       "log files from a time without digests cannot be proved; --start-time and --end-time leave them out",
	KindOtherKind:                        "log files that the trail's digests do not list cannot be proved; look for the PutObject events that made them",
	KindLate:                             "verify again after the time that is named: a backfill digest then lists the log files that came late; look for the PutObject events of the others, and do not trust them until then",
	KindNoKeys:                           "get the keys with `aws cloudtrail list-public-keys --start-time … --end-time … --region REGION`, and name the file of each region with --keys REGION=FILE; or leave other regions out with --region",
	KindKeysBeside:                       "name keys that were kept elsewhere, or the server that knows them with --endpoint-url or --profile",
	KindStoreDamage:                      "the disk or somebody on the server changed what the store holds, which `cairn check` tells more of; bring it back with `cairn trail redeliver NAME --key KEY`",
	KindUnreadable:                       "make them readable, and verify again",
	string(cairn.DigestMoved):            "put the file back to where it was delivered to",
	string(cairn.DigestChainBroken):      "a digest was replaced by another one that is signed too; compare both with the bucket's versions",
	string(cairn.DigestMalformed):        "bring the original digest back from the bucket's versions or a copy; until then nothing is known of the log files that it lists",
	KindFork:                             "somebody else has signed digests of this trail too: a restored server, or a thief of the key",
	KindNotLinked:                        "somebody else has signed digests of this trail too: a restored server, or a thief of the key",
	string(cairn.DigestNoTimestamp):      "the object's metadata is gone: it was copied or written anew; bring the original version back",
	string(cairn.DigestHashBroken):       "a digest was replaced by another one that is signed too; compare both with the bucket's versions",
	string(cairn.DigestTimeGap):          "ask whoever runs the server: it signed a chain with a hole",
	string(cairn.DigestTimeOverlap):      "ask whoever runs the server: it signed digests whose times overlap",
	KindKeyAge:                           "a key that was no longer, or not yet, in use has signed it: it may have been stolen",
	KindListedTwice:                      "ask whoever runs the server: it signed two contents of one file",
	KindOrder:                            "ask whoever runs the server: it signed a chain that does not lead back in time",
	string(cairn.DigestUnknownAlgorithm): "only SHA256withRSA is known",
}

// A Verdict sums up a report.
type Verdict string

// The verdicts, worst first.
const (
	VerdictDamaged    Verdict = "damaged"
	VerdictUnreadable Verdict = "unreadable"
	VerdictUnproved   Verdict = "unproved"
	VerdictNothing    Verdict = "nothing found"
	VerdictProved     Verdict = "proved"
)

// Verdict is what the report comes to: its worst findings decide.
func (r *Report) Verdict() Verdict {
	switch {
	case r.Damage > 0:
		return VerdictDamaged
	case r.Unreadable > 0:
		return VerdictUnreadable
	case r.Unproved > 0:
		return VerdictUnproved
	case len(r.Chains) == 0:
		return VerdictNothing
	}
	return VerdictProved
}
