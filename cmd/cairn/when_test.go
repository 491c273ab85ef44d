package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("test", 2*3600)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, zone)
	local := func(y, m, d, h, min, s int) time.Time { return time.Date(y, time.Month(m), d, h, min, s, 0, zone) }
	tests := []struct {
		text string
		end  bool
		want time.Time
	}{
		{"0", false, time.Time{}},
		{"now", false, now},
		{"2h", false, now.Add(-2 * time.Hour)},
		{"7d", false, now.Add(-7 * 24 * time.Hour)},
		{"2w", false, now.Add(-14 * 24 * time.Hour)},
		{"1h30m", false, now.Add(-90 * time.Minute)},
		{"1422317782", false, time.Unix(1422317782, 0)},
		{"1422317782.0", false, time.Unix(1422317782, 0)},
		{"01-27-2015", false, local(2015, 1, 27, 0, 0, 0)},
		{"01-27-2015", true, local(2015, 1, 27, 23, 59, 59)},
		{"01-27-2015, 01:16 PM", false, local(2015, 1, 27, 13, 16, 0)},
		{"01-27-2015,01:16PM", false, local(2015, 1, 27, 13, 16, 0)},
		{"01-27-2015,01:16PM", true, local(2015, 1, 27, 13, 16, 0)},
		{"01/27/2015, 13:16", false, local(2015, 1, 27, 13, 16, 0)},
		{"01/27/2015", false, local(2015, 1, 27, 0, 0, 0)},
		{"2015-01-27", false, local(2015, 1, 27, 0, 0, 0)},
		{"2015-01-27", true, local(2015, 1, 27, 23, 59, 59)},
		{"2015-01-27, 01:16 PM", false, local(2015, 1, 27, 13, 16, 0)},
		{"2015-01-27 13:16:05", false, local(2015, 1, 27, 13, 16, 5)},
		{"2015-01-27T13:16:05Z", false, time.Date(2015, 1, 27, 13, 16, 5, 0, time.UTC)},
		{"2015-01-27T13:16:05+01:00", false, time.Date(2015, 1, 27, 12, 16, 5, 0, time.UTC)},
		{"2015-01-27T13:16:05", false, local(2015, 1, 27, 13, 16, 5)},
		{" 2015-01-27T13:16 ", false, local(2015, 1, 27, 13, 16, 0)},
		{"20150127T131605Z", false, time.Date(2015, 1, 27, 13, 16, 5, 0, time.UTC)},
	}
	for _, test := range tests {
		got, err := parseTime(test.text, now, test.end)
		if err != nil || !got.Equal(test.want) {
			t.Errorf("parseTime(%q, end %v) = %v, %v; want %v", test.text, test.end, got, err, test.want)
		}
	}
	for text, hint := range map[string]string{
		"27/01/2015":        "01/27/2015",
		"27-01-2015, 13:16": "2015-01-27",
		"31/12/2020":        "12/31/2020",
		"":                  "is not a time",
		"yesterday":         "is not a time",
		"-2h":               "is not a time",
		"13/13/2015":        "is not a time",
		"2015-02-30":        "is not a time",
		"99999999999d":      "is not a time",
	} {
		if got, err := parseTime(text, now, false); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("parseTime(%q) = %v, %v; want an error with %q", text, got, err, hint)
		}
	}
}

func TestParseRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "1w1d30m": 8*24*time.Hour + 30*time.Minute, "0": -1, "0d": -1} {
		if got, err := parseRetention(text); err != nil || got != want {
			t.Errorf("parseRetention(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "90", "d", "-1d", "1.5d", "90 d", "900000d", "x", "12h1d", "1d-1h", "1d+", "106751d24h"} {
		if got, err := parseRetention(text); err == nil {
			t.Errorf("parseRetention(%q) = %v; want an error", text, got)
		}
	}
}
