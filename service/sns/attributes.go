package sns

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn/aws"
	"cairn/internal/policy"
)

const (
	maxPolicyBytes      = 30_720
	maxDisplayNameRunes = 100
)

func (s *Service) getTopicAttributes(ctx context.Context, c *aws.Call, in *GetTopicAttributesInput) (*GetTopicAttributesOutput, error) {
	t, err := s.topic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	var confirmed, waiting, ended int
	for sub, err := range s.subscriptionsOf(t) {
		switch {
		case err != nil:
			return nil, err
		case sub.State == confirmedState:
			confirmed++
		case sub.State == pendingState:
			waiting++
		default:
			ended++
		}
	}
	attributes := map[string]string{
		"TopicArn": t.arn(), "Owner": t.account, "Policy": t.Policy, "DisplayName": t.DisplayName,
		"EffectiveDeliveryPolicy": t.effectiveDeliveryPolicy(),
		"SubscriptionsConfirmed":  strconv.Itoa(confirmed),
		"SubscriptionsPending":    strconv.Itoa(waiting),
		"SubscriptionsDeleted":    strconv.Itoa(ended),
	}
	if t.DeliveryPolicy != "" {
		attributes["DeliveryPolicy"] = t.DeliveryPolicy
	}
	if t.SignatureVersion != "" {
		attributes["SignatureVersion"] = t.SignatureVersion
	}
	if t.TracingConfig != "" {
		attributes["TracingConfig"] = t.TracingConfig
	}
	return &GetTopicAttributesOutput{Attributes: attributes}, nil
}

func (s *Service) setTopicAttributes(ctx context.Context, c *aws.Call, in *SetTopicAttributesInput) (*SetTopicAttributesOutput, error) {
	return &SetTopicAttributesOutput{}, s.changeTopic(c, in.TopicArn, func(t *topic) error {
		return s.setAttribute(t, in.AttributeName, in.AttributeValue)
	})
}

// setAttribute gives a topic an attribute. What has no effect here is refused
// rather than kept.
func (s *Service) setAttribute(t *topic, name, value string) error {
	switch name {
	case "Policy":
		return s.setPolicy(t, value)
	case "DisplayName":
		if utf8.RuneCountInString(value) > maxDisplayNameRunes || !utf8.ValidString(value) || hasControl(value) {
			return errInvalid("DisplayName")
		}
		t.DisplayName = value
	case "DeliveryPolicy":
		if _, err := parseTopicDelivery(value); err != nil {
			return errInvalid("Attributes Reason: DeliveryPolicy: %v", err)
		}
		t.DeliveryPolicy = value
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return errInvalid("Attributes Reason: SignatureVersion is 1 or 2")
		}
		t.SignatureVersion = value
	case "TracingConfig":
		if value != "PassThrough" && value != "" {
			return errInvalid("Attributes Reason: This version of Cairn has no tracing; TracingConfig can only be PassThrough.")
		}
		t.TracingConfig = value
	case "KmsMasterKeyId":
		if value != "" {
			return errInvalid("Attributes Reason: This version of Cairn does not encrypt messages with keys of KMS.")
		}
	case "FifoTopic", "ContentBasedDeduplication":
		if value != "false" && value != "" {
			return errFIFO()
		}
	case "FifoThroughputScope", "ArchivePolicy":
		if value != "" {
			return errFIFO()
		}
	default:
		if strings.HasSuffix(name, "FeedbackRoleArn") || strings.HasSuffix(name, "FeedbackSampleRate") {
			if value == "" || value == "0" && strings.HasSuffix(name, "Rate") { // Terraform sets it always
				return nil
			}
			return errInvalid("Attributes Reason: This version of Cairn does not log the status of deliveries to CloudWatch Logs (%s).", name)
		}
		return errInvalid("AttributeName")
	}
	return nil
}

func (s *Service) setPolicy(t *topic, document string) error {
	if document == "" {
		t.Policy, t.Trusted = defaultPolicy(t.topicName), nil
		return nil
	}
	if len(document) > maxPolicyBytes {
		return errInvalid("Policy Error: The policy has more than %d bytes.", maxPolicyBytes)
	}
	p, err := policy.Parse([]byte(document))
	if err == nil {
		err = p.Validate(policy.ResourcePolicy)
	}
	if err != nil {
		return errPolicy(err)
	}
	if err := inScope(p); err != nil {
		return err
	}
	trusted, err := s.cfg.Principals.TrustedIDs(t.account, document)
	if err != nil {
		return errPolicy(err)
	}
	t.Policy, t.Trusted = document, trusted
	return nil
}

// inScope refuses policies about actions of other services.
func inScope(p *policy.Policy) error {
	for i := range p.Statements {
		for _, action := range p.Statements[i].Actions {
			if len(action) < 4 || !strings.EqualFold(action[:4], "sns:") {
				return errInvalid("Policy statement action out of service scope!")
			}
		}
	}
	return nil
}

func (t *topic) signatureVersion() string {
	if t.SignatureVersion == "" {
		return "1"
	}
	return t.SignatureVersion
}

func (t *topic) tracing() string {
	if t.TracingConfig == "" {
		return "PassThrough"
	}
	return t.TracingConfig
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
