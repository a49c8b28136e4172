package bridgetest

import (
	"slices"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/media/mediatest"
	"gateway/codec"
)

// A CallRig is what a Rig has besides if its adapter is a Caller. The far side
// is one phone of Theirs.
type CallRig struct {
	// Plane is where the adapter opens its ports.
	Plane *mediatest.Plane
	// Nowhere is a name that nobody has at the far side.
	Nowhere string
	// NoMedia: legs have no ports, and whoever is called takes the call at
	// once. Ring and Reject may be nil then.
	NoMedia bool

	// Take makes the phone ring and take the next call, Ring only ring, and
	// Reject refuse it.
	Take, Ring func(t *testing.T)
	Reject     func(c bridge.Cause)
	// Place has the phone call Ours, with an offer of PCMU. It does not wait.
	Place func(t *testing.T)
	// Taken waits until the phone's own call is taken; Refused until it is
	// refused, and gives the cause that the phone reads out of that.
	Taken   func(t *testing.T)
	Refused func(t *testing.T) bridge.Cause
	// HangUp ends the phone's call, also one that it has placed and that nobody
	// has taken yet.
	HangUp func(t *testing.T)
	// Over waits until the phone has learned that its call is over.
	Over func(t *testing.T)
	// Lossy lists the causes that come out as another one on this network's
	// wire when a call is refused, and as which.
	Lossy map[bridge.Cause]bridge.Cause
}

// called is a Rig whose adapter is a Caller, and runs.
type called struct {
	*running
	*CallRig
}

// ConformanceCalls checks that an adapter is a Caller, beside Conformance.
// newRig makes a fresh Rig with Calls.
func ConformanceCalls(t *testing.T, newRig func(t *testing.T) *Rig) {
	for _, c := range []struct {
		name  string
		run   func(t *testing.T, r *called)
		media bool // not for CallRig.NoMedia
	}{
		{"a call to nowhere ends", callNowhere, false},
		{"a call is taken and hung up", callTaken, false},
		{"the far side hangs up", callEndedThere, false},
		{"the far side refuses", callRefused, true},
		{"nobody takes the call", callRings, true},
		{"the far side calls", callFromThere, false},
		{"the far side gives up", callGivenUp, false},
		{"the far side hears why it is refused", callNotTaken, false},
		{"the far side is rung and refused", callRungAndRefused, false},
		{"without ports there is no call", callWithoutPorts, true},
		{"the end of the adapter ends its calls", callCut, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t)
			if c.media && rig.Calls.NoMedia {
				return
			}
			r := &called{start(t, rig), rig.Calls}
			c.run(t, r)
			r.noPorts()
		})
	}
}

func (r *called) noPorts() {
	r.t.Helper()
	if n := r.Plane.Count(); n != 0 {
		r.t.Errorf("%d ports stayed open", n)
	}
}

// offered is what the tests offer.
func offered() bridge.Description { return Sound("pcmu", "pcma") }

// dial calls a name at the far side.
func (r *called) dial(to string) *Call {
	r.t.Helper()
	caller, ok := r.Adapter.(bridge.Caller)
	if !ok {
		r.t.Fatal("the adapter is no Caller")
	}
	c := NewCall(r.t)
	c.Invite = bridge.Invite{
		ID: "conformance", Call: "call", Hops: 10, Offer: &bridge.Offer{Seq: 1, Desc: offered()},
		From: bridge.Party{Address: bridge.Address{Name: r.Ours}}, To: bridge.Party{Address: bridge.Address{Name: to}},
	}
	c.Leg = caller.Dial(c.Invite, c)
	if c.Leg.ID() == "" {
		r.t.Error("the leg has no identity")
	}
	return c
}

// talk is a call to the far side that it takes.
func (r *called) talk() *Call {
	r.t.Helper()
	r.Take(r.t)
	c := r.dial(r.Theirs)
	Await[bridge.Accepted](c)
	answered := slices.IndexFunc(c.Events(), func(ev bridge.Event) bool {
		a, ok := ev.(bridge.Answered)
		return ok && a.Seq == 1 && usable(a.Desc)
	})
	ready := slices.ContainsFunc(c.Events(), func(ev bridge.Event) bool { _, ok := ev.(bridge.MediaReady); return ok })
	if answered < 0 || !ready && !r.NoMedia {
		r.t.Errorf("taken after %s", c)
	}
	return c
}

// usable reports whether an answer to what is offered has a format of that.
func usable(d bridge.Description) bool {
	return len(d) == 1 && slices.ContainsFunc(d[0].Formats, func(f codec.Format) bool {
		return slices.ContainsFunc(offered()[0].Formats, f.Same)
	})
}

// over wants the leg to end in good order, and gives how.
func (r *called) over(c *Call) bridge.Ended {
	r.t.Helper()
	end := Await[bridge.Ended](c)
	open := map[string]bool{}
	for _, ev := range c.Events() {
		switch ev := ev.(type) {
		case bridge.MediaReady:
			open[ev.Stream] = true
		case bridge.MediaLost:
			delete(open, ev.Stream)
		}
	}
	if len(open) > 0 {
		r.t.Errorf("ended without MediaLost of %v: %s", open, c)
	}
	command(c.Leg) // which must do nothing: Call fails if anything comes of it
	return end
}

