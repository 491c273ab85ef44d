package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"cairn/catalog"
	"cairn/eventlog"
	"cairn/server"
)

// settings are what flags, environment and the configuration file can say.
// All are text until they are used, so that each source is read alike.
type settings struct {
	values map[string]string // by flag name
	source map[string]string // where the value came from, for messages
	file   []byte            // the configuration file
	path   string

	gateway *gatewayFile // the file's section, nil if it has none
}

// A settingDef defines one setting. Those of the serving process are flags of
// serve and config only; the environment and the file may hold them for all.
type settingDef struct {
	name, def, usage string
	serving          bool
}

// settingDefs are all settings. The environment calls "data" CAIRN_DATA.
var settingDefs = []settingDef{
	{"data", server.DefaultData, "data directory", false},
	{"listen", server.DefaultListen, "address of the server; port 0 picks a free one", true},
	{"console-listen", "", "address of the web console, or off (default " + server.DefaultConsole + ", or a free port where that is taken)", true},
	{"console-url", "", "URL by which browsers find the console, where a proxy stands before it", true},
	{"tls-cert", "", "PEM file with the certificate chain of the server; with --tls-key the server speaks TLS", true},
	{"tls-key", "", "PEM file with the private key of --tls-cert", true},
	{"insecure", "false", "allow a --listen address that other machines can reach, without encryption", true},
	{"dev", "false", "for development: accept credentials that are not known; a 12-digit access key names the account. Loopback only", false},
	{"throttle", "", "give the AWS API the rates that AWS has (default true, with --dev false)", true},
	{"account-id", server.DefaultAccountID, "account of requests that name none", false},
	{"region", server.DefaultRegion, "region of requests that name none", false},
	{"regions", "", "all regions that exist, separated by commas (default --region and us-east-1)", false},
	{"retention", "", "how long serve and import keep events: 90d, 2w, 36h; 0 keeps them for ever (default what the store has; 90d for a new one)", false},
	{"delivery-interval", "5m", "how often trails get their log files: 1s to 24h, a part of a day", true},
	{"digest-interval", "1h", "how much time a digest is for: 1s to 24h, a part of a day", true},
	{"s3", "", "S3 that trails deliver to: the URL of an endpoint, or off (default the server's own)", true},
	{"sns", "", "SNS that trails notify: the URL of an endpoint, or off (default the server's own)", true},
	{"kms", "", "KMS that encrypts: the URL of an endpoint, or off (default the server's own)", true},
	{"s3-allow", "", "buckets that accounts may deliver to with --s3 URL: ACCOUNT=NAME[,NAME...][;ACCOUNT=...]; * stands for any characters", true},
	{"kms-allow", "", "keys that accounts may use with --kms URL, by the names that they use for them, as in --s3-allow", true},
	{"sns-allow", "", "topics that accounts may notify with --sns URL, as in --s3-allow", true},
	{"webhook-allow", "", "where SNS may deliver although it is not a public address on port 80 or 443: 10.0.0.0/8, 127.0.0.1:8080, hooks.corp:443, separated by commas", true},
	{"public-url", "", "URL by which subscribers of SNS reach the server (default that of --listen)", true},
	{"master-key-file", "", "key that seals secrets at rest (default master.key in the data directory)", false},
	{"endpoint", "", "server to talk to: unix:/path/to/cairn.sock or https://host:port (default the one on the data directory)", false},
	{"log-level", "info", "debug, info, warn or error", false},
}

