package eventlog

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"cairn"
)

// The largest batch that Append takes.
const (
	MaxBatchRecords = 10_000
	MaxBatchBytes   = 16 << 20
)

// aheadLimit is how far a record's time may lie ahead of its arrival before
// the record is flagged and goes by its arrival.
const aheadLimit = 15 * time.Minute

// doubleWindow is how far back in time of arrival doubles are looked for.
const doubleWindow = 24 * time.Hour

// A Batch is one request to append. Its accepted records become durable
// together or not at all.
type Batch struct {
	Origin cairn.Origin

	// Source says where the batch came from: a file, a peer, a listener. It is
	// kept with records that are quarantined.
	Source string

	// Records are the records' bytes. They are not modified, and not needed
	// after Append has returned.
	Records [][]byte

	// UseReserve lets the batch into the space that is reserved on a nearly
	// full disk.
	UseReserve bool
}

// A Status says what became of a record.
type Status uint8

const (
	Stored      Status = 1 + iota // durable, under a seq of its own
	Double                        // the same record is in the log already
	Expired                       // older than the log's retention
	Quarantined                   // malformed: set aside with the reason
)

// String returns "stored", "double", "expired" or "quarantined".
func (s Status) String() string {
	if s >= Stored && s <= Quarantined {
		return [...]string{"stored", "double", "expired", "quarantined"}[s-Stored]
	}
	return "unknown"
}

// A Result says what became of one record of a batch.
type Result struct {
	Status Status
	Seq    uint64      // of the stored record, or of the one that it doubles
	Flags  cairn.Flags // of a stored record
	Err    error       // of a quarantined record: a *cairn.RecordError
}

// Append adds a batch to the log. When it returns, its accepted records would
// survive a power cut and are found by Lookup. There is one result for each
// record. After an error some of the batch's records may have been stored; a
// second Append of the same batch finds those as doubles.
func (l *Log) Append(ctx context.Context, b Batch) ([]Result, error) {
	size := 0
	for _, r := range b.Records {
		size += len(r)
	}
	if len(b.Records) > MaxBatchRecords || size > MaxBatchBytes {
		return nil, ErrBatchTooLarge
	}
	if b.Origin < cairn.OriginRecorded || b.Origin > cairn.OriginAudit {
		return nil, ErrOrigin
	}
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return nil, ErrClosed
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if !b.UseReserve {
		if err := l.space.check(l); err != nil {
			return nil, err
		}
	}
	if err := l.memory.Acquire(ctx, int64(size)); err != nil {
		return nil, err
	}
	defer l.memory.Release(int64(size))

	a := appends.Get().(*appendWork)
	defer a.free()
	results := make([]Result, len(b.Records))
	rejected := a.extract(l, &b, results)
	if len(rejected) > 0 {
		if err := l.rejects.write(l.now(), &b, rejected); err != nil {
			return nil, err
		}
	}
	c := a.claim(l, &b, results)
	var err error
	if c != nil {
		a.build(&b, c)
		a.entries(c)
		err = l.submit(c)
	}
	a.settle(l, c, results, &err)
	if err != nil {
		return nil, err
	}
	l.stats.count(results, c)
	return results, nil
}

// Writable returns an error if Append would refuse a batch now: ErrStopped,
// ErrClosed, or ErrDiskFull for one that may not use the reserve.
func (l *Log) Writable() error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return ErrClosed
	}
	if err := l.Err(); err != nil {
		return err
	}
	return l.space.check(l)
}

// appendWork is the working memory of one Append.
type appendWork struct {
	records []appendRecord
	keys    []indexKey
	index   []indexed
	doubles []pendingDouble
	record  cairn.Record
	hasher  *leafHasher
	frames  []frame
}

// appendRecord is a record that passed extraction.
type appendRecord struct {
	at    int // in the batch
	scope Scope
	time  int64 // as the record gives it
	flags cairn.Flags
	keys  [2]int // range in appendWork.keys
	leaf  tlog.Hash
	store bool
}

