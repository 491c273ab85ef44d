// Package server puts a Cairn data directory to work: it opens the catalog and
// the event log in it, wires them together, listens, and stops everything in
// reverse order.
//
// Its nouns: a Server is an open data directory. Its local API, described in
// docs/api.md, is one HTTP handler; a running server offers it on a Unix
// socket, and a command that finds no running server opens the directory and
// calls the same handler in its own process. A Client speaks it either way.
//
// Its one invariant: a data directory has one owner at a time. Whoever opens
// it holds its lock, and everyone else goes through the owner.
package server
