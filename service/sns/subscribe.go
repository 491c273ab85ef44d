package sns

import (
	"context"
	"net/url"
	"strings"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

// subscribeNeeds has the condition keys of Subscribe.
func subscribeNeeds(_ context.Context, _ *aws.Call, in *SubscribeInput) ([]aws.Permission, error) {
	return []aws.Permission{{Resource: in.TopicArn, Keys: map[string][]string{"sns:Protocol": {in.Protocol}, "sns:Endpoint": {in.Endpoint}}}}, nil
}

// subscribe makes a pending subscription and sends its endpoint a token. A second
// time it sends another token, and for a confirmed one it does nothing.
func (s *Service) subscribe(ctx context.Context, c *aws.Call, in *SubscribeInput) (*SubscribeOutput, error) {
	if err := s.checkEndpoint(in.Protocol, in.Endpoint); err != nil {
		return nil, err
	}
	t, err := s.topic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	sub := &subscription{
		topicName: t.topicName, id: aws.NewUUID(), TopicID: t.ID, Owner: callerAccount(c), Principal: c.Identity.ARN,
		Protocol: in.Protocol, Endpoint: in.Endpoint, State: pendingState,
	}
	if sub.Owner == "" {
		sub.Owner = t.account
	}
	for name, value := range in.Attributes {
		if name == "FilterPolicyScope" {
			err = sub.setAttribute(name, value)
		}
		if err != nil {
			return nil, err
		}
	}
	for name, value := range in.Attributes {
		if err := sub.setAttribute(name, value); err != nil {
			return nil, err
		}
	}
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	old, err := s.findEndpoint(t, in.Protocol, in.Endpoint)
	if err != nil {
		return nil, err
	}
	if old != nil && old.State == confirmedState {
		if len(in.Attributes) > 0 && !old.sameAttributes(sub) {
			return nil, errInvalid("Attributes Reason: Subscription already exists with different attributes")
		}
		return &SubscribeOutput{SubscriptionArn: old.arn()}, nil
	}
	if old != nil {
		mine := sub.Owner == old.Owner
		sub.id, sub.Owner = old.id, old.Owner
		err = s.changeSubscription(t.topicName, old.id, func(now *subscription, _ *topic) error {
			if !mine {
				return s.renewToken(now)
			}
			now.Raw, now.FilterPolicy, now.FilterPolicyScope, now.DeliveryPolicy = sub.Raw, sub.FilterPolicy, sub.FilterPolicyScope, sub.DeliveryPolicy
			return s.renewToken(now)
		})
	} else if err = s.renewToken(sub); err == nil {
		err = s.addSubscription(sub)
	}
	if err != nil {
		return nil, err
	}
	// A crash here leaves a subscription whose endpoint knows of no token; to
	// subscribe again sends one.
	if err := s.post(&message{
		Type: typeSubscribe, ID: aws.NewUUID(), topicName: t.topicName, Time: time.Now().UTC(),
		Text: "You have chosen to subscribe to the topic " + t.arn() + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
	}, sub); err != nil {
		return nil, err
	}
	if in.ReturnSubscriptionArn {
		return &SubscribeOutput{SubscriptionArn: sub.arn()}, nil
	}
	return &SubscribeOutput{SubscriptionArn: "pending confirmation"}, nil
}

// findEndpoint returns the subscription of an endpoint that has not ended, and
// refuses more than a topic may have.
func (s *Service) findEndpoint(t *topic, protocol, endpoint string) (*subscription, error) {
	count := 0
	for sub, err := range s.subscriptionsOf(t) {
		if err != nil {
			return nil, err
		}
		if sub.State != endedState && sub.Protocol == protocol && sub.Endpoint == endpoint {
			return sub, nil
		}
		count++
	}
	if count >= maxSubscriptions {
		return nil, errTooManySubscriptions()
	}
	return nil, nil
}

// maxEndpointBytes bounds a URL.
const maxEndpointBytes = 2048

// checkEndpoint refuses protocols that do not work here, and endpoints that
// messages must not be sent to.
func (s *Service) checkEndpoint(protocol, endpoint string) error {
	switch protocol {
	case "http", "https":
	case "email", "email-json", "sms", "sqs", "lambda", "application", "firehose":
		return errInvalid("Protocol Reason: This version of Cairn delivers to http and https endpoints only, not to %s.", protocol)
	default:
		return errInvalid("Protocol Reason: Does not support this protocol string: %s", protocol)
	}
	u, err := url.Parse(endpoint)
	if err != nil || len(endpoint) > maxEndpointBytes || hasControl(endpoint) || strings.ToLower(u.Scheme) != protocol {
		return errInvalid("Endpoint must match the specified protocol")
	}
	if err := s.cfg.Egress.CheckURL(u); err != nil {
		return errInvalid("Unreachable Endpoint: %v", err)
	}
	return nil
}

// confirmSubscription is the signed call.
func (s *Service) confirmSubscription(ctx context.Context, c *aws.Call, in *ConfirmSubscriptionInput) (*ConfirmSubscriptionOutput, error) {
	t, err := s.topic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	authenticated, err := isTrue(in.AuthenticateOnUnsubscribe)
	if err != nil {
		return nil, err
	}
	arn, err := s.confirm(t.topicName, in.Token, func(sub *subscription) {
		sub.ConfirmedByOwner = true
		sub.AuthenticatedEnd = sub.AuthenticatedEnd || authenticated
	})
	if err != nil {
		return nil, err
	}
	return &ConfirmSubscriptionOutput{SubscriptionArn: arn}, nil
}

// confirm confirms the subscription that a token is of. A token works more than
// once, as often as its message comes.
func (s *Service) confirm(n topicName, token string, fn func(*subscription)) (arn string, err error) {
	id, ok := idOfToken(token)
	if !ok {
		return "", errToken()
	}
	s.subscribing.Lock()
	defer s.subscribing.Unlock()
	err = s.changeSubscription(n, id, func(sub *subscription, t *topic) error {
		want, err := s.token(sub)
		if err != nil {
			return err
		}
		if !sameToken(want, token) || time.Since(sub.Since) > tokenLife {
			return errToken()
		}
		if sub.State == endedState {
			other, err := s.findEndpoint(t, sub.Protocol, sub.Endpoint)
			if err != nil {
				return err
			}
			if other != nil { // it was subscribed anew in the meantime
				return errToken()
			}
		}
		sub.State = confirmedState
		fn(sub)
		arn = sub.arn()
		return nil
	})
	if isMissing(err) {
		return "", errToken()
	}
	return arn, err
}

// unsubscribe is the signed call, by the owner of the subscription or of the topic.
func (s *Service) unsubscribe(ctx context.Context, c *aws.Call, in *UnsubscribeInput) (*UnsubscribeOutput, error) {
	sub, _, err := s.ownSubscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return &UnsubscribeOutput{}, s.end(sub)
}

// end ends a subscription, and tells its endpoint how to take that back. One that
// was never confirmed just goes.
func (s *Service) end(sub *subscription) error {
	if sub.State == pendingState {
		return s.removeSubscription(sub)
	}
	err := s.changeSubscription(sub.topicName, sub.id, func(now *subscription, _ *topic) error {
		if now.State == endedState {
			return errNoSubscription()
		}
		now.State = endedState
		return s.renewToken(now)
	})
	if err != nil {
		return err
	}
	arn := sub.arn()
	return s.post(&message{
		Type: typeUnsubscribe, ID: aws.NewUUID(), topicName: sub.topicName, Time: time.Now().UTC(),
		Text: "You have chosen to deactivate subscription " + arn + ".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
	}, sub)
}

// ownSubscription returns the subscription that a call names and may act on: one of
// the caller's account, or to a topic of it.
func (s *Service) ownSubscription(c *aws.Call, arn string) (*subscription, *topic, error) {
	n, id, ok := parseSubscription(c.Region, arn)
	if !ok {
		return nil, nil, errInvalid("SubscriptionArn Reason: An ARN of a subscription in %s must have the form %s", c.Region,
			topicARN(c.Region, "123456789012", "name")+":6b0e71bd-7e97-4d97-80ce-4a0994e55286")
	}
	sub, t, err := s.loadSubscription(n, id)
	if err != nil {
		return nil, nil, err
	}
	account := callerAccount(c)
	switch {
	case sub != nil && sub.Owner != account && sub.account != account, sub == nil && n.account != account:
		return nil, nil, errForbidden(c, arn) // whether or not there is one
	case sub == nil || sub.State == endedState:
		return nil, nil, errNoSubscription()
	}
	return sub, t, nil
}

func (s *Service) listSubscriptions(ctx context.Context, c *aws.Call, in *ListSubscriptionsInput) (*ListSubscriptionsOutput, error) {
	after, err := s.page(c, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListSubscriptionsOutput{Subscriptions: []Subscription{}}
	for row, err := range s.subscribers().ScanAfter(catalog.KeyPrefix(callerAccount(c), c.Region), after) {
		if err != nil {
			return nil, err
		}
		parts := catalog.SplitKey(row.Key)
		sub, _, err := s.loadSubscription(topicName{parts[2], parts[1], parts[3]}, parts[4])
		if err != nil {
			return nil, err
		}
		if sub != nil && sub.State != endedState {
			if len(out.Subscriptions) == pageSize {
				out.NextToken, err = s.nextToken(c, "", after)
				return out, err
			}
			out.Subscriptions = append(out.Subscriptions, sub.describe())
		}
		after = row.Key
	}
	return out, nil
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, c *aws.Call, in *ListSubscriptionsByTopicInput) (*ListSubscriptionsByTopicOutput, error) {
	t, err := s.topic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	after, err := s.page(c, in.TopicArn, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListSubscriptionsByTopicOutput{Subscriptions: []Subscription{}}
	for sub, err := range s.subscriptionsOf(t) {
		if err != nil {
			return nil, err
		}
		if sub.State == endedState || sub.row() <= after {
			continue
		}
		if len(out.Subscriptions) == pageSize {
			out.NextToken, err = s.nextToken(c, in.TopicArn, after)
			return out, err
		}
		out.Subscriptions = append(out.Subscriptions, sub.describe())
		after = sub.row()
	}
	return out, nil
}

func isTrue(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, errInvalid("Reason: %q is neither true nor false", text)
}
