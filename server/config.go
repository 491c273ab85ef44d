package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"time"

	"cairn/eventlog"
	"cairn/internal/durable"
)

// The documented defaults of Config.
const (
	DefaultListen    = "127.0.0.1:4586"
	DefaultConsole   = "127.0.0.1:4587"
	DefaultData      = "./cairn-data"
	DefaultAccountID = "000000000000"
	DefaultRegion    = "us-east-1"
	DefaultRetention = 90 * 24 * time.Hour
)

// Config says how to open and serve a data directory. Its zero values are the
// documented defaults.
type Config struct {
	// Data is the data directory; DefaultData if empty.
	Data string

	// Listen is the TCP address of the server; DefaultListen if empty. Port 0
	// picks a free port.
	Listen string

	// ConsoleListen is the TCP address of the web console; there is none if it is
	// empty or "off". With ConsoleAnyPort a free port is taken where that one is
	// not to be had. ConsoleURL is where browsers find the console, if a proxy
	// stands before it.
	ConsoleListen  string
	ConsoleAnyPort bool
	ConsoleURL     string

	// TLSCert and TLSKey are PEM files with the certificate chain of the server,
	// its own certificate first, and the private key. With them Listen speaks
	// TLS. The files are read again when they change.
	TLSCert string
	TLSKey  string

	// Insecure allows a Listen address that other machines can reach, although
	// what is served there is not encrypted.
	Insecure bool

	// Dev accepts credentials that are not known, for development: a 12-digit
	// access key ID names the account. It needs a loopback Listen address.
	Dev bool

	// Throttle gives the AWS API the rates that AWS has.
	Throttle bool

	// AccountID and Region are those of requests that name none; the defaults
	// are DefaultAccountID and DefaultRegion. Regions are all that exist; only
	// Region if empty.
	AccountID string
	Region    string
	Regions   []string

	// Retention is how long events are kept, eventlog.Forever to keep
	// everything. If zero it stays what the store was last opened with,
	// DefaultRetention for a new one.
	Retention time.Duration

	// DeliveryInterval is how often log files are delivered, at least a second,
	// DigestInterval how much time a digest is for; delivery.DefaultInterval and
	// delivery.DefaultDigestInterval if zero.
	DeliveryInterval time.Duration
	DigestInterval   time.Duration

	// S3, SNS and KMS are where trails deliver to.
	S3, SNS, KMS Companion

	// WebhookAllow are the addresses, networks and hosts that SNS may send
	// messages to although they are not public, or on other ports than 80 and
	// 443: entries of an allow-list of package egress.
	WebhookAllow []string

	// PublicURL is the URL by which subscribers of SNS reach the server, for the
	// links in messages; that of the listener if empty.
	PublicURL string

	// Gateway is the recording gateway; there is none if nil.
	Gateway *GatewayConfig

	// MasterKeyFile holds the key that seals secrets at rest, or MasterKey is
	// that key. Without either it is in master.key in the data directory, and
	// made along with it.
	MasterKeyFile string
	MasterKey     []byte

	// Version is the program's version, shown in metrics and status.
	Version string

	// Recheck is how often the caller of a stream is checked again, and so how
	// long a stream outlives its caller's permission at most; DefaultRecheck if
	// zero.
	Recheck time.Duration

	// FS is the file system of the stores; durable.OS if nil.
	FS durable.FS

	// Now is the clock of the event log; time.Now if nil.
	Now func() time.Time

	// Logger receives what happens; nothing is logged if nil.
	Logger *slog.Logger
}

var (
	accountIDPattern = regexp.MustCompile(`^\d{12}$`)
	regionPattern    = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)
)

