package s3

import (
	"context"
	"crypto/tls"
	"reflect"
	"strconv"
	"strings"

	"cairn/aws"
)

// versionForms are the actions on a version of an object that the request names.
var versionForms = map[string]string{
	"s3:GetObject":           "s3:GetObjectVersion",
	"s3:GetObjectAcl":        "s3:GetObjectVersionAcl",
	"s3:PutObjectAcl":        "s3:PutObjectVersionAcl",
	"s3:GetObjectTagging":    "s3:GetObjectVersionTagging",
	"s3:PutObjectTagging":    "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
	"s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
	"s3:DeleteObject":        "s3:DeleteObjectVersion",
}

// memberKeys are the condition keys that are a member of the request.
var memberKeys = map[string]string{
	"ACL":                       "s3:x-amz-acl",
	"CopySource":                "s3:x-amz-copy-source",
	"CreateBucketConfiguration": "s3:LocationConstraint",
	"Delimiter":                 "s3:delimiter",
	"GrantFullControl":          "s3:x-amz-grant-full-control",
	"GrantRead":                 "s3:x-amz-grant-read",
	"GrantReadACP":              "s3:x-amz-grant-read-acp",
	"GrantWrite":                "s3:x-amz-grant-write",
	"GrantWriteACP":             "s3:x-amz-grant-write-acp",
	"IfMatch":                   "s3:if-match",
	"IfNoneMatch":               "s3:if-none-match",
	"MaxKeys":                   "s3:max-keys",
	"MetadataDirective":         "s3:x-amz-metadata-directive",
	"ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold",
	"ObjectOwnership":           "s3:x-amz-object-ownership",
	"Prefix":                    "s3:prefix",
	"SSECustomerAlgorithm":      "s3:x-amz-server-side-encryption-customer-algorithm",
	"SSEKMSKeyId":               "s3:x-amz-server-side-encryption-aws-kms-key-id",
	"ServerSideEncryption":      "s3:x-amz-server-side-encryption",
	"StorageClass":              "s3:x-amz-storage-class",
	"VersionId":                 "s3:VersionId",
	"WebsiteRedirectLocation":   "s3:x-amz-website-redirect-location",
}

// on is for operations that need one permission on the bucket or the object that
// the request names.
func on[In any](s *Service, action string) aws.Option {
	return needs(s, func(_ context.Context, _ *aws.Call, _ *In, own aws.Permission) ([]aws.Permission, error) {
		return []aws.Permission{own}, nil
	}, action)
}

// needs is for operations that need more than one permission, or another one now
// and then. The function gets the one that follows from the request's members.
func needs[In any](s *Service, more func(context.Context, *aws.Call, *In, aws.Permission) ([]aws.Permission, error), action string) aws.Option {
	members := membersOf(reflect.TypeFor[In]())
	return aws.Needs(func(ctx context.Context, c *aws.Call, in *In) ([]aws.Permission, error) {
		own, err := s.permission(ctx, c, members, reflect.ValueOf(in).Elem(), action)
		if err != nil {
			return nil, err
		}
		return more(ctx, c, in, own)
	})
}

// membersOf returns the places of an input's members that decide about access.
func membersOf(t reflect.Type) map[string]int {
	members := make(map[string]int)
	for i := range t.NumField() {
		switch name := t.Field(i).Name; {
		case memberKeys[name] != "", name == "Bucket", name == "Key", name == "Tagging", name == "ExpectedBucketOwner":
			members[name] = i
		}
	}
	return members
}

func (s *Service) permission(ctx context.Context, c *aws.Call, members map[string]int, in reflect.Value, action string) (aws.Permission, error) {
	member := func(name string) string {
		if i, ok := members[name]; ok {
			text, _ := textOf(in.Field(i))
			return text
		}
		return ""
	}
	need := aws.Permission{Action: action, Resource: bucketARN("*"), Keys: make(map[string][]string)}
	name, key, version := member("Bucket"), member("Key"), member("VersionId")
	if name != "" {
		need.Resource = bucketARN(name)
	}
	if key != "" {
		need.Resource = objectARN(name, key)
	}
	if form := versionForms[action]; version != "" && form != "" {
		need.Action = form
	}
	requestedKeys(members, in, need.Keys)
	if creates, ok := creationOperations[c.Operation]; ok && action == "s3:PutObject" {
		need.Keys["s3:ObjectCreationOperation"] = []string{strconv.FormatBool(creates)}
	}
	requestKeys(c, need.Keys)
	if name == "" {
		return need, nil
	}
	b, err := s.find(ctx, name)
	if err != nil || b == nil {
		return need, err
	}
	c.SetHeader("X-Amz-Bucket-Region", b.Region)
	if owner := member("ExpectedBucketOwner"); owner != "" && owner != b.Account {
		return need, accessDenied()
	}
	if key != "" && existing(action) {
		if err := s.addExistingTags(ctx, need.Keys, name, key, version); err != nil {
			return need, err
		}
	}
	return need, nil
}

