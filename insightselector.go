package cairn

import "slices"

// An InsightSelector asks for Insights of one type on a trail. It is spelled and
// encoded as in CloudTrail's API.
type InsightSelector struct {
	InsightType     string   `json:"InsightType,omitempty"`     // ApiCallRateInsight or ApiErrorRateInsight
	EventCategories []string `json:"EventCategories,omitempty"` // Management, Data; none means Management
}

// ValidateInsightSelectors checks a trail's insight selectors. A fault is
// returned as a *SelectorError, which AWS answers with
// InvalidInsightSelectorsException. An empty list turns Insights off.
func ValidateInsightSelectors(selectors []InsightSelector) error {
	for n, s := range selectors {
		refuse := func(field, reason string) error { return &SelectorError{Selector: n, Field: field, Reason: reason} }
		if s.InsightType != "ApiCallRateInsight" && s.InsightType != "ApiErrorRateInsight" {
			return refuse("InsightType", "Value "+shown(s.InsightType)+" for InsightType is invalid.")
		}
		for _, other := range selectors[:n] {
			if other.InsightType == s.InsightType {
				return refuse("InsightType", "InsightType "+s.InsightType+" comes more than once.")
			}
		}
		for i, category := range s.EventCategories {
			if category != Management.String() && category != Data.String() {
				return refuse("EventCategories", "Value "+shown(category)+" for EventCategories is invalid.")
			}
			if slices.Contains(s.EventCategories[:i], category) {
				return refuse("EventCategories", "Value "+category+" for EventCategories comes more than once.")
			}
		}
	}
	return nil
}

// An AggregationConfiguration asks for aggregated events on a trail. It is
// spelled and encoded as in CloudTrail's API.
type AggregationConfiguration struct {
	EventCategory string   `json:"EventCategory,omitempty"` // Data
	Templates     []string `json:"Templates,omitempty"`     // API_ACTIVITY, RESOURCE_ACCESS, USER_ACTIONS
}

var aggregationTemplates = []string{"API_ACTIVITY", "RESOURCE_ACCESS", "USER_ACTIONS"}

// ValidateAggregationConfigurations checks a trail's aggregation
// configurations, of which there may be one. A fault is returned as a
// *SelectorError, which AWS answers with InvalidParameterException.
func ValidateAggregationConfigurations(configurations []AggregationConfiguration) error {
	if len(configurations) > 1 {
		return &SelectorError{Selector: -1, Field: "AggregationConfigurations", Reason: "A trail can have one aggregation configuration."}
	}
	for n, c := range configurations {
		refuse := func(field, reason string) error { return &SelectorError{Selector: n, Field: field, Reason: reason} }
		if c.EventCategory != Data.String() {
			return refuse("EventCategory", "Value "+shown(c.EventCategory)+" for EventCategory is invalid.")
		}
		if len(c.Templates) == 0 {
			return refuse("Templates", "Templates must have at least one value.")
		}
		for i, t := range c.Templates {
			if !slices.Contains(aggregationTemplates, t) {
				return refuse("Templates", "Value "+shown(t)+" for Templates is invalid.")
			}
			if slices.Contains(c.Templates[:i], t) {
				return refuse("Templates", "Value "+t+" for Templates comes more than once.")
			}
		}
	}
	return nil
}
