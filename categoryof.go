package cairn

// categoryOf returns the record's category. Records before version 1.07 do not
// name it; it is found out by the event type, by managementEvent (1.06), and
// before that by the call.
func (x *extraction) categoryOf() Category {
	if x.category != "" {
		if c, ok := ParseCategory(x.category); ok {
			return c
		}
		return Other
	}
	switch x.r.EventType {
	case "AwsCloudTrailInsight":
		return Insight
	case "AwsVpceEvents":
		return NetworkActivity
	case "AwsAggregatedEvent":
		return Aggregated
	}
	if x.management == False || x.management == Unset && isDataEvent(x.r.EventSource, x.r.EventName) {
		return Data
	}
	return Management
}

// isDataEvent reports whether a call works on the content of a resource. The
// table has the calls that trails could record as data events before version
// 1.06 told them apart.
func isDataEvent(source, name string) bool { return dataEvents[[2]string{source, name}] }

var dataEvents = func() map[[2]string]bool {
	events := make(map[[2]string]bool)
	for source, names := range map[string][]string{
		"s3.amazonaws.com": {
			"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload",
			"DeleteObject", "DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl",
			"GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging",
			"GetObjectTorrent", "HeadBucket", "HeadObject", "ListMultipartUploads", "ListObjectVersions",
			"ListObjects", "ListParts", "PostObject", "PreflightRequest", "PutObject", "PutObjectAcl",
			"PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject",
			"SelectObjectContent", "UploadPart", "UploadPartCopy", "WriteGetObjectResponse",
		},
		"lambda.amazonaws.com": {"Invoke", "InvokeAsync"},
		"dynamodb.amazonaws.com": {
			"BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement",
			"ExecuteTransaction", "GetItem", "GetRecords", "PutItem", "Query", "Scan", "TransactGetItems",
			"TransactWriteItems", "UpdateItem",
		},
	} {
		for _, name := range names {
			events[[2]string{source, name}] = true
		}
	}
	return events
}()
