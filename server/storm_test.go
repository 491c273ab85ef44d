package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// Four times what the server holds of bodies at a time comes at once, and more
// behind it. What is accepted is there, once and whole; what is not is refused as
// such and leaves nothing; and behind the storm everything is as before it.
func TestIngestStorm(t *testing.T) {
	t.Parallel()
	x := serveRoutes(t)
	const (
		senders = 64 // a body of unknown length counts with 16 MiB of 256
		rounds  = 4
		records = 100
	)
	var mu sync.Mutex
	want := make(map[string]bool) // by record
	refused := 0
	overloaded := make(chan struct{})
	overload := sync.OnceFunc(func() { close(overloaded) })
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for r := range rounds {
				var lines []string
				for n := range records {
					lines = append(lines, string(testRecord((s*rounds+r)*records+n)))
				}
				text := strings.Join(lines, "\n")
				body := io.Reader(strings.NewReader(text))
				if r == 0 {
					body = io.MultiReader(strings.NewReader(text[:1000]), waitReader{overloaded}, strings.NewReader(text[1000:]))
				}
				code, answer := x.postUnknownLength(t, text, body)
				mu.Lock()
				switch code {
				case http.StatusOK:
					for _, line := range lines {
						want[line] = true
					}
					if !strings.Contains(answer, fmt.Sprintf(`"counts":{"stored":%d}`, records)) {
						t.Errorf("accepted in part: %s", answer[max(0, len(answer)-200):])
					}
				case http.StatusTooManyRequests, http.StatusServiceUnavailable:
					refused++
					overload()
				default:
					t.Errorf("answered with %d %s", code, answer)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if refused == 0 || len(want) == 0 {
		t.Fatalf("%d bodies were refused and %d records accepted, so it was no storm", refused, len(want))
	}
	late := string(testRecord(senders * rounds * records))
	if out := x.post(t, x.a, late); out.Counts["stored"] != 1 {
		t.Errorf("after the storm: %+v", out)
	}
	want[late] = true
	found, _ := x.find(t, x.a, "EventSource=s3.amazonaws.com&limit=0")
	for _, f := range found {
		if !want[string(f.Record)] {
			t.Fatalf("found twice, or of a body that was refused: %s", f.Record)
		}
		delete(want, string(f.Record))
	}
	if len(want) > 0 {
		t.Errorf("%d accepted records are lost", len(want))
	}
}

// A waitReader has nothing to read, and ends when its channel is closed.
type waitReader struct{ until <-chan struct{} }

func (r waitReader) Read([]byte) (int, error) {
	<-r.until
	return 0, io.EOF
}

// postUnknownLength posts a text as a body whose length is not announced. A
// server that refuses it may do so before it has read it.
func (x *routesTest) postUnknownLength(t *testing.T, text string, body io.Reader) (int, string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.url+"/_cairn/events", io.NopCloser(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	req.ContentLength = -1
	key := sigv4.Credentials{AccessKeyID: x.a.AccessKeyID, SecretAccessKey: x.a.Secret}
	if err := sigv4.Sign(req, sigv4.HashPayload([]byte(text)), key, "cloudtrail", "eu-west-1", time.Now()); err != nil {
		t.Error(err)
		return 0, ""
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	_, _ = answer.ReadFrom(resp.Body)
	return resp.StatusCode, answer.String()
}
