package sip

import (
	"strings"
	"sync"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media/mediatest"
)

func TestCallConformance(t *testing.T) {
	t.Parallel()
	bridgetest.ConformanceCalls(t, newCallRig)
}

// A farPhone is a phone behind the peer that does as it is told.
type farPhone struct {
	*farUA
	a *Adapter

	mu      sync.Mutex // guards the rest, and farUA's dialog
	answer  int        // what it answers calls with; 180: it goes on ringing
	talks   bool       // its call is taken
	invited string     // the INVITE that it rings for

	taken   chan bool
	refused chan int
	over    chan bool
}

const nobodyThere = "4040"

func newCallRig(t *testing.T) *bridgetest.Rig {
	p := newFakePeer(t, "127.0.0.1:0")
	c := NewConfig()
	c.Listen, c.Peer = []string{"udp:127.0.0.1:0"}, "sip:"+p.addr()
	env := testEnv()
	plane := &mediatest.Plane{}
	env.Media = plane
	a, err := New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	f := &farPhone{
		farUA: &farUA{fakePeer: p, tag: "far"}, a: a, taken: make(chan bool, 10), refused: make(chan int, 10), over: make(chan bool, 10),
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		f.run(stop)
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	set := func(status int) func(*testing.T) { return func(*testing.T) { f.answerWith(status) } }
	return &bridgetest.Rig{Adapter: a, Ours: "alice", Theirs: "2001", Calls: &bridgetest.CallRig{
		Plane: plane, Nowhere: nobodyThere, Take: set(200), Ring: set(180), Place: f.place, HangUp: f.hangUp,
		Reject:  func(c bridge.Cause) { f.answerWith(callStatusOf(c)) },
		Taken:   func(t *testing.T) { next(t, f.taken, "the call to be taken") },
		Refused: func(t *testing.T) bridge.Cause { return causeOf(next(t, f.refused, "the call to be refused")) },
		Over:    func(t *testing.T) { next(t, f.over, "the end of the call") },
		Lossy:   lossy,
	}}
}

func (f *farPhone) answerWith(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = status
}

func (f *farPhone) place(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gw, f.talks, f.invited = f.a.Addrs()[0], false, ""
	f.invite(audio(4000, "0"))
}

func (f *farPhone) hangUp(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.talks {
		f.request("BYE", "")
	} else {
		f.request("CANCEL", "")
	}
}

func (f *farPhone) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case p := <-f.got:
			f.mu.Lock()
			f.gw = p.from
			f.take(p.text)
			f.mu.Unlock()
		}
	}
}

// take does with a message what there is to do.
func (f *farPhone) take(text string) {
	method, _, _ := strings.Cut(text, " ")
	switch method {
	case "INVITE":
		f.callID, f.from, f.to = header(text, "Call-ID"), header(text, "To")+";tag="+f.tag, header(text, "From")
		f.target, f.invited, f.talks = strings.Trim(header(text, "Contact"), "<>"), text, false
		status, body := f.answer, ""
		if strings.HasPrefix(text, "INVITE sip:"+nobodyThere+"@") {
			status = 404
		}
		if status == 200 {
			f.talks, body = true, audio(4000, "0")
		}
		f.reply(text, status, f.tag, body)
	case "CANCEL":
		f.reply(text, 200, f.tag, "")
		f.reply(f.invited, 487, f.tag, "")
		f.over <- true
	case "BYE":
		f.reply(text, 200, "", "")
		f.over <- true
	case "SIP/2.0":
		f.hear(text)
	}
}

// hear takes a final response to its own INVITE.
func (f *farPhone) hear(text string) {
	status := code(text)
	if status < 200 || !strings.HasSuffix(header(text, "CSeq"), " INVITE") || header(text, "Call-ID") != f.callID {
		return
	}
	f.declined = status >= 300
	f.to = header(text, "To")
	if status < 300 {
		f.target, f.talks = strings.Trim(header(text, "Contact"), "<>"), true
	}
	f.request("ACK", "")
	f.declined = false
	if status < 300 {
		f.taken <- true
	} else if status != 487 {
		f.refused <- status
	}
}