// configFile is the YAML file. A pointer tells a setting that is there from
// one that is not.
type configFile struct {
	Data          *string     `yaml:"data"`
	Listen        *string     `yaml:"listen"`
	ConsoleListen *string     `yaml:"console-listen"`
	ConsoleURL    *string     `yaml:"console-url"`
	TLSCert       *string     `yaml:"tls-cert"`
	TLSKey        *string     `yaml:"tls-key"`
	Insecure      *bool       `yaml:"insecure"`
	Dev           *bool       `yaml:"dev"`
	Throttle      *bool       `yaml:"throttle"`
	AccountID     *string     `yaml:"account-id"`
	Region        *string     `yaml:"region"`
	Regions       *regionList `yaml:"regions"`
	Retention     *string     `yaml:"retention"`
	DeliveryEvery *string     `yaml:"delivery-interval"`
	DigestEvery   *string     `yaml:"digest-interval"`
	S3            *string     `yaml:"s3"`
	SNS           *string     `yaml:"sns"`
	KMS           *string     `yaml:"kms"`
	S3Allow       *string     `yaml:"s3-allow"`
	SNSAllow      *string     `yaml:"sns-allow"`
	KMSAllow      *string     `yaml:"kms-allow"`
	WebhookAllow  *string     `yaml:"webhook-allow"`
	PublicURL     *string     `yaml:"public-url"`
	MasterKeyFile *string     `yaml:"master-key-file"`
	Endpoint      *string     `yaml:"endpoint"`
	LogLevel      *string     `yaml:"log-level"`

	Gateway *gatewayFile `yaml:"gateway"`
}

// regionList is a list, or a text with commas.
type regionList []string

// UnmarshalYAML reads either form.
func (l *regionList) UnmarshalYAML(b []byte) error {
	var one string
	if yaml.Unmarshal(b, &one) == nil {
		*l = strings.Split(one, ",")
		return nil
	}
	var many []string
	if yaml.Unmarshal(b, &many) != nil {
		return errors.New("regions: neither a list of regions nor a text with commas between them")
	}
	*l = many
	return nil
}

// byName returns the settings that the file has.
func (c *configFile) byName() map[string]string {
	m := make(map[string]string)
	text := map[string]*string{
		"data": c.Data, "listen": c.Listen, "account-id": c.AccountID, "region": c.Region, "retention": c.Retention,
		"master-key-file": c.MasterKeyFile, "endpoint": c.Endpoint, "log-level": c.LogLevel, "tls-cert": c.TLSCert, "tls-key": c.TLSKey,
		"delivery-interval": c.DeliveryEvery, "digest-interval": c.DigestEvery,
		"s3": c.S3, "sns": c.SNS, "kms": c.KMS, "s3-allow": c.S3Allow, "sns-allow": c.SNSAllow, "kms-allow": c.KMSAllow,
		"webhook-allow": c.WebhookAllow, "public-url": c.PublicURL,
		"console-listen": c.ConsoleListen, "console-url": c.ConsoleURL,
	}
	for name, v := range text {
		if v != nil {
			m[name] = *v
		}
	}
	for name, v := range map[string]*bool{"insecure": c.Insecure, "dev": c.Dev, "throttle": c.Throttle} {
		if v != nil {
			m[name] = fmt.Sprint(*v)
		}
	}
	if c.Regions != nil {
		m["regions"] = strings.Join(*c.Regions, ",")
	}
	return m
}

// addSettingFlags gives the root command a flag for each setting, and serve and
// config those of the serving process.
func (a *app) addSettingFlags(root *cobra.Command) {
	addFlags(root.PersistentFlags(), false)
	root.PersistentFlags().String("config", "", "YAML file with settings")
	for _, c := range root.Commands() {
		if c.Name() == "serve" || c.Name() == "config" {
			addFlags(c.PersistentFlags(), true)
		}
	}
}

func addFlags(flags *pflag.FlagSet, serving bool) {
	flags.SortFlags = false
	for _, d := range settingDefs {
		if d.serving != serving {
			continue
		}
		if d.def == "true" || d.def == "false" {
			flags.Bool(d.name, d.def == "true", d.usage)
		} else {
			flags.String(d.name, d.def, d.usage)
		}
	}
}

