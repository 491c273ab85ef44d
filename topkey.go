package cairn

import (
	"strings"
	"unicode/utf8"
)

// A topKey is a top-level key of CloudTrail records.
type topKey uint8

const (
	keyUnknown topKey = iota
	keyEventVersion
	keyUserIdentity
	keyEventTime
	keyEventSource
	keyEventName
	keyAWSRegion
	keySourceIPAddress
	keyUserAgent
	keyErrorCode
	keyErrorMessage
	keyRequestParameters
	keyResponseElements
	keyAdditionalEventData
	keyRequestID
	keyEventID
	keyReadOnly
	keyResources
	keyEventType
	keyAPIVersion
	keyManagementEvent
	keyRecipientAccountID
	keySharedEventID
	keyVPCEndpointID
	keyVPCEndpointAccountID
	keyServiceEventDetails
	keyEventCategory
	keyInsightDetails
	keyAddendum
	keySessionCredentialFromConsole
	keyEdgeDeviceDetails
	keyTLSDetails
	keyEventContext

	// Keys of aggregated events.
	keyAccountID
	keyEventIDAggregated
	keyTimeWindow
	keySummary

	// Keys that only event data stores have.
	keyInsightEventSource
	keyInsightEventName
	keyEventData
	keyMetadata

	numTopKeys
)

var topKeyNames = [numTopKeys]string{
	keyEventVersion:                 "eventVersion",
	keyUserIdentity:                 "userIdentity",
	keyEventTime:                    "eventTime",
	keyEventSource:                  "eventSource",
	keyEventName:                    "eventName",
	keyAWSRegion:                    "awsRegion",
	keySourceIPAddress:              "sourceIPAddress",
	keyUserAgent:                    "userAgent",
	keyErrorCode:                    "errorCode",
	keyErrorMessage:                 "errorMessage",
	keyRequestParameters:            "requestParameters",
	keyResponseElements:             "responseElements",
	keyAdditionalEventData:          "additionalEventData",
	keyRequestID:                    "requestID",
	keyEventID:                      "eventID",
	keyReadOnly:                     "readOnly",
	keyResources:                    "resources",
	keyEventType:                    "eventType",
	keyAPIVersion:                   "apiVersion",
	keyManagementEvent:              "managementEvent",
	keyRecipientAccountID:           "recipientAccountId",
	keySharedEventID:                "sharedEventID",
	keyVPCEndpointID:                "vpcEndpointId",
	keyVPCEndpointAccountID:         "vpcEndpointAccountId",
	keyServiceEventDetails:          "serviceEventDetails",
	keyEventCategory:                "eventCategory",
	keyInsightDetails:               "insightDetails",
	keyAddendum:                     "addendum",
	keySessionCredentialFromConsole: "sessionCredentialFromConsole",
	keyEdgeDeviceDetails:            "edgeDeviceDetails",
	keyTLSDetails:                   "tlsDetails",
	keyEventContext:                 "eventContext",
	keyAccountID:                    "accountId",
	keyEventIDAggregated:            "eventId",
	keyTimeWindow:                   "timeWindow",
	keySummary:                      "summary",
	keyInsightEventSource:           "insightEventSource",
	keyInsightEventName:             "insightEventName",
	keyEventData:                    "eventData",
	keyMetadata:                     "metadata",
}

const topKeySlots = 128

// topKeyIndex is a hash table of the names, with open addressing. The built-in
// map costs several times as much, and each record asks about twenty times.
var topKeyIndex = func() (index [topKeySlots]topKey) {
	for k, name := range topKeyNames {
		if name == "" {
			continue
		}
		h := topKeyHash(name)
		for index[h] != keyUnknown {
			h = (h + 1) % topKeySlots
		}
		index[h] = topKey(k)
	}
	return index
}()

// topKeyHash tells most of the names apart by their length and three of their
// letters. The name must have at least three.
func topKeyHash(name string) uint {
	n := len(name)
	return (uint(n)*96 + uint(name[n-1])*70 + uint(name[n-3])*22 + uint(name[0])*91) % topKeySlots
}

// topKeyOf returns the topKey with the given name, or keyUnknown.
func topKeyOf(name string) topKey {
	if len(name) < 3 {
		return keyUnknown
	}
	for h := topKeyHash(name); ; h = (h + 1) % topKeySlots {
		if k := topKeyIndex[h]; k == keyUnknown || topKeyNames[k] == name {
			return k
		}
	}
}

// otherCase returns the one of names that equals name but for the case of its
// letters, or "". None of names may equal name itself.
func otherCase(name string, names []string) string {
	if name == "" {
		return ""
	}
	for _, n := range names {
		// Most differ in the first letter, which is ASCII in all names.
		if name[0] < utf8.RuneSelf && name[0]|0x20 != n[0]|0x20 {
			continue
		}
		if strings.EqualFold(name, n) {
			return n
		}
	}
	return ""
}
