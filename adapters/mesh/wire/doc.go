// Package wire reads and writes the packets of the PTP mesh tester (chrisy/ptptest
// 0.2): UDP, one packet a datagram.
//
//	byte 0        1, which nobody checks
//	values        type u8, size u8, bytes: the size counts type and size too
//	last 2 bytes  the Internet checksum (RFC 1071) of all before
//
// Numbers are big-endian and have 1, 2, 4 or 8 bytes, addresses 4 or 16 and a port.
// Nobody sends packets of more than 1400 bytes.
//
// # What the original dies of
//
// It goes deaf for ever at a value of a type that it does not know, a number or an
// address of another size, META that is no JSON, and a packet of one byte. So
// what it does not know stands inside values of type 96 (CC), which it reads and
// forgets: the first byte says what it is (op.go, text.go), and the rest belongs
// to that. Programs that know of them say version 3 or later.
package wire