// withDefaults returns c with every empty setting replaced by its default.
func (c Config) withDefaults() Config {
	set := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	set(&c.Data, DefaultData)
	set(&c.Listen, DefaultListen)
	set(&c.AccountID, DefaultAccountID)
	set(&c.Region, DefaultRegion)
	if len(c.Regions) == 0 {
		c.Regions = []string{c.Region}
	}
	if c.Recheck == 0 {
		c.Recheck = DefaultRecheck
	}
	if c.FS == nil {
		c.FS = durable.OS
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return c
}

// A SettingError is a setting that cannot be used.
type SettingError struct {
	Setting string // the flag's name without dashes, e.g. "account-id"
	Value   string
	Why     string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Setting, e.Value, e.Why)
}

// Validate returns a *SettingError for the first setting that cannot be used, or a
// GatewayError for all those of the gateway.
func (c Config) Validate() error {
	c = c.withDefaults()
	if !accountIDPattern.MatchString(c.AccountID) {
		return &SettingError{"account-id", c.AccountID, "an AWS account ID has 12 digits"}
	}
	if !regionPattern.MatchString(c.Region) {
		return &SettingError{"region", c.Region, "not the form of a region, such as us-east-1"}
	}
	home := false
	for _, r := range c.Regions {
		if !regionPattern.MatchString(r) {
			return &SettingError{"regions", r, "not the form of a region, such as us-east-1"}
		}
		home = home || r == c.Region
	}
	if !home {
		return &SettingError{"regions", fmt.Sprint(c.Regions), "the region " + c.Region + " (--region) is not among them"}
	}
	if c.Retention != 0 && c.Retention != eventlog.Forever && c.Retention < time.Hour {
		return &SettingError{"retention", retentionText(c.Retention), "at least one hour, or 0 to keep events for ever"}
	}
	for name, d := range map[string]time.Duration{"delivery-interval": c.DeliveryInterval, "digest-interval": c.DigestInterval} {
		if d != 0 && (d < time.Second || d > 24*time.Hour || (24*time.Hour)%d != 0 || d%time.Second != 0) {
			return &SettingError{name, d.String(), "at least 1s, in whole seconds, and a part of a day, such as 5m"}
		}
	}
	for name, companion := range map[string]*Companion{"s3": &c.S3, "sns": &c.SNS, "kms": &c.KMS} {
		if err := companion.validate(name); err != nil {
			return err
		}
	}
	if err := c.validateTopics(); err != nil {
		return err
	}
	if c.TLSCert != "" && c.TLSKey == "" {
		return &SettingError{"tls-cert", c.TLSCert, "TLS needs the private key as well (--tls-key)"}
	}
	if c.TLSKey != "" && c.TLSCert == "" {
		return &SettingError{"tls-key", c.TLSKey, "TLS needs the certificate as well (--tls-cert)"}
	}
	if err := c.validateListen("listen", c.Listen, DefaultListen); err != nil {
		return err
	}
	if err := c.validateConsole(); err != nil {
		return err
	}
	return c.validateGateway()
}

// validateListen refuses an address that other machines can reach unless that
// was asked for.
func (c Config) validateListen(setting, address, example string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &SettingError{setting, address, "not of the form address:port, such as " + example}
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return &SettingError{setting, address, "the port is not a number from 0 to 65535"}
	}
	if host == "" && port == "0" || host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	if c.Dev {
		return &SettingError{setting, address, "other machines could reach this address, and --dev believes anybody; use a loopback address"}
	}
	if c.Insecure || c.TLSCert != "" {
		return nil
	}
	return &SettingError{setting, address, "other machines could reach this address, and the connection would not be encrypted; use a loopback address, or --tls-cert and --tls-key, or --insecure if that is meant"}
}

// listenAddress is the address to listen on.
func (c Config) listenAddress() string { return c.onLoopback(c.Listen) }

// onLoopback is an address to listen on: a bare ":0" stays on loopback.
func (c Config) onLoopback(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host == "" && (c.Dev || !c.Insecure && c.TLSCert == "") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// errNoData says that a data directory is not there.
var errNoData = errors.New("there is no Cairn data directory")
