package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
)

// Trails says how the trails stand that have a name or an ARN; all if it is
// empty.
func (c *Client) Trails(ctx context.Context, account, trail string) ([]TrailReport, error) {
	var list TrailList
	err := c.callTrails(ctx, "", url.Values{"account": {account}, "trail": {trail}}, &list)
	return list.Trails, err
}

// TrailsS3 says which S3 trails deliver to: one of the values of TrailList.S3.
func (c *Client) TrailsS3(ctx context.Context) (string, error) {
	var list TrailList
	err := c.callTrails(ctx, "", nil, &list)
	return list.S3, err
}

// ExplainEvent says for each trail of an event's account why it takes the event
// or not.
func (c *Client) ExplainEvent(ctx context.Context, account, eventID string) ([]EventExplanation, error) {
	var out EventExplanations
	err := c.callTrails(ctx, "/why", url.Values{"account": {account}, "eventId": {eventID}}, &out)
	return out.Events, err
}

// TrailFiles yields the lines of an answer with log files. The parameters are
// those of the route.
func (c *Client) TrailFiles(ctx context.Context, parameters url.Values) iter.Seq2[*TrailLine, error] {
	return c.trailLines(ctx, http.MethodGet, "/files", parameters, nil)
}

// Redeliver delivers log files again and yields a line for each.
func (c *Client) Redeliver(ctx context.Context, r RedeliverRequest) iter.Seq2[*TrailLine, error] {
	body, err := json.Marshal(r)
	if err != nil {
		return func(yield func(*TrailLine, error) bool) { yield(nil, err) }
	}
	return c.trailLines(ctx, http.MethodPost, "/redeliver", nil, body)
}

func (c *Client) callTrails(ctx context.Context, path string, parameters url.Values, out any) error {
	resp, err := c.trails(ctx, http.MethodGet, path, parameters, nil)
	if err != nil {
		return err
	}
	return readAnswer(resp, out)
}

// trails sends a request to one of the routes of trails.
func (c *Client) trails(ctx context.Context, method, path string, parameters url.Values, body []byte) (*http.Response, error) {
	given := make(url.Values)
	for name := range parameters {
		if v := parameters.Get(name); v != "" {
			given.Set(name, v)
		}
	}
	path = "/_cairn/api/trails" + path
	if len(given) > 0 {
		path += "?" + given.Encode()
	}
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	return c.send(ctx, method, path, in)
}

// trailLines yields the lines of a streamed answer, the last of which is the
// end. What the server tells of an error is the sequence's error.
func (c *Client) trailLines(ctx context.Context, method, path string, parameters url.Values, body []byte) iter.Seq2[*TrailLine, error] {
	return func(yield func(*TrailLine, error) bool) {
		resp, err := c.trails(ctx, method, path, parameters, body)
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Body.Close()
		d := json.NewDecoder(resp.Body)
		for {
			var line TrailLine
			if err := d.Decode(&line); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				yield(nil, fmt.Errorf("read the server's answer: %w", err))
				return
			}
			if line.Error != nil {
				yield(nil, errors.New(line.Error.Text))
				return
			}
			if !yield(&line, nil) || line.End != nil {
				return
			}
		}
	}
}
