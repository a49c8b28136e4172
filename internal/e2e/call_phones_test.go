//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// ringMaps let the phones that register with the gateway call each other.
const ringMaps = `
[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "{ext}" }
`

const ringAccounts = `accounts = { "2001" = { password = "pw-2001" }, "2002" = { password = "pw-2002" }, "2003" = { password = "pw-2003" } }`

// tones are what the phones 2001, 2002 and 2003 say.
var tones = []float64{ToneA, ToneB, ToneC}

// newRingWorld is a gateway with which phones register to call each other. media
// is more lines of its table.
func newRingWorld(t *testing.T, media string) (*world, *Gateway) {
	t.Helper()
	w := newWorld(t)
	return w, w.gateway(w.callTables(media), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts), ringMaps)
}

// callConfig is the settings of the phone 2001+n.
func (w *world) callConfig(n int) CallConfig {
	return CallConfig{PhoneConfig: w.account(n, false), Tone: tones[n]}
}

func (w *world) baresip(cfg CallConfig) *BaresipPhone {
	w.t.Helper()
	p, err := StartBaresipPhone(w.ctx, w.Lab, cfg)
	return got(w.t, p, err)
}

func (w *world) linphone(cfg CallConfig) *LinphonePhone {
	w.t.Helper()
	p, err := StartLinphonePhone(w.ctx, w.Lab, cfg)
	return got(w.t, p, err)
}

// await waits for the next event of a kind of a call on a phone.
func (w *world) await(p CallPhone, kind CallKind) CallEvent {
	w.t.Helper()
	e, err := p.WaitCall(w.ctx, kind)
	if err != nil {
		w.t.Fatalf("%s: %v", p.Number(), err)
	}
	return e
}

const long = 600 * time.Millisecond // what must be heard of a tone

// hears waits until a phone has heard a tone for a while.
func (w *world) hears(p CallPhone, hz float64) {
	w.t.Helper()
	w.must(WaitTone(w.ctx, p, hz, long))
}

// connect has one phone call another at an address, sees it ring there first,
// and has it answered. Both hear the other's tone.
func (w *world) connect(from, to CallPhone, address string, fromTone, toTone float64) {
	w.t.Helper()
	w.must(from.Dial(w.ctx, address))
	e := w.await(to, CallIncoming)
	if !strings.Contains(e.Text, from.Number()) {
		w.t.Errorf("%s is called by %q, want %s", to.Number(), e.Text, from.Number())
	}
	w.await(from, CallRinging)
	w.must(to.Answer(w.ctx))
	w.await(from, CallTalking)
	w.await(to, CallTalking)
	w.hears(from, toTone)
	w.hears(to, fromTone)
}

// hangup has one phone end the call with another.
func (w *world) hangup(p, other CallPhone) {
	w.t.Helper()
	w.must(p.Hangup(w.ctx))
	w.await(p, CallEnded)
	w.await(other, CallEnded)
}

// at is the address of a phone that is registered with the gateway.
func at(n int) string { return fmt.Sprintf("sip:%d@%s", 2001+n, gatewayDomain) }

func TestPhonesCallEachOther(t *testing.T) {
	for _, row := range []struct {
		name, media string
	}{{"in one process", ""}, {"with the relay in a process of its own", "process = true"}} {
		t.Run(row.name, func(t *testing.T) {
			w, g := newRingWorld(t, row.media)
			one, two := w.linphone(w.callConfig(0)), w.baresip(w.callConfig(1))
			w.connect(one, two, at(1), ToneA, ToneB)
			for _, keys := range []string{"1", "1234567890*#"} {
				w.must(one.Press(w.ctx, strings.TrimPrefix(keys, "1")))
				if keys == "1" {
					w.must(one.Press(w.ctx, keys))
				}
				w.must(WaitKeys(w.ctx, two, keys))
			}
			w.must(two.Press(w.ctx, "42"))
			w.must(WaitKeys(w.ctx, one, "42"))
			w.hangup(two, one)
			w.waitMetric(g, "gateway_calls_active", "0")
			w.connect(two, one, at(0), ToneB, ToneA)
			w.hangup(two, one)
			r := w.waitRecord(g, "pbx:2001", "pbx:2002")
			w.wantTalk(r, "callee")
			w.wantTalk(w.waitRecord(g, "pbx:2002", "pbx:2001"), "caller")
		})
	}
}

