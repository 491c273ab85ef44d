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
}

// A settingDef defines one setting.
type settingDef struct {
	name, def, usage string
}

// settingDefs are all settings. The environment calls "data" CAIRN_DATA.
var settingDefs = []settingDef{
	{"data", server.DefaultData, "data directory"},
	{"listen", server.DefaultListen, "address of the server; port 0 picks a free one"},
	{"tls-cert", "", "PEM file with the certificate chain of the server; with --tls-key the server speaks TLS"},
	{"tls-key", "", "PEM file with the private key of --tls-cert"},
	{"insecure", "false", "allow a --listen address that other machines can reach, without encryption"},
	{"dev", "false", "for development: accept credentials that are not known; a 12-digit access key names the account. Loopback only"},
	{"throttle", "", "give the AWS API the rates that AWS has (default true, with --dev false)"},
	{"account-id", server.DefaultAccountID, "account of requests that name none"},
	{"region", server.DefaultRegion, "region of requests that name none"},
	{"regions", "", "all regions that exist, separated by commas (default only --region)"},
	{"retention", "", "how long serve and import keep events: 90d, 2w, 36h; 0 keeps them for ever (default what the store has; 90d for a new one)"},
	{"master-key-file", "", "key that seals secrets at rest (default master.key in the data directory)"},
	{"endpoint", "", "server to talk to: unix:/path/to/cairn.sock or https://host:port (default the one on the data directory)"},
	{"log-level", "info", "debug, info, warn or error"},
}

// configFile is the YAML file. A pointer tells a setting that is there from
// one that is not.
type configFile struct {
	Data          *string     `yaml:"data"`
	Listen        *string     `yaml:"listen"`
	TLSCert       *string     `yaml:"tls-cert"`
	TLSKey        *string     `yaml:"tls-key"`
	Insecure      *bool       `yaml:"insecure"`
	Dev           *bool       `yaml:"dev"`
	Throttle      *bool       `yaml:"throttle"`
	AccountID     *string     `yaml:"account-id"`
	Region        *string     `yaml:"region"`
	Regions       *regionList `yaml:"regions"`
	Retention     *string     `yaml:"retention"`
	MasterKeyFile *string     `yaml:"master-key-file"`
	Endpoint      *string     `yaml:"endpoint"`
	LogLevel      *string     `yaml:"log-level"`
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

// addSettingFlags gives the root command a flag for each setting.
func (a *app) addSettingFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.SortFlags = false
	for _, d := range settingDefs {
		if d.def == "true" || d.def == "false" {
			flags.Bool(d.name, d.def == "true", d.usage)
		} else {
			flags.String(d.name, d.def, d.usage)
		}
	}
	flags.String("config", "", "YAML file with settings")
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
		_, condition := f.Annotations[conditionFlag]
		switch {
		case f.Changed && !condition:
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
	if err := cfg.Validate(); errors.As(err, &bad) {
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
	if err := yaml.UnmarshalWithOptions(b, &c, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file %s:\n%s", s.path, yaml.FormatError(plainTypeError(err), false, true))
	}
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
	if text := s.values["retention"]; text != "" {
		if cfg.Retention, err = parseRetention(text); err != nil {
			return cfg, s.refuse("retention", err)
		}
	}
	if text := a.env["CAIRN_MASTER_KEY"]; text != "" {
		if cfg.MasterKey, err = catalog.ParseMasterKey(text); err != nil {
			return cfg, usagef("CAIRN_MASTER_KEY: %w", err)
		}
	}
	level, _ := s.logLevel() // refused when the settings were loaded
	cfg.Logger = newLogger(a.stderr, level)
	return cfg, nil
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
