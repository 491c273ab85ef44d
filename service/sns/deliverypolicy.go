package sns

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"time"
)

// A deliveryPolicy says how often a message is tried again, when, how many
// messages a second an endpoint gets, and with what Content-Type. The page is
// "Amazon SNS message delivery retries" of AWS's guide.
type deliveryPolicy struct {
	retry       retryPolicy
	perSecond   int    // 0: no limit
	contentType string // empty: that of the default
}

// A retryPolicy is a healthyRetryPolicy. Its delays are in seconds. There are
// four phases: retries without a delay, with the least delay, with a delay that
// grows from the least to the greatest, and with the greatest.
type retryPolicy struct {
	MinDelayTarget     int    `json:"minDelayTarget"`
	MaxDelayTarget     int    `json:"maxDelayTarget"`
	NumRetries         int    `json:"numRetries"` // of all phases
	NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
	NumNoDelayRetries  int    `json:"numNoDelayRetries"`
	NumMinDelayRetries int    `json:"numMinDelayRetries"`
	BackoffFunction    string `json:"backoffFunction"`
}

type throttlePolicy struct {
	MaxReceivesPerSecond *int `json:"maxReceivesPerSecond,omitempty"`
}

type requestPolicy struct {
	HeaderContentType string `json:"headerContentType,omitempty"`
}

// topicDelivery is the attribute DeliveryPolicy of a topic.
type topicDelivery struct {
	HTTP struct {
		DefaultHealthyRetryPolicy    *retryPolicy    `json:"defaultHealthyRetryPolicy,omitempty"`
		DisableSubscriptionOverrides bool            `json:"disableSubscriptionOverrides"`
		DefaultThrottlePolicy        *throttlePolicy `json:"defaultThrottlePolicy,omitempty"`
		DefaultRequestPolicy         *requestPolicy  `json:"defaultRequestPolicy,omitempty"`
	} `json:"http"`
}

// subscriptionDelivery is the attribute DeliveryPolicy of a subscription.
type subscriptionDelivery struct {
	HealthyRetryPolicy *retryPolicy    `json:"healthyRetryPolicy,omitempty"`
	ThrottlePolicy     *throttlePolicy `json:"throttlePolicy,omitempty"`
	RequestPolicy      *requestPolicy  `json:"requestPolicy,omitempty"`
}

const (
	defaultContentType = "text/plain; charset=UTF-8"

	maxRetries      = 100
	maxDelaySeconds = 3600 // of one retry, and of all together
)

// defaultRetry is AWS's for endpoints of http and https.
var defaultRetry = retryPolicy{MinDelayTarget: 20, MaxDelayTarget: 20, NumRetries: 3, BackoffFunction: "linear"}

func parseTopicDelivery(text string) (topicDelivery, error) {
	var d topicDelivery
	if text == "" {
		return d, nil
	}
	if err := decodeStrictly(text, &d); err != nil {
		return d, err
	}
	h := &d.HTTP
	return d, errors.Join(h.DefaultHealthyRetryPolicy.check(), h.DefaultThrottlePolicy.check(), h.DefaultRequestPolicy.check())
}

func parseSubscriptionDelivery(text string) (subscriptionDelivery, error) {
	var d subscriptionDelivery
	if text == "" {
		return d, nil
	}
	if err := decodeStrictly(text, &d); err != nil {
		return d, err
	}
	return d, errors.Join(d.HealthyRetryPolicy.check(), d.ThrottlePolicy.check(), d.RequestPolicy.check())
}

func decodeStrictly(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errors.New("the policy is not JSON of the form that it must have: " + err.Error())
	}
	if d.More() {
		return errors.New("something follows the policy")
	}
	return nil
}

func (r *retryPolicy) check() error {
	if r == nil {
		return nil
	}
	least := r.NumNoDelayRetries + r.NumMinDelayRetries + r.NumMaxDelayRetries
	switch {
	case r.NumRetries < 0 || r.NumRetries > maxRetries:
		return fmt.Errorf("numRetries is from 0 to %d", maxRetries)
	case min(r.NumNoDelayRetries, r.NumMinDelayRetries, r.NumMaxDelayRetries) < 0 || least > r.NumRetries:
		return errors.New("the retries of the phases are not more than numRetries together, and none is negative")
	case r.MinDelayTarget < 1 || r.MaxDelayTarget > maxDelaySeconds || r.MinDelayTarget > r.MaxDelayTarget:
		return fmt.Errorf("minDelayTarget is 1 at least, and not more than maxDelayTarget, which is %d at most", maxDelaySeconds)
	}
	switch r.BackoffFunction {
	case "", "linear", "arithmetic", "geometric", "exponential":
	default:
		return errors.New("backoffFunction is linear, arithmetic, geometric or exponential")
	}
	var all time.Duration
	for n := 1; n <= r.NumRetries; n++ {
		all += r.delay(n)
	}
	if all > maxDelaySeconds*time.Second {
		return fmt.Errorf("the delays of all retries are more than %d seconds together", maxDelaySeconds)
	}
	return nil
}

