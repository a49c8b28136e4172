package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// bring brings a message from left to right, or a receipt from right to left.
func (p *pair) bring(m bridge.Message) string {
	p.t.Helper()
	a, from, to := p.left, "lea", "ray"
	if m.Kind == bridge.Delivered || m.Kind == bridge.Displayed {
		a, from, to = p.right, "ray", "lea"
	}
	if m.From.Name == "" {
		m.From.Name = from
	}
	m.To.Name = to
	o, err := a.Bring(context.Background(), m)
	var e *bridge.Error
	if errors.As(err, &e) {
		return e.Cause.String()
	}
	return o.String()
}

// heard gives what has come to somebody, without waiting.
func heard(a interface{ Heard() <-chan bridge.Message }) []string {
	synctest.Wait()
	var all []string
	for {
		select {
		case m := <-a.Heard():
			switch m.Kind {
			case bridge.Text:
				all = append(all, "text "+m.Body())
			default:
				all = append(all, fmt.Sprintf("%v of %s", m.Kind, m.Of))
			}
		default:
			return all
		}
	}
}

func (p *pair) wantHeard(who interface{ Heard() <-chan bridge.Message }, want ...string) {
	p.t.Helper()
	if got := heard(who); fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("heard %q, want %q", got, want)
	}
}

// sent brings a text that asks for every receipt, and gives its Message.ID on
// the right.
func (p *pair) sent(want bridge.Want, outcome bridge.Outcome) string {
	p.t.Helper()
	p.right.SetOutcome(outcome)
	p.bring(bridge.Message{Ref: "m1", Want: want, Bodies: []bridge.Body{{Text: "hello"}}})
	synctest.Wait()
	return (<-p.right.Heard()).ID
}

var everything = bridge.Want{Delivered: true, Displayed: true, Failed: true}

func TestAReceiptFindsItsWayBackOnce(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		id := p.sent(everything, bridge.Taken)
		p.wantHeard(p.left)
		for range 2 {
			p.want(p.bring(bridge.Message{Kind: bridge.Delivered, Of: id}), "taken")
			p.want(p.bring(bridge.Message{Kind: bridge.Displayed, Of: id}), "taken")
		}
		p.wantHeard(p.left, "delivered of m1", "displayed of m1")
	})
}

func TestOnlyWhoGotItCanSayThatHeDid(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		id := p.sent(everything, bridge.Taken)
		forged := bridge.Message{Kind: bridge.Delivered, Of: id}
		forged.From.Name = "rob"
		p.want(p.bring(forged), "taken")
		p.want(p.bring(bridge.Message{Kind: bridge.Delivered, Of: "nothing"}), "taken")
		p.wantHeard(p.left)
	})
}

func TestNoReceiptThatNobodyAskedFor(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		id := p.sent(bridge.Want{}, bridge.Arrived)
		p.bring(bridge.Message{Kind: bridge.Delivered, Of: id})
		p.bring(bridge.Message{Kind: bridge.Displayed, Of: id})
		p.wantHeard(p.left)
	})
}

func TestADevicesOwnAnswerIsAReceipt(t *testing.T) {
	for _, row := range []struct {
		outcome bridge.Outcome
		want    []string
	}{
		{bridge.Arrived, []string{"delivered of m1"}},
		{bridge.Taken, nil},
		{bridge.Relayed, nil},
	} {
		t.Run(row.outcome.String(), func(t *testing.T) {
			inPair(t, bridge.Limits{}, func(p *pair) {
				id := p.sent(everything, row.outcome)
				p.wantHeard(p.left, row.want...)
				p.bring(bridge.Message{Kind: bridge.Delivered, Of: id})
				if row.want == nil {
					p.wantHeard(p.left, "delivered of m1")
				}
				p.wantHeard(p.left) // and not once more
			})
		})
	}
}

func TestARepeatIsAnsweredAndNotSentAgain(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		m := bridge.Message{Ref: "m1", Bodies: []bridge.Body{{Text: "hello"}}}
		for range 3 {
			p.want(p.bring(m), "taken")
		}
		p.wantHeard(p.right, "text hello")
		m.Bodies = []bridge.Body{{Text: "another"}}
		p.want(p.bring(m), "taken") // other words under the same reference are no repeat
		p.wantHeard(p.right, "text another")
		m.Ref = ""
		p.want(p.bring(m), "taken")
		p.want(p.bring(m), "taken")
		p.wantHeard(p.right, "text another", "text another")
	})
}

