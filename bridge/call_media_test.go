package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/codec"
)

// early has a home be heard before it takes the call.
func (w *town) early(b *bridgetest.Phone, formats ...string) {
	w.Helper()
	b.OpenMedia("0")
	b.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound(formats...)})
	b.Say(bridge.Ringing{Early: true})
	w.rest()
}

func TestEarlyMediaIsHeard(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("r9")
		w.early(homes[0], "pcma")
		w.joined(a, homes[0])
		homes[0].Say(bridge.Ringing{}) // and once more, without
		homes[0].Say(bridge.Accepted{})
		w.rest()
		w.heard("caller", a, "answer 1 0 sendrecv pcma/8000", "ring early", "accept")
		w.joined(a, homes[0])
	})
}

func TestAnotherHomeWinsThanWasHeardEarly(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		winner string
		want   []string
	}{
		{"what the caller was told is still true", "pcma", nil},
		{"the caller is told anew", "pcmu", []string{"offer 1 0 sendrecv pcmu/8000"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, homes := w.call("both")
				w.early(homes[0], "pcma")
				homes[1].Say(bridge.Ringing{Early: true}) // cannot be heard
				w.take(homes[1], row.winner)
				w.heard("caller", a, append([]string{"answer 1 0 sendrecv pcma/8000", "ring early", "accept"}, row.want...)...)
				w.heard("the one before", homes[0], "hangup elsewhere")
				w.joined(a, homes[1])
				a.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
				w.rest()
				w.heard("winner", homes[1])
				a.End(bridge.Normal)
				w.rest()
				w.recorded("normal")
			})
		})
	}
}

func TestTheCallerCantHearTheWinner(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		w.early(homes[0], "pcma")
		w.take(homes[1], "pcmu")
		a.Say(bridge.Refused{Seq: 1, Cause: bridge.NotAcceptable})
		w.rest()
		w.joined(a, homes[1])
		a.End(bridge.Normal)
		w.rest()
		if r := w.recorded("normal")[0]; r.Media != "transcoded" {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestWhoWasHeardEarlyGoes(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		w.early(homes[0], "pcma")
		homes[0].End(bridge.Busy)
		w.rest()
		if p := w.plane.Joined(a.Port("0")); !p.IsZero() {
			t.Errorf("joined to %v", p)
		}
		w.early(homes[1], "pcma")
		w.joined(a, homes[1])
		w.heard("caller", a, "answer 1 0 sendrecv pcma/8000", "ring early", "ring early")
	})
}

func TestAHomeThatAnswersWithNothingUsable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		says []bridge.Event
	}{
		{"formats that were not offered", []bridge.Event{bridge.Answered{Seq: 1, Desc: bridgetest.Sound("g729")}}},
		{"no stream", []bridge.Event{bridge.Answered{Seq: 1}}},
		{"another stream", []bridge.Event{bridge.Answered{Seq: 1, Desc: bridgetest.Stream("9", bridge.SendReceive, "pcmu")}}},
		{"events only", []bridge.Event{bridge.Answered{Seq: 1, Desc: bridgetest.Sound("telephone-event")}}},
		{"no answer at all", []bridge.Event{bridge.Accepted{}}},
		{"an answer to something else", []bridge.Event{bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")}, bridge.Accepted{}}},
		{"a refusal", []bridge.Event{bridge.Refused{Seq: 1, Cause: bridge.NotAcceptable}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, homes := w.call("r9")
				for _, ev := range row.says {
					homes[0].Say(ev)
				}
				w.rest()
				w.heard("caller", a, "hangup not-acceptable")
				w.heard("home", homes[0], "hangup not-acceptable")
			})
		})
	}
}

