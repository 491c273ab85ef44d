package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// A large file is read in parts, with the line numbers of the whole.
func TestLargeMapping(t *testing.T) {
	t.Parallel()
	for _, indent := range []string{"", "    "} {
		var b strings.Builder
		b.WriteString("# who is who\n\nidentities:\n")
		for i := range 1200 {
			fmt.Fprintf(&b, "# number %d\n%s- accessKeyId: AKIA%016d\n%s  userName: user%d\n", i, indent, i, indent, i)
		}
		keys, err := parseMapping([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if parts := sections([]byte(b.String())); len(parts) < 2 {
			t.Errorf("%d parts", len(parts))
		}
		for i := range 1200 {
			if e := keys[fmt.Sprintf("AKIA%016d", i)]; e == nil || e.name != fmt.Sprint("user", i) {
				t.Fatalf("entry %d: %+v", i, e)
			}
		}
		for _, wrong := range []string{"userNmae: x", "type: King"} {
			_, err := parseMapping([]byte(b.String() + indent + "- accessKeyId: K\n" + indent + "  " + wrong + "\n"))
			if err == nil || !strings.HasPrefix(err.Error(), "3604:") && !strings.HasPrefix(err.Error(), "3605:") || !strings.Contains(err.Error(), "^") {
				t.Errorf("%s: %.200v", wrong, err)
			}
		}
	}
}
