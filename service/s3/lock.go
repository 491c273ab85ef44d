package s3

import (
	"context"
	"math"
	"strconv"
	"time"

	"cairn/aws"
	"cairn/internal/objectstore"
)

// The longest retention that AWS allows.
const (
	maxRetentionDays  = 36500
	maxRetentionYears = 100
)

func (s *Service) putObjectLockConfiguration(ctx context.Context, _ *aws.Call, in *PutObjectLockConfigurationInput) (*PutObjectLockConfigurationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	config := in.ObjectLockConfiguration
	if config == nil || config.ObjectLockEnabled != "Enabled" {
		return nil, malformedXML()
	}
	var retention *DefaultRetention
	if config.Rule != nil {
		if retention = config.Rule.DefaultRetention; retention == nil {
			return nil, malformedXML()
		}
		if err := checkDefaultRetention(retention); err != nil {
			return nil, err
		}
	}
	if b.Versioning != objectstore.Enabled {
		return nil, invalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	// A crash between the two leaves a bucket with object lock and the default
	// retention that it had, none mostly; the request was not answered.
	if err := s.Objects.EnableObjectLock(ctx, in.Bucket); err != nil {
		return nil, err
	}
	if retention == nil {
		return &PutObjectLockConfigurationOutput{}, s.unset(ctx, in.Bucket, retentionSetting)
	}
	return &PutObjectLockConfigurationOutput{}, s.set(ctx, in.Bucket, retentionSetting, retention)
}

func checkDefaultRetention(r *DefaultRetention) error {
	switch {
	case r.Mode != string(objectstore.Governance) && r.Mode != string(objectstore.Compliance), (r.Days == nil) == (r.Years == nil):
		return malformedXML()
	case r.Days != nil && (*r.Days < 1 || *r.Days > maxRetentionDays), r.Years != nil && (*r.Years < 1 || *r.Years > maxRetentionYears):
		return invalidArgument("Default retention period must be a positive integer value of at most %d days or %d years", maxRetentionDays, maxRetentionYears)
	}
	return nil
}

func (s *Service) getObjectLockConfiguration(ctx context.Context, _ *aws.Call, in *GetObjectLockConfigurationInput) (*GetObjectLockConfigurationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	if !b.ObjectLock {
		return nil, lockMissing()
	}
	config := &ObjectLockConfiguration{ObjectLockEnabled: "Enabled"}
	if b.Retention != nil {
		config.Rule = &ObjectLockRule{DefaultRetention: b.Retention}
	}
	return &GetObjectLockConfigurationOutput{ObjectLockConfiguration: config}, nil
}

// needsForRetention adds what the request's body says to the conditions.
func needsForRetention(_ context.Context, c *aws.Call, in *PutObjectRetentionInput, own aws.Permission) ([]aws.Permission, error) {
	if in.Retention != nil {
		lockKeys(own.Keys, c.Time, in.Retention.Mode, in.Retention.RetainUntilDate)
	}
	return []aws.Permission{own}, nil
}

func needsForHold(_ context.Context, _ *aws.Call, in *PutObjectLegalHoldInput, own aws.Permission) ([]aws.Permission, error) {
	if in.LegalHold != nil && in.LegalHold.Status != "" {
		own.Keys["s3:object-lock-legal-hold"] = []string{in.LegalHold.Status}
	}
	return []aws.Permission{own}, nil
}

// lockKeys sets the condition keys about a retention.
func lockKeys(keys map[string][]string, now time.Time, mode string, until time.Time) {
	if mode != "" {
		keys["s3:object-lock-mode"] = []string{mode}
	}
	if !until.IsZero() {
		keys["s3:object-lock-retain-until-date"] = []string{until.UTC().Format(time.RFC3339)}
		days := math.Ceil(until.Sub(now).Hours() / 24)
		keys["s3:object-lock-remaining-retention-days"] = []string{strconv.Itoa(int(days))}
	}
}

func (s *Service) putObjectRetention(ctx context.Context, c *aws.Call, in *PutObjectRetentionInput) (*PutObjectRetentionOutput, error) {
	if err := s.needLock(ctx, in.Bucket); err != nil {
		return nil, err
	}
	if in.Retention == nil {
		return nil, malformedXML()
	}
	var retention objectstore.Retention
	if in.Retention.Mode != "" || !in.Retention.RetainUntilDate.IsZero() {
		var err error
		if retention, err = s.retention(in.Retention.Mode, in.Retention.RetainUntilDate); err != nil {
			return nil, err
		}
	}
	bypass := isTrue(in.BypassGovernanceRetention) && s.mayBypass(ctx, c, in.Bucket, in.Key)
	_, err := s.Objects.SetRetention(ctx, objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId}, retention, bypass)
	if err != nil {
		return nil, s.absent(ctx, c, in.Bucket, err)
	}
	return &PutObjectRetentionOutput{}, nil
}

