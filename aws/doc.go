// Package aws is the front that AWS clients talk to: one handler for all
// services, one check of signatures, and a struct pair and a function per
// operation.
//
// Its nouns: a Call is one request on its way through the front, with what is
// known of it so far. An API is one service: its protocol and its operations.
// The Mux finds out who calls (Keys), which operation of which API is meant,
// whether the caller may (Authorizer), lets the operation act, has the call
// recorded (Recorder), and answers.
//
// Its one invariant: no answer leaves before the record of its call is
// durable, and no operation acts for a caller that was not verified, but for
// anonymous ones where a service takes them: only policies of resources allow
// these anything. What Cairn's
// own services do on their own behalf (Mux.As) comes in by no network and leaves
// no record.
package aws
