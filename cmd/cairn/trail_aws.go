package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go"

	"cairn"
	"cairn/server"
)

// awsAttempts is how often a call is tried: the AWS API lets an account change
// its trails once a second.
const awsAttempts = 6

// awsConfig returns what AWS clients need to reach the server, as `cairn env`
// prints it: the endpoint that is named, or the server on the data directory;
// and the credentials of the environment, or the operator's that are kept in
// the data directory.
func (a *app) awsConfig(ctx context.Context) (aws.Config, error) {
	setup, err := a.awsSetup(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	key, token := setup.key, ""
	if id, secret := a.env["AWS_ACCESS_KEY_ID"], a.env["AWS_SECRET_ACCESS_KEY"]; id != "" && secret != "" {
		key, token = &server.Credentials{AccessKeyID: id, Secret: secret}, a.env["AWS_SESSION_TOKEN"]
	}
	if key == nil {
		if endpoint, _ := a.endpoint(); endpoint != "" {
			return aws.Config{}, fmt.Errorf("no credentials for %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", endpoint)
		}
		return aws.Config{}, fmt.Errorf("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the file %s in the data directory, which had the operator's, was removed", server.CredentialsName)
	}
	client := awshttp.NewBuildableClient()
	if setup.caBundle != "" {
		pem, err := os.ReadFile(setup.caBundle)
		if err != nil {
			return aws.Config{}, fmt.Errorf("read the certificates to trust: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return aws.Config{}, fmt.Errorf("read the certificates to trust: %s has none", setup.caBundle)
		}
		client = client.WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		})
	}
	return aws.Config{
		Region: setup.region, BaseEndpoint: &setup.url, HTTPClient: client, RetryMaxAttempts: awsAttempts,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, token),
	}, nil
}

// awsSetup returns where the server is.
func (a *app) awsSetup(ctx context.Context) (*clientSetup, error) {
	endpoint, source := a.endpoint()
	if endpoint == "" {
		return a.clientSetup(ctx)
	}
	setup := &clientSetup{url: strings.TrimSuffix(endpoint, "/"), region: a.settings.values["region"], caBundle: a.env["AWS_CA_BUNDLE"]}
	if socket, ok := strings.CutPrefix(endpoint, "unix:"); ok {
		client := server.Dial(strings.TrimPrefix(socket, "//"))
		status, err := client.Status(ctx)
		if err := errors.Join(err, client.Close()); err != nil {
			return nil, fmt.Errorf("%s %q: %w", source, endpoint, err)
		}
		if setup.url = status.URL; a.settings.source["region"] == "default" {
			setup.region = status.Region
		}
		key, err := server.ReadCredentials(status.Data)
		if err == nil {
			setup.key = key
		}
		return setup, nil
	}
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		return nil, usagef("%s %q: an endpoint has the form unix:/path/to/cairn.sock or http://host:port", source, endpoint)
	}
	if a.settings.source["region"] == "default" {
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if region := a.env[name]; region != "" {
				setup.region = region
				break
			}
		}
	}
	key, err := a.keptKey(endpoint)
	if err != nil {
		return nil, err
	}
	setup.key = key
	return setup, nil
}

// trailIn returns a client in the home region of a trail that is named by its name
// or ARN, and the trail's ARN.
func (a *app) trailIn(ctx context.Context, name string) (*cloudtrail.Client, string, error) {
	cfg, err := a.awsConfig(ctx)
	if err != nil {
		return nil, "", err
	}
	if arn, _, err := cairn.ParseTrailARN(name); err == nil {
		cfg.Region = arn.Region
		return cloudtrail.NewFromConfig(cfg), name, nil
	}
	list, err := cloudtrail.NewFromConfig(cfg).ListTrails(ctx, &cloudtrail.ListTrailsInput{})
	if err != nil {
		return nil, "", a.awsError("list trails", err)
	}
	var arns, names []string
	for _, t := range list.Trails {
		names = append(names, aws.ToString(t.Name))
		if aws.ToString(t.Name) == name {
			arns, cfg.Region = append(arns, aws.ToString(t.TrailARN)), aws.ToString(t.HomeRegion)
		}
	}
	switch len(arns) {
	case 1:
		return cloudtrail.NewFromConfig(cfg), arns[0], nil
	case 0:
		slices.Sort(names)
		has := "it has none"
		if len(names) > 0 {
			has = "it has " + strings.Join(names, ", ")
		}
		return nil, "", fmt.Errorf("the account of these credentials has no trail %q; %s", name, has)
	}
	return nil, "", fmt.Errorf("there are %d trails %q in different regions; name one by its ARN: %s", len(arns), name, strings.Join(arns, ", "))
}