func TestCodecsOfTheMap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		codecs  []string
		offered []string
		want    string // "" if the caller is refused
	}{
		{"all, as the caller prefers", nil, []string{"pcmu", "telephone-event", "pcma"}, "0 sendrecv pcmu/8000 pcma/8000 opus/48000/2 g722/8000 telephone-event/8000 telephone-event/48000"},
		{"in the map's order", []string{"PCMA", "opus", "pcmu"}, []string{"pcmu", "cn", "pcma", "g729"}, "0 sendrecv pcma/8000 pcmu/8000 opus/48000/2 cn/8000"},
		{"by the clock", []string{"speex/16000"}, []string{"speex/8000", "speex/16000"}, "0 sendrecv speex/16000"},
		{"once each", []string{"speex/16000", "speex"}, []string{"speex/8000", "speex/16000"}, "0 sendrecv speex/16000 speex/8000"},
		{"none is the caller's", []string{"opus"}, []string{"pcmu", "telephone-event"}, "0 sendrecv opus/48000/2 telephone-event/8000 telephone-event/48000"},
		{"nothing is left", []string{"opus"}, []string{"ilbc", "telephone-event"}, ""},
		{"nothing that we can bring it to", []string{"ilbc"}, []string{"pcmu", "telephone-event"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{Codecs: row.codecs}, bridge.Limits{}, func(w *town) {
				inv := invite("r9")
				inv.Offer.Desc = bridgetest.Sound(row.offered...)
				if row.want == "" {
					if _, err := w.left.Call(inv); refusal(err) != bridge.NotAcceptable {
						t.Errorf("refused: %v", err)
					}
					return
				}
				_, homes := w.place(inv)
				if got := bridgetest.Words(homes[0].Invite.Offer.Desc); got != row.want {
					t.Errorf("offered %q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestOnlySoundCrosses(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		inv := invite("r9")
		video := bridge.Stream{ID: "1", Kind: codec.Video, Dir: bridge.SendReceive, Formats: []codec.Format{{Kind: codec.Video, Name: "vp8", Rate: 90000}}}
		inv.Offer.Desc = append(inv.Offer.Desc, video)
		a, homes := w.place(inv)
		if got := bridgetest.Words(homes[0].Invite.Offer.Desc); got != "0 sendrecv pcmu/8000 pcma/8000 opus/48000/2 g722/8000, 1 refused" {
			t.Errorf("offered %q", got)
		}
		w.take(homes[0], "pcmu")
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000, 1 refused", "accept")
	})
}

func TestALateOffer(t *testing.T) {
	inTown(t, bridge.Terms{Codecs: []string{"pcma"}}, bridge.Limits{}, func(w *town) {
		inv := invite("both")
		inv.Offer = nil
		a, homes := w.place(inv)
		if homes[0].Invite.Offer != nil {
			t.Error("an offer from nowhere")
		}
		for _, h := range homes {
			h.Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Stream("x", bridge.SendReceive, "pcmu", "pcma")}})
		}
		homes[1].Say(bridge.Ringing{Early: true}) // nobody can hear it yet
		homes[1].OpenMedia("x")
		homes[1].Say(bridge.Accepted{})
		w.rest()
		w.heard("caller", a, "ring", "offer 1 x sendrecv pcma/8000", "accept")
		a.OpenMedia("x")
		a.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Stream("x", bridge.SendReceive, "pcma")})
		w.rest()
		w.heard("callee", homes[1], "answer 1 x sendrecv pcma/8000")
		w.heard("the other", homes[0], "hangup elsewhere")
		if w.plane.Joined(a.Port("x")) != homes[1].Port("x") {
			t.Error("not joined")
		}
		a.End(bridge.Normal)
		w.rest()
		if r := w.recorded("normal")[0]; r.Media != "untouched" {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestALateOfferThatIsRefused(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		inv := invite("r9")
		inv.Offer = nil
		a, homes := w.place(inv)
		homes[0].Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu")}})
		homes[0].Say(bridge.Accepted{})
		w.rest()
		a.Say(bridge.Refused{Seq: 1, Cause: bridge.NotAcceptable})
		w.rest()
		w.last("caller", a, "hangup not-acceptable")
		w.last("callee", homes[0], "hangup not-acceptable")
	})
}

