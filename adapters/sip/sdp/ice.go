package sdp

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"gateway/bridge/media"
)

// Bounds on what a description says for ICE (RFC 8839 section 5.4).
const (
	maxCandidates = 32 // of one line
	leastUfrag    = 4
	leastPwd      = 22
	mostSecret    = 256
)

// errRestart: the peer begins another run of ICE, and our part of it would be known
// only after the answer.
var errRestart = errors.New("another run of ICE in a call that has one")

// iceAttribute reads what a line or, but for candidates, a whole description says
// for ICE (RFC 8839 section 5).
func (r *reading) iceAttribute(name, value string) {
	ice := &r.at().ICE
	switch name {
	case "ice-ufrag":
		if secret(value, leastUfrag) {
			ice.Ufrag = value
		}
	case "ice-pwd":
		if secret(value, leastPwd) {
			ice.Pwd = value
		}
	case "candidate":
		if c, ok := readCandidate(value); ok && r.line != nil && len(ice.Candidates) < maxCandidates {
			ice.Candidates = append(ice.Candidates[:len(ice.Candidates):len(ice.Candidates)], c)
		}
	}
}

// secret reports whether s is of ice-chars, and of some length.
func secret(s string, least int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return len(s) >= least && len(s) <= mostSecret
}

// readCandidate reads the value of a=candidate. One of another transport than UDP, or
// with a name in place of its address, is none.
func readCandidate(value string) (c media.Candidate, ok bool) {
	f := strings.Fields(value)
	if len(f) < 8 || !secret(f[0], 1) || len(f[0]) > 32 || !strings.EqualFold(f[2], "udp") || f[6] != "typ" {
		return c, false
	}
	component, err1 := strconv.ParseUint(f[1], 10, 8)
	priority, err2 := strconv.ParseUint(f[3], 10, 32)
	port, err3 := strconv.ParseUint(f[5], 10, 16)
	addr := parseAddr(f[4])
	if errors.Join(err1, err2, err3) != nil || component < 1 || component > 2 || port == 0 || !addr.IsValid() {
		return c, false
	}
	c = media.Candidate{
		Foundation: f[0], Component: int(component), Priority: uint32(priority), Address: netip.AddrPortFrom(addr, uint16(port)),
		Type: media.CandidateType(strings.ToLower(f[7])),
	}
	switch c.Type {
	case media.Host, media.ServerReflexive, media.PeerReflexive, media.Relayed:
		c.Related = related(f[8:])
		return c, true
	}
	return c, false
}

// related reads raddr and rport.
func related(f []string) netip.AddrPort {
	var addr netip.Addr
	var port uint64
	for i := 0; i+1 < len(f); i += 2 {
		switch f[i] {
		case "raddr":
			addr = parseAddr(f[i+1])
		case "rport":
			port, _ = strconv.ParseUint(f[i+1], 10, 16) // 0: none
		}
	}
	if !addr.IsValid() || port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// writeICE says what there is of ICE.
func writeICE(ice *media.ICE, line func(parts ...string)) {
	if ice.Ufrag == "" || ice.Pwd == "" {
		return
	}
	line("a=ice-ufrag:", ice.Ufrag)
	line("a=ice-pwd:", ice.Pwd)
	for _, c := range ice.Candidates {
		text := c.Foundation + " " + strconv.Itoa(c.Component) + " udp " + strconv.FormatUint(uint64(c.Priority), 10) + " " +
			c.Address.Addr().String() + " " + strconv.Itoa(int(c.Address.Port())) + " typ " + string(c.Type)
		if c.Related.IsValid() {
			text += " raddr " + c.Related.Addr().String() + " rport " + strconv.Itoa(int(c.Related.Port()))
		}
		line("a=candidate:", text)
	}
}

// HasICE reports whether a line can be reached by ICE.
func (l *Line) HasICE() bool { return l.ICE.Ufrag != "" && l.ICE.Pwd != "" }

// HasICE reports whether each line of sound that s has can be reached by ICE, and there is one.
func (s *Session) HasICE() bool {
	found := false
	for i := range s.Lines {
		l := &s.Lines[i]
		if _, ok := kindOf(l.Kind); !ok || l.Port == 0 || !l.Proto.rtp() {
			continue
		}
		if !l.HasICE() {
			return false
		}
		found = true
	}
	return found
}
