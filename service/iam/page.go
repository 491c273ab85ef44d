package iam

import (
	"encoding/base64"
	"iter"
	"slices"
	"strings"

	"cairn/identity"
)

// defaultPage is how many items an answer has if the caller does not say.
const defaultPage = 100

// A page says which part of a list an answer has.
type page struct {
	after string // the last item of the answer before
	max   int
}

// pageOf reads the members Marker and MaxItems. A marker holds the name of the
// last item; as the list is one of the caller's own, there is nothing to gain
// from making one up.
func pageOf(marker string, maxItems *int32) (page, error) {
	p := page{max: defaultPage}
	if maxItems != nil {
		p.max = int(*maxItems)
	}
	if marker != "" {
		after, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil || len(after) == 0 {
			return p, errValidation("Invalid Marker: " + marker)
		}
		p.after = string(after)
	}
	return p, nil
}

// more returns the members IsTruncated and Marker for an answer that ends with
// an item.
func more(last string) (bool, string) {
	return true, base64.RawURLEncoding.EncodeToString([]byte(last))
}

// entities returns a page of an account's entities below a path. The marker is
// empty on the last one.
func entities[E any, P identity.Entity[E]](c *identity.Collection[E, P], account, pathPrefix, marker string, maxItems *int32) (items []P, truncated bool, next string, err error) {
	p, err := pageOf(marker, maxItems)
	if err != nil {
		return nil, false, "", err
	}
	return take(c.After(account, p.after), p.max,
		func(e P) bool { return strings.HasPrefix(e.Common().Path, pathPrefix) },
		func(e P) string { return e.Common().Name })
}

// take returns the first items that are wanted.
func take[T any](all iter.Seq2[T, error], limit int, wanted func(T) bool, name func(T) string) (items []T, truncated bool, next string, err error) {
	for e, err := range all {
		if err != nil {
			return nil, false, "", err
		}
		if !wanted(e) {
			continue
		}
		if len(items) == limit {
			truncated, next = more(name(items[limit-1]))
			break
		}
		items = append(items, e)
	}
	return items, truncated, next, nil
}

// texts returns a page of a list of names, which it sorts.
func texts(all []string, marker string, maxItems *int32) (items []string, truncated bool, next string, err error) {
	p, err := pageOf(marker, maxItems)
	if err != nil {
		return nil, false, "", err
	}
	slices.Sort(all)
	return take(func(yield func(string, error) bool) {
		for _, name := range all {
			if name > p.after && !yield(name, nil) {
				return
			}
		}
	}, p.max, func(string) bool { return true }, func(name string) string { return name })
}

// orSlash is the path that an empty one means.
func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
