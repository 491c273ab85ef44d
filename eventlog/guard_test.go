package eventlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"cairn/internal/durable"
)

// A fault in a goroutine of eachTask comes up in its caller, as one in the
// caller itself does; other panics are not taken for it.
func TestGuard(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file that is mapped cannot be truncated on Windows")
	}
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := durable.OS.Map(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	sum := make([]byte, 16)
	err = guard(name, 7, func() error {
		return eachTask(context.Background(), len(sum), func(i int) { sum[i] = m.Bytes()[i<<12] })
	})
	if d := (*Damage)(nil); !errors.As(err, &d) || d.File != name || d.Segment != 7 {
		t.Errorf("in goroutines: %v", err)
	}
	if err := guard(name, 7, func() error { sum[0] = m.Bytes()[0]; return nil }); err == nil {
		t.Error("a fault is not reported")
	}
	want := errors.New("some error")
	if err := guard(name, 7, func() error { return want }); err != want {
		t.Errorf("%v instead of the error", err)
	}
	defer func() {
		if p := recover(); p != "some panic" {
			t.Errorf("%v instead of the panic", p)
		}
	}()
	guard(name, 7, func() error { panic("some panic") })
}
