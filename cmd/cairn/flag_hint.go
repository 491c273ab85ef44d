package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagHint adds the nearest known flag to an error about an unknown one.
func flagHint(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return fmt.Errorf("%s: --%s %q: %s", cmd.CommandPath(), value.GetFlag().Name, value.GetValue(), whyNotFlag(value))
	}
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return fmt.Errorf("%s: %w", cmd.CommandPath(), err)
	}
	best, bestDistance := "", 3
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := distance(name, f.Name); d < bestDistance || strings.HasPrefix(f.Name, name) && best == "" {
			best, bestDistance = f.Name, d
		}
	})
	if best == "" {
		return fmt.Errorf("%s: %w; see `%s --help`", cmd.CommandPath(), err, cmd.CommandPath())
	}
	return fmt.Errorf("%s: %w; did you mean --%s?", cmd.CommandPath(), err, best)
}

// whyNotFlag says in plain words why a flag does not take a value.
func whyNotFlag(err *pflag.InvalidValueError) string {
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err.Unwrap().Error()
	}
	switch {
	case err.GetFlag().Value.Type() == "bool":
		return "neither true nor false"
	case errors.Is(err, strconv.ErrRange):
		return "too large a number"
	}
	return "not a whole number"
}

// distance is the number of single-character edits between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
