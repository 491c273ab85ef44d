package cairn

import (
	"encoding/json"
	"fmt"
)

// ParseDigest reads the uncompressed bytes of a digest file. What other members
// it has is passed over. A fault is returned as a *DigestError with the fault
// DigestMalformed.
func ParseDigest(body []byte) (*Digest, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, malformed("%v", err)
	}
	if object == nil {
		return nil, malformed("not an object")
	}
	d := new(Digest)
	if err := readMembers(object, d.members(), ""); err != nil {
		return nil, err
	}
	start, end := d.Window()
	if end.Before(start) {
		return nil, malformed("digestEndTime is before digestStartTime")
	}
	var files []map[string]json.RawMessage
	if list, ok := object[keyLogFiles]; ok {
		if err := json.Unmarshal(list, &files); err != nil {
			return nil, malformed("logFiles: %v", err)
		}
	}
	d.LogFiles = make([]DigestLogFile, len(files))
	for i, file := range files {
		if err := readMembers(file, d.LogFiles[i].members(), fmt.Sprintf("logFiles[%d].", i)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// readMembers fills members from an object. Keys must be spelled as they are.
func readMembers(object map[string]json.RawMessage, members []digestMember, path string) error {
	for _, m := range members {
		raw, ok := object[m.name]
		if !ok {
			if m.is&memberRequired != 0 {
				return malformed("%s%s is missing", path, m.name)
			}
			continue
		}
		var value *string
		if err := json.Unmarshal(raw, &value); err != nil {
			return malformed("%s%s is not a string", path, m.name)
		}
		if value != nil {
			*m.value = *value
		}
		if *m.value == "" {
			if m.is&memberRequired != 0 && m.is&memberNullable == 0 {
				return malformed("%s%s is empty", path, m.name)
			}
			continue
		}
		if m.is&memberTime != 0 {
			if _, reason := parseEventTime(*m.value); reason != "" {
				return malformed("%s%s is %s", path, m.name, reason)
			}
		}
	}
	return nil
}

func malformed(format string, args ...any) *DigestError {
	return &DigestError{Fault: DigestMalformed, Detail: fmt.Sprintf(format, args...)}
}
