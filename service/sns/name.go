package sns

import (
	"regexp"
	"strings"

	"cairn"
	"cairn/aws"
)

// A topicName says which topic is meant.
type topicName struct{ account, region, name string }

var topicNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (n topicName) arn() string { return topicARN(n.region, n.account, n.name) }

func topicARN(region, account, name string) string {
	return "arn:" + cairn.PartitionOf(region) + ":sns:" + region + ":" + account + ":" + name
}

// callerAccount is the account that a call acts in. A service that acts for a
// resource has none of its own.
func callerAccount(c *aws.Call) string {
	if c.Account() == "" {
		return c.Identity.SourceAccount
	}
	return c.Account()
}

// parseTopic reads the ARN of a topic in the call's region. Regions are walls: an
// ARN of another one names nothing here.
func parseTopic(region, text string) (topicName, bool) {
	a, err := cairn.ParseARN(text)
	if err != nil || a.Service != "sns" || a.Region != region || !isAccount(a.AccountID) || !topicNamePattern.MatchString(a.Resource) {
		return topicName{}, false
	}
	n := topicName{a.AccountID, a.Region, a.Resource}
	return n, n.arn() == text
}

// parseSubscription reads the ARN of a subscription, which is the topic's with an
// ID behind it.
func parseSubscription(region, text string) (topicName, string, bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || !subscriptionID.MatchString(text[i+1:]) {
		return topicName{}, "", false
	}
	n, ok := parseTopic(region, text[:i])
	return n, text[i+1:], ok
}

var subscriptionID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

// regionOf returns the region in an ARN, for calls that are not signed for one.
func regionOf(arn string) string {
	a, err := cairn.ParseARN(arn)
	if err != nil {
		return ""
	}
	return a.Region
}
