package sns

// The structs here and in the files *_shapes.go have the members of AWS's API in
// its spelling. The mirror test holds them against the SDK's.

type Tag struct {
	Key   string  `aws:",required,min=1,max=128"`
	Value *string `aws:",required,max=256"`
}

type Topic struct{ TopicArn string }

type CreateTopicInput struct {
	Name                 string `aws:",required"`
	Attributes           map[string]string
	Tags                 []Tag
	DataProtectionPolicy string
}

type CreateTopicOutput struct{ TopicArn string }

type DeleteTopicInput struct {
	TopicArn string `aws:",required"`
}

type DeleteTopicOutput struct{}

type ListTopicsInput struct{ NextToken string }

type ListTopicsOutput struct {
	Topics    []Topic
	NextToken string
}

type GetTopicAttributesInput struct {
	TopicArn string `aws:",required"`
}

type GetTopicAttributesOutput struct{ Attributes map[string]string }

type SetTopicAttributesInput struct {
	TopicArn       string `aws:",required"`
	AttributeName  string `aws:",required"`
	AttributeValue string
}

type SetTopicAttributesOutput struct{}

type AddPermissionInput struct {
	TopicArn     string   `aws:",required"`
	Label        string   `aws:",required,max=80"`
	AWSAccountId []string `aws:",required,max=50"`
	ActionName   []string `aws:",required,max=50"`
}

type AddPermissionOutput struct{}

type RemovePermissionInput struct {
	TopicArn string `aws:",required"`
	Label    string `aws:",required"`
}

type RemovePermissionOutput struct{}

type TagResourceInput struct {
	ResourceArn string `aws:",required,min=1,max=1011"`
	Tags        []Tag  `aws:",required"`
}

type TagResourceOutput struct{}

type UntagResourceInput struct {
	ResourceArn string   `aws:",required,min=1,max=1011"`
	TagKeys     []string `aws:",required"`
}

type UntagResourceOutput struct{}

type ListTagsForResourceInput struct {
	ResourceArn string `aws:",required,min=1,max=1011"`
}

type ListTagsForResourceOutput struct{ Tags []Tag }

type GetDataProtectionPolicyInput struct {
	ResourceArn string `aws:",required"`
}

// A topic has no such policy here.
type GetDataProtectionPolicyOutput struct{ DataProtectionPolicy string }
