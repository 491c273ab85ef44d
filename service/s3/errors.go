package s3

import (
	"fmt"
	"net/http"

	"cairn/aws"
)

func failure(status int, code, format string, args ...any) error {
	return &aws.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// damagedObject is not one of AWS's errors: who stores log files must be able to tell damage
// from an outage.
func damagedObject() error {
	return failure(http.StatusInternalServerError, "DamagedObject", "What is stored is not what was written: its checksum does not match. Put the object again; cairn check names the place.")
}

func accessDenied() error {
	return failure(http.StatusForbidden, "AccessDenied", "Access Denied")
}

func noSuchBucket() error {
	return failure(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

func noSuchKey() error {
	return failure(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func noSuchVersion() error {
	return failure(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
}

func noSuchUpload() error {
	return failure(http.StatusNotFound, "NoSuchUpload",
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func bucketExists() error {
	return failure(http.StatusConflict, "BucketAlreadyExists",
		"The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
}

func bucketIsYours() error {
	return failure(http.StatusConflict, "BucketAlreadyOwnedByYou",
		"Your previous request to create the named bucket succeeded and you already own it.")
}

func bucketNotEmpty() error {
	return failure(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
}

func invalidBucketName() error {
	return failure(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
}

func tooManyBuckets() error {
	return failure(http.StatusBadRequest, "TooManyBuckets", "You have attempted to create more buckets than allowed")
}

func invalidLocation() error {
	return failure(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
}

func invalidArgument(format string, args ...any) error {
	return failure(http.StatusBadRequest, "InvalidArgument", format, args...)
}

func invalidRequest(format string, args ...any) error {
	return failure(http.StatusBadRequest, "InvalidRequest", format, args...)
}

func malformedXML() error {
	return failure(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func malformedPolicy(format string, args ...any) error {
	return failure(http.StatusBadRequest, "MalformedPolicy", format, args...)
}

func invalidTag(format string, args ...any) error {
	return failure(http.StatusBadRequest, "InvalidTag", format, args...)
}

func preconditionFailed() error {
	return failure(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func notModified() error {
	return failure(http.StatusNotModified, "NotModified", "Not Modified")
}

func conflict() error {
	return failure(http.StatusConflict, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.")
}

func invalidRange() error {
	return failure(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
}

func keyTooLong() error {
	return failure(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
}

func methodNotAllowed() error {
	return failure(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func badDigest(algorithm string) error {
	return failure(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", algorithm)
}

func entityTooLarge() error {
	return failure(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

func entityTooSmall() error {
	return failure(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
}

func incompleteBody() error {
	return failure(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

func metadataTooLarge() error {
	return failure(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
}

func invalidPart() error {
	return failure(http.StatusBadRequest, "InvalidPart",
		"One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
}

func invalidPartOrder() error {
	return failure(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
}

func invalidPartNumber() error {
	return failure(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
}

func aclNotSupported() error {
	return failure(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

func invalidBucketState(message string) error {
	return failure(http.StatusConflict, "InvalidBucketState", "%s", message)
}

func lockMissing() error {
	return failure(http.StatusNotFound, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
}

func noSuchLock() error {
	return failure(http.StatusNotFound, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
}

func bucketWithoutLock() error {
	return invalidRequest("Bucket is missing Object Lock Configuration")
}

func objectLocked() error {
	return failure(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
}

func noSuchPolicy() error {
	return failure(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
}

func noSuchTags() error {
	return failure(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
}

func noPublicAccessBlock() error {
	return failure(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
}

func noOwnershipControls() error {
	return failure(http.StatusNotFound, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
}

func noLifecycle() error {
	return failure(http.StatusNotFound, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
}

func noCORS() error {
	return failure(http.StatusNotFound, "NoSuchCORSConfiguration", "The CORS configuration does not exist")
}

func noWebsite() error {
	return failure(http.StatusNotFound, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
}

func noReplication() error {
	return failure(http.StatusNotFound, "ReplicationConfigurationNotFoundError", "The replication configuration was not found")
}

func publicPolicyBlocked(c *aws.Call, bucket string) error {
	return failure(http.StatusForbidden, "AccessDenied",
		"User: %s is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::%s\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
		c.Identity.ARN, bucket)
}

// notImplemented refuses what would have no effect here: an answer of success
// would be a lie.
func notImplemented(format string, args ...any) error {
	return failure(http.StatusNotImplemented, "NotImplemented", "A header or setting you provided implies functionality that is not implemented: "+format, args...)
}
