package record_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"cairn/internal/awsmodel"
	"cairn/record"
)

// Restore gives back what the record was made of, but for secrets.
func TestRestore(t *testing.T) {
	t.Parallel()
	restored := 0
	for _, tt := range calls {
		s, ok := awsmodel.Service(tt.call.Service)
		if !ok {
			continue
		}
		op, ok := s.Operation(tt.call.Operation)
		if !ok || tt.call.Err != nil {
			continue
		}
		raw, _ := appended(t, tt.call, tt.details)
		var r struct{ RequestParameters, ResponseElements map[string]any }
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		input, output := record.Restore(op, r.RequestParameters, r.ResponseElements)
		// The second time nothing changes any more.
		c := *tt.call
		c.Input, c.Output = input, output
		again, _ := appended(t, &c, tt.details)
		for _, field := range []string{"requestParameters", "responseElements"} {
			if got, want := fieldOf(t, again, field), fieldOf(t, raw, field); got != want {
				t.Errorf("%s: %s of what was restored: %s\nwant %s", tt.name, field, got, want)
			}
		}
		for name, v := range op.RedactInput(tt.call.Input) {
			if text, ok := v.(string); ok && name != "Policy" && name != "SkipFinalSnapshot" && !reflect.DeepEqual(input[name], text) {
				t.Errorf("%s: %s is %v, want %q", tt.name, name, input[name], text)
			}
			restored++
		}
	}
	if restored < 20 {
		t.Errorf("only %d parameters were restored", restored)
	}
}
