//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// tagOf is the tag in a header's value.
func tagOf(value string) string {
	_, rest, _ := strings.Cut(value, ";tag=")
	tag, _, _ := strings.Cut(rest, ";")
	return tag
}

// Somebody takes the place of the caller by an INVITE with Replaces: the callee
// stays and hears him, and the caller is let go.
func TestINVITEWithReplacesTakesAPlace(t *testing.T) {
	w := newCallWorld(t)
	c := w.soundCallOf(soundPlan{
		from: "1901", to: "2901", oneAt: w.At(leftHost, 0), twoAt: w.At(rightHost, 0),
		caller: func(SDP) CallStep { return isEnded() },
		callee: func(SDP) CallStep {
			return Steps(ExpectRequest("INVITE", "m=audio"), Describe(200), ExpectRequest("ACK"), isEnded())
		},
	})
	ack, err := w.left.Wait(w.ctx, func(m TrunkMessage) bool { return strings.HasPrefix(m.Start, "ACK ") })
	w.must(err)
	replaces := func(to string) string {
		return fmt.Sprintf("Replaces: %s;to-tag=%s;from-tag=%s", ack.Header("Call-ID"), to, tagOf(ack.Header("From")))
	}
	w.play(t, w.onLeft(SIPpCall{Name: "wrong", Caller: true, From: "1903", To: "2901", Steps: is(
		asks("Require: replaces", replaces("nobodys")), Expect(481), AckRefusal())}))
	third := w.rtpPeer(w.At(leftHost, 0))
	second := w.onLeft(SIPpCall{Name: "third", Caller: true, From: "1902", To: "2901", SDP: SDP{Addr: third.Addr()}, Steps: is(
		asks("Require: replaces", replaces(tagOf(ack.Header("To")))), Maybe(180), isTaken(), Cue(), ends())})
	players := append(c.players, w.begin(t, second)...)
	taken, err := w.left.Wait(w.ctx, func(m TrunkMessage) bool {
		return !m.ToGateway && m.Code() == 200 && m.Media().IsValid() && strings.Contains(m.Header("From"), "sip:1902@")
	})
	w.must(err)
	_, err = w.left.Wait(w.ctx, func(m TrunkMessage) bool {
		return strings.HasPrefix(m.Start, "BYE ") && m.Header("Call-ID") == ack.Header("Call-ID")
	})
	w.must(err)
	joined := &soundCall{one: third, two: c.two, toOne: taken.Media(), toTwo: c.toTwo}
	fromOne, fromTwo := half(ToneC, 0, 3, 0), half(ToneB, 0, 2, 0)
	one, two, err := joined.exchange(w.ctx, fromOne, fromTwo, 20, 20)
	w.must(err)
	wantSame(t, "the callee", two, fromOne, 20)
	wantSame(t, "who took the place", one, fromTwo, 20)
	w.must(w.left.Cue("1902"))
	w.finish(t, players, c.sides...)
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// REFER, NOTIFY and the answers to both are lost, and the call is transferred
// all the same, of which the one who asked for it is told.
func TestLossWhileACallIsTransferred(t *testing.T) {
	w := newCallWorld(t)
	first := func(what string) func(string) func(TrunkMessage) bool {
		return func(user string) func(TrunkMessage) bool { return firstOf(user, what) }
	}
	for i, row := range []struct {
		name string
		lose func(user string) func(TrunkMessage) bool
	}{
		{"nothing is lost", nil}, {"REFER", first("REFER")}, {"its answer", answerToREFER},
		{"NOTIFY", first("NOTIFY")}, {"the answer to NOTIFY", first("200 NOTIFY")},
	} {
		t.Run(row.name, func(t *testing.T) {
			from, to, other := fmt.Sprint(1490+i), fmt.Sprint(2490+i), fmt.Sprint(2590+i)
			before := w.lost()
			if row.lose != nil {
				w.left.Lose(row.lose(to))
			}
			sides := []side{
				w.onRight(SIPpCall{Name: "callee", To: to, Steps: is(calleeTalks())}),
				w.onRight(SIPpCall{Name: "other", To: other, Steps: is(rings(), takes(), Cue(), ends())}),
				w.onLeft(SIPpCall{Name: "caller", Caller: true, From: from, To: to, Steps: is(asks(), Expect(180), isTaken(),
					Request("REFER", "", "Refer-To: <sip:"+other+"@left.example>"), Expect(202),
					ExpectRequest("NOTIFY", "SIP/2.0 100"), Answer(200), ExpectRequest("NOTIFY", "SIP/2.0 200"), Answer(200), isEnded())}),
			}
			players := w.begin(t, sides...)
			_, err := w.left.Wait(w.ctx, func(m TrunkMessage) bool { // of the second NOTIFY, or of both
				return m.ToGateway && !m.Lost && m.Code() == 200 && m.Method() == "BYE" && strings.Contains(m.Header("To")+m.Header("From"), to)
			})
			w.must(err)
			w.must(w.right.Cue(other))
			w.finish(t, players, sides...)
			if lost := w.lost() > before; lost != (row.lose != nil) {
				t.Errorf("lost: %v", lost)
			}
		})
	}
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// answerToREFER loses the first answer to a REFER, and what says as much until there
// is another: SIPp wants them in their order.
func answerToREFER(user string) func(TrunkMessage) bool {
	answers := 0
	return func(m TrunkMessage) bool { // the trunk asks of one at a time
		if !strings.Contains(m.Header("To")+m.Header("From"), user) {
			return false
		}
		if m.Method() == "REFER" && m.Code() == 202 {
			answers++
			return answers == 1
		}
		return m.Method() == "NOTIFY" && m.Code() == 0 && answers < 2
	}
}

// A phone behind Kamailio transfers a call of the gateway's to another one there.
func TestPhoneTransfersACallThroughAPBX(t *testing.T) {
	w := newWorld(t)
	users := map[string]string{"2001": "pw-2001", "2002": "pw-2002", "2003": "pw-2003"}
	_, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{Domain: pbxDomain, Users: users, Trust: true, Trunk: "^9"})
	w.must(err)
	g := w.gateway(w.callTables(""), w.sipTable("domain = \""+pbxDomain+"\"", "peer = \"sip:"+w.At(SIPHost, SIPPort)+"\""), `
[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "9{ext}" }
`)
	phone := func(n int) CallConfig {
		cfg := w.callConfig(n)
		cfg.Domain, cfg.Server = pbxDomain, w.At(SIPHost, SIPPort)
		return cfg
	}
	one, two, three := w.linphone(phone(0)), w.baresip(phone(1)), w.linphone(phone(2))
	w.connect(one, two, "sip:92002@"+pbxDomain, ToneA, ToneB)
	w.must(two.Transfer(w.ctx, "sip:92003@"+pbxDomain))
	e := w.await(three, CallIncoming)
	if !strings.Contains(e.Text, "2001") {
		t.Errorf("2003 is called by %q", e.Text)
	}
	w.must(three.Answer(w.ctx))
	w.await(three, CallTalking)
	w.await(two, CallEnded)
	w.hears(three, ToneA)
	w.hears(one, ToneC)
	w.hangup(three, one)
	w.waitMetric(g, "gateway_calls_active", "0")
}
