package server

import (
	"context"
	"log/slog"
	"sync"
)

// fullDiskTexts bounds the messages that are told apart.
const fullDiskTexts = 64

// A fullDiskLog is a handler of log messages that keeps a full disk from filling
// the log too, which often lies on the same disk: each message about it passes
// once, and is then only counted, for summaries by tell.
type fullDiskLog struct {
	slog.Handler
	counts *fullDiskCounts
}

// fullDiskCounts are how often messages came since the last summary.
type fullDiskCounts struct {
	mu   sync.Mutex
	left map[string]uint64
}

func newFullDiskLog(h slog.Handler) *fullDiskLog {
	return &fullDiskLog{h, &fullDiskCounts{left: make(map[string]uint64)}}
}

// Handle passes a message on, unless it tells of a full disk like one before.
func (h *fullDiskLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && aboutFullDisk(r) && !h.counts.first(r.Message) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs and WithGroup are those of the handler below, with the same counts.
func (h *fullDiskLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &fullDiskLog{h.Handler.WithAttrs(attrs), h.counts}
}

// WithGroup is like WithAttrs.
func (h *fullDiskLog) WithGroup(name string) slog.Handler {
	return &fullDiskLog{h.Handler.WithGroup(name), h.counts}
}

// aboutFullDisk says whether a message has the error of a full disk.
func aboutFullDisk(r slog.Record) (full bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		full = ok && diskFull(err)
		return !full
	})
	return full
}

// first says whether a message is new, and counts it if not.
func (c *fullDiskCounts) first(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.left[text]
	if known {
		c.left[text]++
	} else if len(c.left) < fullDiskTexts {
		c.left[text] = 0
	}
	return !known
}

// tell logs one message with how many were left out since it was called last. A
// message that has not come since passes again when it does.
func (c *fullDiskCounts) tell(logger *slog.Logger) {
	c.mu.Lock()
	var total uint64
	var texts []any
	for text, n := range c.left {
		if n == 0 {
			delete(c.left, text)
			continue
		}
		c.left[text] = 0
		total += n
		texts = append(texts, slog.Uint64(text, n))
	}
	c.mu.Unlock()
	if total > 0 {
		logger.Warn("messages about the full disk were left out", slog.Uint64("messages", total), slog.Group("of", texts...))
	}
}
