package eventgen

import "strconv"

// principals is the number of principals in each account.
const principals = 2000

// sessionSeconds is how long the temporary credentials of a role last: with
// each new session comes a new access key.
const sessionSeconds = 3600

// A principal is who makes a call. Everything about it follows from the
// account and its number.
type principal struct {
	account string
	number  uint32
	hash    uint64
	role    uint64 // the hash of the role that is assumed: ten principals share one
	form    identityForm
}

type identityForm uint8

const (
	assumedRole identityForm = iota
	iamUser
	awsService
	root
)

func (g *Generator) principal(account string, accountNumber int, number uint32) principal {
	base := g.seed ^ uint64(accountNumber+1)<<48
	p := principal{account: account, number: number, hash: mix(base ^ uint64(number)), role: mix(base ^ uint64(1+number/10)<<32)}
	switch r := p.hash >> 40 % 100; {
	case number == principals/4:
		p.form = root
	case r < 24:
		p.form = iamUser
	case r < 28:
		p.form = awsService
	}
	return p
}

// appendIdentity appends the value of userIdentity at a time.
func (p *principal) appendIdentity(b []byte, unix int64) []byte {
	switch p.form {
	case iamUser:
		b = append(b, `{"type":"IAMUser","principalId":"AIDA`...)
		b = appendKey(b, p.hash, 17)
		b = append(b, `","arn":"arn:aws:iam::`...)
		b = append(b, p.account...)
		b = append(b, `:user/`...)
		b = p.appendName(b)
		b = append(b, `","accountId":"`...)
		b = append(b, p.account...)
		b = append(b, `","accessKeyId":"AKIA`...)
		b = appendKey(b, mix(p.hash), 16)
		b = append(b, `","userName":"`...)
		b = p.appendName(b)
		return append(b, `"}`...)
	case awsService:
		b = append(b, `{"type":"AWSService","invokedBy":"`...)
		b = p.appendService(b)
		return append(b, `"}`...)
	case root:
		b = append(b, `{"type":"Root","principalId":"`...)
		b = append(b, p.account...)
		b = append(b, `","arn":"arn:aws:iam::`...)
		b = append(b, p.account...)
		b = append(b, `:root","accountId":"`...)
		b = append(b, p.account...)
		b = append(b, `","accessKeyId":"ASIA`...)
		b = appendKey(b, p.session(unix), 16)
		b = append(b, `","sessionContext":{"attributes":{"creationDate":"`...)
		b = appendTime(b, p.sessionStart(unix))
		return append(b, `","mfaAuthenticated":"true"}}}`...)
	}
	b = append(b, `{"type":"AssumedRole","principalId":"AROA`...)
	b = appendKey(b, p.role, 17)
	b = append(b, ':')
	b = p.appendName(b)
	b = append(b, `","arn":"arn:aws:sts::`...)
	b = append(b, p.account...)
	b = append(b, `:assumed-role/`...)
	b = p.appendRole(b)
	b = append(b, '/')
	b = p.appendName(b)
	b = append(b, `","accountId":"`...)
	b = append(b, p.account...)
	b = append(b, `","accessKeyId":"ASIA`...)
	b = appendKey(b, p.session(unix), 16)
	b = append(b, `","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA`...)
	b = appendKey(b, p.role, 17)
	b = append(b, `","arn":"arn:aws:iam::`...)
	b = append(b, p.account...)
	b = append(b, `:role/`...)
	b = p.appendRole(b)
	b = append(b, `","accountId":"`...)
	b = append(b, p.account...)
	b = append(b, `","userName":"`...)
	b = p.appendRole(b)
	b = append(b, `"},"webIdFederationData":{},"attributes":{"creationDate":"`...)
	b = appendTime(b, p.sessionStart(unix))
	return append(b, `","mfaAuthenticated":"false"}}}`...)
}

// sessionStart is when the session began that the principal uses at a time.
// Sessions of different principals do not change at the same moment.
func (p *principal) sessionStart(unix int64) int64 {
	offset := int64(p.hash % sessionSeconds)
	return unix - (unix+offset)%sessionSeconds
}

func (p *principal) session(unix int64) uint64 { return mix(p.hash ^ uint64(p.sessionStart(unix))) }

func (p *principal) appendRole(b []byte) []byte {
	b = appendWord(b, p.role)
	b = append(b, '-')
	b = appendWord(b, p.role>>16)
	if p.role>>32&1 == 0 {
		return append(b, "-role"...)
	}
	return append(b, "-ServiceRole"...)
}

// appendName appends the user's name, or the name of the role's session.
func (p *principal) appendName(b []byte) []byte {
	switch {
	case p.form == assumedRole && p.hash&3 == 0:
		return appendHex(append(b, "i-0"...), p.hash, 16)
	case p.form == assumedRole && p.hash&3 == 1:
		b = append(b, "botocore-session-"...)
		return strconv.AppendUint(b, 1700000000+uint64(p.number), 10)
	}
	b = appendWord(b, p.hash>>8)
	b = append(b, '.')
	b = appendWord(b, p.hash>>24)
	b = strconv.AppendUint(b, uint64(p.number), 10)
	if p.form == assumedRole {
		b = append(b, "@example.com"...)
	}
	return b
}

var services = [...]string{
	"autoscaling.amazonaws.com", "cloudtrail.amazonaws.com", "config.amazonaws.com", "ec2.amazonaws.com",
	"ecs-tasks.amazonaws.com", "elasticloadbalancing.amazonaws.com", "lambda.amazonaws.com", "rds.amazonaws.com",
}

func (p *principal) appendService(b []byte) []byte {
	return append(b, services[p.hash%uint64(len(services))]...)
}

// appendAddress appends the value of sourceIPAddress.
func (p *principal) appendAddress(b []byte) []byte {
	switch {
	case p.form == awsService:
		return p.appendService(b)
	case p.hash>>50&1 == 0:
		return appendPrivateIP(b, p.hash>>12)
	}
	return appendPublicIP(b, p.hash>>12)
}

var userAgents = [...]string{
	"Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#5.10.218-208.862.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.131",
	"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.173.0",
	"APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.58.0 (+https://terraform.example.com/providers/hashicorp/aws) aws-sdk-go-v2/1.30.1 os/linux lang/go#1.22.4",
	"aws-cli/2.17.9 md/awscrt#0.20.11 ua/2.0 os/linux#6.1.94-99.176.amzn2023.x86_64 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/command#ec2.describe-instances",
	"aws-sdk-java/2.26.20 Linux/5.10.219 OpenJDK_64-Bit_Server_VM/17.0.11+9-LTS Java/17.0.11 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/legacy",
	"amazon-ssm-agent/3.3.551.0", "AWS Internal", "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.218 OpenJDK_64-Bit_Server_VM/25.412-b09 java/1.8.0_412 vendor/Oracle_Corporation cfg/retry-mode/standard",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
	"kube-controller-manager/v1.29.4 aws-sdk-go/1.51.14 (go1.21.9; linux; amd64)",
}

func (p *principal) appendUserAgent(b []byte) []byte {
	if p.form == awsService {
		return p.appendService(b)
	}
	return append(b, userAgents[p.hash>>20%uint64(len(userAgents))]...)
}

// appendKey appends letters of an identifier that AWS gives out, made from h.
func appendKey(b []byte, h uint64, n int) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	for i := range n {
		if i == 12 {
			h = mix(h)
		}
		b = append(b, alphabet[h&31])
		h >>= 5
	}
	return b
}
