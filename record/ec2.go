package record

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"cairn/internal/awsmodel"
)

//go:embed ec2.txt
var ec2Table string

// ec2Names are the names that one operation has for its members.
type ec2Names struct {
	query    bool
	request  []ec2Name
	response []ec2Name
}

type ec2Name struct {
	member  string // of the API, empty for what the API no longer has
	name    string // in the record
	element string // what an element of a list is called
	list    bool   // is written even when the request has none
	text    bool   // numbers are written as texts
	item    bool   // the list's elements are in item, not in items
}

var ec2Operations = sync.OnceValue(func() map[string]*ec2Names {
	table, err := parseEC2(ec2Table)
	if err != nil {
		panic("record: ec2.txt: " + err.Error())
	}
	return table
})

// ec2NamesOf returns the names of an operation, which may all be the default ones.
func ec2NamesOf(operation string) *ec2Names {
	if names := ec2Operations()[operation]; names != nil {
		return names
	}
	return &ec2Names{}
}

// parseEC2 reads the format that the table's head describes.
func parseEC2(text string) (map[string]*ec2Names, error) {
	table := make(map[string]*ec2Names)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "query" {
			for _, operation := range words[1:] {
				table[operation] = &ec2Names{query: true}
			}
			continue
		}
		names := &ec2Names{}
		for _, word := range words[1:] {
			member, name, ok := strings.Cut(word, "=")
			if !ok {
				return nil, fmt.Errorf("%s: no = in %s", words[0], word)
			}
			n := ec2Name{}
			name, optional := strings.CutPrefix(name, "?")
			name, n.text = strings.CutSuffix(name, ":text")
			name, n.item = strings.CutSuffix(name, ":item")
			n.name, n.element, _ = strings.Cut(name, ".")
			isAnswer := false
			n.member, isAnswer = strings.CutPrefix(member, "<")
			if isAnswer {
				names.response = append(names.response, n)
				continue
			}
			n.list = !optional
			names.request = append(names.request, n)
		}
		table[words[0]] = names
	}
	return table, nil
}

func find(names []ec2Name, member string) *ec2Name {
	for i := range names {
		if names[i].member == member {
			return &names[i]
		}
	}
	return nil
}

// ec2Request returns the requestParameters of a call to EC2.
func ec2Request(op *awsmodel.Operation, input map[string]any) map[string]any {
	names := ec2NamesOf(op.Name)
	if names.query {
		body := ec2Query(op.Input(), input, 0)
		return map[string]any{op.Name + "Request": body}
	}
	request := make(map[string]any)
	for _, n := range names.request {
		m := memberOf(op.Input(), n.member)
		if n.list && (m == nil || m.Shape().Kind == awsmodel.List) {
			request[n.name] = map[string]any{}
		}
	}
	for member, v := range input {
		m := memberOf(op.Input(), member)
		if m == nil || v == nil {
			if _, taken := request[member]; !taken && v != nil {
				request[member] = v
			}
			continue
		}
		n := find(names.request, member)
		switch {
		case n != nil && m.Shape().Kind == awsmodel.List:
			request[n.name] = ec2List(m.Shape(), n.element, v, 0)
			if n.item {
				request[n.name] = inItem(request[n.name])
			}
		case n != nil:
			request[n.name] = ec2Text(n, ec2Value(m.Shape(), v, 0))
		case op.Name == "RunInstances" && (member == "ImageId" || member == "MinCount" || member == "MaxCount"):
			runInstancesItem(request)[lowerFirst(member)] = ec2Value(m.Shape(), v, 0)
		case m.Shape().Kind == awsmodel.List && !strings.HasSuffix(m.EC2Name(), "Set"):
			request[lowerFirst(m.EC2Name())+"Set"] = ec2List(m.Shape(), "", v, 0)
		default:
			request[lowerFirst(m.EC2Name())] = ec2Value(m.Shape(), v, 0)
		}
	}
	return notEmpty(request)
}

// runInstancesItem returns the one element of RunInstances' instancesSet.
func runInstancesItem(request map[string]any) map[string]any {
	if set, ok := request["instancesSet"].(map[string]any); ok {
		return set["items"].([]any)[0].(map[string]any)
	}
	item := make(map[string]any)
	request["instancesSet"] = map[string]any{"items": []any{item}}
	return item
}

func ec2Text(n *ec2Name, v any) any {
	if x, ok := v.(json.Number); ok && n.text {
		return string(x)
	}
	return v
}