// pendingDouble is a record whose twin is not durable yet.
type pendingDouble struct {
	at   int // in the batch
	twin claim
}

var appends = sync.Pool{New: func() any { return &appendWork{hasher: newLeafHasher()} }}

// free gives the memory back, without references to the caller's bytes.
func (a *appendWork) free() {
	clear(a.records)
	clear(a.keys)
	clear(a.index)
	clear(a.doubles)
	clear(a.frames)
	a.record = cairn.Record{Resources: a.record.Resources[:0]}
	a.records, a.keys, a.index, a.doubles = a.records[:0], a.keys[:0], a.index[:0], a.doubles[:0]
	if cap(a.keys) <= 1<<17 {
		appends.Put(a)
	}
}

// extract reads the fields of every record and makes their keys and leaf
// hashes. It returns the records that are malformed.
func (a *appendWork) extract(l *Log, b *Batch, results []Result) (rejected []reject) {
	now := l.now()
	ahead := now.Add(aheadLimit)
	var oldest time.Time
	if l.retention > 0 {
		oldest = now.Add(-l.retention)
	}
	scopes := scopeCache{hasher: l.hasher}
	for i, raw := range b.Records {
		r := &a.record
		if err := r.Extract(raw); err != nil {
			results[i] = Result{Status: Quarantined, Err: err}
			rejected = append(rejected, reject{i, raw, err})
			continue
		}
		if r.EventTime.Before(oldest) {
			results[i].Status = Expired
			continue
		}
		rec := appendRecord{at: i, scope: scopeOf(r), time: r.EventTime.Unix(), store: true}
		if r.EventTime.After(ahead) {
			rec.flags |= cairn.FlagAhead
		}
		rec.leaf = a.hasher.hash(raw)
		scope, wall := scopes.of(rec.scope)
		rec.keys[0] = len(a.keys)
		a.keys = appendKeys(a.keys, r, scope, wall, identity(r, rec.leaf[:]))
		rec.keys[1] = len(a.keys)
		a.records = append(a.records, rec)
	}
	return rejected
}

// claim finds the doubles among the records and claims the event IDs of the
// others, so that no other batch stores the same record meanwhile. It returns
// nil if nothing is to be stored.
func (a *appendWork) claim(l *Log, b *Batch, results []Result) *commit {
	c := &commit{done: make(chan struct{}), leaves: make([]tlog.Hash, 0, len(a.records))}
	d := &l.doubles
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.find(l, a, b.Origin)
	for i := range a.records {
		r := &a.records[i]
		id := a.keys[r.keys[0]+1].hash
		first, claimed := d.claims[id]
		if claimed {
			if twin, ok := d.twin(id, first, r.leaf); ok {
				r.store = false
				a.doubles = append(a.doubles, pendingDouble{r.at, twin})
				continue
			}
			r.flags |= cairn.FlagConflict
		}
		if f, ok := found[i]; ok {
			if f.same {
				r.store = false
				results[r.at] = Result{Status: Double, Seq: f.seq}
				continue
			}
			r.flags |= cairn.FlagConflict
		}
		results[r.at] = Result{Status: Stored, Flags: r.flags}
		if mine := (claim{c, uint32(c.records)}); claimed {
			d.others[id] = append(d.others[id], mine)
		} else {
			d.claims[id] = mine
		}
		c.leaves = append(c.leaves, r.leaf)
		c.records++
	}
	if c.records == 0 {
		return nil
	}
	return c
}

