package eventlog_test

import (
	"errors"
	"syscall"
	"testing"

	"cairn"
	"cairn/eventlog"
	"cairn/internal/durable/faultfs"
)

// A quota that is used up is a full disk: the write is refused, and the log
// goes on.
func TestQuotaUsedUp(t *testing.T) {
	t.Parallel()
	poison := []byte(`{}`)
	for _, step := range []struct {
		kind   faultfs.Kind
		suffix string
		do     func(l *eventlog.Log) error
	}{
		{faultfs.WriteAt, ".log", func(l *eventlog.Log) error { _, err := send(l, plain(20)); return err }},
		{faultfs.OpenFile, ".log", func(l *eventlog.Log) error { return l.Seal(ctx) }},
		{faultfs.WriteAt, ".seg.tmp", func(l *eventlog.Log) error { return l.Seal(ctx) }},
		{faultfs.WriteAt, ".ndjson", func(l *eventlog.Log) error { _, err := send(l, poison); return err }},
	} {
		cfg := testConfig(t)
		disk := faultfs.New(cfg.FS)
		cfg.FS = disk
		l := open(t, cfg)
		mustSend(t, l, eventlog.Stored, plains(0, 3)...)
		disk.Inject(faultfs.Fault{Kinds: []faultfs.Kind{step.kind}, Suffix: step.suffix, Err: syscall.EDQUOT})
		err := step.do(l)
		if !errors.Is(err, eventlog.ErrDiskFull) && !errors.Is(err, syscall.EDQUOT) || errors.Is(err, eventlog.ErrStopped) {
			t.Errorf("%s %s: %v", step.kind, step.suffix, err)
		}
		if len(disk.Struck()) != 1 {
			t.Errorf("%s %s: struck %v", step.kind, step.suffix, disk.Struck())
		}
		disk.Reset()
		if err := l.Err(); err != nil {
			t.Errorf("%s %s: %v", step.kind, step.suffix, err)
			continue
		}
		mustSend(t, l, eventlog.Stored, plains(30, 33)...)
		mustSend(t, l, eventlog.Quarantined, poison)
		seal(t, l)
		if events := lookup(t, l, eventlog.Query{Scope: eventlog.Scope{Category: cairn.Management}}); len(events) != 6 {
			t.Errorf("%s %s: %d events of 6", step.kind, step.suffix, len(events))
		}
	}
}
