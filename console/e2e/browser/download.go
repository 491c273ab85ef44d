package browser

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
)

// A Download is a file that a page has the browser save.
type Download struct {
	Name  string // that the server or the page gave it
	Path  string // where it is
	State string // inProgress, completed, canceled
}

// downloads are those of one tab, in the order in which they began.
type downloads struct {
	dir   string
	frame cdp.FrameID // of the tab: the browser tells of all tabs'

	mu    sync.Mutex
	order []string
	byID  map[string]Download
}

func newDownloads(dir string) *downloads {
	return &downloads{dir: dir, byID: make(map[string]Download)}
}

func (d *downloads) hear(event any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e := event.(type) {
	case *browser.EventDownloadWillBegin:
		if e.FrameID != d.frame {
			return
		}
		d.order = append(d.order, e.GUID)
		d.byID[e.GUID] = Download{Name: e.SuggestedFilename, Path: filepath.Join(d.dir, e.GUID), State: "inProgress"}
	case *browser.EventDownloadProgress:
		if at, ok := d.byID[e.GUID]; ok {
			at.State = string(e.State)
			d.byID[e.GUID] = at
		}
	}
}

func (d *downloads) list() []Download {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Download, 0, len(d.order))
	for _, id := range d.order {
		all = append(all, d.byID[id])
	}
	return all
}

// Downloads are the files that the tab has begun to save.
func (t *Tab) Downloads() []Download {
	if t.downloads == nil {
		return nil
	}
	return t.downloads.list()
}

// WaitDownload waits for the end of the i-th download, counted from 0.
func (t *Tab) WaitDownload(i int) (d Download, err error) {
	err = t.until(fmt.Sprintf("download %d", i), func() (bool, error) {
		all := t.Downloads()
		if i >= len(all) || all[i].State == "inProgress" {
			return false, nil
		}
		d = all[i]
		return true, nil
	})
	return d, err
}
