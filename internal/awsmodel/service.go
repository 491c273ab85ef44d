package awsmodel

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Protocol is a way of writing requests and answers.
type Protocol uint8

// The protocols, by the names that the models use.
const (
	JSON     Protocol = protocolJSON     // "json": JSON 1.0 or 1.1 with an X-Amz-Target header
	Query    Protocol = protocolQuery    // "query": a form as request, XML as answer
	EC2      Protocol = protocolEC2      // "ec2": query as EC2 writes it
	RESTJSON Protocol = protocolRESTJSON // "rest-json"
	RESTXML  Protocol = protocolRESTXML  // "rest-xml"
	CBOR     Protocol = protocolCBOR     // "smithy-rpc-v2-cbor"
)

var protocolNames = [...]string{
	JSON: "json", Query: "query", EC2: "ec2", RESTJSON: "rest-json", RESTXML: "rest-xml", CBOR: "smithy-rpc-v2-cbor",
}

func (p Protocol) String() string {
	if int(p) < len(protocolNames) && p > 0 {
		return protocolNames[p]
	}
	return "unknown"
}

// ServiceModel is one service in the newest version of its API.
type ServiceModel struct {
	ID              string     // botocore's name, such as "cloudwatch"
	ServiceID       string     // AWS's name, such as "CloudWatch"
	EndpointPrefix  string     // what host names begin with, such as "monitoring"
	SigningName     string     // the service in the scope of credentials
	APIVersion      string     // a date, such as "2010-08-01"
	Protocols       []Protocol // at least one, that of the models' own clients first
	JSONVersion     string     // "1.0" or "1.1", empty where no protocol is JSON
	TargetPrefix    string     // what X-Amz-Target has before the last dot
	XMLNamespace    string     // of answers in XML
	GlobalEndpoint  string     // a host that serves all regions, such as "iam.amazonaws.com"
	QueryCompatible bool       // JSON errors name their query code in a header

	// EventSource is what records of the service's calls name, such as
	// "monitoring.amazonaws.com".
	EventSource string

	rules *serviceRules // nil when cloudtrail.txt has none

	count                  int
	offset, packed, length int
	from                   *directory
	load                   sync.Once
	loaded                 *chunk
	routes                 sync.Once
	router                 *router
}

func readService(c *cursor, d *directory) *ServiceModel {
	s := &ServiceModel{from: d}
	for _, field := range []*string{
		&s.ID, &s.ServiceID, &s.EndpointPrefix, &s.SigningName, &s.APIVersion,
		&s.TargetPrefix, &s.XMLNamespace, &s.JSONVersion, &s.GlobalEndpoint,
	} {
		*field = c.string()
	}
	s.QueryCompatible = c.uvarint()&serviceQueryCompatible != 0
	s.Protocols = make([]Protocol, c.int())
	for i := range s.Protocols {
		s.Protocols[i] = Protocol(c.uvarint())
	}
	s.count, s.offset, s.packed, s.length = c.int(), c.int(), c.int(), c.int()
	s.rules = handRules()[s.ID]
	s.EventSource = s.SigningName + ".amazonaws.com"
	if s.rules != nil {
		s.EventSource = cmp.Or(s.rules.source, s.EventSource)
	}
	return s
}

// HasProtocol reports whether the service speaks p.
func (s *ServiceModel) HasProtocol(p Protocol) bool { return slices.Contains(s.Protocols, p) }

// EventRegion returns the region that records of the service's calls name, when
// the call went to a host and was signed for a region. Calls of a global service, or to
// a global endpoint, are recorded in one region.
func (s *ServiceModel) EventRegion(host, region string) string {
	switch {
	case s.rules == nil:
	case s.rules.region != "":
		return s.rules.region
	case s.rules.endpointRegion != "" && host == s.GlobalEndpoint:
		return s.rules.endpointRegion
	}
	return region
}

// Global reports whether all calls of the service are recorded in one region.
func (s *ServiceModel) Global() bool { return s.rules != nil && s.rules.region != "" }

// Len returns the number of operations. It does not load the service.
func (s *ServiceModel) Len() int { return s.count }

// Operations returns all operations by ascending name.
func (s *ServiceModel) Operations() []*Operation {
	c := s.chunk()
	all := make([]*Operation, len(c.operations))
	for i := range all {
		all[i] = c.operation(i)
	}
	return all
}

// Operation returns the operation with the API's name.
func (s *ServiceModel) Operation(name string) (*Operation, bool) {
	c := s.chunk()
	i, ok := slices.BinarySearchFunc(c.names, name, func(ref uint32, name string) int {
		return cmp.Compare(c.string(uint64(ref)), name)
	})
	if !ok {
		return nil, false
	}
	return c.operation(i), true
}

// chunk is a service's part of the table, unpacked. Operations and shapes are
// decoded when they are first asked for.
type chunk struct {
	service    *ServiceModel
	text       string
	stringAt   []uint32
	names      []uint32 // references to the operations' names
	bodyAt     []uint32
	operations []atomic.Pointer[Operation]
	shapeAt    []uint32
	shapes     []atomic.Pointer[Shape]
}

func (s *ServiceModel) chunk() *chunk {
	s.load.Do(func() {
		packed := s.from.chunks[s.offset : s.offset+s.packed]
		raw, err := s.from.decoder.DecodeAll([]byte(packed), make([]byte, 0, s.length))
		if err != nil {
			panic("awsmodel: models.bin: " + s.ID + ": " + err.Error())
		}
		// Nobody else has raw, and nothing changes it from here on.
		c := &chunk{service: s, text: unsafe.String(unsafe.SliceData(raw), len(raw))}
		in := cursor{text: c.text}
		c.stringAt = in.offsets(in.int())
		c.names = make([]uint32, in.int())
		for i := range c.names {
			c.names[i] = uint32(in.uvarint())
		}
		c.bodyAt = in.offsets(len(c.names))
		c.operations = make([]atomic.Pointer[Operation], len(c.names))
		shapes := in.int()
		c.shapeAt = in.offsets(shapes)
		c.shapes = make([]atomic.Pointer[Shape], shapes)
		s.loaded = c
	})
	return s.loaded
}

// string returns the string that a reference stands for.
func (c *chunk) string(ref uint64) string {
	if ref == 0 {
		return ""
	}
	return c.text[c.stringAt[ref-1]:c.stringAt[ref]]
}

// operation returns the operation with an index.
func (c *chunk) operation(i int) *Operation {
	p := &c.operations[i]
	if op := p.Load(); op != nil {
		return op
	}
	p.CompareAndSwap(nil, c.readOperation(i))
	return p.Load()
}

// shape returns the shape that a reference stands for, nil for none.
func (c *chunk) shape(ref uint64) *Shape {
	if ref == 0 {
		return nil
	}
	p := &c.shapes[ref-1]
	if s := p.Load(); s != nil {
		return s
	}
	p.CompareAndSwap(nil, c.readShape(int(ref-1)))
	return p.Load()
}
