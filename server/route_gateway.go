package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"cairn"
	"cairn/aws"
)

// gatewayNotes are the names by which a gateway makes records of its own, by
// their event source: its settings, what it left out, contradictions about
// identities, and the failures that it could name nobody for.
var gatewayNotes = map[string][]string{
	"cairn.amazonaws.com": {gatewayConfigured, gatewayExcluded, gatewayConflict},
	"cairn.internal":      {"UnattributedFailures"},
}

// gatewayNote says whether a record is one that a gateway makes of itself. One
// that comes over the network has the origin gateway, where the server's own
// have another.
func gatewayNote(r *cairn.Record) bool {
	for _, name := range gatewayNotes[r.EventSource] {
		if r.EventName == name {
			return true
		}
	}
	return false
}

// putGatewayEvents stores records that a gateway elsewhere has made. It is
// putEvents for a sender whose word on what it saw is taken: the records have
// the origin gateway.
func (x *routes) putGatewayEvents(ctx context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	p := posting{origin: cairn.OriginGateway, source: "sent by the gateway of " + c.Identity.ARN, ownNotes: true}
	for name := range c.Input {
		if name != "again" {
			return nil, invalid(fmt.Errorf("the parameter %q is not known", clip(name)))
		}
	}
	switch again := values.Get("again"); again {
	case "", "false":
	case "true":
		p.again = true
		// Each record is looked for in the whole log.
		if _, err := x.take(x.scans, c, r); err != nil {
			return nil, err
		}
	default:
		return nil, invalid(errors.New("again is neither true nor false"))
	}
	return x.put(ctx, c, r, body, p)
}
