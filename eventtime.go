package cairn

import "time"

// The index keeps times as 32-bit seconds since 1970: until 2106-02-07T06:28:15Z.
const maxEventSeconds = 1<<32 - 1

const (
	reasonTime      = "not an RFC 3339 time"
	reasonTimeRange = "outside the years 1970 to 2106 that can be indexed"
)

// parseEventTime reads an RFC 3339 time: YYYY-MM-DDTHH:MM:SS, an optional
// fraction of which nine digits count, then Z or a numeric offset. CloudTrail
// itself writes whole seconds with Z. time.Parse is not used because it takes
// more than RFC 3339 allows, such as a comma before the fraction.
func parseEventTime(s string) (t time.Time, reason string) {
	if len(s) < len("2006-01-02T15:04:05Z") ||
		s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, reasonTime
	}
	year := twoDigits(s, 0)*100 + twoDigits(s, 2)
	month, day := twoDigits(s, 5), twoDigits(s, 8)
	hour, minute, second := twoDigits(s, 11), twoDigits(s, 14), twoDigits(s, 17)
	if year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60 {
		return time.Time{}, reasonTime
	}
	nanos, zone := fraction(s[19:])
	offset, ok := zoneOffset(zone)
	if !ok {
		return time.Time{}, reasonTime
	}
	leap := second == 60
	if leap {
		second = 59
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day {
		return time.Time{}, reasonTime
	}
	t = t.Add(-offset)
	if leap {
		// A leap second comes at the end of a day only, and is counted as the
		// second after it.
		if t = t.Add(time.Second); t.Unix()%(24*60*60) != 0 {
			return time.Time{}, reasonTime
		}
	}
	if sec := t.Unix(); sec < 0 || sec > maxEventSeconds {
		return time.Time{}, reasonTimeRange
	}
	return t, ""
}

// fraction reads the fraction of a second at the front of s and returns what
// stands behind it. A point without digits stays in rest, where it is refused.
func fraction(s string) (nanos int, rest string) {
	if s[0] != '.' {
		return 0, s
	}
	i, scale := 1, 100_000_000
	for ; i < len(s) && isDigit(s[i]); i++ {
		nanos += int(s[i]-'0') * scale
		scale /= 10
	}
	if i == 1 {
		return 0, s
	}
	return nanos, s[i:]
}

// zoneOffset reads "Z" or an offset such as "+05:30".
func zoneOffset(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := twoDigits(s, 1), twoDigits(s, 4)
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// twoDigits reads the two digits at i; a very negative number means that they
// are none.
func twoDigits(s string, i int) int {
	hi, lo := s[i]-'0', s[i+1]-'0'
	if hi > 9 || lo > 9 {
		return -1 << 20
	}
	return int(hi)*10 + int(lo)
}
