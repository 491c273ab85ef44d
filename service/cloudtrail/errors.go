package cloudtrail

import "cairn/aws"

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
