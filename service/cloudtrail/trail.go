package cloudtrail

import (
	"context"
	"errors"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/trail"
)

// CreateTrailInput holds the parameters of CreateTrail.
type CreateTrailInput struct {
	Name                       string
	S3BucketName               string
	S3KeyPrefix                string
	SnsTopicName               string
	IncludeGlobalServiceEvents *bool
	IsMultiRegionTrail         *bool
	EnableLogFileValidation    *bool
	CloudWatchLogsLogGroupArn  string
	CloudWatchLogsRoleArn      string
	KmsKeyId                   string
	IsOrganizationTrail        *bool
	TagsList                   []Tag `aws:",max=200"`
}

// CreateTrailOutput is the trail as it was made.
type CreateTrailOutput struct {
	Name                       string
	S3BucketName               string
	S3KeyPrefix                string
	SnsTopicName               string
	SnsTopicARN                string
	IncludeGlobalServiceEvents bool
	IsMultiRegionTrail         bool
	TrailARN                   string
	LogFileValidationEnabled   bool
	CloudWatchLogsLogGroupArn  string
	CloudWatchLogsRoleArn      string
	KmsKeyId                   string
	IsOrganizationTrail        bool
}

// UpdateTrailInput holds the parameters of UpdateTrail. What is not given stays
// as it is; an empty text takes a setting away.
type UpdateTrailInput struct {
	Name                       string
	S3BucketName               *string
	S3KeyPrefix                *string
	SnsTopicName               *string
	IncludeGlobalServiceEvents *bool
	IsMultiRegionTrail         *bool
	EnableLogFileValidation    *bool
	CloudWatchLogsLogGroupArn  *string
	CloudWatchLogsRoleArn      *string
	KmsKeyId                   *string
	IsOrganizationTrail        *bool
}

// UpdateTrailOutput is the trail as it is now.
type UpdateTrailOutput CreateTrailOutput

// DeleteTrailInput names the trail.
type DeleteTrailInput struct{ Name string }

// DeleteTrailOutput is empty.
type DeleteTrailOutput struct{}

// StartLoggingInput names the trail.
type StartLoggingInput struct{ Name string }

// StartLoggingOutput is empty.
type StartLoggingOutput struct{}

// StopLoggingInput names the trail.
type StopLoggingInput struct{ Name string }

// StopLoggingOutput is empty.
type StopLoggingOutput struct{}

// createTrail makes a trail, which does not log yet. Bucket, topic and key are
// tried first, with what a delivery would do.
func (s *Service) createTrail(ctx context.Context, c *aws.Call, in *CreateTrailInput) (*CreateTrailOutput, error) {
	tags, err := tagsOf(nil, in.TagsList)
	if err != nil {
		return nil, err
	}
	t := cairn.Trail{
		Name: in.Name, AccountID: c.Account(), HomeRegion: c.Region, Created: s.Now().UTC(),
		IsMultiRegion: isTrue(in.IsMultiRegionTrail), IncludeGlobalServiceEvents: in.IncludeGlobalServiceEvents == nil || *in.IncludeGlobalServiceEvents,
		S3BucketName: in.S3BucketName, S3KeyPrefix: in.S3KeyPrefix, LogFileValidation: isTrue(in.EnableLogFileValidation),
		CloudWatchLogsLogGroupARN: in.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleARN: in.CloudWatchLogsRoleArn,
	}
	if isTrue(in.IsOrganizationTrail) {
		return nil, errNoOrganization()
	}
	if t.SNSTopicARN, err = topicARN(c, in.SnsTopicName); err != nil {
		return nil, err
	}
	// Nothing is written or published for a trail that there cannot be.
	if err := s.Trails.HasRoom(&t); err != nil && cairn.ValidateTrailName(in.Name) == nil {
		return nil, trailError(c, in.Name, err)
	}
	if err := s.check(ctx, c, &t, nil, in.KmsKeyId); err != nil {
		return nil, err
	}
	made, err := s.Trails.Create(t, tags)
	if err != nil {
		return nil, trailError(c, in.Name, err)
	}
	return s.settings(made), nil
}

