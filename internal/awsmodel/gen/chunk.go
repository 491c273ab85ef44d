package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// A chunk gathers one service's strings, operations and shapes. It is built in two
// passes: the first counts how often strings and shapes are named, so that those
// named most get the shortest references; the second writes.
type chunk struct {
	model   *model
	shapes  []*node
	byName  map[string]*node // by the model's name
	byText  map[string]*node // by content, for shapes that have no members
	strings map[string]*text
}

// node is a shape with its place in the chunk.
type node struct {
	name  string // the model's
	shape *shape
	kind  byte
	uses  int
	named bool // somebody asks for the name: an input, output, error or payload
	index uint64
	edges []*node // members', elements', keys' and values' shapes, in order
	names []string
}

type text struct {
	uses  int
	index uint64
}

// encodeChunk returns the service's chunk.
func encodeChunk(m *model) ([]byte, error) {
	c := &chunk{model: m, byName: map[string]*node{}, byText: map[string]*node{}, strings: map[string]*text{}}
	operations := slices.Sorted(maps.Keys(m.Operations))
	for _, name := range operations {
		if err := c.reach(m.Operations[name]); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", m.ID, name, err)
		}
	}
	slices.SortStableFunc(c.shapes, func(a, b *node) int { return cmp.Compare(b.uses, a.uses) })
	for i, n := range c.shapes {
		n.index = uint64(i) + 1
	}
	c.encode(operations) // counts the strings
	c.number()
	return c.encode(operations), nil
}

// reach gathers the shapes that an operation names.
func (c *chunk) reach(op *operation) error {
	for _, s := range append([]*shape{op.Input, op.Output}, op.Errors...) {
		if s == nil {
			continue
		}
		n, err := c.resolve(s)
		if err != nil {
			return err
		}
		n.named = true
	}
	return nil
}

// resolve returns the node that a reference, or a shape written in place, stands for.
func (c *chunk) resolve(ref *shape) (*node, error) {
	if n := c.byName[ref.Shape]; n != nil && ref.Shape != "" {
		n.uses++
		return n, nil
	}
	s := ref
	if ref.Shape != "" {
		if s = c.model.Shapes[ref.Shape]; s == nil {
			return nil, fmt.Errorf("no shape %q", ref.Shape)
		}
	}
	kind, err := s.kind()
	if err != nil {
		return nil, fmt.Errorf("shape %q: %w", ref.Shape, err)
	}
	n := &node{name: ref.Shape, shape: s, kind: kind, uses: 1}
	if kind > kindMap {
		// Scalars differ by little more than their names, which nothing needs.
		key := fmt.Sprintf("%d %v %v %v %s", kind, s.Sensitive, s.Streaming && ref.Shape != "", s.EventStream, s.TimestampFormat)
		if same := c.byText[key]; same != nil {
			same.uses++
			c.byName[ref.Shape] = same
			return same, nil
		}
		c.byText[key] = n
	}
	if ref.Shape != "" {
		c.byName[ref.Shape] = n
	}
	c.shapes = append(c.shapes, n)
	var refs []*shape
	switch kind {
	case kindStructure:
		n.names = slices.Sorted(maps.Keys(s.Members))
		for _, name := range n.names {
			refs = append(refs, s.Members[name])
		}
	case kindList:
		refs = []*shape{s.Member}
	case kindMap:
		refs = []*shape{s.Key, s.Value}
	}
	for _, r := range refs {
		if r == nil {
			return nil, fmt.Errorf("shape %q lacks its member, key or value", ref.Shape)
		}
		edge, err := c.resolve(r)
		if err != nil {
			return nil, err
		}
		edge.named = edge.named || s.Payload != "" && r == s.Members[s.Payload]
		n.edges = append(n.edges, edge)
	}
	return n, nil
}

// number gives the strings their indexes.
func (c *chunk) number() {
	sorted := slices.SortedFunc(maps.Keys(c.strings), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.strings[b].uses, c.strings[a].uses), cmp.Compare(a, b))
	})
	for i, s := range sorted {
		c.strings[s].index = uint64(i) + 1
	}
}

// encode writes the chunk and counts the strings that it names.
func (c *chunk) encode(operations []string) []byte {
	var names, lengths, bodies []byte
	for _, name := range operations {
		names = c.text(names, name)
		body := c.operation(c.model.Operations[name])
		lengths = binary.AppendUvarint(lengths, uint64(len(body)))
		bodies = append(bodies, body...)
	}
	tail := binary.AppendUvarint(nil, uint64(len(operations)))
	tail = slices.Concat(tail, names, lengths, bodies)

	lengths, bodies = nil, nil
	for _, n := range c.shapes {
		body := c.shape(n)
		lengths = binary.AppendUvarint(lengths, uint64(len(body)))
		bodies = append(bodies, body...)
	}
	tail = binary.AppendUvarint(tail, uint64(len(c.shapes)))
	tail = slices.Concat(tail, lengths, bodies)

	byIndex := make([]string, len(c.strings)+1)
	for s, t := range c.strings {
		byIndex[t.index] = s
	}
	head := binary.AppendUvarint(nil, uint64(len(byIndex)-1))
	for _, s := range byIndex[1:] {
		head = binary.AppendUvarint(head, uint64(len(s)))
	}
	for _, s := range byIndex[1:] {
		head = append(head, s...)
	}
	return append(head, tail...)
}

func (c *chunk) text(b []byte, s string) []byte {
	if s == "" {
		return append(b, 0)
	}
	t := c.strings[s]
	if t == nil {
		t = &text{}
		c.strings[s] = t
	}
	t.uses++
	return binary.AppendUvarint(b, t.index)
}

