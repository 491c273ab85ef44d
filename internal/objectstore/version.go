package objectstore

import "fmt"

// bucket reads a bucket's row.
func (t *txn) bucket(name string) (*bucketRow, error) {
	b := &bucketRow{}
	ok, err := t.getJSON(bucketTable, []byte(name), b)
	if err != nil {
		return nil, err
	}
	if !ok && t.verdict.tables {
		return nil, &DamageError{File: t.path, What: "rows of buckets are missing, and this one may be among them"}
	}
	if !ok {
		return nil, ErrNoSuchBucket
	}
	b.Name = name
	return b, nil
}

// versions calls fn for each version of a key, newest first, until it says to
// stop.
func (t *txn) versions(bucket uint64, key string, fn func(*objectRow) bool) error {
	prefix := keyRows(bucket, key)
	return t.scan(objectTable, prefix, prefix, func(at, payload []byte) (bool, error) {
		row, err := t.objectAt(at, payload)
		if err != nil {
			return false, err
		}
		return fn(row), nil
	})
}

// current is the newest version of a key, or nil.
func (t *txn) current(bucket uint64, key string) (current *objectRow, err error) {
	err = t.versions(bucket, key, func(row *objectRow) bool {
		current = row
		return false
	})
	return current, err
}

// nullVersion is the null version of a key, or nil. Its place among the others
// is not known, so it is searched for; rows that are not it are not decoded.
func (t *txn) nullVersion(bucket uint64, key string) (null *objectRow, err error) {
	prefix := keyRows(bucket, key)
	err = t.scan(objectTable, prefix, prefix, func(at, payload []byte) (bool, error) {
		if len(payload) == 0 || payload[0]&flagNull == 0 {
			return true, nil
		}
		null, err = t.objectAt(at, payload)
		return false, err
	})
	return null, err
}

// objectAt decodes a row of the table of objects.
func (t *txn) objectAt(at, payload []byte) (*objectRow, error) {
	row, err := decodeObject(payload)
	if err != nil {
		return nil, t.damage(objectTable, at, err)
	}
	_, key, tail, ok := splitRow(at, 8)
	if !ok {
		return nil, t.damage(objectTable, at, errRowSum)
	}
	row.key, row.seq = key, sequenceOf(tail)
	return row, nil
}

// find reads the version that a Ref names: nil if there is none.
func (t *txn) find(bucket uint64, ref Ref) (*objectRow, error) {
	switch ref.VersionID {
	case "":
		return t.current(bucket, ref.Key)
	case NullVersion:
		return t.nullVersion(bucket, ref.Key)
	}
	seq, id, ok := decodeID(ref.VersionID)
	if !ok {
		return nil, nil
	}
	at := versionRow(bucket, ref.Key, seq)
	payload, ok, err := t.get(objectTable, at)
	if !ok || err != nil {
		return nil, err
	}
	row, err := t.objectAt(at, payload)
	if err != nil || row.ID != id || row.null {
		return nil, err
	}
	return row, nil
}

// isLatest says whether a version is the newest of its key.
func (t *txn) isLatest(bucket uint64, row *objectRow) (bool, error) {
	current, err := t.current(bucket, row.key)
	return current != nil && current.seq == row.seq, err
}

// segments reads which files hold the content of a version.
func (t *txn) segments(bucket uint64, row *objectRow) ([]segment, error) {
	if row.Segments == 0 {
		return nil, nil
	}
	at := versionRow(bucket, row.key, row.seq)
	var list []segment
	ok, err := t.getJSON(segmentTable, at, &list)
	if err == nil && (!ok || len(list) != row.Segments) {
		err = t.damage(segmentTable, at, fmt.Errorf("it should name %d files, and names %d", row.Segments, len(list)))
	}
	return list, err
}

// remove takes a version out of the index, and notes its files as garbage.
func (t *txn) remove(bucket uint64, row *objectRow) error {
	list, err := t.segments(bucket, row)
	if err != nil {
		return err
	}
	at := versionRow(bucket, row.key, row.seq)
	for _, table := range []string{objectTable, inlineTable, segmentTable} {
		if err := t.delete(table, at); err != nil {
			return err
		}
	}
	if row.marker {
		return t.addUsage(bucket, usage{Markers: -1})
	}
	for _, g := range list {
		if err := t.dropFile(g, row.ID); err != nil {
			return err
		}
	}
	return t.addUsage(bucket, usage{Objects: -1, Bytes: -row.Size})
}

// putFile notes that a content file belongs to an object, or to the upload
// that will be one.
func (t *txn) putFile(g segment, id objectID) error {
	if err := t.addCounts(counts{Files: 1}); err != nil {
		return err
	}
	return t.put(fileTable, fileKey(g.Gen, g.File), id[:])
}

// dropFile notes that a content file is garbage. It is removed once this is
// durable: the other way round, a crash could leave a row without content.
func (t *txn) dropFile(g segment, id objectID) error {
	t.freed = true
	if err := t.addCounts(counts{Files: -1}); err != nil {
		return err
	}
	at := fileKey(g.Gen, g.File)
	if err := t.delete(fileTable, at); err != nil {
		return err
	}
	return t.put(garbageTable, at, id[:])
}