// build lays out the blocks that the committer will write.
func (a *appendWork) build(b *Batch, c *commit) {
	total := 0
	for i := range a.records {
		if r := &a.records[i]; r.store {
			total += len(b.Records[r.at]) + maxFrameOverhead
		}
	}
	c.buf = commitBuffers.get(total + (total/blockSize+2)*blockHeaderSize)[:0]
	a.frames = a.frames[:0]
	size := 0
	for i := range a.records {
		r := &a.records[i]
		if !r.store {
			continue
		}
		raw := b.Records[r.at]
		if len(a.frames) > 0 && size+len(raw)+maxFrameOverhead > blockSize {
			c.add(a.frames)
			a.frames, size = a.frames[:0], 0
		}
		// All records of a commit arrive when their block does.
		a.frames = append(a.frames, frame{origin: b.Origin, flags: r.flags, raw: raw})
		size += len(raw) + maxFrameOverhead
		c.raw += int64(len(raw))
	}
	c.add(a.frames)
}

// entries makes what the index will need to know of the stored records.
func (a *appendWork) entries(c *commit) {
	for i := range a.records {
		if r := &a.records[i]; r.store {
			a.index = append(a.index, indexed{scope: r.scope, time: r.time, ahead: r.flags&cairn.FlagAhead != 0,
				keys: a.keys[r.keys[0]:r.keys[1]]})
		}
	}
	c.index = a.index
}

// settle fills in the seqs, gives up the claims and waits for the twins of
// doubles to become durable.
func (a *appendWork) settle(l *Log, c *commit, results []Result, err *error) {
	if c != nil {
		seq := c.first
		for i := range a.records {
			if r := &a.records[i]; r.store {
				results[r.at].Seq = seq
				seq++
			}
		}
		d := &l.doubles
		d.mu.Lock()
		for i := range a.records {
			if r := &a.records[i]; r.store {
				d.release(a.keys[r.keys[0]+1].hash, c)
			}
		}
		d.mu.Unlock()
	}
	for _, p := range a.doubles {
		<-p.twin.commit.done
		if twinErr := p.twin.commit.err; twinErr != nil && *err == nil {
			*err = twinErr
		}
		results[p.at] = Result{Status: Double, Seq: p.twin.commit.first + uint64(p.twin.index)}
	}
}

// doubles knows the records that are on their way into the log.
type doubles struct {
	mu     sync.Mutex
	claims map[uint64]claim   // by event-ID key
	others map[uint64][]claim // of the same event ID with other bytes
}

// A claim is a record that is not durable and indexed yet.
type claim struct {
	commit *commit
	index  uint32 // among the commit's records
}

func (c claim) leaf() tlog.Hash { return c.commit.leaves[c.index] }

// twin returns the claim of the record with the given leaf hash.
func (d *doubles) twin(id uint64, first claim, leaf tlog.Hash) (claim, bool) {
	if first.leaf() == leaf {
		return first, true
	}
	for _, c := range d.others[id] {
		if c.leaf() == leaf {
			return c, true
		}
	}
	return claim{}, false
}

// release gives up one claim of a commit.
func (d *doubles) release(id uint64, c *commit) {
	others := d.others[id]
	if d.claims[id].commit != c {
		others = slices.DeleteFunc(others, func(o claim) bool { return o.commit == c })
	} else if len(others) == 0 {
		delete(d.claims, id)
		return
	} else {
		d.claims[id], others = others[0], others[1:]
	}
	if d.others[id] = others; len(others) == 0 {
		delete(d.others, id)
	}
}

// taken says that a record's event ID is in the log.
type taken struct {
	same bool // and so are its bytes
	seq  uint64
}

