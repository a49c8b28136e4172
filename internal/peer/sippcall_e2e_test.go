//go:build e2e

package peer

import (
	"fmt"
	"slices"
	"testing"
)

// newTrunks makes a wire with a trunk at each end and no gateway in between.
func newTrunks(t *testing.T, lab *Lab) (left, right *Trunk) {
	t.Helper()
	left, err := NewTrunk(lab, lab.At(SIPHost, SIPPort), lab.At(GatewayHost, SIPPort), SIPHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(left.Close)
	right, err = NewTrunk(lab, lab.At(GatewayHost, SIPPort), lab.At(SIPHost, SIPPort), GatewayHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(right.Close)
	return left, right
}

func TestSIPpPlaysBothSidesOfACall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name           string
		caller, callee []CallStep
	}{
		{"a plain call that the caller ends",
			[]CallStep{Invite(), Expect(180), Expect(200), Ack(""), Request("BYE", ""), Expect(200)},
			[]CallStep{ExpectRequest("INVITE", "m=audio"), Answer(180), Describe(200), ExpectRequest("ACK"), ExpectRequest("BYE"), Answer(200)}},
		{"a late offer, held and ended by the callee",
			[]CallStep{InviteWith(""), Expect(200, "m=audio"), Ack(SDP{}.String()), ExpectRequest("INVITE", "a=sendonly"), Describe(200), ExpectRequest("ACK"), ExpectRequest("BYE"), Answer(200)},
			[]CallStep{ExpectRequest("INVITE"), Describe(200), ExpectRequest("ACK", "m=audio"), InviteWith(SDP{Dir: "sendonly"}.String()), Expect(200), Ack(""), Request("BYE", ""), Expect(200)}},
		{"PRACK, UPDATE and INFO",
			[]CallStep{Invite("Supported: 100rel"), ExpectReliable(183), Prack(""), Expect(200), ExpectInvite(200), Ack(""), Request("UPDATE", ""), Expect(200), Request("INFO", "x"), Expect(200), Request("BYE", ""), Expect(200)},
			[]CallStep{ExpectRequest("INVITE"), Describe(183, "Require: 100rel", "RSeq: 7"), ExpectRequest("PRACK", "RAck: 7 1 INVITE"), Answer(200), AnswerInvite("", 200, ""), ExpectRequest("ACK"), ExpectRequest("UPDATE"), Answer(200), ExpectRequest("INFO"), Answer(200), ExpectRequest("BYE"), Answer(200)}},
		{"taken back",
			[]CallStep{Invite(), Expect(180), Cancel(), Expect(200), ExpectInvite(487), AckRefusal()},
			[]CallStep{ExpectRequest("INVITE"), Answer(180), ExpectRequest("CANCEL"), Answer(200), AnswerInvite("", 487, ""), ExpectRequest("ACK")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ctx, lab := newLab(t)
			left, right := newTrunks(t, lab)
			callee, err := StartSIPpCall(ctx, lab, right, GatewayHost, SIPpCall{Name: "callee", To: "2001", Steps: row.callee})
			if err != nil {
				t.Fatal(err)
			}
			caller, err := StartSIPpCall(ctx, lab, left, SIPHost, SIPpCall{Name: "caller", Caller: true, From: "1001", To: "2001", Steps: row.caller})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []*SIPp{caller, callee} {
				if err := s.Finish(ctx); err != nil {
					t.Errorf("%v\n%s", err, left.Trace())
				}
			}
		})
	}
}