func (t *throttlePolicy) check() error {
	if t == nil || t.MaxReceivesPerSecond == nil || *t.MaxReceivesPerSecond >= 1 {
		return nil
	}
	return errors.New("maxReceivesPerSecond is 1 at least")
}

func (r *requestPolicy) check() error {
	if r == nil || r.HeaderContentType == "" {
		return nil
	}
	if _, _, err := mime.ParseMediaType(r.HeaderContentType); err != nil || len(r.HeaderContentType) > 200 || hasControl(r.HeaderContentType) {
		return errors.New("headerContentType is not a media type")
	}
	return nil
}

// delay is how long to wait before a retry, of which the first has the number 1.
func (r *retryPolicy) delay(n int) time.Duration {
	growing := r.NumRetries - r.NumNoDelayRetries - r.NumMinDelayRetries - r.NumMaxDelayRetries
	seconds := float64(r.MaxDelayTarget)
	switch n -= r.NumNoDelayRetries; {
	case n <= 0:
		return 0
	case n <= r.NumMinDelayRetries:
		seconds = float64(r.MinDelayTarget)
	case n-r.NumMinDelayRetries <= growing:
		seconds = r.grown(n-r.NumMinDelayRetries-1, growing-1)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// grown is the delay of step i of the growing phase, whose last step is end.
func (r *retryPolicy) grown(i, end int) float64 {
	least, most := float64(r.MinDelayTarget), float64(r.MaxDelayTarget)
	if end == 0 {
		return least
	}
	x, n := float64(i), float64(end)
	switch r.BackoffFunction {
	case "arithmetic": // each step is longer than the one before by the same time
		return least + (most-least)*x*(x+1)/(n*(n+1))
	case "geometric":
		return least * math.Pow(most/least, x/n)
	case "exponential":
		return least + (most-least)*(math.Exp2(x)-1)/(math.Exp2(n)-1)
	}
	return least + (most-least)*x/n
}

// policyFor returns the policy for a subscription to a topic.
func policyFor(t *topic, sub *subscription) deliveryPolicy {
	of, _ := parseTopicDelivery(t.DeliveryPolicy) // checked when it was set
	var own subscriptionDelivery
	if !of.HTTP.DisableSubscriptionOverrides {
		own, _ = parseSubscriptionDelivery(sub.DeliveryPolicy)
	}
	p := deliveryPolicy{retry: *cmp.Or(own.HealthyRetryPolicy, of.HTTP.DefaultHealthyRetryPolicy, &defaultRetry), contentType: defaultContentType}
	if throttle := cmp.Or(own.ThrottlePolicy, of.HTTP.DefaultThrottlePolicy); throttle != nil && throttle.MaxReceivesPerSecond != nil {
		p.perSecond = *throttle.MaxReceivesPerSecond
	}
	if request := cmp.Or(own.RequestPolicy, of.HTTP.DefaultRequestPolicy); request != nil && request.HeaderContentType != "" {
		p.contentType = request.HeaderContentType
	}
	return p
}

// effectiveDeliveryPolicy is the attribute of a topic that says what holds.
func (t *topic) effectiveDeliveryPolicy() string {
	d, _ := parseTopicDelivery(t.DeliveryPolicy)
	d.HTTP.DefaultHealthyRetryPolicy = cmp.Or(d.HTTP.DefaultHealthyRetryPolicy, &defaultRetry)
	d.HTTP.DefaultRequestPolicy = cmp.Or(d.HTTP.DefaultRequestPolicy, &requestPolicy{HeaderContentType: defaultContentType})
	return string(encode(d))
}

// effectiveDeliveryPolicy is the attribute of a subscription that says what holds.
func (sub *subscription) effectiveDeliveryPolicy(t *topic) string {
	p := policyFor(t, sub)
	d := subscriptionDelivery{HealthyRetryPolicy: &p.retry, RequestPolicy: &requestPolicy{HeaderContentType: p.contentType}}
	if p.perSecond > 0 {
		d.ThrottlePolicy = &throttlePolicy{MaxReceivesPerSecond: &p.perSecond}
	}
	return string(encode(d))
}
