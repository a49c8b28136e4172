package peer

import (
	"fmt"
	"net"
	"net/netip"
)

// A RawPeer is an XMPP user's client without ICE or keys (XEP-0177), as there were
// before those: its sound is at one address, and it is told one.
type RawPeer struct {
	JingleUser
	*RTPPeer
}

// NewRawPeer opens its port at local, host:port.
func NewRawPeer(chat *Chat, jid, local string) (*RawPeer, error) {
	p, err := NewRTPPeer(local)
	if err != nil {
		return nil, err
	}
	return &RawPeer{JingleUser{chat, jid}, p}, nil
}

// Content is the content element of an offer or an answer: PCMU, at its address.
func (p *RawPeer) Content() string {
	at := p.Addr()
	return fmt.Sprintf("<content creator='initiator' name='voice' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"+
		"<payload-type id='0' name='PCMU' clockrate='8000'/></description><transport xmlns='urn:xmpp:jingle:transports:raw-udp:1'>"+
		"<candidate component='1' generation='0' id='a' ip='%s' port='%d'/></transport></content>", at.Addr(), at.Port())
}

// Told is where the other side's offer or answer xml says that it is.
func (p *RawPeer) Told(xml string) (netip.AddrPort, error) {
	tag := jingleCandidate.FindString(xml)
	at, err := netip.ParseAddrPort(net.JoinHostPort(attr(tag, "ip"), attr(tag, "port")))
	if err != nil {
		return at, fmt.Errorf("raw peer: no address in %s: %w", xml, err)
	}
	return at, nil
}
