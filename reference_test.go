package cairn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A reference does what Extract does, with jsontext.Decoder in place of the
// scanner: it is the yardstick for speed and the oracle for the fuzz test. Only
// what comes after the last byte is read, settle, is shared.
type reference struct {
	dec jsontext.Decoder
	buf bytes.Buffer
	x   extraction
	raw []byte
}

// The bodies may hold names that come twice and bytes that are not UTF-8. For
// the envelope the reference checks both itself.
var referenceOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func (ref *reference) extract(r *Record, raw []byte) error {
	clear(r.Resources)
	*r = Record{Resources: r.Resources[:0]}
	if len(raw) > MaxRecordBytes {
		return fmt.Errorf("%d bytes", len(raw))
	}
	ref.buf = *bytes.NewBuffer(raw)
	ref.dec.Reset(&ref.buf, referenceOptions...)
	ref.raw = raw
	ref.x = extraction{r: r, scanner: scanner{b: raw}}
	if err := ref.record(); err != nil {
		return err
	}
	if ref.dec.PeekKind() != 0 || ref.dec.InputOffset() > int64(len(raw)) ||
		len(bytes.TrimLeft(raw[ref.dec.InputOffset():], " \t\r\n")) > 0 {
		return fmt.Errorf("more text")
	}
	ref.x.depth = 1
	if !ref.x.settle() {
		return ref.x.fault
	}
	return nil
}

