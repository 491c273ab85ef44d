package aws

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The structs of an operation are plain: string, bool, int32, int64, float64,
// []byte, time.Time, structs, slices and maps of these, and pointers where the
// zero value means something. A field's name is the API's member name; its tag
// says more:
//
//	aws:"trailName,required,min=3,max=128,pattern=^[a-z]+$"
//
// The first item is the member's name where it differs. enum=A|B lists the
// values that are allowed; pattern must come last. For lists and maps min and
// max bound the number of entries, for strings the number of characters, for
// numbers the value.
type shape struct {
	fields []shapeField
}

type shapeField struct {
	name     string
	index    int
	required bool
	min, max float64 // NaN: unbounded
	enum     []string
	pattern  *regexp.Regexp
}

var shapes sync.Map // reflect.Type → *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Type.Kind() == reflect.Interface { // a stream
			continue
		}
		s.fields = append(s.fields, parseTag(f.Name, i, f.Tag.Get("aws")))
	}
	actual, _ := shapes.LoadOrStore(t, s)
	return actual.(*shape)
}

func parseTag(name string, index int, tag string) shapeField {
	f := shapeField{name: name, index: index, min: math.NaN(), max: math.NaN()}
	if before, pattern, ok := strings.Cut(tag, "pattern="); ok {
		f.pattern = regexp.MustCompile(pattern)
		tag = strings.TrimSuffix(before, ",")
	}
	for i, item := range strings.Split(tag, ",") {
		key, value, _ := strings.Cut(item, "=")
		switch {
		case i == 0 && item != "" && value == "":
			f.name = item
		case key == "required":
			f.required = true
		case key == "min":
			f.min, _ = strconv.ParseFloat(value, 64)
		case key == "max":
			f.max, _ = strconv.ParseFloat(value, 64)
		case key == "enum":
			f.enum = strings.Split(value, "|")
		}
	}
	return f
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// assign fills v from a tree of JSON values. A member that v's type does not
// know is passed over, as AWS does.
func assign(v reflect.Value, tree any, path string) error {
	if tree == nil {
		return nil
	}
	mismatch := func(want string) error {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("%s: expected %s, found %s", path, want, kindOf(tree))}
	}
	switch v.Type() {
	case timeType:
		t, ok := parseTime(tree)
		if !ok {
			return mismatch("a timestamp")
		}
		v.Set(reflect.ValueOf(t))
		return nil
	case bytesType:
		if raw, ok := tree.([]byte); ok {
			v.SetBytes(raw)
			return nil
		}
		s, ok := tree.(string)
		b, err := base64.StdEncoding.DecodeString(s)
		if !ok || err != nil {
			return mismatch("base64 text")
		}
		v.SetBytes(b)
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return assign(v.Elem(), tree, path)
	case reflect.String:
		s, ok := tree.(string)
		if !ok {
			return mismatch("a string")
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := tree.(bool)
		if !ok {
			return mismatch("a boolean")
		}
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(numberText(tree), 10, v.Type().Bits())
		if err != nil {
			return mismatch("an integer")
		}
		v.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(numberText(tree), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return mismatch("a number")
		}
		v.SetFloat(n)
	case reflect.Slice:
		list, ok := tree.([]any)
		if !ok {
			return mismatch("a list")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, e := range list {
			if err := assign(v.Index(i), e, fmt.Sprintf("%s.%d", path, i+1)); err != nil {
				return err
			}
		}
	case reflect.Map:
		m, ok := tree.(map[string]any)
		if !ok {
			return mismatch("a map")
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
		for key, e := range m {
			value := reflect.New(v.Type().Elem()).Elem()
			if err := assign(value, e, path+"."+key); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(key), value)
		}
	case reflect.Struct:
		m, ok := tree.(map[string]any)
		if !ok {
			return mismatch("a structure")
		}
		for _, f := range shapeOf(v.Type()).fields {
			if err := assign(v.Field(f.index), m[f.name], joinPath(path, f.name)); err != nil {
				return err
			}
		}
	default:
		panic("aws: no wire form for " + v.Type().String())
	}
	return nil
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func numberText(tree any) string {
	n, _ := tree.(json.Number)
	return n.String()
}

func kindOf(tree any) string {
	switch tree.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "a structure"
	}
	return "nothing"
}

// parseTime reads epoch seconds, with or without a fraction, or RFC 3339.
func parseTime(tree any) (time.Time, bool) {
	if n, ok := tree.(json.Number); ok {
		f, err := strconv.ParseFloat(n.String(), 64)
		if err != nil || math.Abs(f) > 1e11 {
			return time.Time{}, false
		}
		sec, frac := math.Modf(f)
		return time.Unix(int64(sec), int64(math.Round(frac*1e3))*1e6).UTC(), true
	}
	if t, ok := tree.(time.Time); ok {
		return t, true
	}
	s, ok := tree.(string)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}

// validate holds v to the constraints of its tags.
func validate(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return validate(v.Elem(), path)
	case reflect.Slice:
		if v.Type() == bytesType {
			return nil
		}
		for i := range v.Len() {
			if err := validate(v.Index(i), fmt.Sprintf("%s.%d.member", path, i+1)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for key, e := range v.Seq2() {
			if err := validate(e, path+"."+key.String()+".member"); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return nil
		}
		for _, f := range shapeOf(v.Type()).fields {
			name := joinPath(path, lowerFirst(f.name))
			if err := f.check(v.Field(f.index), name); err != nil {
				return err
			}
			if err := validate(v.Field(f.index), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *shapeField) check(v reflect.Value, path string) error {
	fail := func(value, constraint string) error {
		return Errorf("ValidationException", "1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint)
	}
	if v.IsZero() {
		if f.required {
			return fail("null", "Member must not be null")
		}
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	var size float64
	what := "value"
	switch v.Kind() {
	case reflect.String:
		size, what = float64(utf8.RuneCountInString(v.String())), "length"
	case reflect.Slice, reflect.Map:
		size, what = float64(v.Len()), "length"
	case reflect.Int32, reflect.Int64:
		size = float64(v.Int())
	case reflect.Float64:
		size = v.Float()
	default:
		return nil
	}
	quoted := fmt.Sprintf("'%v'", v.Interface())
	if v.Type() == bytesType {
		quoted = fmt.Sprintf("of %d bytes", v.Len()) // bytes may be secret, and messages are recorded
	}
	if size < f.min {
		return fail(quoted, fmt.Sprintf("Member must have %s greater than or equal to %v", what, f.min))
	}
	if size > f.max {
		return fail(quoted, fmt.Sprintf("Member must have %s less than or equal to %v", what, f.max))
	}
	if v.Kind() != reflect.String {
		return nil
	}
	if f.enum != nil && !contains(f.enum, v.String()) {
		return fail(quoted, "Member must satisfy enum value set: ["+strings.Join(f.enum, ", ")+"]")
	}
	if f.pattern != nil && !f.pattern.MatchString(v.String()) {
		return fail(quoted, "Member must satisfy regular expression pattern: "+f.pattern.String())
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// treeOf is the opposite of assign. Absent members are left out. Timestamps
// stay time.Time and blobs []byte.
func treeOf(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return treeOf(v.Elem())
	case reflect.Int32, reflect.Int64:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return json.Number(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.Slice:
		if v.Type() == bytesType {
			return v.Bytes()
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = treeOf(v.Index(i))
		}
		return list
	case reflect.Map:
		m := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			m[key.String()] = treeOf(v.MapIndex(key))
		}
		return m
	case reflect.Struct:
		if v.Type() == timeType {
			return v.Interface()
		}
		m := make(map[string]any)
		for _, f := range shapeOf(v.Type()).fields {
			if field := v.Field(f.index); present(field) {
				m[f.name] = treeOf(field)
			}
		}
		return m
	}
	return v.Interface()
}

// present reports whether a member has a value. Lists and maps that are empty
// but not nil do.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return !v.IsNil()
	case reflect.Bool:
		return true
	}
	return !v.IsZero()
}
