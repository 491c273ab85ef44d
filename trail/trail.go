// Package trail keeps the trails: what they are now, and what they were for the
// part of the event log that has not been delivered yet.
//
// A Trail is a cairn.Trail with an ID of its own, its tags, and its past. A
// Version is what a trail was up to a position in the log. Whoever follows the
// log asks the version that was in force for each event, so that a change counts
// from the moment that it was made, whenever the events before it are looked at.
package trail

import (
	"maps"
	"slices"
	"time"

	"cairn"
)

// A Trail is a trail of an account.
type Trail struct {
	cairn.Trail

	// ID tells a trail from one that had its name before.
	ID string

	Tags map[string]string `json:",omitempty"`

	// Deleted is when the trail was deleted, zero if it was not. It is kept
	// until what it was for has been delivered.
	Deleted time.Time `json:",omitzero"`

	// Past are earlier versions, oldest first.
	Past []Version `json:",omitempty"`
}

// A Version is what decided about events up to a position in the log.
type Version struct {
	Until     string    // eventlog.Position: of the first event that it is not for
	Ended     time.Time `json:",omitzero"`  // when, by the server's clock
	Settled   string    `json:",omitempty"` // eventlog.Position: no event behind it may be that of the call that ended it
	RequestID string    // of the call that ended it, whose own event it still decides about
	Settings
}

// Settings are what decides which events a trail takes.
type Settings struct {
	Logging                    bool                          `json:",omitempty"`
	IsMultiRegion              bool                          `json:",omitempty"`
	IncludeGlobalServiceEvents bool                          `json:",omitempty"`
	EventSelectors             []cairn.EventSelector         `json:",omitempty"`
	AdvancedEventSelectors     []cairn.AdvancedEventSelector `json:",omitempty"`

	// Imported has records taken that came out of log files.
	Imported bool `json:",omitempty"`
}

// ImportedTag is the key of the tag with which a trail asks for imported
// records, too: its value must be "true".
const ImportedTag = "cairn:imported"

// Settings returns the trail's present ones.
func (t *Trail) Settings() Settings {
	return Settings{
		Logging: t.Logging && t.Deleted.IsZero(), IsMultiRegion: t.IsMultiRegion, IncludeGlobalServiceEvents: t.IncludeGlobalServiceEvents,
		EventSelectors: t.EventSelectors, AdvancedEventSelectors: t.AdvancedEventSelectors,
		Imported: t.Tags[ImportedTag] == "true",
	}
}

// In returns the trail as it would be with other settings.
func (t *Trail) In(s Settings) cairn.Trail {
	c := t.Trail
	c.Logging, c.IsMultiRegion, c.IncludeGlobalServiceEvents = s.Logging, s.IsMultiRegion, s.IncludeGlobalServiceEvents
	c.EventSelectors, c.AdvancedEventSelectors = s.EventSelectors, s.AdvancedEventSelectors
	return c
}

// clone returns a copy that can be changed. Selectors are replaced, not changed.
func (t *Trail) clone() *Trail {
	c := *t
	c.Tags, c.Past = maps.Clone(t.Tags), slices.Clone(t.Past)
	return &c
}