func (s *Service) getObjectRetention(ctx context.Context, c *aws.Call, in *GetObjectRetentionInput) (*GetObjectRetentionOutput, error) {
	if err := s.needLock(ctx, in.Bucket); err != nil {
		return nil, err
	}
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	if o.Retention.Mode == "" {
		return nil, noSuchLock()
	}
	return &GetObjectRetentionOutput{Retention: &ObjectLockRetention{Mode: string(o.Retention.Mode), RetainUntilDate: o.Retention.Until}}, nil
}

func (s *Service) putObjectLegalHold(ctx context.Context, c *aws.Call, in *PutObjectLegalHoldInput) (*PutObjectLegalHoldOutput, error) {
	if err := s.needLock(ctx, in.Bucket); err != nil {
		return nil, err
	}
	if in.LegalHold == nil || in.LegalHold.Status != "ON" && in.LegalHold.Status != "OFF" {
		return nil, malformedXML()
	}
	_, err := s.Objects.SetLegalHold(ctx, objectstore.Ref{Bucket: in.Bucket, Key: in.Key, VersionID: in.VersionId}, in.LegalHold.Status == "ON")
	if err != nil {
		return nil, s.absent(ctx, c, in.Bucket, err)
	}
	return &PutObjectLegalHoldOutput{}, nil
}

func (s *Service) getObjectLegalHold(ctx context.Context, c *aws.Call, in *GetObjectLegalHoldInput) (*GetObjectLegalHoldOutput, error) {
	if err := s.needLock(ctx, in.Bucket); err != nil {
		return nil, err
	}
	o, err := s.head(ctx, c, in.Bucket, in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	return &GetObjectLegalHoldOutput{LegalHold: &ObjectLockLegalHold{Status: onOff(o.LegalHold)}}, nil
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func (s *Service) needLock(ctx context.Context, name string) error {
	b, err := s.bucket(ctx, name)
	if err == nil && !b.ObjectLock {
		err = bucketWithoutLock()
	}
	return err
}

// retention checks a retention that a request gives.
func (s *Service) retention(mode string, until time.Time) (objectstore.Retention, error) {
	r := objectstore.Retention{Mode: objectstore.RetentionMode(mode), Until: until}
	switch {
	case mode == "" || until.IsZero():
		return r, invalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case r.Mode != objectstore.Governance && r.Mode != objectstore.Compliance:
		return r, invalidArgument("Unknown wormMode directive.")
	case !until.After(s.Now()):
		return r, invalidArgument("The retain until date must be in the future!")
	case until.After(s.Now().AddDate(maxRetentionYears, 0, 0)):
		return r, invalidArgument("The retain until date must be at most %d years ahead", maxRetentionYears)
	}
	return r, nil
}

// lockOf returns the retention and legal hold of a new object: those that the
// request gives, else the bucket's default.
func (s *Service) lockOf(b *bucket, mode string, until time.Time, hold string) (objectstore.Retention, bool, error) {
	var none objectstore.Retention
	switch {
	case mode == "" && until.IsZero() && hold == "":
	case !b.ObjectLock:
		return none, false, bucketWithoutLock()
	case hold != "" && hold != "ON" && hold != "OFF":
		return none, false, invalidArgument("Legal hold must be either of 'ON' or 'OFF'")
	}
	if mode != "" || !until.IsZero() {
		r, err := s.retention(mode, until)
		return r, hold == "ON", err
	}
	if !b.ObjectLock || b.Retention == nil {
		return none, hold == "ON", nil
	}
	r := objectstore.Retention{Mode: objectstore.RetentionMode(b.Retention.Mode)}
	switch {
	case b.Retention.Days != nil:
		r.Until = s.Now().Add(time.Duration(*b.Retention.Days) * 24 * time.Hour)
	case b.Retention.Years != nil:
		r.Until = s.Now().AddDate(int(*b.Retention.Years), 0, 0)
	}
	return r, hold == "ON", nil
}

// mayBypass reports whether the caller may override a retention in governance
// mode.
func (s *Service) mayBypass(ctx context.Context, c *aws.Call, bucket, key string) bool {
	need := aws.Permission{Action: "s3:BypassGovernanceRetention", Resource: objectARN(bucket, key), Keys: make(map[string][]string)}
	requestKeys(c, need.Keys)
	return c.Authorize(ctx, need) == nil
}