func (c *chunk) operation(op *operation) []byte {
	var flags uint64
	set(&flags, operationReadOnly, op.ReadOnly)
	set(&flags, operationIdempotent, op.Idempotent)
	set(&flags, operationDeprecated, op.Deprecated)
	set(&flags, operationUnsigned, op.AuthType == "none" || len(op.Auth) > 0 && op.Auth[0] == "smithy.api#noAuth")
	set(&flags, operationUnsignedPayload, op.UnsignedPayload || op.AuthType == "v4-unsigned-body")
	set(&flags, operationEndpointDiscovery, op.EndpointDiscovery != nil)
	b := binary.AppendUvarint(nil, flags)
	// The JavaScript SDK leaves out what is the same everywhere.
	b = c.text(b, cmp.Or(op.HTTP.Method, "POST"))
	b = c.text(b, cmp.Or(op.HTTP.RequestURI, "/"))
	b = binary.AppendUvarint(b, uint64(op.HTTP.ResponseCode))
	b = c.reference(b, op.Input)
	b = c.reference(b, op.Output)
	wrapper, root, ns := "", "", namespace{}
	if op.Output != nil {
		wrapper = op.Output.ResultWrapper
	}
	if op.Input != nil {
		root, ns = op.Input.LocationName, op.Input.XMLNamespace
	}
	b = c.text(b, wrapper)
	b = c.text(b, op.Endpoint.HostPrefix)
	b = c.text(b, root)
	b = c.text(b, ns.URI)
	b = binary.AppendUvarint(b, uint64(len(op.Errors)))
	for _, e := range op.Errors {
		b = c.reference(b, e)
	}
	return b
}

func (c *chunk) reference(b []byte, s *shape) []byte {
	if s == nil {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, c.find(s).index)
}

// find returns the node of a shape that an operation names.
func (c *chunk) find(s *shape) *node {
	if s.Shape != "" {
		return c.byName[s.Shape]
	}
	for _, n := range c.shapes {
		if n.shape == s {
			return n
		}
	}
	panic("awsmodel: a shape that was not reached")
}

func (c *chunk) shape(n *node) []byte {
	s, f := n.shape, fields{c: c}
	// Scalars written in place carry what belongs to their place.
	inPlace := n.name == ""
	f.set(shapeSensitive, s.Sensitive)
	f.set(shapeUnion, s.Union)
	f.set(shapeException, s.Exception)
	f.set(shapeFault, s.Fault)
	f.set(shapeEventStream, s.EventStream)
	f.set(shapeEvent, s.Event)
	f.set(shapeStreaming, s.Streaming && !inPlace)
	f.set(shapeFlattened, s.Flattened && !inPlace)
	f.set(shapeWrapper, s.Wrapper)
	if n.kind == kindStructure {
		if n.named {
			f.text(shapeHasName, n.name)
		}
		if s.Error.Code != n.name {
			f.text(shapeHasCode, s.Error.Code)
		}
		f.number(shapeHasStatus, s.Error.HTTPStatus)
	}
	if !inPlace {
		f.text(shapeHasNamespace, s.XMLNamespace.URI)
	}
	f.text(shapeHasTimestampFormat, s.TimestampFormat)
	if !inPlace {
		f.text(shapeHasWireName, s.LocationName)
	}
	b := append([]byte{n.kind}, binary.AppendUvarint(nil, f.flags)...)
	b = append(b, f.values...)
	switch n.kind {
	case kindStructure:
		b = binary.AppendUvarint(b, uint64(len(n.names)))
		for i, name := range n.names {
			b = c.text(b, name)
			b = c.member(b, name, s, s.Members[name], n.edges[i])
		}
	case kindList:
		b = c.member(b, "", s, s.Member, n.edges[0])
	case kindMap:
		b = c.member(b, "", s, s.Key, n.edges[0])
		b = c.member(b, "", s, s.Value, n.edges[1])
	}
	return b
}

func (c *chunk) member(b []byte, name string, of, m *shape, target *node) []byte {
	f := fields{c: c, flags: locations[m.Location]}
	f.set(memberRequired, name != "" && slices.Contains(of.Required, name))
	f.set(memberPayload, name != "" && of.Payload == name)
	f.set(memberFlattened, m.Flattened)
	f.set(memberAttribute, m.XMLAttribute)
	f.set(memberIdempotencyToken, m.IdempotencyTok)
	f.set(memberHostLabel, m.HostLabel)
	f.set(memberJSONValue, m.JSONValue)
	f.set(memberStreaming, m.Streaming)
	f.set(memberEventPayload, m.EventPayload)
	f.set(memberEventHeader, m.EventHeader)
	if m.LocationName != name {
		f.text(memberHasWireName, m.LocationName)
	}
	f.text(memberHasQueryName, m.QueryName)
	f.text(memberHasNamespace, m.XMLNamespace.URI)
	f.text(memberHasNamespacePrefix, m.XMLNamespace.Prefix)
	if m.Shape != "" { // otherwise the shape has it
		f.text(memberHasTimestampFormat, m.TimestampFormat)
	}
	b = binary.AppendUvarint(b, f.flags)
	b = binary.AppendUvarint(b, target.index)
	return append(b, f.values...)
}

// fields are flags and the values that they announce.
type fields struct {
	c      *chunk
	flags  uint64
	values []byte
}

func (f *fields) set(bit uint64, on bool) { set(&f.flags, bit, on) }

func (f *fields) text(bit uint64, s string) {
	if s != "" {
		f.flags |= bit
		f.values = f.c.text(f.values, s)
	}
}

func (f *fields) number(bit uint64, n int) {
	if n != 0 {
		f.flags |= bit
		f.values = binary.AppendUvarint(f.values, uint64(n))
	}
}

func set(flags *uint64, bit uint64, on bool) {
	if on {
		*flags |= bit
	}
}
