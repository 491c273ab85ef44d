package server

import (
	"log/slog"
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
	foreign  prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		appended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_events_appended_total",
			Help: "Records given to the event log since the start, by what became of them and by origin.",
		}, []string{"status", "origin"}),
	}
	m.foreign = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cairn_dev_foreign_requests_total",
		Help: "Requests of web pages, or by a name that is not this machine's, that a server in development mode refused.",
	})
	m.countImported(ImportCounts{}) // the series exist from the start
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "cairn_build_info",
		Help:        "Always 1; the labels tell the version.",
		ConstLabels: prometheus.Labels{"version": s.cfg.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.appended, m.foreign, build, &logCollector{s: s}, &deliveryCollector{s: s}, &gatewayCollector{s: s},
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

// deliveryCollector reads how deliveries to the trails' buckets stand. Trails
// have no series of their own: who reads metrics need not know of them.
type deliveryCollector struct{ s *Server }

var (
	descLag            = logDesc("cairn_delivery_lag_seconds", "Age of the oldest event that is not cut into log files yet, or whose log file is not in its bucket.")
	descBacklogFiles   = logDesc("cairn_delivery_backlog_files", "Log files that wait for their bucket.")
	descBacklogBytes   = logDesc("cairn_delivery_backlog_bytes", "Bytes of the log files that wait for their bucket.")
	descQueuedDigests  = logDesc("cairn_delivery_backlog_digests", "Signed digests that wait for their bucket.")
	descDigestAge      = logDesc("cairn_delivery_digest_age_seconds", "Time since the end of the newest digest in its bucket, of the digest chain where it is longest.")
	descDeliveredFiles = logDesc("cairn_delivery_files_total", "Log files delivered since the start.")
	descDeliveredBytes = logDesc("cairn_delivery_bytes_total", "Bytes of the log files delivered since the start.")
	descDeliveries     = logDesc("cairn_delivery_events_total", "Events in the log files delivered since the start.")
	descDigests        = logDesc("cairn_delivery_digests_total", "Digests delivered since the start.")
	descFailures       = logDesc("cairn_delivery_failures_total", "Failed puts of log files and digests since the start.")
	descGivenUp        = logDesc("cairn_delivery_given_up_total", "Log files given up since the start.")
	descFailedCuts     = logDesc("cairn_delivery_failed_cuts_total", "Failed attempts to cut events into log files since the start.")
	descDamages        = logDesc("cairn_delivery_damages_total", "Places of the event log that deliveries could not read since the start.")
)

// Describe sends the descriptions of what Collect sends.
func (c *deliveryCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descLag, descBacklogFiles, descBacklogBytes, descQueuedDigests, descDigestAge, descDeliveredFiles, descDeliveredBytes,
		descDeliveries, descDigests, descFailures, descGivenUp, descFailedCuts, descDamages,
	} {
		ch <- d
	}
}

// Collect sends the current numbers; none while deliveries are not open.
func (c *deliveryCollector) Collect(ch chan<- prometheus.Metric) {
	c.s.mu.Lock()
	f := c.s.front
	c.s.mu.Unlock()
	if f == nil {
		return
	}
	count := func(d *prometheus.Desc, v uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	st := f.deliveries.Stats()
	count(descDeliveredFiles, st.Files)
	count(descDeliveredBytes, st.Bytes)
	count(descDeliveries, st.Events)
	count(descDigests, st.Digests)
	count(descFailures, st.Failures)
	count(descGivenUp, st.GivenUp)
	count(descFailedCuts, st.FailedCuts)
	count(descDamages, st.Damages)
	h, err := f.deliveries.Health(c.s.stopping)
	if err != nil { // the other numbers are of use all the same
		c.s.cfg.Logger.Warn("how deliveries stand cannot be told in the metrics", slog.Any("error", err))
		return
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(descLag, max(0, h.Lag.Seconds()))
	gauge(descBacklogFiles, float64(h.Files))
	gauge(descBacklogBytes, float64(h.Bytes))
	gauge(descQueuedDigests, float64(h.Digests))
	gauge(descDigestAge, max(0, h.DigestAge.Seconds()))
}
