package s3

type ListObjectsInput struct {
	Bucket                   string
	Delimiter                *string
	EncodingType             string
	ExpectedBucketOwner      string
	Marker                   string
	MaxKeys                  *int32
	OptionalObjectAttributes []string
	Prefix                   *string
	RequestPayer             string
}

type ListObjectsOutput struct {
	CommonPrefixes []CommonPrefix
	Contents       []Object
	Delimiter      string
	EncodingType   string
	IsTruncated    *bool
	Marker         string
	MaxKeys        *int32
	Name           string
	NextMarker     string
	Prefix         string
	RequestCharged string
}

type ListObjectsV2Input struct {
	Bucket                   string
	ContinuationToken        string
	Delimiter                *string
	EncodingType             string
	ExpectedBucketOwner      string
	FetchOwner               *bool
	MaxKeys                  *int32
	OptionalObjectAttributes []string
	Prefix                   *string
	RequestPayer             string
	StartAfter               string
}

type ListObjectsV2Output struct {
	CommonPrefixes        []CommonPrefix
	Contents              []Object
	ContinuationToken     string
	Delimiter             string
	EncodingType          string
	IsTruncated           *bool
	KeyCount              *int32
	MaxKeys               *int32
	Name                  string
	NextContinuationToken string
	Prefix                string
	RequestCharged        string
	StartAfter            string
}

type ListObjectVersionsInput struct {
	Bucket                   string
	Delimiter                *string
	EncodingType             string
	ExpectedBucketOwner      string
	KeyMarker                string
	MaxKeys                  *int32
	OptionalObjectAttributes []string
	Prefix                   *string
	RequestPayer             string
	VersionIdMarker          string
}

type ListObjectVersionsOutput struct {
	CommonPrefixes      []CommonPrefix
	DeleteMarkers       []DeleteMarkerEntry
	Delimiter           string
	EncodingType        string
	IsTruncated         *bool
	KeyMarker           string
	MaxKeys             *int32
	Name                string
	NextKeyMarker       string
	NextVersionIdMarker string
	Prefix              string
	RequestCharged      string
	VersionIdMarker     string
	Versions            []ObjectVersion
}
