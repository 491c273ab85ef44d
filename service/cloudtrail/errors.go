package cloudtrail

import (
	"errors"

	"cairn"
	"cairn/aws"
)

func errLookupAttribute(key string) error {
	return aws.Errorf("InvalidLookupAttributesException", "%q is not an attribute that events are looked up by: EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource or AccessKeyId; of Insights events EventId, EventName or EventSource.", key)
}

func errLookupValue() error {
	return aws.Errorf("InvalidLookupAttributesException", "The value of a lookup attribute has 1 to 2000 characters.")
}

func errTimeRange() error {
	return aws.Errorf("InvalidTimeRangeException", "The start of the time range lies behind its end.")
}

func errMaxResults() error {
	return aws.Errorf("InvalidMaxResultsException", "A page of events has 1 to 50 of them.")
}

func errNextToken() error {
	return aws.Errorf("InvalidNextTokenException", "The token is not one that this caller was given for these parameters.")
}

func errEventCategory(category string) error {
	return aws.Errorf("InvalidEventCategoryException", "%q is not a category of events that can be looked up: insight, or none for management events.", category)
}

// errTrailNotFound names the trail by its ARN, as AWS does.
func errTrailNotFound(c *aws.Call, nameOrARN string) error {
	if arn, _, err := nameTrail(c, nameOrARN); err == nil {
		nameOrARN = arn.String()
	}
	return aws.Errorf("TrailNotFoundException", "Unknown trail: %s for the user: %s", nameOrARN, c.Account())
}

func errTrailName(err error) error { return aws.Errorf("InvalidTrailNameException", "The %v.", err) }

func errTrailARN(err error) error {
	return aws.Errorf("CloudTrailARNInvalidException", "The %v.", err)
}

func errTopicName(err error) error {
	return aws.Errorf("InvalidSnsTopicNameException", "The %v.", err)
}

func errTrailExists(name, account string) error {
	return aws.Errorf("TrailAlreadyExistsException", "Trail %s already exists for customer: %s", name, account)
}

func errTooManyTrails(account, region string) error {
	return aws.Errorf("MaximumNumberOfTrailsExceededException", "User: %s already has %d trails in %s.", account, cairn.MaxTrails, region)
}

func errBusy(name string) error {
	return aws.Errorf("ConflictException", "The trail %s was changed too often in a short time. Try again after the next delivery.", name)
}

func errConflict(name string) error {
	return aws.Errorf("ConflictException", "The trail %s was changed by another call in the meantime. Try again.", name)
}

func errHomeRegion(home, region string) error {
	return aws.Errorf("InvalidHomeRegionException", "The trail's home region is %s; it cannot be changed from %s.", home, region)
}

func errNoOrganization() error {
	return aws.Errorf("OrganizationsNotInUseException", "The account is not part of an organization: Cairn has no AWS Organizations yet.")
}

func errNoLogGroups() error {
	return aws.Errorf("CloudWatchLogsDeliveryUnavailableException", "Cannot set a CloudWatch Logs delivery for this region: Cairn does not deliver to CloudWatch Logs yet.")
}

// settingError turns a *cairn.TrailError into the error that AWS has for the
// setting.
func settingError(err error) error {
	var e *cairn.TrailError
	if !errors.As(err, &e) {
		return err
	}
	if e.Combination {
		return aws.Errorf("InvalidParameterCombinationException", "%v", e)
	}
	switch e.Field {
	case "Name":
		return errTrailName(e.Err)
	case "S3BucketName":
		return aws.Errorf("InvalidS3BucketNameException", "The %v.", e.Err)
	case "S3KeyPrefix":
		return aws.Errorf("InvalidS3PrefixException", "The %v.", e.Err)
	case "SnsTopicName":
		return errTopicName(e.Err)
	case "EventSelectors":
		return errSelectors(e.Err)
	case "InsightSelectors":
		return errInsightSelectors(e.Err)
	}
	return errParameter(e)
}

func errParameter(err error) error { return aws.Errorf("InvalidParameterException", "%v", err) }

func errSelectors(err error) error { return aws.Errorf("InvalidEventSelectorsException", "%v", err) }

func errInsightSelectors(err error) error {
	return aws.Errorf("InvalidInsightSelectorsException", "%v", err)
}

func errInsightsWithout(insightType string) error {
	return aws.Errorf("InvalidInsightSelectorsException", "The trail does not take the management events that %s is computed from.", insightType)
}

func errNoInsights(name string) error {
	return aws.Errorf("InsightNotEnabledException", "Trail %s does not have Insights enabled.", name)
}

func errTrailAndStore() error {
	return aws.Errorf("InvalidParameterCombinationException", "Name a trail or an event data store, not both.")
}

func errNoStores() error {
	return aws.Errorf("UnsupportedOperationException", "This version of Cairn has no event data stores.")
}

func errTrailNotNamed() error {
	return aws.Errorf("InvalidParameterException", "TrailName must be given.")
}

func errOnlyForStores() error {
	return aws.Errorf("InvalidParameterException", "MaxEventSize and ContextKeySelectors are for event data stores.")
}

func errNoPage() error {
	return aws.Errorf("InvalidNextTokenException", "There is no further page: the token is not one that was given.")
}

func errToken() error {
	return aws.Errorf("InvalidTokenException", "There is no further page: the token is not one that was given.")
}

func errTaggedARN(id string) error {
	return aws.Errorf("CloudTrailARNInvalidException", "%q is not the ARN of a trail.", id)
}

func errResourceNotFound(id string) error {
	return aws.Errorf("ResourceNotFoundException", "The resource %s does not exist.", id)
}

func errTooManyResources() error {
	return aws.Errorf("InvalidParameterException", "The tags of up to %d resources can be listed at a time.", maxTagged)
}

func errTag(why string) error { return aws.Errorf("InvalidTagParameterException", "%s", why) }

func errTooManyTags() error {
	return aws.Errorf("TagsLimitExceededException", "A trail can have up to %d tags.", maxTags)
}
