package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"cairn"
	"cairn/server"
)

// createFlags say what a new trail is to be.
type createFlags struct {
	output                           jsonFlag
	bucket, prefix, key, topic       string
	encrypt                          bool
	multiRegion, validation, globals bool
	start, yes                       bool
}

func (a *app) trailCreateCommand() *cobra.Command {
	var f createFlags
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a trail with everything that it needs, and start it",
		Long: `Make a trail that delivers management events of all regions, with signed digests,
and start it. The bucket is made if it does not exist, with a policy that lets
CloudTrail write to it and compare what it wrote, and nobody else read it. A bucket
that exists is used as it is, and so is a topic. If the policy of the bucket does not
let the trail write, the policy that would is printed: the one that it has with some
statements more. --yes sets it. Where trails deliver to another S3 than the server's
own (--s3), the bucket has to be there. --encrypt makes a KMS key for the trail.`,
		Example: `  cairn trail create audit
  cairn trail create audit --bucket my-audit-logs --encrypt --topic audit-files`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := f.output.check()
			if err != nil {
				return err
			}
			if err := cairn.ValidateTrailName(args[0]); err != nil {
				return usagef("%w", err)
			}
			if f.encrypt && f.key != "" {
				return usagef("--encrypt makes a key, and --kms-key names one: use one of them")
			}
			m := &trailMaker{app: a, flags: &f, name: args[0], quiet: asJSON}
			return m.create(cmd.Context())
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.bucket, "bucket", "", "bucket for the log files (default cairn-ACCOUNT-NAME)")
	c.Flags().StringVar(&f.prefix, "prefix", "", "what the keys of the log files begin with")
	c.Flags().BoolVar(&f.encrypt, "encrypt", false, "make a KMS key for the trail, and have log files encrypted with it")
	c.Flags().StringVar(&f.key, "kms-key", "", "KMS key that log files are encrypted with: its ID, ARN or alias")
	c.Flags().StringVar(&f.topic, "topic", "", "name of the SNS topic that is told of each log file")
	c.Flags().BoolVar(&f.multiRegion, "multi-region", true, "take the events of all regions, not of the trail's own alone")
	c.Flags().BoolVar(&f.globals, "global-services", true, "take the events of global services, such as IAM")
	c.Flags().BoolVar(&f.validation, "validation", true, "deliver signed digests, which prove that log files are as they were delivered")
	c.Flags().BoolVar(&f.start, "start", true, "let the trail log")
	c.Flags().BoolVar(&f.yes, "yes", false, "add to the policy of a bucket that exists what the trail needs")
	f.output.add(c)
	return c
}

// A trailMaker makes a trail and what it needs.
type trailMaker struct {
	*app
	flags *createFlags
	name  string
	quiet bool // nothing is said on the way

	cfg     aws.Config
	account string
	arn     string // that the trail will have
	made    []string
}

// A madeTrail is what was made, as JSON.
type madeTrail struct {
	ARN      string `json:"trailArn"`
	Bucket   string `json:"s3BucketName"`
	Prefix   string `json:"s3KeyPrefix,omitempty"`
	KMSKeyID string `json:"kmsKeyId,omitempty"`
	Topic    string `json:"snsTopicArn,omitempty"`
	Logging  bool   `json:"isLogging"`
}

