package cloudtrail

import (
	"context"

	"cairn"
	"cairn/aws"
	"cairn/trail"
)

// An InsightSelector asks for Insights of one type.
type InsightSelector struct {
	InsightType     string
	EventCategories []string
}

// PutInsightSelectorsInput holds the parameters of PutInsightSelectors.
type PutInsightSelectorsInput struct {
	TrailName           string
	InsightSelectors    []InsightSelector `aws:",required"`
	EventDataStore      string
	InsightsDestination string
}

// PutInsightSelectorsOutput shows the trail's insight selectors.
type PutInsightSelectorsOutput struct {
	TrailARN            string
	InsightSelectors    []InsightSelector
	EventDataStoreArn   string
	InsightsDestination string
}

// GetInsightSelectorsInput names the trail.
type GetInsightSelectorsInput struct {
	TrailName      string
	EventDataStore string
}

// GetInsightSelectorsOutput shows the trail's insight selectors.
type GetInsightSelectorsOutput PutInsightSelectorsOutput

// putInsightSelectors replaces all insight selectors of a trail. None turns
// Insights off.
func (s *Service) putInsightSelectors(_ context.Context, c *aws.Call, in *PutInsightSelectorsInput) (*PutInsightSelectorsOutput, error) {
	if err := onlyTrail(in.TrailName, in.EventDataStore+in.InsightsDestination); err != nil {
		return nil, err
	}
	var selectors []cairn.InsightSelector
	for _, i := range in.InsightSelectors {
		selectors = append(selectors, cairn.InsightSelector(i))
	}
	t, err := s.homeTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	t, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, func(t *trail.Trail) error {
		t.InsightSelectors = selectors
		return checkInsights(&t.Trail, selectors)
	})
	if err != nil {
		return nil, trailError(c, in.TrailName, err)
	}
	return showInsights(t), nil
}

func (s *Service) getInsightSelectors(_ context.Context, c *aws.Call, in *GetInsightSelectorsInput) (*GetInsightSelectorsOutput, error) {
	if err := onlyTrail(in.TrailName, in.EventDataStore); err != nil {
		return nil, err
	}
	t, err := s.findTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	if !t.HasInsightSelectors() {
		return nil, errNoInsights(t.Name)
	}
	out := GetInsightSelectorsOutput(*showInsights(t))
	return &out, nil
}

func showInsights(t *trail.Trail) *PutInsightSelectorsOutput {
	out := &PutInsightSelectorsOutput{TrailARN: t.ARN().String(), InsightSelectors: []InsightSelector{}}
	for _, i := range t.InsightSelectors {
		out.InsightSelectors = append(out.InsightSelectors, InsightSelector(i))
	}
	return out
}

// onlyTrail checks that a call names a trail, and nothing of an event data
// store.
func onlyTrail(name, store string) error {
	switch {
	case name != "" && store != "":
		return errTrailAndStore()
	case store != "":
		return errNoStores()
	case name == "":
		return errTrailNotNamed()
	}
	return nil
}

// checkInsights checks that a trail takes the events that its Insights are
// computed from: writes for call rates, anything for error rates.
func checkInsights(t *cairn.Trail, selectors []cairn.InsightSelector) error {
	if err := cairn.ValidateInsightSelectors(selectors); err != nil {
		return errInsightSelectors(err)
	}
	for _, i := range selectors {
		categories := i.EventCategories
		if len(categories) == 0 {
			categories = []string{cairn.Management.String()}
		}
		for _, category := range categories {
			if category != cairn.Management.String() {
				continue // which data events there will be cannot be known
			}
			ok := takesManagement(t, cairn.False) || i.InsightType == "ApiErrorRateInsight" && takesManagement(t, cairn.True)
			if !ok {
				return errInsightsWithout(i.InsightType)
			}
		}
	}
	return nil
}

// takesManagement reports whether a trail takes management events that read, or
// that write.
func takesManagement(t *cairn.Trail, readOnly cairn.Ternary) bool {
	selectors, err := t.Selectors()
	if err != nil {
		return false
	}
	var subject cairn.Subject
	subject.Reset(&cairn.Event{Record: cairn.Record{Category: cairn.Management, ReadOnly: readOnly}})
	return selectors.Match(&subject)
}
