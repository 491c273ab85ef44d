package gateway

import "time"

// UpstreamHealth is how an upstream stands.
type UpstreamHealth struct {
	Route   string
	Address string // host and port
	Healthy bool   // calls go there, and the last one, or the last check, was answered
}

// Health tells how each upstream stands that is known now.
func (g *Gateway) Health() (all []UpstreamHealth) {
	now := time.Now()
	for _, rt := range g.routes {
		rt.backend.each(func(u *upstream) {
			u.mu.Lock()
			defer u.mu.Unlock()
			all = append(all, UpstreamHealth{rt.Name, u.address, u.failures == 0 && !u.rests.After(now)})
		})
	}
	return all
}
