package awsmodel_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cairn/internal/awsmodel"
)

func match(t testing.TB, service, method, target string, header http.Header) (string, map[string]string) {
	t.Helper()
	s, ok := awsmodel.Service(service)
	if !ok {
		t.Fatalf("no service %s", service)
	}
	path, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	op, labels, ok := s.Match(awsmodel.Request{Method: method, Path: path, Query: values, Header: header})
	if !ok {
		return "", nil
	}
	return op.Name, labels
}

func TestMatch(t *testing.T) {
	t.Parallel()
	copySource := http.Header{"X-Amz-Copy-Source": {"/a/b"}}
	attributes := http.Header{"X-Amz-Object-Attributes": {"ETag"}}
	for _, tt := range []struct {
		service, request string
		header           http.Header
		want             string // operation and labels
	}{
		{"s3", "GET /", nil, "ListBuckets map[]"},
		{"s3", "GET /?x-id=ListBuckets", nil, "ListBuckets map[]"},
		{"s3", "GET /?x-id=ListDirectoryBuckets", nil, "ListDirectoryBuckets map[]"},
		{"s3", "PUT /b", nil, "CreateBucket map[Bucket:b]"},
		{"s3", "PUT /b/", nil, "CreateBucket map[Bucket:b]"},
		{"s3", "HEAD /b", nil, "HeadBucket map[Bucket:b]"},
		{"s3", "DELETE /b", nil, "DeleteBucket map[Bucket:b]"},
		{"s3", "GET /b", nil, "ListObjects map[Bucket:b]"},
		{"s3", "GET /b?prefix=x&delimiter=%2F", nil, "ListObjects map[Bucket:b]"},
		{"s3", "GET /b/?list-type=2&prefix=x", nil, "ListObjectsV2 map[Bucket:b]"},
		{"s3", "GET /b?list-type=1", nil, "ListObjects map[Bucket:b]"},
		{"s3", "GET /b?versions", nil, "ListObjectVersions map[Bucket:b]"},
		{"s3", "GET /b?uploads", nil, "ListMultipartUploads map[Bucket:b]"},
		{"s3", "GET /b?location", nil, "GetBucketLocation map[Bucket:b]"},
		{"s3", "GET /b?acl", nil, "GetBucketAcl map[Bucket:b]"},
		{"s3", "GET /b?acl=", nil, "GetBucketAcl map[Bucket:b]"},
		{"s3", "GET /b/k?acl", nil, "GetObjectAcl map[Bucket:b Key:k]"},
		{"s3", "GET /b?policy", nil, "GetBucketPolicy map[Bucket:b]"},
		{"s3", "PUT /b?policy", nil, "PutBucketPolicy map[Bucket:b]"},
		{"s3", "DELETE /b?policy", nil, "DeleteBucketPolicy map[Bucket:b]"},
		{"s3", "GET /b?policyStatus", nil, "GetBucketPolicyStatus map[Bucket:b]"},
		{"s3", "GET /b?lifecycle", nil, "GetBucketLifecycleConfiguration map[Bucket:b]"},
		{"s3", "PUT /b?lifecycle", nil, "PutBucketLifecycleConfiguration map[Bucket:b]"},
		{"s3", "PUT /b?notification", nil, "PutBucketNotificationConfiguration map[Bucket:b]"},
		{"s3", "GET /b?analytics", nil, "ListBucketAnalyticsConfigurations map[Bucket:b]"},
		{"s3", "GET /b?analytics&id=1", nil, "GetBucketAnalyticsConfiguration map[Bucket:b]"},
		{"s3", "GET /b?inventory&id=1&x-id=GetBucketInventoryConfiguration", nil, "GetBucketInventoryConfiguration map[Bucket:b]"},
		{"s3", "GET /b?tagging", nil, "GetBucketTagging map[Bucket:b]"},
		{"s3", "GET /b/k?tagging", nil, "GetObjectTagging map[Bucket:b Key:k]"},
		{"s3", "PUT /b?publicAccessBlock", nil, "PutPublicAccessBlock map[Bucket:b]"},
		{"s3", "PUT /b?object-lock", nil, "PutObjectLockConfiguration map[Bucket:b]"},
		{"s3", "POST /b?delete", nil, "DeleteObjects map[Bucket:b]"},
		{"s3", "GET /b?session", nil, "CreateSession map[Bucket:b]"},
		{"s3", "GET /b/k", nil, "GetObject map[Bucket:b Key:k]"},
		{"s3", "GET /b/k?x-id=DeleteBucket", nil, "GetObject map[Bucket:b Key:k]"},
		{"s3", "GET /b/k?x-id=ListParts", nil, "GetObject map[Bucket:b Key:k]"},
		{"s3", "GET /b/a/b%2Fc%20d/?versionId=3", nil, "GetObject map[Bucket:b Key:a/b/c d/]"},
		{"s3", "GET /b//k", nil, "GetObject map[Bucket:b Key:/k]"},
		{"s3", "GET /b/../k", nil, "GetObject map[Bucket:b Key:../k]"},
		{"s3", "GET /b/%zz", nil, "GetObject map[Bucket:b Key:%zz]"},
		{"s3", "HEAD /b/k", nil, "HeadObject map[Bucket:b Key:k]"},
		{"s3", "GET /b/k?attributes", attributes, "GetObjectAttributes map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k", nil, "PutObject map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k", copySource, "CopyObject map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k?partNumber=1&uploadId=u", nil, "UploadPart map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k?partNumber=1&uploadId=u", copySource, "UploadPartCopy map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k?x-id=UploadPart", nil, "PutObject map[Bucket:b Key:k]"},
		{"s3", "POST /b/k?uploads", nil, "CreateMultipartUpload map[Bucket:b Key:k]"},
		{"s3", "POST /b/k?uploadId=u", nil, "CompleteMultipartUpload map[Bucket:b Key:k]"},
		{"s3", "DELETE /b/k?uploadId=u", nil, "AbortMultipartUpload map[Bucket:b Key:k]"},
		{"s3", "DELETE /b/k", nil, "DeleteObject map[Bucket:b Key:k]"},
		{"s3", "GET /b/k?uploadId=u", nil, "ListParts map[Bucket:b Key:k]"},
		{"s3", "POST /b/k?select&select-type=2", nil, "SelectObjectContent map[Bucket:b Key:k]"},
		{"s3", "POST /b/k?restore", nil, "RestoreObject map[Bucket:b Key:k]"},
		{"s3", "PUT /b/k?legal-hold", nil, "PutObjectLegalHold map[Bucket:b Key:k]"},
		{"s3", "POST /WriteGetObjectResponse", nil, "WriteGetObjectResponse map[]"},
		{"s3", "PATCH /b/k", nil, ""},
		{"s3", "PUT /", nil, ""},

		{"lambda", "GET /2015-03-31/functions", nil, "ListFunctions map[]"},
		{"lambda", "GET /2015-03-31/functions/", nil, "ListFunctions map[]"},
		{"lambda", "POST /2015-03-31/functions", nil, "CreateFunction map[]"},
		{"lambda", "GET /2015-03-31/functions/f", nil, "GetFunction map[FunctionName:f]"},
		{"lambda", "POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Af/invocations", nil,
			"Invoke map[FunctionName:arn:aws:lambda:eu-west-1:111122223333:function:f]"},
		{"lambda", "DELETE /2015-03-31/functions/f?Qualifier=1", nil, "DeleteFunction map[FunctionName:f]"},
		{"lambda", "GET /2015-03-31/functions//invocations", nil, ""},
		{"lambda", "GET /", nil, ""},
		{"apigateway", "POST /restapis", nil, "CreateRestApi map[]"},
		{"apigateway", "POST /restapis?mode=import", nil, "ImportRestApi map[]"},
		{"apigateway", "POST /restapis?mode=other", nil, "CreateRestApi map[]"},
		{"apigateway", "GET /restapis/a/resources/r/methods/GET", nil, "GetMethod map[http_method:GET resource_id:r restapi_id:a]"},
		{"route53", "POST /2013-04-01/hostedzone/Z1/rrset/", nil, "ChangeResourceRecordSets map[Id:Z1]"},
		{"route53", "GET /2013-04-01/hostedzone/Z1", nil, "GetHostedZone map[Id:Z1]"},
		{"cloudfront", "POST /2020-05-31/distribution", nil, "CreateDistribution map[]"},
		{"cloudfront", "POST /2020-05-31/distribution?WithTags", nil, "CreateDistributionWithTags map[]"},
		{"cloudfront", "GET /2020-05-31/distribution/E1/config", nil, "GetDistributionConfig map[Id:E1]"},
		{"s3control", "GET /v20180820/configuration/publicAccessBlock", nil, "GetPublicAccessBlock map[]"},
		{"workspaces-web", "PUT /portals/arn%3Aaws%3Aworkspaces-web%3A%3A1%3Aportal/p/browserSettings", nil,
			"AssociateBrowserSettings map[portalArn:arn:aws:workspaces-web::1:portal/p]"},
		{"workspaces-web", "PUT /portals/arn:portal/p", nil, "UpdatePortal map[portalArn:arn:portal/p]"},
		{"workspaces-web", "PUT /portals/browserSettings", nil, "UpdatePortal map[portalArn:browserSettings]"},
		{"sqs", "POST /", nil, ""}, // not a REST service
	} {
		method, target, _ := strings.Cut(tt.request, " ")
		name, labels := match(t, tt.service, method, target, tt.header)
		got := ""
		if name != "" {
			got = fmt.Sprintf("%s %v", name, labels)
		}
		if got != tt.want {
			t.Errorf("%s %s is %q, want %q", tt.service, tt.request, got, tt.want)
		}
	}
}

