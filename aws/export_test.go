package aws

import (
	"maps"
	"slices"
)

// Operations are the names of an API's operations.
func Operations(api *API) []string { return slices.Sorted(maps.Keys(api.operations)) }

// AppendString is how the JSON protocols write texts.
var AppendString = appendString
