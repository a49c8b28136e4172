//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// wantPath checks what a browser says of its call: DTLS with SRTP by loopback,
// and the codec.
func (w *world) wantPath(p *JinglePage, mime string) {
	w.t.Helper()
	stats, err := p.Stats(w.ctx)
	w.must(err)
	has := func(what string, match func(PageStat) bool) {
		w.t.Helper()
		if !slices.ContainsFunc(stats, match) {
			w.t.Errorf("no %s in %+v", what, stats)
		}
	}
	has(mime, func(s PageStat) bool { return s.Type == "codec" && s.MimeType == mime })
	has("DTLS-SRTP", func(s PageStat) bool { return s.Type == "transport" && s.DTLS == "connected" && s.SRTP != "" })
	for _, s := range stats {
		if strings.HasSuffix(s.Type, "-candidate") && !strings.HasPrefix(s.Address, "127.") && s.Address != "::1" && s.Address != "" {
			w.t.Errorf("%s %s", s.Type, s.Address)
		}
	}
}

// wantCrossed checks the record of a call whose sound was heard: untouched, and
// sealed on the XMPP side with keys from there, on a way that ICE has found.
func (w *world) wantCrossed(r record, format, keys string) {
	w.t.Helper()
	if r.Cause != "normal" || r.Media != "untouched" || r.Talk <= 0 || len(r.Legs) != 2 {
		w.t.Fatalf("record %+v", r)
	}
	for _, l := range r.Legs {
		if len(l.Streams) != 1 || len(l.Formats) == 0 || !strings.HasPrefix(l.Formats[0], format) {
			w.t.Fatalf("leg %+v, want %s", l, format)
		}
		s, sealed := l.Streams[0], l.Adapter == "chat"
		if s.In.Packets < 25 || s.Out.Packets < 25 || s.In.Loss > 0.1 || (s.Suite != "") != sealed ||
			(s.Keys == keys) != sealed || (s.Pair != nil) != sealed {
			w.t.Errorf("leg %s: %+v", l.Party, s)
		}
	}
}

func TestPageAndPhoneCallEachOther(t *testing.T) {
	for _, row := range []struct{ name, codec, page, mime, format string }{
		{"in Opus", "opus", "", "audio/opus", "opus/48000"},
		{"in PCMU", "g711", "pcmu", "audio/PCMU", "pcmu/8000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newJingleWorld(t, row.codec)
			w.callsBothWays(w.page("alice", row.page), w.phone, phoneJID, aliceSIP, row.mime, row.format)
		})
	}
}

// callsBothWays has a page and a phone call each other, press keys and end the
// calls, the one who called first.
func (w *jingleWorld) callsBothWays(page *JinglePage, phone CallPhone, phoneAt, pageAt, mime, format string) {
	w.t.Helper()
	w.talk(page, phone, phoneAt, "7001", ToneB, ToneA)
	w.wantPath(page, mime)
	w.must(page.Press(w.ctx, "159#"))
	w.must(WaitKeys(w.ctx, phone, "159#"))
	w.hangup(page, phone)
	w.wantCrossed(w.lastRecord(1), format, "dtls")
	w.talk(phone, page, pageAt, "2001@"+component, ToneA, ToneB)
	w.wantPath(page, mime)
	w.must(page.Press(w.ctx, "0"))
	w.must(WaitKeys(w.ctx, phone, "159#0"))
	w.hangup(phone, page)
	w.wantCrossed(w.lastRecord(2), format, "dtls")
	w.idle()
}

func TestPageAndPhoneCallEachOtherByEjabberd(t *testing.T) {
	w := newWorld(t)
	_, err := StartEjabberd(w.ctx, w.Lab, EjabberdConfig{
		Users:      map[string]string{"alice@example.org": "alice-pw"},
		Components: map[string]string{component: secret},
	})
	w.must(err)
	j := w.withPhone("g711")
	j.callsBothWays(j.page("alice", ""), j.phone, phoneJID, aliceSIP, "audio/PCMU", "pcmu/8000")
}

func TestPageAndPhoneBehindKamailioCallEachOther(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	_, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{Domain: pbxDomain, Users: map[string]string{"2001": "pw-2001"}, Trust: true, Trunk: "^7"})
	w.must(err)
	j := &jingleWorld{world: w}
	j.gateway = w.gateway(w.callTables(""), w.sipTable("domain = \""+pbxDomain+"\"", "peer = \"sip:"+w.At(SIPHost, SIPPort)+"\""),
		w.xmppTable(), jingleMaps)
	cfg := w.callConfig(0)
	cfg.Domain, cfg.Server = pbxDomain, w.At(SIPHost, SIPPort)
	j.phone = w.baresip(cfg)
	j.callsBothWays(j.page("alice", ""), j.phone, phoneJID, "sip:7001@"+pbxDomain, "audio/PCMU", "pcmu/8000")
}

