package demo

import "time"

// staff is what people do during the day.
func (d *day) staff() {
	for _, p := range []struct {
		name     string
		from, to time.Duration
	}{
		{"mara", 7 * time.Hour, 16 * time.Hour}, {"priya", 8 * time.Hour, 17 * time.Hour}, {Victim, 9 * time.Hour, 18 * time.Hour},
	} {
		who := d.team[p.name]
		start := p.from + time.Duration(d.random.IntN(40))*time.Minute
		d.signIn(start, who, "Yes", false)
		browser := d.console(who, start, "true")
		d.every(start+time.Minute, p.to, 4*time.Minute, func(at time.Duration) {
			// People look at several things in a row.
			c, by := d.look(), pick(d.random, who, browser)
			for i := range 1 + d.random.IntN(4) {
				d.add(at+time.Duration(i*2)*time.Second, by, c)
				c = d.look()
			}
		})
	}
	mara := d.team["mara"]
	d.add(8*time.Hour+12*time.Minute, mara, call{source: "iam", name: "CreatePolicyVersion", write: true,
		params: object{"policyArn": "arn:aws:iam::" + d.account + ":policy/shop-backend", "setAsDefault": true}, response: object{"policyVersion": object{"versionId": "v7", "isDefaultVersion": true}}})
	d.add(11*time.Hour+3*time.Minute, mara, call{source: "iam", name: "AddUserToGroup", write: true, params: object{"groupName": "developers", "userName": "priya"}})
	priya := d.team["priya"]
	d.add(10*time.Hour+41*time.Minute, priya, call{source: "ec2", name: "AuthorizeSecurityGroupIngress", write: true, response: object{"_return": true},
		params: object{"groupId": "sg-0d3b7a91c5e2f4860", "ipPermissions": object{"items": []any{object{"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "ipRanges": object{"items": []any{object{"cidrIp": "10.20.0.0/16"}}}}}}}})
	d.add(14*time.Hour+20*time.Minute, priya, call{source: "iam", name: "CreateUser", write: true, params: object{"userName": "test-runner"}, failure: denied(priya, "iam:CreateUser")})
	audit := d.team["audit-readonly"]
	d.add(13*time.Hour+30*time.Minute, d.team["ines"], d.assumeRole("audit-readonly", "ines", audit))
	d.every(13*time.Hour+31*time.Minute, 15*time.Hour, time.Minute, func(at time.Duration) {
		d.add(at, audit, pick(d.random,
			call{source: "cloudtrail", name: "LookupEvents", params: object{"maxResults": 50}},
			call{source: "cloudtrail", name: "GetTrailStatus", params: object{"name": trailName}},
			call{source: "iam", name: "GetAccountSummary"},
			call{source: "iam", name: "ListUsers", params: object{"maxItems": 100}},
			call{source: "config", name: "DescribeComplianceByConfigRule", params: object{}}))
	})
}

// look is something that people look at.
func (d *day) look() call {
	return pick(d.random,
		call{source: "ec2", name: "DescribeInstances", params: object{"instancesSet": object{}, "filterSet": object{}}},
		call{source: "ec2", name: "DescribeVolumes", params: object{"volumeSet": object{}, "filterSet": object{}}},
		call{source: "ec2", name: "DescribeSecurityGroups", params: object{"securityGroupSet": object{}}},
		call{source: "s3", name: "ListBuckets", params: object{"Host": "s3." + d.region + ".amazonaws.com"}},
		call{source: "s3", name: "GetBucketPolicy", params: object{"bucketName": exports, "policy": ""}, resources: d.bucket(exports)},
		call{source: "rds", name: "DescribeDBInstances", params: object{"dBInstanceIdentifier": "shop"}},
		call{source: "logs", name: "DescribeLogGroups", params: object{"logGroupNamePrefix": "/aws/lambda/"}},
		call{source: "monitoring", name: "DescribeAlarms", params: object{"maxRecords": 100}},
		call{source: "lambda", name: "ListFunctions20150331", params: object{}},
		call{source: "ecs", name: "DescribeServices", params: object{"cluster": "shop", "services": []string{"shop-web", "shop-workers"}}},
		call{source: "cloudformation", name: "DescribeStacks", params: object{}},
		call{source: "iam", name: "ListRoles"},
	)
}
