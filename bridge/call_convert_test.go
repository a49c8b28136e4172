package bridge_test

import (
	"fmt"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

const (
	onlyOpus = "opus/48000/2"
	extended = "0 sendrecv pcmu/8000 opus/48000/2 g722/8000 pcma/8000"
)

// plain places a call whose caller has but one format.
func (w *town) plain(to, format string) (a *bridgetest.Phone, homes []*bridgetest.Phone) {
	w.Helper()
	inv := invite(to)
	inv.Offer.Desc = bridgetest.Sound(format)
	return w.place(inv)
}

// transcoded is how the only call was recorded, and how many are counted still.
func (w *town) transcoded(mode string) {
	w.Helper()
	if r := w.recorded("normal")[0]; r.Media != mode {
		w.Errorf("recorded as %q, want %q", r.Media, mode)
	}
	if n := w.sum("gateway_calls_transcoded"); n != 0 {
		w.Errorf("%v calls are still counted", n)
	}
}

func TestACallIsTranscoded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		if got := bridgetest.Words(homes[0].Invite.Offer.Desc); got != extended {
			t.Errorf("offered %q", got)
		}
		w.take(homes[0], onlyOpus)
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept")
		w.heard("callee", homes[0])
		w.joined(a, homes[0])
		if n := w.sum("gateway_calls_transcoded"); n != 1 {
			t.Errorf("%v calls are transcoded", n)
		}
		if n := w.sum("gateway_call_media_total", "transcoded"); n != 1 {
			t.Errorf("%v calls came to be transcoded", n)
		}
		// On hold and back: each is offered what it knows.
		w.holdIn(a, homes[0], "pcmu", bridge.SendOnly, onlyOpus, bridge.ReceiveOnly)
		w.last("caller", a, "answer 100 0 recvonly pcmu/8000")
		w.holdIn(homes[0], a, onlyOpus, bridge.SendReceive, "pcmu", bridge.SendReceive)
		w.last("callee", homes[0], "answer 100 0 sendrecv opus/48000/2")
		a.End(bridge.Normal)
		w.rest()
		w.transcoded("transcoded")
	})
}

// holdIn has x offer a format in a direction, and y answer another.
func (w *town) holdIn(x, y *bridgetest.Phone, offered string, way bridge.Dir, answered string, back bridge.Dir) {
	w.Helper()
	x.Say(bridge.Offered{Offer: bridge.Offer{Seq: 100, Desc: bridgetest.Stream("0", way, offered)}})
	w.rest()
	y.Say(bridge.Answered{Seq: lastOffer(w, y), Desc: bridgetest.Stream("0", back, answered)})
	w.rest()
}

func TestALateOfferIsTranscoded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		inv := invite("r9")
		inv.Offer = nil
		a, homes := w.place(inv)
		a.OpenMedia("0")
		homes[0].OpenMedia("0")
		homes[0].Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound(onlyOpus)}})
		homes[0].Say(bridge.Accepted{})
		w.rest()
		w.heard("caller", a, "offer 1 0 sendrecv opus/48000/2 g722/8000 pcma/8000 pcmu/8000", "accept")
		a.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
		w.rest()
		w.heard("callee", homes[0], "answer 1 0 sendrecv opus/48000/2")
		w.joined(a, homes[0])
		a.End(bridge.Normal)
		w.rest()
		w.transcoded("transcoded")
	})
}

func TestEarlyMediaIsTranscoded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		w.early(homes[0], onlyOpus)
		w.joined(a, homes[0])
		homes[0].Say(bridge.Accepted{})
		w.rest()
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "ring early", "accept")
		a.End(bridge.Normal)
		w.rest()
		w.transcoded("transcoded")
	})
}

// TestAnotherOfferEndsTheTranscoding: what is shared later passes untouched again.
func TestAnotherOfferEndsTheTranscoding(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		w.take(homes[0], onlyOpus)
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound(onlyOpus)}})
		w.rest()
		w.last("callee", homes[0], "offer 2 0 sendrecv opus/48000/2")
		homes[0].Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound(onlyOpus)})
		w.rest()
		w.last("caller", a, "answer 2 0 sendrecv opus/48000/2")
		a.End(bridge.Normal)
		w.rest()
		w.transcoded("untouched")
	})
}

// TestWhoPrefersWhatMustBeTranscodedIsAskedOnce not to send it.
func TestWhoPrefersWhatMustBeTranscodedIsAskedOnce(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		w.take(homes[0], "g722", "pcmu")
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept")
		w.last("callee", homes[0], "offer 2 0 sendrecv pcmu/8000")
		homes[0].Say(bridge.Refused{Seq: 2, Cause: bridge.NotAcceptable})
		w.rest()
		w.last("callee", homes[0], "offer 2 0 sendrecv pcmu/8000")
		w.joined(a, homes[0])
		a.End(bridge.Normal)
		w.rest()
		w.transcoded("untouched")
	})
}

