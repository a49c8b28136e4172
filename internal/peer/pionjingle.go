package peer

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// Content is a side as the content element of a session.
func (s PionSide) Content() string {
	return "<content creator='initiator' name='audio' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>" +
		"<payload-type id='0' name='PCMU' clockrate='8000'/><rtcp-mux/></description>" + s.Transport(true) + "</content>"
}

// Transport is a side as a transport element; without its certificate for a
// transport-info.
func (s PionSide) Transport(certificate bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='%s' pwd='%s'>", s.Ufrag, s.Pwd)
	if certificate {
		fmt.Fprintf(&b, "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='%s'>%s</fingerprint>", s.Setup, s.Print)
	}
	for i, c := range s.Candidates {
		fmt.Fprintf(&b, "<candidate component='1' foundation='%d' generation='0' id='c%d' ip='%s' network='0' port='%d' priority='%s' protocol='udp' type='host'/>",
			i+1, i+1, c.Address.Addr(), c.Address.Port(), c.Priority)
	}
	return b.String() + "</transport>"
}

var jinglePrint = regexp.MustCompile(`:fingerprint\b([^>]*)>\s*([0-9A-F:]+)\s*<`)

// PionSideOf reads the other side from the xml of its offer, its answer or its
// transport-info. The last has no certificate.
func PionSideOf(xml string) (s PionSide, err error) {
	transport := jingleTransport.FindString(xml)
	s.Ufrag, s.Pwd = attr(transport, "ufrag"), attr(transport, "pwd")
	if m := jinglePrint.FindStringSubmatch(xml); m != nil {
		s.Setup, s.Print = attr(m[1], "setup"), m[2]
	}
	for _, tag := range jingleCandidate.FindAllString(xml, -1) {
		at, err := netip.ParseAddrPort(net.JoinHostPort(attr(tag, "ip"), attr(tag, "port")))
		if err != nil {
			return s, fmt.Errorf("pion peer: %s: %w", tag, err)
		}
		if attr(tag, "component") == "1" {
			s.Candidates = append(s.Candidates, PionCandidate{at, attr(tag, "priority")})
		}
	}
	if s.Ufrag == "" || s.Pwd == "" {
		return s, fmt.Errorf("pion peer: no way in %s", xml)
	}
	return s, nil
}
