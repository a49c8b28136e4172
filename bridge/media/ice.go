package media

import "net/netip"

// ICE is what one side says of itself to find a way to the other (RFC 8445).
type ICE struct {
	// Ufrag and Pwd are the user name fragment and the password of one run of
	// ICE. Others begin a new one (section 9).
	Ufrag, Pwd string
	// Candidates are all that are known so far, of Ufrag and Pwd.
	Candidates []Candidate
	// Complete: no more will follow.
	Complete bool
}

// A CandidateType says how a candidate was found (RFC 8445 section 5.1.1), in the
// word that the signalling has for it (RFC 8839 section 5.1).
type CandidateType string

// The types of candidates.
const (
	Host            CandidateType = "host"
	ServerReflexive CandidateType = "srflx"
	PeerReflexive   CandidateType = "prflx"
	Relayed         CandidateType = "relay"
)

// A Candidate is a UDP address where one side may be reached. Those of other
// transports, and those that have a name in place of an address, are none:
// leave them out.
type Candidate struct {
	Foundation string // 1 to 32 letters, digits, + and /
	Component  int    // 1 for RTP, and for all with rtcp-mux; 2 for RTCP
	Priority   uint32 // 0: by its type
	Address    netip.AddrPort
	Type       CandidateType
	// Related is the address of a reflexive or relayed one's base; not valid if
	// that is not said.
	Related netip.AddrPort
}

// A Pair is the way that ICE has chosen: a candidate of ours and one of the peer's.
// The zero Pair is none.
type Pair struct{ Local, Remote Candidate }

type (
	// Gathered: there are candidates of ours that the peer has to be told of.
	// Where Ufrag and Pwd are those of before the candidates come in addition;
	// else they are all there are of a new run, which the peer has asked for by
	// its own, and it must be told Ufrag and Pwd with them.
	Gathered struct{ ICE ICE }
	// Connected: there is a way to the peer, or a better one. Media, and a DTLS
	// handshake if there is to be one, go this way from now on.
	Connected struct{ Pair Pair }
	// Failed: no way was found within half a minute, or the peer has not
	// agreed to hear us for as long (RFC 7675). Nothing is sent any more, unless the
	// peer begins a new run.
	Failed struct{ Err error }
)

func (Gathered) event()  {}
func (Connected) event() {}
func (Failed) event()    {}
