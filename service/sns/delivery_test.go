package sns_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// verify checks a message's signature as AWS's page "Verifying the signatures of
// Amazon SNS messages" says, from the body alone.
func (f *front) verify(n note) {
	f.t.Helper()
	text := func(name string) string { s, _ := n.json[name].(string); return s }
	names := []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	if text("Type") == "Notification" {
		names = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	}
	var signed bytes.Buffer
	for _, name := range names {
		if _, there := n.json[name]; there {
			signed.WriteString(name + "\n" + text(name) + "\n")
		}
	}
	status, certificate := f.get(text("SigningCertURL"))
	block, rest := pem.Decode([]byte(certificate))
	if status != http.StatusOK || block == nil || len(rest) > 0 {
		f.t.Fatalf("certificate: %d %s", status, certificate)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	must(f.t, err)
	must(f.t, cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature))
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		f.t.Errorf("the certificate holds from %s until %s", cert.NotBefore, cert.NotAfter)
	}
	signature, err := base64.StdEncoding.DecodeString(text("Signature"))
	must(f.t, err)
	switch text("SignatureVersion") {
	case "1":
		sum := sha1.Sum(signed.Bytes())
		must(f.t, rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature))
	case "2":
		sum := sha256.Sum256(signed.Bytes())
		must(f.t, rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature))
	default:
		f.t.Errorf("SignatureVersion %q", text("SignatureVersion"))
	}
}

// A subscription from its beginning to its end, as its endpoint sees it.
func TestSubscription(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	e := newEndpoint(t)
	topic := createTopic(t, c, "t")
	out, err := c.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: p("http"), Endpoint: &e.url})
	must(t, err)
	if *out.SubscriptionArn != "pending confirmation" {
		t.Errorf("SubscriptionArn %q", *out.SubscriptionArn)
	}
	n := e.next()
	f.verify(n)
	if n.json["Type"] != "SubscriptionConfirmation" || n.json["TopicArn"] != topic || n.json["UnsubscribeURL"] != nil ||
		n.header.Get("X-Amz-Sns-Message-Type") != "SubscriptionConfirmation" || n.header.Get("X-Amz-Sns-Topic-Arn") != topic ||
		n.header.Get("X-Amz-Sns-Message-Id") != n.json["MessageId"] || n.header.Get("Content-Type") != "text/plain; charset=UTF-8" ||
		n.header.Get("User-Agent") != "Amazon Simple Notification Service Agent" {
		t.Errorf("got %v %s", n.header, n.body)
	}
	if !strings.HasPrefix(n.body, "{\n  \"Type\": \"SubscriptionConfirmation\",\n  \"MessageId\": ") {
		t.Errorf("body %s", n.body)
	}
	publish(t, c, topic, "before the confirmation")
	if got := attributes(t, c, topic); got["SubscriptionsPending"] != "1" || got["SubscriptionsConfirmed"] != "0" {
		t.Errorf("attributes %v", got)
	}

	// A wrong token does nothing, and the right one confirms.
	confirm, token := n.json["SubscribeURL"].(string), n.json["Token"].(string)
	wrong := token[:len(token)-1] + string('0'+(token[len(token)-1]+1)%2)
	if status, body := f.get(strings.Replace(confirm, token, wrong, 1)); status != http.StatusBadRequest || !strings.Contains(body, "InvalidParameter") {
		t.Errorf("wrong token: %d %s", status, body)
	}
	if want := []string{"ConfirmSubscription InvalidParameter"}; !slices.Equal(f.counted, want) {
		t.Errorf("counted %q, want %q", f.counted, want)
	}
	status, body := f.get(confirm)
	if status != http.StatusOK || !strings.Contains(body, "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ConfirmSubscriptionResult><SubscriptionArn>"+topic+":") {
		t.Errorf("confirmation: %d %s", status, body)
	}
	if record := f.lastRecord(); !strings.Contains(record, `"eventName":"ConfirmSubscription"`) || strings.Contains(record, token) ||
		!strings.Contains(record, `"topicArn":"`+topic+`"`) {
		t.Errorf("record %s", record)
	}
	list, err := c.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic})
	must(t, err)
	if len(list.Subscriptions) != 1 || *list.Subscriptions[0].Endpoint != e.url || *list.Subscriptions[0].Owner != accountA || *list.Subscriptions[0].Protocol != "http" {
		t.Fatalf("subscriptions %+v", list.Subscriptions)
	}
	sub := *list.Subscriptions[0].SubscriptionArn

	// To subscribe again changes nothing.
	if again := subscribe(t, c, topic, e.url, nil); again != sub {
		t.Errorf("subscribed again: %s", again)
	}

	id := publish(t, c, topic, "text with <&\"> and é\nin two lines", func(in *sdk.PublishInput) {
		in.Subject = p("a subject")
		in.MessageAttributes = map[string]types.MessageAttributeValue{
			"colour": {DataType: p("String"), StringValue: p("red")}, "raw": {DataType: p("Binary"), BinaryValue: []byte{0, 255}},
		}
	})
	n = e.next()
	f.verify(n)
	if n.json["Type"] != "Notification" || n.json["MessageId"] != id || n.json["Subject"] != "a subject" || n.json["Message"] != "text with <&\"> and é\nin two lines" ||
		n.header.Get("X-Amz-Sns-Subscription-Arn") != sub || n.header.Get("X-Amz-Sns-Rawdelivery") != "" {
		t.Errorf("got %v %s", n.header, n.body)
	}
	if got, _ := json.Marshal(n.json["MessageAttributes"]); string(got) != `{"colour":{"Type":"String","Value":"red"},"raw":{"Type":"Binary","Value":"AP8="}}` {
		t.Errorf("attributes %s", got)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", n.json["Timestamp"].(string)); err != nil {
		t.Error(err)
	}

	// The other version of signatures.
	setAttribute(t, c, topic, "SignatureVersion", "2")
	publish(t, c, topic, "two")
	if n = e.next(); n.json["SignatureVersion"] != "2" {
		t.Errorf("SignatureVersion %v", n.json["SignatureVersion"])
	}
	f.verify(n)

	// An ARN alone ends nothing, and the URL in the message does.
	end := n.json["UnsubscribeURL"].(string)
	if status, body := f.get(f.url + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(sub)); status != http.StatusForbidden {
		t.Errorf("end without a token: %d %s", status, body)
	}
	if status, body := f.get(end); status != http.StatusOK || !strings.Contains(body, "<UnsubscribeResponse") {
		t.Errorf("end: %d %s", status, body)
	}
	n = e.next()
	f.verify(n)
	if n.json["Type"] != "UnsubscribeConfirmation" || n.header.Get("X-Amz-Sns-Subscription-Arn") != sub {
		t.Errorf("got %v %s", n.header, n.body)
	}
	publish(t, c, topic, "to nobody")
	if got := attributes(t, c, topic); got["SubscriptionsDeleted"] != "1" || got["SubscriptionsConfirmed"] != "0" {
		t.Errorf("attributes %v", got)
	}
	if status, body := f.get(end); status != http.StatusForbidden {
		t.Errorf("end again: %d %s", status, body)
	}

	// The endpoint takes it back.
	if status, body := f.get(n.json["SubscribeURL"].(string)); status != http.StatusOK || !strings.Contains(body, sub) {
		t.Errorf("restored: %d %s", status, body)
	}
	id = publish(t, c, topic, "back")
	if n = e.next(); n.json["MessageId"] != id {
		t.Errorf("got %s, want message %s", n.body, id)
	}
}

