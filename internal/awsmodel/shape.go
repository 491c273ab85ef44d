package awsmodel

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
)

// Kind is a shape's type.
type Kind uint8

// The kinds.
const (
	Structure Kind = kindStructure
	List      Kind = kindList
	Map       Kind = kindMap
	String    Kind = kindString
	Boolean   Kind = kindBoolean
	Integer   Kind = kindInteger // 32 bits
	Long      Kind = kindLong    // 64 bits
	Float     Kind = kindFloat
	Double    Kind = kindDouble
	Timestamp Kind = kindTimestamp
	Blob      Kind = kindBlob     // bytes, base64 where the protocol is a text
	Document  Kind = kindDocument // any JSON
)

var kindNames = [...]string{
	Structure: "structure", List: "list", Map: "map", String: "string", Boolean: "boolean", Integer: "integer",
	Long: "long", Float: "float", Double: "double", Timestamp: "timestamp", Blob: "blob", Document: "document",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return "unknown"
}

// Location is the part of a message that a member stands in.
type Location uint8

// The locations.
const (
	Body       Location = locationBody
	Header     Location = locationHeader
	Headers    Location = locationHeaders // all headers with the wire name as prefix, as a map
	URI        Location = locationURI
	QueryParam Location = locationQuery
	StatusCode Location = locationStatus
)

// Shape is a type. Shapes can contain themselves.
type Shape struct {
	Kind            Kind
	Name            string // of inputs, outputs, errors and payloads, otherwise empty
	WireName        string // the XML element, where it is not told by what leads here
	XMLNamespace    string
	TimestampFormat string // "iso8601", "unixTimestamp" or "rfc822", empty for the protocol's own

	Sensitive   bool // secret, with all that is in it
	Union       bool // a structure of which one member is set
	EventStream bool // members are events that follow each other
	Event       bool
	Streaming   bool // a blob of any length
	Flattened   bool // in XML, a list or map without an element around it
	Wrapper     bool

	// Exception marks an error; Code is its code on the wire, Status the HTTP status or
	// 0, and Fault tells that the service is to blame.
	Exception bool
	Fault     bool
	Code      string
	Status    int

	Members []Member // of a structure, by ascending name
	Element *Member  // of a list
	Key     *Member  // of a map
	Value   *Member  // of a map

	secret atomic.Int32 // whether there is anything secret below: 0 unknown, 1 no, 2 yes
}

// Member is a place in a shape: the member of a structure, the element of a list, the
// key or the value of a map.
type Member struct {
	Name            string // empty but in structures
	WireName        string // in XML, JSON, queries, headers and URIs; Name where the model has no other
	QueryName       string // in EC2's queries, where it is not derived from WireName
	Location        Location
	XMLNamespace    string
	XMLPrefix       string
	TimestampFormat string // overrides the shape's

	Required         bool
	Payload          bool // is the whole body
	Flattened        bool
	XMLAttribute     bool
	IdempotencyToken bool
	HostLabel        bool
	JSONValue        bool // a JSON text, base64 in a header
	Streaming        bool
	EventPayload     bool
	EventHeader      bool

	chunk *chunk
	shape uint64
}

// Shape returns the member's shape.
func (m *Member) Shape() *Shape { return m.chunk.shape(m.shape) }

// EC2Name returns the member's name in EC2's queries: that of the wire with a
// capital letter.
func (m *Member) EC2Name() string {
	if m.QueryName != "" {
		return m.QueryName
	}
	if m.WireName == "" {
		return ""
	}
	return strings.ToUpper(m.WireName[:1]) + m.WireName[1:]
}

// Member returns the structure's member with a name, nil when there is none.
func (s *Shape) Member(name string) *Member {
	i, ok := slices.BinarySearchFunc(s.Members, name, func(m Member, name string) int { return cmp.Compare(m.Name, name) })
	if !ok {
		return nil
	}
	return &s.Members[i]
}

// MemberOnWire returns the structure's member with a wire name, nil when there is none.
func (s *Shape) MemberOnWire(name string) *Member {
	for i := range s.Members {
		if s.Members[i].WireName == name {
			return &s.Members[i]
		}
	}
	return nil
}

// PayloadMember returns the member that is the whole body, nil when there is none.
func (s *Shape) PayloadMember() *Member {
	for i := range s.Members {
		if s.Members[i].Payload {
			return &s.Members[i]
		}
	}
	return nil
}

// streams reports whether the payload is a stream of bytes or of events.
func (s *Shape) streams() bool {
	if s == nil {
		return false
	}
	for i := range s.Members {
		m := &s.Members[i]
		if m.Streaming || m.Shape().EventStream || m.Payload && m.Shape().Streaming {
			return true
		}
	}
	return false
}

func (c *chunk) readShape(i int) *Shape {
	in := cursor{text: c.text, at: int(c.shapeAt[i])}
	s := &Shape{Kind: Kind(in.byte())}
	flags := in.uvarint()
	has := func(bit uint64) bool { return flags&bit != 0 }
	s.Sensitive, s.Union, s.Exception, s.Fault = has(shapeSensitive), has(shapeUnion), has(shapeException), has(shapeFault)
	s.EventStream, s.Event, s.Streaming = has(shapeEventStream), has(shapeEvent), has(shapeStreaming)
	s.Flattened, s.Wrapper = has(shapeFlattened), has(shapeWrapper)
	text := func(bit uint64) string {
		if flags&bit == 0 {
			return ""
		}
		return c.string(in.uvarint())
	}
	s.Name = text(shapeHasName)
	s.Code = text(shapeHasCode)
	if s.Exception && s.Code == "" {
		s.Code = s.Name
	}
	if has(shapeHasStatus) {
		s.Status = in.int()
	}
	s.XMLNamespace = text(shapeHasNamespace)
	s.TimestampFormat = text(shapeHasTimestampFormat)
	s.WireName = text(shapeHasWireName)
	switch s.Kind {
	case Structure:
		s.Members = make([]Member, in.int())
		for i := range s.Members {
			name := c.string(in.uvarint())
			c.readMember(&in, &s.Members[i], name)
		}
	case List:
		s.Element = c.readMember(&in, &Member{}, "")
	case Map:
		s.Key = c.readMember(&in, &Member{}, "")
		s.Value = c.readMember(&in, &Member{}, "")
	}
	return s
}

func (c *chunk) readMember(in *cursor, m *Member, name string) *Member {
	flags := in.uvarint()
	has := func(bit uint64) bool { return flags&bit != 0 }
	text := func(bit uint64) string {
		if flags&bit == 0 {
			return ""
		}
		return c.string(in.uvarint())
	}
	m.chunk, m.Name, m.Location = c, name, Location(flags&7)
	m.Required, m.Payload, m.Flattened = has(memberRequired), has(memberPayload), has(memberFlattened)
	m.XMLAttribute, m.IdempotencyToken, m.HostLabel = has(memberAttribute), has(memberIdempotencyToken), has(memberHostLabel)
	m.JSONValue, m.Streaming = has(memberJSONValue), has(memberStreaming)
	m.EventPayload, m.EventHeader = has(memberEventPayload), has(memberEventHeader)
	m.shape = in.uvarint()
	m.WireName = cmp.Or(text(memberHasWireName), name)
	m.QueryName = text(memberHasQueryName)
	m.XMLNamespace = text(memberHasNamespace)
	m.XMLPrefix = text(memberHasNamespacePrefix)
	m.TimestampFormat = text(memberHasTimestampFormat)
	return m
}
