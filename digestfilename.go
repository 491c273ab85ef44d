package cairn

import (
	"strings"
	"time"
)

// A DigestFileName is what the S3 key of a digest file says.
// docs/format/digest.md draws the key.
type DigestFileName struct {
	Prefix         string // the trail's S3KeyPrefix; may be empty
	OrganizationID string // "o-…" for organisation trails, else empty
	AccountID      string // the account whose log files the digest lists
	Region         string // the region whose log files the digest lists
	TrailName      string
	HomeRegion     string    // the trail's
	End            time.Time // the digest's digestEndTime, to the second
	Backfill       bool      // a digest of files that came late
}

const backfillSuffix = "_backfill"

// Key returns the file's S3 key.
func (n DigestFileName) Key() string {
	key := RegionFolder(n.Prefix, n.OrganizationID, n.AccountID, LogKindDigest, n.Region) +
		n.End.UTC().Format(folderDateLayout) + "/" +
		n.AccountID + "_" + string(LogKindDigest) + "_" + n.Region + "_" + n.TrailName + "_" + n.HomeRegion + "_" +
		n.End.UTC().Format(digestStampLayout)
	if n.Backfill {
		key += backfillSuffix
	}
	return key + logFileSuffix
}

// ParseDigestFileKey takes the S3 key of a digest file apart. The name must
// agree with the folders that it lies in: Key of what it returns is the same key
// again. A fault is returned as a *FileNameError.
func ParseDigestFileKey(key string) (DigestFileName, error) {
	k, err := parseFileKey(key)
	if err != nil {
		return DigestFileName{}, err
	}
	if k.kind != LogKindDigest {
		return DigestFileName{}, &FileNameError{key, "not in a folder of digest files"}
	}
	n := DigestFileName{Prefix: k.prefix, OrganizationID: k.organization, AccountID: k.account, Region: k.region}
	name := strings.TrimSuffix(k.rest, logFileSuffix)
	name, n.Backfill = strings.CutSuffix(name, backfillSuffix)
	// A trail's name may hold underscores, a region and a time may not.
	name, stamp, ok := cutLast(name, "_")
	if !ok {
		return DigestFileName{}, &FileNameError{key, "name has no trail, home region and time"}
	}
	if n.End, ok = parseStamp(digestStampLayout, stamp); !ok {
		return DigestFileName{}, &FileNameError{key, "time is not of the form YYYYMMDDTHHMMSSZ"}
	}
	if n.TrailName, n.HomeRegion, ok = cutLast(name, "_"); !ok || !validRegion(n.HomeRegion) {
		return DigestFileName{}, &FileNameError{key, "name has no trail and home region"}
	}
	if err := ValidateTrailName(n.TrailName); err != nil {
		return DigestFileName{}, &FileNameError{key, "name of the trail: " + err.Error()}
	}
	if n.Key() != key {
		return DigestFileName{}, &FileNameError{key, "name and folders do not agree"}
	}
	return n, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
