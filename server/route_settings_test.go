package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/gateway"
)

func (x *routesTest) settings(t *testing.T, key Credentials) (Settings, string) {
	t.Helper()
	code, text := x.call(t, key, http.MethodGet, "/_cairn/api/settings", nil, nil)
	var out Settings
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatalf("settings: %d %s", code, text)
	}
	return out, text
}

// Settings tell an account of itself, and nothing of others or of the server; an
// operator sees all, but no secret.
func TestSettings(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	cert, key := writePair(t, t.TempDir(), 1, []string{"127.0.0.1"}, nil)
	gw := gatewayTo(backend.URL, func(r *gateway.Route) {
		r.Account, r.Exclude = accountB, []gateway.Exclusion{{Operation: "s3:GetObject", Buckets: []string{"public"}}}
		r.Sample = []gateway.Sampling{{Operation: "s3:HeadObject", OneIn: 100}}
	})
	gw.Listeners[0].TLSCert, gw.Listeners[0].TLSKey = cert, key
	x := serveRoutesWith(t, Config{Data: t.TempDir(), Throttle: true, Gateway: gw, DeliveryInterval: time.Minute,
		KMS: Companion{URL: "https://someone:pa55@kms.example.com", AccessKeyID: "AKIDEXAMPLE", Secret: "kms-s3cret"}})
	secrets := []string{x.a.Secret, x.b.Secret, x.operator.Secret, "pa55", "kms-s3cret"}
	for name, account := range map[string]string{"of-a": accountA, "of-b": accountB} {
		secrets = append(secrets, x.ingestToken(t, IngestTokenRequest{Name: name, Source: IngestMinIO, AccountID: account}))
	}

	a, text := x.settings(t, x.a)
	if a.Account.AccountID != accountA || a.Account.Operator || a.Account.Created == nil || !slices.Equal(a.Regions, []string{"us-east-1", "eu-west-1"}) ||
		a.Limits.Retention != "0" || !a.Limits.Throttle || a.Limits.DeliveryIntervalSeconds != 60 || a.Limits.DigestIntervalSeconds != 3600 || a.Limits.Quotas["TrailsPerRegion"] != 5 {
		t.Errorf("account A: %s", text)
	}
	if len(a.Tokens) != 1 || a.Tokens[0].Name != "of-a" || a.Server != nil || a.Keys != nil || a.Gateway != nil || a.Accounts != nil || strings.Contains(text, accountB) {
		t.Errorf("account A sees what is not its own: %s", text)
	}

	o, text := x.settings(t, x.operator)
	if !o.Account.Operator || len(o.Tokens) != 2 || len(o.Accounts) != 3 || o.Keys == nil || len(o.Keys.DataKeys) == 0 {
		t.Errorf("the operator: %s", text)
	}
	if s := o.Server; s == nil || s.URL != x.url || !strings.HasPrefix(s.Data, "/") || s.S3.Place != TrailsOwnS3 || s.KMS.URL != "https://kms.example.com" || s.Dev {
		t.Errorf("the server: %s", text)
	}
	if g := o.Gateway; g == nil || len(g.Listeners) != 1 || !strings.HasPrefix(g.Listeners[0].URL, "https://") || len(g.Listeners[0].Routes) != 1 {
		t.Errorf("the gateway: %s", text)
	} else if r := g.Listeners[0].Routes[0]; r.Name != "backend" || r.Account != accountB || r.Record != "strict" || r.Signatures != "record" ||
		!slices.Equal(r.Upstreams, []string{backend.URL}) || r.Exclude[0].Buckets[0] != "public" || r.Sample[0].OneIn != 100 {
		t.Errorf("the route: %s", text)
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the operator is told the secret %s", secret)
		}
	}

	if code, text := x.call(t, x.a, http.MethodGet, "/_cairn/api/settings?account="+accountB, nil, nil); code != http.StatusBadRequest {
		t.Errorf("with a parameter: %d %s", code, text)
	}
	reader := x.newUser(t, accountA, "reader", `{"Statement":{"Effect":"Allow","Action":"cairn:GetOverview","Resource":"*"}}`)
	if code, text := x.call(t, reader, http.MethodGet, "/_cairn/api/settings", nil, nil); code != http.StatusBadRequest || !strings.Contains(text, "not authorized to perform: cairn:GetSettings") {
		t.Errorf("without the permission: %d %s", code, text)
	}
	if found, _ := x.find(t, x.a, "EventName=GetSettings"); len(found) != 3 {
		t.Errorf("%d events of account A's calls, not 3", len(found))
	}
}

// With TLS an operator is told of the certificate.
func TestSettingsTLS(t *testing.T) {
	t.Parallel()
	cert, key := writePair(t, t.TempDir(), 1, []string{"cairn.example.com"}, nil)
	s := &routes{Server: &Server{cfg: Config{TLSCert: cert, TLSKey: key}.withDefaults()}}
	if got := s.tlsSettings(); got.CertFile != cert || got.Problem != "" || !slices.Contains(got.Names, "cairn.example.com") || !got.NotAfter.After(got.NotBefore) || !got.SelfSigned {
		t.Errorf("the certificate: %+v", got)
	}
	s.cfg.TLSCert += ".gone"
	if got := s.tlsSettings(); got.Problem == "" {
		t.Errorf("a certificate that is not there: %+v", got)
	}
}
