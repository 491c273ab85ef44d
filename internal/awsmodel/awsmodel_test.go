package awsmodel_test

import (
	"bytes"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/internal/awsmodel"
)

func operation(t testing.TB, service, name string) *awsmodel.Operation {
	t.Helper()
	s, ok := awsmodel.Service(service)
	if !ok {
		t.Fatalf("no service %s", service)
	}
	op, ok := s.Operation(name)
	if !ok {
		t.Fatalf("no operation %s.%s", service, name)
	}
	return op
}

func ids(services []*awsmodel.ServiceModel) string {
	var names []string
	for _, s := range services {
		names = append(names, s.ID)
	}
	return strings.Join(names, " ")
}

// The table has all services and operations, and stays small.
func TestTable(t *testing.T) {
	t.Parallel()
	services, operations := awsmodel.Services(), 0
	for _, s := range services {
		operations += s.Len()
		if got, ok := awsmodel.Service(s.ID); !ok || got != s {
			t.Errorf("Service(%q) is not the one listed", s.ID)
		}
		for name, found := range map[string][]*awsmodel.ServiceModel{
			"signing name": awsmodel.BySigningName(s.SigningName), "endpoint prefix": awsmodel.ByEndpointPrefix(s.EndpointPrefix),
			"event source": awsmodel.ByEventSource(s.EventSource),
		} {
			if !slices.Contains(found, s) {
				t.Errorf("%s is not found by its %s", s.ID, name)
			}
		}
		if s.TargetPrefix != "" && !slices.Contains(awsmodel.ByTarget(s.TargetPrefix), s) {
			t.Errorf("%s is not found by its target %s", s.ID, s.TargetPrefix)
		}
	}
	if len(services) < 424 || operations < 18378 {
		t.Errorf("%d services with %d operations, botocore 1.43.11 has 424 with 18378", len(services), operations)
	}
	if !slices.IsSortedFunc(services, func(a, b *awsmodel.ServiceModel) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the services are not in order")
	}
	if info, err := os.Stat("models.bin"); err != nil || info.Size() > 3<<20 {
		t.Errorf("models.bin: %v, error %v; want at most 3 MiB", info.Size(), err)
	}
	t.Logf("%s: %d services, %d operations", awsmodel.Source(), len(services), operations)
}

func TestServiceFacts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, signing, endpoint, source, protocols, target, version string }{
		{"cloudtrail", "cloudtrail", "cloudtrail", "cloudtrail.amazonaws.com", "json", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "2013-11-01"},
		{"cloudwatch", "monitoring", "monitoring", "monitoring.amazonaws.com", "smithy-rpc-v2-cbor json query", "GraniteServiceVersion20100801", "2010-08-01"},
		{"s3", "s3", "s3", "s3.amazonaws.com", "rest-xml", "", "2006-03-01"},
		{"s3control", "s3", "s3-control", "s3.amazonaws.com", "rest-xml", "", "2018-08-20"},
		{"ec2", "ec2", "ec2", "ec2.amazonaws.com", "ec2", "", "2016-11-15"},
		{"sts", "sts", "sts", "sts.amazonaws.com", "query", "", "2011-06-15"},
		{"iam", "iam", "iam", "iam.amazonaws.com", "query", "", "2010-05-08"},
		{"sns", "sns", "sns", "sns.amazonaws.com", "query", "", "2010-03-31"},
		{"sqs", "sqs", "sqs", "sqs.amazonaws.com", "json", "AmazonSQS", "2012-11-05"},
		{"lambda", "lambda", "lambda", "lambda.amazonaws.com", "rest-json", "", "2015-03-31"},
		{"dynamodb", "dynamodb", "dynamodb", "dynamodb.amazonaws.com", "json", "DynamoDB_20120810", "2012-08-10"},
		{"elbv2", "elasticloadbalancing", "elasticloadbalancing", "elasticloadbalancing.amazonaws.com", "query", "", "2015-12-01"},
		{"ses", "ses", "email", "ses.amazonaws.com", "query", "", "2010-12-01"},
		{"servicecatalog-appregistry", "servicecatalog", "servicecatalog-appregistry", "servicecatalog-appregistry.amazonaws.com", "rest-json", "", "2020-06-24"},
	} {
		s, ok := awsmodel.Service(tt.id)
		if !ok {
			t.Errorf("no service %s", tt.id)
			continue
		}
		var protocols []string
		for _, p := range s.Protocols {
			protocols = append(protocols, p.String())
		}
		got := []string{s.SigningName, s.EndpointPrefix, s.EventSource, strings.Join(protocols, " "), s.TargetPrefix, s.APIVersion}
		want := []string{tt.signing, tt.endpoint, tt.source, tt.protocols, tt.target, tt.version}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", tt.id, got, want)
		}
	}
	if got := ids(awsmodel.BySigningName("rds")); got != "docdb neptune rds" {
		t.Errorf("signed as rds: %s", got)
	}
	if got := ids(awsmodel.BySigningName("monitoring")); got != "cloudwatch" {
		t.Errorf("signed as monitoring: %s", got)
	}
	if awsmodel.BySigningName("nothing") != nil {
		t.Error("a service signs as nothing")
	}
	if _, ok := awsmodel.Service("nothing"); ok {
		t.Error("there is a service nothing")
	}
}

