package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"cairn/server"
	"cairn/verify"
)

// noInstanceRole is imds.ClientDisabled, of a package of the SDK that is not
// needed for anything else.
const noInstanceRole = 1

// awsClients makes clients for the server that is to be asked.
type awsClients struct {
	config aws.Config
}

// awsClients finds the server and its credentials: what flags and the AWS
// environment name, else the server on the data directory, else AWS. With
// offline, AWS is not asked with the role of the machine that this runs on:
// elsewhere than at AWS, it takes seconds to find out that there is none.
func (a *app) awsClients(ctx context.Context, f verifyFlags, offline bool) (*awsClients, error) {
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // what matters comes as an error
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })),
	}
	if offline && f.profile == "" && a.env["AWS_PROFILE"] == "" {
		options = append(options, config.WithEC2IMDSClientEnableState(noInstanceRole))
	}
	if f.profile != "" {
		options = append(options, config.WithSharedConfigProfile(f.profile))
	}
	region := ""
	if a.settings.source["region"] != "default" {
		region = a.settings.values["region"]
	}
	endpoint := f.endpointURL
	if e := a.settings.values["endpoint"]; endpoint == "" && strings.HasPrefix(e, "http") {
		endpoint = e
	}
	_, running := server.FindServer(a.settings.values["data"])
	var key *server.Credentials
	switch {
	case endpoint != "":
		var err error
		if key, err = a.keptKey(endpoint); err != nil {
			return nil, err
		}
		if key != nil && (f.profile != "" || a.env["AWS_ACCESS_KEY_ID"] != "") {
			key = nil
		}
	case f.profile == "" && a.env["AWS_ENDPOINT_URL"] == "" && a.env["AWS_ENDPOINT_URL_S3"] == "" && a.env["AWS_PROFILE"] == "" && running == nil:
		setup, err := a.clientSetup(ctx)
		if err != nil {
			return nil, err
		}
		endpoint, key = setup.url, setup.key
		if region == "" {
			region = setup.region
		}
		if setup.caBundle != "" {
			bundle, err := os.Open(setup.caBundle)
			if err != nil {
				return nil, fmt.Errorf("read the server's certificate: %w", err)
			}
			defer bundle.Close()
			options = append(options, config.WithCustomCABundle(bundle))
		}
	}
	if endpoint != "" {
		options = append(options, config.WithBaseEndpoint(endpoint))
	}
	if key != nil {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")))
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	} else {
		options = append(options, config.WithDefaultRegion("us-east-1"))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return &awsClients{cfg}, nil
}

// cloudtrail returns a client for a region.
func (c *awsClients) cloudtrail(region string) *cloudtrail.Client {
	return cloudtrail.NewFromConfig(c.config, func(o *cloudtrail.Options) {
		if region != "" {
			o.Region = region
		}
	})
}

// keys asks the server for public keys.
func (c *awsClients) keys() verify.PublicKeys {
	return verify.ServerKeys{Client: func(region string) cloudtrail.ListPublicKeysAPIClient { return c.cloudtrail(region) }}
}

// objects returns a client for a bucket: at AWS, in the bucket's own region.
func (c *awsClients) objects(ctx context.Context, bucket string) (*s3.Client, error) {
	custom := false
	client := s3.NewFromConfig(c.config, func(o *s3.Options) {
		custom = o.BaseEndpoint != nil
		o.UsePathStyle = custom
		// A note in the log on each object that was uploaded in parts says nothing here.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	if custom {
		return client, nil
	}
	region := ""
	out, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	var answer *awshttp.ResponseError
	if err == nil {
		region = aws.ToString(out.BucketRegion)
	} else if errors.As(err, &answer) {
		region = answer.HTTPResponse().Header.Get("X-Amz-Bucket-Region")
	}
	if region == "" && err != nil {
		return nil, fmt.Errorf("find the region of bucket %s: %w", bucket, err)
	}
	if region == "" || region == c.config.Region {
		return client, nil
	}
	return s3.NewFromConfig(c.config, func(o *s3.Options) { o.Region = region }), nil
}

// A trailPlace is a trail, and where it delivers to.
type trailPlace struct {
	verify.TrailState
	bucket string
}

// trails asks the server for its trails, or for one of them.
func (c *awsClients) trails(ctx context.Context, arn string) ([]trailPlace, error) {
	in := &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)}
	region := ""
	if arn != "" {
		in.TrailNameList = []string{arn}
		region = strings.Split(arn, ":")[3]
	}
	out, err := c.cloudtrail(region).DescribeTrails(ctx, in)
	if err != nil {
		return nil, err
	}
	if arn != "" && len(out.TrailList) == 0 {
		return nil, fmt.Errorf("there is no trail %s", arn)
	}
	var trails []trailPlace
	for _, t := range out.TrailList {
		p := trailPlace{bucket: aws.ToString(t.S3BucketName)}
		p.Prefix = aws.ToString(t.S3KeyPrefix)
		p.Name, p.HomeRegion = aws.ToString(t.Name), aws.ToString(t.HomeRegion)
		p.IsMultiRegion, p.IsOrganization = aws.ToBool(t.IsMultiRegionTrail), aws.ToBool(t.IsOrganizationTrail)
		p.Validation = aws.ToBool(t.LogFileValidationEnabled)
		if parts := strings.Split(aws.ToString(t.TrailARN), ":"); len(parts) > 4 {
			p.AccountID = parts[4]
		}
		status, err := c.cloudtrail(p.HomeRegion).GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN})
		if err != nil {
			return nil, fmt.Errorf("ask for the state of trail %s: %w", p.Name, err)
		}
		p.Logging, p.Started, p.LatestDigest = aws.ToBool(status.IsLogging), aws.ToTime(status.StartLoggingTime), aws.ToTime(status.LatestDigestDeliveryTime)
		trails = append(trails, p)
	}
	return trails, nil
}

// placesOf returns the buckets of trails and the prefixes in them, sorted.
func placesOf(trails []trailPlace) (buckets []string, prefixes map[string][]string) {
	prefixes = make(map[string][]string)
	for _, t := range trails {
		if !slices.Contains(buckets, t.bucket) {
			buckets = append(buckets, t.bucket)
		}
		if !slices.Contains(prefixes[t.bucket], t.Prefix) {
			prefixes[t.bucket] = append(prefixes[t.bucket], t.Prefix)
		}
	}
	slices.Sort(buckets)
	return buckets, prefixes
}

// statesIn returns the states of the trails that deliver to a bucket.
func statesIn(trails []trailPlace, bucket string) []verify.TrailState {
	var states []verify.TrailState
	for _, t := range trails {
		if t.bucket == bucket {
			states = append(states, t.TrailState)
		}
	}
	return states
}
