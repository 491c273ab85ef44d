package sns

type Subscription struct {
	SubscriptionArn string
	Owner           string
	Protocol        string
	Endpoint        string
	TopicArn        string
}

type SubscribeInput struct {
	TopicArn              string `aws:",required"`
	Protocol              string `aws:",required"`
	Endpoint              string
	Attributes            map[string]string
	ReturnSubscriptionArn bool
}

type SubscribeOutput struct{ SubscriptionArn string }

type ConfirmSubscriptionInput struct {
	TopicArn                  string `aws:",required"`
	Token                     string `aws:",required"`
	AuthenticateOnUnsubscribe string
}

type ConfirmSubscriptionOutput struct{ SubscriptionArn string }

type UnsubscribeInput struct {
	SubscriptionArn string `aws:",required"`
}

type UnsubscribeOutput struct{}

type ListSubscriptionsInput struct{ NextToken string }

type ListSubscriptionsOutput struct {
	Subscriptions []Subscription
	NextToken     string
}

type ListSubscriptionsByTopicInput struct {
	TopicArn  string `aws:",required"`
	NextToken string
}

type ListSubscriptionsByTopicOutput struct {
	Subscriptions []Subscription
	NextToken     string
}

type GetSubscriptionAttributesInput struct {
	SubscriptionArn string `aws:",required"`
}

type GetSubscriptionAttributesOutput struct{ Attributes map[string]string }

type SetSubscriptionAttributesInput struct {
	SubscriptionArn string `aws:",required"`
	AttributeName   string `aws:",required"`
	AttributeValue  string
}

type SetSubscriptionAttributesOutput struct{}
