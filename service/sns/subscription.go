package sns

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"cairn/catalog"
)

// The states of subscriptions. A pending one, and one that has ended, can be
// confirmed with its token for as long as its row is kept.
const (
	pendingState   = "pending"
	confirmedState = "confirmed"
	endedState     = "ended"
)

const (
	// tokenLife is how long a token confirms a subscription, as with AWS.
	tokenLife = 48 * time.Hour

	// maxSubscriptions is the quota of a topic: AWS has 12,500,000, which the
	// catalog is not made for.
	maxSubscriptions = 1000

	confirmPurpose = "sns-confirmation-token"
)

// A subscription is one row, below its topic's. Another row says whose it is.
type subscription struct {
	topicName
	id  string
	rev catalog.Revision

	TopicID   string    `json:"topicId"` // of the topic that it belongs to
	Owner     string    `json:"owner"`   // the account that subscribed
	Principal string    `json:"principal,omitempty"`
	Protocol  string    `json:"protocol"`
	Endpoint  string    `json:"endpoint"`
	State     string    `json:"state"`
	Since     time.Time `json:"since"` // of the state, and of the token

	// Token confirms the subscription; 32 random bytes, sealed for the row.
	Token []byte `json:"token"`

	ConfirmedByOwner bool `json:"confirmedByOwner,omitempty"` // by a call that was signed
	AuthenticatedEnd bool `json:"authenticatedEnd,omitempty"` // Unsubscribe must be signed

	Raw               bool   `json:"raw,omitempty"`
	FilterPolicy      string `json:"filterPolicy,omitempty"`
	FilterPolicyScope string `json:"filterPolicyScope,omitempty"`
	DeliveryPolicy    string `json:"deliveryPolicy,omitempty"`
}

func (s *Service) subscriptions() catalog.Table[subscription] {
	return catalog.TableOf[subscription](s.cfg.Catalog, "sns-subscriptions")
}

// subscribers has a row for each subscription, below its owner's account: what
// ListSubscriptions lists. A row without its subscription is passed over.
func (s *Service) subscribers() catalog.Table[struct{}] {
	return catalog.TableOf[struct{}](s.cfg.Catalog, "sns-subscribers")
}

func (sub *subscription) row() string { return subscriptionRow(sub.topicName, sub.id) }

func subscriptionRow(n topicName, id string) string {
	return catalog.Key(n.account, n.region, n.name, id)
}

func (sub *subscription) ownerRow() string {
	return catalog.Key(sub.Owner, sub.region, sub.account, sub.name, sub.id)
}

func (sub *subscription) arn() string { return sub.topicName.arn() + ":" + sub.id }

// gone reports whether the subscription's time to be confirmed is over.
func (sub *subscription) gone(now time.Time) bool {
	return sub.State != confirmedState && now.Sub(sub.Since) > tokenLife
}

// describe is what lists have of a subscription.
func (sub *subscription) describe() Subscription {
	arn := sub.arn()
	if sub.State == pendingState {
		arn = "PendingConfirmation"
	}
	return Subscription{SubscriptionArn: arn, Owner: sub.Owner, Protocol: sub.Protocol, Endpoint: sub.Endpoint, TopicArn: sub.topicName.arn()}
}

// loadSubscription returns a subscription and its topic, nil if either is no more.
func (s *Service) loadSubscription(n topicName, id string) (*subscription, *topic, error) {
	stored, rev, err := s.subscriptions().Get(subscriptionRow(n, id))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	t, err := s.loadTopic(n)
	if err != nil || t == nil || t.ID != stored.TopicID || stored.gone(time.Now()) {
		return nil, nil, err
	}
	stored.topicName, stored.id, stored.rev = n, id, rev
	return &stored, t, nil
}

// subscriptionsOf yields the subscriptions to a topic.
func (s *Service) subscriptionsOf(t *topic) iter.Seq2[*subscription, error] {
	return func(yield func(*subscription, error) bool) {
		now := time.Now()
		for row, err := range s.subscriptions().Scan(catalog.KeyPrefix(t.account, t.region, t.name)) {
			if err != nil {
				yield(nil, err)
				return
			}
			sub := subscriptionOfRow(row)
			if sub.TopicID == t.ID && !sub.gone(now) && !yield(sub, nil) {
				return
			}
		}
	}
}

