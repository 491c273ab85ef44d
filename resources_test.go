package cairn_test

import (
	"fmt"
	"strings"
	"testing"

	"cairn"
)

func TestResourcesFromRequestAndAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct{ source, event, request, response, want string }{
		{"ec2", "TerminateInstances", `{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}`,
			`{"instancesSet":{"items":[{"instanceId":"i-2"},{"instanceId":"i-1"}]}}`, "AWS::EC2::Instance=i-1 AWS::EC2::Instance=i-2"},
		{"ec2", "AttachVolume", `{"volumeId":"vol-1","instanceId":"i-1","device":"/dev/sdf"}`, `null`, "AWS::EC2::Volume=vol-1 AWS::EC2::Instance=i-1"},
		{"ec2", "CreateVpc", `{"cidrBlock":"10.0.0.0/16"}`, `{"vpc":{"vpcId":"vpc-1"}}`, "AWS::EC2::VPC=vpc-1"},
		{"ec2", "CreateTags", `{"resourcesSet":{"items":[{"resourceId":"i-1"}]}}`, `null`, "=i-1"},
		{"ec2", "CreatePlacementGroup", `{"groupName":"pg"}`, `null`, ""},
		{"ec2", "CreateSecurityGroup", `{"groupName":"web","vpcId":"vpc-1"}`, `{"groupId":"sg-1"}`, "AWS::EC2::SecurityGroup=web AWS::EC2::VPC=vpc-1 AWS::EC2::SecurityGroup=sg-1"},
		{"iam", "CreateAccessKey", `{"userName":"bob"}`, `{"accessKey":{"userName":"bob","accessKeyId":"AKIA1"}}`, "AWS::IAM::User=bob AWS::IAM::AccessKey=AKIA1"},
		{"iam", "AttachRolePolicy", `{"roleName":"r","policyArn":"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"}`, `null`,
			"AWS::IAM::Role=r AWS::IAM::Policy=arn:aws:iam::aws:policy/job-function/ViewOnlyAccess AWS::IAM::Policy=ViewOnlyAccess"},
		{"s3", "CreateBucket", `{"bucketName":"b","Host":"h"}`, `null`, "AWS::S3::Bucket=b"},
		{"kms", "CreateAlias", `{"aliasName":"alias/a","targetKeyId":"k"}`, `null`, "AWS::KMS::Alias=alias/a AWS::KMS::Key=k"},
		{"kms", "ScheduleKeyDeletion", `{"keyId":"arn:aws:kms:r:111122223333:key/k"}`, `{"keyId":"k"}`, "AWS::KMS::Key=arn:aws:kms:r:111122223333:key/k AWS::KMS::Key=k"},
		{"lambda", "UpdateFunctionCode20150331v2", `{"functionName":"f"}`, `{"functionArn":"arn:aws:lambda:r:111122223333:function:f:3"}`,
			"AWS::Lambda::Function=f AWS::Lambda::Function=arn:aws:lambda:r:111122223333:function:f:3"},
		{"cloudtrail", "StopLogging", `{"name":"t"}`, `null`, "AWS::CloudTrail::Trail=t"},
		{"cloudtrail", "CreateEventDataStore", `{"name":"t"}`, `null`, "AWS::CloudTrail::EventDataStore=t"},
		{"cloudtrail", "DescribeTrails", `{"trailNameList":["a","b"]}`, `null`, "AWS::CloudTrail::Trail=a AWS::CloudTrail::Trail=b"},
		{"sns", "CreateTopic", `{"name":"n"}`, `{"topicArn":"arn:aws:sns:r:111122223333:n"}`, "AWS::SNS::Topic=n AWS::SNS::Topic=arn:aws:sns:r:111122223333:n"},
		{"sqs", "DeleteQueue", `{"queueUrl":"https://sqs/1/q"}`, `null`, "AWS::SQS::Queue=https://sqs/1/q"},
		{"dynamodb", "DeleteTable", `{"tableName":"t"}`, `{"tableDescription":{"tableArn":"arn:aws:dynamodb:r:111122223333:table/t"}}`,
			"AWS::DynamoDB::Table=t AWS::DynamoDB::Table=arn:aws:dynamodb:r:111122223333:table/t"},
		{"rds", "DeleteDBInstance", `{"dBInstanceIdentifier":"d"}`, `null`, "AWS::RDS::DBInstance=d"},
		{"logs", "DeleteLogGroup", `{"logGroupName":"/g"}`, `null`, "AWS::Logs::LogGroup=/g"},
		{"ssm", "GetParameters", `{"names":["/a","/b"]}`, `null`, "AWS::SSM::Parameter=/a AWS::SSM::Parameter=/b"},
		{"ssm", "StartSession", `{"target":"i-1"}`, `null`, "AWS::EC2::Instance=i-1"},
		{"secretsmanager", "CreateSecret", `{"name":"s"}`, `{"arn":"arn:aws:secretsmanager:r:111122223333:secret:s-abc123"}`,
			"AWS::SecretsManager::Secret=s AWS::SecretsManager::Secret=arn:aws:secretsmanager:r:111122223333:secret:s-abc123"},
		{"cloudformation", "CreateStack", `{"stackName":"s"}`, `{"stackId":"arn:aws:cloudformation:r:111122223333:stack/s/uuid"}`,
			"AWS::CloudFormation::Stack=s AWS::CloudFormation::Stack=arn:aws:cloudformation:r:111122223333:stack/s/uuid"},
		{"autoscaling", "DeleteAutoScalingGroup", `{"autoScalingGroupName":"g"}`, `null`, "AWS::AutoScaling::AutoScalingGroup=g"},
		{"elasticloadbalancing", "DeleteTargetGroup", `{"targetGroupArn":"arn:aws:elasticloadbalancing:r:111122223333:targetgroup/tg/1"}`, `null`,
			"AWS::ElasticLoadBalancingV2::TargetGroup=arn:aws:elasticloadbalancing:r:111122223333:targetgroup/tg/1 AWS::ElasticLoadBalancingV2::TargetGroup=tg"},
		{"ecr", "DeleteRepository", `{"repositoryName":"r"}`, `null`, "AWS::ECR::Repository=r"},
		{"ecs", "UpdateService", `{"cluster":"c","service":"s"}`, `null`, "AWS::ECS::Cluster=c AWS::ECS::Service=s"},
		{"eks", "DeleteCluster", `{"name":"c"}`, `null`, "AWS::EKS::Cluster=c"},
		{"route53", "ChangeResourceRecordSets", `{"hostedZoneId":"Z1"}`, `null`, "AWS::Route53::HostedZone=Z1"},
		{"cloudfront", "DeleteDistribution", `{"id":"E1"}`, `null`, "AWS::CloudFront::Distribution=E1"},
		{"events", "DeleteRule", `{"name":"r"}`, `null`, "AWS::Events::Rule=r"},
		{"monitoring", "DeleteAlarms", `{"alarmNames":["a"]}`, `null`, "AWS::CloudWatch::Alarm=a"},
		{"config", "StopConfigurationRecorder", `{"configurationRecorderName":"default"}`, `null`, "AWS::Config::ConfigurationRecorder=default"},
		{"organizations", "MoveAccount", `{"accountId":"444455556666"}`, `null`, "AWS::Organizations::Account=444455556666"},
		{"apigateway", "CreateRestApi", `{}`, `{"id":"x"}`, "AWS::ApiGateway::RestApi=x"},
		{"glue", "DeleteTable", `{"databaseName":"d","name":"t"}`, `null`, "AWS::Glue::Database=d AWS::Glue::Table=t"},
		{"athena", "StartQueryExecution", `{"workGroup":"w"}`, `null`, "AWS::Athena::WorkGroup=w"},
		{"kinesis", "DeleteStream", `{"streamName":"s"}`, `null`, "AWS::Kinesis::Stream=s"},
		{"firehose", "DeleteDeliveryStream", `{"deliveryStreamName":"d"}`, `null`, "AWS::KinesisFirehose::DeliveryStream=d"},
		{"acm", "DeleteCertificate", `{"certificateArn":"arn:aws:acm:r:111122223333:certificate/c"}`, `null`,
			"AWS::CertificateManager::Certificate=arn:aws:acm:r:111122223333:certificate/c AWS::CertificateManager::Certificate=c"},
		{"signin", "SwitchRole", `{"switchTo":"r"}`, `null`, "AWS::IAM::Role=r"},
		{"sts", "GetSessionToken", `null`, `{"credentials":{"accessKeyId":"ASIA1"}}`, "AWS::IAM::AccessKey=ASIA1"},
		{"unheardof", "Do", `{"instanceId":"i-1"}`, `null`, ""},

		// Odd forms pass, and what can be read is read.
		{"ec2", "X", `{"instanceId":null,"vpcId":7,"volumeId":{"a":1},"imageId":"","keyName":"k"}`, `[]`, "AWS::EC2::KeyPair=k"},
		{"ec2", "X", `"text"`, `true`, ""},
		{"ec2", "X", ` { "instancesSet" : { "items" : [ { "instanceId" : "i-1" } , [ [ { "instanceId" : "i-2" } ] ] , 3 ] } } `, `null`, "AWS::EC2::Instance=i-1 AWS::EC2::Instance=i-2"},
		{"ec2", "X", `{"instanceId":"i-1","instanceId":"i-2"}`, `null`, "AWS::EC2::Instance=i-1 AWS::EC2::Instance=i-2"},
		{"ec2", "X", `{"instance\u0049d":"i-\u0031"}`, `null`, "AWS::EC2::Instance=i-1"},
		{"ec2", "X", "{\"instanceId\":\"i\xff\\ud800\",\"a\xff\":1}", `null`, "AWS::EC2::Instance=i\uFFFD\uFFFD"},
	}
	for _, test := range tests {
		var r cairn.Record
		if err := r.Extract(record(test.source, test.event, test.request, test.response, "")); err != nil {
			t.Errorf("%s %s: %v", test.source, test.event, err)
			continue
		}
		if got := names(r.Resources); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.source, test.event, got, test.want)
		}
	}
}

