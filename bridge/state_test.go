package bridge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
)

func sound(id string, dir Dir, names ...string) Description {
	s := Stream{ID: id, Kind: codec.Audio, Dir: dir}
	for _, n := range names {
		s.Formats = append(s.Formats, codec.Format{Kind: codec.Audio, Name: n, Rate: 8000, Channels: 1})
	}
	return Description{s}
}

// stages bring a machine to each state that it can be in: a call to two homes,
// of which leg 1 takes it.
var stages = []struct {
	name  string
	state callState
	steps []input
}{
	{"calling", calling, nil},
	{"ringing", ringing, []input{{1, Ringing{}}}},
	{"heard early", ringing, []input{{1, Answered{1, sound("0", SendReceive, "pcmu")}}, {1, Ringing{Early: true}}}},
	{"a home is claimed", calling, []input{{1, Claimed{}}}},
	{"a home is claimed while another is heard", ringing,
		[]input{{1, Answered{1, sound("0", SendReceive, "pcmu")}}, {1, Ringing{Early: true}}, {2, Claimed{}}}},
	{"a home would have it go elsewhere", ringing, []input{{2, Ringing{}}, {1, Ended{Cause: Moved, Instead: []string{"x"}}}}},
	{"it is asked where that leads", calling, elsewhere},
	{"where that leads is tried", calling, append(slices.Clone(elsewhere), input{nobody, forwarded{targets: []Target{{}}, terms: &Terms{}}})},
	{"talking", talking, taken},
	{"an offer is open", talking, append(slices.Clone(taken), input{1, Offered{Offer{1, sound("0", SendOnly, "pcmu")}}})},
	{"a transfer is looked for", talking, append(slices.Clone(taken), input{1, TransferAsked{ID: "t"}})},
	{"a transfer rings", talking, append(slices.Clone(taken), input{1, TransferAsked{ID: "t"}},
		input{nobody, routed{targets: []Target{{}}, terms: &Terms{}}})},
	{"who asked is gone", talking, append(slices.Clone(taken), input{1, TransferAsked{ID: "t"}},
		input{nobody, routed{targets: []Target{{}}, terms: &Terms{}}}, input{1, Ended{Cause: Normal}})},
	{"another call is asked", talking, append(slices.Clone(taken), input{1, TransferAsked{ID: "t", Leg: "x"}})},
	{"ending", ending, append(slices.Clone(taken), input{nobody, halt{Unavailable}})},
}

var elsewhere = []input{{1, Ended{Cause: Moved, Instead: []string{"x"}}}, {2, Ended{Cause: Busy}}}

var taken = []input{
	{0, MediaReady{"0", media.PacketPort{Slot: 1}}}, {1, MediaReady{"0", media.PacketPort{Slot: 2}}},
	{1, Answered{1, sound("0", SendReceive, "pcmu")}}, {1, Accepted{}}, {0, admitted{}},
}

// begin makes a machine whose caller has made an offer, or not.
func begin(late bool) *machine {
	m := newMachine(Address{}, 0)
	var o *Offer
	if !late {
		o = &Offer{1, sound("0", SendReceive, "pcmu", "pcma")}
	}
	m.step(input{0, began{targets: []Target{{}, {}}, terms: &Terms{Ring: time.Minute}, offer: o}})
	return m
}

