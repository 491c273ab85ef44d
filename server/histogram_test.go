package server

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// A histogram that cannot be made is the caller's fault.
func TestHistogramRefused(t *testing.T) {
	t.Parallel()
	c := openTest(t, t.TempDir())
	defer closeTest(t, c)
	importTest(t, c, testFile(1), 0, 3, true)
	since, until := time.Unix(0, 0), time.Now()
	for _, req := range []HistogramRequest{
		{},
		{StepSeconds: -1},
		{StepSeconds: 1 << 62},
		{StepSeconds: 1, LookupRequest: LookupRequest{Since: &since, Until: &until}},
	} {
		err := c.call(t.Context(), http.MethodPost, "histogram", req, nil)
		var answer *AnswerError
		if !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%+v: %v", req, err)
		}
	}
}
