package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/child"
	"gateway/bridge/media/relay"
	"gateway/codec"
	"gateway/internal/peer"

	"golang.org/x/sys/unix"
)

const (
	jingleRounds = 3
	jingleCalls  = 60 // one after the other, now of ours, now of theirs
	jingleTurns  = 4  // of these in a round
	jingleIdle   = 60 // legs at once whose memory is looked at
)

// setups is what ICE, DTLS and keys cost one end of a call, round by round: in CPU,
// and in memory while the call is idle.
type setups struct {
	ours, theirs           []time.Duration // per end; its making and its end are in it
	ourMemory, theirMemory []int           // bytes per end
	plain, sealed          []time.Duration // CPU per packet that is relayed
}

// measureJingle has relays of ours, and PeerConnections of pion's, set up calls with
// each other, and packets relayed with seals and without.
func (w *world) measureJingle(ctx context.Context) (s setups, err error) {
	for range jingleRounds {
		for range jingleTurns {
			if err := s.calls(ctx); err != nil {
				return s, err
			}
			if err := s.pairs(ctx); err != nil {
				return s, err
			}
		}
		if err := s.idle(ctx); err != nil {
			return s, err
		}
		if err := s.packets(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

// loopbackOnly is where our media process is in these measurements.
func loopbackOnly(first uint16) relay.Options {
	return relay.Options{
		First: first, Last: first + manyPorts, Dead: time.Minute, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})},
	}
}

// calls has two relays of ours, both in this process, set up calls with each other.
func (s *setups) calls(ctx context.Context) error {
	var relays [2]*relay.Relay
	for i := range relays {
		var err error
		if relays[i], err = relay.New(loopbackOnly(ourPorts + uint16(i)*manyPorts)); err != nil {
			return err
		}
		defer relays[i].Shutdown()
	}
	cpu, err := each(func() error { return twoEnds(ctx, relays) })
	s.ours = append(s.ours, cpu)
	return err
}

// each is the CPU time of one end of a call, where both are in this process.
func each(call func() error) (time.Duration, error) {
	if err := call(); err != nil { // what is needed once
		return 0, err
	}
	start, err := ownTime()
	if err != nil {
		return 0, err
	}
	for range jingleCalls {
		if err := call(); err != nil {
			return 0, err
		}
	}
	end, err := ownTime()
	return (end - start) / jingleCalls / 2, err
}

// twoEnds is one call between relays.
func twoEnds(ctx context.Context, relays [2]*relay.Relay) error {
	var ports [2]media.Port
	secured := make(chan error, 8)
	for i, r := range relays {
		var err error
		if ports[i], err = r.Open(media.Open{ICE: true}, tells(secured)); err != nil {
			return err
		}
		defer r.Close(ports[i].ID)
	}
	for i, r := range relays {
		other := relays[1-i]
		r.Set(ports[i].ID, sealedSetting(&ports[1-i].ICE, i == 0, other.Fingerprint()))
	}
	for range relays {
		if err := awaited(ctx, secured); err != nil {
			return err
		}
	}
	return nil
}

// tells says when a port has keys, or that it will have none.
func tells(secured chan<- error) func(media.Event) {
	return func(ev media.Event) {
		var err error
		switch ev := ev.(type) {
		case media.Secured:
		case media.Failed:
			err = ev.Err
		case media.Insecure:
			err = ev.Err
		default:
			return
		}
		select {
		case secured <- err:
		default: // nobody waits any more
		}
	}
}

