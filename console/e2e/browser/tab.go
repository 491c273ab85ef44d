package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pollInterval is how often a Tab looks whether what it waits for is there.
const pollInterval = 40 * time.Millisecond

// A Tab is a page, unless Profile says otherwise with cookies and a storage of its own.
// Only one goroutine may use it.
type Tab struct {
	// Timeout is how long each method waits for what it needs; 30 s if nothing else is set.
	Timeout time.Duration

	// Origins are those that a page may send requests to, without any check if empty.
	Origins []string

	ctx   context.Context // chromedp keeps its tab in it
	stop  context.CancelFunc
	watch sync.WaitGroup

	profile   bool // not with cookies of its own
	dialogs   chan struct{}
	downloads *downloads

	mu       sync.Mutex
	problems []Problem
}

// A TabOption sets a new tab up.
type TabOption func(*Tab)

// Downloads lets a tab download files into a directory.
func Downloads(dir string) TabOption {
	return func(t *Tab) { t.downloads = newDownloads(dir) }
}

// Profile opens a tab in the browser's own profile, in which it keeps cookies, files and
// compiled scripts, as it does for a person.
func Profile() TabOption {
	return func(t *Tab) { t.profile = true }
}

// NewTab opens a tab, 1440 pixels wide and 900 high, in light colours.
func (b *Browser) NewTab(options ...TabOption) (*Tab, error) {
	t := &Tab{Timeout: 30 * time.Second, dialogs: make(chan struct{}, 16)}
	for _, set := range options {
		set(t)
	}
	if t.profile {
		t.ctx, t.stop = chromedp.NewContext(b.ctx)
	} else {
		t.ctx, t.stop = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	}
	if err := t.setUp(); err != nil {
		t.Close()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

func (t *Tab) setUp() error {
	if err := chromedp.Do(t.ctx); err != nil {
		return err
	}
	if err := chromedp.Listen(t.ctx, t.hear); err != nil {
		return err
	}
	t.watch.Go(t.dismissDialogs)
	for _, name := range []string{bindingViolation, bindingScript} {
		if _, err := chromedp.Call(t.ctx, runtime.AddBinding, runtime.AddBindingParams{Name: name}); err != nil {
			return err
		}
	}
	if err := t.OnNewDocument(watchScript); err != nil {
		return err
	}
	if d := t.downloads; d != nil {
		if err := chromedp.ListenBrowser(t.ctx, d.hear); err != nil {
			return err
		}
		c := chromedp.FromContext(t.ctx)
		d.frame = cdp.FrameID(c.Target.TargetID) // a tab's main frame has the ID of its target
		p := browser.SetDownloadBehaviorParams{Behavior: "allowAndName", BrowserContextID: c.BrowserContextID, DownloadPath: d.dir, EventsEnabled: new(true)}
		if _, err := chromedp.CallBrowser(t.ctx, browser.SetDownloadBehavior, p); err != nil {
			return err
		}
	}
	return errors.Join(t.Resize(1440, 900), t.Scheme("light"))
}

// Close closes the tab and forgets its cookies.
func (t *Tab) Close() {
	t.stop()
	t.watch.Wait()
}

// Resize sets the size of the visible part of the page.
func (t *Tab) Resize(width, height int64) error {
	_, err := chromedp.Call(t.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	return err
}

// Scheme sets whether the system prefers "light" or "dark" colours. Nothing moves.
func (t *Tab) Scheme(scheme string) error {
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	return err
}

// Goto goes to an address, and returns when the document is there.
func (t *Tab) Goto(url string) error {
	ctx, cancel := t.within()
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("go to %s: %w", url, err)
	}
	return nil
}

// Reload loads the page again.
func (t *Tab) Reload() error {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Do(ctx, chromedp.Reload())
}

// Back goes back by one page.
func (t *Tab) Back() error {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Do(ctx, chromedp.NavigateBack())
}

// URL is the address of the page.
func (t *Tab) URL() (string, error) {
	var url string
	err := t.Eval("location.href", &url)
	return url, err
}

// Eval evaluates JavaScript in the page, waits for it if it is a promise, and stores the
// value, as JSON has it, in to, unless to is nil.
func (t *Tab) Eval(expression string, to any) error {
	ctx, cancel := t.within()
	defer cancel()
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: new(true), ReturnByValue: new(true), UserGesture: new(true)})
	if err != nil {
		return fmt.Errorf("evaluate %.80s: %w", expression, err)
	}
	if r.ExceptionDetails != nil {
		return fmt.Errorf("evaluate %.80s: %s", expression, exceptionText(r.ExceptionDetails))
	}
	if to == nil || r.Result == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, to)
}