// happenings are all the events there are, good ones and bad ones.
func happenings() []Event {
	desc := sound("0", SendReceive, "pcmu")
	given := newMember(Address{})
	given.can, given.streams, given.taken = desc, desc, true
	return []Event{
		Ringing{}, Ringing{Early: true}, Claimed{}, Accepted{}, Offered{Offer{5, desc}}, Offered{Offer{6, nil}},
		Answered{1, desc}, Answered{2, desc}, Answered{3, nil}, Refused{1, Busy}, Refused{2, Conflict}, Refused{3, NotAcceptable},
		MediaReady{"0", media.PacketPort{Slot: 7}}, MediaReady{"9", media.PacketPort{Slot: 8}},
		Transcodes{true}, Transcodes{false}, MediaLost{Stream: "0", Port: media.PacketPort{Slot: 1}}, MediaLost{Stream: "0", Port: media.PacketPort{Slot: 7}},
		Heard{"0"}, Silent{"0"}, Silent{"9"}, Digit{Digit: '1'}, TransferAsked{ID: "u"}, TransferAsked{ID: "v", Leg: "y"},
		Ended{Cause: Normal}, Ended{Cause: Declined}, Ended{Cause: Moved, Instead: []string{"x", "y"}},
		rangOut{}, unheard{}, gaveUp{}, halt{Policy}, flooded{},
		forwarded{cause: Moved}, forwarded{targets: []Target{{}}, terms: &Terms{}},
		routed{cause: NotFound}, routed{targets: []Target{{}}, terms: &Terms{}},
		wanted{&letter{}}, wanted{&letter{only: func(Address) bool { return false }}}, givenTo(given), denied{NotFound},
	}
}

func givenTo(m *member) Event { return given{m} }

// TestEveryStateTakesEveryEvent: from every state, after any event of any leg,
// the call can still come to its end, and obeys the rules all along.
func TestEveryStateTakesEveryEvent(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for _, stage := range stages {
			if late && stage.state != calling && stage.name != "ringing" {
				continue
			}
			for i := range happenings() {
				for _, leg := range []int{nobody, 0, 1, 2, 3} {
					m := begin(late)
					w := newWatcher(t, fmt.Sprintf("%s, late %v, leg %d: %T", stage.name, late, leg, happenings()[i]), m)
					for _, in := range stage.steps {
						w.step(in)
					}
					if m.state != stage.state {
						t.Fatalf("%s is %v", stage.name, m.state)
					}
					if ev := happenings()[i]; leg != nobody || !ofLeg(ev) {
						w.step(input{leg, ev})
					}
					w.finish()
				}
			}
		}
	}
}

// TestNoOrderOfEventsBreaksACall tries orders by chance.
func TestNoOrderOfEventsBreaksACall(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := begin(r.IntN(4) == 0)
		w := newWatcher(t, fmt.Sprint("seed ", seed), m)
		for range r.IntN(40) {
			all := happenings()
			leg, ev := r.IntN(len(m.legs)+1)-1, all[r.IntN(len(all))]
			if leg != nobody || !ofLeg(ev) {
				w.step(input{leg, ev})
			}
		}
		w.finish()
		if t.Failed() {
			return
		}
	}
}

// ofLeg reports whether only legs say ev.
func ofLeg(ev Event) bool {
	switch ev.(type) {
	case admitted, rangOut, unheard, gaveUp, halt, routed, forwarded, wanted, given, denied:
		return false
	default:
		return true
	}
}

// A watcher holds a machine to the rules of leg.go.
type watcher struct {
	t     *testing.T
	name  string
	m     *machine
	open  map[int]bool // legs with an offer of ours
	taken map[int]bool
	hung  map[int]bool
}

func newWatcher(t *testing.T, name string, m *machine) *watcher {
	return &watcher{t: t, name: name, m: m, open: map[int]bool{}, taken: map[int]bool{}, hung: map[int]bool{}}
}

func (w *watcher) step(in input) {
	// Another call answers only when it was asked, a route too. Who is let in is so at once.
	switch in.ev.(type) {
	case admitted:
		return
	case given, denied:
		if !w.m.asking {
			return
		}
	case routed:
		if w.m.handover == nil || w.m.handover.ask.Leg != "" {
			return
		}
	}
	if in.leg >= len(w.m.legs) {
		return
	}
	switch ev := in.ev.(type) {
	case Answered:
		if in.leg >= 0 && ev.Seq == w.m.legs[in.leg].seq {
			delete(w.open, in.leg)
		}
	case Refused:
		if in.leg >= 0 && ev.Seq == w.m.legs[in.leg].seq {
			delete(w.open, in.leg)
		}
	}
	w.take(in)
}

// take has the machine take in what happens, and what follows from that at once.
func (w *watcher) take(in input) {
	admits := nobody
	for _, a := range w.m.step(in) {
		w.check(a)
		if a.do == doAdmit {
			admits = a.leg
		}
	}
	if admits != nobody {
		w.take(input{admits, admitted{}})
	}
}

