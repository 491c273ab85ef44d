package mirrortest

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep shapes that lead back to themselves are filled.
const maxDepth = 8

// A filler gives each member a value that no other one has, as far as its type
// has enough of them.
type filler struct {
	n       int64
	unknown []string // members that are left alone
}

var (
	readerType     = reflect.TypeFor[io.Reader]()
	readCloserType = reflect.TypeFor[io.ReadCloser]()
)

// A stream is a body that can be read again.
type stream struct{ *strings.Reader }

func (stream) Close() error { return nil }

// fillSDK fills the SDK's struct in a way that the tags of ours allow.
func (f *filler) fillSDK(sdk reflect.Value, ours reflect.Type, path string) error {
	for i := range sdk.NumField() {
		field := sdk.Type().Field(i)
		if !isMember(field) || slices.Contains(f.unknown, field.Name) {
			continue
		}
		mirror, ok := ourField(ours, field.Name)
		if !ok {
			return fmt.Errorf("%s.%s: we have no such member", path, field.Name)
		}
		if err := f.fillMember(sdk.Field(i), mirror.Type, constraintsOf(mirror), path+"."+field.Name); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) fillMember(v reflect.Value, ours reflect.Type, c constraints, path string) error {
	for ours.Kind() == reflect.Pointer {
		ours = ours.Elem()
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return f.fillMember(v.Elem(), ours, c, path)
	}
	f.n++
	if v.Type() == readerType {
		v.Set(reflect.ValueOf(strings.NewReader(fmt.Sprintf("content-%d", f.n))))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		s, err := f.text(c)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		v.SetString(s)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(fmt.Appendf(nil, "bytes-%d", f.n))
			return nil
		}
		if ours.Kind() != reflect.Slice {
			return fmt.Errorf("%s: our type is %s, the SDK's %s", path, ours, v.Type())
		}
		n := 2
		if c.max < 2 {
			n = 1
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			if err := f.fillMember(v.Index(i), ours.Elem(), constraintsOf(reflect.StructField{}), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		if ours.Kind() != reflect.Map {
			return fmt.Errorf("%s: our type is %s, the SDK's %s", path, ours, v.Type())
		}
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		if err := f.fillMember(value, ours.Elem(), constraintsOf(reflect.StructField{}), path); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("key-%d", f.n)).Convert(v.Type().Key()), value)
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(f.time()))
			return nil
		}
		if ours.Kind() != reflect.Struct {
			return fmt.Errorf("%s: our type is %s, the SDK's %s", path, ours, v.Type())
		}
		if strings.Count(path, ".") > maxDepth {
			return nil
		}
		return f.fillSDK(v, ours, path)
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		f.scalar(v, c)
	default:
		return fmt.Errorf("%s: members of type %s cannot be filled", path, v.Type())
	}
	return nil
}

// fillOurs fills a struct of ours; what goes out has no constraints.
func (f *filler) fillOurs(v reflect.Value, depth int) {
	f.n++
	if v.Type() == readCloserType {
		v.Set(reflect.ValueOf(stream{strings.NewReader(fmt.Sprintf("content-%d", f.n))}))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fillOurs(v.Elem(), depth)
	case reflect.String:
		// Characters that XML and JSON escape, and one beyond ASCII.
		v.SetString(fmt.Sprintf("text-%d <&\"'é>", f.n))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(fmt.Appendf(nil, "bytes-%d", f.n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fillOurs(v.Index(0), depth)
		f.fillOurs(v.Index(1), depth)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		f.fillOurs(value, depth)
		v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("key-%d", f.n)), value)
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(f.time()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && depth < maxDepth {
				f.fillOurs(v.Field(i), depth+1)
			}
		}
	default:
		f.scalar(v, constraintsOf(reflect.StructField{}))
	}
}

func (f *filler) scalar(v reflect.Value, c constraints) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		low, high := int64(1), int64(math.MaxInt32)
		if !math.IsNaN(c.min) {
			low = int64(c.min)
		}
		if !math.IsNaN(c.max) {
			high = int64(c.max)
		}
		v.SetInt(low + f.n%(high-low+1))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	}
}

func (f *filler) time() time.Time { return time.Unix(1_700_000_000+f.n, 0).UTC() }

// samples are texts that one of the patterns in the API models allows. Each has
// a number in it.
var samples = []string{
	"sample-%d", "sample%d", "arn:aws:iam::123456789012:role/sample-%d", "/sample-%d/", "/sample%d", "v%d", "%d", "%012d",
	"%06d", "AKIAEXAMPLE%d", `{"sample":%d}`, "us-east-%d", "https://example.com/%d", "%08x-0000-4000-8000-000000000000",
}

// text returns a text that the constraints allow.
func (f *filler) text(c constraints) (string, error) {
	if len(c.enum) > 0 {
		return c.enum[f.n%int64(len(c.enum))], nil
	}
	for _, sample := range samples {
		s := fmt.Sprintf(sample, f.n)
		if missing := int(c.min) - len(s); !math.IsNaN(c.min) && missing > 0 {
			s = strings.Replace(s, strconv.FormatInt(f.n, 10), strings.Repeat("0", missing)+strconv.FormatInt(f.n, 10), 1)
		}
		if c.allows(s) {
			return s, nil
		}
	}
	return "", fmt.Errorf("none of the samples fits %+v: add one that does", c)
}

// constraints are those of a tag; package aws describes them.
type constraints struct {
	min, max float64 // NaN: unbounded
	enum     []string
	pattern  *regexp.Regexp
}

func constraintsOf(f reflect.StructField) constraints {
	c := constraints{min: math.NaN(), max: math.NaN()}
	tag := f.Tag.Get("aws")
	if before, pattern, ok := strings.Cut(tag, "pattern="); ok {
		c.pattern, tag = regexp.MustCompile(pattern), before
	}
	for _, item := range strings.Split(tag, ",") {
		switch key, value, _ := strings.Cut(item, "="); key {
		case "min":
			c.min, _ = strconv.ParseFloat(value, 64)
		case "max":
			c.max, _ = strconv.ParseFloat(value, 64)
		case "enum":
			c.enum = strings.Split(value, "|")
		}
	}
	return c
}

func (c constraints) allows(s string) bool {
	n := float64(len(s))
	return !(n < c.min) && !(n > c.max) && (c.pattern == nil || c.pattern.MatchString(s))
}

func ourField(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && strings.EqualFold(memberName(f), name) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
