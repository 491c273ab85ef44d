package cairn

import (
	"slices"
	"strings"
	"time"
)

// A Trail says which events are delivered where. It belongs to an account and to
// the region that it was made in, its home region, from which alone it can be
// changed. Tags, resource policies and the state of deliveries are kept
// elsewhere.
type Trail struct {
	Name       string
	AccountID  string
	Partition  string `json:",omitempty"` // of the trail's ARN; empty means "aws"
	HomeRegion string

	// Which events: those of the home region or of all regions, of the account
	// or of the whole organization.
	IsMultiRegion              bool   `json:",omitempty"`
	IncludeGlobalServiceEvents bool   `json:",omitempty"`
	IsOrganization             bool   `json:",omitempty"`
	OrganizationID             string `json:",omitempty"` // "o-…"; only when IsOrganization

	// At most one of the two kinds of selectors. With neither, the trail has
	// DefaultEventSelectors.
	EventSelectors         []EventSelector         `json:",omitempty"`
	AdvancedEventSelectors []AdvancedEventSelector `json:",omitempty"`

	InsightSelectors          []InsightSelector          `json:",omitempty"`
	AggregationConfigurations []AggregationConfiguration `json:",omitempty"`

	// Where to.
	S3BucketName              string
	S3KeyPrefix               string `json:",omitempty"`
	KMSKeyID                  string `json:",omitempty"` // the key's ARN; empty means SSE-S3
	SNSTopicARN               string `json:",omitempty"`
	CloudWatchLogsLogGroupARN string `json:",omitempty"`
	CloudWatchLogsRoleARN     string `json:",omitempty"`
	LogFileValidation         bool   `json:",omitempty"` // whether digests are made

	Created time.Time

	// Logging says whether the trail is recording. A new one is not. The times
	// are of the last StartLogging and StopLogging; zero when there was none.
	Logging        bool      `json:",omitempty"`
	LoggingStarted time.Time `json:",omitzero"`
	LoggingStopped time.Time `json:",omitzero"`
}

// MaxTrails is how many trails there can be in a region, the shadows of
// multi-region trails among them.
const MaxTrails = 5

// ARN returns the trail's name for every region and account.
func (t *Trail) ARN() ARN {
	partition := t.Partition
	if partition == "" {
		partition = "aws"
	}
	return ARN{Partition: partition, Service: "cloudtrail", Region: t.HomeRegion, AccountID: t.AccountID, Resource: "trail/" + t.Name}
}

// ParseTrailARN takes the ARN of a trail apart:
// arn:partition:cloudtrail:homeRegion:account:trail/name. A fault, in the ARN or
// in the trail's name, is returned as a *NameError, which AWS answers with
// CloudTrailARNInvalidException.
func ParseTrailARN(s string) (arn ARN, name string, err error) {
	arn, err = ParseARN(s)
	name, isTrail := strings.CutPrefix(arn.Resource, "trail/")
	if err != nil || !isTrail || arn.Service != "cloudtrail" || !validRegion(arn.Region) || !validAccountID(arn.AccountID) {
		return ARN{}, "", &NameError{"trail ARN", s, "is not of the form arn:partition:cloudtrail:region:account:trail/name"}
	}
	if ValidateTrailName(name) != nil {
		return ARN{}, "", &NameError{"trail ARN", s, "does not end with the name of a trail"}
	}
	return arn, name, nil
}

// Regions returns those of all regions whose events the trail takes: all of
// them, or its home region if that is one of them.
func (t *Trail) Regions(all []string) []string {
	if t.IsMultiRegion {
		return slices.Clone(all)
	}
	if slices.Contains(all, t.HomeRegion) {
		return []string{t.HomeRegion}
	}
	return nil
}

// IsIn reports whether the trail is seen in a region: at home, and, as a shadow,
// everywhere if it is a multi-region trail.
func (t *Trail) IsIn(region string) bool { return t.IsMultiRegion || region == t.HomeRegion }

// Wants reports whether the trail is for events that are recorded in a region;
// selectors are not asked. Global-service events (see Subject.Global) are
// recorded in GlobalRegion and nowhere else, so single-region trails see them
// only there, and every trail only if it includes them.
func (t *Trail) Wants(region string, global bool) bool {
	return t.IsIn(region) && (!global || t.IncludeGlobalServiceEvents)
}

// WantsAccount reports whether the trail is for events of an account. inOrganization
// says whether the account is a member of the trail's organization.
func (t *Trail) WantsAccount(account string, inOrganization bool) bool {
	return account == t.AccountID || t.IsOrganization && inOrganization
}

// SetMultiRegion makes the trail one of all regions or of its home region alone.
// A trail of all regions includes global-service events. One that becomes a
// single-region trail keeps them unless it is told otherwise: AWS's guide says
// that they are switched off then, but the API does not do it, as the acceptance
// tests of the Terraform provider show, whose plans would not be empty otherwise.
func (t *Trail) SetMultiRegion(multi bool) {
	t.IsMultiRegion = multi
	t.IncludeGlobalServiceEvents = t.IncludeGlobalServiceEvents || multi
}