// ec2Value is a value of an older operation's request or answer.
func ec2Value(s *awsmodel.Shape, v any, depth int) any {
	if depth > maxDepth {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if s == nil || s.Kind != awsmodel.Structure {
			return v
		}
		object := make(map[string]any, len(v))
		if s.Member("IpRanges") != nil && s.Member("UserIdGroupPairs") != nil {
			// An IpPermission has its lists even when they are empty.
			for _, name := range [...]string{"groups", "ipRanges", "ipv6Ranges", "prefixListIds"} {
				object[name] = map[string]any{}
			}
		}
		for name, e := range v {
			m := s.Member(name)
			switch {
			case e == nil:
			case m == nil:
				if _, taken := object[name]; !taken {
					object[name] = e
				}
			case name == "Tags" && s.Member("ResourceType") != nil && len(s.Members) == 2:
				object["tags"] = ec2Plain(m.Shape(), e, depth+1) // a TagSpecification
			case name == "Values" && s.Member("Name") != nil && len(s.Members) == 2:
				object["valueSet"] = ec2List(m.Shape(), "value", e, depth+1) // a Filter
			default:
				object[lowerFirst(wireName(m))] = ec2Value(m.Shape(), e, depth+1)
				if m.WireName == "privateIpAddressesSet" {
					object[m.WireName] = inItem(object[m.WireName])
				}
			}
		}
		return object
	case []any:
		return ec2List(s, "", v, depth)
	}
	return form{style: styleOf("ec2")}.value(s, "", v, depth)
}

// ec2List is a list as an object with items, empty when the list is. Elements that are
// no objects become one, with a member named element.
func ec2List(s *awsmodel.Shape, element string, v any, depth int) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	if len(list) == 0 {
		return map[string]any{}
	}
	items := ec2Plain(s, list, depth).([]any)
	for i, item := range items {
		if _, ok := item.(map[string]any); !ok {
			if element == "" {
				element = "item"
			}
			items[i] = map[string]any{element: item}
		}
	}
	return map[string]any{"items": items}
}

// inItem is a list in the spelling that a few places have: item instead of items.
func inItem(v any) any {
	if tree, ok := v.(map[string]any); ok && tree["items"] != nil {
		return map[string]any{"item": tree["items"]}
	}
	return v
}

func ec2Plain(s *awsmodel.Shape, v any, depth int) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	var element *awsmodel.Shape
	if s != nil && s.Kind == awsmodel.List {
		element = s.Element.Shape()
	}
	items := make([]any, len(list))
	for i, e := range list {
		items[i] = ec2Value(element, e, depth+1)
	}
	return items
}

// ec2Query is a value of a newer operation's request: an element of a list has its number
// as tag and, when it is no object, its text as content.
func ec2Query(s *awsmodel.Shape, tree map[string]any, depth int) any {
	object := make(map[string]any, len(tree))
	for name, v := range tree {
		var m *awsmodel.Member
		if s != nil {
			m = s.Member(name)
		}
		if m == nil || v == nil || depth > maxDepth {
			if _, taken := object[name]; !taken && v != nil {
				object[name] = v
			}
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			object[m.EC2Name()] = ec2Query(m.Shape(), v, depth+1)
		case []any:
			if elements := ec2Numbered(m.Shape(), v, depth+1); elements != nil {
				object[m.EC2Name()] = elements
			}
		default:
			object[m.EC2Name()] = xmlTree(m.Shape(), "", "item", v, depth+1)
		}
	}
	if len(object) == 0 {
		return ""
	}
	return object
}

func ec2Numbered(s *awsmodel.Shape, list []any, depth int) any {
	elements := make([]any, len(list))
	for i, e := range list {
		var element map[string]any
		if tree, ok := e.(map[string]any); ok && s.Kind == awsmodel.List {
			element, _ = ec2Query(s.Element.Shape(), tree, depth+1).(map[string]any)
		} else {
			element = map[string]any{"content": xmlTree(nil, "", "item", e, depth+1)}
		}
		if element == nil {
			element = make(map[string]any)
		}
		element["tag"] = i + 1
		elements[i] = element
	}
	switch len(elements) {
	case 0:
		return nil
	case 1:
		return elements[0]
	}
	return elements
}

func ec2Namespace(op *awsmodel.Operation) string {
	return strings.TrimSuffix(op.Service.XMLNamespace, "/") + "/"
}

// ec2Response returns the responseElements of a call to EC2 that changed something.
func ec2Response(op *awsmodel.Operation, output map[string]any, requestID string) map[string]any {
	names := ec2NamesOf(op.Name)
	if names.query {
		body, ok := xmlTree(op.Output(), ec2Namespace(op), "item", output, 0).(map[string]any)
		if !ok {
			body = map[string]any{"xmlns": ec2Namespace(op)}
		}
		body["requestId"] = requestID
		return map[string]any{op.Name + "Response": body}
	}
	response := map[string]any{"requestId": requestID}
	if op.Output() == nil || memberOf(op.Output(), "Return") != nil || op.Name == "CreateSecurityGroup" {
		response["_return"] = true
	}
	for member, v := range output {
		m := memberOf(op.Output(), member)
		n := find(names.response, member)
		switch {
		case v == nil:
		case m == nil:
			if _, taken := response[member]; !taken {
				response[member] = v
			}
		case member == "Return":
			response["_return"] = v
		case n != nil:
			response[n.name] = ec2Text(n, ec2Value(m.Shape(), v, 0))
		default:
			response[lowerFirst(wireName(m))] = ec2Value(m.Shape(), v, 0)
		}
	}
	return response
}