func (ref *reference) record() error {
	if ref.dec.PeekKind() != '{' {
		return fmt.Errorf("not an object")
	}
	if _, err := ref.dec.ReadToken(); err != nil {
		return err
	}
	x, r := &ref.x, ref.x.r
	for ref.dec.PeekKind() != '}' {
		name, _, err := ref.text(false)
		if err != nil {
			return err
		}
		if x.keys++; x.keys > maxTopLevelKeys {
			return fmt.Errorf("%d keys", x.keys)
		}
		key := topKeyOf(name)
		if key == keyUnknown {
			if !x.unknown(name, 0) {
				return x.fault
			}
		} else if x.seen>>key&1 != 0 {
			return fmt.Errorf("%s twice", name)
		}
		x.seen |= 1 << key
		switch key {
		case keyEventVersion:
			r.EventVersion, x.versionAt, err = ref.text(true)
		case keyUserIdentity:
			x.identityAt = int(ref.dec.InputOffset())
			err = ref.identity(&r.UserIdentity)
		case keyEventTime:
			x.time.text, x.time.at, err = ref.text(true)
		case keyEventSource:
			r.EventSource, x.sourceAt, err = ref.text(true)
		case keyEventName:
			r.EventName, x.nameAt, err = ref.text(true)
		case keyAWSRegion:
			r.AWSRegion, x.regionAt, err = ref.text(true)
		case keySourceIPAddress:
			r.SourceIPAddress, _, err = ref.text(true)
		case keyUserAgent:
			r.UserAgent, err = ref.freeText()
		case keyErrorCode:
			r.ErrorCode, _, err = ref.text(true)
		case keyErrorMessage:
			r.ErrorMessage, err = ref.freeText()
		case keyRequestParameters:
			x.request, err = ref.later()
		case keyResponseElements:
			x.response, err = ref.later()
		case keyRequestID:
			r.RequestID, err = ref.freeText()
		case keyEventID:
			r.EventID, x.idAt, err = ref.text(true)
		case keyReadOnly:
			r.ReadOnly, err = ref.ternary()
		case keyResources:
			err = ref.resources()
		case keyEventType:
			r.EventType, _, err = ref.text(true)
		case keyManagementEvent:
			x.management, err = ref.ternary()
		case keyRecipientAccountID:
			x.recipient.text, x.recipient.at, err = ref.text(true)
		case keySharedEventID:
			r.SharedEventID, _, err = ref.text(true)
		case keyEventCategory:
			x.category, _, err = ref.text(true)
		case keyInsightDetails:
			x.insightDetails, err = ref.later()
		case keyInsightEventSource:
			x.insightSource, x.sourceAt, err = ref.text(true)
		case keyInsightEventName:
			x.insightName, x.nameAt, err = ref.text(true)
		case keyEventData:
			x.eventData, err = ref.later()
		case keyAccountID:
			x.aggregateAccount.text, x.aggregateAccount.at, err = ref.text(true)
		case keyEventIDAggregated:
			x.aggregateID.text, x.aggregateID.at, err = ref.text(true)
		case keyTimeWindow:
			x.timeWindow, err = ref.later()
		default:
			err = ref.dec.SkipValue()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := ref.dec.ReadToken()
	return err
}

// text reads a string that an index can hold, or a null when orNull is set.
func (ref *reference) text(orNull bool) (text string, at int, err error) {
	v, err := ref.dec.ReadValue()
	if err != nil {
		return "", 0, err
	}
	at = int(ref.dec.InputOffset()) - len(v)
	if orNull && v.Kind() == 'n' {
		return "", at, nil
	}
	if v.Kind() != '"' {
		return "", 0, fmt.Errorf("not a string: %s", v)
	}
	text, fault := plain(v)
	if fault && !(orNull && ref.x.controls && utf8.ValidString(text) && !lone(v)) {
		return "", 0, fmt.Errorf("unfit for an index: %s", v)
	}
	return text, at, nil
}

// plain returns a string value without quotes and escapes, and whether it holds
// control characters or something that is not Unicode.
func plain(v []byte) (text string, fault bool) {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return alias(inner), !utf8.Valid(inner)
	}
	unquoted, _ := jsontext.AppendUnquote(nil, v)
	fault = !utf8.Valid(inner) || lone(v)
	return string(unquoted), fault || bytes.ContainsFunc(unquoted, func(r rune) bool { return r < ' ' })
}

// lone reports whether a string value holds half a surrogate pair.
func lone(v []byte) bool {
	_, err := jsontext.AppendUnquote(nil, v)
	return err != nil
}

func (ref *reference) freeText() (string, error) {
	v, err := ref.dec.ReadValue()
	switch {
	case err != nil || v.Kind() == 'n':
		return "", err
	case v.Kind() != '"':
		return "", fmt.Errorf("not a string: %s", v)
	}
	text, _ := plain(v)
	return text, nil
}

func (ref *reference) ternary() (Ternary, error) {
	v, err := ref.dec.ReadValue()
	if err != nil {
		return Unset, err
	}
	switch string(v) {
	case "true", `"true"`:
		return True, nil
	case "false", `"false"`:
		return False, nil
	case "null":
		return Unset, nil
	}
	return Unset, fmt.Errorf("not a boolean: %s", v)
}

func (ref *reference) later() (span, error) {
	v, err := ref.dec.ReadValue()
	if err != nil || v.Kind() == 'n' {
		return span{}, err
	}
	end := int(ref.dec.InputOffset())
	return span{end - len(v), end}, nil
}

// object reads an object, or null if orNull is set: member is called with each
// name, reads the value and reports whether it did.
func (ref *reference) object(orNull bool, names []string, member func(name string) (bool, error)) error {
	switch ref.dec.PeekKind() {
	case 'n':
		if orNull {
			return ref.dec.SkipValue()
		}
		return fmt.Errorf("null")
	case '{':
	default:
		return fmt.Errorf("not an object")
	}
	if _, err := ref.dec.ReadToken(); err != nil {
		return err
	}
	seen := 0
	for ref.dec.PeekKind() != '}' {
		name, _, err := ref.text(false)
		if err != nil {
			return err
		}
		n := slices.Index(names, name)
		if n < 0 {
			if otherCase(name, names) != "" {
				return fmt.Errorf("%s: wrong case", name)
			}
			if err := ref.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if seen>>n&1 != 0 {
			return fmt.Errorf("%s twice", name)
		}
		seen |= 1 << n
		if _, err := member(name); err != nil {
			return err
		}
	}
	_, err := ref.dec.ReadToken()
	return err
}

func (ref *reference) identity(u *UserIdentity) error {
	return ref.object(true, identityNames, func(name string) (ok bool, err error) {
		switch name {
		case "type":
			u.Type, _, err = ref.text(true)
		case "principalId":
			u.PrincipalID, _, err = ref.text(true)
		case "arn":
			u.ARN, _, err = ref.text(true)
		case "accountId":
			u.AccountID, _, err = ref.text(true)
		case "accessKeyId":
			u.AccessKeyID, _, err = ref.text(true)
		case "userName":
			u.UserName, _, err = ref.text(true)
		case "invokedBy":
			u.InvokedBy, _, err = ref.text(true)
		case "sessionContext":
			err = ref.object(true, sessionContextNames, func(string) (bool, error) {
				return true, ref.issuer(&u.SessionIssuer)
			})
		}
		return true, err
	})
}

func (ref *reference) issuer(i *SessionIssuer) error {
	return ref.object(true, sessionIssuerNames, func(name string) (ok bool, err error) {
		switch name {
		case "type":
			i.Type, _, err = ref.text(true)
		case "principalId":
			i.PrincipalID, _, err = ref.text(true)
		case "arn":
			i.ARN, _, err = ref.text(true)
		case "accountId":
			i.AccountID, _, err = ref.text(true)
		case "userName":
			i.UserName, _, err = ref.text(true)
		}
		return true, err
	})
}

func (ref *reference) resources() error {
	switch ref.dec.PeekKind() {
	case 'n':
		return ref.dec.SkipValue()
	case '[':
	default:
		return fmt.Errorf("not an array")
	}
	if _, err := ref.dec.ReadToken(); err != nil {
		return err
	}
	ref.x.controls = true
	for ref.dec.PeekKind() != ']' {
		var arn, prefix, typ string
		err := ref.object(false, resourceNames, func(name string) (ok bool, err error) {
			switch name {
			case "ARN":
				arn, _, err = ref.text(true)
			case "ARNPrefix":
				prefix, _, err = ref.text(true)
			case "type":
				typ, _, err = ref.text(true)
			}
			return true, err
		})
		if err != nil {
			return err
		}
		if arn == "" {
			arn = prefix
		}
		ref.x.addNamed(typ, arn)
		ref.x.typed = ref.x.typed || typ != ""
	}
	ref.x.controls = false
	_, err := ref.dec.ReadToken()
	return err
}

// sampleRecords returns the records of testdata/events by file name.
func sampleRecords(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no sample events: %v", err)
	}
	records := make(map[string][]byte)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		records[strings.TrimSuffix(filepath.Base(file), ".json")] = raw
	}
	return records
}

