package sns_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn/catalog"

	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
)

// rows counts the rows of the service's tables that have any.
func (f *front) rows() map[string]int {
	f.t.Helper()
	counts := make(map[string]int)
	for _, table := range []string{"sns-topics", "sns-subscriptions", "sns-subscribers", "sns-queue", "sns-bodies"} {
		for _, err := range catalog.TableOf[map[string]any](f.catalog, table).Scan("") {
			must(f.t, err)
			counts[table]++
		}
	}
	return counts
}

// Nothing is left of what is settled, deleted, or was left behind by a crash.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"a.example", "b.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		base := map[string]int{"sns-topics": 1, "sns-subscriptions": 2, "sns-subscribers": 2}
		for i := range 10 {
			publish(t, c, topic, fmt.Sprint(i))
			publish(t, c, topic, strings.Repeat("x", 5000))
		}
		synctest.Wait()
		if got := f.rows(); !maps.Equal(got, base) {
			t.Errorf("after deliveries: %v, want %v", got, base)
		}

		// As a crash between two writes leaves it.
		_, err := catalog.TableOf[map[string]any](f.catalog, "sns-bodies").Put(catalog.Key(accountA, region, "t", "0-x"), map[string]any{"time": time.Now()})
		must(t, err)
		n.answer = status(500)
		publish(t, c, topic, strings.Repeat("x", 5000))
		synctest.Wait()
		_, err = c.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: &topic})
		must(t, err)
		time.Sleep(3 * time.Hour) // with two sweeps
		synctest.Wait()
		if got := f.rows(); len(got) != 0 {
			t.Errorf("in the end: %v", got)
		}
	})
}

// A topic that is made again has no subscriptions of the old one, even if a crash
// left their rows.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"a.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		must(t, catalog.TableOf[map[string]any](f.catalog, "sns-topics").Delete(catalog.Key(accountA, region, "t"), catalog.AnyRevision))
		createTopic(t, c, "t")
		publish(t, c, topic, "m")
		synctest.Wait()
		if got := n.bodies("a.example"); len(got) != 0 {
			t.Errorf("the old topic's subscriber got %q", got)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := f.rows(); !maps.Equal(got, map[string]int{"sns-topics": 1}) {
			t.Errorf("rows %v", got)
		}
	})
}

// Secrets are sealed: none is readable in the catalog, and all can be sealed anew.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	n := new(network)
	inBubble(t, n, []string{"a.example", "b.example"}, func(t *testing.T, f *front, c *sdk.Client, topic string) {
		must(t, f.catalog.Keyring().NewDataKey())
		for _, want := range []int{3, 0} { // the signing key and two tokens
			if got, err := f.service.Reseal(); err != nil || got != want {
				t.Errorf("%d were sealed anew (%v), want %d", got, err, want)
			}
		}
		setAttribute(t, c, topic, "SignatureVersion", "2")
		list, err := c.ListSubscriptions(t.Context(), &sdk.ListSubscriptionsInput{})
		must(t, err)
		for _, sub := range list.Subscriptions {
			_, err := c.SetSubscriptionAttributes(t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn, AttributeName: p("RawMessageDelivery"), AttributeValue: p("false")})
			must(t, err)
		}
		f.restart(n)
		publish(t, f.client(caller{region, f.id, f.secret}), topic, "m")
		synctest.Wait()
		if got := n.bodies("a.example"); len(got) != 1 || !strings.Contains(got[0], `"SignatureVersion": "2"`) {
			t.Errorf("got %q", got)
		}
		for row, err := range catalog.TableOf[map[string]any](f.catalog, "sns-subscriptions").Scan("") {
			must(t, err)
			if text, ok := row.Value["token"].(string); !ok || len(text) < 80 {
				t.Errorf("token %v is not sealed", row.Value["token"])
			}
		}
	})
}
