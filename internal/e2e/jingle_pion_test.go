//go:build e2e

package e2e

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// A pionClient is bob at a client of which a test says what it does.
type pionClient struct {
	JingleUser
	*PionPeer
}

func (w *world) pion(cfg PionConfig) *pionClient {
	w.t.Helper()
	p, err := NewPionPeer(cfg)
	p = got(w.t, p, err)
	w.t.Cleanup(p.Close)
	return &pionClient{JingleUser{Chat: w.chat(bob), JID: bob}, p}
}

// talks has the client say a tone until the phone has heard it, and the client
// the phone's.
func (w *jingleWorld) talks(p *pionClient) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.ctx)
	var talker sync.WaitGroup
	talker.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for _, packet := range RTPStream(Tone(ToneC, 30*time.Second), 0, 0x0c0c0c0c) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if p.Write(packet) != nil {
				return
			}
		}
	})
	defer talker.Wait()
	defer stop()
	w.hears(w.phone, ToneC)
	from := len(p.Got())
	err := w.poll(func() bool { return RTPSound(p.Got()[from:]).Tail(time.Second).Lasts(ToneA, 0.8) >= long })
	if err != nil {
		w.t.Errorf("the client has heard %d packets: %v", len(p.Got()), err)
	}
}

var proposeID = regexp.MustCompile(`:propose [^>]*id="([^"]+)"`)

// isCalled has the phone call the client, and answers as answer makes it of what the
// client says.
func (w *jingleWorld) isCalled(p *pionClient, answer func(PionSide) PionSide) (sid string) {
	w.t.Helper()
	w.must(w.phone.Dial(w.ctx, "sip:7002@"+gatewayDomain))
	propose, err := p.Chat.Wait(w.ctx, func(e ChatEvent) bool { return proposeID.MatchString(e.XML) })
	w.must(err)
	sid = proposeID.FindStringSubmatch(propose.XML)[1]
	w.must(p.Message(propose.From, "<proceed xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'/>"))
	initiate, err := p.JingleUser.Take(w.ctx, "session-initiate")
	w.must(err)
	offer, err := PionSideOf(initiate.XML)
	w.must(err)
	if offer.Setup != "actpass" {
		w.t.Errorf("we offer %q", offer.Setup)
	}
	ours, err := p.PionPeer.Answer(w.ctx, offer)
	w.must(err)
	w.must(p.Do(w.ctx, phoneJID, "session-accept", sid, answer(ours).Content()))
	return sid
}

// Who answers may be the client or the server of DTLS. "actpass" in an answer is
// wrong, and there are clients that say it and wait.
func TestAnswersOfDTLSInAnyRole(t *testing.T) {
	for _, row := range []struct {
		setup   string
		passive bool
	}{{"active", false}, {"passive", true}, {"actpass", true}} {
		t.Run(row.setup, func(t *testing.T) {
			w := newJingleWorld(t, "g711")
			p := w.pion(PionConfig{Passive: row.passive})
			sid := w.isCalled(p, func(s PionSide) PionSide { s.Setup = row.setup; return s })
			w.await(w.phone, CallTalking)
			w.must(p.Connected(w.ctx))
			w.talks(p)
			w.must(p.Do(w.ctx, phoneJID, "session-terminate", sid, "<reason><success/></reason>"))
			w.await(w.phone, CallEnded)
			w.wantCrossed(w.lastRecord(1), "pcmu/8000", "dtls")
			w.idle()
		})
	}
}

// A certificate other than the session says ends the call before a word is heard.
func TestAnotherCertificateEndsTheCall(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.pion(PionConfig{})
	w.isCalled(p, func(s PionSide) PionSide {
		s.Print = strings.NewReplacer("0", "1", "1", "2", "A", "B", "F", "0").Replace(s.Print)
		return s
	})
	if e := w.await(w.phone, CallEnded); strings.HasPrefix(e.Text, "200") {
		t.Errorf("the phone is told %q", e.Text)
	}
	if r := w.lastRecord(1); r.Talk != 0 {
		t.Errorf("record %+v", r)
	}
	w.idle()
}

// The client begins another run of ICE in the call, and is answered with
// credentials of ours that are new; the sound goes on by the new way.
func TestClientRestartsICE(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.pion(PionConfig{})
	offer, err := p.Offer(w.ctx, false)
	w.must(err)
	const sid = "restarts"
	w.must(p.Do(w.ctx, phoneJID, "session-initiate", sid, offer.Content()))
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Answer(w.ctx))
	accept, err := p.JingleUser.Take(w.ctx, "session-accept")
	w.must(err)
	first, err := PionSideOf(accept.XML)
	w.must(err)
	w.must(p.PionPeer.Take(first))
	w.must(p.Connected(w.ctx))
	w.talks(p)

	again, err := p.Offer(w.ctx, true)
	w.must(err)
	w.must(p.Do(w.ctx, phoneJID, "transport-info", sid, "<content creator='initiator' name='audio'>"+again.Transport(false)+"</content>"))
	info, err := p.JingleUser.Take(w.ctx, "transport-info")
	w.must(err)
	second, err := PionSideOf(info.XML)
	w.must(err)
	if second.Ufrag == first.Ufrag || second.Pwd == first.Pwd {
		t.Errorf("answered with the credentials of before: %s", info.XML)
	}
	second.Print, second.Setup = first.Print, first.Setup // these stay
	w.must(p.PionPeer.Take(second))
	w.talks(p)
	w.must(p.Do(w.ctx, phoneJID, "session-terminate", sid, "<reason><success/></reason>"))
	w.await(w.phone, CallEnded)
	w.wantCrossed(w.lastRecord(1), "pcmu/8000", "dtls")
	w.idle()
}