// TestSidesWaitForTheirCue: each goes on when it is told to, in its turn.
func TestSidesWaitForTheirCue(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	left, right := newTrunks(t, lab)
	callee, err := StartSIPpCall(ctx, lab, right, GatewayHost, SIPpCall{Name: "callee", To: "2001", Steps: []CallStep{
		ExpectRequest("INVITE"), Answer(180), Cue(), Describe(200), ExpectRequest("ACK"), ExpectRequest("INFO"), Answer(200), Cue(), Request("BYE", ""), Expect(200)}})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := StartSIPpCall(ctx, lab, left, SIPHost, SIPpCall{Name: "caller", Caller: true, From: "1001", To: "2001", Steps: []CallStep{
		Invite(), Expect(180), Expect(200), Ack(""), Cue(), Request("INFO", "x"), Expect(200), ExpectRequest("BYE"), Answer(200)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, turn := range []struct {
		trunk *Trunk
		user  string
		after string // what has passed it by then
	}{{right, "2001", "180 INVITE"}, {left, "1001", "0 ACK"}, {right, "2001", "200 INFO"}} {
		_, err := turn.trunk.Wait(ctx, func(m TrunkMessage) bool { return fmt.Sprint(m.Code(), " ", m.Method()) == turn.after })
		if err == nil {
			err = turn.trunk.Cue(turn.user)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*SIPp{caller, callee} {
		if err := s.Finish(ctx); err != nil {
			t.Errorf("%v\n%s", err, left.Trace())
		}
	}
	if err := left.Cue("9999"); err == nil {
		t.Error("nobody was given a cue")
	}
}

// TestTrunkAnswersRepeats: what a gateway says once more when SIPp has gone on reaches
// the trunk only, which says what SIPp has said.
func TestTrunkAnswersRepeats(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	at := lab.At(SIPHost, SIPPort)
	gateway, err := NewWire(lab.At(GatewayHost, SIPPort), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	trunk, err := NewTrunk(lab, at, lab.At(GatewayHost, SIPPort), SIPHost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trunk.Close)
	callee, err := StartSIPpCall(ctx, lab, trunk, SIPHost, SIPpCall{Name: "callee", To: "2001", Steps: []CallStep{
		ExpectRequest("INVITE"), Answer(180), Describe(200), ExpectRequest("ACK"), ExpectRequest("BYE"), Answer(200)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		method string
		number int
		want   []string // the answers
	}{
		{"INVITE", 1, []string{"180 INVITE", "200 INVITE"}}, {"INVITE", 1, []string{"200 INVITE"}}, {"ACK", 1, nil}, {"ACK", 1, nil},
		{"BYE", 2, []string{"200 BYE"}}, {"BYE", 2, []string{"200 BYE"}},
	} {
		mark := len(trunk.Messages())
		err := gateway.Send(fmt.Sprintf("%s sip:2001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%d-%[1]s\r\nFrom: <sip:1001@x>;tag=a\r\nTo: <sip:2001@x>\r\n"+
			"Call-ID: repeats\r\nCSeq: %[4]d %[1]s\r\nContact: <sip:1001@%[3]s>\r\nContent-Length: 0\r\n\r\n", row.method, at, lab.At(GatewayHost, SIPPort), row.number))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		_, err = trunk.Wait(ctx, func(TrunkMessage) bool {
			got = nil
			for _, m := range trunk.Messages()[mark:] {
				if m.ToGateway {
					got = append(got, fmt.Sprint(m.Code(), " ", m.Method()))
				}
			}
			return len(got) >= len(row.want)
		})
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%d %s: answers %q, want %q: %v", row.number, row.method, got, row.want, err)
		}
	}
	if err := callee.Finish(ctx); err != nil {
		t.Error(err)
	}
}

func TestTrunkLosesWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	left, right := newTrunks(t, lab)
	lost := map[string]bool{}
	left.Lose(func(m TrunkMessage) bool { // every request but the ACK once
		again := lost[m.Method()] || m.Code() != 0 || m.Method() == "ACK"
		lost[m.Method()] = true
		return !again
	})
	steps := []CallStep{ExpectRequest("INVITE"), Answer(180), Describe(200), ExpectRequest("ACK"), ExpectRequest("BYE"), Answer(200)}
	if _, err := StartSIPpCall(ctx, lab, right, GatewayHost, SIPpCall{Name: "callee", To: "2001", Steps: steps}); err != nil {
		t.Fatal(err)
	}
	caller, err := StartSIPpCall(ctx, lab, left, SIPHost, SIPpCall{Name: "caller", Caller: true, From: "1001", To: "2001", Steps: []CallStep{
		Invite(), Expect(180), Expect(200), Ack(""), Request("BYE", ""), Expect(200),
	}})
	if err == nil {
		err = caller.Finish(ctx)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, left.Trace())
	}
	for _, method := range []string{"INVITE", "BYE"} {
		if _, err := left.Wait(ctx, func(m TrunkMessage) bool { return m.Lost && m.Method() == method }); err != nil {
			t.Error(err)
		}
	}
}
