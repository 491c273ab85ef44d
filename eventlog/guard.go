package eventlog

import "runtime/debug"

// guard calls fn, which reads a mapped file. Where the file has a sector that
// the disk cannot read, or has become shorter than it was mapped, the processor
// faults at the access. Unguarded that ends the process; here it becomes a
// *Damage of the file.
func guard(file string, base uint64, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // holds for this goroutine only
	defer caught(&err, file, base)
	return fn()
}

// caught is deferred where SetPanicOnFault is in force, and sets err if there
// was a fault. Other panics go on.
func caught(err *error, file string, base uint64) {
	switch p := recover(); {
	case isFault(p):
		*err = &Damage{File: file, Segment: base, Offset: -1, FirstSeq: 1, What: "the file cannot be read where it is mapped: its disk fails, or it was truncated"}
	case p != nil:
		panic(p)
	}
}

// isFault reports whether a panic comes from an access to memory. A nil pointer
// that is followed has no address.
func isFault(p any) bool {
	_, ok := p.(interface{ Addr() uintptr })
	return ok
}
