//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// refusal is what a client is refused with.
func refusal(t *testing.T, err error) map[string]any {
	t.Helper()
	var r *RTMPRefusal
	if !errors.As(err, &r) {
		t.Fatalf("no refusal: %v", err)
	}
	return r.Info
}

func TestFlashPhonesAreRefused(t *testing.T) {
	w := newRTMPWorld(t)
	for i, row := range []struct {
		app  string
		args []any
	}{
		{"sip/alice", []any{"alice", "wrong", "Alice", "wideband"}}, {"sip/alice", []any{"bob", "bob-pw"}}, {"sip/mallory", []any{"mallory", "pw"}},
		{"sip/alice@elsewhere.example", []any{"alice", "alice-pw"}}, {"sip", nil}, {"nothing", []any{"alice", "alice-pw"}},
	} {
		c, err := StartRTMPClient(w.ctx, w.Lab, fmt.Sprint("client-", i))
		w.must(err)
		info, err := c.Connect(w.ctx, w.At(GatewayHost, RTMPPort), row.app, row.args...)
		if err == nil {
			t.Errorf("%s %v is let in: %v", row.app, row.args, info)
			continue
		}
		if info := refusal(t, err); info["code"] != "NetConnection.Connect.Rejected" || info["description"] == "" {
			t.Errorf("%s %v: %v", row.app, row.args, info)
		}
	}
}

// The dialogue of siprtmp, outwards.
func TestAFlashPhoneCalls(t *testing.T) {
	w := newRTMPWorld(t)
	c := w.flash("alice")
	for _, to := range []string{"8888", "2001@elsewhere.example", "2002"} {
		mark := c.Out.Len()
		w.flashSays(c, "invite", to)
		if args := w.flashTold(c, mark, "rejected"); len(args) != 1 || !strings.HasPrefix(fmt.Sprint(args[0]), "4") {
			t.Errorf("invite %s: rejected %v", to, args)
		}
	}
	// Called, and taken back.
	mark := c.Out.Len()
	w.flashSays(c, "invite", "2001")
	w.await(w.phone, CallIncoming)
	if args := w.flashTold(c, mark, "ringing"); len(args) != 1 || !strings.HasPrefix(fmt.Sprint(args[0]), "180") {
		t.Errorf("ringing %v", args)
	}
	w.flashSays(c, "bye")
	w.await(w.phone, CallEnded)
	w.idle()
	// Called, and refused.
	mark = c.Out.Len()
	w.flashSays(c, "invite", `"Phone" <sip:2001@`+w.Host(GatewayHost)+`>`)
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Hangup(w.ctx))
	if args := w.flashTold(c, mark, "rejected"); len(args) != 1 {
		t.Errorf("rejected %v", args)
	}
	// Called, and taken.
	mark = c.Out.Len()
	w.flashSays(c, "invite", "2001", "wideband", "pcmu", "dtmf")
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Answer(w.ctx))
	if args := w.flashTold(c, mark, "accepted"); len(args) != 2 {
		t.Errorf("accepted %v", args)
	}
	out, _ := w.flashTalks(c, 0, 0, ToneC)
	w.hears(w.phone, ToneC)
	w.flashHears(c, ToneA)
	w.talkFlash(c, mark)
	w.must(c.Silence(w.ctx, out))
	w.flashSays(c, "bye")
	w.await(w.phone, CallEnded)
	w.idle()
	// A name that nobody knows is answered, and does nothing.
	w.flashSays(c, "dance", "tango")
}

