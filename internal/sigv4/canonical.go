package sigv4

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// canonical describes which canonical form of a request is wanted.
type canonical struct {
	rules         Rules
	names         []string // of the signed headers
	signedHeaders string   // names, joined with ;
	payload       string   // a hash, or one of the words for an unsigned payload
	presigned     bool     // leave X-Amz-Signature out
}

// append appends the canonical request of r: six parts, one below the other.
// The result covers what a handler will see once it has decoded the request:
// two requests that decode differently have different canonical forms.
func (c canonical) append(dst []byte, r *http.Request) ([]byte, error) {
	if r.Method == "" {
		dst = append(dst, http.MethodGet...) // as net/http's client takes it
	} else {
		dst = append(dst, r.Method...)
	}
	dst = append(dst, '\n')
	path, err := Path(r)
	if err != nil {
		return dst, err
	}
	dst = c.appendPath(dst, path)
	dst = append(dst, '\n')
	if dst, err = appendQuery(dst, r.URL.RawQuery, c.presigned); err != nil {
		return dst, err
	}
	dst = append(dst, '\n')
	if dst, err = appendHeaders(dst, r, c.names); err != nil {
		return dst, err
	}
	dst = append(dst, '\n')
	dst = append(dst, c.signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, c.payload...), nil
}

// Path returns the path as it stands on the request line. In a request that a
// server read, URL.RawPath holds it unless URL.EscapedPath gives the same; in one
// that a client is about to send, EscapedPath is what will be sent.
func Path(r *http.Request) (string, error) {
	if r.URL.Opaque != "" {
		return "", fail(MalformedRequest, "The request target has no path.")
	}
	if r.RequestURI != "" && r.URL.RawPath != "" {
		if decoded, err := url.PathUnescape(r.URL.RawPath); err == nil && decoded == r.URL.Path {
			return r.URL.RawPath, nil
		}
	}
	return r.URL.EscapedPath(), nil
}

func (c canonical) appendPath(dst []byte, path string) []byte {
	if path == "" {
		return append(dst, '/')
	}
	if c.rules.PathAsSent {
		// Only bytes that no client can have signed as they are get escaped.
		for i := range len(path) {
			if b := path[i]; b <= ' ' || b >= 0x7f {
				dst = appendEscaped(dst, b)
			} else {
				dst = append(dst, b)
			}
		}
		return dst
	}
	path = resolve(path)
	for i := range len(path) {
		if b := path[i]; unreserved[b] || b == '/' {
			dst = append(dst, b)
		} else {
			dst = appendEscaped(dst, b)
		}
	}
	return dst
}

// resolve removes dot segments, and slashes that follow a slash.
func resolve(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	resolved := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		resolved += "/"
	}
	return resolved
}

// parameter is one name and value of a query, both in canonical form: their
// places in the buffer that holds all of them.
type parameter struct{ start, equals, end int }

// appendQuery appends the parameters of a query, sorted by name and then by
// value, as they are when encoded.
func appendQuery(dst []byte, raw string, presigned bool) ([]byte, error) {
	if raw == "" {
		return dst, nil
	}
	var few [8]parameter
	all := few[:0]
	var small [512]byte
	buf := small[:0]
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		p := parameter{start: len(buf)}
		var ok bool
		if buf, ok = appendQueryPart(buf, name); !ok {
			return dst, errQuery
		}
		p.equals = len(buf)
		buf = append(buf, '=')
		if buf, ok = appendQueryPart(buf, value); !ok {
			return dst, errQuery
		}
		p.end = len(buf)
		if presigned && string(buf[p.start:p.equals]) == querySignature {
			buf = buf[:p.start]
			continue
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b parameter) int {
		if c := bytes.Compare(buf[a.start:a.equals], buf[b.start:b.equals]); c != 0 {
			return c
		}
		return bytes.Compare(buf[a.equals:a.end], buf[b.equals:b.end])
	})
	for i, p := range all {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, buf[p.start:p.end]...)
	}
	return dst, nil
}

// errQuery also stands for semicolons, because net/url drops the parameters
// around one: what was signed would not be what the handler reads.
var errQuery = fail(MalformedRequest, "The query string is malformed: it holds an invalid escape or an unescaped semicolon.")

