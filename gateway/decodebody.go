package gateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn/internal/awsmodel"
)

const (
	// maxPlain is how many bytes of a body are decoded, after decompression.
	maxPlain = 1 << 20

	// maxExpansion is how many bytes one compressed byte may become. Texts reach about
	// 100; beyond lies what was made to fill memory.
	maxExpansion = 200

	// minExpanded is always allowed, for a small body of many blanks is no bomb.
	minExpanded = 16 << 10

	maxChunkLine = 256 // bytes of the line before a chunk of aws-chunked
)

// bodySize is the size of a request's body without the framing of aws-chunked.
func bodySize(c *Capture, h http.Header) int64 {
	if chunked(h) {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Amz-Decoded-Content-Length")), 10, 64); err == nil && n >= 0 {
			return n
		}
		if !c.Truncated() {
			plain, _ := dechunk(c.Bytes)
			return int64(len(plain))
		}
	}
	if c.Size >= 0 {
		return c.Size
	}
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		return n
	}
	return int64(len(c.Bytes))
}

// chunked reports whether a request's body has the framing of aws-chunked.
func chunked(h http.Header) bool {
	hash := h.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(hash, "STREAMING-") && !strings.HasSuffix(hash, "-EVENTS") {
		return true
	}
	return hasCoding(h, "aws-chunked")
}

func hasCoding(h http.Header, name string) bool {
	for _, value := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(coding), name) {
				return true
			}
		}
	}
	return false
}

// open takes the codings off a request's body. It does so once.
func (q *wire) open(x *Exchange) {
	if q.plain != nil {
		return
	}
	body, partly := q.Body.Bytes, q.Body.Truncated()
	if chunked(q.Header) {
		plain, err := dechunk(body)
		x.note(InRequest, partly, err, "the chunks of the body")
		body, partly = plain, partly || err != nil
	}
	var input *awsmodel.Shape
	if x.Model != nil {
		input = x.Model.Input()
	}
	q.plain, q.part = x.expand(InRequest, input, q.Header, body, partly)
	if q.plain == nil {
		q.plain = []byte{}
	}
}

// expand takes the codings of HTTP off a body, and cuts it to what is decoded. Where the
// model has the header among the members of s the coding belongs to the content.
func (x *Exchange) expand(where Part, s *awsmodel.Shape, h http.Header, body []byte, partly bool) ([]byte, bool) {
	values := h["Content-Encoding"]
	if len(values) > 0 && s != nil && slices.ContainsFunc(s.Members, isContentEncoding) {
		values = nil
	}
	var codings []string
	for _, value := range values {
		for coding := range strings.SplitSeq(value, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" && coding != "identity" && coding != "aws-chunked" {
				codings = append(codings, coding)
			}
		}
	}
	if len(codings) > 2 {
		x.problem(where, Unsupported, "more than two content encodings")
		return nil, true
	}
	if len(body) == 0 {
		return body, partly
	}
	for i := len(codings) - 1; i >= 0; i-- {
		plain, err := decompress(codings[i], body)
		x.note(where, partly, err, "the content encoding "+word(codings[i]))
		body, partly = plain, partly || err != nil
	}
	if len(body) > maxPlain {
		x.problem(where, TooLarge, "the body")
		return body[:maxPlain], true
	}
	return body, partly
}

func isContentEncoding(m awsmodel.Member) bool {
	return m.Location == awsmodel.Header && strings.EqualFold(m.WireName, "Content-Encoding")
}

// decompress returns what a body holds, or as much of it as could be read.
func decompress(coding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, &faultError{Problem{What: Unsupported, About: "the content encoding " + word(coding)}}
	}
	if err != nil {
		return nil, malformed("")
	}
	limit := min(maxPlain, max(minExpanded, maxExpansion*len(body)))
	plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(plain) > limit {
		return plain[:limit], tooLarge("what the body expands to")
	}
	if err != nil {
		return plain, malformed("")
	}
	return plain, nil
}

// dechunk takes an aws-chunked body apart, without a look at signatures, which is
// whoever's business it is to serve the call.
func dechunk(body []byte) ([]byte, error) {
	plain := make([]byte, 0, min(len(body), maxPlain))
	for {
		end := bytes.IndexByte(body[:min(len(body), maxChunkLine)], '\n')
		if end < 0 {
			return plain, malformed("the chunks of the body")
		}
		digits, _, _ := strings.Cut(strings.TrimSuffix(string(body[:end]), "\r"), ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 62)
		if err != nil {
			return plain, malformed("the chunks of the body")
		}
		body = body[end+1:]
		if size == 0 {
			return plain, nil // trailers hold checksums and signatures
		}
		if size > uint64(len(body)) {
			return append(plain, body...), malformed("the chunks of the body")
		}
		plain = append(plain, body[:size]...)
		body = bytes.TrimPrefix(body[size:], []byte("\r"))
		body = bytes.TrimPrefix(body, []byte("\n"))
	}
}