// invictusRecords returns the published records of a real account, or none
// where they are not at hand.
func invictusRecords(tb testing.TB) [][]byte {
	tb.Helper()
	files, _ := filepath.Glob("../shared/data/invictus/CloudTrail/*.json")
	var records [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var log struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &log); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		for _, raw := range log.Records {
			records = append(records, raw)
		}
	}
	return records
}

// BenchmarkExtract measures Extract and the same work done with jsontext, on
// the same records in the same run.
func BenchmarkExtract(b *testing.B) {
	var samples [][]byte
	for _, raw := range sampleRecords(b) {
		samples = append(samples, raw)
	}
	slices.SortFunc(samples, bytes.Compare)
	corpora := []struct {
		name    string
		records [][]byte
	}{{"samples", samples}, {"invictus", invictusRecords(b)}}
	for _, corpus := range corpora {
		if len(corpus.records) == 0 {
			b.Logf("%s is not at hand", corpus.name)
			continue
		}
		var ref reference
		measure(b, corpus.name+"/extract", corpus.records, (*Record).Extract)
		measure(b, corpus.name+"/jsontext", corpus.records, func(r *Record, raw []byte) error { return ref.extract(r, raw) })
	}
}

func measure(b *testing.B, name string, records [][]byte, extract func(*Record, []byte) error) {
	size := 0
	for _, raw := range records {
		size += len(raw)
	}
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(size / len(records)))
		b.ReportAllocs()
		var r Record
		for i := 0; b.Loop(); i++ {
			if err := extract(&r, records[i%len(records)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
