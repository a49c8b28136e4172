//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// nth loses, in the nth call that passes a trunk, the nth message that is not a
// repeat, once: over enough calls every message of a call is lost in one of them.
func nth(user string) func(TrunkMessage) bool {
	var mu sync.Mutex // guards what follows
	calls := map[string]int{}
	seen := map[string]map[string]bool{}
	return func(m TrunkMessage) bool {
		if !strings.Contains(m.Header("To")+m.Header("From"), user) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		id := m.Header("Call-ID")
		if seen[id] == nil {
			seen[id] = map[string]bool{}
			calls[id] = len(calls)
		}
		what := fmt.Sprint(m.ToGateway) + m.Start + m.Header("CSeq")
		if seen[id][what] {
			return false
		}
		seen[id][what] = true
		return len(seen[id])-1 == calls[id]
	}
}

// A call has at most so many messages on one leg: INVITE, 100, 180, 200 and ACK,
// once more without the 180 for the hold, BYE and 200. A 100 may be left out.
const messagesOfACall, provisional = 11, 2

func TestEveryMessageOfACallCanBeLost(t *testing.T) {
	w := newCallWorld(t)
	// SIPp does not know that a request may overtake an ACK that was lost.
	again := Pause(2 * time.Second)
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
			w.play(t,
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
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
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
