package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"cairn"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresEngine is a PostgreSQL server of its own, started for the
// measurement: partitions by day, B-tree indexes, every commit synced.
type postgresEngine struct {
	dir     string
	clients int
	server  *exec.Cmd
	ended   chan struct{} // closed when the server has ended
	pool    *pgxpool.Pool
	seq     atomic.Int64
	empty   int64 // bytes on disk before the first event

	mu    sync.Mutex
	codes map[string]int64
}

func newPostgres(s *spec) *postgresEngine {
	return &postgresEngine{dir: s.Dir, clients: s.Clients, codes: map[string]int64{}}
}

// postgresProgram finds a program of the newest PostgreSQL on this machine.
func postgresProgram(name string) (string, error) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return postgresVersion(a) - postgresVersion(b) })
		return found[len(found)-1], nil
	}
	return exec.LookPath(name)
}

func postgresVersion(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// command returns a command that runs as an ordinary user: PostgreSQL refuses
// to run as root.
func (e *postgresEngine) command(program string, args ...string) (*exec.Cmd, error) {
	path, err := postgresProgram(program)
	if err != nil {
		return nil, fmt.Errorf("no PostgreSQL here: %w", err)
	}
	cmd := exec.Command(path, args...)
	// A process group of its own: an interrupt from the terminal must reach
	// the server through close alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		uid, gid, err := ordinaryUser()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		if err := os.Chown(e.dir, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	cmd.Dir = e.dir
	return cmd, nil
}

func ordinaryUser() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			if err1 == nil && err2 == nil {
				return uint32(uid), uint32(gid), nil
			}
		}
	}
	return 0, 0, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")
}

func (e *postgresEngine) data() string { return filepath.Join(e.dir, "data") }

func (e *postgresEngine) open(ctx context.Context) error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	initdb, err := e.command("initdb", "-D", e.data(), "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(e.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	settings := []string{
		"fsync=on", "synchronous_commit=on", "full_page_writes=on",
		"listen_addresses=", "unix_socket_directories=" + e.dir,
		"max_connections=" + strconv.Itoa(e.clients+20),
		"shared_buffers=" + strconv.FormatInt(sharedBuffers()>>20, 10) + "MB",
		"max_wal_size=8GB", "checkpoint_timeout=15min", "wal_compression=lz4", "default_toast_compression=lz4",
		"random_page_cost=1.1", "work_mem=16MB", "maintenance_work_mem=256MB", "jit=off", "timezone=UTC",
	}
	args := []string{"-D", e.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	if e.server, err = e.command("postgres", args...); err != nil {
		return err
	}
	e.server.Stdout, e.server.Stderr = log, log
	if err := e.server.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	e.ended = make(chan struct{})
	go func() {
		e.server.Wait()
		close(e.ended)
	}()
	if err := e.connect(ctx); err != nil {
		return err
	}
	if err := e.createTables(ctx); err != nil {
		return err
	}
	if _, err := e.pool.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	e.empty, err = diskUsage(e.data(), "pg_wal")
	return err
}

// sharedBuffers is a quarter of the machine's memory, at most 4 GiB.
func sharedBuffers() int64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 1 << 30
	}
	return min(int64(info.Totalram)*int64(info.Unit)/4, 4<<30)
}

