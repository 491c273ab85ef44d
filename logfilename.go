package cairn

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// A LogKind is the kind of events in a log file, and the name of the folder that
// the file lies in.
type LogKind string

// The kinds of log files, and of digest files.
const (
	LogKindCloudTrail      LogKind = "CloudTrail" // management and data events
	LogKindInsight         LogKind = "CloudTrail-Insight"
	LogKindNetworkActivity LogKind = "CloudTrail-NetworkActivity"
	LogKindAggregated      LogKind = "CloudTrail-Aggregated"
	LogKindDigest          LogKind = "CloudTrail-Digest" // has DigestFileName, not LogFileName
)

var logKinds = []LogKind{LogKindCloudTrail, LogKindInsight, LogKindNetworkActivity, LogKindAggregated}

// LogKindOf returns the kind of log file that takes events of a category, and
// whether there is one.
func LogKindOf(c Category) (LogKind, bool) {
	switch c {
	case Management, Data:
		return LogKindCloudTrail, true
	case Insight:
		return LogKindInsight, true
	case NetworkActivity:
		return LogKindNetworkActivity, true
	case Aggregated:
		return LogKindAggregated, true
	}
	return "", false
}

// A LogFileName is what the S3 key of a log file says. docs/format/logfiles.md
// draws the key.
type LogFileName struct {
	Prefix         string // the trail's S3KeyPrefix; may be empty
	OrganizationID string // "o-…" for organisation trails, else empty
	AccountID      string // the account whose events these are
	Kind           LogKind
	Region         string
	Time           time.Time // when the file was made, to the minute
	Unique         string    // 16 letters and digits; see UniqueString
}

const (
	logStampLayout    = "20060102T1504Z"
	digestStampLayout = "20060102T150405Z"
	folderDateLayout  = "2006/01/02"
	logFileSuffix     = ".json.gz"
	uniqueLength      = 16
)

// Key returns the file's S3 key.
func (n LogFileName) Key() string { return n.Folder() + n.File() }

// Folder returns the part of the key up to the last slash, with it.
func (n LogFileName) Folder() string {
	return RegionFolder(n.Prefix, n.OrganizationID, n.AccountID, n.Kind, n.Region) + n.Time.UTC().Format(folderDateLayout) + "/"
}

// File returns the part of the key behind the last slash.
func (n LogFileName) File() string {
	return n.AccountID + "_" + string(n.Kind) + "_" + n.Region + "_" + n.Time.UTC().Format(logStampLayout) + "_" + n.Unique + logFileSuffix
}

// KindFolder returns the folder of an account's files of a kind. CloudTrail
// writes an empty object with this key when a trail is made. Prefix and
// organization may be empty.
func KindFolder(prefix, organization, account string, kind LogKind) string {
	if prefix != "" {
		prefix += "/"
	}
	if organization != "" {
		organization += "/"
	}
	return prefix + "AWSLogs/" + organization + account + "/" + string(kind) + "/"
}

// RegionFolder returns the folder of an account's files of a kind from one
// region: what to list to find them all.
func RegionFolder(prefix, organization, account string, kind LogKind, region string) string {
	return KindFolder(prefix, organization, account, kind) + region + "/"
}

// A FileNameError says why an S3 key is not that of a log or digest file.
type FileNameError struct {
	Key    string
	Reason string
}

// Error names the key and the reason.
func (e *FileNameError) Error() string { return fmt.Sprintf("key %q: %s", shown(e.Key), e.Reason) }

