//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// nth loses, in the nth call that passes a trunk, the nth message that is not a
// repeat, once: over enough calls every message of a call is lost in one of them.
func nth(user string) func(TrunkMessage) bool {
	calls, seen := map[string]int{}, map[string]int{}
	return inCalls(user, func(m TrunkMessage) bool {
		id := m.Header("Call-ID")
		if _, known := calls[id]; !known {
			calls[id] = len(calls)
		}
		seen[id]++
		return seen[id]-1 == calls[id]
	})
}

// firstOf loses each of some messages once in every call of a user: requests by
// their method, and answers such as "487 INVITE".
func firstOf(user string, whats ...string) func(TrunkMessage) bool {
	lost := map[string]bool{}
	return inCalls(user, func(m TrunkMessage) bool {
		what := m.Method()
		if m.Code() != 0 {
			what = fmt.Sprint(m.Code(), " ", what)
		}
		key := m.Header("Call-ID") + " " + what
		once := slices.Contains(whats, what) && !lost[key]
		lost[key] = lost[key] || once
		return once
	})
}

// inCalls asks f of every message of a user's calls that is not a repeat, one at
// a time.
func inCalls(user string, f func(TrunkMessage) bool) func(TrunkMessage) bool {
	var mu sync.Mutex // guards seen, and what f has
	seen := map[string]bool{}
	return func(m TrunkMessage) bool {
		if !strings.Contains(m.Header("To")+m.Header("From"), user) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		what := fmt.Sprint(m.ToGateway) + m.Header("Call-ID") + m.Start + m.Header("CSeq")
		if seen[what] {
			return false
		}
		seen[what] = true
		return f(m)
	}
}

// A call has at most so many messages on one leg: INVITE, 100, 180, 200 and ACK,
// once more without the 180 for the hold, BYE and 200. A 100 may be left out.
const messagesOfACall, provisional = 11, 2

func TestEveryMessageOfACallCanBeLost(t *testing.T) {
	w := newCallWorldOfRows(t)
	t.Cleanup(func() { w.waitMetric(w.gateway, "gateway_calls_active", "0") }) // when the rows have ended
	// SIPp does not know that a request may overtake an ACK that was lost.
	again := Pause(3 * time.Second)
	caller := is(asks(), Maybe(180), isTaken(), again, InviteWith(held.String()), Maybe(100), Expect(200, "a=recvonly"), Ack(""), again, ends())
	callee := is(ExpectRequest("INVITE"), Answer(180), takes(),
		ExpectRequest("INVITE", "a=sendonly"), AnswerInvite("", 200, holding.String()), ExpectRequest("ACK"), isEnded())
	for i, row := range []struct {
		name  string
		trunk *Trunk
	}{{"the caller's", w.left}, {"the callee's", w.right}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			from, to := fmt.Sprint(1401+i), fmt.Sprint(2401+i)
			row.trunk.Lose(nth(to))
			w.of(t).play(t,
				w.onRight(SIPpCall{Name: "callee", To: to, Steps: callee, Calls: messagesOfACall}),
				w.onLeft(SIPpCall{Name: "caller", Caller: true, From: from, To: to, Steps: caller, Calls: messagesOfACall}))
			lost := 0
			for _, m := range row.trunk.Messages() {
				if m.Lost {
					lost++
				}
			}
			if lost < messagesOfACall-provisional {
				t.Errorf("only %d messages were lost", lost)
			}
		})
	}
}

func TestRepeatsChangeNothing(t *testing.T) {
	w := newCallWorld(t)
	w.left.Twice()
	w.right.Twice()
	const n = 10
	w.play(t,
		w.onRight(SIPpCall{Name: "callee", To: "2451", Steps: is(calleeTalks()), Calls: n}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1451", To: "2451", Steps: is(callerTalks()), Calls: n}))
	invites := map[string]bool{}
	for _, m := range w.right.Messages() {
		if strings.HasPrefix(m.Start, "INVITE ") {
			invites[m.Header("Call-ID")] = true
		}
	}
	if len(invites) != n {
		t.Errorf("%d calls came of %d", len(invites), n)
	}
}

// A call is taken back whatever of that is lost, on either side.
func TestLossWhileACallIsTakenBack(t *testing.T) {
	w := newCallWorld(t)
	for i, row := range []struct {
		name  string
		left  []string
		right []string
	}{
		{"CANCEL and 487", []string{"CANCEL", "487 INVITE"}, []string{"CANCEL", "487 INVITE"}},
		{"what CANCEL is answered with", []string{"200 CANCEL"}, nil},
		{"the last ACK", []string{"ACK"}, []string{"ACK"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			from, to := fmt.Sprint(1481+i), fmt.Sprint(2481+i)
			w.left.Lose(firstOf(to, row.left...))
			w.right.Lose(firstOf(to, row.right...))
			before := w.lost()
			w.play(t,
				w.onRight(SIPpCall{Name: "callee", To: to, Steps: is(isTakenBack())}),
				w.onLeft(SIPpCall{Name: "caller", Caller: true, From: from, To: to,
					Steps: is(asks(), Expect(180), Cancel(), Maybe(200), ExpectInvite(487), AckRefusal(), Pause(2*time.Second))}))
			if n := w.lost() - before; n != len(row.left)+len(row.right) {
				t.Errorf("%d messages were lost", n)
			}
		})
	}
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// lost is how many messages the trunks have lost.
func (w *callWorld) lost() int {
	n := 0
	for _, trunk := range []*Trunk{w.left, w.right} {
		for _, m := range trunk.Messages() {
			if m.Lost {
				n++
			}
		}
	}
	return n
}
