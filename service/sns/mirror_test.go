package sns_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/sns"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: New(Config{}).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, caller{"us-east-1", "AKIAEXAMPLE", "secret"})
	}}
	mirrortest.Operation[CreateTopicInput, CreateTopicOutput](t, p)
	mirrortest.Operation[DeleteTopicInput, DeleteTopicOutput](t, p)
	mirrortest.Operation[ListTopicsInput, ListTopicsOutput](t, p)
	mirrortest.Operation[GetTopicAttributesInput, GetTopicAttributesOutput](t, p)
	mirrortest.Operation[SetTopicAttributesInput, SetTopicAttributesOutput](t, p)
	mirrortest.Operation[AddPermissionInput, AddPermissionOutput](t, p)
	mirrortest.Operation[RemovePermissionInput, RemovePermissionOutput](t, p)
	mirrortest.Operation[TagResourceInput, TagResourceOutput](t, p)
	mirrortest.Operation[UntagResourceInput, UntagResourceOutput](t, p)
	mirrortest.Operation[ListTagsForResourceInput, ListTagsForResourceOutput](t, p)
	mirrortest.Operation[GetDataProtectionPolicyInput, GetDataProtectionPolicyOutput](t, p)

	mirrortest.Operation[SubscribeInput, SubscribeOutput](t, p)
	mirrortest.Operation[ConfirmSubscriptionInput, ConfirmSubscriptionOutput](t, p)
	mirrortest.Operation[UnsubscribeInput, UnsubscribeOutput](t, p)
	mirrortest.Operation[ListSubscriptionsInput, ListSubscriptionsOutput](t, p)
	mirrortest.Operation[ListSubscriptionsByTopicInput, ListSubscriptionsByTopicOutput](t, p)
	mirrortest.Operation[GetSubscriptionAttributesInput, GetSubscriptionAttributesOutput](t, p)
	mirrortest.Operation[SetSubscriptionAttributesInput, SetSubscriptionAttributesOutput](t, p)

	mirrortest.Operation[PublishInput, PublishOutput](t, p)
	mirrortest.Operation[PublishBatchInput, PublishBatchOutput](t, p)
}
