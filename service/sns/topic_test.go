package sns_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cairn/aws"

	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestTopic(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	out, err := c.CreateTopic(ctx, &sdk.CreateTopicInput{
		Name: p("alarms"), Attributes: map[string]string{"DisplayName": "Alarms", "SignatureVersion": "2"}, Tags: []types.Tag{{Key: p("team"), Value: p("red")}},
	})
	must(t, err)
	arn := *out.TopicArn
	if arn != arnOf(accountA, "alarms") {
		t.Errorf("ARN %s", arn)
	}
	got := attributes(t, c, arn)
	for name, want := range map[string]string{
		"TopicArn": arn, "Owner": accountA, "DisplayName": "Alarms", "SignatureVersion": "2",
		"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
		"EffectiveDeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
		"Policy": `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` +
			arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + accountA + `"}}}]}`,
	} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}

	// The same again is the same topic; another one is not.
	same := createTopic(t, c, "alarms")
	if same != arn {
		t.Errorf("made again: %s", same)
	}
	_, err = c.CreateTopic(ctx, &sdk.CreateTopicInput{Name: p("alarms"), Attributes: map[string]string{"DisplayName": "Other"}})
	wantCode(t, "other attributes", err, "InvalidParameter")
	_, err = c.CreateTopic(ctx, &sdk.CreateTopicInput{Name: p("alarms"), Tags: []types.Tag{{Key: p("team"), Value: p("blue")}}})
	wantCode(t, "other tags", err, "InvalidParameter")

	// Terraform sets these always.
	for name, value := range map[string]string{"HTTPSuccessFeedbackSampleRate": "0", "LambdaFailureFeedbackRoleArn": "", "KmsMasterKeyId": "", "FifoTopic": "false"} {
		setAttribute(t, c, arn, name, value)
	}
	setAttribute(t, c, arn, "DisplayName", "Bells")
	if got := attributes(t, c, arn)["DisplayName"]; got != "Bells" {
		t.Errorf("DisplayName %q", got)
	}
	_, err = c.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &arn})
	must(t, err)
	_, err = c.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &arn})
	must(t, err)
	_, err = c.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &arn})
	wantCode(t, "deleted", err, "NotFound")
}

func TestRefusedTopics(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	for what, in := range map[string]*sdk.CreateTopicInput{
		"FIFO":            {Name: p("t.fifo"), Attributes: map[string]string{"FifoTopic": "true"}},
		"FIFO attribute":  {Name: p("t"), Attributes: map[string]string{"FifoTopic": "true"}},
		"dot":             {Name: p("a.b")},
		"slash":           {Name: p("a/b")},
		"long":            {Name: p(strings.Repeat("a", 257))},
		"KMS":             {Name: p("t"), Attributes: map[string]string{"KmsMasterKeyId": "alias/aws/sns"}},
		"tracing":         {Name: p("t"), Attributes: map[string]string{"TracingConfig": "Active"}},
		"feedback":        {Name: p("t"), Attributes: map[string]string{"HTTPFailureFeedbackRoleArn": "arn:aws:iam::111111111111:role/r"}},
		"unknown":         {Name: p("t"), Attributes: map[string]string{"Colour": "red"}},
		"signature":       {Name: p("t"), Attributes: map[string]string{"SignatureVersion": "3"}},
		"data protection": {Name: p("t"), DataProtectionPolicy: p("{}")},
		"no policy":       {Name: p("t"), Attributes: map[string]string{"Policy": "no JSON"}},
		"other service":   {Name: p("t"), Attributes: map[string]string{"Policy": statement(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"`)}},
		"no principal":    {Name: p("t"), Attributes: map[string]string{"Policy": statement(`"Effect":"Allow","Action":"sns:Publish","Resource":"*"`)}},
		"unknown principal": {Name: p("t"), Attributes: map[string]string{"Policy": statement(
			`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + accountA + `:user/nobody"},"Action":"sns:Publish","Resource":"*"`)}},
		"delivery policy":  {Name: p("t"), Attributes: map[string]string{"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":9999,"numRetries":1}}}`}},
		"long delays":      {Name: p("t"), Attributes: map[string]string{"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":60,"maxDelayTarget":60,"numRetries":61}}}`}},
		"header injection": {Name: p("t"), Attributes: map[string]string{"DeliveryPolicy": `{"http":{"defaultRequestPolicy":{"headerContentType":"text/plain\r\nX: y"}}}`}},
	} {
		_, err := c.CreateTopic(ctx, in)
		wantCode(t, what, err, "InvalidParameter")
	}
	out, err := c.ListTopics(ctx, &sdk.ListTopicsInput{})
	must(t, err)
	if len(out.Topics) != 0 {
		t.Errorf("%d topics were made", len(out.Topics))
	}
}

func TestListTopics(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b := f.root(accountA), f.root(accountB)
	var want []string
	for i := range 101 {
		want = append(want, createTopic(t, a, fmt.Sprintf("t%03d", i)))
	}
	createTopic(t, b, "theirs")
	var got []string
	pages := sdk.NewListTopicsPaginator(a, &sdk.ListTopicsInput{})
	var token *string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, topic := range page.Topics {
			got = append(got, *topic.TopicArn)
		}
		if page.NextToken != nil {
			token = page.NextToken
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d topics, want %d", len(got), len(want))
	}
	_, err := b.ListTopics(t.Context(), &sdk.ListTopicsInput{NextToken: token})
	wantCode(t, "another account's token", err, "InvalidParameter")
}

func TestTags(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	c, ctx := f.root(accountA), t.Context()
	arn := createTopic(t, c, "t")
	_, err := c.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: p("a"), Value: p("1")}, {Key: p("b"), Value: p("")}, {Key: p("c"), Value: p("3")}}})
	must(t, err)
	_, err = c.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"c", "d"}})
	must(t, err)
	out, err := c.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn})
	must(t, err)
	var got []string
	for _, tag := range out.Tags {
		got = append(got, *tag.Key+"="+*tag.Value)
	}
	if want := []string{"a=1", "b="}; !slices.Equal(got, want) {
		t.Errorf("tags %q, want %q", got, want)
	}
	var many []types.Tag
	for i := range 49 {
		many = append(many, types.Tag{Key: p(fmt.Sprint("k", i)), Value: p("v")})
	}
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: many})
	wantCode(t, "51 tags", err, "TagLimitExceeded")
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: p("aws:x"), Value: p("v")}}})
	wantCode(t, "reserved key", err, "InvalidParameter")
	_, err = c.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: p(arnOf(accountA, "none"))})
	wantCode(t, "missing topic", err, "ResourceNotFound")
}

