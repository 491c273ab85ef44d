// Package e2e holds the tests that drive the console's pages in a real browser, against a
// real server. They skip where there is no Chromium. docs/console.md tells how to run them.
package e2e

import (
	"context"
	"errors"
	"flag"
	"os"
	"sync"
	"testing"

	"cairn/console/e2e/browser"
)

// long runs the whole of what is sampled otherwise; it takes minutes.
var long = flag.Bool("long", false, "run all combinations of what is sampled otherwise")

// chromium is the browser that all tests share. Each test has tabs of its own in it.
var chromium = sync.OnceValues(func() (*browser.Browser, error) { return browser.Start(context.Background()) })

// started tells whether there is a browser to close.
var started sync.Once

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	closeBrowser := true
	started.Do(func() { closeBrowser = false })
	if closeBrowser {
		if b, err := chromium(); err == nil {
			b.Close()
		}
	}
	os.Exit(code)
}

// needBrowser returns the browser, or skips the test if there is none.
func needBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	started.Do(func() {})
	b, err := chromium()
	if errors.Is(err, browser.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newTab opens a tab in the browser.
func newTab(t *testing.T, options ...browser.TabOption) *browser.Tab {
	t.Helper()
	tab, err := needBrowser(t).NewTab(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}
