package sns_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
)

// A network takes the place of all endpoints. What it is asked comes with the time.
type network struct {
	mu     sync.Mutex
	got    []string // host and body
	at     []time.Time
	under  map[string]int // requests under way, by host
	most   map[string]int
	answer func(*http.Request) (int, error) // 200 if nil
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.got, n.at = append(n.got, r.URL.Host+" "+string(body)), append(n.at, time.Now())
	if n.under == nil {
		n.under, n.most = make(map[string]int), make(map[string]int)
	}
	n.under[r.URL.Host]++
	n.most[r.URL.Host] = max(n.most[r.URL.Host], n.under[r.URL.Host])
	answer := n.answer
	n.mu.Unlock()
	status := http.StatusOK
	if answer != nil {
		status, err = answer(r)
	}
	n.mu.Lock()
	n.under[r.URL.Host]--
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

// bodies are what a host got.
func (n *network) bodies(host string) (list []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, got := range n.got {
		if body, ok := strings.CutPrefix(got, host+" "); ok {
			list = append(list, body)
		}
	}
	return list
}

// waits are the times between the requests, and forgets them.
func (n *network) waits() (list []time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := 1; i < len(n.at); i++ {
		list = append(list, n.at[i].Sub(n.at[i-1]))
	}
	n.at, n.got = nil, nil
	return list
}

// inBubble runs a test on a front without a listener, in fake time. Each host is
// subscribed with raw delivery.
func inBubble(t *testing.T, n *network, hosts []string, test func(t *testing.T, f *front, c *sdk.Client, topic string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &front{t: t, dir: t.TempDir(), url: "http://sns.example"}
		f.open(n)
		f.run()
		c := f.root(accountA)
		topic := createTopic(t, c, "t")
		for _, host := range hosts {
			f.subscribeHost(c, n, topic, host)
		}
		n.waits()
		test(t, f, c, topic)
		f.stop()
		must(t, f.catalog.Close())
	})
}

