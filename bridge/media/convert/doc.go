// Package convert carries sound one way between two peers that can't have it
// packet by packet as it came: because one of them has frames that are no
// packets (repacked), or because they share no format (transcoded).
//
//	packets ──▶ order ──┐                 ┌─▶ as they are done
//	                    ├─▶ carrier ──────┤
//	frames ──▶ anchor ──┘  (cutter, voice)└─▶ pacer ──▶ evenly
//
// A Stream is all of that. It has no goroutine, no clock and no lock: it is told
// what has come and what time it is, and calls back with what is to go out. What it
// keeps is bounded, and so is the delay.
//
// # Time
//
// What goes out is stamped by counting samples, so its clock is that of the source
// and nothing is ever stretched or squeezed: a source that is 100 ppm too fast is
// heard at its own pitch, and the moments at which packets leave follow it. Where
// the source's stamps leave a gap, so do ours; where they jump back or far ahead,
// the count goes on by what time has passed.
package convert