func subscriptionOfRow(row catalog.Row[subscription]) *subscription {
	parts := catalog.SplitKey(row.Key)
	sub := row.Value
	sub.topicName, sub.id, sub.rev = topicName{parts[0], parts[1], parts[2]}, parts[3], row.Revision
	return &sub
}

// addSubscription makes the two rows of a subscription. A crash in between leaves
// the one that lists pass over.
func (s *Service) addSubscription(sub *subscription) error {
	if _, err := s.subscribers().Put(sub.ownerRow(), struct{}{}); err != nil {
		return err
	}
	_, err := s.subscriptions().CompareAndSet(sub.row(), 0, *sub)
	return err
}

// changeSubscription changes a subscription. If others do so at the same time, fn
// is called again with what they made of it.
func (s *Service) changeSubscription(n topicName, id string, fn func(*subscription, *topic) error) error {
	for range maxAttempts {
		sub, t, err := s.loadSubscription(n, id)
		if err != nil {
			return err
		}
		if sub == nil {
			return errNoSubscription()
		}
		if err := fn(sub, t); err != nil {
			return err
		}
		_, err = s.subscriptions().CompareAndSet(sub.row(), sub.rev, *sub)
		if !errors.Is(err, catalog.ErrConflict) {
			return err
		}
	}
	return errBusy()
}

// removeSubscriptions removes those of a topic that which names.
func (s *Service) removeSubscriptions(n topicName, which func(*subscription) bool) error {
	for row, err := range s.subscriptions().Scan(catalog.KeyPrefix(n.account, n.region, n.name)) {
		if err != nil {
			return err
		}
		if sub := subscriptionOfRow(row); which(sub) {
			if err := s.removeSubscription(sub); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) removeSubscription(sub *subscription) error {
	err := s.subscriptions().Delete(sub.row(), sub.rev)
	if err == nil || errors.Is(err, catalog.ErrNotFound) {
		err = s.subscribers().Delete(sub.ownerRow(), catalog.AnyRevision)
	}
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// renewToken gives the subscription a token that has its whole life before it.
func (s *Service) renewToken(sub *subscription) error {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	sealed, err := s.cfg.Catalog.Keyring().Seal(confirmPurpose, sub.row(), secret)
	if err != nil {
		return fmt.Errorf("seal the token of subscription %s: %w", sub.arn(), err)
	}
	sub.Token, sub.Since = sealed, time.Now().UTC()
	return nil
}

// token returns the text that confirms the subscription: its ID, so that it is
// found, and the secret.
func (s *Service) token(sub *subscription) (string, error) {
	secret, err := s.cfg.Catalog.Keyring().Open(confirmPurpose, sub.row(), sub.Token)
	if err != nil {
		return "", fmt.Errorf("open the token of subscription %s: %w", sub.arn(), err)
	}
	return hexID(sub.id) + hex.EncodeToString(secret), nil
}

// endToken returns the text that ends the subscription without a signature. It
// stands in all messages; nobody can tell the confirmation's token from it.
func (s *Service) endToken(sub *subscription) (string, error) {
	token, err := s.token(sub)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte("unsubscribe " + token))
	return hex.EncodeToString(sum[:]), nil
}

// idOfToken returns the ID of the subscription that a token is of.
func idOfToken(token string) (string, bool) {
	raw, err := hex.DecodeString(token)
	if err != nil || len(raw) != 16+32 {
		return "", false
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:16]), true
}

func hexID(id string) string {
	return id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:]
}

func sameToken(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// sweep removes subscriptions that nobody has confirmed in time, those of topics
// that are no more, and the bodies of messages that nobody waits for.
func (s *Service) sweep(ctx context.Context) error {
	var failed []error
	for row, err := range s.subscriptions().Scan("") {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			sub := subscriptionOfRow(row)
			var found *subscription
			if found, _, err = s.loadSubscription(sub.topicName, sub.id); err == nil && found == nil {
				err = s.removeSubscription(sub)
			}
		}
		failed = append(failed, err)
	}
	return errors.Join(append(failed, s.sweepBodies(ctx))...)
}
