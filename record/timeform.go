package record

import (
	"encoding/json"
	"strconv"
	"time"
)

func number(s string) any { return json.Number(s) }

// format returns a timestamp as a record has it. wire is the format that the model
// asks for, empty for the default of JSON protocols: seconds since 1970.
func (f timeForm) format(t time.Time, wire string) any {
	t = t.UTC()
	switch f {
	case timeNoComma:
		return t.Format("Jan 2, 2006 3:04:05 PM")
	case timeMillis:
		return number(strconv.FormatInt(t.UnixMilli(), 10))
	case timeWire:
		switch wire {
		case "iso8601":
			return t.Format(time.RFC3339Nano)
		case "rfc822":
			return t.Format("Mon, 02 Jan 2006 15:04:05 GMT")
		}
		if ms := t.UnixMilli(); ms%1000 != 0 {
			return number(strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64))
		}
		return number(strconv.FormatInt(t.Unix(), 10))
	}
	return t.Format("Jan 2, 2006, 3:04:05 PM")
}

// javaTimes are the formats of Java's that records use.
var javaTimes = []string{"Jan 2, 2006, 3:04:05 PM", "Jan 2, 2006 3:04:05 PM", time.RFC3339Nano}

// parse is the opposite of format, as far as the record tells the time.
func (f timeForm) parse(v any) (time.Time, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return time.Time{}, false
		}
		if f != timeMillis {
			n *= 1000
		}
		return time.UnixMilli(int64(n + 0.5)).UTC(), true
	case string:
		for _, layout := range javaTimes {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