// Every operation of every REST service is found again by what its own template and
// required members make.
func TestMatchFindsEveryOperation(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped by -short: reads all services")
	}
	checked := 0
	for _, s := range awsmodel.Services() {
		if !s.HasProtocol(awsmodel.RESTJSON) && !s.HasProtocol(awsmodel.RESTXML) {
			continue
		}
		for _, op := range s.Operations() {
			if op.Deprecated && s.ID == "s3" {
				continue // PutBucketLifecycle and its like have the URIs of their successors
			}
			r := request(op)
			found, labels, ok := s.Match(r)
			if !ok || found != op {
				t.Errorf("%s.%s (%s %s) is not found", s.ID, op.Name, op.Method, op.URI)
			}
			for name, value := range labels {
				if value != "value/of "+name {
					t.Errorf("%s.%s: label %s is %q", s.ID, op.Name, name, value)
				}
			}
			checked++
		}
	}
	if checked < 9500 {
		t.Errorf("checked %d operations", checked)
	}
}

// request makes a request of an operation's template and required members.
func request(op *awsmodel.Operation) awsmodel.Request {
	path, query, _ := strings.Cut(op.URI, "?")
	for {
		before, rest, ok := strings.Cut(path, "{")
		if !ok {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		path = before + "value%2Fof%20" + strings.TrimSuffix(name, "+") + after
	}
	r := awsmodel.Request{Method: op.Method, Path: path, Header: http.Header{}}
	r.Query, _ = url.ParseQuery(query)
	r.Query.Set("x-id", op.Name)
	if in := op.Input(); in != nil {
		for _, m := range in.Members {
			switch {
			case !m.Required:
			case m.Location == awsmodel.QueryParam:
				r.Query.Set(m.WireName, "1")
			case m.Location == awsmodel.Header:
				r.Header.Set(m.WireName, "1")
			}
		}
	}
	return r
}

// No path makes the router fail, and what it finds has the request's method and all
// labels of its template.
func FuzzMatch(f *testing.F) {
	f.Add("GET", "/b/k", "acl")
	f.Add("PUT", "//", "partNumber=1&uploadId")
	f.Add("POST", "", "&=&;%")
	f.Add("GET", "/v20180820/mrap/instances/a/b/policy", "")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		values, _ := url.ParseQuery(query)
		for _, id := range []string{"s3", "s3control", "lambda", "workspaces-web"} {
			s, _ := awsmodel.Service(id)
			op, labels, ok := s.Match(awsmodel.Request{Method: method, Path: path, Query: values})
			if !ok {
				continue
			}
			template, _, _ := strings.Cut(op.URI, "?")
			if op.Method != method || strings.Count(template, "{") != len(labels) {
				t.Errorf("%s %s is %s.%s with %v", method, path, id, op.Name, labels)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	s, _ := awsmodel.Service("s3")
	r := awsmodel.Request{Method: "PUT", Path: "/bucket/key", Query: url.Values{"partNumber": {"1"}, "uploadId": {"u"}}}
	b.ReportAllocs()
	for b.Loop() {
		s.Match(r)
	}
}