func (w *watcher) check(a action) {
	bad := func(what string) { w.t.Errorf("%s: %s of leg %d", w.name, what, a.leg) }
	switch a.do {
	case doOffer:
		if w.open[a.leg] {
			bad("a second offer")
		}
		w.open[a.leg] = true
	case doAccept:
		if w.taken[a.leg] {
			bad("a second accept")
		}
		w.taken[a.leg] = true
	case doHangup:
		if w.hung[a.leg] {
			bad("a second hangup")
		}
		w.hung[a.leg] = true
	case doJoin:
		if a.ports[0].IsZero() || a.ports[1].IsZero() {
			bad("a join with nothing")
		}
	}
	switch a.do {
	case doRing, doAccept, doOffer, doAnswer, doRefuse, doDigit, doTransfer:
		if w.hung[a.leg] {
			bad("a command after the hangup")
		}
	}
}

// finish ends every leg and wants the call to be over.
func (w *watcher) finish() {
	w.step(input{nobody, halt{Normal}})
	if w.m.asking {
		w.step(input{nobody, denied{NotFound}})
	}
	for n, l := range w.m.legs {
		if !l.ended && !w.hung[n] {
			w.t.Errorf("%s: leg %d was not told to end", w.name, n)
		}
		w.step(input{n, Ended{Cause: Normal}})
	}
	if w.m.state != over {
		w.t.Errorf("%s: stuck in %v", w.name, w.m.state)
	}
}

func TestACallWaitsForTheWordOfAnother(t *testing.T) {
	t.Parallel()
	m := begin(false)
	for _, in := range append(slices.Clone(taken), input{1, TransferAsked{ID: "t", Leg: "x"}}, input{0, Ended{}}, input{1, Ended{}}) {
		m.step(in)
	}
	for n := range m.legs {
		m.step(input{n, Ended{}})
	}
	if m.state != ending {
		t.Fatalf("it is %v", m.state)
	}
	todo := m.step(input{nobody, given{newMember(Address{})}})
	if len(todo) != 1 || todo[0].do != doHangup || m.state != ending {
		t.Errorf("a leg too late: %+v, %v", todo, m.state)
	}
	m.step(input{len(m.legs) - 1, Ended{}})
	if m.state != over {
		t.Errorf("it is %v", m.state)
	}
}

func TestPortsAreJoinedOnce(t *testing.T) {
	t.Parallel()
	m := begin(false)
	joins := 0
	for _, in := range append(slices.Clone(taken), taken[0], taken[1],
		input{1, Offered{Offer{1, sound("0", SendOnly, "pcmu")}}}, input{0, Answered{1, sound("0", ReceiveOnly, "pcmu")}},
		input{1, MediaReady{"0", media.PacketPort{Slot: 3}}}) {
		for _, a := range m.step(in) {
			if a.do == doJoin {
				joins++
			}
		}
	}
	if joins != 2 {
		t.Errorf("%d joins, want one for each pair of ports", joins)
	}
}

func TestRefusalsAreRankedOnce(t *testing.T) {
	t.Parallel()
	seen := map[Cause]bool{}
	for _, c := range refusals {
		if seen[c] {
			t.Errorf("%v is there twice", c)
		}
		seen[c] = true
	}
	if got := better(0, Internal); got != Internal {
		t.Errorf("a refusal of an unranked kind is %v", got)
	}
}

