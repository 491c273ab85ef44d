package sns

import (
	"context"
	"strconv"

	"cairn/aws"
)

func (s *Service) getSubscriptionAttributes(ctx context.Context, c *aws.Call, in *GetSubscriptionAttributesInput) (*GetSubscriptionAttributesOutput, error) {
	sub, t, err := s.ownSubscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{
		"SubscriptionArn": sub.arn(), "TopicArn": t.arn(), "Owner": sub.Owner, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"PendingConfirmation":          strconv.FormatBool(sub.State == pendingState),
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.ConfirmedByOwner),
		"RawMessageDelivery":           strconv.FormatBool(sub.Raw),
		"EffectiveDeliveryPolicy":      sub.effectiveDeliveryPolicy(t),
	}
	if sub.Principal != "" {
		attributes["SubscriptionPrincipal"] = sub.Principal
	}
	if sub.DeliveryPolicy != "" {
		attributes["DeliveryPolicy"] = sub.DeliveryPolicy
	}
	if sub.FilterPolicy != "" {
		attributes["FilterPolicy"], attributes["FilterPolicyScope"] = sub.FilterPolicy, sub.scope()
	}
	return &GetSubscriptionAttributesOutput{Attributes: attributes}, nil
}

func (s *Service) setSubscriptionAttributes(ctx context.Context, c *aws.Call, in *SetSubscriptionAttributesInput) (*SetSubscriptionAttributesOutput, error) {
	sub, _, err := s.ownSubscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return &SetSubscriptionAttributesOutput{}, s.changeSubscription(sub.topicName, sub.id, func(now *subscription, _ *topic) error {
		if now.State == endedState {
			return errNoSubscription()
		}
		return now.setAttribute(in.AttributeName, in.AttributeValue)
	})
}

// setAttribute gives a subscription an attribute. What has no effect here is
// refused rather than kept.
func (sub *subscription) setAttribute(name, value string) (err error) {
	switch name {
	case "RawMessageDelivery":
		sub.Raw, err = isTrue(value)
		return err
	case "FilterPolicy":
		return sub.setFilter(value, sub.FilterPolicyScope)
	case "FilterPolicyScope":
		if value != scopeAttributes && value != scopeBody {
			return errInvalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
		return sub.setFilter(sub.FilterPolicy, value)
	case "DeliveryPolicy":
		if _, err := parseSubscriptionDelivery(value); err != nil {
			return errInvalid("DeliveryPolicy: %v", err)
		}
		sub.DeliveryPolicy = value
	case "RedrivePolicy", "SubscriptionRoleArn", "ReplayPolicy":
		if value != "" {
			return errInvalid("Attributes Reason: This version of Cairn does not have the attribute %s of subscriptions.", name)
		}
	default:
		return errInvalid("AttributeName")
	}
	return nil
}

// setFilter sets what the filter policy and its scope are, which must fit each
// other. An empty policy, or one without a key, is none.
func (sub *subscription) setFilter(text, scope string) error {
	if text != "" {
		f, err := parseFilter(text, scope)
		if err != nil {
			return errInvalid("FilterPolicy: %v", err)
		}
		if len(f.keys) == 0 && len(f.branches) == 0 {
			text = ""
		}
	}
	sub.FilterPolicy, sub.FilterPolicyScope = text, scope
	return nil
}

func (sub *subscription) scope() string {
	if sub.FilterPolicyScope == "" {
		return scopeAttributes
	}
	return sub.FilterPolicyScope
}

func (sub *subscription) sameAttributes(other *subscription) bool {
	return sub.Raw == other.Raw && sub.FilterPolicy == other.FilterPolicy && sub.scope() == other.scope() && sub.DeliveryPolicy == other.DeliveryPolicy
}
