package sip

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/sdp"
	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// A session is the media of one INVITE: its ports in the Plane, and what has
// been offered and answered for them. Its owner is the leg's goroutine.
type session struct {
	e      *engine
	call   string     // for the log
	met    netip.Addr // where the signalling goes and comes from
	by     netip.Addr // our end of it; not valid or unspecified: whatever routes there
	heard  func(mediaEvent)
	ice    bool // the other side is found by ICE
	x      *sdp.Exchange
	tracks []*track
}

// A track is one stream of a session.
type track struct {
	id   string
	port *mediaPort // nil: none is agreed on
	next *mediaPort // what an open offer, or its answer, says instead; nil: port
	// events: telephone events can be sent there. Without sound they can't.
	events bool
}

// A mediaPort is one of the Plane's, and what the other side is told of it.
type mediaPort struct {
	media.Port
	told netip.Addr
	at   netip.AddrPort // that RTP is to come to, as the other side is told
}

// A mediaEvent is what the Plane tells of a port.
type mediaEvent struct {
	stream string
	of     *session
	event  media.Event
}

func newSession(e *engine, call string, met, by netip.Addr, heard func(mediaEvent)) *session {
	return &session{
		e: e, call: call, met: met.Unmap().WithZone(""), by: by.Unmap().WithZone(""), heard: heard,
		x: sdp.New(rand.Uint64(), policyOf(e.set.srtp), transport.NewKey),
	}
}

// browse makes it one with a browser: by ICE, and nothing but encrypted (RFC 8834,
// RFC 8827).
func (s *session) browse() {
	s.ice, s.x = true, sdp.New(rand.Uint64(), sdp.Web, transport.NewKey)
}

// track finds or makes the one of a stream.
func (s *session) track(id string) *track {
	for _, st := range s.tracks {
		if st.id == id {
			return st
		}
	}
	st := &track{id: id}
	s.tracks = append(s.tracks, st)
	return st
}

// locate is the sdp.Locate of s: the port that the stream has, or another if
// the other side is in the other IP version.
func (s *session) locate(id string, remote netip.Addr) (sdp.Local, error) {
	st := s.track(id)
	p := st.next
	if p == nil {
		p = st.port
	}
	if !remote.IsValid() || remote.IsUnspecified() {
		remote = s.met
		if p != nil {
			remote = p.told
		}
	}
	if p == nil || !s.ice && p.told.Is4() != remote.Is4() {
		fresh, err := s.open(id, remote)
		if err != nil {
			return sdp.Local{}, err
		}
		s.drop(st)
		st.next, p = fresh, fresh
	}
	local := sdp.Local{RTP: p.at, RTCP: p.RTCP.Port(), Fingerprint: s.e.env.Media.Fingerprint()}
	if s.ice {
		local.RTCP, local.ICE = p.at.Port()+1, &p.ICE
	}
	return local, nil
}

func (s *session) open(id string, remote netip.Addr) (*mediaPort, error) {
	bind, told, err := s.e.mediaAddress(s.by, remote)
	if err != nil {
		return nil, err
	}
	opened, err := s.e.env.Media.Open(media.Open{Local: bind, ICE: s.ice, Call: s.call}, func(ev media.Event) {
		s.heard(mediaEvent{stream: id, of: s, event: ev})
	})
	if err != nil {
		cause := bridge.Internal
		if errors.Is(err, media.ErrNoPorts) {
			cause = bridge.Constrained
		}
		return nil, &bridge.Error{Op: "open a media port", Cause: cause, Err: err}
	}
	if s.ice {
		at := first(opened.ICE.Candidates, told)
		return &mediaPort{Port: opened, told: at.Addr(), at: at}, nil
	}
	return &mediaPort{Port: opened, told: told, at: netip.AddrPortFrom(told, opened.RTP.Port())}, nil
}

// first is the candidate that stands for all where there is room for one address (RFC
// 8839 section 4.2.1): the one at told, else one of its family, else any.
func first(all []media.Candidate, told netip.Addr) (at netip.AddrPort) {
	rank := 0
	for _, c := range all {
		fit := 1
		switch a := c.Address.Addr(); {
		case a == told:
			fit = 3
		case a.Is4() == told.Is4():
			fit = 2
		}
		if fit > rank {
			at, rank = c.Address, fit
		}
	}
	return at
}

// drop closes what an offer has opened that came to nothing.
func (s *session) drop(st *track) {
	if st.next != nil {
		s.e.env.Media.Close(st.next.ID)
		st.next = nil
	}
}

