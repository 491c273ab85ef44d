package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFileFaults is how many faults of a configuration file are shown at once.
const maxFileFaults = 20

// decode reads the configuration file into c, and returns the text of what is
// wrong with it; empty if nothing is. The library ends at the first member that is not known or
// of the wrong kind, so that the member is taken out and the rest read again, to
// show all of them.
func (s *settings) decode(c *configFile) string {
	err := yaml.UnmarshalWithOptions(s.file, c, yaml.Strict())
	if err == nil || errors.Is(err, io.EOF) {
		return ""
	}
	file, perr := parser.ParseBytes(s.file, 0)
	if perr != nil || len(file.Docs) != 1 {
		return faultText(err)
	}
	type fault struct {
		at   int
		text string
	}
	var faults []fault
	for err != nil && len(faults) < maxFileFaults {
		at := -1
		var placed yaml.Error
		if errors.As(err, &placed) && placed.GetToken() != nil {
			at = placed.GetToken().Position.Offset
		}
		faults = append(faults, fault{at, faultText(err)})
		if at < 0 || !takeOut(file.Docs[0].Body, at) {
			break
		}
		var again configFile
		err = yaml.NodeToValue(file.Docs[0].Body, &again, yaml.Strict())
	}
	slices.SortStableFunc(faults, func(x, y fault) int { return x.at - y.at })
	var texts []string
	for _, f := range faults {
		texts = append(texts, f.text)
	}
	return strings.Join(texts, "\n")
}

func faultText(err error) string { return yaml.FormatError(plainTypeError(err), false, true) }

// takeOut removes the innermost member with a token at an offset from the mapping that has
// it. A mapping keeps one member at least, because an empty one has no place.
func takeOut(root ast.Node, offset int) bool {
	var within *ast.MappingNode
	index := 0
	is := func(n ast.Node) bool {
		return n != nil && n.GetToken() != nil && n.GetToken().Position.Offset == offset
	}
	for _, n := range ast.Filter(ast.MappingType, root) {
		m := n.(*ast.MappingNode)
		if i := slices.IndexFunc(m.Values, func(v *ast.MappingValueNode) bool { return is(v.Key) || is(v) || is(v.Value) }); i >= 0 {
			within, index = m, i
		}
	}
	if within == nil || len(within.Values) < 2 {
		return false
	}
	within.Values = slices.Delete(within.Values, index, index+1)
	return true
}
