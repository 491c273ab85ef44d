package delivery

import (
	"sync/atomic"
	"time"
)

// counters count since the start.
type counters struct {
	files, events, bytes, failures, given, digests, cuts, damages atomic.Uint64
	digest                                                        atomic.Int64 // end of the newest digest that was delivered, Unix seconds
}

func (c *counters) delivered(f *File) {
	c.files.Add(1)
	c.events.Add(uint64(f.Events))
	c.bytes.Add(uint64(f.Size))
}

func (c *counters) digested(end time.Time) {
	c.digests.Add(1)
	if t := end.Unix(); t > c.digest.Load() {
		c.digest.Store(t)
	}
}

func (c *counters) failedPut() { c.failures.Add(1) }
func (c *counters) abandoned() { c.given.Add(1) }
func (c *counters) failedCut() { c.cuts.Add(1) }
func (c *counters) damage()    { c.damages.Add(1) }

// Stats says how deliveries are doing.
type Stats struct {
	Files    uint64 // log files delivered since the start
	Events   uint64 // events in them
	Bytes    uint64 // of their objects
	Digests  uint64 // digests delivered since the start
	Failures uint64 // failed puts since the start
	GivenUp  uint64 // log files given up since the start

	FailedCuts uint64 // since the start
	Damages    uint64 // places of the event log that could not be read

	NewestDigest time.Time // end of the newest digest that was delivered since the start
	Cut          time.Time // when the log was last cut to its end; zero if it was not
	Position     string    // up to which the log is cut
	Backlog      int       // staged files that wait for their bucket
}

// Stats returns how deliveries are doing.
func (d *Delivery) Stats() Stats {
	c := &d.metrics
	s := Stats{
		Files: c.files.Load(), Events: c.events.Load(), Bytes: c.bytes.Load(), Digests: c.digests.Load(),
		Failures: c.failures.Load(), GivenUp: c.given.Load(), FailedCuts: c.cuts.Load(), Damages: c.damages.Load(),
	}
	if end := c.digest.Load(); end != 0 {
		s.NewestDigest = time.Unix(end, 0).UTC()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Cut, s.Position = d.lastCut, d.position.String()
	for _, n := range d.refs {
		s.Backlog += n
	}
	return s
}
