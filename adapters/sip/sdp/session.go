package sdp

import (
	"net/netip"
	"strings"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
)

// A Session is a session description, as far as we look at it. What else was
// in one that came is gone.
type Session struct {
	Origin Origin
	Lines  []Line
}

// Origin is what tells a description from the ones before it (RFC 8866 section
// 5.2).
type Origin struct {
	ID, Version uint64
	Addr        netip.Addr // not valid: a host name
}

// A Line is an m-line and the attributes that hold for it, those of the session
// among them.
type Line struct {
	Kind  string // "audio", "video", "image", …
	Port  uint16 // 0: refused, or over
	Proto Proto
	// Formats are the fmt tokens as they stand, Payloads those of them that
	// could be understood, where Proto is RTP. Each number stands once.
	Formats  []string
	Payloads []media.Payload
	Addr     netip.Addr // of c=; not valid: a host name, or none
	Dir      bridge.Dir // a c= of 0.0.0.0 is not looked at
	RTCP     RTCP
	Mux      bool          // a=rtcp-mux
	Packet   time.Duration // a=ptime; 0 if not said

	Crypto       []Crypto
	Fingerprints []media.Fingerprint
	Setup        Setup
	MID          string    // RFC 5888 section 4; "" if not said
	ICE          media.ICE // without Ufrag or Pwd there is none
}

// RTCP is the value of a=rtcp (RFC 3605): Port 0 if it is not there, Addr not
// valid where it is that of c=.
type RTCP struct {
	Port uint16
	Addr netip.Addr
}

// Proto is the proto field of an m-line.
type Proto string

// The protos of RTP.
const (
	AVP    Proto = "RTP/AVP"
	AVPF   Proto = "RTP/AVPF"
	SAVP   Proto = "RTP/SAVP"
	SAVPF  Proto = "RTP/SAVPF"
	TLSAVP Proto = "UDP/TLS/RTP/SAVP"
	TLSAPF Proto = "UDP/TLS/RTP/SAVPF"
)

// canonical gives p in its usual spelling.
func (p Proto) canonical() Proto { return Proto(strings.ToUpper(string(p))) }

// rtp reports whether p carries RTP.
func (p Proto) rtp() bool {
	switch p.canonical() {
	case AVP, AVPF, SAVP, SAVPF, TLSAVP, TLSAPF:
		return true
	}
	return false
}

// secure reports whether p must be encrypted.
func (p Proto) secure() bool { return p.rtp() && strings.Contains(string(p.canonical()), "SAVP") }

// dtls reports whether p can have its keys from DTLS only.
func (p Proto) dtls() bool { return p.rtp() && strings.HasPrefix(string(p.canonical()), "UDP/TLS/") }

// Setup says who begins a DTLS handshake (RFC 4145 section 4).
type Setup string

// The values of a=setup. What is not said is "".
const (
	Active   Setup = "active"
	Passive  Setup = "passive"
	ActPass  Setup = "actpass"
	HoldConn Setup = "holdconn"
)

// held reports whether a line has the c= of 0.0.0.0 by which RFC 2543 put on
// hold. With ICE that says nothing but that candidates have names (RFC 8839 section
// 4.2.1).
func (l *Line) held() bool { return l.Addr.IsValid() && l.Addr.IsUnspecified() && !l.HasICE() }

// dir is the way of the stream, old hold included (RFC 3264 section 8.4).
func (l *Line) dir() bridge.Dir {
	switch {
	case l.Port == 0:
		return bridge.Inactive
	case !l.held():
		return l.Dir
	case l.Dir == bridge.SendReceive, l.Dir == bridge.SendOnly:
		return bridge.SendOnly
	default:
		return bridge.Inactive
	}
}

// rtpAddr is where the line's packets are wanted; not valid: nowhere.
func (l *Line) rtpAddr() netip.AddrPort { return destination(l.Addr, l.Port) }

// rtcpAddr is where its RTCP is wanted (RFC 3550 section 11, RFC 3605).
func (l *Line) rtcpAddr() netip.AddrPort {
	switch {
	case l.Mux:
		return l.rtpAddr()
	case l.RTCP.Port != 0 && l.RTCP.Addr.IsValid():
		return destination(l.RTCP.Addr, l.RTCP.Port)
	case l.RTCP.Port != 0:
		return destination(l.Addr, l.RTCP.Port)
	case l.Port == 65535:
		return netip.AddrPort{}
	}
	return destination(l.Addr, l.Port+1)
}

// destination is an address that packets may be sent to, or none: no
// description makes us send to a group of hosts.
func destination(a netip.Addr, port uint16) netip.AddrPort {
	limited := a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if !a.IsValid() || port == 0 || a.IsUnspecified() || a.IsMulticast() || limited {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, port)
}
