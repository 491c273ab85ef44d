package aws

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query is the protocol awsQuery: a form whose member Action names the
// operation, answered in XML.
type Query struct {
	Version   string // API version, e.g. "2010-05-08"
	Namespace string // of the answers, e.g. "https://iam.amazonaws.com/doc/2010-05-08/"
}

// maxFormMembers bounds a form, and maxFormDepth its names: each of their parts
// takes far more memory than the few bytes that it has on the wire.
const (
	maxFormMembers = 10_000
	maxFormDepth   = 16
)

func (p Query) decode(r *http.Request, body []byte) (string, map[string]any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) > maxFormMembers {
		return "", nil, Errorf("MalformedQueryString", "The query string is malformed.")
	}
	if r.Method == http.MethodGet {
		for name, values := range r.URL.Query() {
			if !strings.HasPrefix(name, "X-Amz-") {
				form[name] = values
			}
		}
	}
	if version := form.Get("Version"); version != "" && version != p.Version {
		return "", nil, Errorf("NoSuchVersion", "The requested version %q is not supported; this service has version %s.", version, p.Version)
	}
	operation := form.Get("Action")
	if operation == "" {
		return "", nil, Errorf("MissingAction", "The request must contain the parameter Action.")
	}
	delete(form, "Action")
	delete(form, "Version")
	tree, err := formTree(form)
	return operation, tree, err
}

// formTree turns names such as Tags.member.1.Key into nested maps. Lists stay
// maps by number: which member is a list, the operation's struct tells.
func formTree(form url.Values) (map[string]any, error) {
	tree := make(map[string]any)
	for name, values := range form {
		if strings.Count(name, ".") >= maxFormDepth {
			return nil, Errorf("MalformedQueryString", "A parameter is nested deeper than %d levels.", maxFormDepth)
		}
		at := tree
		parts := strings.Split(name, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = make(map[string]any)
				at[part] = next
			}
			at = next
		}
		last := parts[len(parts)-1]
		if _, nested := at[last].(map[string]any); !nested {
			at[last] = values[0]
		}
	}
	return tree, nil
}

// fitForm gives a form's tree the lists, maps and scalars that t has. What does
// not fit stays as it is, for assign to refuse.
func fitForm(t reflect.Type, tree any) any {
	m, nested := tree.(map[string]any)
	switch t.Kind() {
	case reflect.Pointer:
		return fitForm(t.Elem(), tree)
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return fitScalar(t.Kind(), tree)
	case reflect.Slice:
		if t == bytesType || !nested && tree != "" {
			return tree
		}
		if inner, ok := m["member"].(map[string]any); ok {
			m = inner
		}
		list := make([]any, 0, len(m)) // clients send an empty list as an empty text
		for _, key := range listKeys(m) {
			list = append(list, fitForm(t.Elem(), m[key]))
		}
		return list
	case reflect.Map:
		if !nested && tree != "" {
			return tree
		}
		if inner, ok := m["entry"].(map[string]any); ok {
			m = inner
		}
		out := make(map[string]any)
		for _, number := range listKeys(m) {
			entry, _ := m[number].(map[string]any)
			key, ok := entry["key"].(string)
			value := entry["value"]
			if !ok { // the message attributes of SNS
				key, ok = entry["Name"].(string)
				value = entry["Value"]
			}
			if ok {
				out[key] = fitForm(t.Elem(), value)
			}
		}
		return out
	case reflect.Struct:
		if t == timeType || !nested {
			return tree
		}
		out := make(map[string]any)
		for _, f := range shapeOf(t).fields {
			if e, ok := m[f.name]; ok {
				out[f.name] = fitForm(t.Field(f.index).Type, e)
			}
		}
		return out
	}
	return tree
}

// fitScalar reads a number or a boolean from its text.
func fitScalar(kind reflect.Kind, tree any) any {
	text, ok := tree.(string)
	if !ok {
		return tree
	}
	if kind == reflect.Bool {
		switch text {
		case "true":
			return true
		case "false":
			return false
		}
		return tree
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return tree
	}
	return json.Number(text)
}

// listKeys are the numbers of a list's elements in their order, which may leave
// gaps.
func listKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		if n, err := strconv.Atoi(key); err == nil && n > 0 && strconv.Itoa(n) == key {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
	return keys
}

func (p Query) encode(operation string, output reflect.Value, requestID string) (string, []byte) {
	var b bytes.Buffer
	b.WriteString("<" + operation + `Response xmlns="` + p.Namespace + `">`)
	if output.IsValid() {
		writeXML(&b, operation+"Result", output)
	}
	b.WriteString("<ResponseMetadata><RequestId>" + requestID + "</RequestId></ResponseMetadata></" + operation + "Response>\n")
	return "text/xml", b.Bytes()
}

// queryCodes are the codes that the query protocol spells in its own way.
var queryCodes = map[string]string{
	"ValidationException":       "ValidationError",
	"SerializationException":    "MalformedInput",
	"ThrottlingException":       "Throttling",
	"UnknownOperationException": "InvalidAction",
}

func (p Query) wireError(e *Error) (code string, status int) {
	if code, ok := queryCodes[e.Code]; ok {
		return code, e.status()
	}
	return e.Code, e.status()
}

func (p Query) encodeError(e *Error, requestID string) (string, []byte) {
	var b bytes.Buffer
	b.WriteString(`<ErrorResponse xmlns="` + p.Namespace + `"><Error><Type>` + e.fault() + "</Type><Code>")
	code, _ := p.wireError(e)
	xml.EscapeText(&b, []byte(code))
	b.WriteString("</Code><Message>")
	xml.EscapeText(&b, []byte(e.Message))
	b.WriteString("</Message></Error><RequestId>" + requestID + "</RequestId></ErrorResponse>\n")
	return "text/xml", b.Bytes()
}

// writeXML writes a value as an element.
func writeXML(b *bytes.Buffer, name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	b.WriteString("<" + name + ">")
	switch v.Kind() {
	case reflect.String:
		xml.EscapeText(b, []byte(v.String()))
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.Slice:
		if v.Type() == bytesType {
			b.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
			break
		}
		for i := range v.Len() {
			writeXML(b, "member", v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
		for _, key := range keys {
			b.WriteString("<entry>")
			writeXML(b, "key", key)
			writeXML(b, "value", v.MapIndex(key))
			b.WriteString("</entry>")
		}
	case reflect.Struct:
		if v.Type() == timeType {
			b.WriteString(v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05Z"))
			break
		}
		for _, f := range shapeOf(v.Type()).fields {
			if field := v.Field(f.index); present(field) {
				writeXML(b, f.name, field)
			}
		}
	}
	b.WriteString("</" + name + ">")
}
