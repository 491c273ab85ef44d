package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/gateway"
	"cairn/identity"
)

// Settings are how the caller's account is set up, and for operators the server.
// They have no secret.
type Settings struct {
	Account AccountSettings      `json:"account"`
	Region  string               `json:"region"` // of requests that name none
	Regions []string             `json:"regions"`
	Limits  LimitSettings        `json:"limits"`
	Tokens  []IngestTokenSummary `json:"ingestTokens"` // of the account; for operators all

	// For operators.
	Accounts []AccountSummary `json:"accounts,omitempty"`
	Server   *ServerSettings  `json:"server,omitempty"`
	Keys     *KeyStatus       `json:"keys,omitempty"`
	Gateway  *GatewaySettings `json:"gateway,omitempty"`
}

// AccountSettings describe the caller's account.
type AccountSettings struct {
	AccountID string     `json:"accountId"`
	Alias     string     `json:"alias,omitempty"`
	Created   *time.Time `json:"created,omitempty"` // missing for one that was never added, as with --dev
	Operator  bool       `json:"operator"`          // its root user may act across accounts
}

// LimitSettings say how much there can be of what.
type LimitSettings struct {
	Retention               string `json:"retention"` // as the --retention flag reads it; "0" is for ever
	Throttle                bool   `json:"throttle"`  // the AWS API has AWS's rates
	DeliveryIntervalSeconds int64  `json:"deliveryIntervalSeconds"`
	DigestIntervalSeconds   int64  `json:"digestIntervalSeconds"`

	RecordBytes int        `json:"recordBytes"` // of one record that is sent
	Put         putLimits  `json:"putEvents"`
	Streams     placeLimit `json:"streams"`  // at a time
	Searches    placeLimit `json:"searches"` // that read every record, at a time
	Connections connLimits `json:"connections"`

	// Quotas are those of an account, by AWS's names.
	Quotas map[string]int `json:"quotas"`
}

type putLimits struct {
	Bytes         int `json:"bytes"`         // of a body
	UnpackedBytes int `json:"unpackedBytes"` // of a compressed one
	Records       int `json:"records"`
}

type placeLimit struct {
	All       int `json:"all"`
	Account   int `json:"account"`   // of one account
	Operators int `json:"operators"` // of all, those that are kept for operators
}

type connLimits struct {
	All     int `json:"all"`
	Address int `json:"address"` // from one address
}

// ServerSettings are how the server runs.
type ServerSettings struct {
	Data         string           `json:"data"`
	URL          string           `json:"url"`
	ConsoleURL   string           `json:"consoleUrl,omitempty"`
	PublicURL    string           `json:"publicUrl,omitempty"`
	Dev          bool             `json:"dev"`
	Insecure     bool             `json:"insecure"`
	TLS          *TLSSettings     `json:"tls,omitempty"`
	S3           CompanionSetting `json:"s3"`
	SNS          CompanionSetting `json:"sns"`
	KMS          CompanionSetting `json:"kms"`
	WebhookAllow []string         `json:"webhookAllow"`
}

// TLSSettings describe the certificate that the server proves its name with.
type TLSSettings struct {
	CertFile   string    `json:"certFile"`
	Names      []string  `json:"names"`
	NotBefore  time.Time `json:"notBefore,omitzero"`
	NotAfter   time.Time `json:"notAfter,omitzero"`
	SelfSigned bool      `json:"selfSigned"`
	Problem    string    `json:"problem,omitempty"` // why the files cannot be used any more
}

// A CompanionSetting says where trails deliver to.
type CompanionSetting struct {
	Place string `json:"place"` // own, other or off
	URL   string `json:"url,omitempty"`
}

// GatewaySettings are those of the recording gateway.
type GatewaySettings struct {
	To        string                    `json:"to,omitempty"` // the server that the records are sent to
	Listeners []GatewayListenerSettings `json:"listeners"`
}

// GatewayListenerSettings are those of a port.
type GatewayListenerSettings struct {
	Name          string                 `json:"name"`
	URL           string                 `json:"url"`
	ForwardedFor  []string               `json:"forwardedFor,omitempty"`
	ProxyProtocol []string               `json:"proxyProtocol,omitempty"`
	Routes        []GatewayRouteSettings `json:"routes"`
}

