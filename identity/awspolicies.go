package identity

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// AWSPolicies returns the managed policies of AWS that every account has, by
// name. Their documents are Cairn's own: they grant what it serves, and what
// their names promise.
func AWSPolicies() []*Policy { return slices.Clone(awsPolicies) }

// AWSPolicy returns the AWS managed policy with an ARN, or nil.
func AWSPolicy(arn string) *Policy {
	for _, p := range awsPolicies {
		if AWSPolicyARN(p) == arn {
			return p
		}
	}
	return nil
}

// AWSPolicyARN is the ARN of one of AWS's managed policies.
func AWSPolicyARN(p *Policy) string { return p.ARN("aws") }

// awsPolicies are in the order of their names' bytes.
var awsPolicies = []*Policy{
	awsPolicy("AWSCloudTrail_FullAccess", "ANPAZKAPJZG4ABCDEFGHI", "CloudTrail, and what setting up a trail needs.",
		grant{Actions: []string{"cloudtrail:*", "cairn:*"}},
		grant{Actions: []string{"s3:ListAllMyBuckets", "s3:CreateBucket", "s3:PutBucketPolicy", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:ListBucket"}},
		grant{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::*/AWSLogs/*"}},
		grant{Actions: []string{"sns:CreateTopic", "sns:ListTopics", "sns:SetTopicAttributes", "sns:GetTopicAttributes", "sns:AddPermission"}},
		grant{Actions: []string{"kms:CreateKey", "kms:CreateAlias", "kms:ListKeys", "kms:ListAliases", "kms:DescribeKey"}},
		grant{Actions: []string{"logs:CreateLogGroup", "logs:DescribeLogGroups", "lambda:ListFunctions", "organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization", "iam:ListRoles", "iam:GetRole"}},
		grant{Actions: []string{"iam:PassRole"}, Condition: map[string]map[string]string{"StringEquals": {"iam:PassedToService": "cloudtrail.amazonaws.com"}}},
	),
	awsPolicy("AWSCloudTrail_ReadOnlyAccess", "ANPAZKAPJZG4BCDEFGHIJ", "Reading of what CloudTrail has and records.",
		grant{Actions: []string{"cloudtrail:Get*", "cloudtrail:Describe*", "cloudtrail:List*", "cloudtrail:LookupEvents", "cairn:Lookup*", "cairn:List*", "cairn:Get*", "cairn:Tail*"}},
	),
	awsPolicy("AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", "Everything.",
		grant{Actions: []string{"*"}}),
	awsPolicy("IAMFullAccess", "ANPAI7XKCFMBPM3QQRRVQ", "IAM.",
		grant{Actions: []string{"iam:*"}}),
	awsPolicy("IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", "Reading of IAM.",
		grant{Actions: []string{"iam:Get*", "iam:List*", "iam:Generate*", "iam:Simulate*"}}),
	awsPolicy("ReadOnlyAccess", "ANPAILL3HVNFSB6DCOWYQ", "Reading of everything.",
		grant{Actions: readOnlyActions()}),
	awsPolicy("SecurityAudit", "ANPAIX2T3QCXHR2OGGCTO", "Reading of how everything is set up, but not of data.",
		grant{Actions: []string{
			"cloudtrail:Get*", "cloudtrail:Describe*", "cloudtrail:List*", "cloudtrail:LookupEvents",
			"iam:Get*", "iam:List*", "iam:Generate*", "iam:Simulate*", "sts:GetAccessKeyInfo",
			"s3:GetBucket*", "s3:ListAllMyBuckets", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetAccountPublicAccessBlock",
			"sns:GetTopicAttributes", "sns:List*", "kms:Describe*", "kms:List*", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
			"logs:Describe*", "logs:List*", "events:Describe*", "events:List*", "cloudwatch:Describe*", "lambda:GetPolicy", "lambda:List*",
			"organizations:Describe*", "organizations:List*", "config:Describe*", "config:Get*", "config:List*",
		}}),
}

// readOnlyActions are the reading actions of the services that Cairn knows.
func readOnlyActions() []string {
	actions := []string{"cloudtrail:LookupEvents", "cairn:Lookup*", "cairn:Tail*", "s3:Head*", "logs:FilterLogEvents", "logs:StartQuery", "iam:Simulate*", "iam:Generate*"}
	for _, service := range []string{"cairn", "cloudtrail", "cloudwatch", "config", "events", "iam", "kms", "lambda", "logs", "organizations", "s3", "sns"} {
		actions = append(actions, service+":Describe*", service+":Get*", service+":List*")
	}
	return append(actions, "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken")
}

type grant struct {
	Effect    string
	Actions   []string                     `json:"Action"`
	Resources []string                     `json:"Resource"`
	Condition map[string]map[string]string `json:",omitempty"`
}

func awsPolicy(name, id, description string, grants ...grant) *Policy {
	for i := range grants {
		grants[i].Effect = "Allow"
		if grants[i].Resources == nil {
			grants[i].Resources = []string{"*"}
		}
	}
	document, err := json.Marshal(struct {
		Version   string
		Statement []grant
	}{"2012-10-17", grants})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &Policy{
		Head:        Head{ID: id, Name: name, Path: "/", Created: created},
		Description: strings.TrimSpace(description), Default: "v1", Last: 1, Updated: created,
		Versions: []PolicyVersion{{ID: "v1", Document: string(document), Created: created}},
	}
}
