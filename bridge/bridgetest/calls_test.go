package bridgetest

import (
	"sync"
	"testing"

	"gateway/bridge"
	"gateway/bridge/media/mediatest"
)

// fakePhone is the far side of Phones: one phone that does as it is told.
type fakePhone struct {
	a *Phones

	mu      sync.Mutex // guards what follows
	onCall  func(*Phone)
	leg     *Phone
	answers chan bridge.Cause // to what it has placed: 0 is taken
	over    chan bridge.Cause
}

func (f *fakePhone) do(onCall func(*Phone)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onCall = onCall
}

func (f *fakePhone) called(p *Phone) {
	f.mu.Lock()
	f.leg = p
	onCall := f.onCall
	f.mu.Unlock()
	p.React(func(command string) {
		if len(command) > 6 && command[:6] == "hangup" {
			f.over <- 0
		}
	})
	if p.OpenMedia("0").IsZero() {
		return
	}
	if p.Invite.To.Name != "there" {
		p.End(bridge.NotFound)
		return
	}
	onCall(p)
}

func (f *fakePhone) place(*testing.T) {
	p, err := f.a.Call(bridge.Invite{
		ID: "id", Hops: 5, Offer: &bridge.Offer{Seq: 1, Desc: Sound("pcmu")},
		From: bridge.Party{Address: bridge.Address{Name: "there"}}, To: bridge.Party{Address: bridge.Address{Name: "here"}},
	})
	if err != nil {
		f.answers <- asCause(err)
		return
	}
	f.mu.Lock()
	f.leg = p
	f.mu.Unlock()
	p.React(func(command string) {
		switch {
		case command == "accept":
			f.answers <- 0
		case command == "hangup busy":
			f.answers <- bridge.Busy
		case len(command) > 6 && command[:6] == "hangup":
			f.over <- 0
		}
	})
	p.OpenMedia("0")
}

func asCause(err error) bridge.Cause {
	if e, ok := err.(*bridge.Error); ok {
		return e.Cause
	}
	return 0
}

// TestTheFakeIsACaller keeps the fake and the suite honest with each other.
func TestTheFakeIsACaller(t *testing.T) {
	t.Parallel()
	ConformanceCalls(t, func(t *testing.T) *Rig {
		plane := &mediatest.Plane{}
		f := &fakePhone{a: NewPhones(plane), answers: make(chan bridge.Cause, 100), over: make(chan bridge.Cause, 100)}
		f.a.OnDial(f.called)
		return &Rig{Adapter: f.a, Ours: "here", Theirs: "there", Calls: &CallRig{
			Plane: plane, Nowhere: "nowhere",
			Take: func(*testing.T) {
				f.do(func(p *Phone) {
					p.Say(bridge.Ringing{})
					p.Say(bridge.Answered{Seq: 1, Desc: Sound("pcmu")})
					p.Say(bridge.Accepted{})
				})
			},
			Ring:    func(*testing.T) { f.do(func(p *Phone) { p.Say(bridge.Ringing{}) }) },
			Reject:  func(c bridge.Cause) { f.do(func(p *Phone) { p.End(c) }) },
			Place:   f.place,
			Taken:   func(*testing.T) { <-f.answers },
			Refused: func(*testing.T) bridge.Cause { return <-f.answers },
			HangUp: func(*testing.T) {
				f.mu.Lock()
				p := f.leg
				f.mu.Unlock()
				if p.Invite.From.Name == "there" {
					p.End(bridge.Cancelled)
					return
				}
				p.End(bridge.Normal)
			},
			Over: func(*testing.T) { <-f.over },
		}}
	})
}