// appendQueryPart decodes a name or value of a query as net/url does, and
// encodes it again in the one way that signatures know.
func appendQueryPart(dst []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		b := s[i]
		switch b {
		case ';':
			return dst, false
		case '+':
			b = ' '
		case '%':
			if i+2 >= len(s) {
				return dst, false
			}
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high > 15 || low > 15 {
				return dst, false
			}
			b = high<<4 | low
			i += 2
		}
		if unreserved[b] {
			dst = append(dst, b)
		} else {
			dst = appendEscaped(dst, b)
		}
	}
	return dst, true
}

// appendHeaders appends one line for each name, and fails if a header is not in
// the request, or if one that must be signed is not among the names.
func appendHeaders(dst []byte, r *http.Request, names []string) ([]byte, error) {
	var hostSigned bool
	var amzSigned int
	for _, name := range names {
		dst = append(dst, name...)
		dst = append(dst, ':')
		switch name {
		case "host":
			hostSigned = true
			host := r.Host
			if host == "" {
				host = r.URL.Host
			}
			if host == "" {
				return dst, fail(MalformedRequest, "The request has no Host.")
			}
			dst = appendCollapsed(dst, host)
		case "content-length":
			// net/http keeps the number, and not always the header.
			if r.ContentLength < 0 {
				return dst, errMissing(name)
			}
			dst = strconv.AppendInt(dst, r.ContentLength, 10)
		case "transfer-encoding":
			if len(r.TransferEncoding) == 0 {
				return dst, errMissing(name)
			}
			dst = append(dst, strings.Join(r.TransferEncoding, ",")...)
		default:
			values, ok := headerValues(r.Header, name)
			if !ok {
				return dst, errMissing(name)
			}
			for i, value := range values {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appendCollapsed(dst, value)
			}
			if strings.HasPrefix(name, amzPrefix) {
				amzSigned++
			}
		}
		dst = append(dst, '\n')
	}
	if !hostSigned {
		return dst, fail(HeadersNotSigned, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	// Each signed name was found in the header, and no name is there twice, so
	// counting is enough to know that all of them are signed.
	for key := range r.Header {
		if isAmz(key) {
			amzSigned--
		}
	}
	if amzSigned != 0 {
		return dst, errNotSigned(r.Header, names)
	}
	return dst, nil
}

const amzPrefix = "x-amz-"

func isAmz(key string) bool {
	return len(key) > len(amzPrefix) && key[1] == '-' && strings.EqualFold(key[:len(amzPrefix)], amzPrefix)
}

func errMissing(name string) *Error {
	return fail(SignatureMismatch, "The signature covers the header "+strconv.Quote(name)+", which is not in the request.")
}

func errNotSigned(header http.Header, names []string) *Error {
	var unsigned []string
	for key := range header {
		if lower := strings.ToLower(key); isAmz(key) && (!slices.Contains(names, lower) || key != textproto.CanonicalMIMEHeaderKey(key)) {
			unsigned = append(unsigned, lower)
		}
	}
	slices.Sort(unsigned)
	return fail(HeadersNotSigned, "There were headers present in the request which were not signed: "+strings.Join(unsigned, ", "))
}

// headerValues returns the values of a header by its name in lower case.
func headerValues(header http.Header, name string) ([]string, bool) {
	var small [64]byte
	if len(name) <= len(small) {
		// The key as net/http spells it, without allocating a string for it.
		key := small[:len(name)]
		upper := true
		for i := range len(name) {
			b := name[i]
			if upper && 'a' <= b && b <= 'z' {
				b -= 'a' - 'A'
			}
			key[i] = b
			upper = b == '-'
		}
		if values, ok := header[string(key)]; ok {
			return values, len(values) > 0
		}
	}
	// Headers that did not pass through net/http can be spelled otherwise.
	for key, values := range header {
		if strings.EqualFold(key, name) {
			return values, len(values) > 0
		}
	}
	return nil, false
}

// appendCollapsed appends a header's value without the white space around it,
// and with runs of spaces inside it made one.
func appendCollapsed(dst []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") {
		return append(dst, value...)
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' {
			dst = append(dst, value[i])
		}
	}
	return dst
}

// unreserved are the bytes that are never escaped (RFC 3986, section 2.3).
var unreserved = func() (table [256]bool) {
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[b] = true
	}
	return table
}()

func appendEscaped(dst []byte, b byte) []byte {
	return append(dst, '%', upperHex[b>>4], upperHex[b&15])
}

// unhex returns the value of a hexadecimal digit, and 255 for any other byte.
func unhex(b byte) byte {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10
	}
	return 255
}
