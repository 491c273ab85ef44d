package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cairn"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// sqliteEngine is SQLite in this process: a write-ahead log synced at every
// commit, and one writer that commits what all waiting clients brought.
type sqliteEngine struct {
	dir        string
	writer     *sql.DB
	reader     *sql.DB
	requests   chan sqliteRequest
	done       sync.WaitGroup
	seq        int64
	codes      map[string]int64
	statements map[string]*sql.Stmt // the reader's, by text
}

type sqliteRequest struct {
	records [][]byte
	columns []columns
	answer  chan error
}

func newSQLite(s *spec) *sqliteEngine {
	return &sqliteEngine{dir: s.Dir, codes: map[string]int64{}, statements: map[string]*sql.Stmt{}}
}

const sqliteSchema = `
CREATE TABLE events (
	seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, scope INTEGER NOT NULL,
	event_id TEXT, event_name TEXT, read_only TEXT, username TEXT, event_source TEXT,
	access_key_id TEXT, error_code TEXT, source_ip TEXT, user_arn TEXT, raw BLOB NOT NULL);
CREATE INDEX events_time ON events (scope, time, seq);
CREATE TABLE resources (
	scope INTEGER NOT NULL, name TEXT NOT NULL, time INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL,
	PRIMARY KEY (scope, name, time, seq, type)) WITHOUT ROWID;
CREATE INDEX resources_type ON resources (scope, type, time, seq);
`

