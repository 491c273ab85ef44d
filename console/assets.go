package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// An asset is a page, or a file that pages use. Its bytes are packed once, when the pages
// are built, and go out as they are.
type asset struct {
	body        []byte
	packed      bool   // by gzip
	etag        string // in quotes
	contentType string
}

// contentTypes are those of the files that pages use. Others are not served.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

// index is the page that all paths lead to: which page is shown its code decides.
const index = "/index.html"

// loadAssets reads all files, whose names end in .gz where they are packed.
func loadAssets(files fs.FS) (map[string]*asset, error) {
	all := make(map[string]*asset)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		plain, packed := strings.CutSuffix(name, ".gz")
		contentType := contentTypes[path.Ext(plain)]
		if contentType == "" {
			return nil
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		all["/"+plain] = &asset{body: body, packed: packed, etag: `"` + hex.EncodeToString(sum[:16]) + `"`, contentType: contentType}
		return nil
	})
	if err == nil && all[index] == nil {
		err = fmt.Errorf("%s: %w", index, fs.ErrNotExist)
	}
	return all, err
}

// serveAsset answers with a page or a file that pages use.
func (x *Console) serveAsset(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		x.refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "Pages are only read.")
		return
	}
	a := x.assets[r.URL.Path]
	if a == nil && isView(r) {
		a = x.assets[index]
	}
	if a == nil {
		x.refuse(w, http.StatusNotFound, "NotFound", "There is no such page here.")
		return
	}
	a.serve(w, r)
}

// isView reports whether a path is one of a page that the code shows. Names of trails may
// have a dot, so that a browser that goes to one gets the page all the same.
func isView(r *http.Request) bool {
	return !strings.Contains(path.Base(r.URL.Path), ".") || r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.HasPrefix(r.URL.Path, "/assets/")
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	// The names of files stay the same when their content changes: browsers ask each time,
	// and get nothing if they have it.
	h.Set("Cache-Control", "no-cache")
	etag, unpack := a.etag, false
	if a.packed {
		h.Set("Vary", "Accept-Encoding")
		if unpack = !takesGzip(r); unpack {
			etag = strings.TrimSuffix(etag, `"`) + `-plain"`
		} else {
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if !unpack {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	if !unpack {
		_, _ = w.Write(a.body) // the browser may be gone
		return
	}
	if z, err := gzip.NewReader(bytes.NewReader(a.body)); err == nil {
		_, _ = io.Copy(w, z)
	}
}

// takesGzip reports whether a client takes gzip, which all browsers do.
func takesGzip(r *http.Request) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, q, _ := strings.Cut(strings.ReplaceAll(item, " ", ""), ";")
		if name == "gzip" && strings.Trim(strings.TrimPrefix(q, "q="), "0.") != "" || name == "gzip" && q == "" {
			return true
		}
	}
	return false
}

// matches reports whether one of a list of tags is the one.
func matches(list, etag string) bool {
	tags := strings.Split(list, ",")
	return slices.ContainsFunc(tags, func(tag string) bool {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		return tag == etag || tag == "*"
	})
}
