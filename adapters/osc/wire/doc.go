// Package wire reads and writes what travels between OSC programs: packets
// (OSC 1.0), their frames in byte streams (length prefix, and SLIP as OSC 1.1
// has it), the messages of OSCgroups, and OSC as a line of text.
//
// What comes from the network is looked at in place: Check says whether a
// packet is whole, and nothing is copied or allocated for what is only handed
// on. go-osc writes what we compose, where it has the types.
package wire
