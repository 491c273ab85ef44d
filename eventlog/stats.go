package eventlog

import (
	"sync/atomic"
	"time"

	"cairn"
)

// Stats are figures about a log. The counters count from Open.
type Stats struct {
	Segments       int // in all
	SealedSegments int
	Waiting        int    // full segments that wait to be sealed
	Records        uint64 // kept
	RawBytes       int64  // of the records that are kept
	DiskBytes      int64  // of the segments' files
	OpenRecords    int    // in the open segment
	End            uint64 // seq behind the newest durable record

	Stored      uint64 // records appended
	StoredBytes uint64 // their bytes
	Doubles     uint64
	Conflicts   uint64
	Expired     uint64
	Quarantined uint64
	Syncs       uint64 // writes with their syncs
	SyncSeconds float64
	Damaged     int // segments that could not be opened
}

type counters struct {
	stored, storedBytes, doubles, conflicts, expired, quarantined atomic.Uint64
	syncs, syncNanos                                              atomic.Uint64
}

func (c *counters) sync(d time.Duration) {
	c.syncs.Add(1)
	c.syncNanos.Add(uint64(d))
}

func (c *counters) count(results []Result, committed *commit) {
	var n [Quarantined + 1]uint64
	conflicts := uint64(0)
	for i := range results {
		n[results[i].Status]++
		if results[i].Flags&cairn.FlagConflict != 0 {
			conflicts++
		}
	}
	c.stored.Add(n[Stored])
	c.doubles.Add(n[Double])
	c.expired.Add(n[Expired])
	c.quarantined.Add(n[Quarantined])
	c.conflicts.Add(conflicts)
	if committed != nil {
		c.storedBytes.Add(uint64(committed.raw))
	}
}

// Stats returns the log's figures.
func (l *Log) Stats() Stats {
	c := &l.stats
	s := Stats{
		Stored: c.stored.Load(), StoredBytes: c.storedBytes.Load(), Doubles: c.doubles.Load(), Conflicts: c.conflicts.Load(),
		Expired: c.expired.Load(), Quarantined: c.quarantined.Load(),
		Syncs: c.syncs.Load(), SyncSeconds: float64(c.syncNanos.Load()) / 1e9,
	}
	l.mu.Lock()
	s.End, s.Waiting, s.Damaged = l.end, l.sealing, len(l.lost)
	l.mu.Unlock()
	v, err := l.acquire()
	if err != nil {
		return s
	}
	defer v.release()
	s.Segments = len(v.segments)
	for _, seg := range v.segments {
		switch seg := seg.(type) {
		case *sealedSegment:
			s.SealedSegments++
			s.Records += uint64(seg.idx.count)
			s.RawBytes += int64(seg.idx.rawBytes)
			s.DiskBytes += seg.size + int64(len(seg.idx.data))
		case *liveSegment:
			seg.mu.RLock()
			s.Records += uint64(seg.count)
			s.RawBytes += seg.raw
			s.DiskBytes += seg.size
			s.OpenRecords = int(seg.count)
			seg.mu.RUnlock()
		}
	}
	return s
}