// statement is a policy with one statement.
func statement(members string) string {
	return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
}

// The topic's policy decides about services, other accounts and, together with
// identity-based ones, about the owner's users.
func TestTopicPolicy(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b := f.root(accountA), f.root(accountB)
	arn := createTopic(t, a, "t")
	trail := "arn:aws:cloudtrail:us-east-1:" + accountA + ":trail/main"
	deliverer := func(source string) *sdk.Client {
		return f.serviceClient(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: source, SourceAccount: accountA})
	}
	try := func(c *sdk.Client) error {
		_, err := c.Publish(t.Context(), &sdk.PublishInput{TopicArn: &arn, Message: p("CloudTrail validation message.")})
		return err
	}
	plain, publisher := f.user(accountA, "plain"), f.user(accountA, "publisher", "sns:Publish")
	foreign := f.user(accountB, "foreign", "sns:*")
	must(t, try(a))
	must(t, try(publisher))
	wantCode(t, "another account", try(b), "AuthorizationError")
	wantCode(t, "another account's user", try(foreign), "AuthorizationError")
	other := f.serviceClient(aws.ServicePrincipal{Name: "cloudtrail.amazonaws.com", SourceARN: trail, SourceAccount: accountB})
	wantCode(t, "a service for another account, by the default policy", try(other), "AuthorizationError")

	wantCode(t, "a service, by the default policy", try(deliverer(trail)), "AuthorizationError")
	setAttribute(t, a, arn, "Policy", statement(`"Sid":"AWSCloudTrailSNSPolicy20131101","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
		"Action":"SNS:Publish","Resource":"`+arn+`","Condition":{"StringEquals":{"aws:SourceArn":"`+trail+`"}}`))
	must(t, try(deliverer(trail)))
	wantCode(t, "another trail", try(deliverer(trail+"2")), "AuthorizationError")
	wantCode(t, "another service", try(f.serviceClient(aws.ServicePrincipal{Name: "s3.amazonaws.com", SourceARN: trail, SourceAccount: accountA})), "AuthorizationError")
	wantCode(t, "a user without permission", try(plain), "AuthorizationError")
	must(t, try(publisher))

	// A statement for another account, by AddPermission and away again.
	_, err := a.AddPermission(t.Context(), &sdk.AddPermissionInput{TopicArn: &arn, Label: p("them"), AWSAccountId: []string{accountB}, ActionName: []string{"Publish", "Subscribe"}})
	must(t, err)
	must(t, try(foreign))
	if !strings.Contains(f.lastRecord(), `"accountId":"`+accountB+`"`) {
		t.Errorf("the record is %s", f.lastRecord())
	}
	must(t, try(deliverer(trail)))
	_, err = a.AddPermission(t.Context(), &sdk.AddPermissionInput{TopicArn: &arn, Label: p("them"), AWSAccountId: []string{accountB}, ActionName: []string{"Publish"}})
	wantCode(t, "label twice", err, "InvalidParameter")
	var policy struct{ Statement []struct{ Sid string } }
	must(t, json.Unmarshal([]byte(attributes(t, a, arn)["Policy"]), &policy))
	if len(policy.Statement) != 2 || policy.Statement[1].Sid != "them" {
		t.Errorf("policy %+v", policy)
	}
	_, err = a.RemovePermission(t.Context(), &sdk.RemovePermissionInput{TopicArn: &arn, Label: p("them")})
	must(t, err)
	wantCode(t, "permission removed", try(foreign), "AuthorizationError")
	_, err = a.RemovePermission(t.Context(), &sdk.RemovePermissionInput{TopicArn: &arn, Label: p("them")})
	wantCode(t, "removed twice", err, "NotFound")

	// A Deny wins over everything.
	setAttribute(t, a, arn, "Policy", statement(`"Effect":"Deny","Principal":"*","Action":"SNS:Publish","Resource":"*"`))
	wantCode(t, "denied", try(publisher), "AuthorizationError")
}

