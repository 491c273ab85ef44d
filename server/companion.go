package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/service/cloudtrail"
	"cairn/service/s3"
	"cairn/trail"
)

// CompanionOff as a Companion's URL switches the service off.
const CompanionOff = "off"

// A Companion says where one of the services is that trails deliver to. The zero
// Companion is the server's own.
type Companion struct {
	// URL is the endpoint of a service that is compatible with AWS's, or
	// CompanionOff.
	URL string

	// Region, AccessKeyID and Secret are what calls of the service at URL are
	// signed with; Region is the trail's if empty.
	Region      string
	AccessKeyID string
	Secret      string

	// Allow lists by account the names that its trails may deliver to at URL, of
	// buckets or topics or keys, with * for any characters. The operator's own
	// account may use them all.
	Allow map[string][]string
}

func (c *Companion) embedded() bool { return c.URL == "" }

// validate checks the settings of a companion, whose name is that of its flag.
func (c *Companion) validate(name string) error {
	if c.embedded() || c.URL == CompanionOff {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return &SettingError{name, c.URL, "neither the URL of an endpoint, nor off"}
	}
	if c.AccessKeyID == "" || c.Secret == "" {
		return &SettingError{name, c.URL, "a service at a URL needs CAIRN_" + strings.ToUpper(name) + "_ACCESS_KEY_ID and CAIRN_" + strings.ToUpper(name) + "_SECRET_ACCESS_KEY"}
	}
	for account, patterns := range c.Allow {
		if !accountIDPattern.MatchString(account) {
			return &SettingError{name + "-allow", account, "an AWS account ID has 12 digits"}
		}
		for _, p := range patterns {
			if p == "" {
				return &SettingError{name + "-allow", account, "a name of the account is empty"}
			}
		}
	}
	return nil
}

// allows reports whether an account may use a name at a companion's URL.
func (c *Companion) allows(account, operator, name string) bool {
	return c.embedded() || account == operator ||
		slices.ContainsFunc(c.Allow[account], func(pattern string) bool { return matches(pattern, name) })
}

// matches reports whether a name is as a pattern says, in which * stands for any
// characters.
func matches(pattern, name string) bool {
	start, rest, star := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, start)
	if !star || !ok {
		return ok && name == ""
	}
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], more
	}
}

// A dial is how a client reaches a companion, and as whom.
type dial struct {
	endpoint    *string
	region      string
	http        *http.Client
	credentials awssdk.CredentialsProvider
}

// companionTimeout bounds one call of a service at a URL that does not answer;
// deliveries have their own, longer bound.
const companionTimeout = 10 * time.Minute

// reach returns how a service is reached: the embedded one by own, which says
// whom the calls are by.
func (c *Companion) reach(name, region string, own http.RoundTripper) dial {
	switch {
	case c.embedded():
		// Credentials carry the region and nothing else: nobody checks them.
		return dial{awssdk.String("http://" + name + ".internal"), region, &http.Client{Transport: own}, credentials.NewStaticCredentialsProvider("own", "own", "")}
	case c.URL == CompanionOff:
		return dial{awssdk.String("http://" + name + ".internal"), region, &http.Client{Transport: switchedOff(name)}, credentials.NewStaticCredentialsProvider("off", "off", "")}
	}
	if c.Region != "" {
		region = c.Region
	}
	return dial{&c.URL, region, &http.Client{Timeout: companionTimeout}, credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.Secret, "")}
}

// switchedOff is the transport to a service that is off.
type switchedOff string

func (s switchedOff) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("the service %s is switched off (--%s off)", string(s), string(s))
}

// notAllowed is the transport to a name that an account may not use, and its
// error.
type notAllowed struct{ companion, account, name string }

func (n notAllowed) RoundTrip(*http.Request) (*http.Response, error) { return nil, n }

func (n notAllowed) Error() string {
	return fmt.Sprintf("account %s may not deliver to %s: it is not in --%s-allow", n.account, n.name, n.companion)
}

// destinations give the clients that deliver for trails.
type destinations struct {
	cfg *Config
	mux *aws.Mux
}

// as returns how a companion is reached for a trail.
func (d *destinations) as(c *Companion, companion, region, name string, t *trail.Trail) dial {
	reached := c.reach(companion, region, d.mux.As(aws.ServicePrincipal{
		Name: "cloudtrail.amazonaws.com", SourceARN: t.ARN().String(), SourceAccount: t.AccountID,
	}))
	if !c.allows(t.AccountID, d.cfg.AccountID, name) {
		reached.http = &http.Client{Transport: notAllowed{companion, t.AccountID, name}}
	}
	return reached
}

