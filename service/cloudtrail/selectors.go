package cloudtrail

import (
	"context"

	"cairn"
	"cairn/aws"
	"cairn/trail"
)

// An EventSelector is a basic event selector.
type EventSelector struct {
	ReadWriteType                 string
	IncludeManagementEvents       *bool
	DataResources                 []DataResource
	ExcludeManagementEventSources []string
}

// A DataResource names resources whose data events are taken.
type DataResource struct {
	Type   string
	Values []string
}

// An AdvancedEventSelector is an advanced event selector.
type AdvancedEventSelector struct {
	Name           string                  `aws:",max=1000"`
	FieldSelectors []AdvancedFieldSelector `aws:",required,min=1"`
}

// An AdvancedFieldSelector is a condition of an advanced event selector.
type AdvancedFieldSelector struct {
	Field         string `aws:",required,min=1,max=1000"`
	Equals        []string
	StartsWith    []string
	EndsWith      []string
	NotEquals     []string
	NotStartsWith []string
	NotEndsWith   []string
}

// PutEventSelectorsInput holds the parameters of PutEventSelectors.
type PutEventSelectorsInput struct {
	TrailName              string
	EventSelectors         []EventSelector
	AdvancedEventSelectors []AdvancedEventSelector
}

// PutEventSelectorsOutput shows the trail's selectors.
type PutEventSelectorsOutput struct {
	TrailARN               string
	EventSelectors         []EventSelector
	AdvancedEventSelectors []AdvancedEventSelector
}

// GetEventSelectorsInput names the trail.
type GetEventSelectorsInput struct{ TrailName string }

// GetEventSelectorsOutput shows the trail's selectors.
type GetEventSelectorsOutput PutEventSelectorsOutput

// putEventSelectors replaces all selectors of a trail. They need not take what
// the trail's Insights are computed from: there are none then.
func (s *Service) putEventSelectors(_ context.Context, c *aws.Call, in *PutEventSelectorsInput) (*PutEventSelectorsOutput, error) {
	basic, advanced := toBasic(in.EventSelectors), toAdvanced(in.AdvancedEventSelectors)
	t, err := s.homeTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	if _, err := cairn.CompileSelectors(basic, advanced); err != nil {
		return nil, errSelectors(err)
	}
	t, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, func(t *trail.Trail) error {
		t.EventSelectors, t.AdvancedEventSelectors = basic, advanced
		return nil
	})
	if err != nil {
		return nil, trailError(c, in.TrailName, err)
	}
	return showSelectors(t), nil
}

func (s *Service) getEventSelectors(_ context.Context, c *aws.Call, in *GetEventSelectorsInput) (*GetEventSelectorsOutput, error) {
	t, err := s.findTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	out := GetEventSelectorsOutput(*showSelectors(t))
	return &out, nil
}

func showSelectors(t *trail.Trail) *PutEventSelectorsOutput {
	out := &PutEventSelectorsOutput{TrailARN: t.ARN().String()}
	for _, a := range t.AdvancedEventSelectors {
		shown := AdvancedEventSelector{Name: a.Name}
		for _, f := range a.FieldSelectors {
			shown.FieldSelectors = append(shown.FieldSelectors, AdvancedFieldSelector(f))
		}
		out.AdvancedEventSelectors = append(out.AdvancedEventSelectors, shown)
	}
	if len(t.AdvancedEventSelectors) > 0 {
		return out
	}
	basic := t.EventSelectors
	if len(basic) == 0 {
		basic = cairn.DefaultEventSelectors()
	}
	for _, b := range basic {
		b = b.WithDefaults()
		shown := EventSelector{
			ReadWriteType: b.ReadWriteType, IncludeManagementEvents: b.IncludeManagementEvents,
			DataResources: []DataResource{}, ExcludeManagementEventSources: b.ExcludeManagementEventSources,
		}
		for _, r := range b.DataResources {
			shown.DataResources = append(shown.DataResources, DataResource{Type: r.Type, Values: append([]string{}, r.Values...)})
		}
		out.EventSelectors = append(out.EventSelectors, shown)
	}
	return out
}

func toBasic(selectors []EventSelector) []cairn.EventSelector {
	var basic []cairn.EventSelector
	for _, e := range selectors {
		b := cairn.EventSelector{
			ReadWriteType: e.ReadWriteType, IncludeManagementEvents: e.IncludeManagementEvents,
			ExcludeManagementEventSources: e.ExcludeManagementEventSources,
		}
		for _, r := range e.DataResources {
			b.DataResources = append(b.DataResources, cairn.DataResource(r))
		}
		basic = append(basic, b)
	}
	return basic
}

func toAdvanced(selectors []AdvancedEventSelector) []cairn.AdvancedEventSelector {
	var advanced []cairn.AdvancedEventSelector
	for _, e := range selectors {
		a := cairn.AdvancedEventSelector{Name: e.Name}
		for _, f := range e.FieldSelectors {
			a.FieldSelectors = append(a.FieldSelectors, cairn.AdvancedFieldSelector(f))
		}
		advanced = append(advanced, a)
	}
	return advanced
}
