package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cairn"
)

// A Client speaks the local API.
type Client struct {
	http  *http.Client
	base  string // scheme and host of requests
	close func() error

	// InProcess says that no other process serves the data directory.
	InProcess bool
}

// Dial returns a client of the server that listens on a Unix socket.
func Dial(socket string) *Client {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConnsPerHost: 8,
	}
	c := newClient(t)
	c.close = func() error { t.CloseIdleConnections(); return nil }
	return c
}

// OpenClient opens a data directory and returns a client of it. Close closes
// the directory, and while ctx is not done makes the next opening fast.
func OpenClient(ctx context.Context, cfg Config) (*Client, error) {
	s, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	t := &transport{handler: s.Handler()}
	c := newClient(t)
	c.InProcess = true
	c.close = func() error {
		s.stop()
		t.wait()
		s.sealLarge(ctx)
		return s.Close()
	}
	return c, nil
}

// sealRecords is how many records the open segment may have when a client
// closes the directory. Each opening indexes them anew, 20 000 in some tenths of a
// second.
const sealRecords = 20_000

// sealLarge seals an open segment that would make the next opening slow. One
// that cannot be sealed now is sealed later. A log with damage is left as it is.
func (s *Server) sealLarge(ctx context.Context) {
	st := s.log.Stats()
	if st.OpenRecords < sealRecords || st.Damaged > 0 || s.log.Contradicted() || s.log.Err() != nil || ctx.Err() != nil {
		return
	}
	// The sealed segment and its index stand beside the open one for a while;
	// both together are smaller than twice the records.
	need := reserveBytes + 2*uint64(st.RawBytes)/max(st.Records, 1)*uint64(st.OpenRecords)
	if free, err := s.cfg.FS.Free(s.cfg.Data); err != nil || free < need {
		return
	}
	if err := s.log.Seal(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("the open segment could not be sealed", slog.Any("error", err))
	}
}

func newClient(t http.RoundTripper) *Client {
	return &Client{http: &http.Client{Transport: t}, base: "http://cairn", close: func() error { return nil }}
}

// Close gives up what the client holds. No call may be in progress.
func (c *Client) Close() error { return c.close() }

// An AnswerError is an answer of the server that is not a success.
type AnswerError struct {
	StatusCode int
	Code       string // of the TCP port's refusals, such as "ValidationException"
	Text       string
}

func (e *AnswerError) Error() string { return e.Text }

// do sends a request and returns the answer if it is a success.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	return c.send(ctx, method, "/_cairn/v1/"+path, body)
}

// send is do for a whole path.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	return c.exchange(req)
}

// exchange sends a request and returns the answer if it is a success.
func (c *Client) exchange(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // its URL means nothing to the user
		}
		return nil, fmt.Errorf("call the server: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var e struct {
		apiError
		Message string `json:"message"` // of the TCP port's refusals
		Type    string `json:"__type"`
	}
	if json.Unmarshal(text, &e) == nil && e.Error == "" {
		e.Error = e.Message
	}
	if e.Error == "" {
		e.Error = "the server answered " + strconv.Itoa(resp.StatusCode) + ": " + strings.TrimSpace(string(text))
	}
	return nil, &AnswerError{StatusCode: resp.StatusCode, Code: e.Type, Text: e.Error}
}

// call sends a JSON request, if there is one, and reads a JSON answer.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	return readAnswer(resp, out)
}

// readAnswer reads an answer's JSON, and closes its body.
func readAnswer(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// Status describes the data directory.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	err := c.call(ctx, http.MethodGet, "status", nil, &s)
	return &s, err
}

// BeginImport says how far a file was imported before.
func (c *Client) BeginImport(ctx context.Context, f ImportFile) (ImportState, error) {
	var s ImportState
	err := c.call(ctx, http.MethodPost, "import/begin", f, &s)
	return s, err
}

