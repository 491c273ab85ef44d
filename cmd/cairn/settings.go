package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

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
	{"insecure", "false", "allow a --listen address that other machines can reach, without encryption"},
	{"account-id", server.DefaultAccountID, "account of requests that name none"},
	{"region", server.DefaultRegion, "region of requests that name none"},
	{"regions", "", "all regions that exist, separated by commas (default only --region)"},
	{"retention", "", "how long serve and import keep events: 90d, 2w, 36h; 0 keeps them for ever (default what the store has; 90d for a new one)"},
	{"master-key-file", "", "key that seals secrets at rest (default master.key in the data directory)"},
	{"endpoint", "", "server to talk to: unix:/path/to/cairn.sock (default the one on the data directory)"},
	{"log-level", "info", "debug, info, warn or error"},
}

// configFile is the YAML file. A pointer tells a setting that is there from
// one that is not.
type configFile struct {
	Data          *string     `yaml:"data"`
	Listen        *string     `yaml:"listen"`
	Insecure      *bool       `yaml:"insecure"`
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
	if err := yaml.Unmarshal(b, &many); err != nil {
		return err
	}
	*l = many
	return nil
}

// byName returns the settings that the file has.
func (c *configFile) byName() map[string]string {
	m := make(map[string]string)
	text := map[string]*string{
		"data": c.Data, "listen": c.Listen, "account-id": c.AccountID, "region": c.Region, "retention": c.Retention,
		"master-key-file": c.MasterKeyFile, "endpoint": c.Endpoint, "log-level": c.LogLevel,
	}
	for name, v := range text {
		if v != nil {
			m[name] = *v
		}
	}
	if c.Insecure != nil {
		m["insecure"] = fmt.Sprint(*c.Insecure)
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
	b, err := os.ReadFile(s.path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	s.file = b
	var c configFile
	if err := yaml.UnmarshalWithOptions(b, &c, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file %s:\n%s", s.path, yaml.FormatError(err, false, true))
	}
	return c.byName(), nil
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
	return usagef("%s: %w", source, err)
}

// serverConfig returns the settings as the server takes them.
func (a *app) serverConfig() (server.Config, error) {
	s := &a.settings
	cfg := server.Config{
		Data: s.values["data"], Listen: s.values["listen"], AccountID: s.values["account-id"], Region: s.values["region"],
		MasterKeyFile: s.values["master-key-file"], Version: version(),
	}
	switch v := s.values["insecure"]; v {
	case "true", "1":
		cfg.Insecure = true
	case "false", "0":
	default:
		return cfg, s.refuse("insecure", fmt.Errorf("%q is neither true nor false", v))
	}
	for _, r := range strings.Split(s.values["regions"], ",") {
		if r = strings.TrimSpace(r); r != "" {
			cfg.Regions = append(cfg.Regions, r)
		}
	}
	var err error
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
