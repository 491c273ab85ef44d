package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"cairn/aws"
)

// checkRequest refuses what cannot be passed on unchanged, and what a backend may read in
// another way than the record: much else net/http has refused before.
func checkRequest(r *http.Request) *aws.Error {
	bad := func(message string) *aws.Error { return aws.Errorf("InvalidRequest", "%s", message) }
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
	default:
		return &aws.Error{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed, Message: "The method is not one that is passed on."}
	}
	switch {
	case !strings.HasPrefix(r.RequestURI, "/"):
		return bad("The target of the request must be a path. Targets that are whole URLs are for proxies of another kind.")
	case !cleanTarget(r.RequestURI):
		return bad("The target of the request has a character that URLs cannot have.")
	case !validHost(r.Host):
		return bad("The host is not the name or address of one.")
	case r.ProtoMajor == 1 && r.ProtoMinor > 1:
		return bad("The version of HTTP is not known.")
	case r.ProtoMajor == 1 && r.ProtoMinor == 0 && !r.Close:
		return bad("Connections of HTTP/1.0 are not kept alive.")
	case len(r.TransferEncoding) > 1 || len(r.TransferEncoding) == 1 && r.TransferEncoding[0] != "chunked":
		return bad("The transfer coding is not known.")
	}
	for _, option := range splitList(r.Header["Connection"]) {
		switch strings.ToLower(option) {
		case "close", "keep-alive", "upgrade", "te", "http2-settings":
		default:
			return bad("The Connection header names a header that must be passed on.")
		}
	}
	for name, values := range r.Header {
		switch {
		case name == "Host" && (len(values) > 1 || values[0] != r.Host):
			return bad("The request names two hosts.")
		case len(values) > 1 && once[name]:
			return bad("The header " + name + " stands twice.")
		case strings.Contains(name, "_") && isTaken(http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))) && !strings.HasPrefix(name, "X-Amz-Meta-"):
			// Some servers take one for the other. In the names of S3's metadata both are good.
			return bad("The name of a header has an underscore in place of a hyphen.")
		case strings.HasPrefix(name, ":"):
			return bad("The name of a header begins with a colon.")
		}
	}
	return nil
}

// once are headers of which a second one could be read in the place of the first.
var once = map[string]bool{
	"Authorization": true, "Content-Length": true, "Content-Type": true, "Expect": true, "Host": true,
	"Transfer-Encoding": true, "User-Agent": true, "X-Amz-Content-Sha256": true, "X-Amz-Date": true, "X-Amz-Decoded-Content-Length": true,
	"X-Amz-Security-Token": true, "X-Amz-S3session-Token": true, "X-Amz-Target": true, "X-Http-Method-Override": true, "Smithy-Protocol": true,
}

// isTaken reports whether a header is one that servers of AWS's protocols look for.
func isTaken(name string) bool { return once[name] || strings.HasPrefix(name, "X-Amz-") }

// cleanTarget reports whether a target can stand on a request line, and ends where it
// seems to: a fragment is not for servers, and they do not agree on what one is.
func cleanTarget(target string) bool {
	for i := range len(target) {
		if b := target[i]; b <= ' ' || b == 0x7f || b == '#' {
			return false
		}
	}
	return true
}

// validHost reports whether a text is a host's name or address, perhaps with a port.
func validHost(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return false
		}
		if strings.HasPrefix(host, "[") {
			name = "[" + h + "]"
		} else {
			name = h
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '.', b == '_':
		default:
			return false
		}
	}
	return true
}

func splitList(values []string) []string {
	var list []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}