// Clients write a target in full or from its last dot on.
func TestParseTarget(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents": "cloudtrail.LookupEvents",
		"CloudTrail_20131101.LookupEvents":                                    "cloudtrail.LookupEvents",
		"Timestream_20181101.WriteRecords":                                    "timestream-write.WriteRecords",
		"Timestream_20181101.Query":                                           "timestream-query.Query",
		"TrentService.Decrypt":                                                "kms.Decrypt",
		"DynamoDBStreams_20120810.GetRecords":                                 "dynamodbstreams.GetRecords",
		"TrentService.Nothing":                                                "",
		"TrentService":                                                        "",
		"":                                                                    "",
	} {
		got := ""
		if op, ok := awsmodel.ParseTarget(target); ok {
			got = op.Service.ID + "." + op.Name
		}
		if got != want {
			t.Errorf("ParseTarget(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service, name, event string
		readOnly, data       bool
	}{
		{"cloudtrail", "LookupEvents", "LookupEvents", true, false},
		{"cloudtrail", "StopLogging", "StopLogging", false, false},
		{"s3", "ListObjectsV2", "ListObjects", true, true},
		{"s3", "PutBucketLifecycleConfiguration", "PutBucketLifecycle", false, false},
		{"s3", "GetBucketAccelerateConfiguration", "GetAccelerateConfiguration", true, false},
		{"s3", "DeleteBucketLifecycle", "DeleteBucketLifecycle", false, false},
		{"s3", "PutPublicAccessBlock", "PutBucketPublicAccessBlock", false, false},
		{"s3", "HeadObject", "HeadObject", true, true},
		{"s3", "SelectObjectContent", "SelectObjectContent", true, true},
		{"s3", "CopyObject", "CopyObject", false, true},
		{"s3", "ListBuckets", "ListBuckets", true, false},
		{"s3control", "GetPublicAccessBlock", "GetAccountPublicAccessBlock", true, false},
		{"lambda", "CreateFunction", "CreateFunction20150331", false, false},
		{"lambda", "UpdateFunctionCode", "UpdateFunctionCode20150331v2", false, false},
		{"lambda", "Invoke", "Invoke", false, true},
		{"dynamodb", "Query", "Query", true, true},
		{"dynamodb", "PutItem", "PutItem", false, true},
		{"dynamodb", "CreateTable", "CreateTable", false, false},
		{"kms", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", true, false},
		{"sts", "AssumeRoleWithWebIdentity", "AssumeRoleWithWebIdentity", true, false},
		{"sns", "Publish", "Publish", false, true},
		{"sqs", "ReceiveMessage", "ReceiveMessage", true, true},
		{"sqs", "SetQueueAttributes", "SetQueueAttributes", false, false},
		{"cloudwatch", "PutMetricData", "PutMetricData", false, true},
		{"ec2", "RunInstances", "RunInstances", false, false},
		{"iam", "GetUser", "GetUser", true, false},
		{"cloudfront", "CreateDistribution", "CreateDistribution", false, false},
		{"guardduty", "IsNot", "", false, false},
	} {
		s, _ := awsmodel.Service(tt.service)
		op, ok := s.Operation(tt.name)
		if ok != (tt.event != "") {
			t.Errorf("%s.%s: found %v", tt.service, tt.name, ok)
		}
		if !ok {
			continue
		}
		if op.EventName != tt.event || op.ReadOnly != tt.readOnly || op.Data != tt.data {
			t.Errorf("%s.%s: event %s, readOnly %v, data %v; want %s, %v, %v",
				tt.service, tt.name, op.EventName, op.ReadOnly, op.Data, tt.event, tt.readOnly, tt.data)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	lookup := operation(t, "cloudtrail", "LookupEvents")
	if m := lookup.Input().Member("LookupAttributes"); m == nil || m.Shape().Kind != awsmodel.List ||
		!m.Shape().Element.Shape().Member("AttributeKey").Required {
		t.Error("LookupEvents' LookupAttributes is not a list of attributes with a required key")
	}
	codes := []string{}
	for _, e := range lookup.Errors() {
		codes = append(codes, e.Code)
	}
	if !slices.Contains(codes, "InvalidTimeRangeException") {
		t.Errorf("LookupEvents' errors are %v", codes)
	}

	put := operation(t, "s3", "PutObject")
	in := put.Input()
	if m := in.Member("SSECustomerKey"); m.Location != awsmodel.Header ||
		m.WireName != "x-amz-server-side-encryption-customer-key" || !m.Shape().Sensitive {
		t.Errorf("PutObject's SSECustomerKey: %+v", m)
	}
	if m := in.Member("Metadata"); m.Location != awsmodel.Headers || m.WireName != "x-amz-meta-" || m.Shape().Kind != awsmodel.Map {
		t.Errorf("PutObject's Metadata: %+v", m)
	}
	if m := in.PayloadMember(); m == nil || m.Name != "Body" || !put.StreamingInput() || put.StreamingOutput() {
		t.Errorf("PutObject's payload is %+v", m)
	}
	if m := in.Member("Expires"); m.Shape().Kind != awsmodel.Timestamp && m.Shape().Kind != awsmodel.String {
		t.Errorf("PutObject's Expires is %v", m.Shape().Kind)
	}
	if !operation(t, "s3", "SelectObjectContent").StreamingOutput() || !operation(t, "s3", "GetObject").StreamingOutput() {
		t.Error("S3's streams do not stream")
	}
	acl := operation(t, "s3", "PutBucketAcl").Input().PayloadMember()
	if acl.WireName != "AccessControlPolicy" || acl.XMLNamespace == "" {
		t.Errorf("PutBucketAcl's payload: %+v", acl)
	}
	grantee := acl.Shape().Member("Grants").Shape().Element.Shape().Member("Grantee")
	if m := grantee.Shape().Member("Type"); !m.XMLAttribute || m.WireName != "xsi:type" {
		t.Errorf("Grantee's Type: %+v", m)
	}

	run := operation(t, "ec2", "RunInstances")
	if m := run.Input().Member("Ipv6Addresses"); m.EC2Name() != "Ipv6Address" && m.EC2Name() != "Ipv6Addresses" {
		t.Errorf("RunInstances' Ipv6Addresses is %s in queries", m.EC2Name())
	}
	if m := run.Input().Member("DryRun"); m.WireName != "dryRun" || m.EC2Name() != "DryRun" {
		t.Errorf("RunInstances' DryRun is %s, %s in queries", m.WireName, m.EC2Name())
	}
	instances := run.Output().Member("Instances")
	if instances.WireName != "instancesSet" || instances.Shape().Element.WireName != "item" {
		t.Errorf("RunInstances' Instances are %s.%s", instances.WireName, instances.Shape().Element.WireName)
	}
	if run.Output().MemberOnWire("instancesSet") != instances || run.Output().MemberOnWire("nothing") != nil {
		t.Error("RunInstances' instancesSet is not found")
	}

	if op := operation(t, "sts", "GetCallerIdentity"); op.ResultWrapper != "GetCallerIdentityResult" || op.Method != "POST" {
		t.Errorf("GetCallerIdentity: wrapper %q, method %s", op.ResultWrapper, op.Method)
	}
	if op := operation(t, "sts", "AssumeRoleWithWebIdentity"); !op.Unsigned {
		t.Error("AssumeRoleWithWebIdentity needs a signature")
	}
	if m := operation(t, "sqs", "SendMessageBatch").Input().Member("Entries").Shape(); !m.Flattened {
		t.Error("SQS' entries are not flattened")
	}
	for _, e := range operation(t, "sqs", "GetQueueUrl").Errors() {
		if e.Name == "QueueDoesNotExist" && e.Status != 400 && e.Status != 0 {
			t.Errorf("QueueDoesNotExist has status %d", e.Status)
		}
	}
	if e := operation(t, "iam", "GetUser").Errors()[0]; e.Code != "NoSuchEntity" || e.Status != 404 || e.Name != "NoSuchEntityException" {
		t.Errorf("GetUser's error: %s %s %d", e.Name, e.Code, e.Status)
	}
	// DynamoDB's values hold lists and maps of themselves.
	value := operation(t, "dynamodb", "PutItem").Input().Member("Item").Shape().Value.Shape()
	if value.Member("L").Shape().Element.Shape() != value || value.Member("B").Shape().Kind != awsmodel.Blob {
		t.Error("an AttributeValue's list is not one of AttributeValues")
	}
	if op := operation(t, "cloudwatch", "PutMetricData"); op.Input() == nil || !op.Service.QueryCompatible {
		t.Error("CloudWatch does not name its query errors")
	}
}

// Every operation and shape can be read, and leads nowhere that cannot.
func TestEverythingReads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped by -short: reads all services")
	}
	shapes := 0
	for _, s := range awsmodel.Services() {
		seen := map[*awsmodel.Shape]bool{}
		operations := s.Operations()
		if len(operations) != s.Len() {
			t.Errorf("%s has %d operations, not %d", s.ID, len(operations), s.Len())
		}
		for _, op := range operations {
			if found, ok := s.Operation(op.Name); !ok || found != op {
				t.Errorf("%s.%s is not found by its name", s.ID, op.Name)
			}
			if op.Method == "" || !strings.HasPrefix(op.URI, "/") {
				t.Errorf("%s.%s: %s %s", s.ID, op.Name, op.Method, op.URI)
			}
			for _, shape := range append(op.Errors(), op.Input(), op.Output()) {
				walk(t, shape, seen)
			}
		}
		shapes += len(seen)
	}
	if shapes < 66000 {
		t.Errorf("%d shapes", shapes)
	}
}

func walk(t *testing.T, s *awsmodel.Shape, seen map[*awsmodel.Shape]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if s.Kind.String() == "unknown" {
		t.Errorf("shape of kind %d", s.Kind)
	}
	if s.Kind == awsmodel.List && s.Element == nil || s.Kind == awsmodel.Map && (s.Key == nil || s.Value == nil) {
		t.Errorf("a %v without its parts", s.Kind)
	}
	for i := range s.Members {
		m := &s.Members[i]
		if s.Member(m.Name) != m || m.WireName == "" {
			t.Errorf("member %q on the wire %q", m.Name, m.WireName)
		}
		walk(t, m.Shape(), seen)
	}
	for _, m := range []*awsmodel.Member{s.Element, s.Key, s.Value} {
		if m != nil {
			walk(t, m.Shape(), seen)
		}
	}
}

// Many may ask at once for what nobody asked for before, and get the same.
func TestConcurrentLoad(t *testing.T) {
	t.Parallel()
	services := awsmodel.Services()[100:140]
	first := make([][]*awsmodel.Shape, 8)
	var wg sync.WaitGroup
	for g := range first {
		wg.Go(func() {
			for _, s := range services {
				for _, op := range s.Operations() {
					first[g] = append(first[g], op.Input(), op.Output())
					s.Match(awsmodel.Request{Method: op.Method, Path: op.URI})
				}
			}
		})
	}
	wg.Wait()
	for g := range first {
		if !slices.Equal(first[g], first[0]) {
			t.Errorf("goroutine %d got other shapes than goroutine 0", g)
		}
	}
}

func TestEventRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, host, region, want string }{
		{"iam", "iam.amazonaws.com", "eu-west-1", "us-east-1"},
		{"iam", "localhost:8080", "eu-west-1", "us-east-1"},
		{"sts", "sts.amazonaws.com", "eu-west-1", "us-east-1"},
		{"sts", "sts.eu-west-1.amazonaws.com", "eu-west-1", "eu-west-1"},
		{"organizations", "", "eu-west-1", "us-east-1"},
		{"networkmanager", "", "eu-west-1", "us-west-2"},
		{"s3", "s3.amazonaws.com", "eu-west-1", "eu-west-1"},
		{"guardduty", "", "eu-west-1", "eu-west-1"},
	} {
		s, _ := awsmodel.Service(tt.service)
		if got := s.EventRegion(tt.host, tt.region); got != tt.want {
			t.Errorf("%s at %q in %s: recorded in %s, want %s", tt.service, tt.host, tt.region, got, tt.want)
		}
	}
}

