package dialog

import (
	"testing"
	"time"

	"gateway/adapters/sip/wire"
)

// tellTwice sends what a transferor is told, and something that is not worth waiting for.
func tellTwice(t *testing.T, c *Call) {
	t.Helper()
	for _, method := range []string{"NOTIFY", "INFO", "NOTIFY"} {
		if _, err := c.Send(method, "message/sipfrag", []byte("x"), wire.Field{Name: "Event", Value: "refer"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheByeWaitsForTheNewsOfATransfer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, _ := s.answered(a)
		tellTwice(t, x.c)
		first := s.next("NOTIFY")
		x.c.Hangup()
		want(t, "the owner", x.names(), "accepted answer a1, ended: ours")
		after(100 * time.Millisecond)
		s.quiet()
		s.respond(first, 200, "")
		last := s.next("NOTIFY")
		after(100 * time.Millisecond)
		s.quiet()
		s.respond(last, 200, "")
		s.respond(s.next("BYE"), 200, "")
		s.quiet()
		left(t, a)
	})
}

func TestTheByeDoesNotWaitForLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, _ := s.answered(a)
		tellTwice(t, x.c)
		first := s.next("NOTIFY")
		x.c.Hangup()
		after(lastWords)
		for n := s.next("NOTIFY"); value(n, "CSeq") == value(first, "CSeq"); n = s.next("NOTIFY") {
		}
		s.respond(s.next("BYE"), 200, "")
		after(time.Minute)
		left(t, a)
	})
}

func TestWhoHangsUpFirstIsToldNothingMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, p := s.answered(a)
		tellTwice(t, x.c)
		first := s.next("NOTIFY")
		x.c.Hangup()
		p.request("BYE")
		s.next("200 BYE")
		s.respond(first, 200, "")
		s.quiet()
		left(t, a)
	})
}

func TestTheEndDoesNotWaitForTheNewsOfATransfer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, _ := s.answered(a)
		tellTwice(t, x.c)
		s.next("NOTIFY")
		x.c.Hangup()
		a.table.Close()
		s.next("BYE")
		left(t, a)
	})
}
