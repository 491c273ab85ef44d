package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A profile is put into a file and taken out again, and every other byte of the
// file stays.
func TestProfileFile(t *testing.T) {
	t.Parallel()
	for _, before := range []string{
		"",
		"[default]\nregion = eu-west-1\n",
		"[default]\r\nregion = eu-west-1\r\n",
		"# a comment\n\n[profile work]\n  region=eu-west-1\ns3 =\n  max_queue_size = 5\n\n\n",
		"\ufeff[default]\nx=\u00e4\n[services s]\ncloudtrail =\n    endpoint_url = http://elsewhere\n",
		"[profile cairning]\nendpoint_url = x\n\t\n; the end\n",
	} {
		name := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		f := openProfile(t, name)
		f.set("endpoint_url", "http://127.0.0.1:1")
		f.set("region", "us-east-1")
		writeProfile(t, f)
		installed := readText(t, name)
		if !strings.HasPrefix(installed, before) || strings.Contains(before, "\r\n") != strings.Contains(installed[len(before):], "\r\n") {
			t.Errorf("%q became %q", before, installed)
		}

		f = openProfile(t, name)
		f.set("region", "us-east-1")
		f.set("endpoint_url", "http://127.0.0.1:1")
		writeProfile(t, f)
		if again := readText(t, name); again != installed {
			t.Errorf("the second time %q became %q", installed, again)
		}

		f = openProfile(t, name)
		f.set("endpoint_url", "https://localhost:2")
		writeProfile(t, f)
		if want := strings.Replace(installed, "http://127.0.0.1:1", "https://localhost:2", 1); readText(t, name) != want {
			t.Errorf("updated to %q, want %q", readText(t, name), want)
		}

		f = openProfile(t, name)
		f.remove()
		writeProfile(t, f)
		if after := readText(t, name); after != before {
			t.Errorf("%q is %q without the profile", before, after)
		}
	}
}

// What others have put into the profile or around it stays where it is.
func TestProfileAmongOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, set, removed string }{
		{
			"[a]\nx=1\n[profile cairn]\nregion = eu-west-1\noutput = json\n# about b\n[b]\ny=2",
			"[a]\nx=1\n[profile cairn]\nregion = us-east-1\noutput = json\nendpoint_url = u\n# about b\n[b]\ny=2\n",
			"[a]\nx=1\n# about b\n[b]\ny=2\n",
		},
		{
			"[profile   \"cairn\"]\nENDPOINT_URL=old\ns3 =\n  region = not this\n\n[b]\n",
			"[profile   \"cairn\"]\nendpoint_url = u\ns3 =\n  region = not this\nregion = us-east-1\n\n[b]\n",
			"\n[b]\n",
		},
	} {
		name := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(name, []byte(test.before), 0o644); err != nil {
			t.Fatal(err)
		}
		f := openProfile(t, name)
		f.set("endpoint_url", "u")
		f.set("region", "us-east-1")
		writeProfile(t, f)
		if got := readText(t, name); got != test.set {
			t.Errorf("%q became %q, want %q", test.before, got, test.set)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		f = openProfile(t, name)
		f.remove()
		writeProfile(t, f)
		if got := readText(t, name); got != test.removed {
			t.Errorf("without it %q, want %q", got, test.removed)
		}
	}
}

// A file that is a link stays one, and what it leads to is changed.
func TestProfileLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("[a]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	f := openProfile(t, link)
	f.set("region", "us-east-1")
	writeProfile(t, f)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if got := readText(t, target); !strings.Contains(got, "us-east-1") {
		t.Errorf("the target has %q", got)
	}
}

func openProfile(t *testing.T, name string) *profileFile {
	t.Helper()
	f := &profileFile{path: name, section: "profile cairn"}
	if err := f.read(); err != nil {
		t.Fatal(err)
	}
	return f
}

func writeProfile(t *testing.T, f *profileFile) {
	t.Helper()
	if err := f.write(); err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
