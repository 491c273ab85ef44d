package demo

import (
	"fmt"
	"strings"
	"time"
)

// The break-in happens between these times after midnight, UTC.
const (
	incidentStart = 3*time.Hour + 12*time.Minute
	incidentEnd   = 4*time.Hour + 30*time.Minute
)

// strangeRegion is one that the company does not use.
const strangeRegion = "ap-southeast-3"

// A story adds what one caller does after the other, seconds apart.
type story struct {
	*day
	at  time.Duration
	who caller
}

func (s *story) do(calls ...call) {
	for _, c := range calls {
		s.add(s.at, s.who, c)
		s.at += time.Duration(2+s.random.IntN(9)) * time.Second
	}
}

// incident is the break-in, and how it is stopped.
func (d *day) incident() {
	d.inIncident = true
	defer func() { d.inIncident = false }()
	victim := d.team[Victim]
	victim.address = AttackerIP
	s := &story{day: d, at: incidentStart, who: victim}
	for range 4 {
		s.signIn(s.at, victim, "No", true)
		s.at += 11 * time.Second
	}
	s.signIn(s.at, victim, "No", false)
	s.at += 40 * time.Second
	s.reconnoitre()
	intruder := s.createIntruder()
	s.who = intruder
	s.plunder()
	s.coverTracks()
	s.mine()
	s.respond(intruder)
}

// reconnoitre tries what the leaked access key may.
func (s *story) reconnoitre() {
	s.who.agent = "aws-cli/1.22.34 Python/3.10.12 Linux/5.15.0-kali botocore/1.23.34"
	s.do(call{source: "sts", name: "GetCallerIdentity"},
		call{source: "s3", name: "ListBuckets", params: object{"Host": "s3.amazonaws.com"}},
		call{source: "ec2", name: "DescribeInstances", params: object{"instancesSet": object{}, "filterSet": object{}}})
	for _, action := range []string{"GetAccountAuthorizationDetails", "ListUsers", "ListRoles", "ListAccountAliases", "ListVirtualMFADevices", "GetAccountPasswordPolicy"} {
		s.do(call{source: "iam", name: action, failure: denied(s.who, "iam:"+action)})
	}
	for _, action := range []string{"guardduty:ListDetectors", "organizations:DescribeOrganization", "kms:ListKeys", "rds:DescribeDBSnapshots", "dynamodb:ListTables", "ses:GetSendQuota"} {
		source, name, _ := strings.Cut(action, ":")
		s.do(call{source: source, name: name, failure: denied(s.who, action)})
	}
	for _, region := range []string{"eu-west-1", "eu-central-1", "us-west-2", "ap-northeast-1", strangeRegion} {
		s.do(call{source: "ec2", name: "DescribeInstances", region: region, params: object{"instancesSet": object{}, "filterSet": object{}},
			failure: &failure{"Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: " + s.who.identity.ARN + " is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action"}})
	}
	s.do(call{source: "iam", name: "ListAttachedUserPolicies", params: object{"userName": Victim}},
		call{source: "cloudtrail", name: "DescribeTrails", params: object{"trailNameList": []string{}}},
		call{source: "cloudtrail", name: "GetTrailStatus", params: object{"name": trailName}})
}

// createIntruder makes the user that the attacker goes on with.
func (s *story) createIntruder() caller {
	intruder := s.user(Intruder, AttackerIP, s.who.agent)
	s.do(
		call{source: "iam", name: "CreateUser", write: true, params: object{"userName": Intruder},
			response: object{"user": object{"userName": Intruder, "userId": intruder.identity.PrincipalID, "arn": intruder.identity.ARN, "path": "/", "createDate": s.date.Add(s.at).Format("Jan 2, 2006, 3:04:05 PM")}}},
		call{source: "iam", name: "CreateAccessKey", write: true, params: object{"userName": Intruder},
			response: object{"accessKey": object{"userName": Intruder, "accessKeyId": intruder.identity.AccessKeyID, "status": "Active", "createDate": s.date.Add(s.at).Format("Jan 2, 2006, 3:04:05 PM")}}},
		call{source: "iam", name: "AttachUserPolicy", write: true, params: object{"userName": Intruder, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}},
		call{source: "iam", name: "CreateLoginProfile", write: true, params: object{"userName": Intruder, "passwordResetRequired": false},
			response: object{"loginProfile": object{"userName": Intruder, "passwordResetRequired": false, "createDate": s.date.Add(s.at).Format("Jan 2, 2006, 3:04:05 PM")}}})
	s.at += 3 * time.Minute
	return intruder
}

