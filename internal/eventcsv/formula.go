package eventcsv

import "strings"

// formulaStarts are the characters at which spreadsheets take a cell for a
// formula or for something to strip and then take for a formula, in their
// ordinary and their full-width forms.
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// cellSeparators are what programs take for the end of a cell, beside the comma
// that CSV has: the semicolon where the comma is the decimal point, and the tab
// and the line break where quotes are not understood.
const cellSeparators = ";\t\r\n"

// Neutral returns a cell's text so that no spreadsheet runs it: with an
// apostrophe before its beginning, and before what stands behind a separator
// in it, wherever that could be taken for a formula.
func Neutral(cell string) string {
	var b strings.Builder
	written := 0
	begin := 0 // of what could be a cell; -1 within one
	for i, r := range cell {
		separates := strings.ContainsRune(cellSeparators, r)
		if begin >= 0 && strings.ContainsRune(formulaStarts, r) && (i == 0 || !separates) {
			b.WriteString(cell[written:begin])
			b.WriteByte('\'')
			written, begin = begin, -1
		}
		switch {
		case separates:
			begin = i + 1
		case r != ' ' && r != '"':
			begin = -1
		}
	}
	b.WriteString(cell[written:])
	return b.String()
}
