package record

import (
	"encoding/json"

	"cairn/internal/awsmodel"
)

// ec2Restore is the opposite of ec2Request and ec2Response.
func ec2Restore(op *awsmodel.Operation, request, response map[string]any) (input, output map[string]any) {
	names := ec2NamesOf(op.Name)
	if names.query {
		body, _ := request[op.Name+"Request"].(map[string]any)
		input, _ = ec2QueryRestore(op.Input(), body).(map[string]any)
		if answer, ok := response[op.Name+"Response"].(map[string]any); ok {
			output, _ = xmlRestore(op.Output(), without(answer, "requestId")).(map[string]any)
		}
		return input, output
	}
	input = make(map[string]any)
	for name, v := range request {
		if op.Name == "RunInstances" && name == "instancesSet" {
			for _, item := range itemsOf(v) {
				for n, e := range item.(map[string]any) {
					input[upperFirst(n)] = e
				}
			}
			continue
		}
		m, n := ec2MemberNamed(op.Input(), names.request, name, true)
		if m == nil {
			if tree, ok := v.(map[string]any); !ok || len(tree) > 0 {
				input[name] = v
			}
			continue
		}
		if tree, ok := v.(map[string]any); ok && len(tree) == 0 && n != nil && n.list {
			continue
		}
		input[m.Name] = ec2ValueRestore(m.Shape(), v)
	}
	if response == nil {
		return input, nil
	}
	output = make(map[string]any)
	for name, v := range response {
		if name == "requestId" {
			continue
		}
		if name == "_return" {
			if memberOf(op.Output(), "Return") != nil {
				output["Return"] = v
			}
			continue
		}
		if m, _ := ec2MemberNamed(op.Output(), names.response, name, false); m != nil {
			output[m.Name] = ec2ValueRestore(m.Shape(), v)
		} else {
			output[name] = v
		}
	}
	return input, output
}

func ec2MemberNamed(s *awsmodel.Shape, names []ec2Name, name string, request bool) (*awsmodel.Member, *ec2Name) {
	for i := range names {
		if names[i].name == name {
			return memberOf(s, names[i].member), &names[i]
		}
	}
	for i := 0; s != nil && i < len(s.Members); i++ {
		m := &s.Members[i]
		written := lowerFirst(wireName(m))
		if request {
			written = lowerFirst(m.EC2Name())
		}
		if written == name || request && m.Shape().Kind == awsmodel.List && written+"Set" == name {
			return m, nil
		}
	}
	return nil, nil
}

// ec2ValueRestore is the opposite of ec2Value.
func ec2ValueRestore(s *awsmodel.Shape, v any) any {
	switch s.Kind {
	case awsmodel.List:
		items := itemsOf(v)
		list := make([]any, len(items))
		for i, item := range items {
			if tree, ok := item.(map[string]any); ok && s.Element.Shape().Kind != awsmodel.Structure {
				item = onlyElement(tree)
			}
			list[i] = ec2ValueRestore(s.Element.Shape(), item)
		}
		return list
	case awsmodel.Structure:
		tree, ok := v.(map[string]any)
		if !ok {
			return v
		}
		object := make(map[string]any, len(tree))
		for name, e := range tree {
			m, _ := ec2MemberNamed(s, []ec2Name{{member: "Values", name: "valueSet"}, {member: "Tags", name: "tags"}}, name, false)
			if m == nil {
				m = s.Member(upperFirst(name))
			}
			if m == nil {
				object[name] = e
				continue
			}
			object[m.Name] = ec2ValueRestore(m.Shape(), e)
		}
		return object
	case awsmodel.Timestamp:
		if t, ok := timeMillis.parse(v); ok {
			return t
		}
	case awsmodel.Integer, awsmodel.Long:
		if text, ok := v.(string); ok && isNumber(text) {
			return json.Number(text)
		}
	}
	return v
}

func itemsOf(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		if items, ok := v["items"].([]any); ok {
			return items
		}
		items, _ := v["item"].([]any)
		return items
	}
	return nil
}

// ec2QueryRestore is the opposite of ec2Query.
func ec2QueryRestore(s *awsmodel.Shape, v any) any {
	if s == nil {
		return v
	}
	switch s.Kind {
	case awsmodel.Structure:
		tree, ok := v.(map[string]any)
		if !ok {
			return v
		}
		object := make(map[string]any, len(tree))
		for name, e := range tree {
			if name == "tag" {
				continue
			}
			if m := ec2MemberQueried(s, name); m != nil {
				object[m.Name] = ec2QueryRestore(m.Shape(), e)
			} else {
				object[name] = e
			}
		}
		return object
	case awsmodel.List:
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		restored := make([]any, len(list))
		for i, e := range list {
			if tree, ok := e.(map[string]any); ok && s.Element.Shape().Kind != awsmodel.Structure {
				e = tree["content"]
			}
			restored[i] = ec2QueryRestore(s.Element.Shape(), e)
		}
		return restored
	case awsmodel.String:
		return plainText(v)
	}
	return v
}

func ec2MemberQueried(s *awsmodel.Shape, name string) *awsmodel.Member {
	for i := range s.Members {
		if s.Members[i].EC2Name() == name {
			return &s.Members[i]
		}
	}
	return nil
}

func without(tree map[string]any, name string) map[string]any {
	rest := make(map[string]any, len(tree))
	for n, v := range tree {
		if n != name {
			rest[n] = v
		}
	}
	return rest
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
