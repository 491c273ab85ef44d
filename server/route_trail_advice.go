package server

import (
	"fmt"
	"slices"
	"strings"

	"cairn/delivery"
)

// trailProblems says what of a trail's deliveries does not work, and what to do
// about it.
func trailProblems(r *delivery.Report) []TrailProblem {
	problems := []TrailProblem{}
	add := func(what, failure string) {
		if failure != "" {
			problems = append(problems, TrailProblem{what, failure, advise(what, failure, r)})
		}
	}
	add("delivery", r.LatestDeliveryError)
	add("digest", r.LatestDigestDeliveryError)
	add("notification", r.LatestNotificationError)
	if r.GivenUp > 0 {
		problems = append(problems, TrailProblem{"givenUp", fmt.Sprintf("%d log files were given up", r.GivenUp),
			fmt.Sprintf("the events are in the event log as long as it keeps them: `cairn trail files %[1]s --state abandoned` shows the files, `cairn trail redeliver %[1]s --since 30d` delivers what it can", r.Trail.Name)})
	}
	return problems
}

// An adviceRow says what to do about an error. Its text has the trail's name as
// %[1]s, its bucket as %[2]s, its key as %[3]s, its topic as %[4]s and its ARN as
// %[5]s.
type adviceRow struct {
	what   string   // empty for all
	errors []string // codes, or parts of a text
	advice string
}

// adviceRows are looked at in their order.
var adviceRows = []adviceRow{
	{"", []string{"is switched off"},
		"start the server with the service: its own without the flag, or the URL of an endpoint"},
	{"", []string{"-allow"},
		"the operator names it in --s3-allow or --sns-allow and starts the server again, or the trail is given a bucket or topic that its account may use"},
	{"notification", []string{"NotFound", "NotFoundException"},
		"the topic %[4]s is gone: make it again, with a policy that lets cloudtrail.amazonaws.com do sns:Publish, or take it from the trail: aws cloudtrail update-trail --name %[1]s --sns-topic-name \"\""},
	{"notification", []string{"AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException"},
		"let the policy of %[4]s allow cloudtrail.amazonaws.com to do sns:Publish with aws:SourceArn %[5]s"},
	{"", []string{"NoSuchBucket"},
		"make the bucket %[2]s again with a policy for CloudTrail, or name another: aws cloudtrail update-trail --name %[1]s --s3-bucket-name BUCKET"},
	{"", []string{"KMS.", "DisabledException", "KMSInvalidStateException", "NotFoundException"},
		"the key %[3]s must exist and be enabled (aws kms describe-key, enable-key, cancel-key-deletion), or name another: aws cloudtrail update-trail --name %[1]s --kms-key-id KEY"},
	{"", []string{"AccessDenied", "AccessDeniedException", "Forbidden"},
		"let the policy of the bucket %[2]s (aws s3api get-bucket-policy) allow cloudtrail.amazonaws.com to do s3:GetBucketAcl, and s3:PutObject below AWSLogs/, with aws:SourceArn %[5]s; with a key, its policy must allow kms:GenerateDataKey*, too"},
	{"", []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "InvalidToken"},
		"the service at the URL refuses the server's access key: set CAIRN_S3_ACCESS_KEY_ID and CAIRN_S3_SECRET_ACCESS_KEY (or CAIRN_SNS_…) and start the server again"},
	{"", []string{"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraint"},
		"the bucket %[2]s is in another region than the server signs for: set the region of --s3 to the bucket's"},
	{"", []string{"QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "DiskFull"},
		"make room for the bucket %[2]s; nothing is lost meanwhile"},
	{"", []string{"InvalidObjectState", "ObjectLock", "InvalidRequest"},
		"look at the settings of the bucket %[2]s, such as its object lock: it refuses what the trail writes"},
	{"", []string{"SlowDown", "ServiceUnavailable", "InternalError", "Throttling", "RequestTimeout", "InternalFailure"},
		"the service is busy or broken for the moment; it is tried again by itself"},
	{"", []string{"no such host", "connection refused", "connection reset", "deadline exceeded", "Client.Timeout", "EOF", "unreachable"},
		"the service cannot be reached: look whether it runs and whether the URL of --s3 or --sns is right; it is tried again by itself"},
	{"", []string{"certificate", "x509"},
		"the service's certificate is not trusted: give the server the authority's certificate in SSL_CERT_FILE"},
	{"", []string{"staged file"},
		"a file in the server's delivery directory is gone: restore the data directory, or deliver its events in a new file by `cairn trail redeliver %[1]s --as-new` with the time range"},
}

// advise says what to do about an error of a trail.
func advise(what, failure string, r *delivery.Report) string {
	t := r.Trail
	for _, row := range adviceRows {
		if row.what != "" && row.what != what {
			continue
		}
		if slices.ContainsFunc(row.errors, func(part string) bool { return strings.Contains(failure, part) }) {
			text := row.advice
			for verb, value := range map[string]string{"%[1]s": t.Name, "%[2]s": t.S3BucketName, "%[3]s": t.KMSKeyID, "%[4]s": t.SNSTopicARN, "%[5]s": t.ARN().String()} {
				text = strings.ReplaceAll(text, verb, value)
			}
			return text
		}
	}
	return "it is tried again by itself for 30 days; the server's log has the whole error"
}