// plunder reads every secret, and opens the bucket with the customers' data.
func (s *story) plunder() {
	s.do(call{source: "sts", name: "GetCallerIdentity"}, call{source: "secretsmanager", name: "ListSecrets", params: object{"maxResults": 100}})
	for range 4 {
		for _, name := range secrets {
			s.do(s.getSecret(name))
		}
	}
	policy := object{"Version": "2012-10-17", "Statement": []any{object{"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + exports + "/*"}}}
	s.do(
		call{source: "s3", name: "DeleteBucketPublicAccessBlock", write: true, params: object{"bucketName": exports, "publicAccessBlock": ""}, resources: s.bucket(exports)},
		call{source: "s3", name: "PutBucketPolicy", write: true, params: object{"bucketName": exports, "policy": "", "bucketPolicy": policy}, resources: s.bucket(exports)})
	for part := range 40 {
		s.do(s.object("GetObject", fmt.Sprintf("daily/%s/part-%05d.parquet", s.date.Add(-24*time.Hour).Format(time.DateOnly), part*37)))
	}
}

// coverTracks turns the trail off and removes it.
func (s *story) coverTracks() {
	s.do(call{source: "cloudtrail", name: "StopLogging", write: true, params: object{"name": trailName}},
		call{source: "cloudtrail", name: "PutEventSelectors", write: true, params: object{"trailName": trailName, "eventSelectors": []any{object{"readWriteType": "ReadOnly", "includeManagementEvents": false}}}},
		call{source: "cloudtrail", name: "DeleteTrail", write: true, params: object{"name": trailName}})
}

// mine starts machines where nobody looks.
func (s *story) mine() {
	in := func(c call) { c.region, c.source = strangeRegion, "ec2"; s.do(c) }
	in(call{name: "CreateKeyPair", write: true, params: object{"keyName": "k1"}, response: object{"keyName": "k1", "keyPairId": s.hex("key-")}})
	group := s.hex("sg-")
	in(call{name: "CreateSecurityGroup", write: true, params: object{"groupName": "g1", "groupDescription": "g1"}, response: object{"groupId": group, "_return": true}})
	in(call{name: "AuthorizeSecurityGroupIngress", write: true, response: object{"_return": true},
		params: object{"groupId": group, "ipPermissions": object{"items": []any{object{"ipProtocol": "-1", "ipRanges": object{"items": []any{object{"cidrIp": "0.0.0.0/0"}}}}}}}})
	run := func(kind string, count int) call {
		return call{name: "RunInstances", write: true, params: object{"instanceType": kind, "instancesSet": object{"items": []any{object{"imageId": "ami-0f4d2c7b19e8a6035", "minCount": count, "maxCount": count, "keyName": "k1"}}}}}
	}
	for _, kind := range []string{"p4d.24xlarge", "p3.16xlarge"} {
		c := run(kind, 8)
		c.failure = &failure{"Client.VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit allows for the instance bucket that the specified instance type belongs to."}
		in(c)
	}
	for range 3 {
		c := run("c5.4xlarge", 2)
		c.response = object{"ownerId": s.account, "reservationId": s.hex("r-"), "instancesSet": object{"items": []any{
			object{"instanceId": s.hex("i-"), "instanceType": "c5.4xlarge"}, object{"instanceId": s.hex("i-"), "instanceType": "c5.4xlarge"}}}}
		in(c)
	}
}

// respond is what the woman on call does about it.
func (s *story) respond(intruder caller) {
	const at = 4*time.Hour + 7*time.Minute
	mara := s.team["mara"]
	mara.address = onCallAddress
	s.signIn(at, mara, "Yes", false)
	s.at, s.who = at+time.Minute, s.console(mara, at, "true")
	lookup := func(key, value string) call {
		return call{source: "cloudtrail", name: "LookupEvents", params: object{"lookupAttributes": []any{object{"attributeKey": key, "attributeValue": value}}, "maxResults": 50}}
	}
	s.do(lookup("EventName", "DeleteTrail"), lookup("Username", Intruder), lookup("Username", Victim), lookup("AccessKeyId", intruder.identity.AccessKeyID))
	s.do(call{source: "iam", name: "UpdateAccessKey", write: true, params: object{"userName": Intruder, "accessKeyId": intruder.identity.AccessKeyID, "status": "Inactive"}},
		call{source: "iam", name: "UpdateAccessKey", write: true, params: object{"userName": Victim, "accessKeyId": s.team[Victim].identity.AccessKeyID, "status": "Inactive"}},
		call{source: "iam", name: "DeleteLoginProfile", write: true, params: object{"userName": Intruder}},
		call{source: "iam", name: "DetachUserPolicy", write: true, params: object{"userName": Intruder, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}},
		call{source: "s3", name: "DeleteBucketPolicy", write: true, params: object{"bucketName": exports, "policy": ""}, resources: s.bucket(exports)},
		call{source: "cloudtrail", name: "CreateTrail", write: true, params: object{"name": trailName, "s3BucketName": "lantern-audit-logs", "isMultiRegionTrail": true, "enableLogFileValidation": true}},
		call{source: "cloudtrail", name: "StartLogging", write: true, params: object{"name": trailName}},
		call{source: "ec2", name: "DescribeInstances", region: strangeRegion, params: object{"instancesSet": object{}, "filterSet": object{}}},
		call{source: "ec2", name: "TerminateInstances", region: strangeRegion, write: true, params: object{"instancesSet": object{"items": []any{object{"instanceId": s.hex("i-")}}}}})
}
