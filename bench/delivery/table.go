package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"cairn/bench/columns"
)

// A table is everything that was measured.
type table struct {
	backlog              contents
	one, hundred, twenty delivered
	small, big           *verified
	disk                 rate
	objects              bucketRate
	versitygw            *bucketRate
	remarks              []string

	rows [][]string
}

func (t *table) remark(format string, args ...any) {
	t.remarks = append(t.remarks, fmt.Sprintf(format, args...))
}

func (t *table) row(cells ...string) {
	for len(cells) < 4 {
		cells = append(cells, "")
	}
	t.rows = append(t.rows, cells)
}

// print writes the table and what must be known to read it.
func (t *table) print(out io.Writer, o *options) error {
	t.row("", "Cairn", "goal", "beside it")
	if t.backlog.Events > 0 {
		t.deliveries()
	}
	if t.small != nil {
		t.verification(t.small, fmt.Sprintf("verify %d log files of %d events (digests: %d)", t.small.serving.Files, smallEvents, t.small.serving.Digests), 5)
	}
	if t.big != nil {
		t.verification(t.big, fmt.Sprintf("verify %d log files of %.0f MB (digests: %d)", t.big.serving.Files, float64(t.big.serving.Bytes)/1e6/float64(t.big.serving.Files), t.big.serving.Digests), 1.8)
	}
	if t.objects.put.bytes > 0 {
		t.store()
	}
	columns.Print(out, t.rows, o.markdown)
	fmt.Fprintf(out, "\n%d processors, shared by all that runs. CPU is user and system time.\n", runtime.NumCPU())
	if t.backlog.Events > 0 {
		fmt.Fprintf(out, "Deliveries: a backlog of events of %d bytes in the mean, %.1f %% of them data events, in sealed segments, for trails of two regions,\n"+
			"cut, staged, synced and put into the embedded S3 within the process. No two trails have the same selectors. Memory\n"+
			"is what was resident at most, mapped files among it. The records in the bucket were compared with the backlog.\n", t.backlog.Bytes/int64(t.backlog.Events), 100*float64(t.backlog.Data)/float64(t.backlog.Events))
	}
	if t.objects.put.bytes > 0 {
		fmt.Fprintf(out, "Objects of 1 MiB from %d clients (aws-sdk-go-v2, signed) over loopback HTTP, which share the processors with the server; the disk's\n"+
			"rate is that of %d writers who sync each file and its folder. Cairn does so, too, before it answers; versitygw 1.8 syncs nothing.\n", objectClients, objectClients)
	}
	for _, r := range t.remarks {
		fmt.Fprintln(out, r)
	}
	return nil
}

func (t *table) deliveries() {
	n := float64(t.backlog.Events)
	perSecond := func(d delivered) float64 { return n / d.Elapsed.Seconds() }
	cpu := func(d delivered) float64 { return float64(d.CPU.Nanoseconds()) / 1e3 / n }
	megabytes := func(b int64) string { return fmt.Sprintf("%.0f MB", float64(b)/1e6) }
	t.row("events in the backlog", fmt.Sprint(t.backlog.Events))
	t.row("one trail", fmt.Sprintf("%.0f events/s", perSecond(t.one)), "≥ 60000")
	t.row("  records", fmt.Sprintf("%.0f MB/s", float64(t.backlog.Bytes)/1e6/t.one.Elapsed.Seconds()))
	t.row("  log files", fmt.Sprintf("%d, %.1f times smaller", t.one.Files, float64(t.backlog.Bytes)/float64(t.one.Size)))
	t.row("  CPU for each event", fmt.Sprintf("%.1f µs", cpu(t.one)))
	t.row("  peak memory, and memory before", megabytes(t.one.Peak)+", "+megabytes(t.one.Before), "≤ 256 MB")
	t.row("100 trails, one of which takes the events", fmt.Sprintf("%.0f events/s", perSecond(t.hundred)))
	t.row("  CPU for each event", fmt.Sprintf("%.1f µs", cpu(t.hundred)))
	t.row("  time and CPU of one trail's", fmt.Sprintf("%.2f× and %.2f×", t.hundred.Elapsed.Seconds()/t.one.Elapsed.Seconds(), cpu(t.hundred)/cpu(t.one)), "≤ 1.3×")
	t.row("  peak memory, and memory before", megabytes(t.hundred.Peak)+", "+megabytes(t.hundred.Before), "≤ 256 MB")
	t.row("20 trails, all of which take all events", fmt.Sprintf("%.0f events/s", perSecond(t.twenty)))
	t.row("  CPU for each event", fmt.Sprintf("%.1f µs", cpu(t.twenty)))
	t.row("  time and CPU of one trail's", fmt.Sprintf("%.2f× and %.2f×", t.twenty.Elapsed.Seconds()/t.one.Elapsed.Seconds(), cpu(t.twenty)/cpu(t.one)))
	t.row("  peak memory, and memory before", megabytes(t.twenty.Peak)+", "+megabytes(t.twenty.Before), "≤ 256 MB")
}

func (t *table) verification(v *verified, name string, goal float64) {
	if v.aws.elapsed == 0 {
		t.row(name, seconds(v.cairn.elapsed))
	} else {
		t.row(name, seconds(v.cairn.elapsed), "", "aws validate-logs "+seconds(v.aws.elapsed))
		t.row("  faster", fmt.Sprintf("%.1f×", v.aws.elapsed.Seconds()/v.cairn.elapsed.Seconds()), fmt.Sprintf("≥ %g×", goal))
	}
	cpu := func(u took) string {
		return fmt.Sprintf("%s + %s", seconds(u.cpu), seconds(u.server))
	}
	other := ""
	if v.aws.elapsed > 0 {
		other = cpu(v.aws)
	}
	t.row("  CPU, of the verifier and of the server", cpu(v.cairn), "", other)
}

func (t *table) store() {
	disk := t.disk.perSecond()
	speed := func(r rate) string { return fmt.Sprintf("%.0f MB/s", r.perSecond()) }
	cpu := func(r rate) string { return fmt.Sprintf("%.1f ms", float64(r.perObject())/1e6) }
	t.row("disk: write, fsync, fsync of the folder", speed(t.disk))
	for _, step := range []struct {
		name string
		of   func(*bucketRate) rate
	}{{"put objects", func(r *bucketRate) rate { return r.put }}, {"get objects", func(r *bucketRate) rate { return r.get }}} {
		other, otherCPU := "", ""
		if t.versitygw != nil {
			other, otherCPU = "versitygw "+speed(step.of(t.versitygw)), cpu(step.of(t.versitygw))
		}
		r := step.of(&t.objects)
		t.row(step.name, speed(r), "", other)
		t.row("  of the disk's rate", fmt.Sprintf("%.0f %%", 100*r.perSecond()/disk), "≥ 60 %")
		t.row("  CPU in the server for each", cpu(r), "", otherCPU)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