// awsAdvice says what to do about errors of the AWS API.
var awsAdvice = map[string]string{
	"TrailAlreadyExistsException":                            "`cairn trail status NAME` shows it, `cairn trail start NAME` lets it log",
	"MaximumNumberOfTrailsExceededException":                 "`cairn trail delete NAME` makes room",
	"S3BucketDoesNotExistException":                          "make it, or leave out --bucket to have one made",
	"InsufficientS3BucketPolicyException":                    "let the policy of the bucket above allow it, with no statement that denies it, or leave out --bucket to have one made",
	"InsufficientSnsTopicPolicyException":                    "let the topic's policy allow cloudtrail.amazonaws.com to do sns:Publish",
	"InsufficientEncryptionPolicyException":                  "let the key's policy allow cloudtrail.amazonaws.com to do kms:GenerateDataKey* and kms:DescribeKey, and you to do kms:DescribeKey",
	"KmsKeyNotFoundException":                                "`aws kms list-keys` shows those that there are; --encrypt makes one",
	"KmsKeyDisabledException":                                "`aws kms enable-key --key-id KEY` enables it",
	"AccessDenied":                                           "use credentials that may, or let an administrator allow it by an IAM policy",
	"AccessDeniedException":                                  "use credentials that may, or let an administrator allow it by an IAM policy",
	"UnrecognizedClientException":                            "the server does not know AWS_ACCESS_KEY_ID; `eval \"$(cairn env)\"` sets the operator's",
	"InvalidClientTokenId":                                   "the server does not know AWS_ACCESS_KEY_ID; `eval \"$(cairn env)\"` sets the operator's",
	"InvalidAccessKeyId":                                     "the server does not know AWS_ACCESS_KEY_ID; `eval \"$(cairn env)\"` sets the operator's",
	"SignatureDoesNotMatch":                                  "AWS_SECRET_ACCESS_KEY is not the secret of AWS_ACCESS_KEY_ID; `eval \"$(cairn env)\"` sets the operator's",
	"InvalidSignatureException":                              "AWS_SECRET_ACCESS_KEY is not the secret of AWS_ACCESS_KEY_ID; `eval \"$(cairn env)\"` sets the operator's",
	"ExpiredTokenException":                                  "the credentials have expired; get new ones",
	"BucketAlreadyExists":                                    "choose another --bucket: the name is somebody else's",
	"InvalidTrailNameException":                              "choose a name of 3 to 128 letters, digits, periods, underscores and dashes",
	"InvalidS3BucketNameException":                           "choose another --bucket: 3 to 63 small letters, digits, dashes and periods",
	"InvalidBucketName":                                      "choose another --bucket: 3 to 63 small letters, digits, dashes and periods",
	"ThrottlingException":                                    "try again in a moment",
	"InvalidHomeRegionException":                             "name the trail by its ARN",
	"UnknownOperationException":                              "the server does not have the service",
	"NotImplemented":                                         "the server does not have the service",
	"CloudTrailARNInvalidException":                          "`cairn trail list --json` shows the ARNs",
	"InsufficientDependencyServiceAccessPermissionException": "use credentials that may, or let an administrator allow it by an IAM policy",
}

// awsError says what failed and why, and what to do next.
func (a *app) awsError(doing string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		var op *smithy.OperationError
		if errors.As(err, &op) {
			err = op.Err
		}
		return fmt.Errorf("%s: the server cannot be reached: %w", doing, err)
	}
	text := strings.TrimRight(api.ErrorMessage(), ". ")
	if text == "" {
		text = "the server gives no reason"
	}
	failed := fmt.Errorf("%s: %s (%s)", doing, text, api.ErrorCode())
	if strings.HasPrefix(text, "The region ") && strings.HasSuffix(text, " does not exist here") {
		return fmt.Errorf("%w; next: `cairn status` shows the regions that there are", failed)
	}
	if next := awsAdvice[api.ErrorCode()]; next != "" {
		return fmt.Errorf("%w; next: %s", failed, next)
	}
	return failed
}

// hasCode says whether a call was answered with one of these error codes.
func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
