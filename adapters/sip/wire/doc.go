// Package wire turns bytes into SIP messages and back, and nothing else: no
// sockets, no state, no clock. What it lets through has one reading only:
// headers under one name each, single values once, no control characters. The
// values themselves are read by sipgo.
package wire
