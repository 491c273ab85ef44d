package demo

import (
	"fmt"
	"time"
)

// A caller is somebody with a place and a program.
type caller struct {
	identity userIdentity
	address  string
	agent    string
}

const (
	consoleAgent   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	cliAgent       = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux md/arch#x86_64 lang/python#3.13.7"
	terraformAgent = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.0"
	botoAgent      = "Boto3/1.40.40 md/Botocore#1.40.40 ua/2.1 os/linux lang/python#3.12.11 exec-env/AWS_Lambda_python3.12"
	goAgent        = "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOARCH#arm64 exec-env/AWS_ECS_EC2"
	officeAddress  = "203.0.113.20"
	onCallAddress  = "203.0.113.144"
	buildAddress   = "203.0.113.61"
)

// hire makes the callers, the same ones on each day.
func (d *day) hire() {
	d.team = make(map[string]caller)
	for _, name := range []string{"mara", "ines", "priya", Victim} {
		d.team[name] = d.user(name, officeAddress, cliAgent)
	}
	d.team["ci-deployer"] = d.user("ci-deployer", buildAddress, terraformAgent)
	d.team["shop-backend"] = d.role("shop-backend", "i-0b6e1f4c92d07a358", "10.20.1.17", goAgent)
	d.team["report-builder"] = d.role("report-builder", "report-builder", "10.20.4.80", botoAgent)
	d.team["nightly-backup"] = d.role("nightly-backup", "backup", "10.20.4.92", botoAgent)
	d.team["audit-readonly"] = d.role("audit-readonly", "ines", officeAddress, consoleAgent)
}

func (d *day) user(name, address, agent string) caller {
	return caller{userIdentity{
		Type: "IAMUser", PrincipalID: id(d.people, "AIDA", 17), ARN: "arn:aws:iam::" + d.account + ":user/" + name,
		AccountID: d.account, AccessKeyID: id(d.people, "AKIA", 16), UserName: name,
	}, address, agent}
}

// role returns a session of a role, with a new access key on each day.
func (d *day) role(name, session, address, agent string) caller {
	principal := id(d.people, "AROA", 17)
	return caller{userIdentity{
		Type: "AssumedRole", PrincipalID: principal + ":" + session, ARN: "arn:aws:sts::" + d.account + ":assumed-role/" + name + "/" + session,
		AccountID: d.account, AccessKeyID: id(d.random, "ASIA", 16),
		SessionContext: &sessionContext{
			SessionIssuer: &sessionIssuer{"Role", principal, "arn:aws:iam::" + d.account + ":role/" + name, d.account, name},
			Attributes:    map[string]string{"creationDate": d.date.Format(time.RFC3339), "mfaAuthenticated": "false"},
		},
	}, address, agent}
}

// console is a user in a browser, behind a sign-in at a time after midnight.
func (d *day) console(who caller, at time.Duration, mfa string) caller {
	who.agent = consoleAgent
	who.identity.AccessKeyID = id(d.random, "ASIA", 16)
	who.identity.SessionContext = &sessionContext{Attributes: map[string]string{
		"creationDate": d.date.Add(at).Truncate(time.Second).Format(time.RFC3339), "mfaAuthenticated": mfa,
	}}
	return who
}

// signIn is a ConsoleLogin, which has no access key.
func (d *day) signIn(at time.Duration, who caller, mfa string, fails bool) {
	who.agent = consoleAgent
	who.identity.AccessKeyID = ""
	c := call{source: "signin", name: "ConsoleLogin", write: true, signIn: true,
		response: object{"ConsoleLogin": "Success"}, additional: object{"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": mfa}}
	if fails {
		who.identity.ARN = ""
		c.failure, c.response = &failure{"", "Failed authentication"}, object{"ConsoleLogin": "Failure"}
	}
	d.add(at, who, c)
}

// service is an AWS service that acts for the account.
func (d *day) service(name string) caller {
	return caller{userIdentity{Type: "AWSService", InvokedBy: name}, name, name}
}

func (d *day) arn(service, rest string) string {
	return "arn:aws:" + service + ":" + d.region + ":" + d.account + ":" + rest
}