// envName is the environment variable of a setting.
func envName(setting string) string {
	return "CAIRN_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// loadSettings merges flags, environment, file and defaults, and refuses what
// cannot be used.
func (a *app) loadSettings(cmd *cobra.Command) error {
	s := settings{values: make(map[string]string), source: make(map[string]string)}
	flags := cmd.Flags()
	s.path = a.env["CAIRN_CONFIG"]
	if f := flags.Lookup("config"); f.Changed {
		s.path = f.Value.String()
	}
	fromFile := map[string]string{}
	if s.path != "" {
		var err error
		if fromFile, err = s.readFile(); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	for _, d := range settingDefs {
		env, inEnv := a.env[envName(d.name)]
		file, inFile := fromFile[d.name]
		f := flags.Lookup(d.name)
		given := f != nil && f.Changed
		if given {
			_, condition := f.Annotations[conditionFlag]
			given = !condition
		}
		switch {
		case given:
			s.values[d.name], s.source[d.name] = f.Value.String(), "--"+d.name
		case inEnv && env != "":
			s.values[d.name], s.source[d.name] = env, envName(d.name)
		case inFile:
			s.values[d.name], s.source[d.name] = file, s.path
		default:
			s.values[d.name], s.source[d.name] = d.def, "default"
		}
	}
	a.settings = s
	if _, err := s.logLevel(); err != nil {
		return s.refuse("log-level", err)
	}
	cfg, err := a.serverConfig()
	if err != nil {
		return err
	}
	var bad *server.SettingError
	var badGateway server.GatewayError
	if err := cfg.Validate(); errors.As(err, &badGateway) {
		return a.refuseGateway(badGateway)
	} else if errors.As(err, &bad) {
		return s.refuse(bad.Setting, bad)
	} else if err != nil {
		return err
	}
	return nil
}

// readFile reads the configuration file. An error shows the line and points at
// the place.
func (s *settings) readFile() (map[string]string, error) {
	b, err := readConfiguration(s.path)
	if err != nil {
		return nil, err
	}
	s.file = b
	var c configFile
	if bad := s.decode(&c); bad != "" {
		return nil, fmt.Errorf("configuration file %s:\n%s", s.path, bad)
	}
	s.gateway = c.Gateway
	return c.byName(), nil
}

// maxConfiguration bounds the configuration file, in bytes.
const maxConfiguration = 1 << 20

// readConfiguration reads the configuration file. What cannot be one, such as a
// key named by mistake, is refused before an error could quote it.
func readConfiguration(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfiguration+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read configuration: %w", err)
	case bytes.HasPrefix(b, []byte("cairn-master-key")):
		return nil, fmt.Errorf("configuration file %s: this is a master key, not a configuration; it belongs to --master-key-file", name)
	case len(b) > maxConfiguration:
		return nil, fmt.Errorf("configuration file %s: larger than 1 MiB", name)
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0:
		return nil, fmt.Errorf("configuration file %s: not a text file", name)
	}
	return b, nil
}

// plainTypeError says in plain words that a value is of the wrong kind.
func plainTypeError(err error) error {
	var bad *yaml.TypeError
	if !errors.As(err, &bad) || bad.SrcType == nil || bad.DstType == nil {
		return err
	}
	return &yaml.SyntaxError{Message: fmt.Sprintf("this is %s, and the setting takes %s", kindText(bad.SrcType), kindText(bad.DstType)), Token: bad.Token}
}

func kindText(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindText(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	}
	return "a number"
}

// refuse says where a setting that cannot be used came from.
func (s *settings) refuse(name string, err error) error {
	source := s.source[name]
	if source == "" || source == "default" {
		source = "--" + name
	}
	if source == s.path {
		if p, perr := yaml.PathString("$." + name); perr == nil {
			if where, perr := p.AnnotateSource(s.file, false); perr == nil {
				return usagef("configuration file %s: %w\n%s", s.path, err, where)
			}
		}
	}
	var bad *server.SettingError
	if errors.As(err, &bad) { // which names the setting as well
		return usagef("%s %q: %s", source, bad.Value, bad.Why)
	}
	return usagef("%s: %w", source, err)
}

// serverConfig returns the settings as the server takes them.
func (a *app) serverConfig() (server.Config, error) {
	s := &a.settings
	cfg := server.Config{
		Data: s.values["data"], Listen: s.values["listen"], AccountID: s.values["account-id"], Region: s.values["region"],
		TLSCert: s.values["tls-cert"], TLSKey: s.values["tls-key"], MasterKeyFile: s.values["master-key-file"], Version: version(),
	}
	var err error
	if cfg.Insecure, err = s.boolean("insecure", false); err != nil {
		return cfg, err
	}
	if cfg.Dev, err = s.boolean("dev", false); err != nil {
		return cfg, err
	}
	if cfg.Throttle, err = s.boolean("throttle", !cfg.Dev); err != nil {
		return cfg, err
	}
	for _, r := range strings.Split(s.values["regions"], ",") {
		if r = strings.TrimSpace(r); r != "" {
			cfg.Regions = append(cfg.Regions, r)
		}
	}
	cfg.PublicURL = s.values["public-url"]
	cfg.ConsoleListen, cfg.ConsoleURL = s.values["console-listen"], s.values["console-url"]
	if cfg.ConsoleListen == "" {
		cfg.ConsoleListen, cfg.ConsoleAnyPort = server.DefaultConsole, true
	}
	for _, entry := range strings.Split(s.values["webhook-allow"], ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			cfg.WebhookAllow = append(cfg.WebhookAllow, entry)
		}
	}
	if text := s.values["retention"]; text != "" {
		if cfg.Retention, err = parseRetention(text); err != nil {
			return cfg, s.refuse("retention", err)
		}
	}
	for name, d := range map[string]*time.Duration{"delivery-interval": &cfg.DeliveryInterval, "digest-interval": &cfg.DigestInterval} {
		if *d, err = time.ParseDuration(s.values[name]); err != nil {
			return cfg, s.refuse(name, errors.New("not a time such as 5m"))
		}
	}
	for name, c := range map[string]*server.Companion{"s3": &cfg.S3, "sns": &cfg.SNS, "kms": &cfg.KMS} {
		if err := a.companion(name, c); err != nil {
			return cfg, err
		}
	}
	if text := a.env["CAIRN_MASTER_KEY"]; text != "" {
		if cfg.MasterKey, err = catalog.ParseMasterKey(text); err != nil {
			return cfg, usagef("CAIRN_MASTER_KEY: %w", err)
		}
	}
	if cfg.Gateway, err = a.gatewayConfig(); err != nil {
		return cfg, err
	}
	level, _ := s.logLevel() // refused when the settings were loaded
	cfg.Logger = newLogger(a.stderr, level)
	return cfg, nil
}

