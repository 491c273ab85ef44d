package cloudtrail

import (
	"context"

	"cairn"
	"cairn/aws"
	"cairn/trail"
)

// An AggregationConfiguration asks for aggregated events.
type AggregationConfiguration struct {
	EventCategory string
	Templates     []string
}

// A ContextKeySelector adds tags or condition keys to the events of an event
// data store.
type ContextKeySelector struct {
	Type   string
	Equals []string
}

// PutEventConfigurationInput holds the parameters of PutEventConfiguration.
type PutEventConfigurationInput struct {
	TrailName                 string
	EventDataStore            string
	MaxEventSize              string
	ContextKeySelectors       []ContextKeySelector
	AggregationConfigurations []AggregationConfiguration
}

// PutEventConfigurationOutput shows the trail's event configuration.
type PutEventConfigurationOutput struct {
	TrailARN                  string
	EventDataStoreArn         string
	MaxEventSize              string
	ContextKeySelectors       []ContextKeySelector
	AggregationConfigurations []AggregationConfiguration
}

// GetEventConfigurationInput names the trail.
type GetEventConfigurationInput struct {
	TrailName      string
	EventDataStore string
}

// GetEventConfigurationOutput shows the trail's event configuration.
type GetEventConfigurationOutput PutEventConfigurationOutput

// putEventConfiguration sets what else a trail is to make of events. Maximum size
// and context keys are for event data stores.
func (s *Service) putEventConfiguration(_ context.Context, c *aws.Call, in *PutEventConfigurationInput) (*PutEventConfigurationOutput, error) {
	if err := onlyTrail(in.TrailName, in.EventDataStore); err != nil {
		return nil, err
	}
	if in.MaxEventSize != "" || len(in.ContextKeySelectors) > 0 {
		return nil, errOnlyForStores()
	}
	var configurations []cairn.AggregationConfiguration
	for _, a := range in.AggregationConfigurations {
		configurations = append(configurations, cairn.AggregationConfiguration(a))
	}
	if err := cairn.ValidateAggregationConfigurations(configurations); err != nil {
		return nil, errParameter(err)
	}
	t, err := s.homeTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	t, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, func(t *trail.Trail) error {
		t.AggregationConfigurations = configurations
		return nil
	})
	if err != nil {
		return nil, trailError(c, in.TrailName, err)
	}
	return showConfiguration(t), nil
}

func (s *Service) getEventConfiguration(_ context.Context, c *aws.Call, in *GetEventConfigurationInput) (*GetEventConfigurationOutput, error) {
	if err := onlyTrail(in.TrailName, in.EventDataStore); err != nil {
		return nil, err
	}
	t, err := s.findTrail(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	out := GetEventConfigurationOutput(*showConfiguration(t))
	return &out, nil
}

func showConfiguration(t *trail.Trail) *PutEventConfigurationOutput {
	out := &PutEventConfigurationOutput{TrailARN: t.ARN().String(), AggregationConfigurations: []AggregationConfiguration{}}
	for _, a := range t.AggregationConfigurations {
		out.AggregationConfigurations = append(out.AggregationConfigurations, AggregationConfiguration(a))
	}
	return out
}
