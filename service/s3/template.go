package s3

import "strings"

// templatePrefix begins the names of the buckets, one in each region, from which
// the aws command line reads the policies that create-subscription sets.
const templatePrefix = "awscloudtrail-policy-"

// templates are the objects of a template bucket. They are not stored: every
// verified caller can read them, and nobody can write them.
var templates = map[string]string{
	"policy/S3/AWSCloudTrail-S3BucketPolicy-2014-12-17.json": `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "AWSCloudTrailAclCheck20150319",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:GetBucketAcl",
            "Resource": "arn:aws:s3:::<BucketName>"
        },
        {
            "Sid": "AWSCloudTrailWrite20150319",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::<BucketName>/<Prefix>/AWSLogs/<CustomerAccountID>/*",
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": "<CustomerAccountID>",
                    "s3:x-amz-acl": "bucket-owner-full-control"
                }
            }
        }
    ]
}
`,
	"policy/SNS/AWSCloudTrail-SnsTopicPolicy-2014-12-17.json": `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "AWSCloudTrailSNSPolicy20131101",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "SNS:Publish",
            "Resource": "arn:aws:sns:<Region>:<SNSTopicOwnerAccountId>:<SNSTopicName>",
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": "<SNSTopicOwnerAccountId>"
                }
            }
        }
    ]
}
`,
}

func isTemplateBucket(name string) bool { return strings.HasPrefix(name, templatePrefix) }