func TestATransferIsTranscoded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		w.take(homes[0], "pcmu")
		ask(homes[0], "r5")
		w.rest()
		c := w.right.Dialed()[1]
		if got := bridgetest.Words(c.Invite.Offer.Desc); got != extended {
			t.Errorf("offered %q", got)
		}
		w.take(c, onlyOpus)
		w.heard("who asked", homes[0], "transfer t done", "hangup normal")
		w.heard("who stays", a, "answer 1 0 sendrecv pcmu/8000", "accept") // it has nothing else
		w.joined(a, c)
		c.End(bridge.Normal)
		w.rest()
		w.transcoded("transcoded")
	})
}

// TestThereIsNoRoom: at the limit nothing is offered that would be one more.
func TestThereIsNoRoom(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{Transcoded: 1}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		w.take(homes[0], onlyOpus)
		second := from("l2", "r8")
		second.Offer.Desc = bridgetest.Sound("pcmu")
		b, others := w.place(second)
		if got := bridgetest.Words(others[0].Invite.Offer.Desc); got != "0 sendrecv pcmu/8000" {
			t.Errorf("offered %q", got)
		}
		w.take(others[0], "pcmu")
		// The first is counted already, and may change.
		w.holdIn(a, homes[0], "pcmu", bridge.SendOnly, onlyOpus, bridge.ReceiveOnly)
		w.last("caller", a, "answer 100 0 recvonly pcmu/8000")
		a.End(bridge.Normal)
		w.rest()
		// The second may be transcoded now.
		w.holdIn(b, others[0], "pcma", bridge.SendReceive, "pcmu", bridge.SendReceive)
		w.last("the second caller", b, "answer 100 0 sendrecv pcma/8000")
		if n := w.sum("gateway_calls_transcoded"); n != 1 {
			t.Errorf("%v calls are transcoded", n)
		}
		b.End(bridge.Normal)
		w.rest()
	})
}

func TestTwoCallsRaceForTheLastPlace(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{Transcoded: 1}, func(w *town) {
		_, homes := w.plain("r9", "pcmu")
		second := from("l2", "r8")
		second.Offer.Desc = bridgetest.Sound("pcmu")
		b, others := w.place(second)
		w.take(homes[0], onlyOpus)
		w.take(others[0], onlyOpus)
		w.last("the second caller", b, "hangup constrained")
	})
}

// lastOffer is the number of the offer that p was told last.
func lastOffer(w *town, p *bridgetest.Phone) uint32 {
	w.Helper()
	seq := uint32(0)
	if _, err := fmt.Sscanf(p.Heard()[len(p.Heard())-1], "offer %d", &seq); err != nil {
		w.Fatalf("no offer: %q", p.Heard())
	}
	return seq
}

// TestALegThatConvertsIsTranscoded: whose network has formats of its own says so, and
// takes a place among the calls that are transcoded for as long as it is so.
func TestALegThatConvertsIsTranscoded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{Transcoded: 1}, func(w *town) {
		a, homes := w.plain("r9", "pcmu")
		a.Say(bridge.Transcodes{On: true})
		w.take(homes[0], "pcmu")
		w.joined(a, homes[0])
		if n := w.sum("gateway_calls_transcoded"); n != 1 {
			t.Errorf("%v calls are transcoded", n)
		}
		second := from("l2", "r8")
		second.Offer.Desc = bridgetest.Sound("pcmu")
		b, others := w.place(second)
		w.take(others[0], "pcmu")
		a.Say(bridge.Transcodes{})
		w.rest()
		if n := w.sum("gateway_calls_transcoded"); n != 0 {
			t.Errorf("%v calls are transcoded after what was sent is what was agreed on", n)
		}
		b.Say(bridge.Transcodes{On: true})
		w.rest()
		a.Say(bridge.Transcodes{On: true}) // there is no room for it now
		w.rest()
		w.last("the first caller", a, "hangup constrained")
		if n := w.sum("gateway_call_media_total", "transcoded"); n != 3 {
			t.Errorf("%v calls came to be transcoded", n)
		}
		b.End(bridge.Normal)
		w.rest()
		if n := w.sum("gateway_calls_transcoded"); n != 0 {
			t.Errorf("%v calls are still counted", n)
		}
	})
}

// TestRoomForTranscoding is told before a call is: of those that are transcoded already there is no need.
func TestRoomForTranscoding(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{Transcoded: 2}, func(w *town) {
		var all []*bridgetest.Phone
		for i, to := range []string{"r5", "r6", "r7"} {
			inv := from(fmt.Sprint("l", i+1), to)
			inv.Offer.Desc = bridgetest.Sound("pcmu")
			a, homes := w.place(inv)
			w.take(homes[0], "pcmu")
			all = append(all, a)
		}
		may := func(want bool, which ...*bridgetest.Phone) {
			t.Helper()
			if got := w.left.MayTranscode(which...); got != want {
				t.Errorf("%d calls may be transcoded: %v", len(which), got)
			}
		}
		may(true)
		may(true, all[:2]...)
		may(false, all...)
		may(true, all[0], all[0], all[0]) // which is one call
		all[0].Say(bridge.Transcodes{On: true})
		w.rest()
		may(true, all[:2]...)
		may(false, all[1:]...)
		all[1].Say(bridge.Transcodes{On: true})
		w.rest()
		may(true, all[:2]...)
		may(false, all[2])
		all[0].End(bridge.Normal)
		w.rest()
		may(true, all[1:]...)
	})
}
