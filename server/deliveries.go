package server

import (
	"fmt"
	"path"
	"path/filepath"

	"cairn/delivery"
	"cairn/eventlog"
	"cairn/trail"
)

// deliveryName is the directory of the log files in a data directory that wait
// to be delivered.
const deliveryName = "delivery"

// openDeliveries opens the trails and what delivers for them. Deliveries begin
// with Start.
func (s *Server) openDeliveries(f *front) error {
	var err error
	f.trails, err = trail.Open(trail.Config{
		Catalog: s.catalog, Regions: s.regions(), End: s.log.End, Now: s.cfg.Now,
		Passed: func() eventlog.Position { return f.deliveries.Passed() },
	})
	if err != nil {
		return fmt.Errorf("open trails: %w", err)
	}
	f.digestKeys = delivery.OpenKeys(s.catalog, nil)
	f.deliveries, err = delivery.Open(delivery.Config{
		Dir: path.Join(filepath.ToSlash(s.cfg.Data), deliveryName), FS: s.cfg.FS,
		Log: s.log, Catalog: s.catalog, Trails: f.trails, Keys: f.digestKeys, Regions: s.regions(),
		Destinations: &destinations{&s.cfg, f.mux},
		Interval:     s.cfg.DeliveryInterval, DigestInterval: s.cfg.DigestInterval, Now: s.cfg.Now, Logger: s.cfg.Logger,
	})
	if err != nil {
		return fmt.Errorf("open deliveries: %w", err)
	}
	f.trails.OnChange(f.deliveries.Changed)
	return nil
}
