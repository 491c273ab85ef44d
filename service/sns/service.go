// Package sns serves Amazon SNS: topics, and subscriptions of web servers to
// them.
//
// A topic has a policy that says who may publish to it and subscribe. A
// subscription is pending until its endpoint, or who owns it, has confirmed it
// with a token. A message that is published to a topic is queued for each
// confirmed subscription whose filter lets it through, and a courier per
// subscription takes it to the endpoint, signed, again and again as the delivery
// policy says.
//
// Its one invariant: once Publish has answered, the message outlives a crash until
// every subscription has taken it, or has refused it as often as its delivery
// policy allows. It may come twice.
package sns

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/internal/awsmodel"
	"cairn/internal/egress"
)

// Principals knows the users and roles that policies name.
type Principals interface {
	// TrustedIDs returns the unique IDs of the users and roles that a policy
	// names by ARN.
	TrustedIDs(account, document string) (map[string]string, error)
}

// Config says what a Service needs. All but Client is required.
type Config struct {
	Catalog    *catalog.Catalog
	Principals Principals

	// Recorder takes the calls that confirm and end subscriptions by the URLs in
	// messages, which are not signed.
	Recorder aws.Recorder

	// BaseURL returns the server's URL as subscribers reach it, without a path.
	BaseURL func() string

	// Egress decides which endpoints there may be.
	Egress *egress.Guard

	// Client sends messages: Egress's own, if nil.
	Client *http.Client

	Logger *slog.Logger
}

// Service is SNS.
type Service struct {
	cfg    Config
	client *http.Client
	queue  queue
	keys   signingKeys

	// subscribing is held while a subscription is looked for and made, so that
	// an endpoint has one subscription to a topic at most.
	subscribing sync.Mutex
}

// attemptTimeout is how long an endpoint may take for a message, as with AWS.
const attemptTimeout = 15 * time.Second

// New makes a Service. Messages are delivered while Run runs.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, client: cfg.Client}
	if s.client == nil && cfg.Egress != nil {
		s.client = cfg.Egress.Client(attemptTimeout)
	}
	s.queue.wake = make(chan struct{}, 1)
	return s
}

// API returns the service's operations for a Mux. The rates are those of AWS per
// account and region.
func (s *Service) API() *aws.API {
	api := &aws.API{
		Service:        "sns",
		Protocol:       aws.Query{Version: apiVersion, Namespace: namespace},
		Known:          known,
		ResourcePolicy: s.policyOf,
		DeniedCode:     "AuthorizationError",
	}
	aws.Handle(api, s.createTopic, aws.OnResource(func(c *aws.Call, in *CreateTopicInput) []string {
		return []string{topicARN(c.Region, callerAccount(c), in.Name)}
	}), aws.Rate(100))
	aws.Handle(api, s.deleteTopic, on(func(in *DeleteTopicInput) string { return in.TopicArn }), aws.Rate(100))
	aws.Handle(api, s.listTopics, aws.Rate(30))
	aws.Handle(api, s.getTopicAttributes, on(func(in *GetTopicAttributesInput) string { return in.TopicArn }))
	aws.Handle(api, s.setTopicAttributes, on(func(in *SetTopicAttributesInput) string { return in.TopicArn }))
	aws.Handle(api, s.addPermission, on(func(in *AddPermissionInput) string { return in.TopicArn }))
	aws.Handle(api, s.removePermission, on(func(in *RemovePermissionInput) string { return in.TopicArn }))

	aws.Handle(api, s.tagResource, on(func(in *TagResourceInput) string { return in.ResourceArn }), aws.Rate(10))
	aws.Handle(api, s.untagResource, on(func(in *UntagResourceInput) string { return in.ResourceArn }), aws.Rate(10))
	aws.Handle(api, s.listTagsForResource, on(func(in *ListTagsForResourceInput) string { return in.ResourceArn }), aws.Rate(10))
	aws.Handle(api, s.getDataProtectionPolicy, on(func(in *GetDataProtectionPolicyInput) string { return in.ResourceArn }))

	aws.Handle(api, s.subscribe, aws.Needs(subscribeNeeds), aws.Rate(100))
	aws.Handle(api, s.confirmSubscription, on(func(in *ConfirmSubscriptionInput) string { return in.TopicArn }))
	// Whose subscription it is, the operations themselves look at.
	aws.Handle(api, s.unsubscribe, aws.Rate(100))
	aws.Handle(api, s.getSubscriptionAttributes)
	aws.Handle(api, s.setSubscriptionAttributes)
	aws.Handle(api, s.listSubscriptions, aws.Rate(30))
	aws.Handle(api, s.listSubscriptionsByTopic, on(func(in *ListSubscriptionsByTopicInput) string { return in.TopicArn }), aws.Rate(30))

	aws.Handle(api, s.publish, aws.Needs(func(_ context.Context, _ *aws.Call, in *PublishInput) ([]aws.Permission, error) {
		return publishNeeds(in.target())
	}))
	aws.Handle(api, s.publishBatch, aws.Needs(func(_ context.Context, _ *aws.Call, in *PublishBatchInput) ([]aws.Permission, error) {
		return publishNeeds(in.TopicArn)
	}))
	return api
}

const (
	apiVersion = "2010-03-31"
	namespace  = "http://sns.amazonaws.com/doc/2010-03-31/"
)

// on is for operations on the topic with an ARN.
func on[In any](arn func(*In) string) aws.Option {
	return aws.OnResource(func(_ *aws.Call, in *In) []string { return []string{arn(in)} })
}

// known tells whether AWS's SNS has an operation.
func known(operation string) bool {
	model, ok := awsmodel.Service("sns")
	if !ok {
		return false
	}
	_, ok = model.Operation(operation)
	return ok
}
