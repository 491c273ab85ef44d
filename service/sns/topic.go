package sns

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"cairn/aws"
	"cairn/catalog"
)

const (
	// maxTopics is the quota of an account's topics in a region: AWS has
	// 100,000 of them, which the catalog is not made for.
	maxTopics = 10_000

	// maxAttempts bounds how often a row is read again that others changed.
	maxAttempts = 100
)

// A topic is one row, with its policy and tags.
type topic struct {
	topicName
	rev catalog.Revision

	// ID is another one for each topic that ever has the name, so that what was
	// subscribed to an old one does not belong to the next.
	ID               string            `json:"id"`
	Created          time.Time         `json:"created"`
	DisplayName      string            `json:"displayName,omitempty"`
	DeliveryPolicy   string            `json:"deliveryPolicy,omitempty"`
	SignatureVersion string            `json:"signatureVersion,omitempty"` // 1 if empty
	TracingConfig    string            `json:"tracingConfig,omitempty"`
	Policy           string            `json:"policy"`
	Trusted          map[string]string `json:"trusted,omitempty"` // unique IDs, by the ARNs in Policy
	Tags             map[string]string `json:"tags,omitempty"`
}

func (s *Service) topics() catalog.Table[topic] {
	return catalog.TableOf[topic](s.cfg.Catalog, "sns-topics")
}

func (n topicName) row() string { return catalog.Key(n.account, n.region, n.name) }

// loadTopic returns a topic, nil if there is none.
func (s *Service) loadTopic(n topicName) (*topic, error) {
	t, rev, err := s.topics().Get(n.row())
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.topicName, t.rev = n, rev
	return &t, nil
}

// topic returns the topic that a call names.
func (s *Service) topic(c *aws.Call, arn string) (*topic, error) {
	n, ok := parseTopic(c.Region, arn)
	if !ok {
		return nil, errInvalid("TopicArn Reason: An ARN of a topic in %s must have the form %s", c.Region, topicARN(c.Region, "123456789012", "name"))
	}
	t, err := s.loadTopic(n)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errNoTopic()
	}
	if t.account != c.Account() {
		c.SharedWith = t.account
	}
	return t, nil
}

// changeTopic changes a topic. If others do so at the same time, fn is called
// again with what they made of it.
func (s *Service) changeTopic(c *aws.Call, arn string, fn func(*topic) error) error {
	for range maxAttempts {
		t, err := s.topic(c, arn)
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		_, err = s.topics().CompareAndSet(t.row(), t.rev, *t)
		if !errors.Is(err, catalog.ErrConflict) {
			return err
		}
	}
	return errBusy()
}

func (s *Service) createTopic(ctx context.Context, c *aws.Call, in *CreateTopicInput) (*CreateTopicOutput, error) {
	switch {
	case strings.HasSuffix(in.Name, ".fifo"):
		return nil, errFIFO()
	case !topicNamePattern.MatchString(in.Name):
		return nil, errInvalid("Topic Name")
	case in.DataProtectionPolicy != "":
		return nil, errInvalid("DataProtectionPolicy Reason: This version of Cairn has no data protection policies.")
	}
	t := &topic{topicName: topicName{callerAccount(c), c.Region, in.Name}, ID: aws.NewUUID(), Created: time.Now().UTC()}
	if t.account == "" {
		return nil, errForbidden(c, t.arn())
	}
	t.Policy = defaultPolicy(t.topicName)
	if err := t.addTags(in.Tags); err != nil {
		return nil, err
	}
	for name, value := range in.Attributes {
		if err := s.setAttribute(t, name, value); err != nil {
			return nil, err
		}
	}
	for range maxAttempts {
		old, err := s.loadTopic(t.topicName)
		if err != nil {
			return nil, err
		}
		if old != nil {
			return &CreateTopicOutput{TopicArn: t.arn()}, s.sameTopic(old, in)
		}
		if err := s.roomForTopic(t.topicName); err != nil {
			return nil, err
		}
		_, err = s.topics().CompareAndSet(t.row(), 0, *t)
		if !errors.Is(err, catalog.ErrConflict) {
			return &CreateTopicOutput{TopicArn: t.arn()}, err
		}
	}
	return nil, errBusy()
}

// sameTopic refuses to make a topic that exists with other tags or attributes.
func (s *Service) sameTopic(old *topic, in *CreateTopicInput) error {
	if len(in.Tags) > 0 {
		asked := new(topic)
		if err := asked.addTags(in.Tags); err != nil {
			return err
		}
		if !maps.Equal(asked.Tags, old.Tags) {
			return errInvalid("Tags Reason: Topic already exists with different tags")
		}
	}
	now := *old
	for name, value := range in.Attributes {
		if err := s.setAttribute(&now, name, value); err != nil {
			return err
		}
	}
	if now.DisplayName != old.DisplayName || now.DeliveryPolicy != old.DeliveryPolicy || now.Policy != old.Policy ||
		now.signatureVersion() != old.signatureVersion() || now.tracing() != old.tracing() {
		return errInvalid("Attributes Reason: Topic already exists with different attributes")
	}
	return nil
}

func (s *Service) roomForTopic(n topicName) error {
	count := 0
	for _, err := range s.topics().Scan(catalog.KeyPrefix(n.account, n.region)) {
		if err != nil {
			return err
		}
		count++
	}
	if count >= maxTopics {
		return errTooManyTopics()
	}
	return nil
}

// deleteTopic removes a topic, then what belonged to it. A crash in between leaves
// rows of a topic that is no more, which the next sweep removes. To delete a topic
// that does not exist is no error.
func (s *Service) deleteTopic(ctx context.Context, c *aws.Call, in *DeleteTopicInput) (*DeleteTopicOutput, error) {
	t, err := s.topic(c, in.TopicArn)
	if isMissing(err) {
		return &DeleteTopicOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.topics().Delete(t.row(), catalog.AnyRevision); err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	return &DeleteTopicOutput{}, s.removeSubscriptions(t.topicName, func(sub *subscription) bool { return sub.TopicID == t.ID })
}

func (s *Service) listTopics(ctx context.Context, c *aws.Call, in *ListTopicsInput) (*ListTopicsOutput, error) {
	after, err := s.page(c, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListTopicsOutput{Topics: []Topic{}}
	prefix := catalog.KeyPrefix(callerAccount(c), c.Region)
	for row, err := range s.topics().ScanAfter(prefix, after) {
		if err != nil {
			return nil, err
		}
		if len(out.Topics) == pageSize {
			out.NextToken, err = s.nextToken(c, "", after)
			return out, err
		}
		after = row.Key
		out.Topics = append(out.Topics, Topic{TopicArn: topicOfRow(row.Key).arn()})
	}
	return out, nil
}

// topicOfRow returns the topic in the key of a row.
func topicOfRow(key string) topicName {
	parts := catalog.SplitKey(key)
	return topicName{parts[0], parts[1], parts[2]}
}
