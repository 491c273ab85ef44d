package objectstore

// WithFaults opens a store whose index does not sync, for tests that simulate
// its crashes, and calls functions before and after each commit.
func WithFaults(cfg Config, before, after func() error) Config {
	cfg.noSync, cfg.beforeCommit, cfg.afterCommit = true, before, after
	return cfg
}

// Collect waits for one pass of the collector.
func (s *Store) Collect() error {
	_, err := s.collect(nil)
	return err
}
