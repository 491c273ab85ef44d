package sns

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// The types of messages.
const (
	typeNotification = "Notification"
	typeSubscribe    = "SubscriptionConfirmation"
	typeUnsubscribe  = "UnsubscribeConfirmation"
)

// A message is what goes to endpoints. A notification is one for all subscriptions;
// of the others, what belongs to the one subscription is added when it is sent.
type message struct {
	topicName

	Type       string               `json:"type"`
	ID         string               `json:"id"`
	Subject    string               `json:"subject,omitempty"`
	Text       string               `json:"text"`
	Structure  string               `json:"structure,omitempty"` // json: Text has a text per protocol
	Attributes map[string]attribute `json:"attributes,omitempty"`
	Time       time.Time            `json:"time"`
}

// An attribute is one of a message's. The value of a binary one is in base64.
type attribute struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// size is how much memory a message takes, roughly.
func (m *message) size() int64 {
	n := len(m.Text) + len(m.Subject) + 500
	for name, a := range m.Attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return int64(n)
}

// text is what a protocol's endpoints get.
func (m *message) text(protocol string) string {
	if m.Structure != "json" {
		return m.Text
	}
	var texts map[string]any
	_ = json.Unmarshal([]byte(m.Text), &texts) // it was checked when it was published
	for _, name := range []string{protocol, "default"} {
		if text, ok := texts[name].(string); ok {
			return text
		}
	}
	return ""
}

// envelope is the JSON that endpoints get, with the members in AWS's order.
type envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string `json:",omitempty"`
	TopicARN         string `json:"TopicArn"`
	Subject          string `json:",omitempty"`
	Message          string
	SubscribeURL     string `json:",omitempty"`
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string                       `json:",omitempty"`
	Attributes       map[string]envelopeAttribute `json:"MessageAttributes,omitempty"`
}

type envelopeAttribute struct{ Type, Value string }

// timeFormat is that of timestamps, in milliseconds and UTC.
const timeFormat = "2006-01-02T15:04:05.000Z"

func (m *message) envelope(sub *subscription, t *topic) *envelope {
	e := &envelope{
		Type: m.Type, MessageID: m.ID, TopicARN: m.arn(), Subject: m.Subject, Message: m.text(sub.Protocol),
		Timestamp: m.Time.UTC().Format(timeFormat), SignatureVersion: t.signatureVersion(),
	}
	for name, a := range m.Attributes {
		if e.Attributes == nil {
			e.Attributes = make(map[string]envelopeAttribute)
		}
		e.Attributes[name] = envelopeAttribute(a)
	}
	return e
}

// toSign is the text that the signature is over: the names and values of the
// members in the order of their names, each on a line of its own. See "Verifying
// the signatures of Amazon SNS messages" in AWS's guide.
func (e *envelope) toSign() []byte {
	var b strings.Builder
	add := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	if e.Type == typeNotification {
		if e.Subject != "" {
			add("Subject", e.Subject)
		}
		add("Timestamp", e.Timestamp)
	} else {
		add("SubscribeURL", e.SubscribeURL)
		add("Timestamp", e.Timestamp)
		add("Token", e.Token)
	}
	add("TopicArn", e.TopicARN)
	add("Type", e.Type)
	return []byte(b.String())
}

// newAttribute turns an attribute of a request into a message's.
func newAttribute(in *MessageAttributeValue) attribute {
	if in.StringValue != "" {
		return attribute{in.DataType, in.StringValue}
	}
	return attribute{in.DataType, base64.StdEncoding.EncodeToString(in.BinaryValue)}
}
