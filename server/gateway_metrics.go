package server

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// gatewayCollector reads how the recording gateway stands. Its series have the
// names of routes, which the settings give, and nothing that a client chooses.
type gatewayCollector struct{ s *Server }

func gatewayDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cairn_gateway_"+name, help, labels, nil)
}

var (
	descGatewayCalls    = gatewayDesc("calls_total", "Calls since the start, by route and by what became of them. A call can count for several outcomes.", "route", "outcome")
	descGatewayUnrouted = gatewayDesc("unrouted_calls_total", "Calls that no route took.", "listener")
	descGatewayBytes    = gatewayDesc("bytes_total", "Bytes of the bodies of calls.", "route", "direction")
	descGatewaySeconds  = gatewayDesc("call_seconds", "Time that calls took, and their number.", "route")
	descGatewayAdded    = gatewayDesc("added_seconds_total", "Time of that which was spent neither on the backend nor on the client.", "route")
	descGatewayActive   = gatewayDesc("calls_active", "Calls under way.", "route")
	descGatewayUpstream = gatewayDesc("upstream_up", "1 if an upstream answers, 0 if it is left out.", "route", "upstream")

	descIntentsOpen     = gatewayDesc("intents_open", "Calls under way whose intent is durable and whose end is not.")
	descIntentsKept     = gatewayDesc("intents_kept", "Records in reserved space, which wait until the event log takes them.")
	descIntentsBytes    = gatewayDesc("intents_bytes", "Bytes of the journal of intents that are in use or reserved.")
	descIntentsCapacity = gatewayDesc("intents_capacity_bytes", "What cairn_gateway_intents_bytes can reach.")
	descIntentsUnknown  = gatewayDesc("intents_unknown_total", "Calls whose outcome an earlier process did not record, found at the start.")
	descIntentsStopped  = gatewayDesc("intents_stopped", "1 if the journal of intents has stopped after a failed write.")

	descForwardLag      = gatewayDesc("forward_lag_seconds", "Age of the oldest record that is to be forwarded and was not.")
	descForwardPending  = gatewayDesc("forward_pending_records", "Records of the event log that forwarding has not come to.")
	descForwardRecords  = gatewayDesc("forward_records_total", "Records by what became of them at the server that they are forwarded to, ever.", "status")
	descForwardFailures = gatewayDesc("forward_failures_total", "Failed attempts to forward since the start.")
)

// Describe sends the descriptions of what Collect sends.
func (c *gatewayCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descGatewayCalls, descGatewayUnrouted, descGatewayBytes, descGatewaySeconds, descGatewayAdded, descGatewayActive, descGatewayUpstream,
		descIntentsOpen, descIntentsKept, descIntentsBytes, descIntentsCapacity, descIntentsUnknown, descIntentsStopped,
		descForwardLag, descForwardPending, descForwardRecords, descForwardFailures,
	} {
		ch <- d
	}
}

// Collect sends the current numbers; none while no gateway runs.
func (c *gatewayCollector) Collect(ch chan<- prometheus.Metric) {
	c.s.mu.Lock()
	g := c.s.gateway
	c.s.mu.Unlock()
	if g == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for _, l := range g.status().Listeners {
		count(descGatewayUnrouted, l.Unrouted, l.Name)
		for _, r := range l.Routes {
			gauge(descGatewayActive, float64(r.Active), r.Name)
			count(descGatewayBytes, r.BytesIn, r.Name, "in")
			count(descGatewayBytes, r.BytesOut, r.Name, "out")
			ch <- prometheus.MustNewConstSummary(descGatewaySeconds, r.Total, r.Seconds, nil, r.Name)
			ch <- prometheus.MustNewConstMetric(descGatewayAdded, prometheus.CounterValue, r.AddedSeconds, r.Name)
			for outcome, n := range r.Calls {
				count(descGatewayCalls, n, r.Name, outcome)
			}
			for i, u := range r.Upstreams {
				if r.chosen || slices.Contains(r.Upstreams[:i], u) {
					continue // clients must not make series
				}
				gauge(descGatewayUpstream, boolNumber(u.Healthy), r.Name, u.Address)
			}
		}
	}
	j := g.intents.Stats()
	gauge(descIntentsOpen, float64(j.Open))
	gauge(descIntentsKept, float64(j.Kept))
	gauge(descIntentsBytes, float64(j.Bytes))
	gauge(descIntentsCapacity, float64(j.Capacity))
	count(descIntentsUnknown, j.Unknown)
	gauge(descIntentsStopped, boolNumber(g.intents.Err() != nil))
	if g.forward == nil {
		return
	}
	f := g.forward.status()
	gauge(descForwardLag, f.LagSeconds)
	gauge(descForwardPending, float64(f.Pending))
	count(descForwardFailures, f.Failures)
	for status, n := range map[string]uint64{"stored": f.Stored, "expired": f.Expired, "refused": f.Refused, "quarantined": f.Quarantined, "damaged": f.Damaged} {
		count(descForwardRecords, n, status)
	}
}

func boolNumber(v bool) float64 {
	if v {
		return 1
	}
	return 0
}
