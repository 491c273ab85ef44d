package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"cairn"
	"cairn/eventlog"
)

// importBegin answers how far a file was imported before.
func (s *Server) importBegin(w http.ResponseWriter, r *http.Request) error {
	var f ImportFile
	if err := readJSON(w, r, &f); err != nil {
		return err
	}
	if !validSHA256(f.SHA256) {
		return &requestError{fmt.Errorf("sha256 %q is not 64 lower-case hex digits", f.SHA256)}
	}
	state, err := s.ledger.begin(f, s.cfg.Retention)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, state)
	return nil
}

// importRecords stores the next records of a file. It answers once they are
// durable, and after noting in the ledger how far the file came. A crash
// between the two makes the records come again; the log recognises them.
func (s *Server) importRecords(w http.ResponseWriter, r *http.Request) error {
	f, first, last, err := importParameters(r)
	if err != nil {
		return &requestError{err}
	}
	entry, err := s.ledger.entry(f.SHA256, first)
	if err != nil {
		return err
	}
	if entry.Finished {
		return &gapError{first, entry.Done}
	}
	records, err := readRecords(http.MaxBytesReader(w, r.Body, eventlog.MaxBatchBytes+4*eventlog.MaxBatchRecords+1))
	if err != nil {
		return err
	}
	batch := importBatch{source: f.Name, first: first, records: records, careful: entry.Again || entry.Resumed}
	result, err := batch.store(r, s)
	if err != nil {
		return err
	}
	result.State, err = s.ledger.advance(f, first, int64(len(records)), result.Counts, last, s.cfg.Retention)
	if err != nil {
		return err
	}
	s.metrics.countImported(result.Counts)
	// The first batch and the last one have events; those between are told by
	// the counts of the last.
	if first == 0 || last {
		err := s.audit(r.Context(), "ImportEvents", false, map[string]any{
			"name": f.Name, "sha256": f.SHA256, "size": strconv.FormatInt(f.Size, 10), "first": strconv.FormatInt(first, 10), "last": strconv.FormatBool(last),
		}, map[string]any{"counts": treeOf(result.State.Counts)})
		if err != nil {
			return err
		}
	}
	writeJSON(w, http.StatusOK, result)
	return nil
}

func importParameters(r *http.Request) (f ImportFile, first int64, last bool, err error) {
	q := r.URL.Query()
	f = ImportFile{SHA256: q.Get("sha256"), Name: q.Get("name")}
	if !validSHA256(f.SHA256) {
		return f, 0, false, fmt.Errorf("sha256 %q is not 64 lower-case hex digits", f.SHA256)
	}
	if f.Size, err = strconv.ParseInt(q.Get("size"), 10, 64); err != nil {
		return f, 0, false, fmt.Errorf("size %q is not a number of bytes", q.Get("size"))
	}
	first, err = strconv.ParseInt(q.Get("first"), 10, 64)
	if err != nil || first < 0 {
		return f, 0, false, fmt.Errorf("first %q is not the index of a record", q.Get("first"))
	}
	return f, first, q.Get("last") == "true", nil
}

// readRecords reads records, each behind its length (4 bytes, big-endian).
func readRecords(body io.Reader) ([][]byte, error) {
	br := bufio.NewReader(body)
	var records [][]byte
	for {
		if _, err := br.Peek(1); err == io.EOF {
			return records, nil
		}
		raw, err := readSized(br, eventlog.MaxBatchBytes)
		if err != nil {
			return nil, &requestError{fmt.Errorf("read record %d: %w", len(records), err)}
		}
		if len(records) == eventlog.MaxBatchRecords {
			return nil, eventlog.ErrBatchTooLarge
		}
		records = append(records, raw)
	}
}

// An importBatch is a row of records of one file.
type importBatch struct {
	source  string
	first   int64
	records [][]byte // an empty one stands for a record that the sender could not read
	careful bool     // any of them may be in the log already, even from long ago
}

// store appends the batch's records to the log and counts what became of them.
func (b *importBatch) store(r *http.Request, s *Server) (*ImportResult, error) {
	out := &ImportResult{}
	var raws [][]byte
	var indexes []int64
	for i, raw := range b.records {
		if len(raw) == 0 {
			out.Counts.Quarantined++
			continue
		}
		if b.careful {
			there, err := present(r.Context(), s.log, raw)
			if err != nil {
				return nil, err
			}
			if there {
				out.Counts.Double++
				continue
			}
		}
		raws = append(raws, raw)
		indexes = append(indexes, b.first+int64(i))
	}
	if len(raws) == 0 {
		return out, nil
	}
	results, err := s.log.Append(r.Context(), eventlog.Batch{Origin: cairn.OriginImported, Source: b.source, Records: raws})
	if err != nil {
		return nil, fmt.Errorf("append to event log: %w", err)
	}
	for i, res := range results {
		switch res.Status {
		case eventlog.Stored:
			out.Counts.Stored++
		case eventlog.Double:
			out.Counts.Double++
		case eventlog.Expired:
			out.Counts.Expired++
		case eventlog.Quarantined:
			out.Counts.Quarantined++
			reason := "not a well-formed record"
			if res.Err != nil {
				reason = res.Err.Error()
			}
			out.Quarantined = append(out.Quarantined, QuarantinedRecord{Index: indexes[i], Reason: reason})
		}
	}
	return out, nil
}
