package server

import "slices"

// GatewayStatus tells how the recording gateway stands.
type GatewayStatus struct {
	Listeners []GatewayListenerStatus `json:"listeners,omitempty"`

	// Intents are the calls under way whose end is not recorded yet, Kept the records
	// that wait in reserved space until the event log takes them.
	Intents int `json:"intents"`
	Kept    int `json:"kept"`

	// Forward is there if records are sent to another server.
	Forward *ForwardStatus `json:"forward,omitempty"`
}

// GatewayListenerStatus is a port of the gateway.
type GatewayListenerStatus struct {
	Name   string               `json:"name"`
	URL    string               `json:"url"`
	Routes []GatewayRouteStatus `json:"routes"`

	Unrouted uint64 `json:"unrouted"` // calls that no route took
}

// GatewayRouteStatus is a route of the gateway, with numbers since the start.
type GatewayRouteStatus struct {
	Name      string                  `json:"name"`
	Record    string                  `json:"record"` // strict or relaxed
	Upstreams []GatewayUpstreamStatus `json:"upstreams"`
	Total     uint64                  `json:"total"`           // calls
	Calls     map[string]uint64       `json:"calls,omitempty"` // by what became of them; one can count for several
	Active    int64                   `json:"active"`          // under way now
	BytesIn   uint64                  `json:"bytesIn"`         // of bodies
	BytesOut  uint64                  `json:"bytesOut"`

	// Seconds is how long the calls took in all, AddedSeconds how much of that was
	// spent neither on the backend nor on the client.
	Seconds      float64 `json:"seconds"`
	AddedSeconds float64 `json:"addedSeconds"`

	chosen bool // clients name the hosts of the upstreams
}

// GatewayUpstreamStatus is a backend.
type GatewayUpstreamStatus struct {
	Address string `json:"address"`
	Healthy bool   `json:"healthy"`
}

// status tells how the gateway stands.
func (g *recordingGateway) status() *GatewayStatus {
	j := g.intents.Stats()
	out := &GatewayStatus{Intents: j.Open, Kept: j.Kept}
	for _, p := range g.ports {
		l := GatewayListenerStatus{Name: p.Name, URL: p.url}
		at := make(map[string]*GatewayRouteStatus)
		for _, c := range p.gateway.Stats() {
			r := GatewayRouteStatus{Name: c.Route, Record: "strict", Active: c.Active, Calls: make(map[string]uint64)}
			for outcome, n := range map[string]uint64{
				"recorded": c.Recorded, "kept": c.Kept, "unrecorded": c.Unrecorded, "excluded": c.Excluded,
				"own": c.Own, "counted": c.Counted, "refused": c.Refused, "upstream-error": c.UpstreamErrors,
			} {
				if n > 0 {
					r.Calls[outcome] = n
				}
			}
			if c.Route == "" {
				l.Unrouted = c.Calls
				continue
			}
			r.Total, r.Seconds, r.AddedSeconds, r.BytesIn, r.BytesOut = c.Calls, c.Seconds, c.Added, c.BytesIn, c.BytesOut
			l.Routes = append(l.Routes, r)
		}
		for i := range l.Routes {
			at[l.Routes[i].Name] = &l.Routes[i]
		}
		for _, r := range p.Routes {
			if r.Relaxed {
				at[r.Name].Record = "relaxed"
			}
			at[r.Name].chosen = slices.ContainsFunc(r.Upstreams, chosenByClient)
		}
		for _, u := range p.gateway.Health() {
			at[u.Route].Upstreams = append(at[u.Route].Upstreams, GatewayUpstreamStatus{u.Address, u.Healthy})
		}
		out.Listeners = append(out.Listeners, l)
	}
	if g.forward != nil {
		out.Forward = g.forward.status()
	}
	return out
}

// gatewayStatus tells how the gateway stands, nil if there is none and never was
// one that forwards.
func (s *Server) gatewayStatus() (*GatewayStatus, error) {
	s.mu.Lock()
	g := s.gateway
	s.mu.Unlock()
	if g != nil {
		return g.status(), nil
	}
	row, _, err := forwardRows(s.catalog).Get(theRow)
	if ok, err := found(err); !ok || err != nil || row.To == "" {
		return nil, err
	}
	return &GatewayStatus{Forward: row.status(s.logEnd())}, nil
}