func TestHoldAndResume(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Stream("0", bridge.SendOnly, "pcmu")}})
		w.rest()
		w.last("caller", a, "offer 1 0 sendonly pcmu/8000")
		a.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Stream("0", bridge.ReceiveOnly, "pcmu")})
		w.rest()
		w.last("callee", b, "answer 1 0 recvonly pcmu/8000")
		b.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcmu", "pcma")}})
		w.rest()
		w.last("caller", a, "offer 2 0 sendrecv pcmu/8000 pcma/8000")
		a.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcma")})
		w.rest()
		w.last("callee", b, "answer 2 0 sendrecv pcma/8000")
		w.joined(a, b)
		a.End(bridge.Normal)
		w.rest()
		if r := w.recorded("normal")[0]; r.Legs[0].Formats[0] != "pcma/8000" || r.Media != "untouched" {
			t.Errorf("recorded %+v", r.Legs[0])
		}
	})
}

func TestARefusedOfferLeavesTheCallAsItWas(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("g722")}})
		w.rest()
		w.last("callee", b, "offer 2 0 sendrecv g722/8000 opus/48000/2 pcma/8000 pcmu/8000")
		b.Say(bridge.Refused{Seq: 2, Cause: bridge.NotAcceptable})
		w.rest()
		w.last("caller", a, "refuse 2 not-acceptable")
		w.joined(a, b)
		a.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("callee", b, "digit 1")
	})
}

func TestAnOfferHearsWhyTheCallEnds(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcma")}})
		w.rest()
		b.End(bridge.Timeout)
		w.rest()
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept", "refuse 2 timeout", "hangup timeout")
	})
}

func TestOffersThatCrossAreRefused(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcma")}})
		b.Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu")}})
		w.rest()
		w.heard("callee", b, "offer 2 0 sendrecv pcma/8000 opus/48000/2 g722/8000 pcmu/8000", "refuse 1 conflict")
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 3, Desc: bridgetest.Sound("pcma")}})
		w.rest()
		w.last("caller", a, "refuse 3 conflict")
		b.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcma")})
		b.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcma")}) // once is enough
		w.rest()
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept", "refuse 3 conflict", "answer 2 0 sendrecv pcma/8000")
	})
}

func TestOffersBeforeTheCallIsTakenAreRefused(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("r9")
		w.early(homes[0], "pcmu")
		a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcma")}})
		homes[0].Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcma")}})
		w.rest()
		w.last("caller", a, "refuse 2 conflict")
		w.last("home", homes[0], "refuse 1 conflict")
	})
}

func TestAnOfferWithoutAnyOfTheMapsFormats(t *testing.T) {
	inTown(t, bridge.Terms{Codecs: []string{"pcmu"}}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound("ilbc")}})
		w.rest()
		w.last("callee", b, "refuse 1 not-acceptable")
		w.last("caller", a, "accept")
	})
}

func TestPortsFollowTheirLegs(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		old := b.Port("0")
		b.OpenMedia("0") // another place of the same party
		w.rest()
		w.joined(a, b)
		b.Say(bridge.MediaLost{Stream: "0", Port: old}) // late, and no more of interest
		w.rest()
		w.joined(a, b)
		b.Say(bridge.MediaLost{Stream: "0", Port: b.Port("0")})
		w.rest()
		if p := w.plane.Joined(a.Port("0")); !p.IsZero() {
			t.Errorf("joined to %v", p)
		}
	})
}

// A silenceRow is what happens to a call, and whether it has ended after wait.
type silenceRow struct {
	name string
	do   func(w *town, a, b *bridgetest.Phone)
	wait time.Duration
	ends bool
}

func inSilence(t *testing.T, rows []silenceRow) {
	t.Parallel()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				row.do(w, a, b)
				w.after(row.wait)
				if ended := slices.Contains(a.Heard(), "hangup no-media"); ended != row.ends {
					t.Errorf("ended: %v", ended)
				}
			})
		})
	}
}

// silent has the plane say that nothing comes from a phone any more, audible that
// something does.
func (w *town) silent(p *bridgetest.Phone)  { w.plane.Tell(p.Port("0"), media.Silent{}) }
func (w *town) audible(p *bridgetest.Phone) { w.plane.Tell(p.Port("0"), media.Heard{}) }