func TestARefusedMessageMayBeRepeated(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		m := bridge.Message{Ref: "m1", Bodies: []bridge.Body{{Text: "hello"}}}
		p.right.Refuse(bridge.NotFound)
		p.want(p.bring(m), "not-found")
		p.want(p.bring(m), "taken")
		p.wantHeard(p.right, "text hello")
	})
}

func TestARepeatIsKnownUntilItIsForgotten(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		m := bridge.Message{Ref: "m1", Bodies: []bridge.Body{{Text: "hello"}}}
		p.bring(m)
		time.Sleep(9 * time.Minute)
		p.bring(m)
		p.wantHeard(p.right, "text hello")
		time.Sleep(2 * time.Minute)
		p.bring(m)
		p.wantHeard(p.right, "text hello")
	})
}

func TestALateBounceIsToldOnce(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		id := p.sent(bridge.Want{}, bridge.Taken)
		p.right.Bounce(id, bridge.NotFound)
		p.right.Bounce(id, bridge.NotFound)
		p.wantHeard(p.left, "failed of m1")
	})
}

func TestTypingIsShownAtOnceOrNotAtAll(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		p.want(p.bring(bridge.Message{Kind: bridge.Composing, Active: true}), "taken")
		p.wantHeard(p.right, "composing of ")
		p.right.SetUp(false)
		p.want(p.bring(bridge.Message{Kind: bridge.Composing, Active: true}), "taken")
		p.want(p.bring(bridge.Message{Ref: "m1", Bodies: []bridge.Body{{Text: "hello"}}}), "stored")
		p.want(p.bring(bridge.Message{Kind: bridge.Composing}), "taken")
		p.right.SetUp(true)
		p.wantHeard(p.right, "text hello")
	})
}

func TestARestartKnowsRepeatsAndReceipts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outbox, ledger := &bridgetest.Log{}, &bridgetest.Log{}
		p := newPairOn(t, bridge.Limits{}, outbox, ledger)
		id := p.sent(everything, bridge.Taken)
		p.bring(bridge.Message{Kind: bridge.Delivered, Of: id})
		p.wantHeard(p.left, "delivered of m1")
		p.end()

		p = newPairOn(t, bridge.Limits{}, outbox, ledger)
		p.want(p.bring(bridge.Message{Ref: "m1", Want: everything, Bodies: []bridge.Body{{Text: "hello"}}}), "taken")
		p.wantHeard(p.right)
		p.bring(bridge.Message{Kind: bridge.Delivered, Of: id})
		p.wantHeard(p.left)
		p.bring(bridge.Message{Kind: bridge.Displayed, Of: id})
		p.wantHeard(p.left, "displayed of m1")
		p.end()
	})
}

func TestWhatComesAgainAfterACrashHasTheSameIdentity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, bridge.Limits{})
		before := p.sent(bridge.Want{}, bridge.Taken)
		p.end()
		p = newPair(t, bridge.Limits{}) // all that was written is lost
		if after := p.sent(bridge.Want{}, bridge.Taken); after != before {
			t.Errorf("identity %s, then %s", before, after)
		}
		p.end()
	})
}

func TestReceiptsForWhatWaitedOverARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outbox, ledger := &bridgetest.Log{}, &bridgetest.Log{}
		p := newPairOn(t, bridge.Limits{}, outbox, ledger)
		p.right.SetUp(false)
		p.want(p.bring(bridge.Message{Ref: "m1", Want: everything, Bodies: []bridge.Body{{Text: "hello"}}}), "stored")
		p.end()

		p = newPairOn(t, bridge.Limits{}, outbox, ledger)
		id := (<-p.right.Heard()).ID
		p.bring(bridge.Message{Kind: bridge.Delivered, Of: id})
		p.wantHeard(p.left, "delivered of m1")
		p.right.Bounce(id, bridge.NotFound)
		p.wantHeard(p.left) // what has arrived has not failed
		p.end()
	})
}

func TestTypingTakesNobodysPlace(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		p.right.Hold()
		for i := range 5000 {
			p.want(p.bring(bridge.Message{Kind: bridge.Composing, Active: i%2 == 0}), "taken")
		}
		p.right.LetGo()
		if n := len(heard(p.right)); n > 3 { // one under way, the last, and one between
			p.t.Errorf("%d typing notices were handed on", n)
		}
	})
}
