// Package wire speaks RTMP (Adobe's specification 1.0, and Enhanced RTMP where
// sound is concerned) over one connection: the handshake, chunks, protocol
// control, commands and their AMF values, and the headers of sound in FLV.
//
// What comes from the network is bounded before it is decoded: a message's
// length before its memory is there, an AMF value's depth, count and length
// before it is built. One goroutine reads a Conn. Any may write to it: what is
// written goes through one bounded queue and one goroutine, so that nobody waits
// for a slow peer and no two messages mix.
//
// go-rtmp writes and reads the plain packets of the handshake and the messages of protocol
// control. See the decision record 030 for the rest of it.
package wire