// wantTalk checks the record of a call in which both sides were heard.
func (w *world) wantTalk(r record, by string) {
	w.t.Helper()
	if r.Cause != "normal" || r.By != by || r.Media != "untouched" || r.Talk <= 0 || r.Setup <= 0 || len(r.Legs) != 2 ||
		!r.End.After(r.Answer) || !r.Answer.After(r.Start) {
		w.t.Fatalf("record %+v, want one that was ended by the %s", r, by)
	}
	for _, l := range r.Legs {
		if len(l.Streams) != 1 || len(l.Formats) == 0 || l.Formats[0] != "pcmu/8000" || l.Cause != "normal" {
			w.t.Fatalf("leg %+v", l)
		}
		if in := l.Streams[0].In; in.Packets < 25 || in.Octets < 25*172 || in.Loss > 0.1 || in.MOS < 3.5 || in.MOS > 4.5 || in.Jitter > 200 {
			w.t.Errorf("leg %s: in %+v", l.Party, in)
		}
		if out := l.Streams[0].Out; out.Packets < 25 {
			w.t.Errorf("leg %s: out %+v", l.Party, out)
		}
	}
}

func TestPhoneHoldsAndResumes(t *testing.T) {
	w, _ := newRingWorld(t, "")
	one, two, three := w.linphone(w.callConfig(0)), w.linphone(w.callConfig(1)), w.baresip(w.callConfig(2))
	w.connect(one, two, at(1), ToneA, ToneB)
	for _, row := range []struct {
		holds, waits *LinphonePhone
		tone         float64 // of who waits
	}{{one, two, ToneB}, {two, one, ToneA}} {
		w.must(row.holds.Hold(w.ctx))
		w.await(row.waits, CallHeld)
		w.silent(row.holds, row.tone)
		w.must(row.holds.Resume(w.ctx))
		w.await(one, CallTalking) // it forgets what it heard before
		w.await(two, CallTalking)
		w.hears(one, ToneB)
		w.hears(two, ToneA)
	}
	w.hangup(one, two)

	// Another make of phone, which records nothing more after a hold: so it is not asked.
	w.connect(three, one, at(0), ToneC, ToneA)
	w.must(three.Hold(w.ctx))
	w.await(one, CallHeld)
	w.must(three.Resume(w.ctx))
	w.await(one, CallTalking)
	w.hears(one, ToneC)
	mark := three.Out.Len()
	w.must(one.Hold(w.ctx))
	_, err := three.Out.WaitAfter(w.ctx, mark, Containing("a=sendonly"))
	w.must(err)
	w.silent(one, ToneC)
	w.must(one.Resume(w.ctx))
	w.await(one, CallTalking)
	w.hears(one, ToneC)
	w.hangup(three, one)
}

// silent waits until one who holds has recorded nothing of the other's tone for
// a while.
func (w *world) silent(holds CallPhone, tone float64) {
	w.t.Helper()
	const polls = 20 // as long as there is nothing new
	before, same := time.Duration(0), 0
	err := w.poll(func() bool {
		now, err := holds.Heard()
		if err != nil {
			return false
		}
		if now.Long() != before {
			before, same = now.Long(), 0
		}
		same++
		return same == polls || now.Long() >= long && now.Tail(long).Lasts(tone, 0.1) == 0
	})
	if err != nil {
		w.t.Errorf("%s still hears %v Hz: %v", holds.Number(), tone, err)
	}
}