// ParseLogFileKey takes the S3 key of a log file apart. The name must agree with
// the folders that it lies in: Key of what it returns is the same key again. A
// fault is returned as a *FileNameError.
func ParseLogFileKey(key string) (LogFileName, error) {
	k, err := parseFileKey(key)
	if err != nil {
		return LogFileName{}, err
	}
	n := LogFileName{Prefix: k.prefix, OrganizationID: k.organization, AccountID: k.account, Kind: k.kind, Region: k.region}
	if !slices.Contains(logKinds, k.kind) {
		return LogFileName{}, &FileNameError{key, "not in a folder of log files"}
	}
	stamp, unique, ok := strings.Cut(strings.TrimSuffix(k.rest, logFileSuffix), "_")
	if !ok || !validUnique(unique) {
		return LogFileName{}, &FileNameError{key, "no 16 letters and digits at the end of the name"}
	}
	n.Unique = unique
	if n.Time, ok = parseStamp(logStampLayout, stamp); !ok {
		return LogFileName{}, &FileNameError{key, "time is not of the form YYYYMMDDTHHMMZ"}
	}
	if n.Key() != key {
		return LogFileName{}, &FileNameError{key, "name and folders do not agree"}
	}
	return n, nil
}

// fileKey has the parts that the keys of log and digest files share.
type fileKey struct {
	prefix, organization, account, region string
	kind                                  LogKind
	rest                                  string // what stands in the file's name behind account, kind and region
}

// parseFileKey reads a key from its end, because prefixes may hold anything.
func parseFileKey(key string) (k fileKey, err error) {
	parts := strings.Split(key, "/")
	at := len(parts) - 8 // of AWSLogs, when there is no organisation
	switch {
	case at >= 0 && parts[at] == "AWSLogs":
		k.prefix = strings.Join(parts[:at], "/")
	case at >= 1 && parts[at-1] == "AWSLogs":
		k.prefix = strings.Join(parts[:at-1], "/")
		if k.organization = parts[at]; !strings.HasPrefix(k.organization, "o-") {
			return k, &FileNameError{key, "folder below AWSLogs is neither an account nor an organisation"}
		}
	default:
		return k, &FileNameError{key, "not AWSLogs, account, kind, region, year, month and day"}
	}
	k.account, k.kind, k.region = parts[at+1], LogKind(parts[at+2]), parts[at+3]
	if !validAccountID(k.account) {
		return k, &FileNameError{key, "account is not 12 digits"}
	}
	if !validRegion(k.region) {
		return k, &FileNameError{key, "region is not 1 to 64 of a-z, 0-9 and -"}
	}
	rest, ok := strings.CutPrefix(parts[at+7], k.account+"_"+string(k.kind)+"_"+k.region+"_")
	if !ok {
		return k, &FileNameError{key, "name does not begin with account, kind and region"}
	}
	if !strings.HasSuffix(rest, logFileSuffix) {
		return k, &FileNameError{key, "name does not end with " + logFileSuffix}
	}
	k.rest = rest
	return k, nil
}

// parseStamp reads a time that was written with layout.
func parseStamp(layout, s string) (time.Time, bool) {
	t, err := time.Parse(layout, s)
	return t, err == nil && t.Format(layout) == s
}

// The digits of unique strings, in the order of their bytes.
const uniqueDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// MaxUniqueOrder is the greatest order that UniqueString takes: three digits.
const MaxUniqueOrder = 62*62*62 - 1

// UniqueString returns the 16 letters and digits that tell the log files of one
// minute apart. Its first three sort by order, from 0 to MaxUniqueOrder, so that
// readers who remember the greatest key that they have seen miss no file; the
// other 13 hold 77 bits of seed. An order beyond the bounds counts as the bound.
func UniqueString(order int, seed [16]byte) string {
	var s [uniqueLength]byte
	order = min(max(order, 0), MaxUniqueOrder)
	for i := 2; i >= 0; i-- {
		s[i] = uniqueDigits[order%62]
		order /= 62
	}
	var high, low uint64
	for i := range 8 {
		high = high<<8 | uint64(seed[i])
		low = low<<8 | uint64(seed[8+i])
	}
	for i := 3; i < uniqueLength; i++ {
		var digit uint64
		rest := high % 62
		high /= 62
		low, digit = bits.Div64(rest, low, 62)
		s[i] = uniqueDigits[digit]
	}
	return string(s[:])
}

func validUnique(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(s) == uniqueLength
}
