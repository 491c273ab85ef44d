// Package logfile reads the files and request bodies that CloudTrail records
// come in, whatever their layout and compression.
//
// A [Reader] unpacks, within [Limits]; a [Splitter] finds the records in what
// comes out. The invariant: a record's bytes are handed on as they came, and
// neither holds more in memory than one record and a few buffers.
package logfile
