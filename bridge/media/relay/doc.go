// Package relay is a media.Plane in this process: it forwards RTP between ports
// as it came, but for the number of the payload type and the seal.
//
//	            commands (a queue, and something that wakes)
//	                 │
//	                 ▼
//	sockets ──▶ loop (one goroutine) ──▶ sockets
//	                 │
//	                 └──▶ events ──▶ one goroutine ──▶ the legs
//
// # Who owns what
//
// A loop owns the ports that are given to it: their sockets, sources, counts and
// keys. Nobody else touches them, so a packet needs no lock. Both ports of a
// pair that is joined are on one loop; Join moves one if need be. New ports go to the first
// loop that is not full, for two loops with half the work each cost a third more
// than one with all of it.
//
// A port is a leg in a table of chunks that never move. The table has a number
// and a generation for each, and what is queued in the system for a socket
// names both: an event for a socket that is closed already meets another
// generation, and is nothing.
//
// # How packets come
//
// On Linux each loop has an epoll of its own, whose descriptor is in turn
// watched by the runtime: the goroutine waits as any other does, and no thread is
// held. A socket is read once for each time that it is reported; it is reported
// again while there is more. Elsewhere a goroutine reads each socket and hands
// what comes to the loop.
//
// # What can't pass as it came
//
// A line is the way from one leg to the one it is joined to where packets can't pass: one
// of the two has no sockets but takes frames, or they share no format. The loop puts
// what comes into the line's box, which is bounded, and so does Relay.Feed; a worker
// takes it from there and carries it (package convert). What is made goes back to the loop, in
// a list that is used again, and the loop sends it as a stream of the leg's own, with
// SSRC, numbers and RTCP of our own; or it is handed to who takes frames. There is a worker for
// each loop, and each line has one. What passes untouched meets none of this but one
// comparison.
//
// # Where packets may come from
//
// From where the signalling says, and from nowhere else. Where Setting.Learn
// names an address behind which there may be a NAT, a source there is learned
// when four packets of one SSRC and an agreed payload type, one after the other
// and with a good seal if there are keys, have come from it; nothing is sent
// there before. What is found, or confirmed by as many packets, is locked until
// the next Set that says something else, or that comes when it has fallen silent.
//
// # Legs with ICE
//
// These share sockets, a pair on each address of ours for each loop. A STUN message
// goes to the agent that it is for (transport.Mux), wherever it comes from. When a
// check of ours has been answered from somewhere, that is where packets of the leg
// come from, and the loop notes it: the leg is a tenant of the socket. What comes from
// where nobody is a tenant is dropped. The agents' own goroutines send checks by the
// sockets themselves, and tell the loop what way they have chosen.
package relay
