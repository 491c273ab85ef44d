package sns

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"cairn/aws"
)

const (
	// maxMessageBytes bounds a message with its attributes, and all those of a
	// batch together.
	maxMessageBytes = 256 << 10

	maxSubjectRunes = 100
	maxBatchEntries = 10
)

var (
	attributeName   = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	attributeType   = regexp.MustCompile(`^(String|Number|Binary)(\.[A-Za-z0-9_.-]+)?$`)
	attributeNumber = regexp.MustCompile(`^-?[0-9]{1,38}(\.[0-9]{1,38})?([eE][+-]?[0-9]{1,3})?$`)
	batchEntryID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
)

// publishNeeds asks for Publish, of batches too.
func publishNeeds(arn string) ([]aws.Permission, error) {
	return []aws.Permission{{Action: "sns:Publish", Resource: arn}}, nil
}

// target is the topic's ARN, which may stand in either of two members.
func (in *PublishInput) target() string {
	if in.TopicArn == "" {
		return in.TargetArn
	}
	return in.TopicArn
}

func (s *Service) publish(ctx context.Context, c *aws.Call, in *PublishInput) (*PublishOutput, error) {
	switch {
	case in.PhoneNumber != "":
		return nil, errInvalid("PhoneNumber Reason: This version of Cairn sends no text messages; publish to a topic.")
	case in.TopicArn != "" && in.TargetArn != "":
		return nil, errInvalid("TopicArn or TargetArn Reason: Only one of them can be given")
	case in.target() == "":
		return nil, errInvalid("TopicArn or TargetArn Reason: no value for required parameter")
	case strings.Contains(in.TargetArn, ":endpoint/"):
		return nil, errInvalid("TargetArn Reason: This version of Cairn has no endpoints of mobile applications; publish to a topic.")
	}
	t, err := s.topic(c, in.target())
	if err != nil {
		return nil, err
	}
	m, err := newMessage(t, &PublishBatchRequestEntry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	})
	if err != nil {
		return nil, err
	}
	return &PublishOutput{MessageId: m.ID}, s.notify(t, m)
}

func (s *Service) publishBatch(ctx context.Context, c *aws.Call, in *PublishBatchInput) (*PublishBatchOutput, error) {
	t, err := s.topic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	entries := in.PublishBatchRequestEntries
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	out := &PublishBatchOutput{Successful: []PublishBatchResultEntry{}, Failed: []BatchResultErrorEntry{}}
	for i := range entries {
		m, err := newMessage(t, &entries[i])
		if err == nil {
			err = s.notify(t, m)
		}
		var e *aws.Error
		switch {
		case err == nil:
			out.Successful = append(out.Successful, PublishBatchResultEntry{Id: entries[i].Id, MessageId: m.ID})
		case errors.As(err, &e):
			out.Failed = append(out.Failed, BatchResultErrorEntry{Id: entries[i].Id, Code: e.Code, Message: e.Message, SenderFault: true})
		default:
			s.cfg.Logger.Error("a message of a batch could not be queued", "topic", t.arn(), "error", err)
			out.Failed = append(out.Failed, BatchResultErrorEntry{Id: entries[i].Id, Code: "InternalError", Message: "The message could not be queued."})
		}
	}
	return out, nil
}

func checkBatch(entries []PublishBatchRequestEntry) error {
	if len(entries) == 0 {
		return aws.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	}
	if len(entries) > maxBatchEntries {
		return aws.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible: %d.", maxBatchEntries)
	}
	size, seen := 0, make(map[string]bool)
	for i := range entries {
		e := &entries[i]
		switch {
		case !batchEntryID.MatchString(e.Id):
			return aws.Errorf("InvalidBatchEntryId", "The Id of a batch entry has 1 to 80 letters, digits, hyphens and underscores.")
		case seen[e.Id]:
			return aws.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id: %s.", e.Id)
		}
		seen[e.Id] = true
		size += e.size()
	}
	if size > maxMessageBytes {
		return aws.Errorf("BatchRequestTooLong", "The length of all the batch messages put together is more than %d bytes.", maxMessageBytes)
	}
	return nil
}

