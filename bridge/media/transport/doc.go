// Package transport seals and opens media packets (SRTP, RFC 3711 and RFC
// 7714), with keys from the signalling (RFC 4568) or from a handshake on the
// media port itself (DTLS-SRTP, RFC 5764). It has no sockets: a relay feeds it
// what comes and sends what it makes.
//
// # What must never happen
//
// A keystream must not be used twice (RFC 3711 section 9.1). What a plain peer
// sends is not under our control: it may send a sequence number again, or begin
// anew. So each source that a Sealer seals passes a window first: a repeat is
// refused, and a source that has begun anew becomes another source.
package transport
