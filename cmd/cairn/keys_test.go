package main

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A rotation that is killed at any moment leaves a directory that the master key
// file opens, with every secret readable, and in which the next rotation succeeds.
func TestRotationIsKilled(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for _, account := range []string{"210987654321", "310987654321", "410987654321"} {
		if code, _, stderr := runIn(t, data, "", "account", "add", account); code != exitOK {
			t.Fatalf("account add: %s", stderr)
		}
	}
	program, err := exec.LookPath("cairn")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for range 16 {
		rotation := exec.CommandContext(t.Context(), program, "keys", "rotate", "--generate", "--data", data)
		if err := rotation.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond) // where it dies differs, not what must hold
		_ = rotation.Process.Kill()
		var exit *exec.ExitError
		if err := rotation.Wait(); errors.As(err, &exit) {
			killed++
		} else if err != nil {
			t.Fatal(err)
		}
		// It opens the data keys; the rotation at the end opens every secret.
		if code, _, stderr := runIn(t, data, "", "keys", "status"); code != exitOK {
			t.Fatalf("keys status after a kill: %s", stderr)
		}
	}
	code, stdout, stderr := runIn(t, data, "", "keys", "rotate", "--generate")
	if code != exitOK || !strings.Contains(stdout, " 3  access keys\n") {
		t.Errorf("the rotation after all kills: exit code %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := runIn(t, data, "", "check"); code != exitOK {
		t.Errorf("check: %s%s", stdout, stderr)
	}
	if killed == 0 {
		t.Log("no rotation took long enough to be killed")
	}
}
