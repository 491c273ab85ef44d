package record

import (
	"maps"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
)

// redacted returns the call's parameters and answer by the API's names, without secrets.
// Of an operation that the model does not know only the names are kept, since nothing
// tells which of its members are secret.
func (r *rendering) redacted() (input, output map[string]any) {
	c := r.call
	if c.Err == nil {
		output = c.Output
	}
	if c.Service == aws.RouteService || r.details.EventType != "" {
		return c.Input, output // chosen by who made the call's record, to be shown
	}
	if r.op == nil {
		return hideAll(c.Input), hideAll(output)
	}
	return r.op.RedactInput(c.Input), r.op.RedactOutput(output)
}

func hideAll(tree map[string]any) map[string]any {
	if len(tree) == 0 {
		return nil
	}
	hidden := make(map[string]any, len(tree))
	for name := range tree {
		hidden[name] = awsmodel.Hidden
	}
	return hidden
}

// bodies returns requestParameters and responseElements, each nil for null.
func (r *rendering) bodies(input, output map[string]any) (request, response map[string]any) {
	if r.op == nil {
		return input, output
	}
	if r.op.Service.ID == "kms" && r.call.Err == nil {
		input = withAlgorithm(r.op, input, output)
	}
	answers := !r.op.ReadOnly || answering[r.op.Service.ID+"."+r.op.Name]
	if r.call.Err != nil || !answers {
		output = nil
	}
	switch r.op.Service.ID {
	case "s3", "s3control":
		return s3Request(r.op, r.call.Host, input), s3Response(r.op, output)
	case "ec2":
		request = ec2Request(r.op, input)
		if r.call.Err == nil && answers {
			response = ec2Response(r.op, output, r.call.RequestID)
		}
		return request, response
	}
	f := form{style: r.style}
	if !r.refusedEarly() {
		request = f.structure(r.op.Input(), input)
	}
	if onlyARN[r.op.Service.ID+"."+r.op.Name] && output != nil {
		return request, notEmpty(map[string]any{"arn": output["ARN"]})
	}
	if m := f.style.wrapping(r.op.Output()); m != nil {
		if inner, ok := output[m.Name].(map[string]any); ok {
			return request, f.answers().structure(m.Shape(), inner)
		}
	}
	return request, f.answers().structure(r.op.Output(), output)
}

// withAlgorithm adds the encryption algorithm that KMS used where the caller named none:
// its records show the default, too.
func withAlgorithm(op *awsmodel.Operation, input, output map[string]any) map[string]any {
	const name = "EncryptionAlgorithm"
	if input[name] != nil || output[name] == nil || op.Input().Member(name) == nil {
		return input
	}
	input = maps.Clone(input)
	if input == nil {
		input = make(map[string]any)
	}
	input[name] = output[name]
	return input
}

// wrapping returns the one structure that an answer consists of, nil if it does not or if
// the service writes it like any other.
func (st style) wrapping(output *awsmodel.Shape) *awsmodel.Member {
	if st.unwraps && output != nil && len(output.Members) == 1 && output.Members[0].Shape().Kind == awsmodel.Structure {
		return &output.Members[0]
	}
	return nil
}

// refusedEarly reports whether the call was refused before it reached its operation, by
// a service that then records no parameters.
func (r *rendering) refusedEarly() bool {
	if r.call.Err == nil || r.style.refused {
		return false
	}
	switch r.code() {
	case "AccessDenied", "ThrottlingException":
		return true
	}
	return false
}

// form turns a tree of API members into what a record says.
type form struct{ style style }

// answers is the form of answers.
func (f form) answers() form {
	if f.style.answerNoComma {
		f.style.times = timeNoComma
	}
	return f
}

// structure returns the members of a request or an answer, nil when there are none.
func (f form) structure(s *awsmodel.Shape, tree map[string]any) map[string]any {
	if len(tree) == 0 {
		return nil
	}
	v, _ := f.value(s, "", tree, 0).(map[string]any)
	return notEmpty(v)
}

func notEmpty(tree map[string]any) map[string]any {
	for name, v := range tree {
		if v == nil {
			delete(tree, name)
		}
	}
	if len(tree) == 0 {
		return nil
	}
	return tree
}

// value returns what stands for v. s is its shape, nil when it is not known;
// timestamps is the format that its member asks for.
func (f form) value(s *awsmodel.Shape, timestamps string, v any, depth int) any {
	if depth > maxDepth {
		return v // appendValue stops there
	}
	switch v := v.(type) {
	case map[string]any:
		return f.object(s, v, depth)
	case []any:
		list := make([]any, len(v))
		var element *awsmodel.Shape
		if s != nil && s.Kind == awsmodel.List {
			element, timestamps = s.Element.Shape(), s.Element.TimestampFormat
		}
		for i, e := range v {
			list[i] = f.value(element, timestamps, e, depth+1)
		}
		return list
	case time.Time:
		if timestamps == "" && s != nil {
			timestamps = s.TimestampFormat
		}
		return f.style.times.format(v, timestamps)
	case string:
		return scalar(s, v)
	}
	return v
}

func (f form) object(s *awsmodel.Shape, tree map[string]any, depth int) any {
	object := make(map[string]any, len(tree))
	var strangers []string
	for name, v := range tree {
		var m *awsmodel.Member
		if s != nil && s.Kind == awsmodel.Structure {
			m = s.Member(name)
		}
		switch {
		case v == nil:
		case m != nil:
			if m.Streaming || m.Shape().Streaming || m.Shape().EventStream {
				continue
			}
			object[f.name(m.Name)] = f.value(m.Shape(), m.TimestampFormat, v, depth+1)
			if f.style.texts && m.Location == awsmodel.QueryParam {
				object[f.name(m.Name)] = wireText(m, v)
			}
		case s != nil && s.Kind == awsmodel.Map:
			object[name] = f.value(s.Value.Shape(), s.Value.TimestampFormat, v, depth+1)
		default:
			strangers = append(strangers, name)
		}
	}
	// A member that the model does not have must not take the place of one that it has.
	for _, name := range strangers {
		written := name
		for _, taken := object[written]; taken || written != name && tree[written] != nil; _, taken = object[written] {
			written += "_"
		}
		object[written] = f.value(nil, "", tree[name], depth+1)
	}
	return object
}

func (f form) name(member string) string {
	if f.style.verbatim {
		return member
	}
	return lowerFirst(member)
}

func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+'a'-'A') + s[1:]
}

// scalar gives a text the type that its shape has: the query protocol and REST send
// numbers and booleans as texts.
func scalar(s *awsmodel.Shape, v string) any {
	if s == nil {
		return v
	}
	switch s.Kind {
	case awsmodel.Boolean:
		switch strings.ToLower(v) {
		case "true":
			return true
		case "false":
			return false
		}
	case awsmodel.Integer, awsmodel.Long, awsmodel.Float, awsmodel.Double:
		if isNumber(v) {
			return number(v)
		}
	}
	return v
}

// memberOf returns the member of a shape, nil when either is not there.
func memberOf(s *awsmodel.Shape, name string) *awsmodel.Member {
	if s == nil {
		return nil
	}
	return s.Member(name)
}