// talkFlash is what goes on in a call: keys, both ways, and hold, both ways.
func (w *rtmpWorld) talkFlash(c *RTMPClient, mark int) {
	w.t.Helper()
	for _, key := range []string{"1", "*"} {
		w.flashSays(c, "sendDTMF", key)
	}
	w.must(WaitKeys(w.ctx, w.phone, "1*"))
	w.must(w.phone.Press(w.ctx, "5"))
	if args := w.flashTold(c, mark, "receivedDTMF"); len(args) != 1 || args[0] != "5" {
		w.t.Errorf("receivedDTMF %v", args)
	}
	// A second call, while in one.
	w.flashSays(c, "invite", "2001")
	if args := w.flashTold(c, mark, "rejected"); len(args) != 1 {
		w.t.Errorf("rejected %v", args)
	}
	w.must(w.phone.Hold(w.ctx))
	if args := w.flashTold(c, mark, "holded"); len(args) != 1 || args[0] != true {
		w.t.Errorf("holded %v", args)
	}
	held := c.Out.Len()
	w.must(w.phone.Resume(w.ctx))
	if args := w.flashTold(c, held, "holded"); len(args) != 1 || args[0] != false {
		w.t.Errorf("holded %v", args)
	}
	w.flashSays(c, "hold", true)
	w.flashSays(c, "hold", false)
	w.flashHears(c, ToneA)
}

// The dialogue of siprtmp, inwards; streams stay for the next call.
func TestAFlashPhoneIsCalled(t *testing.T) {
	w := newRTMPWorld(t)
	w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
	if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "480") {
		t.Errorf("who is not there: %q", e.Text)
	}
	c := w.flash("alice")
	call := func() int {
		mark := c.Out.Len()
		w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
		args := w.flashTold(c, mark, "invited")
		if len(args) != 2 || !strings.Contains(fmt.Sprint(args[0]), "2001") || !strings.Contains(fmt.Sprint(args[1]), "alice") {
			t.Errorf("invited %v", args)
		}
		w.await(w.phone, CallRinging)
		return mark
	}
	call()
	w.flashSays(c, "reject", "486 Busy Here")
	if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "486") {
		t.Errorf("rejected: %q", e.Text)
	}
	call()
	w.flashSays(c, "reject")
	if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "603") {
		t.Errorf("declined: %q", e.Text)
	}
	mark := call()
	w.must(w.phone.Hangup(w.ctx))
	if args := w.flashTold(c, mark, "cancelled"); len(args) != 2 {
		t.Errorf("cancelled %v", args)
	}
	w.await(w.phone, CallEnded)
	w.idle()
	out, in := 0, 0
	for range 2 {
		mark = call()
		w.flashSays(c, "accept", "pcmu", "wideband")
		w.await(w.phone, CallTalking)
		w.flashTold(c, mark, "accepted")
		out, in = w.flashTalks(c, out, in, ToneC)
		w.hears(w.phone, ToneC)
		w.flashHears(c, ToneA)
		w.must(w.phone.Hangup(w.ctx))
		w.flashTold(c, mark, "byed")
		w.await(w.phone, CallEnded)
		w.must(c.Silence(w.ctx, out))
		w.must(c.Command(w.ctx, out, "closeStream"))
		w.must(c.Command(w.ctx, in, "closeStream"))
		w.idle()
	}
	call()
	w.must(c.CloseConnection(w.ctx))
	if e := w.await(w.phone, CallEnded); e.Text == "" {
		t.Errorf("its connection is gone: %q", e.Text)
	}
}

// Who is in a call is busy; two clients of two accounts call each other.
func TestFlashPhonesCallEachOther(t *testing.T) {
	w := newRTMPWorld(t)
	alice, bob := w.flash("alice"), w.flash("bob")
	mark := bob.Out.Len()
	w.flashSays(alice, "invite", "bob", "pcmu")
	w.flashTold(bob, mark, "invited")
	w.flashSays(bob, "accept", "pcmu")
	w.flashTold(alice, 0, "accepted")
	w.flashTalks(alice, 0, 0, ToneB)
	w.flashTalks(bob, 0, 0, ToneC)
	w.flashHears(alice, ToneC)
	w.flashHears(bob, ToneB)
	w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
	if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "486") {
		t.Errorf("who is in a call: %q", e.Text)
	}
	w.flashSays(bob, "bye")
	w.flashTold(alice, 0, "byed")
	w.idle()
}
