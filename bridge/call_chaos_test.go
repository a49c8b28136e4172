package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// A mob is phones that do whatever comes to their minds.
type mob struct {
	mu  sync.Mutex // guards what follows: phones act side by side
	r   *rand.Rand
	all []*bridgetest.Phone
}

func (m *mob) intN(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.r.IntN(n)
}

// some gives a phone that was there not long ago.
func (m *mob) some() *bridgetest.Phone {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[len(m.all)-1-m.r.IntN(min(len(m.all), 200))]
}

// live has a phone act for a while, and then end, mostly.
func (m *mob) live(p *bridgetest.Phone) {
	m.mu.Lock()
	m.all = append(m.all, p)
	m.mu.Unlock()
	switch m.intN(20) {
	case 0:
		p.Stubborn()
	case 1:
		p.React(func(string) {
			if m.intN(10) == 0 {
				panic("a fault of the adapter")
			}
		})
	default:
		p.React(func(command string) {
			var seq uint32
			if _, err := fmt.Sscanf(command, "offer %d", &seq); err == nil && m.intN(5) > 0 {
				p.Say(bridge.Answered{Seq: seq, Desc: bridgetest.Sound("pcmu")})
			}
		})
	}
	if p.Invite.Call != "" && m.intN(3) > 0 { // it was dialled, and takes the call
		time.AfterFunc(time.Duration(m.intN(20_000))*time.Millisecond, func() {
			p.OpenMedia("0")
			if p.Invite.Offer == nil {
				p.Say(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu")}})
			}
			p.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
			p.Say(bridge.Accepted{})
			time.AfterFunc(time.Duration(m.intN(10_000))*time.Millisecond, func() { m.transfer(p) })
		})
	}
	at := time.Duration(0)
	for range m.intN(12) {
		at += time.Duration(m.intN(8000)) * time.Millisecond
		time.AfterFunc(at, func() { m.act(p) })
	}
	time.AfterFunc(at+time.Duration(m.intN(100))*time.Second, func() { p.End(m.cause()) })
}

func (m *mob) cause() bridge.Cause {
	all := append(bridge.Causes(), bridge.Endings()...)
	return all[m.intN(len(all))]
}

func (m *mob) transfer(p *bridgetest.Phone) {
	if m.intN(2) == 0 {
		p.Say(bridge.TransferAsked{ID: "t", To: bridge.Address{Name: fmt.Sprint("r", m.intN(9))}})
		return
	}
	p.Say(bridge.TransferAsked{ID: "t", Leg: m.some().ID()})
}

func (m *mob) act(p *bridgetest.Phone) {
	seq := uint32(1 + m.intN(3))
	dirs := []bridge.Dir{bridge.SendReceive, bridge.SendReceive, bridge.SendReceive, bridge.SendOnly, bridge.ReceiveOnly, bridge.Inactive}
	desc := bridgetest.Stream("0", dirs[m.intN(len(dirs))], []string{"pcmu", "pcma", "pcmu", "opus"}[m.intN(4)])
	switch m.intN(16) {
	case 0, 1:
		p.Say(bridge.Ringing{Early: m.intN(2) == 0})
	case 2, 3, 4:
		p.OpenMedia("0")
		p.Say(bridge.Answered{Seq: 1, Desc: desc})
		p.Say(bridge.Accepted{})
	case 5:
		p.Say(bridge.Accepted{})
	case 6:
		p.Say(bridge.Offered{Offer: bridge.Offer{Seq: seq, Desc: desc}})
	case 7, 8:
		p.Say(bridge.Answered{Seq: seq, Desc: desc})
	case 9:
		p.Say(bridge.Refused{Seq: seq, Cause: m.cause()})
	case 10, 11:
		m.transfer(p)
	case 12:
		p.Say(bridge.Silent{Stream: "0"})
	case 13:
		for range m.intN(2) * 500 {
			p.Say(bridge.Digit{Digit: '1'})
		}
	case 14:
		p.Say(bridge.MediaLost{Stream: "0", Port: p.Port("0")})
	default:
		p.End(m.cause())
	}
}

func TestAThousandCallsThatGoWrongLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, townMaps(bridge.Terms{Ring: 20 * time.Second, Caps: bridge.Caps{Calls: 500, MinutesPerDay: 90_000}}), bridge.Limits{})
		m := &mob{r: rand.New(rand.NewPCG(1, 2))}
		w.right.OnDial(m.live)
		w.left.OnDial(m.live)
		begun := 0
		for i := range 1000 {
			if i%100 == 50 {
				w.plane.SetFull(i%200 == 50) // and half the time there are no ports
			}
			inv := from(fmt.Sprint("l", m.intN(20)), []string{"both", "hunt", "r1", "r9", "l3", "x"}[m.intN(6)])
			inv.ID = fmt.Sprint("call ", i)
			if m.intN(5) == 0 {
				inv.Offer = nil
			}
			if i > 0 && m.intN(10) == 0 {
				inv.Replaces = m.some().ID()
			}
			if a, err := w.left.Call(inv); err == nil {
				begun++
				a.OpenMedia("0")
				m.live(a)
			}
			time.Sleep(time.Duration(m.intN(100)) * time.Millisecond)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if begun < 500 {
			t.Errorf("only %d calls", begun)
		}
		w.nothingLeft()
		transfers := w.sum("gateway_call_transfers_total", "done")
		t.Logf("%d calls, %v taken, %v transfers", begun, w.sum("gateway_call_setup_seconds"), transfers)
		if transfers == 0 {
			t.Error("nothing was transferred")
		}
		w.plane.SetFull(false)
		w.right.OnDial(nil)
		for i := range 500 {
			w.place(from(fmt.Sprint("l", i), "r9"))
		}
		w.refused(from("l500", "r9"), bridge.Overloaded) // what the caps had counted was given back, and once
		w.end()
	})
}
