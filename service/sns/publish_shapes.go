package sns

type MessageAttributeValue struct {
	DataType    string `aws:",required"`
	StringValue string
	BinaryValue []byte
}

type PublishInput struct {
	TopicArn               string
	TargetArn              string
	PhoneNumber            string
	Message                string
	Subject                string
	MessageStructure       string
	MessageAttributes      map[string]MessageAttributeValue
	MessageDeduplicationId string
	MessageGroupId         string
}

type PublishOutput struct {
	MessageId      string
	SequenceNumber string
}

type PublishBatchInput struct {
	TopicArn                   string `aws:",required"`
	PublishBatchRequestEntries []PublishBatchRequestEntry
}

type PublishBatchRequestEntry struct {
	Id                     string `aws:",required"`
	Message                string
	Subject                string
	MessageStructure       string
	MessageAttributes      map[string]MessageAttributeValue
	MessageDeduplicationId string
	MessageGroupId         string
}

type PublishBatchOutput struct {
	Successful []PublishBatchResultEntry
	Failed     []BatchResultErrorEntry
}

type PublishBatchResultEntry struct {
	Id             string
	MessageId      string
	SequenceNumber string
}

type BatchResultErrorEntry struct {
	Id          string
	Code        string
	Message     string
	SenderFault bool
}