func record(source, event, request, response, more string) []byte {
	return fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{},"eventTime":"2024-05-02T08:20:09Z","eventSource":"%s.amazonaws.com",`+
		`"eventName":"%s","awsRegion":"r","eventID":"e","recipientAccountId":"111122223333","requestParameters":%s,"responseElements":%s%s}`,
		source, event, request, response, more)
}

// What the record lists itself goes before what could be read out of it, unless
// it does not say of which type it is.
func TestResourcesListed(t *testing.T) {
	t.Parallel()
	request := `{"name":"/db/password"}`
	typed := `,"resources":[{"ARN":"arn:aws:kms:r:111122223333:key/k","accountId":"111122223333","type":"AWS::KMS::Key"}]`
	untyped := `,"resources":[{"ARN":"arn:aws:ssm:r:111122223333:parameter/db/password","accountId":"111122223333"}]`
	tests := []struct{ more, want string }{
		{typed, "AWS::KMS::Key=arn:aws:kms:r:111122223333:key/k AWS::KMS::Key=k"},
		{untyped, "=arn:aws:ssm:r:111122223333:parameter/db/password AWS::SSM::Parameter=/db/password"},
		{`,"resources":[{"accountId":"111122223333"}]`, "AWS::SSM::Parameter=/db/password"},
		{`,"resources":[]`, "AWS::SSM::Parameter=/db/password"},
	}
	for _, test := range tests {
		var r cairn.Record
		if err := r.Extract(record("ssm", "GetParameter", request, `null`, test.more)); err != nil {
			t.Errorf("%s: %v", test.more, err)
		} else if got := names(r.Resources); got != test.want {
			t.Errorf("%s: %s, want %s", test.more, got, test.want)
		}
	}
}

func TestResourcesShortName(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		"AWS::S3::Bucket arn:aws:s3:::b":                                                      "b",
		"AWS::IAM::Role arn:aws:iam::111122223333:role/aws-service-role/x/R":                  "R",
		"AWS::IAM::User arn:aws:iam::111122223333:user/u":                                     "u",
		"AWS::IAM::Policy arn:aws:iam::aws:policy/P":                                          "P",
		"AWS::Lambda::Function arn:aws:lambda:r:111122223333:function:f:live":                 "f",
		"AWS::SNS::Topic arn:aws:sns:r:111122223333:t":                                        "t",
		"AWS::SQS::Queue arn:aws:sqs:r:111122223333:q":                                        "q",
		"AWS::KMS::Key arn:aws:kms:r:111122223333:key/k":                                      "k",
		"AWS::KMS::Key arn:aws:kms:r:111122223333:alias/k":                                    "",
		"AWS::KMS::Alias arn:aws:kms:r:111122223333:alias/k":                                  "alias/k",
		"AWS::DynamoDB::Table arn:aws:dynamodb:r:111122223333:table/t/index/i":                "t",
		"AWS::SecretsManager::Secret arn:aws:secretsmanager:r:111122223333:secret:a/b-123456": "a/b",
		"AWS::SecretsManager::Secret arn:aws:secretsmanager:r:111122223333:secret:ab":         "ab",
		"AWS::Logs::LogGroup arn:aws:logs:r:111122223333:log-group:/g:*":                      "/g",
		"AWS::X::Y arn:aws:x:r:111122223333:y":                                                "",
		"AWS::S3::Bucket arn:aws:s3":                                                          "",
		"AWS::S3::Bucket b":                                                                   "",
	} {
		typ, arn, _ := strings.Cut(arn, " ")
		var r cairn.Record
		if err := r.Extract(record("s", "n", "null", "null", `,"resources":[{"type":"`+typ+`","ARN":"`+arn+`"}]`)); err != nil {
			t.Fatal(err)
		}
		expected := typ + "=" + arn
		if want != "" {
			expected += " " + typ + "=" + want
		}
		if got := names(r.Resources); got != expected {
			t.Errorf("%s, want %s", got, expected)
		}
	}
}

// The number of resources is bounded, whether listed or read out.
func TestResourcesBound(t *testing.T) {
	t.Parallel()
	for _, n := range []int{cairn.MaxResources - 1, cairn.MaxResources, cairn.MaxResources + 1, 20_000} {
		var listed, requested []string
		for i := range n {
			listed = append(listed, fmt.Sprintf(`{"ARN":"a%d","type":"T"}`, i))
			requested = append(requested, fmt.Sprintf(`{"instanceId":"i-%d"}`, i))
		}
		want := min(n, cairn.MaxResources)
		var r cairn.Record
		if err := r.Extract(record("s", "n", "null", "null", `,"resources":[`+strings.Join(listed, ",")+`]`)); err != nil || len(r.Resources) != want {
			t.Errorf("%d listed: %d, want %d: %v", n, len(r.Resources), want, err)
		}
		request := `{"instancesSet":{"items":[` + strings.Join(requested, ",") + `]}}`
		if err := r.Extract(record("ec2", "n", request, "null", "")); err != nil || len(r.Resources) != want {
			t.Errorf("%d requested: %d, want %d: %v", n, len(r.Resources), want, err)
		}
	}
}
