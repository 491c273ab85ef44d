package main

import (
	"strings"
	"unicode/utf8"
)

// formulaStarts are the characters at which spreadsheets take a cell for a
// formula or for something to strip and then take for a formula, in their
// ordinary and their full-width forms.
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// neutral returns a cell's text so that no spreadsheet runs it: with an
// apostrophe before it if its beginning could be taken for a formula.
func neutral(cell string) string {
	r, _ := utf8.DecodeRuneInString(cell)
	if cell != "" && strings.ContainsRune(formulaStarts, r) {
		return "'" + cell
	}
	return cell
}