func TestTheWayMediaCrosses(t *testing.T) {
	t.Parallel()
	refused := sound("0", SendReceive)
	for _, row := range []struct {
		name string
		a, b Description
		want mediaMode
	}{
		{"a format in common", sound("0", SendReceive, "pcmu", "opus"), sound("x", SendReceive, "opus"), mediaUntouched},
		{"none in common", sound("0", SendReceive, "pcmu"), sound("0", SendReceive, "pcma"), mediaTranscoded},
		{"none that we know", sound("0", SendReceive, "pcmu"), sound("0", SendReceive, "x-other"), mediaApart},
		{"only events in common", sound("0", SendReceive, "pcmu", "telephone-event"), sound("0", SendReceive, "pcma", "telephone-event"), mediaTranscoded},
		{"refused on one side", refused, sound("0", SendReceive, "pcma"), mediaNone},
		{"nothing", nil, nil, mediaNone},
		{"the second stream only", append(slices.Clone(refused), sound("1", SendReceive, "pcma")...),
			append(sound("0", SendReceive, "pcma"), sound("1", SendReceive, "pcma")...), mediaUntouched},
	} {
		if got := chooseMode(row.a, row.b, false); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestAPortForFramesMakesACallRepacked(t *testing.T) {
	t.Parallel()
	m := begin(false)
	for _, in := range taken {
		m.step(in)
	}
	if m.mode != mediaUntouched {
		t.Fatal(m.mode)
	}
	list := m.step(input{1, MediaReady{"0", media.PacketPort{Slot: 3, Frames: true}}})
	if m.mode != mediaRepacked || !slices.ContainsFunc(list, func(a action) bool { return a.do == doAgreed }) {
		t.Errorf("%v, %v", m.mode, list)
	}
}

func TestDescriptionsInAnotherLegsTerms(t *testing.T) {
	t.Parallel()
	video := Stream{ID: "v", Kind: codec.Video}
	own := Description{{ID: "b", Kind: codec.Audio}, {ID: "a", Kind: codec.Video}}
	got := append(append(sound("x", SendOnly, "pcmu"), video), sound("a", SendReceive, "pcma")...).as(own)
	var ids []string
	for _, s := range got {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{"b", "a", "2"}) || got[0].Dir != SendOnly || got[2].Formats[0].Name != "pcma" {
		t.Errorf("got %+v", got)
	}
	if got := (Description{}).as(own); len(got) != 2 || got.live() || got[0].ID != "b" {
		t.Errorf("nothing became %+v", got)
	}
}

// TestACallersPortsAreJoinedBeforeItMaySend: between the answer and the word that the
// call is taken the ports are joined that the caller has named on hearing the answer.
func TestACallersPortsAreJoinedBeforeItMaySend(t *testing.T) {
	t.Parallel()
	m := begin(false)
	m.step(input{1, MediaReady{"0", media.PacketPort{Slot: 2}}})
	m.step(input{1, Answered{1, sound("0", SendReceive, "pcmu")}})
	var done []verb
	for _, in := range []input{{1, Accepted{}}, {0, MediaReady{"0", media.PacketPort{Slot: 1}}}, {0, admitted{}}} {
		for _, a := range m.step(in) {
			if a.do == doAnswer || a.do == doAdmit || a.do == doJoin || a.do == doAccept {
				done = append(done, a.do)
			}
		}
	}
	if want := []verb{doAnswer, doAdmit, doJoin, doAccept}; !slices.Equal(done, want) {
		t.Errorf("did %v, want %v", done, want)
	}
}

// TestWhoIsGoneIsNotLetIn: a caller that ends meanwhile hears nothing more.
func TestWhoIsGoneIsNotLetIn(t *testing.T) {
	t.Parallel()
	m := begin(false)
	m.step(input{1, Answered{1, sound("0", SendReceive, "pcmu")}})
	m.step(input{1, Accepted{}})
	m.step(input{0, Ended{Cause: Normal}})
	if todo := m.step(input{0, admitted{}}); len(todo) != 0 {
		t.Errorf("did %+v", todo)
	}
}

// TestNothingIsOfferedBeforeACallerIsLetIn: what a call could make better waits until the
// caller knows that it is taken.
func TestNothingIsOfferedBeforeACallerIsLetIn(t *testing.T) {
	t.Parallel()
	m := begin(false)
	m.step(input{1, Answered{1, sound("0", SendReceive, "pcmu")}})
	m.step(input{1, Accepted{}})
	if m.settled() {
		t.Error("the call is settled before its caller was let in")
	}
	m.step(input{0, admitted{}})
	if !m.settled() {
		t.Error("the call is not settled when its caller was let in")
	}
}