// Wait waits until an expression is true.
func (t *Tab) Wait(expression string) error {
	return t.until(expression, func() (bool, error) {
		var ok bool
		err := t.Eval("Boolean("+expression+")", &ok)
		return ok, err
	})
}

// until waits until a function is true. Its errors pass, as those of pages that are just
// being left do.
func (t *Tab) until(what string, is func() (bool, error)) error {
	end := time.Now().Add(t.Timeout)
	for {
		ok, err := is()
		if ok {
			return nil
		}
		if time.Now().After(end) || t.ctx.Err() != nil {
			return errors.Join(fmt.Errorf("not within %v: %s", t.Timeout, what), err)
		}
		time.Sleep(pollInterval)
	}
}

// Text is the page as it is read.
func (t *Tab) Text() (string, error) {
	var text string
	err := t.Eval("document.body?.innerText ?? ''", &text)
	return text, err
}

// See waits until the page shows a text.
func (t *Tab) See(text string) error { return t.shows(text, true) }

// Gone waits until the page does not show a text any more.
func (t *Tab) Gone(text string) error { return t.shows(text, false) }

func (t *Tab) shows(text string, want bool) error {
	what := map[bool]string{true: "the page shows ", false: "the page does not show "}[want] + text
	return t.until(what, func() (bool, error) {
		all, err := t.Text()
		return err == nil && strings.Contains(all, text) == want, err
	})
}

// Press presses keys, one after the other: characters, or constants of package kb.
func (t *Tab) Press(keys string, options ...chromedp.KeyOption) error {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Do(ctx, chromedp.KeyEvent(keys, options...))
}

// Insert types a text where the focus is.
func (t *Tab) Insert(text string) error {
	ctx, cancel := t.within()
	defer cancel()
	_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

// Screenshot is what is visible, in PNG.
func (t *Tab) Screenshot() ([]byte, error) {
	ctx, cancel := t.within()
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

func (t *Tab) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, t.Timeout)
}

// Front brings the tab before others of its window, such as those that a page has opened:
// what is behind them is not drawn.
func (t *Tab) Front() error {
	_, err := chromedp.Call(t.ctx, page.BringToFront, cdp.Empty{})
	return err
}

// Throttle bounds what the page receives, in bytes a second; 0 is without a bound.
func (t *Tab) Throttle(perSecond float64) error {
	if perSecond == 0 {
		perSecond = -1
	}
	// By name, because what older browsers take is not among the generated commands any more.
	p := map[string]any{"offline": false, "latency": 0, "downloadThroughput": perSecond, "uploadThroughput": -1}
	return chromedp.Do(t.ctx, chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		return to.Call(ctx, "Network.emulateNetworkConditions", p, nil)
	}))
}

// SetCookie gives the tab a cookie of a site.
func (t *Tab) SetCookie(url string, c *http.Cookie) error {
	p := network.SetCookieParams{Name: c.Name, Value: c.Value, URL: url, HTTPOnly: &c.HttpOnly, Secure: &c.Secure, SameSite: network.CookieSameSiteStrict}
	_, err := chromedp.Call(t.ctx, network.SetCookie, p)
	return err
}

// OnNewDocument runs a script in each document before anything else.
func (t *Tab) OnNewDocument(script string) error {
	_, err := chromedp.Call(t.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	return err
}