// updateTrail changes a trail's settings. Only what is new of bucket, topic and
// key is tried.
func (s *Service) updateTrail(ctx context.Context, c *aws.Call, in *UpdateTrailInput) (*UpdateTrailOutput, error) {
	was, err := s.homeTrail(c, in.Name)
	if err != nil {
		return nil, err
	}
	if isTrue(in.IsOrganizationTrail) {
		return nil, errNoOrganization()
	}
	next := was.Trail
	if err := in.apply(c, &next); err != nil {
		return nil, err
	}
	key := was.KMSKeyID
	if in.KmsKeyId != nil {
		key, next.KMSKeyID = *in.KmsKeyId, ""
	}
	if err := s.check(ctx, c, &next, was, key); err != nil {
		return nil, err
	}
	changed, err := s.Trails.Change(c.Account(), was.ID, c.RequestID, func(t *trail.Trail) error {
		// Other calls may have changed the trail while its destinations were
		// tried. What they changed stays, unless it is a destination: those
		// that were tried together are then not those that it would have.
		if destinationsOf(&t.Trail) != destinationsOf(&was.Trail) {
			return errConflict(in.Name)
		}
		if err := in.apply(c, &t.Trail); err != nil {
			return err
		}
		t.KMSKeyID = next.KMSKeyID
		return settingError(t.Validate())
	})
	if err != nil {
		return nil, trailError(c, in.Name, err)
	}
	out := UpdateTrailOutput(*s.settings(changed))
	return &out, nil
}

// apply changes a trail as the call asks, but for its key.
func (in *UpdateTrailInput) apply(c *aws.Call, t *cairn.Trail) error {
	if in.IsMultiRegionTrail != nil {
		t.SetMultiRegion(*in.IsMultiRegionTrail)
	}
	set(&t.IncludeGlobalServiceEvents, in.IncludeGlobalServiceEvents)
	set(&t.LogFileValidation, in.EnableLogFileValidation)
	set(&t.S3BucketName, in.S3BucketName)
	set(&t.S3KeyPrefix, in.S3KeyPrefix)
	set(&t.CloudWatchLogsLogGroupARN, in.CloudWatchLogsLogGroupArn)
	set(&t.CloudWatchLogsRoleARN, in.CloudWatchLogsRoleArn)
	if in.SnsTopicName == nil {
		return nil
	}
	var err error
	t.SNSTopicARN, err = topicARN(c, *in.SnsTopicName)
	return err
}

// destinations are what a trail delivers to.
type destinations struct{ bucket, prefix, key, topic string }

func destinationsOf(t *cairn.Trail) destinations {
	return destinations{t.S3BucketName, t.S3KeyPrefix, t.KMSKeyID, t.SNSTopicARN}
}

// check validates a trail's settings, was being what it was before if it is not
// new, and tries what it would deliver to.
func (s *Service) check(ctx context.Context, c *aws.Call, t *cairn.Trail, was *trail.Trail, kmsKey string) error {
	if err := t.Validate(); err != nil {
		return settingError(err)
	}
	if t.CloudWatchLogsLogGroupARN != "" {
		return errNoLogGroups()
	}
	if kmsKey != "" {
		if was == nil || kmsKey != was.KMSKeyID {
			arn, err := s.keyARN(ctx, c, kmsKey)
			if err != nil {
				return err
			}
			kmsKey = arn
		}
		t.KMSKeyID = kmsKey
	}
	var before *cairn.Trail
	if was != nil {
		before = &was.Trail
	}
	return probeError(t, s.Deliveries.Probe(ctx, t, before))
}