const (
	shopKey   = "7f0c2b9e-51d4-4c0a-9b7e-2a6f1d83e045"
	exports   = "lantern-customer-exports"
	artifacts = "lantern-build-artifacts"
	trailName = "lantern-trail"
)

// secrets are what the company keeps in Secrets Manager.
var secrets = []string{"prod/shop/database", "prod/shop/payment-api", "prod/reports/warehouse", "prod/mail/smtp", "staging/shop/database", "prod/auth/token-key"}

func (d *day) bucket(name string) []resource {
	return []resource{{d.account, "AWS::S3::Bucket", "arn:aws:s3:::" + name}}
}

// object is a call on an object in the bucket with the customers' data.
func (d *day) object(name, key string) call {
	return call{source: "s3", name: name, data: true, params: object{"bucketName": exports, "key": key},
		resources: append(d.bucket(exports), resource{Type: "AWS::S3::Object", ARN: "arn:aws:s3:::" + exports + "/" + key})}
}

func (d *day) decrypt(name string) call {
	arn := d.arn("kms", "key/"+shopKey)
	return call{source: "kms", name: name, params: object{"keyId": arn, "encryptionContext": object{"app": "shop"}},
		resources: []resource{{d.account, "AWS::KMS::Key", arn}}}
}

func (d *day) getSecret(name string) call {
	return call{source: "secretsmanager", name: "GetSecretValue", params: object{"secretId": name}}
}

