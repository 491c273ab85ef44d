package gateway

import (
	"errors"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// cborMode bounds what the library makes of a body: it looks the whole body through
// before it allocates anything.
var cborMode = sync.OnceValue(func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		MaxNestedLevels:  maxDepth,
		MaxArrayElements: maxNodes,
		MaxMapPairs:      maxNodes,
		UTF8:             cbor.UTF8DecodeInvalid,
		BignumTag:        cbor.BignumTagAllowed,
		TimeTag:          cbor.DecTagOptional,
	}.DecMode()
	if err != nil {
		panic("gateway: " + err.Error()) // the options are constants
	}
	return mode
})

// parseCBOR reads one CBOR value. Of a body that is not whole nothing can be read.
func parseCBOR(body []byte) (any, error) {
	if countCBOR(body) > maxNodes {
		return nil, tooLarge("the number of values in the body")
	}
	var v any
	rest, err := cborMode().UnmarshalFirst(body, &v)
	var depth *cbor.MaxNestedLevelError
	var elements *cbor.MaxArrayElementsError
	var pairs *cbor.MaxMapPairsError
	switch {
	case errors.As(err, &depth):
		return nil, tooLarge("the depth of the body")
	case errors.As(err, &elements), errors.As(err, &pairs):
		return nil, tooLarge("the number of values in the body")
	case err != nil:
		return nil, malformed("")
	}
	if len(rest) > 0 {
		return v, malformed("there is more behind the CBOR value")
	}
	return v, nil
}

// countCBOR returns how many values a body can become at most. Each has a head, and behind
// the head of a text or of bytes stands the content.
func countCBOR(body []byte) int {
	n := 0
	for len(body) > 0 && n <= maxNodes {
		n++
		kind, info := body[0]>>5, body[0]&31
		body = body[1:]
		size := uint64(info)
		if width := 1 << max(int(info)-24, 0); info >= 24 && info <= 27 {
			if width > len(body) {
				break
			}
			size = 0
			for _, b := range body[:width] {
				size = size<<8 | uint64(b)
			}
			body = body[width:]
		}
		if (kind == 2 || kind == 3) && info < 28 {
			if size > uint64(len(body)) {
				break
			}
			body = body[size:]
		}
	}
	return n
}