// size counts what the limit of a message is about.
func (e *PublishBatchRequestEntry) size() int {
	n := len(e.Message)
	for name, a := range e.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// newMessage checks what is to be published.
func newMessage(t *topic, in *PublishBatchRequestEntry) (*message, error) {
	switch {
	case in.Message == "":
		return nil, errInvalid("Empty message")
	case !utf8.ValidString(in.Message):
		return nil, errInvalid("Message Reason: The message is not UTF-8")
	case in.size() > maxMessageBytes:
		return nil, errInvalid("Message too long")
	case in.MessageDeduplicationId != "":
		return nil, errInvalid("The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case !validSubject(in.Subject):
		return nil, errInvalid("Subject")
	}
	m := &message{
		topicName: t.topicName, Type: typeNotification, ID: aws.NewUUID(), Time: time.Now().UTC(),
		Subject: in.Subject, Text: in.Message, Structure: in.MessageStructure,
	}
	if err := checkStructure(in); err != nil {
		return nil, err
	}
	for name, a := range in.MessageAttributes {
		if err := checkAttribute(name, &a); err != nil {
			return nil, err
		}
		if m.Attributes == nil {
			m.Attributes = make(map[string]attribute)
		}
		m.Attributes[name] = newAttribute(&a)
	}
	return m, nil
}

func validSubject(text string) bool {
	return text == "" || utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxSubjectRunes && !hasControl(text) && text[0] != ' '
}

func checkStructure(in *PublishBatchRequestEntry) error {
	switch in.MessageStructure {
	case "":
		return nil
	case "json":
	default:
		return errInvalid("MessageStructure")
	}
	var texts map[string]any
	if err := json.Unmarshal([]byte(in.Message), &texts); err != nil {
		return errInvalid("Message Structure - JSON message body failed to parse")
	}
	if text, ok := texts["default"].(string); !ok || text == "" {
		return errInvalid("Message Structure - No default entry in JSON message body")
	}
	return nil
}

func checkAttribute(name string, a *MessageAttributeValue) error {
	lower := strings.ToLower(name)
	if len(name) > 256 || !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return errAttributeValue("The message attribute name '%s' is invalid.", name)
	}
	if len(a.DataType) > 256 || !attributeType.MatchString(a.DataType) {
		return errAttributeValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case a.StringValue != "" && len(a.BinaryValue) > 0, kind == "Binary" && a.StringValue != "", kind != "Binary" && len(a.BinaryValue) > 0:
		return errAttributeValue("The message attribute '%s' must have the one value of its type.", name)
	case a.StringValue == "" && len(a.BinaryValue) == 0:
		return errAttributeValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
	case !utf8.ValidString(a.StringValue):
		return errAttributeValue("The value of the message attribute '%s' is not UTF-8.", name)
	case kind == "Number" && !attributeNumber.MatchString(a.StringValue):
		return errAttributeValue("Could not cast message attribute '%s' value to number.", name)
	case a.DataType == "String.Array" && !isArray(a.StringValue):
		return errAttributeValue("The value of the message attribute '%s' is not a JSON list of texts, numbers and truth values.", name)
	}
	return nil
}

func isArray(text string) bool {
	var list []any
	if json.Unmarshal([]byte(text), &list) != nil || list == nil {
		return false
	}
	for _, element := range list {
		switch element.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return true
}

// notify queues a message for the subscriptions that it is for. When it returns,
// the message is durable.
func (s *Service) notify(t *topic, m *message) error {
	var to []*subscription
	for sub, err := range s.subscriptionsOf(t) {
		if err != nil {
			return err
		}
		if sub.State == confirmedState && sub.lets(m) {
			to = append(to, sub)
		}
	}
	return s.post(m, to...)
}