func (d *day) assumeRole(role, session string, who caller) call {
	arn := "arn:aws:iam::" + d.account + ":role/" + role
	return call{source: "sts", name: "AssumeRole", params: object{"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600},
		response: object{
			"credentials":     object{"accessKeyId": who.identity.AccessKeyID, "expiration": d.date.Add(24 * time.Hour).Format("Jan 2, 2006, 3:04:05 PM")},
			"assumedRoleUser": object{"assumedRoleId": who.identity.PrincipalID, "arn": who.identity.ARN},
		},
		resources: []resource{{d.account, "AWS::IAM::Role", arn}}}
}

// every calls do so often from a time to another, never quite on time.
func (d *day) every(from, to, step time.Duration, do func(at time.Duration)) {
	for at := from; at < to; at += step/2 + time.Duration(d.random.Int64N(int64(step))) {
		do(at)
	}
}

// programs is what happens around the clock.
func (d *day) programs() {
	const end = 24*time.Hour - time.Minute
	shop, reports, backup := d.team["shop-backend"], d.team["report-builder"], d.team["nightly-backup"]
	d.every(0, end, 65*time.Second, func(at time.Duration) { d.add(at, shop, d.shopCall()) })
	d.every(0, end, 15*time.Minute, func(at time.Duration) {
		d.add(at, d.service("ec2.amazonaws.com"), d.assumeRole("shop-backend", "i-0b6e1f4c92d07a358", shop))
	})
	d.every(0, end, 3*time.Minute, func(at time.Duration) {
		group := pick(d.random, "shop-web", "shop-workers")
		d.add(at, d.service("autoscaling.amazonaws.com"), call{source: "ec2", name: pick(d.random, "DescribeInstances", "DescribeInstanceStatus"),
			params: object{"filterSet": object{"items": []any{object{"name": "tag:aws:autoscaling:groupName", "valueSet": object{"items": []any{object{"value": group}}}}}}}})
	})
	d.every(7*time.Minute, end, 20*time.Minute, func(at time.Duration) {
		d.add(at, d.service("lambda.amazonaws.com"), d.assumeRole("report-builder", "report-builder", reports))
		d.add(at+time.Second, reports, d.getSecret("prod/reports/warehouse"))
		d.add(at+2*time.Second, reports, call{source: "logs", name: "CreateLogStream", write: true,
			params: object{"logGroupName": "/aws/lambda/report-builder", "logStreamName": d.date.Format("2006/01/02/") + "[$LATEST]" + fmt.Sprintf("%016x", d.random.Uint64())}})
		put := d.object("PutObject", fmt.Sprintf("daily/%s/part-%05d.parquet", d.date.Format(time.DateOnly), at/time.Second))
		put.write = true
		d.add(at+4*time.Second, reports, put)
	})
	for i, volume := range []string{"vol-0a41c7d20b6e9f358", "vol-07d2e8c15f3b94a60", "vol-0c95b1e7a2d40f836"} {
		at := 90*time.Minute + time.Duration(i)*45*time.Second
		snapshot := d.hex("snap-")
		d.add(at, backup, call{source: "ec2", name: "DescribeVolumes", params: object{"volumeSet": object{"items": []any{object{"volumeId": volume}}}}})
		d.add(at+3*time.Second, backup, call{source: "ec2", name: "CreateSnapshot", write: true, params: object{"volumeId": volume, "description": "nightly"},
			response: object{"snapshotId": snapshot, "volumeId": volume, "status": "pending", "ownerId": d.account}})
		d.add(at+9*time.Second, backup, call{source: "ec2", name: "CreateTags", write: true, response: object{"_return": true},
			params: object{"resourcesSet": object{"items": []any{object{"resourceId": snapshot}}}, "tagSet": object{"items": []any{object{"key": "backup", "value": "nightly"}}}}})
	}
	for _, hour := range []int{8, 10, 13, 15, 17} {
		d.deploy(time.Duration(hour)*time.Hour + time.Duration(d.random.IntN(50))*time.Minute)
	}
}

// shopCall is one of the calls that the shop makes all the time.
func (d *day) shopCall() call {
	switch n := d.random.IntN(100); {
	case n < 40:
		return d.decrypt("Decrypt")
	case n < 60:
		return d.decrypt("GenerateDataKey")
	case n < 80:
		return call{source: "ssm", name: "GetParameter", params: object{"name": "/shop/" + pick(d.random, "flags", "prices", "shipping", "limits"), "withDecryption": true}}
	case n < 88:
		return d.getSecret("prod/shop/database")
	case n < 94:
		return call{source: "sqs", name: "GetQueueAttributes", params: object{"queueUrl": "https://sqs." + d.region + ".amazonaws.com/" + d.account + "/orders", "attributeNames": []string{"All"}}}
	case n < 98:
		return call{source: "dynamodb", name: "DescribeTable", params: object{"tableName": pick(d.random, "carts", "sessions")}}
	}
	return call{source: "dynamodb", name: "DescribeTable", params: object{"tableName": "carts"}, failure: &failure{"ThrottlingException", "Rate exceeded"}}
}

// deploy is a run of the build server.
func (d *day) deploy(at time.Duration) {
	ci := d.team["ci-deployer"]
	step := func(c call) {
		d.add(at, ci, c)
		at += time.Duration(1+d.random.IntN(6)) * time.Second
	}
	step(call{source: "sts", name: "GetCallerIdentity"})
	step(call{source: "s3", name: "GetBucketVersioning", params: object{"bucketName": artifacts, "versioning": ""}, resources: d.bucket(artifacts)})
	for _, role := range []string{"shop-backend", "report-builder", "nightly-backup"} {
		step(call{source: "iam", name: "GetRole", params: object{"roleName": role}})
		step(call{source: "iam", name: "ListAttachedRolePolicies", params: object{"roleName": role}})
	}
	for _, name := range []string{"DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups", "DescribeLaunchTemplates", "DescribeInstances"} {
		step(call{source: "ec2", name: name, params: object{}})
	}
	for _, function := range []string{"report-builder", "mail-sender"} {
		step(call{source: "lambda", name: "GetFunction20150331v2", params: object{"functionName": function}})
		step(call{source: "lambda", name: "UpdateFunctionCode20150331v2", write: true, params: object{"functionName": function, "s3Bucket": artifacts, "s3Key": function + ".zip", "publish": true},
			response: object{"functionName": function, "functionArn": d.arn("lambda", "function:"+function), "version": fmt.Sprint(d.random.IntN(400))}})
	}
	step(call{source: "ecs", name: "RegisterTaskDefinition", write: true, params: object{"family": "shop-web", "cpu": "512", "memory": "1024"}})
	step(call{source: "ecs", name: "UpdateService", write: true, params: object{"cluster": "shop", "service": "shop-web", "forceNewDeployment": true}})
	for range 12 {
		step(call{source: "ecs", name: "DescribeServices", params: object{"cluster": "shop", "services": []string{"shop-web"}}})
	}
}