// GatewayRouteSettings are those of a route. What is missing has its default.
type GatewayRouteSettings struct {
	Name           string             `json:"name"`
	Services       []string           `json:"services,omitempty"`
	Hosts          []string           `json:"hosts,omitempty"`
	Paths          []string           `json:"paths,omitempty"`
	Upstreams      []string           `json:"upstreams"`
	HealthPath     string             `json:"healthPath,omitempty"`
	Account        string             `json:"account"`
	Region         string             `json:"region,omitempty"`
	Regions        map[string]string  `json:"regions,omitempty"`
	DefaultService string             `json:"defaultService,omitempty"`
	BucketDomains  []string           `json:"bucketDomains,omitempty"`
	Authority      bool               `json:"authority"`
	Record         string             `json:"record"`     // strict or relaxed
	Signatures     string             `json:"signatures"` // record, refuse or off
	Exclude        []GatewayExclusion `json:"exclude,omitempty"`
	Sample         []GatewayExclusion `json:"sample,omitempty"`
}

// A GatewayExclusion names reads of data that are not recorded, or of which one
// in OneIn is.
type GatewayExclusion struct {
	Operation string   `json:"operation"`
	Buckets   []string `json:"buckets,omitempty"` // empty: all
	OneIn     int      `json:"oneIn,omitempty"`
}

// getSettings answers with what the caller may know of how things are set up.
func (x *routes) getSettings(ctx context.Context, c *aws.Call, r *http.Request, _ []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	if _, err := singles(values); err != nil {
		return nil, err
	}
	out := &Settings{Region: x.cfg.Region, Regions: x.regions(), Limits: x.limitSettings()}
	if out.Account, err = x.accountSettings(c); err != nil {
		return nil, err
	}
	if out.Tokens, err = x.tokenSettings(c); err != nil {
		return nil, err
	}
	if c.Identity.Operator {
		if err := x.operatorSettings(out); err != nil {
			return nil, err
		}
	}
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, out) }, nil
}

// operatorSettings adds what is for operators only.
func (x *routes) operatorSettings(out *Settings) error {
	store, err := x.anyIdentities()
	if err != nil {
		return err
	}
	if out.Accounts, err = accountSummaries(store); err != nil {
		return err
	}
	if out.Keys, err = x.keys(); err != nil {
		return fmt.Errorf("describe the keys that seal secrets: %w", err)
	}
	out.Server = x.serverSettings()
	out.Gateway = x.gatewaySettings()
	return nil
}

func (x *routes) accountSettings(c *aws.Call) (AccountSettings, error) {
	out := AccountSettings{AccountID: c.Account()}
	store, err := x.anyIdentities()
	if err != nil {
		return out, err
	}
	a, err := store.Account(c.Account())
	var unknown *identity.NotFoundError
	if errors.As(err, &unknown) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("describe account %s: %w", c.Account(), err)
	}
	out.Alias, out.Created, out.Operator = a.Alias, &a.Created, a.Operator
	return out, nil
}