func (s *Service) deleteTrail(_ context.Context, c *aws.Call, in *DeleteTrailInput) (*DeleteTrailOutput, error) {
	t, err := s.homeTrail(c, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.Trails.Delete(c.Account(), t.ID, c.RequestID); err != nil {
		return nil, trailError(c, in.Name, err)
	}
	return &DeleteTrailOutput{}, nil
}

func (s *Service) startLogging(_ context.Context, c *aws.Call, in *StartLoggingInput) (*StartLoggingOutput, error) {
	err := s.changeHome(c, in.Name, func(t *trail.Trail) error {
		if !t.Logging {
			t.Logging, t.LoggingStarted = true, s.Now().UTC()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &StartLoggingOutput{}, nil
}

func (s *Service) stopLogging(_ context.Context, c *aws.Call, in *StopLoggingInput) (*StopLoggingOutput, error) {
	err := s.changeHome(c, in.Name, func(t *trail.Trail) error {
		if t.Logging {
			t.Logging, t.LoggingStopped = false, s.Now().UTC()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &StopLoggingOutput{}, nil
}

// changeHome changes a trail of the call's region.
func (s *Service) changeHome(c *aws.Call, name string, fn func(*trail.Trail) error) error {
	t, err := s.homeTrail(c, name)
	if err != nil {
		return err
	}
	_, err = s.Trails.Change(c.Account(), t.ID, c.RequestID, fn)
	return trailError(c, name, err)
}

// findTrail returns the trail that a call names: by its name in its home region,
// by its ARN anywhere.
func (s *Service) findTrail(c *aws.Call, nameOrARN string) (*trail.Trail, error) {
	arn, name, err := nameTrail(c, nameOrARN)
	if err != nil {
		return nil, err
	}
	if arn.AccountID != c.Account() {
		return nil, errTrailNotFound(c, nameOrARN)
	}
	t, err := s.Trails.Get(c.Account(), arn.Region, name)
	if err != nil {
		return nil, trailError(c, nameOrARN, err)
	}
	// Permission was asked for the ARN that was given. Another partition's is
	// not this trail's, or a Deny on this one would be passed by.
	if t.ARN() != arn {
		return nil, errTrailNotFound(c, nameOrARN)
	}
	return t, nil
}

// homeTrail is findTrail for calls that change something, which only the trail's
// home region takes. The name of a shadow says so, too.
func (s *Service) homeTrail(c *aws.Call, nameOrARN string) (*trail.Trail, error) {
	t, err := s.findTrail(c, nameOrARN)
	if err == nil && t.HomeRegion != c.Region {
		return nil, errHomeRegion(t.HomeRegion, c.Region)
	}
	if err != nil {
		for _, shadow := range s.Trails.List(c.Account()) {
			if shadow.Name == nameOrARN && shadow.IsIn(c.Region) {
				return nil, errHomeRegion(shadow.HomeRegion, c.Region)
			}
		}
	}
	return t, err
}

// nameTrail returns the ARN and the name of the trail that a call names.
func nameTrail(c *aws.Call, nameOrARN string) (cairn.ARN, string, error) {
	if strings.HasPrefix(nameOrARN, "arn:") {
		arn, name, err := cairn.ParseTrailARN(nameOrARN)
		if err != nil {
			return arn, "", errTrailARN(err)
		}
		return arn, name, nil
	}
	if err := cairn.ValidateTrailName(nameOrARN); err != nil {
		return cairn.ARN{}, "", errTrailName(err)
	}
	t := cairn.Trail{Name: nameOrARN, AccountID: c.Account(), HomeRegion: c.Region}
	return t.ARN(), nameOrARN, nil
}

// onTrail asks for permission on the trail that a call is about.
func onTrail[In any](s *Service, name func(*In) string) aws.Option {
	return aws.Needs(func(_ context.Context, c *aws.Call, in *In) ([]aws.Permission, error) {
		return []aws.Permission{s.permission(c, name(in))}, nil
	})
}

// taggingTrail is onTrail for calls that bring tags: policies may look at them.
func taggingTrail[In any](s *Service, name func(*In) string, tags func(*In) []Tag) aws.Option {
	return aws.Needs(func(_ context.Context, c *aws.Call, in *In) ([]aws.Permission, error) {
		need := s.permission(c, name(in))
		for _, tag := range tags(in) {
			if need.Keys == nil {
				need.Keys = make(map[string][]string)
			}
			need.Keys["aws:RequestTag/"+tag.Key] = []string{tag.Value}
			need.Keys["aws:TagKeys"] = append(need.Keys["aws:TagKeys"], tag.Key)
		}
		return []aws.Permission{need}, nil
	})
}

// permission is what a call needs for a trail that it names. Policies may look at
// the trail's tags.
func (s *Service) permission(c *aws.Call, nameOrARN string) aws.Permission {
	need := aws.Permission{Resource: trailResource(c, nameOrARN)}
	if t, err := s.findTrail(c, nameOrARN); err == nil {
		need.Keys = make(map[string][]string)
		for key, value := range t.Tags {
			need.Keys["aws:ResourceTag/"+key] = []string{value}
		}
	}
	return need
}

// trailResource is the resource of a call that names a trail. What is no trail's
// name, or another account's trail, does not exist for the caller; being told
// so takes permission for all.
func trailResource(c *aws.Call, nameOrARN string) string {
	arn, _, err := nameTrail(c, nameOrARN)
	if err != nil || arn.AccountID != c.Account() {
		return "*"
	}
	return arn.String()
}

// topicARN returns the ARN of a topic that is named by its name, in the caller's
// account and region, or by its ARN.
func topicARN(c *aws.Call, nameOrARN string) (string, error) {
	if nameOrARN == "" {
		return "", nil
	}
	if err := cairn.ValidateSNSTopicName(nameOrARN); err != nil {
		return "", errTopicName(err)
	}
	if _, err := cairn.ParseARN(nameOrARN); err == nil {
		return nameOrARN, nil
	}
	return cairn.ARN{Partition: "aws", Service: "sns", Region: c.Region, AccountID: c.Account(), Resource: nameOrARN}.String(), nil
}

// topicName is what SnsTopicName shows of a topic: its name if it is one of the
// trail's account and home region, else its ARN.
func topicName(t *trail.Trail) string {
	arn, err := cairn.ParseARN(t.SNSTopicARN)
	if err != nil || arn.AccountID != t.AccountID || arn.Region != t.HomeRegion {
		return t.SNSTopicARN
	}
	return arn.Resource
}

func (s *Service) settings(t *trail.Trail) *CreateTrailOutput {
	return &CreateTrailOutput{
		Name: t.Name, S3BucketName: t.S3BucketName, S3KeyPrefix: t.S3KeyPrefix, SnsTopicName: topicName(t), SnsTopicARN: t.SNSTopicARN,
		IncludeGlobalServiceEvents: t.IncludeGlobalServiceEvents, IsMultiRegionTrail: t.IsMultiRegion, TrailARN: t.ARN().String(),
		LogFileValidationEnabled: t.LogFileValidation, CloudWatchLogsLogGroupArn: t.CloudWatchLogsLogGroupARN,
		CloudWatchLogsRoleArn: t.CloudWatchLogsRoleARN, KmsKeyId: t.KMSKeyID, IsOrganizationTrail: t.IsOrganization,
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

func set[V any](to *V, from *V) {
	if from != nil {
		*to = *from
	}
}

// trailError turns an error of the trails' store into one for the client.
func trailError(c *aws.Call, name string, err error) error {
	var quota *trail.QuotaError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, trail.ErrNotFound):
		return errTrailNotFound(c, name)
	case errors.Is(err, trail.ErrExists):
		return errTrailExists(name, c.Account())
	case errors.Is(err, trail.ErrBusy):
		return errBusy(name)
	case errors.As(err, &quota):
		return errTooManyTrails(c.Account(), quota.Region)
	}
	return err
}