func TestPhoneTransfersACall(t *testing.T) {
	w, g := newRingWorld(t, "")
	one, two, three := w.linphone(w.callConfig(0)), w.baresip(w.callConfig(1)), w.linphone(w.callConfig(2))
	w.connect(one, two, at(1), ToneA, ToneB)
	w.must(two.Transfer(w.ctx, at(2)))
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

func TestPhoneJoinsTwoCalls(t *testing.T) {
	w, g := newRingWorld(t, "")
	// No baresip: it throws the sound of another source away while that counts
	// from less than the one before.
	one, two, three := w.linphone(w.callConfig(0)), w.linphone(w.callConfig(1)), w.linphone(w.callConfig(2))
	w.connect(one, two, at(1), ToneA, ToneB)
	w.must(one.Hold(w.ctx))
	w.await(two, CallHeld)
	w.connect(one, three, at(2), ToneA, ToneC)
	w.must(one.Join(1, 2))
	w.await(two, CallTalking)
	w.hears(two, ToneC)
	w.hears(three, ToneB)
	w.hangup(three, two)
	w.waitMetric(g, "gateway_calls_active", "0")
}

func TestPhonesOfOnePBXCallEachOtherThroughTheGateway(t *testing.T) {
	w := newWorld(t)
	_, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{
		Domain: pbxDomain, Users: map[string]string{"2001": "pw-2001", "2002": "pw-2002"}, Trust: true, Trunk: "^9",
	})
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
	one, two := w.baresip(phone(0)), w.linphone(phone(1))
	w.connect(one, two, "sip:92002@"+pbxDomain, ToneA, ToneB)
	w.must(one.Press(w.ctx, "123"))
	w.must(WaitKeys(w.ctx, two, "123"))
	w.must(two.Hold(w.ctx))
	w.silent(two, ToneA)
	w.must(two.Resume(w.ctx))
	w.hears(one, ToneB)
	w.hears(two, ToneA)
	w.hangup(one, two)
	w.connect(two, one, "sip:92001@"+pbxDomain, ToneB, ToneA)
	w.hangup(one, two)
	w.waitMetric(g, "gateway_calls_active", "0")
	for _, row := range []struct {
		name   string
		refuse func() error
		dial   string
		want   string
	}{
		{"declined", func() error { return two.Hangup(w.ctx) }, "92002", "603"},
		{"unknown at the PBX", nil, "92999", "404"},
		{"unknown to the gateway", nil, "98888", "404"},
	} {
		w.must(one.Dial(w.ctx, "sip:"+row.dial+"@"+pbxDomain))
		if row.refuse != nil {
			w.await(two, CallIncoming)
			w.must(row.refuse())
		}
		if e := w.await(one, CallEnded); !strings.HasPrefix(e.Text, row.want) {
			t.Errorf("%s: %q", row.name, e.Text)
		}
	}
}

func TestEncryptedSoundArrives(t *testing.T) {
	w := newWorld(t)
	phones := make([]*BaresipPhone, 3)
	var tables strings.Builder
	for n, row := range []struct{ adapter, encryption, srtp string }{
		{"sdes", "srtp-mand", "srtp = \"sdes\""}, {"dtls", "dtls_srtp", "srtp = \"dtls\""}, {"plain", "", ""},
	} {
		cfg := w.callConfig(n)
		cfg.Alone, cfg.Encryption = true, row.encryption
		phones[n] = w.baresip(cfg)
		tables.WriteString(w.peerTable(row.adapter, w.secureAt(n), phones[n].Addr(), row.srtp))
	}
	g := w.gateway(w.callTables(""), tables.String(), `
[[map]]
home = "sdes:2001"
as   = { dtls = "2001", plain = "2001" }

[[map]]
home = "dtls:2002"
as   = { sdes = "2002", plain = "2002" }

[[map]]
home = "plain:2003"
as   = { sdes = "2003", dtls = "2003" }
`)
	for _, row := range []struct{ from, to int }{{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}} {
		from, to := phones[row.from], phones[row.to]
		w.connect(from, to, fmt.Sprintf("sip:%d@%s", 2001+row.to, w.secureAt(row.from)), tones[row.from], tones[row.to])
		w.must(from.Press(w.ctx, fmt.Sprint(row.from)))
		w.must(w.poll(func() bool { return strings.HasSuffix(to.Keys(), fmt.Sprint(row.from)) }))
		w.hangup(to, from)
		w.waitMetric(g, "gateway_calls_active", "0")
	}
	r := w.waitRecord(g, "sdes:2001", "sdes:2002")
	if one, two := r.Legs[0].Streams[0].Suite, r.Legs[1].Streams[0].Suite; !strings.HasPrefix(one, "AES_CM_128") || two == "" {
		t.Errorf("suites %q and %q", one, two)
	}
}

// secureAt is where the gateway listens for the peer 2001+n.
func (w *world) secureAt(n int) string { return w.At(GatewayHost, SIPPort+2*n) }
