package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// timeHelp describes what parseTime accepts, for --help.
const timeHelp = `Times: 2h, 7d or 2w (so long ago), 2023-07-10, 2023-07-10T12:11:15Z,
"2023-07-10 12:11", 01-27-2015, "01/27/2015, 01:16 PM", 1422317782, now, or 0
for the beginning. Month before day in the forms with slashes. A time without a
zone is in the local one, as in the aws command line.`

// dateLayouts are the dates, and clockLayouts the times of day, that people
// type behind each other. The list is the one of the AWS documentation.
var (
	dateLayouts  = []string{"2006-01-02", "01-02-2006", "01/02/2006", "2006/01/02"}
	clockLayouts = []string{"15:04:05", "15:04", "03:04:05PM", "03:04PM", "3:04PM", "3:04:05PM", "3PM"}
	isoLayouts   = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "20060102T150405Z07:00"}

	relativeTime = regexp.MustCompile(`^\d`)
	unixTime     = regexp.MustCompile(`^\d{9,11}(\.\d+)?$`)
	dayFirst     = regexp.MustCompile(`^(1[3-9]|2\d|3[01])[-/](0?[1-9]|1[0-2])[-/](\d{4})`)
)

// parseTime reads a time as users type it. The zero time is the beginning of
// everything. With end, a date stands for its last second, otherwise for its
// first.
func parseTime(text string, now time.Time, end bool) (time.Time, error) {
	s := strings.TrimSpace(text)
	switch {
	case s == "0":
		return time.Time{}, nil
	case s == "now":
		return now, nil
	case unixTime.MatchString(s):
		whole, _, _ := strings.Cut(s, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not a time", text)
		}
		return time.Unix(n, 0), nil
	}
	if relativeTime.MatchString(s) {
		if d, err := parseSpan(s); err == nil {
			return now.Add(-d), nil
		}
	}
	for _, layout := range isoLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if m := dayFirst.FindStringSubmatch(s); m != nil {
		return time.Time{}, fmt.Errorf("%q seems to put the day first; write the month first, as in %02s/%s/%s, or %s-%02s-%s", text, m[2], m[1], m[3], m[3], m[2], m[1])
	}
	return parseDateAndClock(s, text, now.Location(), end)
}

// parseDateAndClock reads a date and perhaps a time of day behind it, apart by
// a comma, blanks or both.
func parseDateAndClock(s, text string, zone *time.Location, end bool) (time.Time, error) {
	date, clock, _ := strings.Cut(s, " ")
	if i := strings.IndexByte(s, ','); i >= 0 {
		date, clock = s[:i], s[i+1:]
	}
	clock = strings.ToUpper(strings.ReplaceAll(clock, " ", ""))
	for _, d := range dateLayouts {
		if clock == "" {
			t, err := time.ParseInLocation(d, date, zone)
			if err != nil {
				continue
			}
			if end {
				t = t.AddDate(0, 0, 1).Add(-time.Second)
			}
			return t, nil
		}
		for _, c := range clockLayouts {
			if t, err := time.ParseInLocation(d+" "+c, date+" "+clock, zone); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time; examples: 2h, 7d, 2023-07-10, 2023-07-10T12:11:15Z, 0", text)
}

// spanUnits are the units that Go's durations do not know.
var spanUnits = map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// longSpans are the weeks and days that a length of time may begin with.
var longSpans = regexp.MustCompile(`^(\d+w)?(\d+d)?`)

// parseSpan reads a length of time: 90d, 2w, 36h, 15m, 1h30m, 1d12h.
func parseSpan(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a length of time; examples: 90d, 2w, 36h, 1d12h", s)
	long := longSpans.FindStringSubmatch(s)
	var sum time.Duration
	for _, part := range long[1:] {
		if part == "" {
			continue
		}
		n := len(part) - 1
		unit := spanUnits[part[n]]
		count, err := strconv.ParseUint(part[:n], 10, 32)
		if err != nil || count > uint64((math.MaxInt64-sum)/unit) {
			return 0, bad
		}
		sum += time.Duration(count) * unit
	}
	rest := s[len(long[0]):]
	if rest == "" && s != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "-") || d > math.MaxInt64-sum {
		return 0, bad
	}
	return sum + d, nil
}