func TestAuthenticatedUnsubscribe(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	e := newEndpoint(t)
	topic := createTopic(t, c, "t")
	sub := subscribe(t, c, topic, e.url, nil)
	n := e.next()
	if status, _ := f.get(n.json["SubscribeURL"].(string) + "&AuthenticateOnUnsubscribe=true"); status != http.StatusForbidden {
		t.Errorf("unsigned: %d", status)
	}
	_, err := c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: p("abc")})
	wantCode(t, "wrong token", err, "InvalidParameter")
	_, err = c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: p(n.json["Token"].(string)), AuthenticateOnUnsubscribe: p("true")})
	must(t, err)
	out, err := c.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	must(t, err)
	if out.Attributes["ConfirmationWasAuthenticated"] != "true" || out.Attributes["PendingConfirmation"] != "false" {
		t.Errorf("attributes %v", out.Attributes)
	}
	publish(t, c, topic, "m")
	if status, _ := f.get(e.next().json["UnsubscribeURL"].(string)); status != http.StatusForbidden {
		t.Errorf("unsigned end: %d", status)
	}
	_, err = c.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &sub})
	must(t, err)
	_, err = c.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &sub})
	wantCode(t, "ended twice", err, "NotFound")
}

// A token of one subscription confirms no other one, and none of an older topic of
// the same name.
func TestTokensAreOfOneSubscription(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	e := newEndpoint(t)
	first, second := createTopic(t, c, "first"), createTopic(t, c, "second")
	subscribe(t, c, first, e.url, nil)
	token := e.next().json["Token"].(string)
	_, err := c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &second, Token: &token})
	wantCode(t, "another topic", err, "InvalidParameter")
	subscribe(t, c, first, e.url, nil) // which sends another token
	if next := e.next().json["Token"].(string); next == token {
		t.Error("the token is the same")
	}
	_, err = c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &first, Token: &token})
	wantCode(t, "the token before", err, "InvalidParameter")
	_, err = c.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &first})
	must(t, err)
	createTopic(t, c, "first")
	_, err = c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &first, Token: &token})
	wantCode(t, "an older topic", err, "InvalidParameter")
	if got := attributes(t, c, first); got["SubscriptionsPending"] != "0" {
		t.Errorf("attributes %v", got)
	}
}

