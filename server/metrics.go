package server

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cairn"
)

// metrics are what /metrics tells. What the event log counts itself is read
// from it when asked for.
type metrics struct {
	registry *prometheus.Registry
	appended *prometheus.CounterVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		appended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_events_appended_total",
			Help: "Records given to the event log since the start, by what became of them and by origin.",
		}, []string{"status", "origin"}),
	}
	m.countImported(ImportCounts{}) // the series exist from the start
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "cairn_build_info",
		Help:        "Always 1; the labels tell the version.",
		ConstLabels: prometheus.Labels{"version": s.cfg.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.appended, build, &logCollector{s: s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func (m *metrics) countImported(c ImportCounts) {
	origin := cairn.OriginImported.String()
	m.appended.WithLabelValues("stored", origin).Add(float64(c.Stored))
	m.appended.WithLabelValues("double", origin).Add(float64(c.Double))
	m.appended.WithLabelValues("expired", origin).Add(float64(c.Expired))
	m.appended.WithLabelValues("quarantined", origin).Add(float64(c.Quarantined))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// logCollector reads the event log's own numbers.
type logCollector struct{ s *Server }

func logDesc(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

var (
	descEvents      = logDesc("cairn_events", "Records in the event log.")
	descSegments    = logDesc("cairn_segments", "Segments of the event log.")
	descSealed      = logDesc("cairn_segments_sealed", "Sealed segments of the event log.")
	descDisk        = logDesc("cairn_disk_bytes", "Bytes of the event log on disk.")
	descRaw         = logDesc("cairn_raw_bytes", "Bytes of the records in the event log, uncompressed.")
	descFree        = logDesc("cairn_disk_free_bytes", "Free bytes of the file system with the data directory.")
	descQuarantined = logDesc("cairn_quarantined_total", "Records that were quarantined since the start.")
	descHead        = logDesc("cairn_tree_size", "Leaves of the tree over all records ever stored.")
	descSyncs       = logDesc("cairn_sync_seconds", "Time spent making records durable.")
	descStopped     = logDesc("cairn_stopped", "1 if the event log has stopped after a failed write.")
)

// Describe sends the descriptions of what Collect sends.
func (c *logCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descEvents, descSegments, descSealed, descDisk, descRaw, descFree, descQuarantined, descHead, descSyncs, descStopped} {
		ch <- d
	}
}

// Collect sends the current numbers.
func (c *logCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	st := c.s.log.Stats()
	gauge(descEvents, float64(st.Records))
	gauge(descSegments, float64(st.Segments))
	gauge(descSealed, float64(st.SealedSegments))
	gauge(descDisk, float64(st.DiskBytes))
	gauge(descRaw, float64(st.RawBytes))
	ch <- prometheus.MustNewConstMetric(descQuarantined, prometheus.CounterValue, float64(st.Quarantined))
	ch <- prometheus.MustNewConstSummary(descSyncs, st.Syncs, st.SyncSeconds, nil)
	if head, err := c.s.log.Head(); err == nil {
		gauge(descHead, float64(head.Size))
	}
	if free, err := c.s.cfg.FS.Free(c.s.cfg.Data); err == nil {
		gauge(descFree, float64(free))
	}
	stopped := 0.0
	if c.s.log.Err() != nil {
		stopped = 1
	}
	gauge(descStopped, stopped)
}
