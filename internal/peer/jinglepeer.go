package peer

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/srtp/v3"
)

// A JinglePeer is an XMPP user's client that a test plays stanza by stanza. It
// has ICE of its own and SRTP with the keys in the session (XEP-0167 section 7),
// as no client that can be installed has: no DTLS, and all candidates at once.
// Its user is logged in at a Chat.
type JinglePeer struct {
	JingleUser
	Key SRTPKey

	agent *ice.Agent
	conn  *ice.Conn
	mine  string // the candidates as they stand in a transport
	heard sync.WaitGroup

	mu  sync.Mutex // guards got
	got [][]byte   // RTP packets, opened
}

// NewJinglePeer finds the peer's candidates, on loopback.
func NewJinglePeer(ctx context.Context, chat *Chat, jid, key string) (*JinglePeer, error) {
	p := &JinglePeer{JingleUser: JingleUser{chat, jid}, Key: NewSRTPKey(key)}
	agent, err := ice.NewAgentWithOptions(ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithIncludeLoopback(), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled))
	if err != nil {
		return nil, fmt.Errorf("jingle peer: %w", err)
	}
	p.agent = agent
	if err := p.gather(ctx); err != nil {
		agent.Close()
		return nil, fmt.Errorf("jingle peer: %w", err)
	}
	return p, nil
}

func (p *JinglePeer) gather(ctx context.Context) error {
	all := make(chan string)
	err := p.agent.OnCandidate(func(c ice.Candidate) {
		text := ""
		if c != nil {
			text = fmt.Sprintf("<candidate component='1' foundation='%s' generation='0' id='c%d' ip='%s' network='0' port='%d' priority='%d' protocol='udp' type='host'/>",
				c.Foundation(), c.Port(), c.Address(), c.Port(), c.Priority())
		}
		select {
		case all <- text:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	if err := p.agent.GatherCandidates(); err != nil {
		return err
	}
	for {
		select {
		case text := <-all:
			if text == "" {
				return nil
			}
			p.mine += text
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Content is the content element of an offer or an answer: PCMU and
// telephone-event, the key and all candidates.
func (p *JinglePeer) Content() (string, error) {
	ufrag, pwd, err := p.agent.GetLocalUserCredentials()
	if err != nil {
		return "", fmt.Errorf("jingle peer: %w", err)
	}
	inline := base64.StdEncoding.EncodeToString(append(append([]byte(nil), p.Key.key...), p.Key.salt...))
	return fmt.Sprintf("<content creator='initiator' name='voice' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"+
		"<payload-type id='0' name='PCMU' clockrate='8000'/><payload-type id='101' name='telephone-event' clockrate='8000'/>"+
		"<encryption required='true'><crypto tag='1' crypto-suite='AES_CM_128_HMAC_SHA1_80' key-params='inline:%s'/></encryption><rtcp-mux/></description>"+
		"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='%s' pwd='%s'>%s</transport></content>", inline, ufrag, pwd, p.mine), nil
}

var (
	jingleTransport = regexp.MustCompile(`:transport\b[^>]*>`)
	jingleCandidate = regexp.MustCompile(`:candidate\b[^>]*>`)
	jingleInline    = regexp.MustCompile(`inline:([A-Za-z0-9+/=]+)`)
)

// attr is an attribute of a tag, "" if it has none.
func attr(tag, name string) string {
	_, rest, found := strings.Cut(tag, " "+name+`="`)
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// Connect finds a way to the side whose offer or answer is xml, and begins to
// hear it. The one who sent session-initiate controls.
func (p *JinglePeer) Connect(ctx context.Context, xml string, controls bool) error {
	transport, inline := jingleTransport.FindString(xml), jingleInline.FindStringSubmatch(xml)
	if transport == "" || inline == nil {
		return fmt.Errorf("jingle peer: no way or no key in %s", xml)
	}
	raw, err := base64.StdEncoding.DecodeString(inline[1])
	if err != nil || len(raw) != srtpKeyLen+srtpSaltLen {
		return fmt.Errorf("jingle peer: the key %q: %w", inline[1], err)
	}
	for _, tag := range jingleCandidate.FindAllString(xml, -1) {
		c, err := ice.UnmarshalCandidate(fmt.Sprintf("%s %s udp %s %s %s typ host", attr(tag, "foundation"), attr(tag, "component"),
			attr(tag, "priority"), attr(tag, "ip"), attr(tag, "port")))
		if err != nil {
			return fmt.Errorf("jingle peer: %s: %w", tag, err)
		}
		if err := p.agent.AddRemoteCandidate(c); err != nil {
			return fmt.Errorf("jingle peer: %w", err)
		}
	}
	connect := p.agent.Accept
	if controls {
		connect = p.agent.Dial
	}
	if p.conn, err = connect(ctx, attr(transport, "ufrag"), attr(transport, "pwd")); err != nil {
		return fmt.Errorf("jingle peer: %w", err)
	}
	theirs := NewSRTPKey(string(raw))
	opener, err := srtp.CreateContext(theirs.key, theirs.salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return fmt.Errorf("jingle peer: %w", err)
	}
	p.heard.Go(func() { p.read(opener) })
	return nil
}

// read keeps the RTP that comes, until the way is closed.
func (p *JinglePeer) read(opener *srtp.Context) {
	buf := make([]byte, 1<<16)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		if !IsRTP(0)(buf[:n]) && !IsRTP(101)(buf[:n]) {
			continue
		}
		if packet, err := opener.DecryptRTP(nil, buf[:n], nil); err == nil {
			p.mu.Lock()
			p.got = append(p.got, packet)
			p.mu.Unlock()
		}
	}
}

// Got is the RTP that came so far, opened.
func (p *JinglePeer) Got() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[:len(p.got):len(p.got)]
}

// Write sends one datagram as it is: what Key.Seal has made.
func (p *JinglePeer) Write(data []byte) error {
	if _, err := p.conn.Write(data); err != nil {
		return fmt.Errorf("jingle peer: %w", err)
	}
	return nil
}

// Close ends it.
func (p *JinglePeer) Close() {
	p.agent.Close()
	p.heard.Wait()
}