func TestRawDelivery(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c := f.root(accountA)
	e := newEndpoint(t)
	topic := createTopic(t, c, "t")
	sub := f.confirmed(c, topic, e, map[string]string{
		"RawMessageDelivery": "true", "DeliveryPolicy": `{"requestPolicy":{"headerContentType":"application/json"}}`,
	})
	publish(t, c, topic, `{"s3Bucket":"b"}`, func(in *sdk.PublishInput) { in.Subject = p("s") })
	n := e.next()
	if n.body != `{"s3Bucket":"b"}` || n.header.Get("X-Amz-Sns-Rawdelivery") != "true" || n.header.Get("X-Amz-Sns-Subscription-Arn") != sub ||
		n.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v %s", n.header, n.body)
	}
}

func TestMessagePerProtocol(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c := f.root(accountA)
	e := newEndpoint(t)
	topic := createTopic(t, c, "t")
	f.confirmed(c, topic, e, nil)
	as := func(in *sdk.PublishInput) { in.MessageStructure = p("json") }
	publish(t, c, topic, `{"default":"for all","https":"other"}`, as)
	if n := e.next(); n.json["Message"] != "for all" {
		t.Errorf("got %s", n.body)
	}
	publish(t, c, topic, `{"default":"for all","http":"for http"}`, as)
	if n := e.next(); n.json["Message"] != "for http" {
		t.Errorf("got %s", n.body)
	}
}

func TestRefusedSubscriptions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	topic := createTopic(t, c, "t")
	for _, in := range []struct{ protocol, endpoint, attribute, value, want string }{
		{"sqs", "arn:aws:sqs:us-east-1:111111111111:q", "", "", "http and https endpoints only"},
		{"email", "a@example.com", "", "", "http and https endpoints only"},
		{"lambda", "arn:aws:lambda:us-east-1:111111111111:function:f", "", "", "http and https endpoints only"},
		{"carrier-pigeon", "x", "", "", "protocol string"},
		{"https", "http://example.com/", "", "", "match the specified protocol"},
		{"http", "not a URL", "", "", "match the specified protocol"},
		{"http", "http://169.254.169.254/latest/meta-data/", "", "", "link-local"},
		{"http", "http://10.0.0.1/", "", "", "private"},
		{"http", "http://[::1]/", "", "", "loopback"},
		{"http", "http://2130706433/", "", "", "number"},
		{"http", "http://user:secret@example.com/", "", "", "password"},
		{"http", "http://hooks.example/", "RedrivePolicy", "{}", "RedrivePolicy"},
		{"http", "http://hooks.example/", "Colour", "red", "AttributeName"},
		{"http", "http://hooks.example/", "RawMessageDelivery", "perhaps", "neither true nor false"},
		{"http", "http://hooks.example/", "FilterPolicyScope", "Body", "FilterPolicyScope"},
		{"http", "http://hooks.example/", "FilterPolicy", `{"a":"b"}`, "list of conditions"},
		{"http", "http://hooks.example/", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":101,"minDelayTarget":1,"maxDelayTarget":1}}`, "numRetries"},
	} {
		subscribe := &sdk.SubscribeInput{TopicArn: &topic, Protocol: &in.protocol, Endpoint: &in.endpoint}
		if in.attribute != "" {
			subscribe.Attributes = map[string]string{in.attribute: in.value}
		}
		_, err := c.Subscribe(ctx, subscribe)
		wantCode(t, in.endpoint+in.attribute, err, "InvalidParameter")
		if err == nil || !strings.Contains(err.Error(), in.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %s: error %v, want %q", in.endpoint, in.attribute, err, in.want)
		}
	}
	if got := attributes(t, c, topic); got["SubscriptionsPending"] != "0" {
		t.Errorf("attributes %v", got)
	}
}

func TestSubscriptionAttributes(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	e := newEndpoint(t)
	topic := createTopic(t, c, "t")
	sub := f.confirmed(c, topic, e, nil)
	set := func(name, value string) error {
		_, err := c.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: &name, AttributeValue: &value})
		return err
	}
	must(t, set("FilterPolicyScope", "MessageBody"))
	must(t, set("FilterPolicy", `{"a":{"b":["c"]}}`))
	must(t, set("RawMessageDelivery", "true"))
	wantCode(t, "a scope that the filter does not fit", set("FilterPolicyScope", "MessageAttributes"), "InvalidParameter")
	out, err := c.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	must(t, err)
	for name, want := range map[string]string{
		"SubscriptionArn": sub, "TopicArn": topic, "Owner": accountA, "Protocol": "http", "Endpoint": e.url, "RawMessageDelivery": "true",
		"FilterPolicy": `{"a":{"b":["c"]}}`, "FilterPolicyScope": "MessageBody", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "false",
		"SubscriptionPrincipal": "arn:aws:iam::" + accountA + ":root",
	} {
		if out.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, out.Attributes[name], want)
		}
	}
	publish(t, c, topic, `{"a":{"b":"x"}}`)
	publish(t, c, topic, `{"a":{"b":"c"}}`)
	if n := e.next(); n.body != `{"a":{"b":"c"}}` {
		t.Errorf("got %s", n.body)
	}
	must(t, set("FilterPolicy", "{}"))
	publish(t, c, topic, "anything")
	if n := e.next(); n.body != "anything" {
		t.Errorf("got %s", n.body)
	}
}
