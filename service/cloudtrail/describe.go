package cloudtrail

import (
	"context"
	"time"

	"cairn/aws"
	"cairn/trail"
)

// A Trail is a trail as GetTrail and DescribeTrails show it.
type Trail struct {
	Name                       string
	S3BucketName               string
	S3KeyPrefix                string
	SnsTopicName               string
	SnsTopicARN                string
	IncludeGlobalServiceEvents bool
	IsMultiRegionTrail         bool
	HomeRegion                 string
	TrailARN                   string
	LogFileValidationEnabled   bool
	CloudWatchLogsLogGroupArn  string
	CloudWatchLogsRoleArn      string
	KmsKeyId                   string
	HasCustomEventSelectors    bool
	HasInsightSelectors        bool
	IsOrganizationTrail        bool
}

// GetTrailInput names the trail.
type GetTrailInput struct{ Name string }

// GetTrailOutput is the trail.
type GetTrailOutput struct{ Trail *Trail }

// DescribeTrailsInput holds the parameters of DescribeTrails.
type DescribeTrailsInput struct {
	TrailNameList       []string `aws:"trailNameList"`
	IncludeShadowTrails *bool    `aws:"includeShadowTrails"`
}

// DescribeTrailsOutput lists the trails.
type DescribeTrailsOutput struct {
	TrailList []Trail `aws:"trailList"`
}

// ListTrailsInput holds the parameters of ListTrails.
type ListTrailsInput struct{ NextToken string }

// A TrailInfo names a trail.
type TrailInfo struct {
	TrailARN   string
	Name       string
	HomeRegion string
}

// ListTrailsOutput lists the account's trails of all regions. There are so few
// that they are one page.
type ListTrailsOutput struct {
	Trails    []TrailInfo
	NextToken string
}

// GetTrailStatusInput names the trail.
type GetTrailStatusInput struct{ Name string }

// GetTrailStatusOutput tells how the trail is doing. The members that hold times
// as text are older; TimeLoggingStopped is empty when logging was never stopped.
type GetTrailStatusOutput struct {
	IsLogging                          bool
	LatestDeliveryError                string
	LatestNotificationError            string
	LatestDeliveryTime                 time.Time
	LatestNotificationTime             time.Time
	StartLoggingTime                   time.Time
	StopLoggingTime                    time.Time
	LatestCloudWatchLogsDeliveryError  string
	LatestCloudWatchLogsDeliveryTime   time.Time
	LatestDigestDeliveryTime           time.Time
	LatestDigestDeliveryError          string
	LatestDeliveryAttemptTime          *string
	LatestNotificationAttemptTime      *string
	LatestNotificationAttemptSucceeded *string
	LatestDeliveryAttemptSucceeded     *string
	TimeLoggingStarted                 *string
	TimeLoggingStopped                 *string
}

func (s *Service) getTrail(_ context.Context, c *aws.Call, in *GetTrailInput) (*GetTrailOutput, error) {
	t, err := s.findTrail(c, in.Name)
	if err != nil {
		return nil, err
	}
	return &GetTrailOutput{describe(t)}, nil
}

// describeTrails shows the trails of a region and, unless they are left out, the
// shadows that multi-region trails of other regions have there; or those that
// are named, each once. A name that no trail has is passed over.
func (s *Service) describeTrails(_ context.Context, c *aws.Call, in *DescribeTrailsInput) (*DescribeTrailsOutput, error) {
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
	out := &DescribeTrailsOutput{TrailList: []Trail{}}
	if len(in.TrailNameList) == 0 {
		for _, t := range s.Trails.List(c.Account()) {
			if t.HomeRegion == c.Region || shadows && t.IsIn(c.Region) {
				out.TrailList = append(out.TrailList, *describe(t))
			}
		}
		return out, nil
	}
	shown := make(map[string]bool)
	for _, nameOrARN := range in.TrailNameList {
		arn, name, err := nameTrail(c, nameOrARN)
		if err != nil {
			return nil, err
		}
		t, err := s.Trails.Get(c.Account(), arn.Region, name)
		if err == nil && t.ARN() == arn && (t.HomeRegion == c.Region || shadows) && !shown[t.ID] {
			shown[t.ID] = true
			out.TrailList = append(out.TrailList, *describe(t))
		}
	}
	return out, nil
}

func (s *Service) listTrails(_ context.Context, c *aws.Call, in *ListTrailsInput) (*ListTrailsOutput, error) {
	if in.NextToken != "" {
		return nil, errNoPage()
	}
	out := &ListTrailsOutput{Trails: []TrailInfo{}}
	for _, t := range s.Trails.List(c.Account()) {
		out.Trails = append(out.Trails, TrailInfo{TrailARN: t.ARN().String(), Name: t.Name, HomeRegion: t.HomeRegion})
	}
	return out, nil
}

func (s *Service) getTrailStatus(_ context.Context, c *aws.Call, in *GetTrailStatusInput) (*GetTrailStatusOutput, error) {
	t, err := s.findTrail(c, in.Name)
	if err != nil {
		return nil, err
	}
	d, err := s.Deliveries.Status(t.ID)
	if err != nil {
		return nil, err
	}
	out := &GetTrailStatusOutput{
		IsLogging: t.Logging, StartLoggingTime: t.LoggingStarted, StopLoggingTime: t.LoggingStopped,
		LatestDeliveryError: d.LatestDeliveryError, LatestDeliveryTime: d.LatestDelivery,
		LatestNotificationError: d.LatestNotificationError, LatestNotificationTime: d.LatestNotification,
		LatestDigestDeliveryError: d.LatestDigestDeliveryError, LatestDigestDeliveryTime: d.LatestDigestDelivery,
		LatestDeliveryAttemptTime: timeText(d.LatestDeliveryAttempt), LatestDeliveryAttemptSucceeded: timeText(d.LatestDelivery),
		LatestNotificationAttemptTime: timeText(d.LatestNotificationAttempt), LatestNotificationAttemptSucceeded: timeText(d.LatestNotification),
		TimeLoggingStarted: timeText(t.LoggingStarted), TimeLoggingStopped: timeText(t.LoggingStopped),
	}
	return out, nil
}

// timeText is a time as GetTrailStatus's older members have it: empty for none.
func timeText(t time.Time) *string {
	text := ""
	if !t.IsZero() {
		text = t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return &text
}

func describe(t *trail.Trail) *Trail {
	return &Trail{
		Name: t.Name, S3BucketName: t.S3BucketName, S3KeyPrefix: t.S3KeyPrefix, SnsTopicName: topicName(t), SnsTopicARN: t.SNSTopicARN,
		IncludeGlobalServiceEvents: t.IncludeGlobalServiceEvents, IsMultiRegionTrail: t.IsMultiRegion, HomeRegion: t.HomeRegion,
		TrailARN: t.ARN().String(), LogFileValidationEnabled: t.LogFileValidation,
		CloudWatchLogsLogGroupArn: t.CloudWatchLogsLogGroupARN, CloudWatchLogsRoleArn: t.CloudWatchLogsRoleARN, KmsKeyId: t.KMSKeyID,
		HasCustomEventSelectors: t.HasCustomEventSelectors(), HasInsightSelectors: t.HasInsightSelectors(), IsOrganizationTrail: t.IsOrganization,
	}
}