// connect waits until the server answers.
func (e *postgresEngine) connect(ctx context.Context) error {
	address := url.URL{Scheme: "postgres", User: url.User("bench"), Path: "/postgres",
		RawQuery: url.Values{"host": {e.dir}, "pool_max_conns": {strconv.Itoa(e.clients + 1)}}.Encode()}
	pool, err := pgxpool.New(ctx, address.String())
	if err != nil {
		return err
	}
	e.pool = pool
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := pool.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-e.ended:
			text, _ := os.ReadFile(filepath.Join(e.dir, "log"))
			return fmt.Errorf("postgres ended at once: %s", text)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

const postgresSchema = `
CREATE TABLE events (
	time bigint NOT NULL, seq bigint NOT NULL, scope integer NOT NULL,
	event_id text, event_name text, read_only text, username text, event_source text,
	access_key_id text, error_code text, source_ip text, user_arn text, raw bytea NOT NULL) PARTITION BY RANGE (time);
CREATE INDEX ON events (scope, time, seq);
CREATE TABLE resources (
	time bigint NOT NULL, seq bigint NOT NULL, scope integer NOT NULL, type text NOT NULL, name text NOT NULL) PARTITION BY RANGE (time);
CREATE INDEX ON resources (scope, name, time, seq);
CREATE INDEX ON resources (scope, type, time, seq);
`

// day is the number of a partition: 0 is the day before the first event,
// where the late ones of its first minutes belong.
func day(n int) time.Time { return start.AddDate(0, 0, n-1) }

// days is the number of partitions.
const days = int(span/(24*time.Hour)) + 2

func (e *postgresEngine) createTables(ctx context.Context) error {
	statements := postgresSchema
	for _, column := range columnOf {
		statements += fmt.Sprintf("CREATE INDEX ON events (scope, %s, time, seq) WHERE %s IS NOT NULL;\n", column, column)
	}
	for n := range days {
		for _, table := range []string{"events", "resources"} {
			statements += fmt.Sprintf("CREATE TABLE %s_%d PARTITION OF %s FOR VALUES FROM (%d) TO (%d);\n",
				table, n, table, day(n).Unix(), day(n+1).Unix())
		}
	}
	if _, err := e.pool.Exec(ctx, statements); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	return nil
}

var (
	eventColumns = []string{"time", "seq", "scope", "event_id", "event_name", "read_only", "username", "event_source",
		"access_key_id", "error_code", "source_ip", "user_arn", "raw"}
	resourceColumns = []string{"time", "seq", "scope", "type", "name"}
)

// copyFrom is the number of records from which COPY is used and not INSERT.
const copyFrom = 10

func (e *postgresEngine) append(ctx context.Context, records [][]byte) error {
	events := make([][]any, len(records))
	var resources [][]any
	var c columns
	var r cairn.Record
	last := e.seq.Add(int64(len(records)))
	for i, raw := range records {
		r = cairn.Record{}
		if err := c.extract(&r, raw); err != nil {
			return err
		}
		seq, code := last-int64(len(records)-i)+1, e.code(&c)
		events[i] = []any{c.time, seq, int32(code), text(c.eventID), text(c.eventName), text(c.readOnly), text(c.username),
			text(c.eventSource), text(c.accessKeyID), text(c.errorCode), text(c.sourceIP), text(c.userARN), raw}
		for _, resource := range c.listed {
			resources = append(resources, []any{c.time, seq, int32(code), resource.Type, resource.Name})
		}
	}
	if len(records) < copyFrom {
		return e.insert(ctx, events, resources)
	}
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"events"}, eventColumns, pgx.CopyFromRows(events)); err != nil {
			return fmt.Errorf("copy events: %w", err)
		}
		if len(resources) == 0 {
			return nil
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"resources"}, resourceColumns, pgx.CopyFromRows(resources)); err != nil {
			return fmt.Errorf("copy resources: %w", err)
		}
		return nil
	})
}

// insert adds a few rows in one transaction and one round trip.
func (e *postgresEngine) insert(ctx context.Context, events, resources [][]any) error {
	var batch pgx.Batch // without BEGIN a batch is one transaction
	for _, row := range events {
		batch.Queue("INSERT INTO events VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)", row...)
	}
	for _, row := range resources {
		batch.Queue("INSERT INTO resources VALUES ($1,$2,$3,$4,$5)", row...)
	}
	if err := e.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("insert events: %w", err)
	}
	return nil
}

func (e *postgresEngine) code(c *columns) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return scopeCode(e.codes, c.account, c.region, c.category)
}

func (e *postgresEngine) settle(ctx context.Context) error {
	_, err := e.pool.Exec(ctx, "CHECKPOINT")
	return err
}

