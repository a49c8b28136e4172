//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// wrongs are calls that go wrong, each in a way of its own. A callee without
// steps is one who never says a word.
var wrongs = []scenario{
	{name: "busy", caller: is(isRefused(486)), callee: is(refuses(486))},
	{name: "taken back while it rings", caller: is(asks(), Expect(180), Cancel(), Expect(200), ExpectInvite(487), AckRefusal()), callee: is(isTakenBack())},
	{name: "taken back before anybody has said a word", caller: is(Invite(), Expect(100), Pause(time.Second), Cancel(), Expect(200), ExpectInvite(487), AckRefusal())},
	{
		name:   "the caller never acknowledges",
		caller: is(asks(), Expect(180), Expect(200), ExpectRequest("BYE"), Answer(200)),
		callee: is(rings(), takes(), isEnded()),
	},
	{
		name:   "the caller is gone in the middle",
		caller: is(asks(), Expect(180), isTaken()),
		callee: is(rings(), takes(), Pause(time.Second), ends()),
	},
	{
		name:   "the callee is gone in the middle",
		caller: is(asks(), Expect(180), isTaken(), Pause(time.Second), ends()),
		callee: is(rings(), takes()),
	},
	{
		name:   "the callee takes it with a description that makes no sense",
		caller: is(asks(), Maybe(180), ExpectOneOf(488, 500, 502), AckRefusal()),
		callee: is(rings(), AnswerInvite("", 200, "v=0\r\nthis is none"), ExpectRequest("ACK"), isEnded()),
	},
	{
		name:   "the callee takes it without a description",
		caller: is(asks(), Maybe(180), ExpectOneOf(488, 500, 502), AckRefusal()),
		callee: is(rings(), AnswerInvite("", 200, ""), ExpectRequest("ACK"), isEnded()),
	},
	{name: "the description makes no sense", caller: is(InviteWith("v=0\r\nm=audio nowhere RTP/AVP 0\r\n"), Maybe(100), ExpectOneOf(488, 400, 415), AckRefusal())},
	{
		name:   "an offer that is never answered",
		caller: is(asks(), Expect(180), isTaken(), InviteWith(held.String()), Maybe(100), ExpectOneOf(408, 488, 500, 504, 480), AckRefusal(), isEnded()),
		callee: is(rings(), takes(), ExpectRequest("INVITE"), isEnded()),
	},
}

// Calls that go wrong in every way leave nothing behind.
func TestCallsThatGoWrongLeaveNothing(t *testing.T) {
	w := newCallWorld(t, "[limits]\ncalls_per_sender = 0\ncalls_per_second = 0\n")
	files, err := w.gateway.Files()
	w.must(err)
	goroutines := w.number("go_goroutines")
	const each = 100
	var sides []side
	for i, row := range wrongs {
		from, to := fmt.Sprint(1701+i), fmt.Sprint(2701+i)
		if row.callee == nil {
			w.right.Route(to, netip.MustParseAddrPort(w.At(rightHost, 9)))
		} else {
			sides = append(sides, w.onRight(SIPpCall{Name: row.name, To: to, Steps: row.callee, Calls: each, Within: testTime}))
		}
		sides = append(sides, w.onLeft(SIPpCall{Name: row.name, Caller: true, From: from, To: to, Steps: row.caller, Calls: each, Within: testTime}))
	}
	for i, p := range w.begin(t, sides...) {
		if err := p.Finish(w.ctx); err != nil {
			to := sides[i].call.To
			t.Errorf("%.1000v\nleft:\n%.6000s\nright:\n%.6000s", err, w.left.Talk(to), w.right.Talk(to))
		}
	}
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
	err = w.poll(func() bool {
		now, err := w.gateway.Files()
		return err == nil && now <= files && w.number("go_goroutines") <= goroutines
	})
	if err != nil {
		now, _ := w.gateway.Files()
		t.Errorf("%d files, were %d; %v goroutines, were %v: %v", now, files, w.number("go_goroutines"), goroutines, err)
	}
	if n := len(w.records(w.gateway)); n != each*(len(wrongs)-1) { // one is refused before it is a call
		t.Errorf("%d records of %d calls", n, each*len(wrongs))
	}
}

// number is a metric's value.
func (w *callWorld) number(series string) float64 {
	w.t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSpace(w.metric(w.gateway, series+" ")), 64)
	w.must(err)
	return n
}
