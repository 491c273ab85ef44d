package objectstore

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The bytes of a content file are those that docs/format/objects.md draws.
func TestGoldenContent(t *testing.T) {
	t.Parallel()
	object, file := objectID([]byte("object-id-object")), objectID([]byte("file-id--file-id"))
	for name, key := range map[string][]byte{"plain": nil, "sealed": bytes.Repeat([]byte{7}, 32)} {
		coding, err := newFrames("bucket", "key", object, file, 3, key != nil, key)
		if err != nil {
			t.Fatal(err)
		}
		got := coding.append(coding.header(), []byte("first "), 0, false)
		got = coding.append(got, []byte("last"), 1, true)
		golden := filepath.Join("testdata", name+".hex")
		if *update {
			if err := os.WriteFile(golden, []byte(hex.Dump(got)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != hex.Dump(got) {
			t.Errorf("%s content is\n%s\nwant\n%s", name, hex.Dump(got), want)
		}
	}
}

// The keys of rows are those that docs/format/objects.md draws.
func TestGoldenRows(t *testing.T) {
	t.Parallel()
	id := objectID([]byte("0123456789abcdef"))
	for want, got := range map[string][]byte{
		"0000000000000007 61 00ff 62 0001 fffffffffffffffd":         versionRow(7, "a\x00b", 2),
		"0000000000000007 61 0001 0000000000000002 " + hexOf(id[:]): uploadRow(7, "a", 2, id),
		"0000000000000002 " + hexOf(id[:]) + " 2710":                partRow(2, id, 10000),
		"00000003 " + hexOf(id[:]):                                  fileKey(3, id),
		"db67ea45 7b7d":                                             encodeRow("objects", []byte("key"), []byte("{}")),
	} {
		if strings.ReplaceAll(want, " ", "") != hexOf(got) {
			t.Errorf("the key is %x, want %s", got, want)
		}
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