// find looks the records of a up in the index. Records that come as imports
// are looked for in all segments that reach their time, others in those of
// the last 24 hours.
func (d *doubles) find(l *Log, a *appendWork, origin cairn.Origin) map[int]taken {
	v, err := l.acquire()
	if err != nil {
		return nil
	}
	defer v.release()
	found := make(map[int]taken)
	recent := l.now().Add(-doubleWindow).UnixMicro()
	leaves := leafCache{hasher: a.hasher}
	for _, seg := range slices.Backward(v.segments) {
		switch seg := seg.(type) {
		case *liveSegment:
			seg.mu.RLock()
			for i := range a.records {
				r := &a.records[i]
				if e := seg.idx.keys.find(a.keys[r.keys[0]+1].hash); e != nil && !found[i].same {
					found[i] = seg.compare(e, r)
				}
			}
			seg.mu.RUnlock()
		case *sealedSegment:
			old := seg.idx.maxArrival < recent
			if old && origin != cairn.OriginImported {
				continue
			}
			// Lookups tell of an index that cannot be read. Here the records count
			// as new, since stored twice is better than not at all.
			_ = guard(seg.iname, seg.base, func() error {
				filter := bloom(seg.idx.section(secBloom))
				for i := range a.records {
					r := &a.records[i]
					id := a.keys[r.keys[0]+1].hash
					if old && !seg.reaches(r.time) || !filter.has(id) || found[i].same {
						continue
					}
					if t, ok := seg.compare(&leaves, id, r); ok {
						found[i] = t
					}
				}
				return nil
			})
		}
	}
	return found
}

// compare tells whether one of the events of e has the same bytes as r. The
// caller holds s.mu.
func (s *liveSegment) compare(e *keyEntry, r *appendRecord) taken {
	for i, ordinal := range slices.Backward(s.idx.keys.events(e)) {
		if s.leaves[ordinal] == r.leaf {
			return taken{same: true, seq: s.base + uint64(ordinal)}
		}
		if len(s.idx.keys.events(e))-i == maxCompared {
			break
		}
	}
	return taken{}
}

// reaches reports whether a record with the given time can be in the segment:
// within its times, or dated ahead of its arrivals and so filed under those.
func (s *sealedSegment) reaches(time int64) bool {
	return time >= s.idx.minTime && time <= s.idx.maxTime || time > s.idx.maxArrival/1e6
}

// maxCompared bounds the records with one event ID that a record is compared
// with, the newest first. A sender who gives many records the same ID gets
// them all flagged, and does not make others wait.
const maxCompared = 8

// compare tells whether the segment has an event with r's ID, and whether one
// of those has the same bytes.
func (s *sealedSegment) compare(leaves *leafCache, id uint64, r *appendRecord) (t taken, ok bool) {
	if s.verified() != nil {
		return taken{}, false
	}
	list, ok := s.idx.find(id)
	if !ok {
		return taken{}, false
	}
	compared := 0
	for c := list.chunks() - 1; c >= 0; c-- {
		for _, rank := range slices.Backward(list.chunk(c, nil)) {
			if rank >= s.idx.ranks() {
				return taken{}, false // a damaged list
			}
			ordinal := s.idx.ordinal(rank)
			if leaf, ok := leaves.leaf(s, ordinal); ok && leaf == r.leaf {
				return taken{same: true, seq: s.base + uint64(ordinal)}, true
			}
			if compared++; compared == maxCompared {
				return taken{}, true
			}
		}
	}
	return taken{}, true
}

// A leafCache has the leaf hashes of the block that was read last: records that
// come once more come in their old order as a rule.
type leafCache struct {
	hasher *leafHasher
	seg    *sealedSegment
	block  int
	first  uint32
	leaves []tlog.Hash
}

// leaf returns the leaf hash of a sealed record.
func (c *leafCache) leaf(seg *sealedSegment, ordinal uint32) (tlog.Hash, bool) {
	if block := seg.blockOf(ordinal); c.seg != seg || c.block != block {
		c.seg, c.block, c.leaves = seg, block, c.leaves[:0]
		err := readRecords(seg, block, func(o uint32, f *frame) {
			if len(c.leaves) == 0 {
				c.first = o
			}
			c.leaves = append(c.leaves, c.hasher.hash(f.raw))
		})
		if err != nil {
			c.seg = nil
			return tlog.Hash{}, false
		}
	}
	i := int(ordinal) - int(c.first)
	if i < 0 || i >= len(c.leaves) {
		return tlog.Hash{}, false
	}
	return c.leaves[i], true
}
