package main

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"cairn/bench/columns"
)

var wayNames = [ways]string{"no proxy", "bare ReverseProxy", "Cairn"}

// print writes the table and what must be known to read it.
func (b *bench) print(out io.Writer) error {
	rows := [][]string{{"", wayNames[direct], wayNames[bare], wayNames[recording], "Cairn / bare"}}
	for i, k := range kinds {
		name := "read"
		if k.method == http.MethodPut {
			name = "write"
		}
		l := b.loads[i]
		name = fmt.Sprintf("%s of %s, %d connections", name, sizeText(k.size), k.connections)
		switch {
		case k.size == largeObject:
			mb := func(l load) string { return fmt.Sprintf("%.0f MB/s", l.rate*largeObject/1e6) }
			rows = append(rows, []string{name, mb(l[direct]), mb(l[bare]), mb(l[recording]), ratio(l[recording].rate, l[bare].rate)})
		case k.connections == 1:
			latency := func(l load) string { return fmt.Sprintf("%.2f / %.2f ms", ms(l.p50), ms(l.p99)) }
			rows = append(rows, []string{name + ", p50 / p99", latency(l[direct]), latency(l[bare]), latency(l[recording]), ""})
			added := func(l, than load) string { return fmt.Sprintf("%.0f µs", us(l.p50-than.p50)) }
			appends := map[bool]time.Duration{true: 2, false: 1}[k.method == http.MethodPut]
			rows = append(rows, []string{"  added to no proxy", "", added(l[bare], l[direct]), added(l[recording], l[direct]), ""})
			rows = append(rows, []string{fmt.Sprintf("  and without %d append", appends), "", "", fmt.Sprintf("%.0f µs", us(l[recording].p50-l[direct].p50-appends*b.append)), ""})
		default:
			rate := func(l load) string { return fmt.Sprintf("%.0f/s", l.rate) }
			cpu := func(l load) string { return fmt.Sprintf("%.0f µs", us(l.cpu)) }
			rows = append(rows, []string{name, rate(l[direct]), rate(l[bare]), rate(l[recording]), ratio(l[recording].rate, l[bare].rate)})
			rows = append(rows, []string{"  p99", fmt.Sprintf("%.2f ms", ms(l[direct].p99)), fmt.Sprintf("%.2f ms", ms(l[bare].p99)), fmt.Sprintf("%.2f ms", ms(l[recording].p99)), ""})
			rows = append(rows, []string{"  CPU of the proxy, each call", "", cpu(l[bare]), cpu(l[recording]), fmt.Sprintf("+ %.0f µs", us(l[recording].cpu-l[bare].cpu))})
		}
	}
	rows = append(rows, []string{"memory of the proxy, peak", "", mb(b.peaks[bare]), mb(b.peaks[recording]), ""})
	columns.Print(out, rows, b.markdown)
	_, err := fmt.Fprintf(out, "\n%d processors, shared by load, proxy and backend. One append, an event made durable alone, has a p50 of %.0f µs. %d idle connections\n"+
		"are open to each proxy all the time. Medians of %d rounds of %v.\n", runtime.NumCPU(), us(b.append), idleConnections, b.rounds, b.period)
	return err
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func us(d time.Duration) float64 { return float64(d) / 1e3 }

func mb(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

func ratio(a, b float64) string { return fmt.Sprintf("%.0f %%", 100*a/b) }

func sizeText(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
