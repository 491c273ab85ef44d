package server

import (
	"encoding/json"
	"fmt"

	"cairn/gateway"
)

// The records that a gateway makes of itself, docs/format/audit.md. The first is
// made here, and the others by package gateway.
const (
	gatewayConfigured = "GatewayConfigured"
	gatewayExcluded   = "ExcludedCalls"
	gatewayConflict   = "IdentityConflict"
)

// settings are the settings of a port as the record of its start shows them.
func (p *gatewayPort) settings(g *recordingGateway) map[string]any {
	s := g.server
	routes := make([]any, len(p.Routes))
	for i, r := range p.Routes {
		routes[i] = routeTree(&s.cfg, &r)
	}
	out := map[string]any{
		"listener": p.Name, "address": p.listener.Addr().String(), "tls": p.TLSCert != "", "routes": routes,
		"identities": s.cfg.Gateway.Identities, "forwardedTo": s.cfg.Gateway.To.URL,
		"proxyProtocol": texts(p.ProxyProtocol), "forwardedFor": texts(p.ForwardedFor),
	}
	return withoutEmpty(out)
}

func routeTree(cfg *Config, r *gateway.Route) map[string]any {
	record, signatures, account := "strict", string(r.Signatures), r.Account
	if r.Relaxed {
		record = "relaxed"
	}
	if signatures == "" {
		signatures = string(gateway.RecordSignatures)
	}
	if account == "" {
		account = cfg.AccountID
	}
	exclude, sample := make([]any, len(r.Exclude)), make([]any, len(r.Sample))
	for i, e := range r.Exclude {
		exclude[i] = withoutEmpty(map[string]any{"operation": e.Operation, "buckets": texts(e.Buckets)})
	}
	for i, c := range r.Sample {
		sample[i] = withoutEmpty(map[string]any{"operation": c.Operation, "buckets": texts(c.Buckets), "oneIn": number(c.OneIn)})
	}
	regions := make(map[string]any)
	for from, to := range r.Regions {
		regions[from] = to
	}
	return withoutEmpty(map[string]any{
		"name": r.Name, "services": texts(r.Services), "hosts": texts(r.Hosts), "paths": texts(r.Paths), "upstreams": texts(r.Upstreams),
		"upstreamCa": r.UpstreamCA, "account": account, "region": r.Region, "regions": regions, "defaultService": r.DefaultService,
		"bucketDomains": texts(r.BucketDomains), "authority": r.Authority, "record": record, "signatures": signatures,
		"exclude": exclude, "sample": sample,
	})
}

func texts[T any](list []T) []any {
	all := make([]any, len(list))
	for i, v := range list {
		all[i] = fmt.Sprint(v)
	}
	return all
}

func number[N int | uint64](n N) json.Number { return json.Number(fmt.Sprint(n)) }

// withoutEmpty takes out what was not set.
func withoutEmpty(tree map[string]any) map[string]any {
	for name, v := range tree {
		switch v := v.(type) {
		case string:
			if v == "" {
				delete(tree, name)
			}
		case []any:
			if len(v) == 0 {
				delete(tree, name)
			}
		case map[string]any:
			if len(v) == 0 {
				delete(tree, name)
			}
		}
	}
	return tree
}