func (m *trailMaker) create(ctx context.Context) error {
	var err error
	if m.cfg, err = m.awsConfig(ctx); err != nil {
		return err
	}
	who, err := sts.NewFromConfig(m.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return m.awsError("ask the server who these credentials are", err)
	}
	m.account = aws.ToString(who.Account)
	t := cairn.Trail{Name: m.name, AccountID: m.account, HomeRegion: m.cfg.Region}
	m.arn = t.ARN().String()
	if m.flags.bucket == "" {
		m.flags.bucket = defaultBucket(m.account, m.name)
	}
	// A trail that is there already is refused before anything is made for it.
	trails := cloudtrail.NewFromConfig(m.cfg)
	if _, err := trails.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: &m.name}); err == nil {
		return fmt.Errorf("trail %s exists already; `cairn trail status %s` shows it, `cairn trail start %s` lets it log", m.name, m.name, m.name)
	}
	elsewhere, err := m.deliversElsewhere(ctx)
	if err != nil {
		return err
	}
	if !elsewhere {
		if err := m.makeBucket(ctx); err != nil {
			return m.undone(err)
		}
	}
	in := &cloudtrail.CreateTrailInput{
		Name: &m.name, S3BucketName: &m.flags.bucket, IsMultiRegionTrail: &m.flags.multiRegion,
		EnableLogFileValidation: &m.flags.validation, IncludeGlobalServiceEvents: &m.flags.globals,
	}
	if m.flags.prefix != "" {
		in.S3KeyPrefix = &m.flags.prefix
	}
	if m.flags.encrypt {
		if m.flags.key, err = m.makeKey(ctx); err != nil {
			return m.undone(err)
		}
	}
	if m.flags.key != "" {
		in.KmsKeyId = &m.flags.key
	}
	if m.flags.topic != "" {
		topic, err := m.makeTopic(ctx)
		if err != nil {
			return m.undone(err)
		}
		in.SnsTopicName = &topic
	}
	out, err := trails.CreateTrail(ctx, in)
	switch {
	case hasCode(err, "InsufficientS3BucketPolicyException") && elsewhere:
		m.show("The policy of bucket "+m.flags.bucket+" must have these statements, besides those that it has", m.bucketPolicy())
		return m.undone(fmt.Errorf("make trail %s: the S3 that the server delivers to (--s3) does not let the trail write to bucket %s; next: add the statements above to its policy there", m.name, m.flags.bucket))
	case hasCode(err, "InsufficientS3BucketPolicyException"):
		if err := m.extendPolicy(ctx); err != nil {
			return m.undone(err)
		}
		out, err = trails.CreateTrail(ctx, in)
	case hasCode(err, "S3BucketDoesNotExistException"):
		m.show("The policy that bucket "+m.flags.bucket+" needs", m.bucketPolicy())
		return m.undone(fmt.Errorf("make trail %s: the server delivers to another S3 than its own (--s3), and that has no bucket %s; next: make it there, with the policy above", m.name, m.flags.bucket))
	}
	if err != nil {
		return m.undone(m.awsError("make trail "+m.name, err))
	}
	result := madeTrail{
		ARN: aws.ToString(out.TrailARN), Bucket: m.flags.bucket, Prefix: m.flags.prefix, KMSKeyID: aws.ToString(out.KmsKeyId), Topic: aws.ToString(out.SnsTopicARN),
	}
	if m.flags.start {
		if _, err := trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: out.TrailARN}); err != nil {
			return fmt.Errorf("trail %s is made, but does not log yet: %w; `cairn trail start %s` tries again", m.name, m.awsError("start it", err), m.name)
		}
		result.Logging = true
	}
	return m.report(&result)
}

// report says what was made.
func (m *trailMaker) report(t *madeTrail) error {
	if m.quiet {
		return m.printJSON(t)
	}
	events := "events of " + m.cfg.Region
	if m.flags.multiRegion {
		events = "events of all regions"
	}
	digests := "with signed digests"
	if !m.flags.validation {
		digests = "without digests"
	}
	text := fmt.Sprintf("Trail %s delivers the management %s to s3://%s/%s, %s.\n", m.name, events, t.Bucket, t.Prefix, digests)
	next := fmt.Sprintf("`cairn trail start %s` lets it log.\n", m.name)
	if t.Logging {
		next = fmt.Sprintf("It logs. `cairn trail status %[1]s` shows how deliveries stand, `cairn trail files %[1]s` what was delivered.\n", m.name)
	}
	_, err := fmt.Fprint(m.stdout, text, next)
	return err
}

// say tells of something that was made.
func (m *trailMaker) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.made = append(m.made, text)
	if !m.quiet {
		fmt.Fprintln(m.stdout, text)
	}
}

// undone adds to an error what was made before it and stays.
func (m *trailMaker) undone(err error) error {
	if len(m.made) == 0 {
		return err
	}
	return fmt.Errorf("%w\nthe trail was not made; this stays, and is used when you try again: %s", err, strings.Join(m.made, " "))
}

// defaultBucket is the name of a trail's bucket.
func defaultBucket(account, name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	bucket := "cairn-" + account + "-" + clean
	return strings.TrimRight(bucket[:min(len(bucket), 63)], "-")
}

// deliversElsewhere reports whether trails deliver to another S3 than the server's
// own, which the AWS API does not tell. Where these credentials may not ask,
// CreateTrail tells in the end.
func (m *trailMaker) deliversElsewhere(ctx context.Context) (bool, error) {
	client, err := m.connect(ctx, false)
	if err != nil {
		return false, nil
	}
	defer client.Close()
	switch place, _ := client.TrailsS3(ctx); place {
	case server.TrailsOtherS3:
		return true, nil
	case server.TrailsNoS3:
		return false, fmt.Errorf("make trail %s: the server delivers to no S3 (--s3 off); next: start it without that, or with the URL of one", m.name)
	}
	return false, nil
}

