package mirrortest

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// compare returns how a value of ours differs from one of the SDK's.
func compare(path string, ours, sdk reflect.Value) []string {
	ours, sdk = through(ours), through(sdk)
	if ours.IsValid() && sdk.IsValid() && ours.Kind() == reflect.Interface && sdk.Kind() == reflect.Interface {
		// The SDK's first: it may still read ours.
		if theirs, own := contentOf(sdk), contentOf(ours); own != theirs {
			return []string{fmt.Sprintf("%s: we have %s, the SDK %s", path, own, theirs)}
		}
		return nil
	}
	// A time that is kept as the text of its header.
	if ours.IsValid() && sdk.IsValid() && ours.Kind() == reflect.String && sdk.Type() == timeType {
		if at, err := http.ParseTime(ours.String()); err == nil {
			return compare(path, reflect.ValueOf(at), sdk)
		}
	}
	if !ours.IsValid() || !sdk.IsValid() {
		if ours.IsValid() == sdk.IsValid() {
			return nil
		}
		return []string{fmt.Sprintf("%s: we have %s, the SDK %s", path, show(ours), show(sdk))}
	}
	if ours.Type() == timeType && sdk.Type() == timeType {
		if !ours.Interface().(time.Time).Equal(sdk.Interface().(time.Time)) {
			return []string{fmt.Sprintf("%s: we have %s, the SDK %s", path, show(ours), show(sdk))}
		}
		return nil
	}
	if class(ours.Kind()) != class(sdk.Kind()) {
		return []string{fmt.Sprintf("%s: our type is %s, the SDK's %s", path, ours.Type(), sdk.Type())}
	}
	switch ours.Kind() {
	case reflect.Struct:
		return compareMembers(path, ours, sdk)
	case reflect.Slice:
		if ours.Len() != sdk.Len() {
			return []string{fmt.Sprintf("%s: we have %d elements, the SDK %d", path, ours.Len(), sdk.Len())}
		}
		var all []string
		for i := range ours.Len() {
			all = append(all, compare(fmt.Sprintf("%s[%d]", path, i), ours.Index(i), sdk.Index(i))...)
		}
		return all
	case reflect.Map:
		var all []string
		if ours.Len() != sdk.Len() {
			all = append(all, fmt.Sprintf("%s: we have %d entries, the SDK %d", path, ours.Len(), sdk.Len()))
		}
		for _, key := range ours.MapKeys() {
			theirs := sdk.MapIndex(key.Convert(sdk.Type().Key()))
			all = append(all, compare(fmt.Sprintf("%s[%s]", path, key), ours.MapIndex(key), theirs)...)
		}
		return all
	}
	if show(ours) != show(sdk) {
		return []string{fmt.Sprintf("%s: we have %s, the SDK %s", path, show(ours), show(sdk))}
	}
	return nil
}

// noMember is what is said of a member that only the SDK has.
const noMember = ": we have no such member"

func compareMembers(path string, ours, sdk reflect.Value) (all []string) {
	seen := make(map[string]bool)
	for i := range ours.NumField() {
		f := ours.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := memberName(f)
		theirs, ok := memberOf(sdk, name)
		if !ok {
			all = append(all, path+"."+name+": the SDK has no such member")
			continue
		}
		seen[strings.ToLower(name)] = true
		all = append(all, compare(path+"."+name, ours.Field(i), theirs)...)
	}
	for i := range sdk.NumField() {
		f := sdk.Type().Field(i)
		if isMember(f) && !seen[strings.ToLower(f.Name)] {
			all = append(all, path+"."+f.Name+noMember)
		}
	}
	return all
}

// memberOf returns the SDK's field for a member. Its name begins with a capital
// whatever the wire has.
func memberOf(sdk reflect.Value, name string) (reflect.Value, bool) {
	for i := range sdk.NumField() {
		if f := sdk.Type().Field(i); isMember(f) && strings.EqualFold(f.Name, name) {
			return sdk.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// isMember tells the API's members from what the SDK adds.
func isMember(f reflect.StructField) bool {
	return f.IsExported() && f.Name != "ResultMetadata"
}

// memberName is a field's name on the wire.
func memberName(f reflect.StructField) string {
	first, _, _ := strings.Cut(f.Tag.Get("aws"), ",")
	if first != "" && !strings.Contains(first, "=") {
		return first
	}
	return f.Name
}

// through follows pointers. A nil one gives no value, as does an empty string
// or list and a zero time, which our structs have in place of nothing.
func through(v reflect.Value) reflect.Value {
	for v.IsValid() && v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return reflect.Value{}
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return v
	}
	switch v.Kind() {
	case reflect.String, reflect.Struct:
		if v.IsZero() {
			return reflect.Value{}
		}
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 {
			return reflect.Value{}
		}
	}
	return v
}

// contentOf reads a stream, from its beginning if it can go back there.
func contentOf(v reflect.Value) string {
	r, ok := v.Interface().(io.Reader)
	if !ok {
		return "nothing"
	}
	if back, ok := r.(io.Seeker); ok {
		_, _ = back.Seek(0, io.SeekStart) // what cannot is compared as it is
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return strconv.Quote(string(b))
}

func class(k reflect.Kind) string {
	switch k {
	case reflect.Int32, reflect.Int64:
		return "an integer"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return k.String()
}

func show(v reflect.Value) string {
	if !v.IsValid() {
		return "nothing"
	}
	return fmt.Sprintf("%#v", v.Interface())
}
