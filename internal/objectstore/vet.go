package objectstore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"cairn/internal/durable"
)

// countsRow holds how many rows the tables have that nothing else counts.
const countsRow = "counts"

type counts struct {
	Buckets int64 `json:"buckets,omitempty"`
	Files   int64 `json:"files,omitempty"`
}

func (t *txn) addCounts(d counts) error {
	var c counts
	if _, err := t.getJSON(metaTable, []byte(countsRow), &c); err != nil {
		return err
	}
	c.Buckets += d.Buckets
	c.Files += d.Files
	return t.putJSON(metaTable, []byte(countsRow), c)
}

// A verdict is what a look at every row of the index has found. A damaged row
// is an error for whoever reads it. But the damage may be in its key, or the
// row may be gone with no trace but the counts: then nobody can say of
// anything in the same place that it is not there.
type verdict struct {
	rows    []string        // the damaged rows
	heal    *healing        // what to write, if nothing but counts is damaged
	tables  bool            // there are other numbers of buckets or files than the counts say
	buckets map[uint64]bool // by number: there are other numbers of objects or uploads than the usage says
}

func (v *verdict) clean() bool { return len(v.rows) == 0 && !v.tables && len(v.buckets) == 0 }

// vetIndex reads the whole index, and returns an error if its structure is not
// sound, so that bbolt must not be let near it.
func vetIndex(path string) (*verdict, error) {
	mapped, err := durable.OS.Map(path)
	if err != nil {
		return nil, err
	}
	defer mapped.Close()
	tally := newTally()
	p := &pages{file: mapped.Bytes(), row: tally.row}
	err = guard(path, p.walk) // the disk can fail under a mapping
	if err != nil {
		return nil, &DamageError{File: path, What: err.Error()}
	}
	return tally.verdict(), nil
}

// A tally counts rows as they come, to compare them with what the index says
// of itself.
type tally struct {
	damaged        []string
	countsOnly     bool     // no row is damaged but those that count
	damagedCounts  [][]byte // keys of the table of usage
	buckets, files int64
	counts         counts
	usage, found   map[uint64]usage
}

func newTally() *tally {
	return &tally{countsOnly: true, usage: map[uint64]usage{}, found: map[uint64]usage{}}
}

func (y *tally) row(table string, key, row []byte) {
	payload, err := decodeRow(table, key, row)
	if err == nil {
		err = y.count(table, key, payload)
	}
	if err == nil {
		return
	}
	y.damaged = append(y.damaged, fmt.Sprintf("table %s, row %q: %v", table, key, err))
	switch {
	case table == usageTable:
		y.damagedCounts = append(y.damagedCounts, append([]byte(nil), key...))
	case table == metaTable && string(key) == countsRow:
	default:
		y.countsOnly = false
	}
}

func (y *tally) count(table string, key, payload []byte) error {
	switch table {
	case metaTable:
		if string(key) == countsRow {
			return json.Unmarshal(payload, &y.counts)
		}
	case bucketTable:
		y.buckets++
	case fileTable:
		y.files++
	case usageTable, objectTable, uploadTable:
		if len(key) < 8 {
			return errRowSum
		}
		bucket := binary.BigEndian.Uint64(key)
		u := y.found[bucket]
		switch {
		case table == usageTable:
			var says usage
			err := json.Unmarshal(payload, &says)
			y.usage[bucket] = says
			return err
		case table == uploadTable:
			u.Uploads++
		default:
			object, err := decodeHead(payload)
			if err != nil {
				return err
			}
			if object.marker {
				u.Markers++
			} else {
				u.Objects++
				u.Bytes += object.Size
			}
		}
		y.found[bucket] = u
	}
	return nil
}

func (y *tally) verdict() *verdict {
	v := &verdict{rows: y.damaged, tables: y.buckets != y.counts.Buckets || y.files != y.counts.Files, buckets: map[uint64]bool{}}
	for bucket, u := range y.found {
		if y.usage[bucket] != u {
			v.buckets[bucket] = true
		}
	}
	for bucket, u := range y.usage {
		if y.found[bucket] != u {
			v.buckets[bucket] = true
		}
	}
	if len(y.damaged) > 0 && y.countsOnly {
		v.heal = &healing{counts{y.buckets, y.files}, y.found, y.damagedCounts}
	}
	return v
}

// A healing is what the damaged rows that only count others should say. All
// the others are sound: so the counts are at fault, and not what they count.
type healing struct {
	counts counts
	usage  map[uint64]usage
	drop   [][]byte
}

func (h *healing) do(t *txn) error {
	for _, key := range h.drop {
		if err := t.delete(usageTable, key); err != nil {
			return err
		}
	}
	for bucket, u := range h.usage {
		if err := t.putJSON(usageTable, keyPrefix(bucket, ""), u); err != nil {
			return err
		}
	}
	return t.putJSON(metaTable, []byte(countsRow), h.counts)
}