// Selectors returns the trail's selectors ready for use.
func (t *Trail) Selectors() (*Selectors, error) {
	basic := t.EventSelectors
	if len(basic) == 0 && len(t.AdvancedEventSelectors) == 0 {
		basic = DefaultEventSelectors()
	}
	return CompileSelectors(basic, t.AdvancedEventSelectors)
}

// HasCustomEventSelectors reports whether the trail takes other events than one
// that was given no selectors.
func (t *Trail) HasCustomEventSelectors() bool {
	if len(t.AdvancedEventSelectors) > 0 {
		return true
	}
	for _, e := range t.EventSelectors {
		e = e.WithDefaults()
		if e.ReadWriteType != "All" || !*e.IncludeManagementEvents || len(e.DataResources) > 0 || len(e.ExcludeManagementEventSources) > 0 {
			return true
		}
	}
	return false
}

// HasInsightSelectors reports whether Insights are on.
func (t *Trail) HasInsightSelectors() bool { return len(t.InsightSelectors) > 0 }

// LogFileName returns the name of a log file of the trail.
func (t *Trail) LogFileName(account, region string, kind LogKind, at time.Time, unique string) LogFileName {
	return LogFileName{
		Prefix: t.S3KeyPrefix, OrganizationID: t.organization(), AccountID: account,
		Kind: kind, Region: region, Time: at.UTC().Truncate(time.Minute), Unique: unique,
	}
}

// DigestFileName returns the name of a digest of the trail's log files from one
// region.
func (t *Trail) DigestFileName(account, region string, end time.Time, backfill bool) DigestFileName {
	return DigestFileName{
		Prefix: t.S3KeyPrefix, OrganizationID: t.organization(), AccountID: account, Region: region,
		TrailName: t.Name, HomeRegion: t.HomeRegion, End: end.UTC().Truncate(time.Second), Backfill: backfill,
	}
}

func (t *Trail) organization() string {
	if t.IsOrganization {
		return t.OrganizationID
	}
	return ""
}

// A TrailError says which setting of a trail was refused.
type TrailError struct {
	Field string // as in CreateTrail, such as "S3KeyPrefix"

	// Combination is set when the setting is refused only beside the others,
	// which AWS answers with InvalidParameterCombinationException.
	Combination bool

	Err error // a *NameError, a *SelectorError, or the reason
}

// Error gives the reason in a sentence for the caller.
func (e *TrailError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *TrailError) Unwrap() error { return e.Err }

type trailFault string

func (r trailFault) Error() string { return string(r) }

// Validate checks what can be known of a trail's settings without looking at
// what they name. A fault is returned as a *TrailError.
func (t *Trail) Validate() error {
	for _, c := range []struct {
		field string
		err   error
	}{
		{"Name", ValidateTrailName(t.Name)},
		{"S3BucketName", ValidateBucketName(t.S3BucketName)},
		{"S3KeyPrefix", ValidateS3KeyPrefix(t.S3KeyPrefix)},
		{"SnsTopicName", t.validateTopic()},
		{"EventSelectors", t.validateSelectors()},
		{"InsightSelectors", ValidateInsightSelectors(t.InsightSelectors)},
		{"AggregationConfigurations", ValidateAggregationConfigurations(t.AggregationConfigurations)},
	} {
		if c.err != nil {
			return &TrailError{Field: c.field, Err: c.err}
		}
	}
	switch {
	case !validAccountID(t.AccountID):
		return &TrailError{Field: "AccountID", Err: trailFault("The trail's account is not 12 digits.")}
	case !validRegion(t.HomeRegion):
		return &TrailError{Field: "HomeRegion", Err: trailFault("The trail's home region is not 1 to 64 of a-z, 0-9 and hyphens.")}
	case t.IsMultiRegion && !t.IncludeGlobalServiceEvents:
		return &TrailError{"IncludeGlobalServiceEvents", true, trailFault("A multi-Region trail must include global service events.")}
	case t.CloudWatchLogsLogGroupARN == "" && t.CloudWatchLogsRoleARN != "":
		return &TrailError{"CloudWatchLogsLogGroupArn", true, trailFault("A role for CloudWatch Logs needs a log group.")}
	case t.CloudWatchLogsLogGroupARN != "" && t.CloudWatchLogsRoleARN == "":
		return &TrailError{"CloudWatchLogsRoleArn", true, trailFault("A log group needs a role for CloudWatch Logs.")}
	case t.IsOrganization && !strings.HasPrefix(t.OrganizationID, "o-"):
		return &TrailError{Field: "IsOrganizationTrail", Err: trailFault("An organization trail needs an organization.")}
	}
	return nil
}

func (t *Trail) validateTopic() error {
	if t.SNSTopicARN == "" {
		return nil
	}
	return ValidateSNSTopicName(t.SNSTopicARN)
}

func (t *Trail) validateSelectors() error {
	_, err := t.Selectors()
	return err
}