// No operation of one account reaches into another one by an ARN, a token or an ID.
func TestIsolation(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b, ctx := f.root(accountA), f.root(accountB), t.Context()
	e := newEndpoint(t)
	topic := createTopic(t, a, "t")
	sub := f.confirmed(a, topic, e, nil)
	unknown := topic + ":11111111-2222-3333-4444-555555555555"
	for what, call := range map[string]func() error{
		"GetTopicAttributes": func() error {
			_, err := b.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &topic})
			return err
		},
		"SetTopicAttributes": func() error {
			_, err := b.SetTopicAttributes(ctx, &sdk.SetTopicAttributesInput{TopicArn: &topic, AttributeName: p("DisplayName"), AttributeValue: p("x")})
			return err
		},
		"DeleteTopic": func() error { _, err := b.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &topic}); return err },
		"AddPermission": func() error {
			_, err := b.AddPermission(ctx, &sdk.AddPermissionInput{TopicArn: &topic, Label: p("l"), AWSAccountId: []string{accountB}, ActionName: []string{"Publish"}})
			return err
		},
		"RemovePermission": func() error {
			_, err := b.RemovePermission(ctx, &sdk.RemovePermissionInput{TopicArn: &topic, Label: p("l")})
			return err
		},
		"TagResource": func() error {
			_, err := b.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &topic, Tags: []types.Tag{{Key: p("k"), Value: p("v")}}})
			return err
		},
		"UntagResource": func() error {
			_, err := b.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &topic, TagKeys: []string{"k"}})
			return err
		},
		"ListTagsForResource": func() error {
			_, err := b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: &topic})
			return err
		},
		"GetDataProtectionPolicy": func() error {
			_, err := b.GetDataProtectionPolicy(ctx, &sdk.GetDataProtectionPolicyInput{ResourceArn: &topic})
			return err
		},
		"Subscribe": func() error {
			_, err := b.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: p("http"), Endpoint: &e.url})
			return err
		},
		"ConfirmSubscription": func() error {
			_, err := b.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: p("t")})
			return err
		},
		"ListSubscriptionsByTopic": func() error {
			_, err := b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic})
			return err
		},
		"Unsubscribe": func() error { _, err := b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &sub}); return err },
		"Unsubscribe, unknown": func() error {
			_, err := b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &unknown})
			return err
		},
		"GetSubscriptionAttributes": func() error {
			_, err := b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
			return err
		},
		"SetSubscriptionAttributes": func() error {
			_, err := b.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: p("RawMessageDelivery"), AttributeValue: p("true")})
			return err
		},
		"Publish": func() error {
			_, err := b.Publish(ctx, &sdk.PublishInput{TopicArn: &topic, Message: p("m")})
			return err
		},
		"PublishBatch": func() error {
			_, err := b.PublishBatch(ctx, &sdk.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{{Id: p("1"), Message: p("m")}}})
			return err
		},
	} {
		wantCode(t, what, call(), "AuthorizationError")
	}
	list, err := b.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{})
	must(t, err)
	if len(list.Subscriptions) != 0 {
		t.Errorf("another account sees %d subscriptions", len(list.Subscriptions))
	}
	// Regions are walls, too.
	id, secret, err := f.store.AddAccount("333333333333")
	must(t, err)
	elsewhere := f.client(caller{"eu-west-1", id, secret})
	_, err = elsewhere.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: p(arnOf("333333333333", "t"))})
	wantCode(t, "another region", err, "InvalidParameter")
}

// A subscriber of another account that the policy lets in owns its subscription,
// which the topic's owner can end.
func TestForeignSubscriber(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b, ctx := f.root(accountA), f.root(accountB), t.Context()
	topic := createTopic(t, a, "t")
	_, err := a.AddPermission(ctx, &sdk.AddPermissionInput{TopicArn: &topic, Label: p("them"), AWSAccountId: []string{accountB}, ActionName: []string{"Subscribe"}})
	must(t, err)
	sub := f.confirmed(b, topic, newEndpoint(t), nil)
	for account, c := range map[string]*sdk.Client{accountA: a, accountB: b} {
		list, err := c.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{})
		must(t, err)
		if owned := len(list.Subscriptions) == 1 && *list.Subscriptions[0].SubscriptionArn == sub; owned != (account == accountB) {
			t.Errorf("account %s lists %+v", account, list.Subscriptions)
		}
		out, err := c.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
		must(t, err)
		if out.Attributes["Owner"] != accountB || out.Attributes["TopicArn"] != topic {
			t.Errorf("attributes %v", out.Attributes)
		}
	}
	_, err = a.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &sub})
	must(t, err)
	_, err = b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	wantCode(t, "ended", err, "NotFound")
}