// Objects returns an S3 client that acts for a trail.
func (d *destinations) Objects(t *trail.Trail) delivery.Objects {
	to := d.as(&d.cfg.S3, "s3", t.HomeRegion, t.S3BucketName, t)
	options := awss3.Options{
		Region: to.region, BaseEndpoint: to.endpoint, HTTPClient: to.http, Credentials: to.credentials, UsePathStyle: true,
	}
	if d.cfg.S3.embedded() {
		// Within the process nobody checks the signature, whose hash of the body
		// costs more than the checksum that S3 would otherwise make for itself.
		options.RequestChecksumCalculation = awssdk.RequestChecksumCalculationWhenSupported
		options.APIOptions = append(options.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
	return awss3.New(options)
}

// Topics returns an SNS client that acts for a trail.
func (d *destinations) Topics(t *trail.Trail) delivery.Topics {
	// A topic of the trail's own account is allowed by its name, any other only
	// by its whole ARN.
	region, name := t.HomeRegion, t.SNSTopicARN
	if arn, err := cairn.ParseARN(t.SNSTopicARN); err == nil {
		if region = arn.Region; arn.AccountID == t.AccountID {
			name = arn.Resource
		}
	}
	to := d.as(&d.cfg.SNS, "sns", region, name, t)
	return awssns.New(awssns.Options{Region: to.region, BaseEndpoint: to.endpoint, HTTPClient: to.http, Credentials: to.credentials})
}

// keysFor returns a KMS client that acts for the caller of CloudTrail, who must
// know the key that a trail is to have.
func (s *Server) keysFor(c *aws.Call) cloudtrail.EncryptionKeys {
	return s.kms(c, c.Region, "cloudtrail.amazonaws.com", c.Account())
}

// kmsFor returns a KMS client that acts for the caller of S3 in a region.
func (s *Server) kmsFor(c *aws.Call, region string) s3.DataKeys {
	account := c.Account()
	if c.Identity.Type == "AWSService" {
		account = c.Identity.SourceAccount
	}
	return s.kms(c, region, "s3.amazonaws.com", account)
}

// kms returns a KMS client by which a service acts for a call's caller. A KMS at
// a URL sees the server's credentials and not the caller: so an account other
// than the operator's gets only to the keys that it is allowed.
func (s *Server) kms(c *aws.Call, region, service, account string) allowedKeys {
	to := s.cfg.KMS.reach("kms", region, c.Forward(service))
	client := awskms.New(awskms.Options{Region: to.region, BaseEndpoint: to.endpoint, HTTPClient: to.http, Credentials: to.credentials, RetryMaxAttempts: 1})
	return allowedKeys{client, func(key *string) error {
		if s.cfg.KMS.embedded() || key != nil && s.cfg.KMS.allows(account, s.cfg.AccountID, *key) {
			return nil
		}
		message := fmt.Sprintf("account %s may not use KMS key %s: it is not in --kms-allow", account, awssdk.ToString(key))
		return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: message}
	}}
}

// allowedKeys is a KMS client that is kept to the keys that allowed takes.
type allowedKeys struct {
	client  *awskms.Client
	allowed func(key *string) error
}

// DescribeKey describes a key.
func (k allowedKeys) DescribeKey(ctx context.Context, in *awskms.DescribeKeyInput, options ...func(*awskms.Options)) (*awskms.DescribeKeyOutput, error) {
	if err := k.allowed(in.KeyId); err != nil {
		return nil, err
	}
	return k.client.DescribeKey(ctx, in, options...)
}

// GenerateDataKey makes a data key.
func (k allowedKeys) GenerateDataKey(ctx context.Context, in *awskms.GenerateDataKeyInput, options ...func(*awskms.Options)) (*awskms.GenerateDataKeyOutput, error) {
	if err := k.allowed(in.KeyId); err != nil {
		return nil, err
	}
	return k.client.GenerateDataKey(ctx, in, options...)
}

// Decrypt opens a data key.
func (k allowedKeys) Decrypt(ctx context.Context, in *awskms.DecryptInput, options ...func(*awskms.Options)) (*awskms.DecryptOutput, error) {
	if err := k.allowed(in.KeyId); err != nil {
		return nil, err
	}
	return k.client.Decrypt(ctx, in, options...)
}
