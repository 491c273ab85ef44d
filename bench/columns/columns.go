// Package columns prints what the benchmarks have measured.
package columns

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Print prints rows of cells in columns, the first row as the head, as text or as Markdown.
// All rows have as many cells as the first, which is aligned to the left.
func Print(out io.Writer, rows [][]string, markdown bool) {
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, cells := range rows {
		var b strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0:
				b.WriteString(cell + pad)
			default:
				b.WriteString(pad + cell)
			}
			if i < len(cells)-1 {
				b.WriteString(map[bool]string{true: " | ", false: "  "}[markdown])
			}
		}
		if markdown {
			fmt.Fprintln(out, "| "+b.String()+" |")
			if n == 0 {
				fmt.Fprintln(out, "|---"+strings.Repeat("|--:", len(cells)-1)+"|")
			}
			continue
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}
