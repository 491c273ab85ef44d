// Package browser drives a headless Chromium as a person would: it finds what is on a
// page by role and name, as screen readers do, clicks where it can be clicked, and types.
// The console's tests and bench/console use it.
//
// Its nouns: a Browser is a process, a Tab a page of it with a cookie jar of its own, a
// Node what the accessibility tree has under a role and a name. A Problem is anything that
// a page should never do, such as an exception or a violation of its policy; its one
// invariant is that no Problem of a Tab goes unnoticed.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNone says that there is no browser on this machine.
var ErrNone = errors.New("no Chromium on PATH (chromium, chromium-browser, google-chrome)")

// Find returns the path of a Chromium on PATH, or ErrNone.
func Find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// A Browser is a running Chromium.
type Browser struct {
	ctx  context.Context      // chromedp keeps its browser in it
	stop []context.CancelFunc // in the order of their making
}

// Start starts a headless browser, which ends with ctx at the latest. As root it has no
// sandbox of its own, because Chromium has none for root.
func Start(ctx context.Context) (*Browser, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	b := &Browser{}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.NoInheritEnv,
		chromedp.Env("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC"), chromedp.Flag("lang", "en-US"))
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	b.stop = append(b.stop, stop)
	b.ctx, stop = chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	b.stop = append(b.stop, stop)
	if err := chromedp.Do(b.ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends the browser and waits for it.
func (b *Browser) Close() {
	if len(b.stop) > 1 {
		ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
		_ = chromedp.Cancel(ctx) // what did not close in order is killed below
		cancel()
	}
	for i := len(b.stop) - 1; i >= 0; i-- {
		b.stop[i]()
	}
}