// The generator and the reader agree on the layout.
func TestLayoutCopies(t *testing.T) {
	t.Parallel()
	ours, err := os.ReadFile("layout.go")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("gen/layout.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, bytes.Replace(theirs, []byte("package main"), []byte("package awsmodel"), 1)) {
		t.Error("layout.go and gen/layout.go differ by more than their package")
	}
}

// BenchmarkLoad prints what it takes to unpack a service and read one operation, over
// all services, each for the first time. It measures once, whatever b.N is.
func BenchmarkLoad(b *testing.B) {
	type timing struct {
		id   string
		took time.Duration
	}
	start := time.Now()
	services := awsmodel.Services()
	index := time.Since(start)
	for b.Loop() {
	}
	var timings []timing
	for _, s := range services {
		if s.Len() == 0 {
			continue
		}
		start := time.Now()
		s.Operation("Describe")
		timings = append(timings, timing{s.ID, time.Since(start)})
	}
	sort.Slice(timings, func(i, j int) bool { return timings[i].took < timings[j].took })
	n := len(timings)
	b.Logf("index %v; median %v, 99 %% %v, worst %v %v, %v %v", index, timings[n/2].took, timings[n*99/100].took,
		timings[n-1].id, timings[n-1].took, timings[n-2].id, timings[n-2].took)
}