// tokenSettings lists the ingest tokens that the caller may know of.
func (x *routes) tokenSettings(c *aws.Call) ([]IngestTokenSummary, error) {
	list := []IngestTokenSummary{}
	for row, err := range x.ingestTokens().Scan("") {
		if err != nil {
			return nil, fmt.Errorf("list ingest tokens: %w", err)
		}
		if t := row.Value; c.Identity.Operator || t.AccountID == c.Account() {
			list = append(list, t.summary(row.Key))
		}
	}
	slices.SortFunc(list, func(a, b IngestTokenSummary) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (x *routes) limitSettings() LimitSettings {
	interval, digests := x.cfg.DeliveryInterval, x.cfg.DigestInterval
	if interval == 0 {
		interval = delivery.DefaultInterval
	}
	if digests == 0 {
		digests = delivery.DefaultDigestInterval
	}
	return LimitSettings{
		Retention: retentionText(x.cfg.Retention), Throttle: x.cfg.Throttle,
		DeliveryIntervalSeconds: int64(interval / time.Second), DigestIntervalSeconds: int64(digests / time.Second),
		RecordBytes: cairn.MaxRecordBytes, Put: putLimits{maxPacked, maxUnpacked, maxPosted},
		Streams:     placeLimit{maxStreams, maxAccountStreams, operatorStreams},
		Searches:    placeLimit{maxScans, maxAccountScans, operatorScans},
		Connections: connLimits{maxConnections, maxPeerConnections},
		Quotas: map[string]int{
			"TrailsPerRegion": cairn.MaxTrails, "Users": identity.MaxUsers, "Groups": identity.MaxGroups, "Roles": identity.MaxRoles,
			"Policies": identity.MaxPolicies, "InstanceProfiles": identity.MaxInstanceProfiles, "AccessKeysPerUser": identity.MaxAccessKeys,
			"GroupsPerUser": identity.MaxUserGroups, "AttachedPoliciesPerEntity": identity.MaxAttached, "VersionsPerPolicy": identity.MaxPolicyVersions,
		},
	}
}

func (x *routes) serverSettings() *ServerSettings {
	out := &ServerSettings{
		Data: absolute(x.cfg.Data), PublicURL: x.cfg.PublicURL, Dev: x.cfg.Dev, Insecure: x.cfg.Insecure, TLS: x.tlsSettings(),
		S3: x.cfg.S3.setting(), SNS: x.cfg.SNS.setting(), KMS: x.cfg.KMS.setting(), WebhookAllow: append([]string{}, x.cfg.WebhookAllow...),
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	out.URL = x.url
	if x.front != nil && x.front.console != nil {
		out.ConsoleURL = x.front.console.url
	}
	return out
}

// tlsSettings describe the certificate that is in the files now.
func (x *routes) tlsSettings() *TLSSettings {
	if x.cfg.TLSCert == "" {
		return nil
	}
	out := &TLSSettings{CertFile: absolute(x.cfg.TLSCert), Names: []string{}}
	c, err := openCertificate(x.cfg.TLSCert, x.cfg.TLSKey, x.cfg.Logger)
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	leaf := c.pair.Leaf
	out.NotBefore, out.NotAfter, out.SelfSigned = leaf.NotBefore.UTC(), leaf.NotAfter.UTC(), selfSigned(leaf)
	out.Names = append(out.Names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		out.Names = append(out.Names, ip.String())
	}
	return out
}

// setting shows a companion without what a URL may have of a password.
func (c *Companion) setting() CompanionSetting {
	out := CompanionSetting{Place: c.place()}
	if u, err := url.Parse(c.URL); err == nil && out.Place == TrailsOtherS3 {
		out.URL = u.Scheme + "://" + u.Host + u.EscapedPath()
	}
	return out
}

// gatewaySettings are those of the gateway at work, nil if there is none.
func (x *routes) gatewaySettings() *GatewaySettings {
	x.mu.Lock()
	g := x.gateway
	x.mu.Unlock()
	if g == nil {
		return nil
	}
	out := &GatewaySettings{Listeners: []GatewayListenerSettings{}}
	if x.cfg.Gateway != nil {
		out.To = x.cfg.Gateway.To.URL
	}
	for _, p := range g.ports {
		l := GatewayListenerSettings{Name: p.Name, URL: p.url, Routes: []GatewayRouteSettings{}}
		for _, n := range p.ForwardedFor {
			l.ForwardedFor = append(l.ForwardedFor, n.String())
		}
		for _, n := range p.ProxyProtocol {
			l.ProxyProtocol = append(l.ProxyProtocol, n.String())
		}
		for i := range p.Routes {
			l.Routes = append(l.Routes, x.gatewayRoute(&p.Routes[i]))
		}
		out.Listeners = append(out.Listeners, l)
	}
	return out
}

func (x *routes) gatewayRoute(r *gateway.Route) GatewayRouteSettings {
	out := GatewayRouteSettings{
		Name: r.Name, Services: r.Services, Hosts: r.Hosts, Paths: r.Paths, Upstreams: r.Upstreams, HealthPath: r.HealthPath,
		Account: r.Account, Region: r.Region, Regions: r.Regions, DefaultService: r.DefaultService, BucketDomains: r.BucketDomains,
		Authority: r.Authority, Record: "strict", Signatures: string(r.Signatures),
	}
	if out.Account == "" {
		out.Account = x.cfg.AccountID
	}
	if r.Relaxed {
		out.Record = "relaxed"
	}
	if out.Signatures == "" {
		out.Signatures = string(gateway.RecordSignatures)
	}
	for _, e := range r.Exclude {
		out.Exclude = append(out.Exclude, GatewayExclusion{Operation: e.Operation, Buckets: e.Buckets})
	}
	for _, s := range r.Sample {
		out.Sample = append(out.Sample, GatewayExclusion{s.Operation, s.Buckets, s.OneIn})
	}
	return out
}