// command gives a leg every command there is.
func command(l bridge.Leg) {
	l.Ring(false)
	l.Ring(true)
	l.Answer(1, offered())
	l.Accept()
	l.Offer(bridge.Offer{Seq: 9, Desc: offered()})
	l.Refuse(1, bridge.Conflict)
	l.Digit('1', 100*time.Millisecond)
	l.Transfer("none", 0)
	l.Hangup(bridge.Normal)
}

func callNowhere(t *testing.T, r *called) {
	if end := r.over(r.dial(r.Nowhere)); end.Cause == bridge.Normal || end.Cause == 0 {
		t.Errorf("ended by %v", end.Cause)
	}
}

func callTaken(t *testing.T, r *called) {
	c := r.talk()
	c.Leg.Hangup(bridge.Normal)
	c.Leg.Hangup(bridge.Normal)
	if end := r.over(c); end.Cause != bridge.Normal {
		t.Errorf("ended by %v", end.Cause)
	}
	r.Over(t)
}

func callEndedThere(t *testing.T, r *called) {
	c := r.talk()
	r.HangUp(t)
	if end := r.over(c); end.Cause != bridge.Normal {
		t.Errorf("ended by %v", end.Cause)
	}
}

// wireCauses are those that a call may be refused for in every network.
var wireCauses = []bridge.Cause{
	bridge.NotFound, bridge.Busy, bridge.Declined, bridge.Unavailable, bridge.Forbidden, bridge.NotAcceptable, bridge.Timeout, bridge.Internal,
}

func (r *called) lossy(c bridge.Cause) bridge.Cause {
	if other, ok := r.CallRig.Lossy[c]; ok {
		return other
	}
	return c
}

func callRefused(t *testing.T, r *called) {
	for _, cause := range wireCauses {
		r.Reject(cause)
		if end := r.over(r.dial(r.Theirs)); end.Cause != r.lossy(cause) {
			t.Errorf("refused for %v, ended by %v", cause, end.Cause)
		}
	}
}

func callRings(t *testing.T, r *called) {
	r.Ring(t)
	c := r.dial(r.Theirs)
	Await[bridge.Ringing](c)
	c.Leg.Hangup(bridge.Elsewhere)
	if end := r.over(c); end.Cause != bridge.Elsewhere {
		t.Errorf("ended by %v", end.Cause)
	}
	r.Over(t)
}

// comes is a call from the far side.
func (r *called) comes() *Call {
	r.t.Helper()
	r.h.TakeCalls(nil)
	r.Place(r.t)
	c := r.h.Call(0)
	inv := c.Invite
	if inv.From.Name != r.Theirs || inv.To.Name != r.Ours || inv.ID == "" || inv.Hops <= 0 {
		r.t.Errorf("a call by %+v", inv)
	}
	if inv.Offer == nil || inv.Offer.Seq != 1 || !usable(inv.Offer.Desc) {
		r.t.Fatalf("it offers %+v", inv.Offer)
	}
	return c
}

func callFromThere(t *testing.T, r *called) {
	c := r.comes()
	c.Leg.Ring(false)
	d := Sound("pcmu")
	d[0].ID = c.Invite.Offer.Desc[0].ID
	c.Leg.Answer(1, d)
	c.Leg.Accept()
	r.Taken(t)
	c.Leg.Hangup(bridge.Normal)
	if end := r.over(c); end.Cause != bridge.Normal {
		t.Errorf("ended by %v", end.Cause)
	}
	r.Over(t)
}

func callGivenUp(t *testing.T, r *called) {
	c := r.comes()
	c.Leg.Ring(false)
	r.HangUp(t)
	if end := r.over(c); end.Cause != bridge.Cancelled {
		t.Errorf("ended by %v", end.Cause)
	}
}

func callNotTaken(t *testing.T, r *called) {
	for _, cause := range wireCauses {
		r.h.TakeCalls(func(bridge.Invite) error { return &bridge.Error{Op: "test", Cause: cause, Reason: "because"} })
		r.Place(t)
		if got := r.Refused(t); got != r.lossy(cause) {
			t.Errorf("refused for %v, the far side heard %v", cause, got)
		}
	}
}

func callRungAndRefused(t *testing.T, r *called) {
	c := r.comes()
	c.Leg.Ring(false)
	c.Leg.Hangup(bridge.Busy)
	if got := r.Refused(t); got != r.lossy(bridge.Busy) {
		t.Errorf("the far side heard %v", got)
	}
	r.over(c)
}

func callWithoutPorts(t *testing.T, r *called) {
	r.Plane.SetFull(true)
	if end := r.over(r.dial(r.Theirs)); end.Cause != bridge.Constrained {
		t.Errorf("ended by %v", end.Cause)
	}
}

func callCut(t *testing.T, r *called) {
	c := r.talk()
	r.stop()
	r.over(c)
}
