package awsmodel

import "strings"

// Operation is one operation of a service.
type Operation struct {
	Service *ServiceModel
	Name    string // the API's, such as "ListObjectsV2"

	Method     string // "POST" for all but the REST protocols
	URI        string // a template, such as "/{Bucket}/{Key+}?uploads"
	Status     int    // of a successful answer, 0 where the model does not say
	HostPrefix string // a template that goes before the endpoint's host, mostly empty

	ResultWrapper  string // the element around the output of query answers
	InputRoot      string // the root element of requests in XML, empty when there is none
	InputNamespace string // its namespace

	Idempotent        bool
	Deprecated        bool
	Unsigned          bool // the call needs no signature
	UnsignedPayload   bool // the signature does not cover the body
	EndpointDiscovery bool

	// What records of a call say.
	EventName string // mostly Name
	ReadOnly  bool
	Data      bool // a data event, otherwise a management event

	secrets       map[string]concealment // hand-kept names of secret members, in lower case
	defaultSecret concealment

	chunk         *chunk
	input, output uint64
	errors        []uint64
}

func (c *chunk) readOperation(i int) *Operation {
	in := cursor{text: c.text, at: int(c.bodyAt[i])}
	flags := in.uvarint()
	op := &Operation{
		Service:           c.service,
		Name:              c.string(uint64(c.names[i])),
		Method:            c.string(in.uvarint()),
		URI:               c.string(in.uvarint()),
		Status:            in.int(),
		Idempotent:        flags&operationIdempotent != 0,
		Deprecated:        flags&operationDeprecated != 0,
		Unsigned:          flags&operationUnsigned != 0,
		UnsignedPayload:   flags&operationUnsignedPayload != 0,
		EndpointDiscovery: flags&operationEndpointDiscovery != 0,
		chunk:             c,
	}
	op.input, op.output = in.uvarint(), in.uvarint()
	op.ResultWrapper = c.string(in.uvarint())
	op.HostPrefix = c.string(in.uvarint())
	op.InputRoot = c.string(in.uvarint())
	op.InputNamespace = c.string(in.uvarint())
	op.errors = make([]uint64, in.int())
	for i := range op.errors {
		op.errors[i] = in.uvarint()
	}
	op.EventName = op.Name
	op.ReadOnly = flags&operationReadOnly != 0 || hasReadOnlyVerb(op.Name)
	if rules := c.service.rules; rules != nil {
		rules.apply(op)
	}
	return op
}

// Input returns the shape of the request, nil when it has no members.
func (op *Operation) Input() *Shape { return op.chunk.shape(op.input) }

// Output returns the shape of the answer, nil when it has no members.
func (op *Operation) Output() *Shape { return op.chunk.shape(op.output) }

// Errors returns the errors that the model names for the operation. A service has
// others that every operation can answer.
func (op *Operation) Errors() []*Shape {
	shapes := make([]*Shape, len(op.errors))
	for i, ref := range op.errors {
		shapes[i] = op.chunk.shape(ref)
	}
	return shapes
}

// StreamingInput reports whether the body of requests is a stream of bytes or events.
func (op *Operation) StreamingInput() bool { return op.Input().streams() }

// StreamingOutput reports whether the body of answers is a stream of bytes or events.
func (op *Operation) StreamingOutput() bool { return op.Output().streams() }

// readOnlyVerbs are what the names of operations that change nothing begin with.
// CloudTrail's own judgement is not published per operation; it follows these verbs
// in the records at hand, and cloudtrail.txt has the exceptions.
var readOnlyVerbs = []string{
	"BatchCheck", "BatchDescribe", "BatchDetect", "BatchGet", "BatchIs", "BatchList", "BatchRead", "Calculate", "Check",
	"Compare", "Count", "Decode", "Describe", "Detect", "Discover", "Download", "Estimate", "Evaluate", "Filter", "Find",
	"Get", "Has", "Head", "Is", "List", "Lookup", "Peek", "Poll", "Predict", "Preview", "Query", "Read", "Resolve",
	"Retrieve", "Sample", "Scan", "Search", "Select", "Simulate", "Suggest", "Test", "TransactGet", "Validate", "Verify", "View",
}

func hasReadOnlyVerb(name string) bool {
	for _, verb := range readOnlyVerbs {
		if rest, ok := strings.CutPrefix(name, verb); ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
			return true
		}
	}
	return false
}
