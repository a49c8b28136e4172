//go:build e2e

package e2e

import (
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// wantTranscoded checks the record of a call whose sides had these formats.
func (w *world) wantTranscoded(r record, formats ...string) {
	w.t.Helper()
	if r.Cause != "normal" || r.Media != "transcoded" || r.Talk <= 0 || len(r.Legs) != 2 {
		w.t.Fatalf("record %+v", r)
	}
	for i, l := range r.Legs {
		if len(l.Streams) != 1 || len(l.Formats) == 0 || !strings.HasPrefix(l.Formats[0], formats[i]) {
			w.t.Fatalf("leg %+v, want %s", l, formats[i])
		}
		if s := l.Streams[0]; s.In.Packets < 25 || s.Out.Packets < 25 {
			w.t.Errorf("leg %s: %+v", l.Party, s)
		}
	}
}

func TestPhonesWithoutAFormatInCommon(t *testing.T) {
	for _, row := range []struct{ name, media, one, two, first, second string }{
		{"G.711 and Opus", "", "g711", "opus", "pcmu", "opus"},
		{"G.722 and G.711", "", "g722", "g711", "g722", "pcm"},
		{"Opus and G.722, with the relay in a process of its own", "process = true", "opus", "g722", "opus", "g722"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, g := newRingWorld(t, row.media)
			cfgOne, cfgTwo := w.callConfig(0), w.callConfig(1)
			cfgOne.Codec, cfgTwo.Codec = row.one, row.two
			one, two := w.baresip(cfgOne), w.baresip(cfgTwo)
			w.connect(one, two, at(1), ToneA, ToneB)
			w.waitMetric(g, "gateway_calls_transcoded", "1")
			w.must(one.Press(w.ctx, "159"))
			w.must(WaitKeys(w.ctx, two, "159"))
			w.must(two.Press(w.ctx, "42#"))
			w.must(WaitKeys(w.ctx, one, "42#"))
			mark := two.Out.Len()
			w.must(one.Hold(w.ctx))
			_, err := two.Out.WaitAfter(w.ctx, mark, Containing("a=sendonly"))
			w.must(err)
			mark = two.Out.Len()
			w.must(one.Resume(w.ctx))
			_, err = two.Out.WaitAfter(w.ctx, mark, Containing("a=sendrecv"))
			w.must(err)
			// They record nothing more after a hold, but keys come as sound does.
			w.must(one.Press(w.ctx, "3"))
			w.must(WaitKeys(w.ctx, two, "1593"))
			w.must(two.Press(w.ctx, "8"))
			w.must(WaitKeys(w.ctx, one, "42#8"))
			w.hangup(two, one)
			w.waitMetric(g, "gateway_calls_transcoded", "0")
			w.wantTranscoded(w.waitRecord(g, "pbx:2001", "pbx:2002"), row.first, row.second)
		})
	}
}

// TestLinphoneAndOpus: linphonec, whose formats are its own choice, and a phone that has but
// one: whatever they agree on is heard.
func TestLinphoneAndOpus(t *testing.T) {
	w, g := newRingWorld(t, "")
	cfg := w.callConfig(1)
	cfg.Codec = "opus"
	one, two := w.linphone(w.callConfig(0)), w.baresip(cfg)
	w.connect(one, two, at(1), ToneA, ToneB)
	w.hangup(two, one)
	w.connect(two, one, at(0), ToneB, ToneA)
	w.hangup(two, one)
	for _, r := range []record{w.waitRecord(g, "pbx:2001", "pbx:2002"), w.waitRecord(g, "pbx:2002", "pbx:2001")} {
		if r.Media != "transcoded" && r.Media != "untouched" {
			t.Errorf("record %+v", r)
		}
	}
}

func TestPageWithOnlyOpusAndPhoneWithOnlyG711(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "opus")
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	w.wantPath(page, "audio/opus")
	w.must(page.Press(w.ctx, "159#"))
	w.must(WaitKeys(w.ctx, w.phone, "159#"))
	w.hangup(page, w.phone)
	w.wantTranscoded(w.lastRecord(1), "opus", "pcm")
	w.talk(w.phone, page, aliceSIP, "2001@"+component, ToneA, ToneB)
	w.must(page.Press(w.ctx, "0"))
	w.must(WaitKeys(w.ctx, w.phone, "159#0"))
	w.hangup(w.phone, page)
	w.wantTranscoded(w.lastRecord(2), "pcm", "opus")
	w.idle()
}