func awaited(ctx context.Context, secured <-chan error) error {
	select {
	case err := <-secured:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sealedSetting is that of a port whose peer is reached by ICE; first: we have begun
// the session, and the handshake.
func sealedSetting(theirs *media.ICE, first bool, print media.Fingerprint) media.Setting {
	pcmu := []media.Payload{{Format: codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}}}
	return media.Setting{
		Mux: true, ICE: theirs, Controlling: first, Send: true, Receive: true, In: pcmu, Out: pcmu,
		Security: &media.Security{DTLS: &media.DTLS{Client: first, Peer: []media.Fingerprint{print}}},
	}
}

// idle keeps calls: what both processes have grown by are their ends.
func (s *setups) idle(ctx context.Context) error {
	o, err := startOurs(loopbackOnly(ourPorts))
	if err != nil {
		return fmt.Errorf("media process: %w", err)
	}
	defer o.close()
	warm, err := o.meet(ctx)
	if err != nil {
		return err
	}
	warm.end()
	ourBefore, err1 := resident(o.id)
	theirBefore, err2 := resident(os.Getpid())
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for range jingleIdle {
		m, err := o.meet(ctx)
		if err != nil {
			return err
		}
		defer m.end()
	}
	ourAfter, err1 := resident(o.id)
	theirAfter, err2 := resident(os.Getpid())
	s.ourMemory = append(s.ourMemory, (ourAfter-ourBefore)/jingleIdle)
	s.theirMemory = append(s.theirMemory, (theirAfter-theirBefore)/jingleIdle)
	return errors.Join(err1, err2)
}

// A meeting is a call between our media process and a PeerConnection.
type meeting struct {
	plane *child.Plane
	port  media.PacketPort
	peer  *peer.PionPeer
}

func (m *meeting) end() {
	m.plane.Close(m.port)
	m.peer.Close()
}

// meet sets one up: both have keys.
func (o *ours) meet(ctx context.Context) (*meeting, error) {
	p, err := peer.NewPionPeer(peer.PionConfig{})
	if err != nil {
		return nil, err
	}
	m := &meeting{plane: o.plane, peer: p}
	if err := m.connect(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return m, nil
}

func (m *meeting) connect(ctx context.Context) error {
	offer, err := m.peer.Offer(ctx, false)
	if err != nil {
		return err
	}
	secured := make(chan error, 8)
	port, err := m.plane.Open(media.Open{ICE: true}, tells(secured))
	if err != nil {
		return err
	}
	m.port = port.ID
	theirs := media.ICE{Ufrag: offer.Ufrag, Pwd: offer.Pwd, Complete: true}
	for _, c := range offer.Candidates {
		theirs.Candidates = append(theirs.Candidates, media.Candidate{Foundation: "1", Component: 1, Address: c.Address, Type: media.Host})
	}
	set := sealedSetting(&theirs, false, media.Fingerprint{Hash: "sha-256", Value: offer.Print})
	set.Security.DTLS.Client = true
	m.plane.Set(port.ID, set)
	side := peer.PionSide{Ufrag: port.ICE.Ufrag, Pwd: port.ICE.Pwd, Print: m.plane.Fingerprint().Value, Setup: "active"}
	for _, c := range port.ICE.Candidates {
		side.Candidates = append(side.Candidates, peer.PionCandidate{Address: c.Address, Priority: fmt.Sprint(c.Priority)})
	}
	if err := m.peer.Take(side); err != nil {
		return err
	}
	if err := awaited(ctx, secured); err != nil {
		return err
	}
	return m.peer.Connected(ctx)
}

// pairs sets up calls between PeerConnections, of which this process has both.
func (s *setups) pairs(ctx context.Context) error {
	cpu, err := each(func() error { return pair(ctx) })
	s.theirs = append(s.theirs, cpu)
	return err
}

func pair(ctx context.Context) error {
	var ends [2]*peer.PionPeer
	for i := range ends {
		var err error
		if ends[i], err = peer.NewPionPeer(peer.PionConfig{}); err != nil {
			return err
		}
		defer ends[i].Close()
	}
	offer, err := ends[0].Offer(ctx, false)
	if err != nil {
		return err
	}
	answer, err := ends[1].Answer(ctx, offer)
	if err != nil {
		return err
	}
	if err := ends[0].Take(answer); err != nil {
		return err
	}
	return errors.Join(ends[0].Connected(ctx), ends[1].Connected(ctx))
}

// ownTime is what this process has had of the CPUs so far.
func ownTime() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
