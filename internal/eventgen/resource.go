package eventgen

// A kind is a kind of resource. Each has its own share of the resources.
type kind uint8

const (
	none kind = iota
	alarm
	autoScalingGroup
	bucket
	cluster
	database
	function
	image
	instance
	kmsKey
	loadBalancer
	logGroup
	parameter
	policy
	queue
	repository
	role
	secret
	securityGroup
	stack
	subnet
	table
	topic
	volume
	numKinds
)

// appendResource appends the name of resource number i of a kind. It depends
// on the numbers alone, so that no table of names is kept.
func (g *Generator) appendResource(b []byte, k kind, i uint32) []byte {
	h := mix(g.seed ^ uint64(k)<<40 ^ uint64(i))
	switch k {
	case instance:
		return appendHex(append(b, "i-0"...), h, 16)
	case volume:
		return appendHex(append(b, "vol-0"...), h, 16)
	case securityGroup:
		return appendHex(append(b, "sg-0"...), h, 16)
	case subnet:
		return appendHex(append(b, "subnet-0"...), h, 16)
	case image:
		return appendHex(append(b, "ami-0"...), h, 16)
	case kmsKey:
		return appendUUID(b, h, mix(h))
	case parameter, logGroup:
		if k == logGroup {
			b = append(b, "/aws/lambda"...)
		}
		b = appendWord(append(b, '/'), h)
		b = appendWord(append(b, '/'), h>>16)
		return appendHex(append(b, '-'), h>>32, 5)
	}
	b = appendWord(b, h)
	b = append(b, '-')
	b = appendWord(b, h>>16)
	b = append(b, '-')
	return appendHex(b, h>>32, 5)
}

// appendResources appends the member that lists the resources acted on, which
// the records of a few services have.
func (g *Generator) appendResources(b []byte, op *operation, i uint32, account, region string) []byte {
	var typ, service, prefix string
	switch op.kind {
	case bucket:
		b = append(b, `"resources":[`...)
		if op.access >= readData {
			b = append(b, `{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::`...)
			b = g.appendResource(b, bucket, i)
			b = append(b, `/"},`...)
		}
		b = append(b, `{"accountId":"`...)
		b = append(b, account...)
		b = append(b, `","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::`...)
		b = g.appendResource(b, bucket, i)
		return append(b, `"}],`...)
	case kmsKey:
		typ, service, prefix = "AWS::KMS::Key", "kms", "key/"
	case table:
		typ, service, prefix = "AWS::DynamoDB::Table", "dynamodb", "table/"
	case role:
		if op.source != "sts" {
			return b
		}
		typ, service, region, prefix = "AWS::IAM::Role", "iam", "", "role/"
	case function:
		if op.access < readData {
			return b
		}
		typ, service, prefix = "AWS::Lambda::Function", "lambda", "function:"
	default:
		return b
	}
	b = append(b, `"resources":[{"accountId":"`...)
	b = append(b, account...)
	b = append(b, `","type":"`...)
	b = append(b, typ...)
	b = append(b, `","ARN":"arn:aws:`...)
	b = append(b, service...)
	b = append(b, ':')
	b = append(b, region...)
	b = append(b, ':')
	b = append(b, account...)
	b = append(b, ':')
	b = append(b, prefix...)
	b = g.appendResource(b, op.kind, i)
	return append(b, `"}],`...)
}
