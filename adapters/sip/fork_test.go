package sip

import (
	"context"
	"strings"
	"testing"

	"gateway/bridge"
)

// phones are n phones of account 2001, the newest first.
func phones(t *testing.T, b *bench, n int) []*fakePeer {
	t.Helper()
	all := make([]*fakePeer, n)
	for i := n - 1; i >= 0; i-- {
		all[i] = registered(t, b)
	}
	return all
}

func TestEveryPhoneOfAnAccountIsWrittenTo(t *testing.T) {
	t.Parallel()
	const silent = 0
	for _, row := range []struct {
		name    string
		answers []int // of each phone, the newest first, and in the order they are given
		o       bridge.Outcome
		cause   bridge.Cause
	}{
		{"all take it", []int{200, 200, 200}, bridge.Arrived, 0},
		{"the newest refuses", []int{486, 200}, bridge.Arrived, 0},
		{"the newest refuses for everywhere", []int{603, 200}, bridge.Arrived, 0},
		{"the newest is silent", []int{silent, 200}, bridge.Arrived, 0},
		{"one knows a copy already", []int{482, 200}, bridge.Arrived, 0},
		{"one knows a copy that was refused", []int{482, 486}, 0, bridge.Busy},
		{"one only stores it", []int{404, 202}, bridge.Taken, 0},
		{"all refuse, one for everywhere", []int{404, 503, 603}, 0, bridge.Declined},
		{"the lowest class counts", []int{500, 404, 503}, 0, bridge.NotFound},
		{"of one class, what can be helped", []int{404, 415}, 0, bridge.WrongType},
		{"of one class, the newest", []int{486, 404}, 0, bridge.Busy},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := withAccounts(t, nil)
			all := phones(t, b, len(row.answers))
			ch := b.send(b.message("2001", "alice"))
			same := map[string]bool{}
			for i, status := range row.answers {
				out := all[i].next()
				same[header(out.text, "Call-ID")+header(out.text, "From")+header(out.text, "CSeq")] = true
				if want := "MESSAGE sip:2001@" + all[i].addr() + " SIP/2.0\r\n"; !strings.HasPrefix(out.text, want) {
					t.Errorf("no %s in %s", want, out.text)
				}
				if status != silent {
					all[i].send(out.from, response(out.text, status, "Because"))
				}
			}
			if len(same) != 1 {
				t.Errorf("copies of one message under %d identities", len(same))
			}
			r := next(t, ch, "the outcome")
			if r.o != row.o || asError(r.err).Cause != row.cause {
				t.Errorf("%v, %v", r.o, r.err)
			}
		})
	}
}

func TestNobodyOfSeveralAnswering(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	all := phones(t, b, 2)
	ctx, cancel := context.WithCancel(t.Context())
	ch := make(chan result, 1)
	go func() {
		o, err := b.a.SendMessage(ctx, b.message("2001", "alice"))
		ch <- result{o, err}
	}()
	all[0].next()
	all[1].answerNext(482) // there is a copy; nobody knows what becomes of it
	cancel()               // long after
	if e := asError(next(t, ch, "the outcome").err); e.Cause != bridge.Timeout || !e.Retry {
		t.Error(e)
	}
}

func TestASlowPhoneStillGetsWhatAnotherHasTaken(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	all := phones(t, b, 2)
	m := b.message("2001", "alice")
	m.Want = bridge.Want{Delivered: true}
	ctx, cancel := context.WithCancel(t.Context())
	ch := make(chan result, 1)
	go func() {
		o, err := b.a.SendMessage(ctx, m)
		cancel() // as the bridge does
		ch <- result{o, err}
	}()
	all[0].answerNext(200)
	if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
		t.Fatal(r.err)
	}
	all[1].answerNext(415)
	if out := all[1].answerNext(200); header(out, "Content-Type") != "text/plain;charset=UTF-8" {
		t.Error(out)
	}
}

func TestAPhoneThatRegistersAnewIsWrittenToOnce(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	for _, instance := range []string{"a", "b"} {
		contact := "<sip:2001@" + phone.addr() + ";rinstance=" + instance + ">"
		if res := phone.asPhone(b.udp, registerQuery("2001", contact), "2001", "secret1"); code(res) != 200 {
			t.Fatal(res)
		}
	}
	for range 2 { // a copy of the first would come before the second
		ch := b.send(b.message("2001", "alice"))
		if out := phone.answerNext(200); !strings.Contains(out, ";rinstance=b SIP/2.0") {
			t.Error(out)
		}
		if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
			t.Error(r.err)
		}
	}
}

func TestAMessageTooLongForOnePhoneGoesToTheOther(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	s := dial(t, b.tcp)
	q := registerQuery("2001", "<sip:2001@10.1.1.1:5060;transport=tcp>")
	q.transport = "TCP"
	s.write(q.text())
	s.write(q.authorize(s.next(), "2001", "secret1", 1).text())
	s.next()
	next(t, b.h.back, "the account to be back")
	registered(t, b) // by UDP
	big := b.message("2001", "alice")
	big.Bodies[0].Text = strings.Repeat("x", 2000)
	ch := b.send(big)
	s.write(response(s.next(), 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
		t.Error(r.err)
	}
	ch = b.send(big)
	s.next()
	_ = s.conn.Close()
	if e := asError(next(t, ch, "the outcome").err); e.Cause != bridge.Unavailable || !e.Retry {
		t.Errorf("the phone that could take it has gone: %v", e)
	}
}
