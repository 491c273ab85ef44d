package console

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy is the Content-Security-Policy of pages: code, styles, fonts and calls of the
// console's own origin and nothing else, no frame around or within, and no way from a
// text to code. Icons of the components are data URLs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'"

// sandboxed is that of everything else: what callers stored must never be a page of the
// console's origin.
const sandboxed = "sandbox; default-src 'none'; frame-ancestors 'none'"

// protect sets the headers that every answer has.
func (x *Console) protect(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	// Browsers note it for all ports of a host: on localhost it would shut out whatever
	// else is served there without TLS.
	if host := hostOf(r.Host); x.secure(r) && host != "localhost" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// foreign says why a request may come from a page of another origin, or was led here by
// a name that is not the console's; empty if neither is so.
//
// Browsers say themselves whose page makes a request, in headers that no page can set.
// They leave them out where the connection is neither encrypted nor of the machine
// itself, and there the console does not work.
func (x *Console) foreign(r *http.Request) string {
	if !x.ownHost(r) {
		return "The console is not served under this name. Use the address that the server prints, or name this one by --console-url."
	}
	if isPage(r) {
		return foreignPage(r)
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin":
	case "":
		return "The browser did not say whose page this request is from (Sec-Fetch-Site). The console needs TLS, or an address of this machine, and a current browser."
	default:
		return "The request is not from a page of the console: Sec-Fetch-Site is " + quoteToken(site) + "."
	}
	// What callers stored may be read by the console's code, or downloaded. Code, styles
	// or frames of the console it must not be.
	switch dest := r.Header.Get("Sec-Fetch-Dest"); dest {
	case "", "empty":
	case "document":
		if r.Method != http.MethodGet {
			return "Forms are not taken."
		}
	default:
		return "This is no " + quoteToken(dest) + " of a page."
	}
	return ""
}

// isPage reports whether a request is for a page or a part of one, which are the same
// for everybody, rather than for something that a session has.
func isPage(r *http.Request) bool {
	p := r.URL.Path
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		p != "/session" && !strings.HasPrefix(p, "/aws/") && !strings.HasPrefix(p, "/_cairn/")
}

// foreignPage is foreign for pages and their parts: links from elsewhere may lead to a
// page, and nothing else from elsewhere may use one.
func foreignPage(r *http.Request) string {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
		return ""
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return ""
	}
	return "Pages of other origins can link to the console and not use parts of it."
}

// ownHost reports whether a request names the console. A name that somebody else's
// name server can point here (DNS rebinding) is none: names are localhost, those that
// the certificate proves, and that of the public URL; addresses are those of the
// connection itself.
func (x *Console) ownHost(r *http.Request) bool {
	host := hostOf(r.Host)
	if x.public != nil && host == hostOf(x.public.Host) {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local == nil {
		return false
	}
	here := local.AddrPort().Addr().Unmap()
	if host == "localhost" {
		return here.IsLoopback()
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap() == here
	}
	return x.cfg.Certified != nil && x.cfg.Certified(host)
}

// quoteToken is a header's value as a message shows it.
func quoteToken(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, s)
	return clean[:min(len(clean), 40)]
}
