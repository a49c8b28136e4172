package transport

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"gateway/bridge/media"

	"github.com/pion/ice/v4"
)

// consent is how long a peer's agreement to hear us is good (RFC 7675 section 5.1).
const consent = 30 * time.Second

// How long better candidates may take, when we choose and have one that works.
const (
	reflexiveWait = 100 * time.Millisecond
	peerWait      = 200 * time.Millisecond
	relayWait     = 500 * time.Millisecond
)

// begin starts the library's agent and its checks.
func (a *Agent) begin(conns bases, peer media.ICE, controlling bool) {
	if a.ended() {
		return
	}
	if err := a.start(conns, peer, controlling); err != nil {
		a.fail(fmt.Errorf("%w: %w", ErrNoWay, err))
	}
}

func (a *Agent) start(conns bases, peer media.ICE, controlling bool) error {
	if err := CheckCredentials(peer.Ufrag, peer.Pwd); err != nil {
		return err
	}
	patience := a.owner.Patience
	if patience <= 0 {
		patience = consent
	}
	agent, err := ice.NewAgentWithOptions(
		ice.WithLocalCredentials(a.ufrag, a.pwd),
		ice.WithUDPMux(conns),
		ice.WithNet(noNet{}),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithRemoteIPFilter(a.takes),
		ice.WithKeepaliveInterval(patience/7),
		ice.WithDisconnectedTimeout(patience/2),
		ice.WithFailedTimeout(patience-patience/2),
		ice.WithSrflxAcceptanceMinWait(reflexiveWait),
		ice.WithPrflxAcceptanceMinWait(peerWait),
		ice.WithRelayAcceptanceMinWait(relayWait),
		ice.WithDisableActiveTCP(),
		ice.WithLoggerFactory(silence{}),
	)
	if err != nil {
		return fmt.Errorf("setting up ICE: %w", err)
	}
	a.library = agent
	_ = agent.OnCandidate(func(ice.Candidate) {}) // we know our own; these set functions and don't fail
	_ = agent.OnSelectedCandidatePairChange(a.selected)
	_ = agent.OnConnectionStateChange(func(s ice.ConnectionState) {
		if s == ice.ConnectionStateFailed {
			a.fail(ErrNoWay)
		}
	})
	if err := agent.GatherCandidates(); err != nil {
		return fmt.Errorf("gathering candidates: %w", err)
	}
	if controlling {
		_, err = agent.StartDial(peer.Ufrag, peer.Pwd)
	} else {
		_, err = agent.StartAccept(peer.Ufrag, peer.Pwd)
	}
	if err != nil {
		return fmt.Errorf("starting checks: %w", err)
	}
	return nil
}

// takes is reaches for the library.
func (a *Agent) takes(ip net.IP) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && a.reaches(addr.Unmap())
}

// add has candidates of the peer's tried.
func (a *Agent) add(list []ice.Candidate) {
	if a.library == nil {
		return
	}
	for _, c := range list {
		_ = a.library.AddRemoteCandidate(c) // it fails for names only
	}
}

// end closes the library's agent and waits for its goroutines.
func (a *Agent) end() {
	if a.library != nil {
		_ = a.library.GracefulClose()
		a.library = nil
	}
}

// selected tells what way the library has chosen.
func (a *Agent) selected(local, remote ice.Candidate) {
	if a.ended() {
		return
	}
	for _, b := range a.config.Bases {
		if ours := a.pairSide(local); ours.Address == b.Address {
			theirs := a.pairSide(remote)
			a.config.Selected(b, theirs.Address, media.Pair{Local: ours, Remote: theirs})
			return
		}
	}
}

func (a *Agent) fail(err error) {
	a.mux.leave(a) // what comes for it now is too late
	if !a.ended() {
		a.config.Failed(err)
	}
}