// ImportRecords stores the next records of a file, which begin at index first.
// An empty record stands for one that could not be read. With last, the file
// is finished. It returns when the records are durable.
func (c *Client) ImportRecords(ctx context.Context, f ImportFile, first int64, records [][]byte, last bool) (*ImportResult, error) {
	var body []byte
	for _, raw := range records {
		body = binary.BigEndian.AppendUint32(body, uint32(len(raw)))
		body = append(body, raw...)
	}
	q := url.Values{
		"sha256": {f.SHA256}, "name": {f.Name}, "size": {strconv.FormatInt(f.Size, 10)},
		"first": {strconv.FormatInt(first, 10)}, "last": {strconv.FormatBool(last)},
	}
	resp, err := c.do(ctx, http.MethodPost, "import/records?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out ImportResult
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return &out, nil
}

// A DamageReport is a part of the log that could not be read, told in the
// middle of a stream that goes on behind it.
type DamageReport struct{ Text string }

func (e *DamageReport) Error() string { return e.Text }

// Lookup yields the events that a query finds, extracted. A *DamageReport does
// not end the sequence, any other error does.
func (c *Client) Lookup(ctx context.Context, q LookupRequest) iter.Seq2[*cairn.Event, error] {
	return c.events(ctx, "lookup", q)
}

// Tail yields events in the order of their arrival, as Lookup does.
func (c *Client) Tail(ctx context.Context, q TailRequest) iter.Seq2[*cairn.Event, error] {
	return c.events(ctx, "tail", q)
}

func (c *Client) events(ctx context.Context, path string, in any) iter.Seq2[*cairn.Event, error] {
	return func(yield func(*cairn.Event, error) bool) {
		b, err := json.Marshal(in)
		if err != nil {
			yield(nil, err)
			return
		}
		resp, err := c.do(ctx, http.MethodPost, path, bytes.NewReader(b))
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Body.Close()
		r := bufio.NewReaderSize(resp.Body, 64<<10)
		for {
			h, raw, err := readFrame(r)
			if err != nil {
				yield(nil, fmt.Errorf("read events: %w", err))
				return
			}
			more := true
			switch h.Type {
			case "end":
				return
			case "error":
				yield(nil, errors.New(h.Text))
				return
			case "damage":
				more = yield(nil, &DamageReport{h.Text})
			case "event":
				e := &cairn.Event{Seq: h.Seq, Arrival: h.Arrival, Origin: cairn.Origin(h.Origin), Flags: cairn.Flags(h.Flags), Raw: raw}
				if err := e.Extract(); err != nil {
					more = yield(nil, &DamageReport{fmt.Sprintf("record %d: %v", h.Seq, err)})
				} else {
					more = yield(e, nil)
				}
			}
			if !more {
				return
			}
		}
	}
}

// End returns the position behind the newest event.
func (c *Client) End(ctx context.Context) (string, error) {
	b, err := json.Marshal(TailRequest{From: "end"})
	if err != nil {
		return "", err
	}
	resp, err := c.do(ctx, http.MethodPost, "tail", bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	h, _, err := readFrame(bufio.NewReader(resp.Body))
	if err == nil && h.Type != "end" {
		err = fmt.Errorf("a frame %q came instead of the end", h.Type)
	}
	if err != nil {
		return "", fmt.Errorf("read where the log ends: %w", err)
	}
	return h.Position, nil
}

// Check verifies the whole store and calls progress with the raw bytes of
// records verified so far.
func (c *Client) Check(ctx context.Context, progress func(rawBytes int64)) (*CheckReport, error) {
	resp, err := c.do(ctx, http.MethodPost, "check", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var line checkLine
		if err := d.Decode(&line); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read the report: %w", err)
		}
		switch {
		case line.Error != "":
			return nil, errors.New(line.Error)
		case line.Report != nil:
			return line.Report, nil
		}
		progress(line.RawBytes)
	}
}

// Backup writes a backup as a tar archive.
func (c *Client) Backup(ctx context.Context, w io.Writer, o BackupOptions) error {
	resp, err := c.do(ctx, http.MethodGet, fmt.Sprintf("backup?master-key=%t&objects=%t", o.MasterKey, !o.WithoutObjects), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("receive backup: %w", err)
	}
	return nil
}
