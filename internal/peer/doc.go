// Package peer starts real programs of other people's making, servers, phones
// and clients, for the end-to-end tests and the demo: Prosody, Kamailio,
// linphonec, baresip, SIPp, slixmpp, go-sendxmpp, and the gateway itself.
//
// Everything runs in a Lab: a loopback network 127.a.b.0/24 that no other lab
// on the machine uses while it lives. Each program has a host of its own
// there, as it would in the world, so the ports can be fixed ones, a source
// address says who is speaking, and a program that was killed comes back
// under the same address:
//
//	.1 gateway   .2 Prosody   .3 Kamailio or SIPp   .11 and up: phones
//
// A program is a Program: started, awaited by what it does (a port it
// listens on, a line it prints, an answer it gives), stopped or killed with
// its whole process group. Nothing sleeps for a guessed time. What programs
// print is kept, and shown by Lab.Report when something has gone wrong.
//
// Only tests and the demo import this package.
package peer