func (e *sqliteEngine) open(ctx context.Context) error {
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	// The cache is 256 MiB (a negative size is in KiB), the log is moved into
	// the file every 10,000 pages of 4 KiB.
	dsn := "file:" + filepath.Join(e.dir, "events.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-262144)&_pragma=wal_autocheckpoint(10000)&_pragma=busy_timeout(60000)"
	var err error
	if e.writer, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	e.writer.SetMaxOpenConns(1)
	if e.reader, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	schema := sqliteSchema
	for _, column := range columnOf {
		schema += fmt.Sprintf("CREATE INDEX events_%s ON events (scope, %s, time, seq) WHERE %s IS NOT NULL;\n", column, column, column)
	}
	if _, err := e.writer.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	e.requests = make(chan sqliteRequest)
	e.done.Go(e.write)
	return nil
}

func (e *sqliteEngine) append(ctx context.Context, records [][]byte) error {
	request := sqliteRequest{records, make([]columns, len(records)), make(chan error, 1)}
	for i, raw := range records {
		if err := request.columns[i].extract(new(cairn.Record), raw); err != nil {
			return err
		}
	}
	select {
	case e.requests <- request:
		return <-request.answer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write commits requests until their channel is closed: all that wait in one
// transaction.
func (e *sqliteEngine) write() {
	for first := range e.requests {
		group := []sqliteRequest{first}
	gather:
		for len(group) < 64 {
			select {
			case r, ok := <-e.requests:
				if !ok {
					break gather
				}
				group = append(group, r)
			default:
				break gather
			}
		}
		err := e.commit(group)
		for _, r := range group {
			r.answer <- err
		}
	}
}

func (e *sqliteEngine) commit(group []sqliteRequest) error {
	tx, err := e.writer.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after Commit
	events, err := tx.Prepare("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
	if err != nil {
		return err
	}
	defer events.Close()
	resources, err := tx.Prepare("INSERT OR IGNORE INTO resources VALUES (?,?,?,?,?)")
	if err != nil {
		return err
	}
	defer resources.Close()
	for _, r := range group {
		for i := range r.columns {
			c := &r.columns[i]
			e.seq++
			code := scopeCode(e.codes, c.account, c.region, c.category)
			_, err := events.Exec(e.seq, c.time, code, text(c.eventID), text(c.eventName), text(c.readOnly), text(c.username),
				text(c.eventSource), text(c.accessKeyID), text(c.errorCode), text(c.sourceIP), text(c.userARN), r.records[i])
			if err != nil {
				return fmt.Errorf("insert event: %w", err)
			}
			for _, resource := range c.listed {
				if _, err := resources.Exec(code, resource.Name, c.time, e.seq, resource.Type); err != nil {
					return fmt.Errorf("insert resource: %w", err)
				}
			}
		}
	}
	return tx.Commit()
}

// text is NULL for an absent value.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (e *sqliteEngine) settle(ctx context.Context) error {
	_, err := e.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func (e *sqliteEngine) prepare(ctx context.Context) error {
	_, err := e.writer.ExecContext(ctx, "PRAGMA analysis_limit=1000; ANALYZE")
	return err
}

func (e *sqliteEngine) lookup(ctx context.Context, q query, after cursor) ([]row, error) {
	statement, args := e.sql(q, after)
	prepared := e.statements[statement]
	if prepared == nil {
		var err error
		if prepared, err = e.reader.PrepareContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
		e.statements[statement] = prepared
	}
	found, err := prepared.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", statement, err)
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		if err := found.Scan(&r.Time, &r.Seq, &r.Raw); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// sql is the statement for a page of a query.
func (e *sqliteEngine) sql(q query, after cursor) (string, []any) {
	code := scopeCode(e.codes, scope.Account, scope.Region, cairn.Management)
	var args []any
	bounds := func(alias string) string {
		s := alias + ".scope = ?"
		args = append(args, code)
		if q.Since != 0 {
			s += " AND " + alias + ".time >= ?"
			args = append(args, q.Since)
		}
		if q.Until != 0 {
			s += " AND " + alias + ".time <= ?"
			args = append(args, q.Until)
		}
		if after != (cursor{}) {
			s += " AND (" + alias + ".time, " + alias + ".seq) < (?, ?)"
			args = append(args, after.Time, int64(after.Seq))
		}
		return s
	}
	if len(q.Filters) == 1 && isResource(q.Filters[0].Attribute) {
		where := bounds("r")
		args = append(args, q.Filters[0].Value, pageSize)
		return "SELECT e.time, e.seq, e.raw FROM (SELECT DISTINCT r.time, r.seq FROM resources r WHERE " + where + " AND r." + resourceColumn(q.Filters[0].Attribute) +
			" = ? ORDER BY r.time DESC, r.seq DESC LIMIT ?) AS r JOIN events e ON e.seq = r.seq ORDER BY r.time DESC, r.seq DESC", args
	}
	where := bounds("e")
	for _, f := range q.Filters {
		if isResource(f.Attribute) {
			where += " AND EXISTS (SELECT 1 FROM resources r WHERE r.scope = e.scope AND r.time = e.time AND r.seq = e.seq AND r." + resourceColumn(f.Attribute) + " = ?)"
		} else {
			where += " AND e." + columnOf[f.Attribute] + " = ?"
		}
		args = append(args, f.Value)
	}
	args = append(args, pageSize)
	return "SELECT e.time, e.seq, e.raw FROM events e WHERE " + where + " ORDER BY e.time DESC, e.seq DESC LIMIT ?", args
}

func isResource(a cairn.Attribute) bool {
	return a == cairn.AttrResourceName || a == cairn.AttrResourceType
}

func resourceColumn(a cairn.Attribute) string {
	if a == cairn.AttrResourceName {
		return "name"
	}
	return "type"
}

func (e *sqliteEngine) scan(ctx context.Context, yield func(raw []byte)) error {
	found, err := e.reader.QueryContext(ctx, "SELECT raw FROM events ORDER BY seq")
	if err != nil {
		return err
	}
	defer found.Close()
	var raw sql.RawBytes
	for found.Next() {
		if err := found.Scan(&raw); err != nil {
			return err
		}
		yield(raw)
	}
	return found.Err()
}

func (e *sqliteEngine) dropDay(ctx context.Context, end time.Time) error {
	tx, err := e.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after Commit
	// The events' index begins with the scope, so each scope is deleted by
	// itself.
	for code := range int64(len(e.codes)+1) * 16 {
		if _, err := tx.ExecContext(ctx, "DELETE FROM resources WHERE scope = ? AND time < ?", code, end.Unix()); err != nil {
			return fmt.Errorf("delete resources: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM events WHERE scope = ? AND time < ?", code, end.Unix()); err != nil {
			return fmt.Errorf("delete events: %w", err)
		}
	}
	return tx.Commit()
}

// usage is zero: SQLite runs in this process.
func (e *sqliteEngine) usage() (usage, error) { return usage{}, nil }

func (e *sqliteEngine) diskBytes() (int64, error) { return diskUsage(e.dir, "") }

func (e *sqliteEngine) close() error {
	if e.requests != nil {
		close(e.requests)
		e.done.Wait()
	}
	for _, s := range e.statements {
		s.Close()
	}
	if e.reader != nil {
		e.reader.Close()
	}
	if e.writer != nil {
		return e.writer.Close()
	}
	return nil
}
