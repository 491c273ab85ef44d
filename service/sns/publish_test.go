package sns_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c := f.root(accountA)
	topic := createTopic(t, c, "t")
	attribute := func(name, kind, value string) func(*sdk.PublishInput) {
		return func(in *sdk.PublishInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
		}
	}
	for _, refused := range []struct {
		what, code string
		change     func(*sdk.PublishInput)
	}{
		{"no message", "InvalidParameter", func(in *sdk.PublishInput) { in.Message = p("") }},
		{"too long", "InvalidParameter", func(in *sdk.PublishInput) { in.Message = p(strings.Repeat("a", 256<<10+1)) }},
		{"too long with an attribute", "InvalidParameter", func(in *sdk.PublishInput) {
			in.Message = p(strings.Repeat("a", 256<<10))
			attribute("a", "String", "b")(in)
		}},
		{"no UTF-8", "InvalidParameter", func(in *sdk.PublishInput) { in.Message = p("\xff") }},
		{"long subject", "InvalidParameter", func(in *sdk.PublishInput) { in.Subject = p(strings.Repeat("s", 101)) }},
		{"subject of two lines", "InvalidParameter", func(in *sdk.PublishInput) { in.Subject = p("a\nb") }},
		{"structure", "InvalidParameter", func(in *sdk.PublishInput) { in.MessageStructure = p("xml") }},
		{"no JSON", "InvalidParameter", func(in *sdk.PublishInput) { in.MessageStructure = p("json") }},
		{"no default", "InvalidParameter", func(in *sdk.PublishInput) { in.MessageStructure, in.Message = p("json"), p(`{"http":"x"}`) }},
		{"phone", "InvalidParameter", func(in *sdk.PublishInput) { in.PhoneNumber = p("+4912345") }},
		{"no topic", "InvalidParameter", func(in *sdk.PublishInput) { in.TopicArn = nil }},
		{"two targets", "InvalidParameter", func(in *sdk.PublishInput) { in.TargetArn = &topic }},
		{"mobile endpoint", "InvalidParameter", func(in *sdk.PublishInput) {
			in.TopicArn, in.TargetArn = nil, p("arn:aws:sns:us-east-1:"+accountA+":endpoint/GCM/a/b")
		}},
		{"missing topic", "NotFound", func(in *sdk.PublishInput) { in.TopicArn = p(topic + "2") }},
		{"deduplication", "InvalidParameter", func(in *sdk.PublishInput) { in.MessageDeduplicationId = p("d") }},
		{"attribute's name", "ParameterValueInvalid", attribute("a b", "String", "c")},
		{"reserved name", "ParameterValueInvalid", attribute("AWS.a", "String", "c")},
		{"type", "ParameterValueInvalid", attribute("a", "Text", "c")},
		{"number", "ParameterValueInvalid", attribute("a", "Number", "one")},
		{"array", "ParameterValueInvalid", attribute("a", "String.Array", `{"a":1}`)},
		{"empty value", "ParameterValueInvalid", attribute("a", "String", "")},
		{"text in a binary one", "ParameterValueInvalid", attribute("a", "Binary", "c")},
	} {
		in := &sdk.PublishInput{TopicArn: &topic, Message: p("m")}
		refused.change(in)
		_, err := c.Publish(t.Context(), in)
		wantCode(t, refused.what, err, refused.code)
	}
}

// The largest message comes as it was, by its own row.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c := f.root(accountA)
	topic := createTopic(t, c, "t")
	endpoints := []*endpoint{newEndpoint(t), newEndpoint(t)}
	for _, e := range endpoints {
		f.confirmed(c, topic, e, map[string]string{"RawMessageDelivery": "true"})
	}
	text := strings.Repeat("é", 128<<10)
	publish(t, c, topic, text)
	for _, e := range endpoints {
		if n := e.next(); n.body != text {
			t.Errorf("%d bytes came, want %d", len(n.body), len(text))
		}
	}
}

func TestPublishBatch(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	topic := createTopic(t, c, "t")
	e := newEndpoint(t)
	f.confirmed(c, topic, e, map[string]string{"RawMessageDelivery": "true"})
	out, err := c.PublishBatch(ctx, &sdk.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: p("one"), Message: p("first")}, {Id: p("two"), Message: p("")}, {Id: p("three"), Message: p("third")},
	}})
	must(t, err)
	if len(out.Successful) != 2 || *out.Successful[1].Id != "three" || len(out.Failed) != 1 || *out.Failed[0].Id != "two" ||
		*out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		t.Errorf("answer %+v", out)
	}
	got := []string{e.next().body, e.next().body}
	slices.Sort(got)
	if want := []string{"first", "third"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	entries := func(n int, id func(int) string, text string) (list []types.PublishBatchRequestEntry) {
		for i := range n {
			list = append(list, types.PublishBatchRequestEntry{Id: p(id(i)), Message: &text})
		}
		return list
	}
	numbered := func(i int) string { return fmt.Sprint("m", i) }
	for code, list := range map[string][]types.PublishBatchRequestEntry{
		"EmptyBatchRequest":            {},
		"TooManyEntriesInBatchRequest": entries(11, numbered, "m"),
		"BatchEntryIdsNotDistinct":     entries(2, func(int) string { return "same" }, "m"),
		"InvalidBatchEntryId":          entries(1, func(int) string { return "a b" }, "m"),
		"BatchRequestTooLong":          entries(2, numbered, strings.Repeat("a", 128<<10+1)),
	} {
		_, err := c.PublishBatch(ctx, &sdk.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: list})
		wantCode(t, code, err, code)
	}
}

// What was published does not reach the records, whoever looks at them.
func TestRecords(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c := f.root(accountA)
	topic := createTopic(t, c, "t")
	publish(t, c, topic, "MARKER", func(in *sdk.PublishInput) {
		in.Subject = p("MARKER")
		in.MessageAttributes = map[string]types.MessageAttributeValue{"a": {DataType: p("String"), StringValue: p("MARKER")}}
	})
	record := f.lastRecord()
	for _, want := range []string{
		`"eventSource":"sns.amazonaws.com"`, `"eventName":"Publish"`, `"managementEvent":false`, `"eventCategory":"Data"`, `"readOnly":false`,
		`"type":"AWS::SNS::Topic"`, `"ARN":"` + topic + `"`,
	} {
		if !strings.Contains(record, want) {
			t.Errorf("the record has no %s: %s", want, record)
		}
	}
	if strings.Contains(record, "MARKER") {
		t.Errorf("the record has the message: %s", record)
	}
	_, err := c.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: &topic})
	must(t, err)
	if record := f.lastRecord(); !strings.Contains(record, `"eventName":"DeleteTopic"`) || !strings.Contains(record, `"eventCategory":"Management"`) {
		t.Errorf("record %s", record)
	}
}
