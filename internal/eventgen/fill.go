package eventgen

// A fill is a list of service-shaped items that pads a record's
// requestParameters until the record has the size that was drawn for it: the
// filters of a Describe call, the tags of a new resource, the statements of a
// policy. Zero pads nothing.
type fill uint8

const (
	_ fill = iota
	attributes
	context
	document
	filters
	names
	parameters
	query
	tagSet
	tagSpecification
	tags
	targets
	numFills
)

// A filling is the text of a fill: before, between and behind its items.
type filling struct {
	open, separator, close string
	items                  []template
}

var fillings = [numFills]filling{
	attributes: {`"attributes":{`, `,`, `}`, compileAll(
		`"retentionPeriodSeconds$i":"$n3"`, `"endpointUrl$i":"https://$w.internal.example.com/"`, `"serviceRoleArn$i":"arn:aws:iam::$a:role/service-role/$w"`, `"encryptionInTransitEnabled$i":true`, `"maintenanceWindow$i":"sun:0$n1:00-sun:0$n1:30"`)},
	context: {`"encryptionContext":{`, `,`, `}`, compileAll(
		`"aws:lambda:FunctionArn$i":"arn:aws:lambda:$g:$a:function:$w-$w"`, `"SecretARN$i":"arn:aws:secretsmanager:$g:$a:secret:production/$w"`, `"aws:s3:arn$i":"arn:aws:s3:::$w-$w-encrypted/"`, `"PARAMETER_ARN$i":"arn:aws:ssm:$g:$a:parameter/production/$w"`, `"aws:ebs:id$i":"vol-0$h8"`)},
	document: {`"policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[`, `,`, `]}"`, compileAll(
		`{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::$w-$w/*\"}`,
		`{\n  \"Effect\": \"Allow\",\n  \"Action\": \"sts:AssumeRole\",\n  \"Principal\": {\"AWS\": \"arn:aws:iam::$a:role/$w-$w\"}\n}`,
		`{\"Sid\":\"$w$h4\",\"Effect\":\"Deny\",\"Action\":\"$w:*\",\"Resource\":\"*\",\"Condition\":{\"StringNotEquals\":{\"aws:PrincipalAccount\":\"$a\"}}}`)},
	filters: {`"filterSet":{"items":[`, `,`, `]}`, compileAll(
		`{"name":"tag:$w","valueSet":{"items":[{"value":"$w-$w"}]}}`, `{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},{"value":"pending"}]}}`,
		`{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0$h16"}]}}`, `{"name":"tag-key","valueSet":{"items":[{"value":"kubernetes.io/cluster/$w"}]}}`,
		`{"name":"availability-zone","valueSet":{"items":[{"value":"${g}a"},{"value":"${g}b"}]}}`)},
	names: {`"names":[`, `,`, `]`, compileAll(
		`"$w-production"`, `"service/$w/$w-$n2"`, `"arn:aws:elasticloadbalancing:$g:$a:loadbalancer/app/$w"`, `"arn:aws:autoscaling:$g:$a:autoScalingGroup:autoScalingGroupName/$w-workers"`)},
	parameters: {`"parameters":[`, `,`, `]`, compileAll(
		`{"parameterKey":"$w","parameterValue":"$w-$w"}`, `{"parameterKey":"$w","usePreviousValue":true}`, `{"parameterKey":"$w","parameterValue":"$n3"}`,
		`{"parameterKey":"$w","parameterValue":"arn:aws:sns:$g:$a:$w-$w"}`)},
	query: {`"options":{`, `,`, `}`, compileAll(
		`"expression$i":"contains(resource.tags.environment, '$w')"`, `"sort$i":{"attribute":"LastModifiedTime","order":"DESCENDING"}`, `"include$i":["Tags","Configuration","LastModifiedTime"]`,
		`"requestedBy$i":"arn:aws:iam::$a:role/service-role/$w-automation"`, `"view$i":{"name":"$w","version":$n1}`)},
	tagSet: {`"tagSet":{"items":[`, `,`, `]}`, compileAll(
		`{"key":"$w","value":"$w"}`, `{"key":"Name","value":"$w-$w-$n2"}`, `{"key":"kubernetes.io/cluster/$w","value":"owned"}`, `{"key":"aws:ec2:fleet-id","value":"fleet-$h8"}`,
		`{"key":"cost-center","value":"$n4"}`)},
	tagSpecification: {`"tagSpecificationSet":{"items":[`, `,`, `]}`, compileAll(
		`{"resourceType":"instance","tags":[{"key":"Name","value":"$w-$w"},{"key":"team","value":"$w"}]}`, `{"resourceType":"volume","tags":[{"key":"$w","value":"$w"},{"key":"run","value":"$h8"}]}`,
		`{"resourceType":"network-interface","tags":[{"key":"kubernetes.io/cluster/$w","value":"owned"}]}`)},
	tags: {`"tags":[`, `,`, `]`, compileAll(
		`{"key":"aws:cloudformation:stack-name","value":"$w-$w"}`, `{"key":"team","value":"$w"}`, `{"key":"aws:cloudformation:logical-id","value":"$w"}`, `{"key":"environment","value":"$w"}`, `{"key":"terraform:workspace","value":"$w-$n2"}`)},
	targets: {`"targets":[`, `,`, `]`, compileAll(
		`{"id":"$p","port":$n4}`, `{"id":"$p","port":8080,"availabilityZone":"${g}a"}`, `{"id":"i-0$h16","port":443}`)},
}

func compileAll(texts ...string) []template {
	templates := make([]template, len(texts))
	for i, text := range texts {
		templates[i] = compile(text)
	}
	return templates
}

// appendFill appends items while b stays shorter than size.
func (g *Generator) appendFill(b []byte, f fill, size int, e *event) []byte {
	s := &fillings[f]
	if f == 0 || len(b)+len(s.open)+40 > size {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, s.open...)
	for first := true; first || len(b)+40 < size; first = false {
		if !first {
			b = append(b, s.separator...)
		}
		e.item++
		b = g.appendTemplate(b, s.items[g.next()%uint64(len(s.items))], e)
	}
	return append(b, s.close...)
}
