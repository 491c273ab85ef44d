package cairn

import "strings"

// shortNames says, for a type of resource, where in its ARN's resource part the
// name lies that people search by: behind the prefix, up to the first of the
// end bytes, if any. last asks for what is behind the last slash instead.
var shortNames = map[string]struct {
	prefix string
	end    string
	last   bool
}{
	"AWS::S3::Bucket":                           {},
	"AWS::SNS::Topic":                           {},
	"AWS::SQS::Queue":                           {},
	"AWS::IAM::User":                            {prefix: "user/", last: true},
	"AWS::IAM::Role":                            {prefix: "role/", last: true},
	"AWS::IAM::Group":                           {prefix: "group/", last: true},
	"AWS::IAM::Policy":                          {prefix: "policy/", last: true},
	"AWS::IAM::InstanceProfile":                 {prefix: "instance-profile/", last: true},
	"AWS::STS::AssumedRole":                     {prefix: "assumed-role/", last: true},
	"AWS::Lambda::Function":                     {prefix: "function:", end: ":"},
	"AWS::KMS::Key":                             {prefix: "key/"},
	"AWS::KMS::Alias":                           {}, // "alias/…" is how the alias is called
	"AWS::DynamoDB::Table":                      {prefix: "table/", end: "/"},
	"AWS::SecretsManager::Secret":               {prefix: "secret:"},
	"AWS::SSM::Parameter":                       {prefix: "parameter"},
	"AWS::EC2::Instance":                        {prefix: "instance/"},
	"AWS::EC2::Volume":                          {prefix: "volume/"},
	"AWS::EC2::Snapshot":                        {prefix: "snapshot/"},
	"AWS::EC2::SecurityGroup":                   {prefix: "security-group/"},
	"AWS::EC2::VPC":                             {prefix: "vpc/"},
	"AWS::EC2::Subnet":                          {prefix: "subnet/"},
	"AWS::EC2::NetworkInterface":                {prefix: "network-interface/"},
	"AWS::EC2::VPCEndpoint":                     {prefix: "vpc-endpoint/"},
	"AWS::CloudTrail::Trail":                    {prefix: "trail/"},
	"AWS::CloudTrail::EventDataStore":           {prefix: "eventdatastore/"},
	"AWS::CloudTrail::Channel":                  {prefix: "channel/"},
	"AWS::Logs::LogGroup":                       {prefix: "log-group:", end: ":"},
	"AWS::RDS::DBInstance":                      {prefix: "db:"},
	"AWS::RDS::DBCluster":                       {prefix: "cluster:"},
	"AWS::RDS::DBSnapshot":                      {prefix: "snapshot:"},
	"AWS::Kinesis::Stream":                      {prefix: "stream/", end: "/"},
	"AWS::KinesisFirehose::DeliveryStream":      {prefix: "deliverystream/"},
	"AWS::Events::Rule":                         {prefix: "rule/", last: true},
	"AWS::Events::EventBus":                     {prefix: "event-bus/"},
	"AWS::CloudFormation::Stack":                {prefix: "stack/", end: "/"},
	"AWS::ECR::Repository":                      {prefix: "repository/"},
	"AWS::ECS::Cluster":                         {prefix: "cluster/"},
	"AWS::ECS::Service":                         {prefix: "service/", last: true},
	"AWS::EKS::Cluster":                         {prefix: "cluster/"},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {prefix: "loadbalancer/"},
	"AWS::ElasticLoadBalancingV2::TargetGroup":  {prefix: "targetgroup/", end: "/"},
	"AWS::AutoScaling::AutoScalingGroup":        {prefix: "autoScalingGroup:"},
	"AWS::StepFunctions::StateMachine":          {prefix: "stateMachine:", end: ":"},
	"AWS::CloudWatch::Alarm":                    {prefix: "alarm:"},
	"AWS::Glue::Database":                       {prefix: "database/"},
	"AWS::Glue::Table":                          {prefix: "table/", last: true},
	"AWS::CertificateManager::Certificate":      {prefix: "certificate/"},
	"AWS::CloudFront::Distribution":             {prefix: "distribution/"},
}

// ShortName returns the name that people search a resource of a type by: for an
// ARN its part that is the name, where the type is known, else what it is given.
func ShortName(typ, name string) string {
	if short := shortName(typ, name); short != "" && strings.HasPrefix(name, "arn:") {
		return short
	}
	return name
}

// shortName returns the short name of the resource that an ARN names, or "" when
// there is none. It is always a part of the ARN, so that it costs no memory.
func shortName(typ, arn string) string {
	rule, ok := shortNames[typ]
	if !ok {
		return ""
	}
	name, ok := strings.CutPrefix(arnResource(arn), rule.prefix)
	if !ok {
		return ""
	}
	if rule.last {
		return name[strings.LastIndexByte(name, '/')+1:]
	}
	if rule.end != "" {
		name, _, _ = strings.Cut(name, rule.end)
	}
	return secretName(typ, name)
}

// secretName takes off the hyphen and six random characters that Secrets Manager
// puts behind the name in a secret's ARN.
func secretName(typ, name string) string {
	if typ == "AWS::SecretsManager::Secret" && len(name) > 7 && name[len(name)-7] == '-' {
		return name[:len(name)-7]
	}
	return name
}
