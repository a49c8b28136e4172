package bridge

import (
	"strconv"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
)

// A Caller is an adapter that can place calls.
type Caller interface {
	// Dial begins a call to inv.To, whose name is one of this adapter's, as
	// inv.From, whose name is one of this adapter's too. It returns at once;
	// the outcome, even a failure to start, comes as events.
	Dial(inv Invite, ev Events) Leg
}

// An Invite asks for a call.
type Invite struct {
	// ID is the origin's own identity of the call. A leg that is dialled for
	// it names it where its network has a place for that, so that the legs of
	// one call can be found in a capture.
	ID string
	// Call is the bridge's own identity of the call, for logs; "" on the way in.
	Call     string
	From, To Party
	// Offer is what the caller can send and hear; nil if it will say so later.
	Offer *Offer
	Hops  int // how often the call may still be handed on
	// Replaces is the leg that this call takes the place of, as Leg.ID gave
	// it, or what only the adapter of To can read; "" for none.
	Replaces string
	// By is who had the call transferred here; zero for nobody.
	By Address
	// Forwarders are those who had it forwarded instead of taking it, the last first. On
	// the way in: of whom the caller's network says so, at home. On the way out: as they
	// are called at To's adapter, if they are.
	Forwarders []Address
	// Early: what is heard before the call is taken counts as progress.
	Early bool
	// Private: the caller withholds who it is from To.
	Private bool
	// Plain: on the way in, what the caller sends is not encrypted, though its
	// network wants that; it is refused unless the map allows it. On the way out:
	// it is allowed.
	Plain bool
}

// A Leg is one party's side of a call, made by Caller.Dial or by the open of
// Handler.Incoming. Its methods are commands: they return at once, come from
// the call's goroutine only, and fail by an Ended. They do nothing after Ended.
type Leg interface {
	// ID is the leg's own identity, unique in its adapter and fit for Invite.Replaces.
	ID() string
	// Ring says to a caller that the other side rings. early: and that what
	// the last Answer or Offer described can be heard already.
	Ring(early bool)
	// Accept says to a caller that the other side has taken the call. Where
	// the caller's offer is open, Answer has come before; where the caller
	// made none, Offer has.
	Accept()
	// Offer proposes what is sent and heard from now on. Answered or Refused
	// follows. Only one is open at a time, in either direction.
	Offer(o Offer)
	// Answer accepts the offer seq of an Offered, or that of the Invite. Before
	// the call is taken it may come again and replaces what it said before.
	Answer(seq uint32, d Description)
	// Refuse refuses the offer seq of an Offered. The call goes on as it was.
	Refuse(seq uint32, c Cause)
	// Digit sends a key press in the way that its network has for it.
	Digit(r rune, d time.Duration)
	// Transfer says what has come of the TransferAsked id: zero that it has
	// been done, else why not.
	Transfer(id string, c Cause)
	// Hangup ends the leg, any number of times; Ended follows. Elsewhere
	// as the cause says that another place has taken the call.
	Hangup(c Cause)
}

// A Prompter is a Leg of a network where a caller hears nothing of a call
// before it is taken.
type Prompter interface {
	// Prompt has the caller hear what the last Answer described from now on, as
	// if the call were taken: the map wants what is heard before to count as
	// progress. It follows Ring(true).
	Prompt()
}

// Events takes one leg's events, in order. The last is Ended. Post never
// blocks.
type Events interface{ Post(ev Event) }

// An Event tells a call what has happened on one of its legs.
type Event interface{ event() }

