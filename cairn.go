// Package cairn is the vocabulary of Cairn: events, identities, resource names
// and the attributes that events are found by. It is pure: it opens no files,
// sockets or clocks, and every other package may import it.
//
// Its one invariant: the bytes of a record are evidence. They are kept and
// handed on as they came; fields are extracted beside them.
package cairn