func TestPageAndPhoneHoldAndResume(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "")
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	mark := w.phone.Out.Len()
	w.must(page.Hold(w.ctx))
	_, err := w.phone.Out.WaitAfter(w.ctx, mark, Containing("a=sendonly"))
	w.must(err)
	w.must(page.Resume(w.ctx))
	w.hears(page, ToneA)
	w.must(page.Press(w.ctx, "4")) // the phone records nothing more after a hold, but keys come as sound does
	w.must(WaitKeys(w.ctx, w.phone, "4"))
	w.must(w.phone.Hold(w.ctx))
	w.await(page, CallHeld)
	w.must(w.phone.Resume(w.ctx))
	w.await(page, CallTalking)
	w.hears(page, ToneA)
	w.must(page.Press(w.ctx, "7"))
	w.must(WaitKeys(w.ctx, w.phone, "47"))
	w.hangup(page, w.phone)
	w.idle()
}

func TestCallsBetweenPageAndPhoneThatAreNotTaken(t *testing.T) {
	lab := newWorld(t)
	lab.prosody()
	w := lab.withPhoneAnd("g711", "", strings.ReplaceAll(jingleMaps, "30s", "6s")) // two of them ring in vain
	page := w.page("alice", "")
	for _, row := range []struct {
		name     string
		from, to CallPhone
		at       string
		refuse   func() error
		want     string // what the caller hears
	}{
		{"the phone is busy", page, w.phone, phoneJID, func() error { return w.phone.Hangup(w.ctx) }, "busy"},
		{"the phone does not answer", page, w.phone, phoneJID, nil, "timeout"},
		{"a number that no map takes", page, nil, "9999@" + component + "/gateway", nil, ""},
		{"the page is busy", w.phone, page, aliceSIP, func() error { return page.End(w.ctx, "busy") }, "486"},
		{"the page declines", w.phone, page, aliceSIP, func() error { return page.End(w.ctx, "decline") }, "603"},
		{"the page does not answer", w.phone, page, aliceSIP, nil, "480"},
		{"a number that no map takes, from the phone", w.phone, nil, "sip:8888@" + gatewayDomain, nil, "404"},
		{"a user who is not there", w.phone, nil, "sip:7002@" + gatewayDomain, nil, "480"},
	} {
		w.must(row.from.Dial(w.ctx, row.at))
		if row.to != nil {
			w.await(row.to, CallIncoming)
			w.await(row.from, CallRinging)
		}
		if row.refuse != nil {
			w.must(row.refuse())
		}
		if row.from == CallPhone(page) && row.to == nil {
			w.refusedAtOnce(page, "item-not-found")
		} else if e := w.await(row.from, CallEnded); !strings.HasPrefix(e.Text, row.want) {
			t.Errorf("%s: %q, want %s", row.name, e.Text, row.want)
		}
		if row.to != nil {
			w.await(row.to, CallEnded)
		}
		w.idle()
	}
}

// refusedAtOnce waits until a page's session-initiate was answered with an error,
// or was ended for that it was.
func (w *world) refusedAtOnce(p *JinglePage, condition string) {
	w.t.Helper()
	_, err := p.WaitEvent(w.ctx, 0, func(e PageEvent) bool {
		return e.Event == "got" && (strings.Contains(e.Text, condition) || strings.Contains(e.Text, "session-terminate") && strings.Contains(e.Text, "gone"))
	})
	w.must(err)
}

func TestCallsBetweenPageAndPhoneAreTakenBack(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "")
	w.ring(page, w.phone, phoneJID, "7001")
	w.must(page.End(w.ctx, "cancel"))
	w.await(w.phone, CallEnded)
	w.idle()
	w.ring(w.phone, page, aliceSIP, "2001@"+component)
	w.must(w.phone.Hangup(w.ctx))
	if e := w.await(page, CallEnded); e.Text != "cancel" {
		t.Errorf("the page is told %q", e.Text)
	}
	w.idle()
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	w.hangup(w.phone, page)
	w.idle()
}

func TestKilledBrowserEndsItsCall(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "")
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	page.Kill()
	w.await(w.phone, CallEnded)
	w.idle()
	again := w.visit("alice", "")
	w.talk(w.phone, again, aliceSIP, "2001@"+component, ToneA, ToneB)
	w.hangup(again, w.phone)
	w.idle()
}

// A run of ICE that the page begins anew is answered with credentials of ours
// that are new, too, and the sound goes on.
func TestPageRestartsICE(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "")
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	mark := page.Events.Len()
	w.must(page.RestartICE(w.ctx))
	_, err := page.WaitEvent(w.ctx, mark, func(e PageEvent) bool {
		return e.Event == "got" && strings.Contains(e.Text, "transport-info") && strings.Contains(e.Text, "pwd=")
	})
	w.must(err)
	before, err := page.Heard()
	w.must(err)
	w.must(w.poll(func() bool {
		heard, err := page.Heard()
		return err == nil && heard.Long() >= before.Long()+2*time.Second
	}))
	w.hears(page, ToneA)
	w.hears(w.phone, ToneB)
	w.hangup(page, w.phone)
	w.idle()
}