func (e *postgresEngine) prepare(ctx context.Context) error {
	_, err := e.pool.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

func (e *postgresEngine) lookup(ctx context.Context, q query, after cursor) ([]row, error) {
	statement, args := e.sql(q, after)
	found, err := e.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", statement, err)
	}
	rows, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (row row, err error) {
		err = r.Scan(&row.Time, &row.Seq, &row.Raw)
		return row, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", statement, err)
	}
	return rows, nil
}

// sql is the statement for a page of a query.
func (e *postgresEngine) sql(q query, after cursor) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	code := e.code(&columns{account: scope.Account, region: scope.Region, category: cairn.Management})
	bounds := func(alias string) string {
		s := alias + ".scope = " + arg(int32(code))
		if q.Since != 0 {
			s += " AND " + alias + ".time >= " + arg(q.Since)
		}
		if q.Until != 0 {
			s += " AND " + alias + ".time <= " + arg(q.Until)
		}
		if after != (cursor{}) {
			// A comparison of rows alone does not exclude partitions.
			t := arg(after.Time)
			s += " AND " + alias + ".time <= " + t + " AND (" + alias + ".time, " + alias + ".seq) < (" + t + ", " + arg(int64(after.Seq)) + ")"
		}
		return s
	}
	if len(q.Filters) == 1 && isResource(q.Filters[0].Attribute) {
		return "SELECT e.time, e.seq, e.raw FROM (SELECT DISTINCT r.time, r.seq FROM resources r WHERE " + bounds("r") +
			" AND r." + resourceColumn(q.Filters[0].Attribute) + " = " + arg(q.Filters[0].Value) +
			" ORDER BY r.time DESC, r.seq DESC LIMIT " + strconv.Itoa(pageSize) + ") r JOIN events e ON e.scope = " + arg(int32(code)) +
			" AND e.time = r.time AND e.seq = r.seq ORDER BY e.time DESC, e.seq DESC", args
	}
	where := bounds("e")
	for _, f := range q.Filters {
		if isResource(f.Attribute) {
			where += " AND EXISTS (SELECT 1 FROM resources r WHERE r.scope = e.scope AND r.time = e.time AND r.seq = e.seq AND r." +
				resourceColumn(f.Attribute) + " = " + arg(f.Value) + ")"
		} else {
			where += " AND e." + columnOf[f.Attribute] + " = " + arg(f.Value)
		}
	}
	return "SELECT e.time, e.seq, e.raw FROM events e WHERE " + where + " ORDER BY e.time DESC, e.seq DESC LIMIT " + strconv.Itoa(pageSize), args
}

func (e *postgresEngine) scan(ctx context.Context, yield func(raw []byte)) error {
	found, err := e.pool.Query(ctx, "SELECT raw FROM events")
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		yield(found.RawValues()[0])
	}
	return found.Err()
}

func (e *postgresEngine) dropDay(ctx context.Context, end time.Time) error {
	for n := range days {
		if day(n + 1).After(end) {
			break
		}
		if _, err := e.pool.Exec(ctx, fmt.Sprintf("DROP TABLE events_%d, resources_%d", n, n)); err != nil {
			return fmt.Errorf("drop day %d: %w", n, err)
		}
	}
	return nil
}

func (e *postgresEngine) usage() (usage, error) { return treeUsage(e.server.Process.Pid) }

// diskBytes leaves out the write-ahead log, which is recycled, and what an
// empty server takes.
func (e *postgresEngine) diskBytes() (int64, error) {
	n, err := diskUsage(e.data(), "pg_wal")
	return n - e.empty, err
}

func (e *postgresEngine) close() error {
	if e.pool != nil {
		e.pool.Close()
	}
	if e.ended == nil {
		return nil
	}
	e.server.Process.Signal(syscall.SIGINT) // fast shutdown
	select {
	case <-e.ended:
		return nil
	case <-time.After(60 * time.Second):
	}
	e.server.Process.Signal(syscall.SIGQUIT) // at once
	<-e.ended
	return errors.New("postgres did not stop within a minute and was made to")
}