// settle puts what has been agreed on into force, and gives the events that
// tell of it.
func (s *session) settle(all []sdp.Agreed) []bridge.Event {
	var news []bridge.Event
	for _, a := range all {
		st := s.track(a.ID)
		if a.Over {
			s.drop(st)
			news = append(news, s.lose(st)...)
			continue
		}
		if st.next != nil {
			if st.port != nil {
				s.e.env.Media.Close(st.port.ID)
			}
			st.port, st.next = st.next, nil
			news = append(news, bridge.MediaReady{Stream: st.id, Port: st.port.ID})
		}
		if st.port == nil {
			continue // of a stream that has never been described
		}
		a.Setting.Learn = learnFrom(a.Setting.RTP.Addr(), s.met, st.port.told)
		a.Setting.RTP, a.Setting.RTCP = outside(a.Setting.RTP, s.met), outside(a.Setting.RTCP, s.met)
		s.e.env.Media.Set(st.port.ID, a.Setting)
		st.events = a.Setting.Send && slices.ContainsFunc(a.Setting.Out, func(p media.Payload) bool { return p.Format.IsEvents() })
	}
	return news
}

// lose closes a stream's port.
func (s *session) lose(st *track) []bridge.Event {
	if st.port == nil {
		return nil
	}
	id := st.port.ID
	st.port = nil
	return []bridge.Event{bridge.MediaLost{Stream: st.id, Stats: s.e.env.Media.Close(id), Port: id}}
}

// withdraw forgets the offer that is open.
func (s *session) withdraw() {
	s.x.Withdraw()
	for _, st := range s.tracks {
		s.drop(st)
	}
}

// undo forgets an offer of the other side's, though it has been answered.
func (s *session) undo() {
	s.x.Undo()
	for _, st := range s.tracks {
		s.drop(st)
	}
}

// ready are the events that tell of the ports, for somebody who has not been
// told.
func (s *session) ready() []bridge.Event {
	var news []bridge.Event
	for _, st := range s.tracks {
		if st.port != nil {
			news = append(news, bridge.MediaReady{Stream: st.id, Port: st.port.ID})
		}
	}
	return news
}

// close gives all ports back.
func (s *session) close() []bridge.Event {
	var news []bridge.Event
	for _, st := range s.tracks {
		s.drop(st)
		news = append(news, s.lose(st)...)
	}
	return news
}

// eventPort is the port by which the other side takes telephone events; false
// if it takes none.
func (s *session) eventPort() (media.PacketPort, bool) {
	for _, st := range s.tracks {
		if st.port != nil && st.events {
			return st.port.ID, true
		}
	}
	return media.PacketPort{}, false
}

// learnFrom is the one address other than described from which packets may
// come: that of the signalling, where the described one means nothing out here
// (RFC 3581 has the same trouble with Via). told is ours.
func learnFrom(described, met, told netip.Addr) netip.Addr {
	if !met.IsValid() || met == described || met.Is4() != told.Is4() || described.IsValid() && !inner(described) {
		return netip.Addr{}
	}
	return met
}

// outside is a, and none where that is an address of this machine or link alone, and the
// signalling is with somebody elsewhere: nobody makes us send to what only we can reach.
func outside(a netip.AddrPort, met netip.Addr) netip.AddrPort {
	if a.Addr().IsLoopback() && !met.IsLoopback() || a.Addr().IsLinkLocalUnicast() && !met.IsLinkLocalUnicast() {
		return netip.AddrPort{}
	}
	return a
}

// inner reports whether a is an address that only its own network knows (RFC
// 1918, RFC 6598, RFC 4193).
func inner(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || shared.Contains(a)
}

// mediaAddress is where the packets of somebody at remote are taken, and what he
// is told of that. by is our end of his signalling.
func (e *engine) mediaAddress(by, remote netip.Addr) (bind, told netip.Addr, err error) {
	bind = by
	if !by.IsValid() || by.IsUnspecified() || by.Is4() != remote.Is4() {
		if bind, err = e.routeTo(netip.AddrPortFrom(remote, defaultPort)); err != nil {
			return bind, told, fmt.Errorf("find an address for media: %w", err)
		}
		bind = e.listening(bind.WithZone(""))
	}
	told, err = netip.ParseAddr(strings.Trim(advertised(e.set.addresses, bind, remote), "[]"))
	if err != nil {
		told = bind // a host name is for signalling only
	}
	return bind, told.Unmap(), nil
}

// listening is a, unless we have been told to listen at others of its IP version
// only: then the first of them.
func (e *engine) listening(a netip.Addr) netip.Addr {
	other := netip.Addr{}
	for _, l := range e.bound {
		switch b := l.addr.Addr(); {
		case b == a, b.IsUnspecified() && (b.Is6() || a.Is4()):
			return a
		case b.Is4() == a.Is4() && !other.IsValid():
			other = b
		}
	}
	if other.IsValid() {
		return other
	}
	return a
}

// localOf is our end of the signalling by p; not valid if that is not known
// yet.
func localOf(p dialog.Path) netip.Addr {
	if way, ok := p.(*path); ok && way != nil && way.flow.carrier != nil {
		return way.flow.local().Addr()
	}
	return netip.Addr{}
}

// policyOf reads the key srtp of the mapping file.
func policyOf(word string) sdp.Policy {
	switch word {
	case "offer":
		return sdp.Optional
	case "sdes":
		return sdp.SDES
	case "dtls":
		return sdp.DTLS
	default:
		return sdp.Plain
	}
}