func TestSilence(t *testing.T) {
	inSilence(t, []silenceRow{
		{"of one side means nothing", func(w *town, a, b *bridgetest.Phone) { w.silent(a) }, time.Hour, false},
		{"of both ends the call", func(w *town, a, b *bridgetest.Phone) {
			w.audible(a)
			w.audible(b)
			w.silent(a)
			w.silent(b)
		}, 0, true},
		{"and then a word", func(w *town, a, b *bridgetest.Phone) {
			w.silent(a)
			w.audible(a)
			w.silent(b)
		}, time.Hour, false},
		{"from the beginning has its time", func(w *town, a, b *bridgetest.Phone) { w.silent(a); w.silent(b) }, 19 * time.Second, false},
		{"from the beginning ends it too", func(w *town, a, b *bridgetest.Phone) { w.silent(a); w.silent(b) }, 20 * time.Second, true},
		{"from the beginning, and then a word", func(w *town, a, b *bridgetest.Phone) {
			w.silent(a)
			w.silent(b)
			w.after(19 * time.Second)
			w.audible(b)
		}, time.Hour, false},
	})
}

func TestSilenceOnHold(t *testing.T) {
	inSilence(t, []silenceRow{
		{"while one holds the other", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(a)
			w.silent(b)
		}, 29 * time.Minute, false},
		{"while one holds the other, without end", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(a)
			w.silent(b)
		}, 31 * time.Minute, true},
		{"of the holder, and the held may not speak", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(a)
		}, 29 * time.Minute, false},
		{"of the holder, and the held may not speak, without end", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(a)
		}, 31 * time.Minute, true},
		{"of a holder who may not speak for the held does not want to hear", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendReceive, bridge.SendOnly)
			w.silent(b)
		}, 31 * time.Minute, true},
		{"of the held only", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(b)
		}, time.Hour, false},
		{"of the holder, who comes back", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
			w.silent(a)
			w.after(29 * time.Minute)
			w.hold(a, b, bridge.SendReceive, bridge.SendReceive)
			w.audible(a)
		}, time.Hour, false},
		{"that was agreed on", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.Inactive, bridge.Inactive)
			w.silent(a)
			w.silent(b)
		}, 24 * time.Hour, false},
		{"that was agreed on, and after that", func(w *town, a, b *bridgetest.Phone) {
			w.hold(a, b, bridge.Inactive, bridge.Inactive)
			w.silent(a)
			w.silent(b)
			w.after(time.Hour)
			w.hold(a, b, bridge.SendReceive, bridge.SendReceive)
		}, 20 * time.Second, true},
	})
}

// hold has a offer its stream in one way, and b answer with another.
func (w *town) hold(a, b *bridgetest.Phone, offer, answer bridge.Dir) {
	w.Helper()
	a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 100, Desc: bridgetest.Stream("0", offer, "pcmu")}})
	w.rest()
	seq := uint32(0)
	if _, err := fmt.Sscanf(b.Heard()[len(b.Heard())-1], "offer %d", &seq); err != nil {
		w.Fatalf("no offer: %q", b.Heard())
	}
	b.Say(bridge.Answered{Seq: seq, Desc: bridgetest.Stream("0", answer, "pcmu")})
	w.rest()
}

// TestACallerIsHeardAsSoonAsItKnows: whose ports are only known by what it was answered
// finds them joined when it hears that the call is taken.
func TestACallerIsHeardAsSoonAsItKnows(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, err := w.left.Call(invite("r9"))
		if err != nil {
			t.Fatal(err)
		}
		w.rest()
		b, taken := w.right.Dialed()[0], false
		a.React(func(command string) {
			switch {
			case strings.HasPrefix(command, "answer"):
				a.OpenMedia("0")
			case command == "accept":
				taken = true
				w.joined(a, b)
			}
		})
		w.take(b, "pcmu")
		if !taken {
			t.Error("the call was not taken")
		}
	})
}