// companion reads the settings of a service that trails deliver to. Its
// credentials are in the environment, where no list of processes shows them.
func (a *app) companion(name string, c *server.Companion) error {
	prefix := envName(name)
	c.URL = a.settings.values[name]
	c.Region, c.AccessKeyID, c.Secret = a.env[prefix+"_REGION"], a.env[prefix+"_ACCESS_KEY_ID"], a.env[prefix+"_SECRET_ACCESS_KEY"]
	for _, item := range strings.Split(a.settings.values[name+"-allow"], ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		account, names, ok := strings.Cut(item, "=")
		if !ok {
			return a.settings.refuse(name+"-allow", fmt.Errorf("%q is not of the form ACCOUNT=NAME", item))
		}
		if c.Allow == nil {
			c.Allow = make(map[string][]string)
		}
		for _, n := range strings.Split(names, ",") {
			c.Allow[account] = append(c.Allow[account], strings.TrimSpace(n))
		}
	}
	return nil
}

// boolean reads a setting that is true or false.
func (s *settings) boolean(name string, def bool) (bool, error) {
	switch v := s.values[name]; v {
	case "":
		return def, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, s.refuse(name, fmt.Errorf("%q is neither true nor false", v))
	}
}

// parseRetention reads how long events are kept; 0 is for ever.
func parseRetention(text string) (time.Duration, error) {
	if text == "0" {
		return eventlog.Forever, nil
	}
	d, err := parseSpan(text)
	if err == nil && d == 0 {
		return eventlog.Forever, nil
	}
	return d, err
}

func (s *settings) logLevel() (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s.values["log-level"])); err != nil {
		return l, fmt.Errorf("%q is not one of debug, info, warn and error", s.values["log-level"])
	}
	return l, nil
}

// newLogger logs text to a terminal and JSON to anything else.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// isTerminal says whether something writes to, or reads from, a terminal.
func isTerminal(stream any) bool {
	if o, ok := stream.(*outWriter); ok {
		stream = o.w
	}
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
