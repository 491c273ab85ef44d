package gateway

import "strings"

// minioS3Names are the operations of S3 that MinIO's audit log calls by names of its
// own, those of its handlers.
var minioS3Names = map[string]string{
	"CopyObjectPart":                "UploadPartCopy",
	"DeleteBucketReplicationConfig": "DeleteBucketReplication",
	"DeleteMultipleObjects":         "DeleteObjects",
	"GetBucketACL":                  "GetBucketAcl",
	"GetBucketAccelerate":           "GetBucketAccelerateConfiguration",
	"GetBucketLifecycle":            "GetBucketLifecycleConfiguration",
	"GetBucketNotification":         "GetBucketNotificationConfiguration",
	"GetBucketObjectLockConfig":     "GetObjectLockConfiguration",
	"GetBucketReplicationConfig":    "GetBucketReplication",
	"GetObjectACL":                  "GetObjectAcl",
	"ListBucketsDoubleSlash":        "ListBuckets",
	"ListObjectParts":               "ListParts",
	"ListObjectVersionsM":           "ListObjectVersions",
	"ListObjectsV1":                 "ListObjects",
	"ListObjectsV2M":                "ListObjectsV2",
	"NewMultipartUpload":            "CreateMultipartUpload",
	"PostPolicyBucket":              "PutObject",
	"PostRestoreObject":             "RestoreObject",
	"PutBucket":                     "CreateBucket",
	"PutBucketACL":                  "PutBucketAcl",
	"PutBucketLifecycle":            "PutBucketLifecycleConfiguration",
	"PutBucketNotification":         "PutBucketNotificationConfiguration",
	"PutBucketObjectLockConfig":     "PutObjectLockConfiguration",
	"PutBucketReplicationConfig":    "PutBucketReplication",
	"PutObjectACL":                  "PutObjectAcl",
	"PutObjectExtract":              "PutObject",
	"PutObjectPart":                 "UploadPart",
}

// minioReadVerbs begin the names of MinIO's own operations that change nothing, and
// minioReadNames are others that do not.
var (
	minioReadVerbs = []string{"Get", "Head", "Info", "List", "Listen", "Describe", "Export", "Inspect", "Health", "Check", "Watch"}
	minioReadNames = map[string]bool{
		"AccountInfo": true, "BackgroundHealStatus": true, "BandwidthMonitor": true, "BatchJobStatus": true, "ConsoleLog": true,
		"DataUsageInfo": true, "HelpConfigKV": true, "KMSKeyStatus": true, "KMSMetrics": true, "KMSStatus": true, "KMSVersion": true,
		"KMSAPIs": true, "Metrics": true, "PoolsStatus": true, "RebalanceStatus": true, "ReplicationDiff": true,
		"ResetBucketReplicationStatus": true, "ServerInfo": true, "SiteReplicationInfo": true, "SiteReplicationMetaInfo": true,
		"SiteReplicationStatus": true, "StatusPool": true, "StorageInfo": true, "TemporaryAccountInfo": true, "TierStats": true,
		"TopLocks": true, "Trace": true, "VerifyTier": true,
	}
)

// minioReads reports whether one of MinIO's own operations changes nothing. Of one that
// is not known by name or verb it is assumed that it does.
func minioReads(name string) bool {
	if minioReadNames[name] {
		return true
	}
	for _, verb := range minioReadVerbs {
		if rest, ok := strings.CutPrefix(name, verb); ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
			return true
		}
	}
	return false
}
