package gateway

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSON reads one JSON value. Besides an error it returns what came before it. Of
// several members with one name the last one counts, as with most readers.
func parseJSON(body []byte) (v any, twice bool, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	r := jsonReader{Decoder: d, budget: newBudget()}
	if v, err = r.value(0); err != nil {
		return v, r.twice, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return v, r.twice, malformed("there is more behind the JSON value")
	}
	return v, r.twice, nil
}

type jsonReader struct {
	*jsontext.Decoder
	*budget
	twice bool
}

func (r *jsonReader) value(depth int) (any, error) {
	if err := r.spend(depth); err != nil {
		return nil, err
	}
	token, err := r.ReadToken()
	if err != nil {
		return nil, malformed("")
	}
	switch token.Kind() {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (r *jsonReader) object(depth int) (any, error) {
	tree := make(map[string]any)
	for r.PeekKind() != '}' {
		token, err := r.ReadToken()
		if err != nil {
			return tree, malformed("")
		}
		name := token.String()
		if _, taken := tree[name]; taken {
			r.twice = true
		}
		v, err := r.value(depth + 1)
		if err == nil || v != nil {
			tree[name] = v
		}
		if err != nil {
			return tree, err
		}
	}
	if _, err := r.ReadToken(); err != nil {
		return tree, malformed("")
	}
	return tree, nil
}

func (r *jsonReader) array(depth int) (any, error) {
	list := []any{}
	for r.PeekKind() != ']' {
		v, err := r.value(depth + 1)
		if err == nil || v != nil {
			list = append(list, v)
		}
		if err != nil {
			return list, err
		}
	}
	if _, err := r.ReadToken(); err != nil {
		return list, malformed("")
	}
	return list, nil
}
