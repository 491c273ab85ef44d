package gateway

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn/internal/awsmodel"
)

// A formNode is a part of the names in a form: Tags.member.1.Key is four of them.
type formNode struct {
	value    string
	set      bool // it has a value of its own
	children map[string]*formNode
}

// formTree takes the names of a form apart. Two values of one name are told in twice; the
// first one counts.
func formTree(forms ...url.Values) (root *formNode, twice bool, err error) {
	root, b := &formNode{}, newBudget()
	for i, form := range forms {
		for name, values := range form {
			twice = twice || len(values) > 1
			at := root
			depth := 0
			for part := range strings.SplitSeq(name, ".") {
				next := at.children[part]
				if next == nil {
					if e := b.spend(depth); e != nil {
						err = e
						break
					}
					next = &formNode{}
					if at.children == nil {
						at.children = make(map[string]*formNode)
					}
					at.children[part] = next
				}
				at = next
				depth++
			}
			if err != nil {
				return root, twice, err
			}
			if at.set && i > 0 {
				twice = true
				continue
			}
			at.value, at.set = values[0], true
		}
	}
	return root, twice, nil
}

// notParameters are names in forms that belong to the protocol and to signatures.
var notParameters = map[string]bool{
	"Action": true, "Version": true, "AWSAccessKeyId": true, "Signature": true, "SignatureMethod": true, "SignatureVersion": true,
	"SecurityToken": true, "X-Amz-Algorithm": true, "X-Amz-Credential": true, "X-Amz-Date": true, "X-Amz-Expires": true,
	"X-Amz-SignedHeaders": true, "X-Amz-Signature": true, "X-Amz-Security-Token": true, "X-Amz-Content-Sha256": true, "X-Amz-Region-Set": true,
}

// decodeForm reads the parameters of a request of the query protocol.
func (q *wire) decodeForm(x *Exchange) {
	x.note(InRequest, q.part, q.formErr, "the form")
	if q.formErr == nil && q.part {
		x.problem(InRequest, Truncated, "the form")
	}
	root, twice, err := formTree(q.form, q.query)
	x.note(InRequest, false, err, "")
	if twice {
		x.problem(InRequest, Ambiguous, "a parameter stands twice")
	}
	for name := range notParameters {
		delete(root.children, name)
	}
	if x.Signature.Version == "SigV2" {
		delete(root.children, "Timestamp")
		delete(root.children, "Expires")
	}
	f := formReader{x.Protocol == awsmodel.EC2}
	if len(root.children) > 0 {
		x.Input, _ = f.structure(x.Model.Input(), root).(map[string]any)
	}
}

// A formReader fits a form to shapes, in the way of one of the two query protocols.
type formReader struct{ ec2 bool }

func (f formReader) value(s *awsmodel.Shape, m *awsmodel.Member, n *formNode) any {
	if s == nil {
		return n.plain()
	}
	switch s.Kind {
	case awsmodel.Structure:
		return f.structure(s, n)
	case awsmodel.List:
		return f.list(s, m, n)
	case awsmodel.Map:
		return f.entries(s, m, n)
	}
	if n.children != nil {
		return n.plain()
	}
	return textScalar(s, n.value)
}

func (f formReader) structure(s *awsmodel.Shape, n *formNode) any {
	if n.children == nil {
		return n.value
	}
	tree := make(map[string]any, len(n.children))
	for name, child := range n.children {
		if m := f.member(s, name); m != nil {
			tree[m.Name] = f.value(m.Shape(), m, child)
		}
	}
	for name, child := range n.children {
		if f.member(s, name) == nil {
			addStranger(s, tree, name, child.plain())
		}
	}
	return tree
}

func (f formReader) member(s *awsmodel.Shape, name string) *awsmodel.Member {
	if s == nil {
		return nil
	}
	for i := range s.Members {
		m := &s.Members[i]
		if f.ec2 && isEC2Name(m, name) || !f.ec2 && elementName(m) == name {
			return m
		}
	}
	return nil
}

// isEC2Name reports whether a member has the name in EC2's queries. It is asked for each
// member and each parameter, and makes no strings.
func isEC2Name(m *awsmodel.Member, name string) bool {
	if m.QueryName != "" || m.WireName == "" || m.WireName[0] >= utf8.RuneSelf {
		return m.EC2Name() == name
	}
	first := m.WireName[0]
	if 'a' <= first && first <= 'z' {
		first -= 'a' - 'A'
	}
	return len(name) == len(m.WireName) && name[0] == first && name[1:] == m.WireName[1:]
}

func (f formReader) list(s *awsmodel.Shape, m *awsmodel.Member, n *formNode) any {
	if n.children == nil {
		if n.value == "" {
			return []any{} // how clients send an empty list
		}
		return n.value
	}
	at := n
	if !f.ec2 && (m == nil || !flattened(m)) {
		for _, name := range [...]string{cmp.Or(s.Element.WireName, "member"), "member"} {
			if child := n.children[name]; child != nil {
				at = child
				break
			}
		}
	}
	numbers := at.numbers()
	if len(numbers) == 0 {
		return n.plain()
	}
	list := make([]any, len(numbers))
	for i, number := range numbers {
		list[i] = f.value(s.Element.Shape(), s.Element, at.children[number])
	}
	return list
}

func (f formReader) entries(s *awsmodel.Shape, m *awsmodel.Member, n *formNode) any {
	at := n
	if child := n.children["entry"]; child != nil && (m == nil || !flattened(m)) {
		at = child
	}
	numbers := at.numbers()
	if len(numbers) == 0 {
		return n.plain()
	}
	all := make(map[string]any, len(numbers))
	for _, number := range numbers {
		entry := at.children[number]
		key, value := entry.children[cmp.Or(s.Key.WireName, "key")], entry.children[cmp.Or(s.Value.WireName, "value")]
		switch {
		case key == nil:
			addStranger(nil, all, number, entry.plain())
		case value == nil:
			all[key.value] = nil
		default:
			all[key.value] = f.value(s.Value.Shape(), s.Value, value)
		}
	}
	return all
}

// plain is a node without a shape.
func (n *formNode) plain() any {
	if n.children == nil {
		return n.value
	}
	tree := make(map[string]any, len(n.children))
	for name, child := range n.children {
		tree[name] = child.plain()
	}
	return tree
}

// numbers are the names of the elements of a list in their order, which may leave gaps.
func (n *formNode) numbers() []string {
	var numbers []string
	for name := range n.children {
		if i, err := strconv.Atoi(name); err == nil && i > 0 && strconv.Itoa(i) == name {
			numbers = append(numbers, name)
		}
	}
	slices.SortFunc(numbers, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	return numbers
}
