package server

import (
	"net/url"
	"strings"

	"cairn/internal/egress"
	"cairn/service/sns"
)

// newTopics returns the embedded SNS. Its messages go to public addresses, and to
// those of Config.WebhookAllow.
func (s *Server) newTopics(f *front) (*sns.Service, error) {
	guard, err := egress.New(egress.Config{Allow: s.cfg.WebhookAllow})
	if err != nil {
		return nil, err
	}
	return sns.New(sns.Config{
		Catalog: s.catalog, Principals: f.identities, Recorder: f.recorder, BaseURL: s.publicURL, Egress: guard, Logger: s.cfg.Logger,
	}), nil
}

// publicURL is the server's URL for others, without a slash at its end.
func (s *Server) publicURL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimSuffix(s.cfg.PublicURL, "/")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// validateTopics refuses settings of SNS that cannot be used.
func (c Config) validateTopics() error {
	for _, entry := range c.WebhookAllow {
		if err := egress.CheckEntry(entry); err != nil {
			return &SettingError{"webhook-allow", entry, "neither an address, a network nor a host's name, perhaps with a port, such as 10.0.0.0/8:8080 or hooks.corp:443"}
		}
	}
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return &SettingError{"public-url", c.PublicURL, "not a URL of a server alone, such as https://cairn.example.com"}
	}
	return nil
}
