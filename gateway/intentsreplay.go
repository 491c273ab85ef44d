package gateway

import (
	"cmp"
	"slices"
	"time"
)

// A replay reads the files of a journal, oldest first, and finds what is still
// needed of them.
//
// What is read may lie in the page cache only, if the last process met a failed
// sync. To use it does no harm: nobody was told that it is durable. But what may
// not be durable does not replace what is: copies do not replace their
// originals, a file that has nothing but such copies is begun anew, and the
// intent of a kept record stays needed.
type replay struct {
	files []*readIntents
	live  map[uint64]*Pending

	order      []*intentFile // used files, oldest first
	generation uint64        // the greatest
	next       uint64        // seq behind the greatest
	sure       uint64        // seq below which all entries were durable
	emptyHead  bool          // the newest file has nothing but copies, if that
	damage     []*replayDamage
}

type replayDamage struct {
	IntentsDamage
	from *readIntents
}

func (r *replay) run() error {
	files := slices.DeleteFunc(slices.Clone(r.files), func(f *readIntents) bool { return !f.used })
	slices.SortStableFunc(files, func(x, y *readIntents) int { return cmp.Compare(x.header.generation, y.header.generation) })
	r.next = 1
	for _, f := range files {
		r.order = append(r.order, f.file)
		r.generation = max(r.generation, f.header.generation)
		r.next = max(r.next, f.header.first)
		if !f.headed {
			r.hurt(f, -1, 0)
		}
	}
	last, tail, err := r.last(files)
	if err != nil {
		return err
	}
	r.emptyHead = last < len(files)-1
	r.sure = r.next
	if last < 0 && len(files) > 0 && files[0].headed {
		r.sure = files[0].header.sure
	}

	expected := uint64(0) // seq of the next entry; 0: not known
	for i, f := range files[:last+1] {
		if f.headed && expected == 0 {
			expected = f.header.first
		}
		// Below sure, entries were durable when the next file was begun: one that
		// is missing is damage.
		sure := tail
		if i+1 < len(files) && files[i+1].headed {
			sure = files[i+1].header.sure
		}
		entries, err := f.entries()
		if err != nil {
			return err
		}
		end := int64(fileHeaderSize)
		for k := range entries {
			e := &entries[k]
			// A group is written only after the one before it is durable.
			if due := max(e.group, min(e.seq, sure)); expected > 0 && due > expected {
				r.hurt(f, end, due-expected)
			}
			expected = max(expected, e.seq+1)
			end = e.at + e.size()
			r.take(f, e, e.seq < sure)
		}
		r.next = max(r.next, expected)
		if i+1 < len(files) && files[i+1].headed {
			next := files[i+1].header
			if expected > 0 && next.sure > expected {
				r.hurt(f, end, next.sure-expected)
			}
			expected = max(expected, next.first)
		}
		r.sure = sure
	}
	r.sure = min(r.sure, r.next)
	return nil
}

// last finds the newest file that holds more than copies that do not count, -1
// if none does, and the seq with which its last group begins. The files behind
// it were only begun.
func (r *replay) last(files []*readIntents) (last int, tail uint64, err error) {
	for last = len(files) - 1; last >= 0; last-- {
		entries, err := files[last].entries()
		if err != nil {
			return 0, 0, err
		}
		n := len(entries)
		if n == 0 {
			continue
		}
		r.next = max(r.next, entries[n-1].seq+1)
		tail = entries[n-1].group
		if slices.ContainsFunc(entries, func(e foundEntry) bool { return e.flags&flagCarried == 0 || e.group != tail }) ||
			last+1 < len(files) && files[last+1].headed && files[last+1].header.sure > tail {
			return last, tail, nil
		}
	}
	return -1, 0, nil
}

// entries are the sound entries of a file. They are read each time anew: a ring
// can have many times what is needed of it.
func (f *readIntents) entries() ([]foundEntry, error) {
	data, err := f.load()
	if err != nil {
		return nil, unreadable(f.file, err)
	}
	return scanEntries(data, f.header.generation), nil
}

// take does what an entry says. Sure says that it was durable.
func (r *replay) take(f *readIntents, e *foundEntry, sure bool) {
	p := &Pending{number: e.intent, room: int(e.room), entryPlace: entryPlace{f.file, e.at, e.size()}}
	have := r.live[e.intent]
	switch e.kind {
	case entryIntent:
		p.state = pendingOpen
		switch {
		case have == nil || have.state == pendingOpen:
			r.live[e.intent] = p
		case have.older.file != nil: // a copy
			have.older = p.entryPlace
		}
	case entryKept:
		p.state = pendingKept
		if have != nil && !sure {
			// Its caller may not have heard that it is durable, but has heard so of
			// the intent.
			p.older = have.entryPlace
			if have.older.file != nil {
				p.older = have.older
			}
		}
		r.live[e.intent] = p
	case entryEnd:
		if sure { // else the log is asked
			delete(r.live, e.intent)
		}
	}
}

// hurt notes damage.
func (r *replay) hurt(f *readIntents, offset int64, entries uint64) {
	d := &replayDamage{IntentsDamage: IntentsDamage{File: f.file.name, Offset: offset, Entries: entries}, from: f}
	if f.header.created > 0 {
		d.Begun = time.UnixMicro(f.header.created)
	}
	r.damage = append(r.damage, d)
}

// fileBytes is the size that the files have: by the newest header that the
// length of its file agrees with, 0 if there is none.
func (r *replay) fileBytes() int64 {
	var newest fileHeader
	for _, f := range r.files {
		if f.headed && f.header.size == f.length && (newest.size == 0 || f.header.generation > newest.generation) {
			newest = f.header
		}
	}
	return newest.size
}