// creationOperations tells the operations under s3:PutObject that make an object
// from those that prepare one.
var creationOperations = map[string]bool{
	"PutObject": true, "CopyObject": true, "CompleteMultipartUpload": true,
	"CreateMultipartUpload": false, "UploadPart": false, "UploadPartCopy": false,
}

// requestedKeys are the condition keys about what a request's members ask for.
func requestedKeys(members map[string]int, in reflect.Value, keys map[string][]string) {
	for m, i := range members {
		v, given := textOf(in.Field(i))
		if given && memberKeys[m] != "" {
			keys[memberKeys[m]] = []string{v}
		}
		if given && m == "Tagging" {
			if tags, err := parseTagging(v); err == nil {
				addTagKeys(keys, "s3:RequestObjectTag", tags)
			}
		}
	}
}

// existing reports whether an action is about an object that there is already.
func existing(action string) bool {
	switch action {
	case "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts":
		return false
	}
	return true
}

func (s *Service) addExistingTags(ctx context.Context, keys map[string][]string, bucket, key, version string) error {
	tags, err := s.tagsOf(ctx, bucket, key, version)
	if err != nil {
		return err
	}
	for name, value := range tags {
		keys["s3:ExistingObjectTag/"+name] = []string{value}
	}
	return nil
}

func addTagKeys(keys map[string][]string, prefix string, tags map[string]string) {
	for name, value := range tags {
		keys[prefix+"/"+name] = []string{value}
		keys[prefix+"Keys"] = append(keys[prefix+"Keys"], name)
	}
}

// requestKeys are the condition keys about how a request was signed and sent.
func requestKeys(c *aws.Call, keys map[string][]string) {
	if c.TLS != nil {
		keys["s3:TlsVersion"] = []string{tlsVersion(c.TLS)}
	}
	if c.Identity.Anonymous() || c.Identity.Type == "AWSService" || c.Via != "" {
		return
	}
	keys["s3:signatureversion"] = []string{"AWS4-HMAC-SHA256"}
	if c.SignatureVersion == "SigV2" {
		keys["s3:signatureversion"] = []string{"AWS"}
	}
	keys["s3:authType"] = []string{"REST-HEADER"}
	if c.AuthenticationMethod == "QueryString" {
		keys["s3:authType"] = []string{"REST-QUERY-STRING"}
	}
	if !c.Signed.IsZero() {
		keys["s3:signatureAge"] = []string{strconv.FormatInt(max(0, c.Time.Sub(c.Signed).Milliseconds()), 10)}
	}
	if hash := c.Header.Get("X-Amz-Content-Sha256"); hash != "" {
		keys["s3:x-amz-content-sha256"] = []string{hash}
	}
}

func tlsVersion(state *tls.ConnectionState) string {
	return "1." + strconv.Itoa(int(state.Version)-tls.VersionTLS10)
}

// textOf is a member as a condition key's value, and whether the request has it.
// Only of members that are pointers an empty text can be told from none.
func textOf(v reflect.Value) (text string, given bool) {
	switch v := v.Interface().(type) {
	case string:
		return v, v != ""
	case *string:
		if v != nil {
			return *v, true
		}
	case *int32:
		if v != nil {
			return strconv.Itoa(int(*v)), true
		}
	case *CreateBucketConfiguration:
		if v != nil {
			return v.LocationConstraint, v.LocationConstraint != ""
		}
	case *Tagging:
		if v != nil {
			return encodeTagging(v.TagSet), len(v.TagSet) > 0
		}
	}
	return "", false
}

// also returns a permission on the same resource under the same conditions.
func also(own aws.Permission, action string) aws.Permission {
	own.Action = action
	return own
}

// policyOf is the resource policy of the bucket that an ARN leads to. Whoever
// acts in another account's bucket leaves a record there, too.
func (s *Service) policyOf(ctx context.Context, c *aws.Call, resource string) (*aws.ResourcePolicy, error) {
	rest, ok := strings.CutPrefix(resource, bucketARN(""))
	if !ok {
		return nil, nil
	}
	name, _, _ := strings.Cut(rest, "/")
	b, err := s.find(ctx, name)
	if b == nil && err == nil && c.Identity.Type == "AWSService" {
		return nil, noSuchBucket() // what delivers should know why it cannot
	}
	if err != nil || b == nil {
		return nil, err
	}
	if b.Account != c.Account() {
		c.SharedWith = b.Account
	}
	p := b.resourcePolicy(c)
	if c.Identity.Type == "Root" && c.Account() == b.Account && ownPolicy(c.Operation) {
		p.Document = "" // or nobody could mend a policy that denies everyone
	}
	return p, nil
}

func ownPolicy(operation string) bool {
	return operation == "GetBucketPolicy" || operation == "PutBucketPolicy" || operation == "DeleteBucketPolicy"
}

// hidden turns the news that an object does not exist into a refusal for those who
// may not list the bucket, as S3 does.
func (s *Service) hidden(ctx context.Context, c *aws.Call, bucket string, missing error) error {
	need := aws.Permission{Action: "s3:ListBucket", Resource: bucketARN(bucket), Keys: make(map[string][]string)}
	requestKeys(c, need.Keys)
	if err := c.Authorize(ctx, need); err != nil {
		return err
	}
	return missing
}
