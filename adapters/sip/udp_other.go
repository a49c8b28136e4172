//go:build !linux

package sip

import "net/netip"

// A datagramCall is of no use here.
type datagramCall struct{}

// read reads one datagram, with its control data, and says where it came from.
func (s *udpSocket) read(buf, info []byte) (n, infoLen int, from netip.AddrPort, err error) {
	n, infoLen, _, from, err = s.conn.ReadMsgUDPAddrPort(buf, info)
	return n, infoLen, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

// sendTo leaves it to package net.
func (s *udpSocket) sendTo(netip.AddrPort, []byte, []byte) (sent bool, err error) { return false, nil }