// The events of a leg.
type (
	// Ringing: the party is being told of the call. Early: what it sends
	// before it takes the call shall be heard.
	Ringing struct{ Early bool }
	// Claimed: the party has taken the call, but the way for its media is still
	// being set up. Nobody else rings any more; Accepted or Ended follows.
	Claimed struct{}
	// Accepted: the party has taken the call. Where the Invite had an offer,
	// Answered has come before; where it had none, Offered has.
	Accepted struct{}
	// Offered: the party proposes something. Answer or Refuse follows.
	Offered struct{ Offer Offer }
	// Answered: the party accepts the offer Seq. Before Accepted it may come
	// again and replaces what it said before.
	Answered struct {
		Seq  uint32
		Desc Description
	}
	// Refused: the party does not accept the offer Seq; all stays as it was.
	Refused struct {
		Seq   uint32
		Cause Cause
	}
	// MediaReady: packets of a stream of the leg's come and go by Port from
	// now on. It replaces what was said before of that stream.
	MediaReady struct {
		Stream string
		Port   media.PacketPort
	}
	// MediaLost: a stream has ended. What its Port was joined to must be
	// parted; the leg closes the port itself.
	MediaLost struct {
		Stream string
		Stats  media.Stats // the last
		Port   media.PacketPort
	}
	// Transcodes: the party sends or hears something else than what was agreed on,
	// so that its sound is decoded and encoded on the way. On: from now on; else no
	// more.
	Transcodes struct{ On bool }
	// Heard and Silent say whether anything comes from the party at all.
	Heard struct{ Stream string }
	// Silent: nothing has come for the time that [media] dead says.
	Silent struct{ Stream string }
	// Digit: the party has pressed a key. It is not told where the packets
	// of it have gone across already.
	Digit struct {
		Digit    rune // 0-9 * # A-D, '!' for flash
		Duration time.Duration
	}
	// TransferAsked: the party wants its call to go on with To instead of
	// itself. Leg.Transfer answers. Where Leg is not "", To is who is at the other
	// end of that leg of this adapter's, which the party holds as well;
	// where Replaces is not "", Dial hands it on.
	TransferAsked struct {
		ID       string
		To       Address
		Leg      string
		Replaces string
	}
	// Ended: the leg is no more. Err, if any, is for the log.
	Ended struct {
		Cause  Cause // Normal, or why the call failed
		Reason string
		Err    error
		// Instead is where a party that does not take a call would have it go: names
		// on its own adapter, the preferred first. The call goes there only as the
		// party itself could call.
		Instead []string
	}
)

func (Ringing) event()       {}
func (Claimed) event()       {}
func (Accepted) event()      {}
func (Offered) event()       {}
func (Answered) event()      {}
func (Refused) event()       {}
func (MediaReady) event()    {}
func (MediaLost) event()     {}
func (Transcodes) event()    {}
func (Heard) event()         {}
func (Silent) event()        {}
func (Digit) event()         {}
func (TransferAsked) event() {}
func (Ended) event()         {}

// Dir says which way a stream goes, as the one who describes it sees it.
type Dir uint8

// The ways of a stream.
const (
	Inactive Dir = iota
	SendOnly
	ReceiveOnly
	SendReceive
)

// String is the word for logs and records.
func (d Dir) String() string {
	switch d {
	case Inactive:
		return "inactive"
	case SendOnly:
		return "sendonly"
	case ReceiveOnly:
		return "recvonly"
	case SendReceive:
		return "sendrecv"
	default:
		return "dir" + strconv.Itoa(int(d))
	}
}

// Reverse is the same way as the other side sees it.
func (d Dir) Reverse() Dir {
	switch d {
	case SendOnly:
		return ReceiveOnly
	case ReceiveOnly:
		return SendOnly
	default:
		return d
	}
}

// Way is the Dir of who sends and hears as said.
func Way(sends, hears bool) Dir {
	switch {
	case sends && hears:
		return SendReceive
	case sends:
		return SendOnly
	case hears:
		return ReceiveOnly
	default:
		return Inactive
	}
}

// Sends reports whether anything goes from who describes the stream.
func (d Dir) Sends() bool { return d == SendOnly || d == SendReceive }

// Hears reports whether anything is taken by who describes the stream.
func (d Dir) Hears() bool { return d == ReceiveOnly || d == SendReceive }

// Within is d without what the other side's way, as that side sees it, leaves no
// room for (RFC 3264 section 6.1).
func (d Dir) Within(other Dir) Dir {
	return Way(d.Sends() && other.Hears(), d.Hears() && other.Sends())
}

// A Stream is one sound or picture of a Description. Addresses, ports and keys
// stand in none: each leg has its own.
type Stream struct {
	// ID tells the streams of a leg apart and stays the same for its life. An
	// answer has the IDs of the offer.
	ID   string
	Kind codec.Kind
	Dir  Dir
	// Formats are the preferred first; none: the stream is refused or over.
	Formats []codec.Format
	// Packet is how long the sound in one packet to this party should be; 0
	// if it does not say.
	Packet time.Duration
}

// A Description is what one party can send and hear: in an offer all that it
// can, in an answer what it has chosen of that. A leg passes what it is given on
// as its own party's, without what its network can't carry.
type Description []Stream

// An Offer is a proposal. Seq numbers the offers of one party on one leg; that
// of an Invite is 1.
type Offer struct {
	Seq  uint32
	Desc Description
}