// bucketClient reaches the server's own S3.
func (m *trailMaker) bucketClient() *s3.Client {
	return s3.NewFromConfig(m.cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// makeBucket makes the bucket, unless it is there.
func (m *trailMaker) makeBucket(ctx context.Context) error {
	bucket := &m.flags.bucket
	client := m.bucketClient()
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
	if err == nil {
		return nil
	}
	if !hasCode(err, "NotFound", "NoSuchBucket") {
		if hasCode(err, "Forbidden", "AccessDenied") {
			return fmt.Errorf("use bucket %s: it is somebody else's, or these credentials may not see it; next: choose another --bucket", *bucket)
		}
		return m.awsError("look for bucket "+*bucket, err)
	}
	in := &s3.CreateBucketInput{Bucket: bucket}
	if m.cfg.Region != "us-east-1" { // which has no location constraint
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(m.cfg.Region)}
	}
	if _, err := client.CreateBucket(ctx, in); err != nil {
		return m.awsError("make bucket "+*bucket, err)
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(m.bucketPolicy())}); err != nil {
		// Without its policy the bucket would be taken for one that was there.
		_, undo := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
		return errors.Join(m.awsError("give bucket "+*bucket+" its policy", err), m.awsError("delete bucket "+*bucket+" again", undo))
	}
	m.say("Bucket %s is made, with a policy for CloudTrail.", *bucket)
	return nil
}

// makeKey makes a KMS key that the account and CloudTrail may use.
func (m *trailMaker) makeKey(ctx context.Context) (string, error) {
	client := kms.NewFromConfig(m.cfg)
	alias := "alias/cairn-trail-" + m.name
	if out, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &alias}); err == nil {
		return aws.ToString(out.KeyMetadata.Arn), nil // of an earlier attempt
	}
	policy := policyText(
		statement{"Owner", "Allow", map[string]string{"AWS": "arn:aws:iam::" + m.account + ":root"}, "kms:*", "*", nil},
		statement{"CairnTrailEncrypt", "Allow", trailPrincipal, "kms:GenerateDataKey*", "*", map[string]map[string]string{
			"StringEquals": {"aws:SourceArn": m.arn},
			"StringLike":   {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:" + m.account + ":trail/*"},
		}},
		statement{"CairnTrailDescribe", "Allow", trailPrincipal, "kms:DescribeKey", "*", map[string]map[string]string{"StringEquals": {"aws:SourceArn": m.arn}}},
	)
	out, err := client.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("Log files of trail " + m.name), Policy: &policy})
	if err != nil {
		return "", m.awsError("make a KMS key", err)
	}
	key := aws.ToString(out.KeyMetadata.Arn)
	if _, err := client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &key}); err != nil {
		return "", m.awsError("name the KMS key "+key, err)
	}
	m.say("KMS key %s is made, %s.", key, alias)
	return key, nil
}

// makeTopic makes the topic, unless it is there.
func (m *trailMaker) makeTopic(ctx context.Context) (string, error) {
	if strings.HasPrefix(m.flags.topic, "arn:") {
		return m.flags.topic, nil
	}
	client := sns.NewFromConfig(m.cfg)
	arn := fmt.Sprintf("arn:aws:sns:%s:%s:%s", m.cfg.Region, m.account, m.flags.topic)
	if _, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn}); err == nil {
		return arn, nil
	} else if !hasCode(err, "NotFound", "NotFoundException") {
		return "", m.awsError("look for topic "+m.flags.topic, err)
	}
	// All trails of the account may use it.
	policy := policyText(
		statement{"Owner", "Allow", map[string]string{"AWS": "arn:aws:iam::" + m.account + ":root"},
			[]string{"sns:Publish", "sns:Subscribe", "sns:Receive", "sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:DeleteTopic", "sns:ListSubscriptionsByTopic"}, arn, nil},
		statement{"CairnTrailPublish", "Allow", trailPrincipal, "sns:Publish", arn, map[string]map[string]string{"StringEquals": {"aws:SourceAccount": m.account}}},
	)
	if _, err := client.CreateTopic(ctx, &sns.CreateTopicInput{Name: &m.flags.topic, Attributes: map[string]string{"Policy": policy}}); err != nil {
		return "", m.awsError("make topic "+m.flags.topic, err)
	}
	m.say("Topic %s is made, with a policy for CloudTrail.", arn)
	return arn, nil
}