// subscribeHost subscribes a host and confirms with the token that it gets.
func (f *front) subscribeHost(c *sdk.Client, n *network, topic, host string) {
	f.t.Helper()
	subscribe(f.t, c, topic, "http://"+host+"/", map[string]string{"RawMessageDelivery": "true"})
	synctest.Wait()
	bodies := n.bodies(host)
	_, rest, ok := strings.Cut(bodies[len(bodies)-1], `"Token": "`)
	if !ok {
		f.t.Fatalf("%s got %q", host, bodies)
	}
	token, _, _ := strings.Cut(rest, `"`)
	_, err := c.ConfirmSubscription(f.t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
	must(f.t, err)
}

func status(code int) func(*http.Request) (int, error) {
	return func(*http.Request) (int, error) { return code, nil }
}

func TestRetries(t *testing.T) {
	t.Parallel()
	seconds := func(list ...float64) (waits []time.Duration) {
		for _, s := range list {
			waits = append(waits, time.Duration(s*float64(time.Second)))
		}
		return waits
	}
	for what, c := range map[string]struct {
		policy string
		answer func(*http.Request) (int, error)
		want   []time.Duration // between attempts
	}{
		"taken":              {"", nil, nil},
		"500, default":       {"", status(500), seconds(20, 20, 20)},
		"429, default":       {"", status(429), seconds(20, 20, 20)},
		"no connection":      {"", func(*http.Request) (int, error) { return 0, errors.New("connection refused") }, seconds(20, 20, 20)},
		"403 is for good":    {"", status(403), nil},
		"a redirect, too":    {"", status(302), nil},
		"none":               {`{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":0}`, status(500), nil},
		"all phases, linear": {`{"minDelayTarget":1,"maxDelayTarget":10,"numRetries":10,"numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2,"backoffFunction":"linear"}`, status(500), seconds(0, 0, 1, 1, 1, 4, 7, 10, 10, 10)},
		"geometric":          {`{"minDelayTarget":1,"maxDelayTarget":100,"numRetries":3,"backoffFunction":"geometric"}`, status(500), seconds(1, 10, 100)},
		"exponential":        {`{"minDelayTarget":1,"maxDelayTarget":8,"numRetries":4,"backoffFunction":"exponential"}`, status(500), seconds(1, 2, 4, 8)},
		"arithmetic":         {`{"minDelayTarget":1,"maxDelayTarget":7,"numRetries":4,"backoffFunction":"arithmetic"}`, status(500), seconds(1, 2, 4, 7)},
		"an endpoint that hangs": {`{"minDelayTarget":5,"maxDelayTarget":5,"numRetries":2}`, func(r *http.Request) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		}, seconds(20, 20)}, // 15 s until it is given up, and 5
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := new(network)
			inBubble(t, n, []string{"hook.example"}, func(t *testing.T, f *front, client *sdk.Client, topic string) {
				if c.policy != "" {
					setAttribute(t, client, topic, "DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":`+c.policy+`}}`)
				}
				n.answer = c.answer
				publish(t, client, topic, "m")
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if n := len(n.bodies("hook.example")); n != len(c.want)+1 {
					t.Errorf("%d attempts, want %d", n, len(c.want)+1)
				}
				if waits := n.waits(); !slices.Equal(waits, c.want) {
					t.Errorf("waits %v, want %v", waits, c.want)
				}
				// It is settled: the next start finds nothing.
				n.answer = nil
				f.restart(n)
				synctest.Wait()
				if left := n.bodies("hook.example"); len(left) != 0 {
					t.Errorf("%d messages were left", len(left))
				}
			})
		})
	}
}

// restart stops everything and opens it again.
func (f *front) restart(transport http.RoundTripper) {
	f.t.Helper()
	f.stop()
	must(f.t, f.catalog.Close())
	f.open(transport)
	f.run()
}

// What Publish has answered comes after a restart, even if no attempt was made, and
// however much it is.
func TestQueueOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"a.example", "b.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		f.stop() // as if the process ended before each delivery
		var want []string
		for i := range 600 { // more than are known in memory
			text := fmt.Sprintf("m%03d", i)
			if i%100 == 0 {
				text += strings.Repeat("x", 10_000) // has a row of its own
			}
			want = append(want, text)
			publish(t, c, topic, text)
		}
		if len(n.got) != 0 {
			t.Fatalf("%d deliveries were made", len(n.got))
		}
		f.restart(n)
		time.Sleep(time.Minute)
		for _, host := range []string{"a.example", "b.example"} {
			got := n.bodies(host)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s got %d messages, want %d, each once", host, len(got), len(want))
			}
		}
	})
}

// An endpoint that hangs holds up nobody, gets few requests at a time, and has all
// messages once it answers.
func TestHangingEndpointHoldsUpNobody(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"good.example", "bad.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		var hang sync.Mutex
		hangs := true
		n.answer = func(r *http.Request) (int, error) {
			hang.Lock()
			wait := hangs && r.URL.Host == "bad.example"
			hang.Unlock()
			if wait {
				<-r.Context().Done()
				return 0, r.Context().Err()
			}
			return 200, nil
		}
		setAttribute(t, c, topic, "DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":30,"numRetries":100}}}`)
		var want []string
		for i := range 300 {
			text := fmt.Sprintf("m%03d", i)
			want = append(want, text)
			publish(t, c, topic, text)
			synctest.Wait() // without any time going by
			if got := n.bodies("good.example"); len(got) != i+1 {
				t.Fatalf("message %d did not come to the good endpoint at once", i)
			}
		}
		n.mu.Lock()
		most := n.most["bad.example"]
		n.mu.Unlock()
		if most > 4 {
			t.Errorf("%d requests at a time", most)
		}
		hang.Lock()
		hangs = false
		hang.Unlock()
		time.Sleep(10 * time.Minute)
		got := n.bodies("bad.example")
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("the bad endpoint got %d messages in the end, want %d", len(got), len(want))
		}
	})
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"hook.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		setAttribute(t, c, topic, "DeliveryPolicy", `{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":2}}}`)
		for range 5 {
			publish(t, c, topic, "m")
		}
		time.Sleep(time.Minute)
		half := time.Second / 2
		if waits := n.waits(); !slices.Equal(waits, []time.Duration{half, half, half, half}) {
			t.Errorf("waits %v", waits)
		}
	})
}

// A subscription that nobody confirms is gone after two days, and its token with it.
func TestPendingSubscriptionsEnd(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, nil, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		sub := subscribe(t, c, topic, "http://hook.example/", nil)
		synctest.Wait()
		_, rest, _ := strings.Cut(n.bodies("hook.example")[0], `"Token": "`)
		token, _, _ := strings.Cut(rest, `"`)
		time.Sleep(49 * time.Hour)
		_, err := c.ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
		wantCode(t, "a token of two days ago", err, "InvalidParameter")
		_, err = c.GetSubscriptionAttributes(t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
		wantCode(t, "after two days", err, "NotFound")
		if got := attributes(t, c, topic); got["SubscriptionsPending"] != "0" {
			t.Errorf("attributes %v", got)
		}
	})
}

// A subscription that ended gets nothing of what is still queued for it.
func TestEndedSubscriptionGetsNothing(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"hook.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		n.answer = status(500)
		publish(t, c, topic, "m")
		synctest.Wait()
		n.answer = nil
		list, err := c.ListSubscriptions(t.Context(), &sdk.ListSubscriptionsInput{})
		must(t, err)
		_, err = c.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: list.Subscriptions[0].SubscriptionArn})
		must(t, err)
		time.Sleep(time.Hour)
		if got := n.bodies("hook.example"); len(got) != 2 || got[0] != "m" || !strings.Contains(got[1], `"Type": "UnsubscribeConfirmation"`) {
			t.Errorf("got %q", got)
		}
	})
}
