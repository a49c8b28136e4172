package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/pion/webrtc/v4"
)

// A PionPeer is one end of a call by WebRTC: a PeerConnection of pion's with one
// stream of G.711 mu-law. It does what no client that can be installed does at a
// test's word.
type PionPeer struct {
	pc     *webrtc.PeerConnection
	track  *webrtc.TrackLocalStaticRTP
	states chan webrtc.PeerConnectionState
	heard  sync.WaitGroup
	last   int // of the descriptions that were made of what the other side says

	mu  sync.Mutex // guards got
	got [][]byte
}

// PionConfig is how a PionPeer is to behave.
type PionConfig struct {
	// Passive: it leaves the DTLS handshake to the other side where it answers.
	Passive bool
}

// A PionSide is what one side says of itself: how it is reached, and who it is.
type PionSide struct {
	Ufrag, Pwd string
	Print      string // by SHA-256
	Setup      string // RFC 8842
	Candidates []PionCandidate
}

// A PionCandidate is an address of the host's.
type PionCandidate struct {
	Address  netip.AddrPort
	Priority string
}

// NewPionPeer makes one. Close ends it.
func NewPionPeer(cfg PionConfig) (*PionPeer, error) {
	var codecs webrtc.MediaEngine
	pcmu := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}
	err := codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcmu, PayloadType: 0}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, fmt.Errorf("pion peer: %w", err)
	}
	var settings webrtc.SettingEngine
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetHandleUndeclaredSSRCWithoutAnswer(true) // the other side may be quicker than we look
	if cfg.Passive {
		if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			return nil, fmt.Errorf("pion peer: %w", err)
		}
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(&codecs), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("pion peer: %w", err)
	}
	p := &PionPeer{pc: pc, states: make(chan webrtc.PeerConnectionState, 16)}
	if p.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "voice", "voice"); err == nil {
		_, err = pc.AddTrack(p.track)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pion peer: %w", err), pc.Close())
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		select {
		case p.states <- s:
		default: // nobody waits any more
		}
	})
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.heard.Go(func() { p.read(t) }) })
	return p, nil
}

func (p *PionPeer) read(t *webrtc.TrackRemote) {
	for {
		packet, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		if raw, err := packet.Marshal(); err == nil {
			p.mu.Lock()
			p.got = append(p.got, raw)
			p.mu.Unlock()
		}
	}
}

// Got is the RTP that came so far, opened.
func (p *PionPeer) Got() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[:len(p.got):len(p.got)]
}

// Write sends an RTP packet.
func (p *PionPeer) Write(packet []byte) error {
	_, err := p.track.Write(packet)
	return err
}

// Offer is what it says first; again: with a new run of ICE.
func (p *PionPeer) Offer(ctx context.Context, again bool) (PionSide, error) {
	o, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: again})
	if err != nil {
		return PionSide{}, fmt.Errorf("pion peer: offer: %w", err)
	}
	return p.say(ctx, o)
}

// Answer takes another side's offer, and says what it answers.
func (p *PionPeer) Answer(ctx context.Context, theirs PionSide) (PionSide, error) {
	if err := p.take(webrtc.SDPTypeOffer, theirs); err != nil {
		return PionSide{}, err
	}
	a, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return PionSide{}, fmt.Errorf("pion peer: answer: %w", err)
	}
	return p.say(ctx, a)
}

// Take takes the answer to an offer.
func (p *PionPeer) Take(theirs PionSide) error { return p.take(webrtc.SDPTypeAnswer, theirs) }

// say puts a description of its own into force, and waits for its candidates.
func (p *PionPeer) say(ctx context.Context, d webrtc.SessionDescription) (s PionSide, err error) {
	whole := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(d); err != nil {
		return s, fmt.Errorf("pion peer: %w", err)
	}
	select {
	case <-whole:
	case <-ctx.Done():
		return s, fmt.Errorf("pion peer: candidates: %w", context.Cause(ctx))
	}
	for line := range strings.Lines(p.pc.LocalDescription().SDP) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "a=ice-ufrag":
			s.Ufrag = value
		case "a=ice-pwd":
			s.Pwd = value
		case "a=setup":
			s.Setup = value
		case "a=fingerprint":
			s.Print = strings.TrimPrefix(value, "sha-256 ")
		case "a=candidate":
			f := strings.Fields(value)
			at, err := netip.ParseAddrPort(f[4] + ":" + f[5])
			if err == nil && f[1] == "1" {
				s.Candidates = append(s.Candidates, PionCandidate{at, f[3]})
			}
		}
	}
	return s, nil
}

// take puts into force what the other side says.
func (p *PionPeer) take(kind webrtc.SDPType, s PionSide) error {
	p.last++
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n"+
		"a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
		p.last, s.Ufrag, s.Pwd, s.Print, s.Setup)
	for i, c := range s.Candidates {
		fmt.Fprintf(&b, "a=candidate:%d 1 udp %s %s %d typ host\r\n", i+1, c.Priority, c.Address.Addr(), c.Address.Port())
	}
	b.WriteString("a=end-of-candidates\r\n")
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: b.String()}); err != nil {
		return fmt.Errorf("pion peer: %w in %s", err, b.String())
	}
	return nil
}

// Connected waits until ICE has found a way, and the keys are there.
func (p *PionPeer) Connected(ctx context.Context) error {
	for {
		select {
		case s := <-p.states:
			switch s {
			case webrtc.PeerConnectionStateConnected:
				return nil
			case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
				return fmt.Errorf("pion peer: %s", s)
			}
		case <-ctx.Done():
			return fmt.Errorf("pion peer: connect: %w", context.Cause(ctx))
		}
	}
}

// Close ends it.
func (p *PionPeer) Close() {
	_ = p.pc.GracefulClose() // nothing is to be done about it
	p.heard.Wait()
}
