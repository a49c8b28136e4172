//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// authority is whom everybody in a test believes.
func (w *world) authority() *Authority {
	w.t.Helper()
	dir, err := w.Dir("authority")
	w.must(err)
	a, err := NewAuthority(dir)
	return got(w.t, a, err)
}

// tlsTable is the table [tls] with a certificate of the gateway's.
func (w *world) tlsTable(ca *Authority) string {
	w.t.Helper()
	cert, key, err := ca.Issue("gateway", gatewayDomain, w.Host(GatewayHost))
	w.must(err)
	return fmt.Sprintf("[tls]\ncert = %q\nkey = %q\n\n", cert, key)
}

// sipTLSTable is an adapter pbx that takes nothing but TLS, with more lines.
func (w *world) sipTLSTable(lines ...string) string {
	return fmt.Sprintf("[sip.pbx]\nlisten = [\"tls:%s\"]\ndomain = %q\n%s\n\n",
		w.At(GatewayHost, TLSPort), gatewayDomain, strings.Join(lines, "\n"))
}

// secureConfig is callConfig for a phone by TLS.
func (w *world) secureConfig(n int, ca *Authority) CallConfig {
	cfg := w.callConfig(n)
	cfg.CA, cfg.Server = ca.File, w.At(GatewayHost, TLSPort)
	cfg.Encryption, cfg.SRTP = "srtp-mand", true
	return cfg
}

// secureRing is a gateway with which phones of two makes, 2001 and 2002, have registered
// by TLS.
func (w *world) secureRing() (*Gateway, *LinphonePhone, *BaresipPhone) {
	w.t.Helper()
	ca := w.authority()
	g := w.gateway(w.callTables(""), w.tlsTable(ca), w.sipTLSTable(ringAccounts, `srtp = "sdes"`), ringMaps)
	return g, w.linphone(w.secureConfig(0, ca)), w.baresip(w.secureConfig(1, ca))
}

// wantSDES checks that a call's sound was encrypted on both sides, with keys that nobody
// else has seen.
func (w *world) wantSDES(r record) {
	w.t.Helper()
	for _, l := range r.Legs {
		if len(l.Streams) != 1 || l.Streams[0].Suite == "" || l.Streams[0].Keys != "sdes" {
			w.t.Errorf("leg %+v, want keys by SDES", l)
		}
	}
}

func TestLinphoneCallsBaresipByTLS(t *testing.T) {
	w := newWorld(t)
	g, one, two := w.secureRing()
	w.connect(one, two, at(1), ToneA, ToneB)
	w.hangup(two, one)
	w.wantSDES(w.waitRecord(g, "pbx:2001", "pbx:2002"))
}

func TestBaresipCallsLinphoneByTLS(t *testing.T) {
	w := newWorld(t)
	g, one, two := w.secureRing()
	w.connect(two, one, at(0), ToneB, ToneA)
	w.hangup(two, one)
	w.wantSDES(w.waitRecord(g, "pbx:2002", "pbx:2001"))
}

func TestTextsGoByTLS(t *testing.T) {
	w := newWorld(t)
	ca := w.authority()
	w.prosody()
	w.gateway(w.gatewayTable(), w.tlsTable(ca), w.sipTLSTable(accounts), w.xmppTable(), phoneMaps)
	chat := w.chat(alice, bob)
	cfg := w.account(0, false)
	cfg.CA, cfg.Server = ca.File, w.At(GatewayHost, TLSPort)
	phone, err := StartLinphone(w.ctx, w.Lab, cfg)
	w.must(err)
	w.must(phone.Send("sip:alice@"+gatewayDomain, letters[1]))
	e, err := chat.WaitText(w.ctx, alice, letters[1])
	w.must(err)
	if e.From != "2001@"+component {
		t.Errorf("alice got it from %s", e.From)
	}
	long := strings.TrimSpace(strings.Repeat(letters[1]+" ", 45)) // more than a datagram may have
	for _, text := range []string{"back: " + letters[1], long} {
		w.must(chat.Say(alice, e.From, "", text))
		_, err = phone.WaitText(w.ctx, text)
		w.must(err)
	}
	cfg = w.account(1, false)
	cfg.CA, cfg.Server = ca.File, w.At(GatewayHost, TLSPort)
	bare, err := StartBaresip(w.ctx, w.Lab, cfg, "sip:bob@"+gatewayDomain)
	w.must(err)
	w.must(bare.Send(w.ctx, "from baresip"))
	_, err = chat.WaitText(w.ctx, bob, "from baresip")
	w.must(err)
}

// tlsPBX is Kamailio with TLS, that trusts the gateway's certificate and address, and
// shows one for its hosts.
func (w *world) tlsPBX(ca *Authority, hosts ...string) *Kamailio {
	w.t.Helper()
	cert, key, err := ca.Issue("pbx", hosts...)
	w.must(err)
	k, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{
		Domain: pbxDomain, Users: map[string]string{"1001": "pw-1001"}, Trust: true, Trunk: "^[a-z]",
		Fixed: map[string]string{"1001": w.At(PhoneHost, SIPPort)}, CA: ca.File, Cert: cert, Key: key,
	})
	return got(w.t, k, err)
}

// A trunk by TLS to Kamailio, both ways, each of whom has checked the other's
// certificate; and it comes back.
func TestTrunkByTLSToKamailio(t *testing.T) {
	w := newWorld(t)
	ca := w.authority()
	k := w.tlsPBX(ca, pbxDomain, w.Host(SIPHost))
	w.prosody()
	g := w.gateway(w.gatewayTable(), w.tlsTable(ca), w.sipTLSTable(
		fmt.Sprintf("peer = \"sip:%s;transport=tls\"\nca = %q", w.At(SIPHost, TLSPort), ca.File)), w.xmppTable(), maps)
	chat := w.chat(alice, bob)
	phone, err := StartLinphone(w.ctx, w.Lab, PhoneConfig{
		Host: PhoneHost, User: "1001", Password: "pw-1001", Domain: pbxDomain, Server: w.At(SIPHost, SIPPort), TCP: true,
	})
	w.must(err)
	talk := func(text string) {
		t.Helper()
		w.must(phone.Send("sip:bob@"+pbxDomain, text))
		e, err := chat.WaitText(w.ctx, bob, text)
		w.must(err)
		w.must(chat.Say(bob, e.From, "", "back: "+text))
		_, err = phone.WaitText(w.ctx, "back: "+text)
		w.must(err)
	}
	talk(letters[1])
	k.Kill()
	_, err = g.WaitHealth(w.ctx, 503)
	w.must(err)
	w.must(k.Start(w.ctx))
	_, err = g.WaitHealth(w.ctx, 200)
	w.must(err)
	talk("once more")
}

// A PBX that shows a certificate for another is not spoken to, and health says why.
func TestPBXWithAnothersCertificateIsRefused(t *testing.T) {
	w := newWorld(t)
	ca := w.authority()
	w.tlsPBX(ca, "other.example")
	g := w.gatewayAlone(w.gatewayTable(), w.tlsTable(ca), w.sipTLSTable(
		fmt.Sprintf("peer = \"sips:%s\"\nca = %q", w.At(SIPHost, TLSPort), ca.File)), "\n[[map]]\nhome = \"pbx:{x}\"\nas = { pbx = \"{x}\" }\n")
	text, err := g.WaitHealth(w.ctx, 503)
	w.must(err)
	if want := "its certificate is not for the address " + w.Host(SIPHost); !strings.Contains(fmt.Sprint(text), want) {
		_, err := g.Out.Wait(w.ctx, Containing(want))
		if err != nil {
			t.Errorf("health says %v, want %q", text, want)
		}
	}
}

// A page with JsSIP registers by WebSocket, plain and with TLS, writes and is written
// to, and has calls with a desk phone, both ways.
func TestPageOfJsSIPTalksToADeskPhone(t *testing.T) { newWorld(t).jssip("ws") }

func TestPageOfJsSIPByTLSTalksToADeskPhone(t *testing.T) { newWorld(t).jssip("wss") }

func (w *world) jssip(network string) {
	ca := w.authority()
	web := w.At(GatewayHost, TLSPort+1)
	table := w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts)
	table = strings.Replace(table, "listen = [", fmt.Sprintf("listen = [%q, ", network+":"+web), 1)
	g := w.gateway(w.callTables(""), w.tlsTable(ca), table, ringMaps)
	phone := w.baresip(w.callConfig(1))
	page, err := StartSIPPage(w.ctx, w.Lab, SIPPageConfig{
		Host: PhoneHost, User: "2001", Password: "pw-2001", Domain: gatewayDomain, URL: network + "://" + web + "/", Tone: ToneA,
	})
	w.must(err)
	w.t.Cleanup(page.Close)
	other, err := StartLinphone(w.ctx, w.Lab, w.account(2, false))
	w.must(err)
	w.must(page.Send(w.ctx, at(2), letters[1]))
	m, err := other.WaitText(w.ctx, letters[1])
	w.must(err)
	if !strings.Contains(m.From, "2001@") {
		w.t.Errorf("the phone got it from %s", m.From)
	}
	w.must(other.Send(at(0), "back: "+letters[1]))
	_, err = page.WaitText(w.ctx, "back: "+letters[1])
	w.must(err)

	w.connect(page, phone, at(1), ToneA, ToneB)
	w.must(page.Press(w.ctx, "42"))
	w.must(WaitKeys(w.ctx, phone, "42"))
	w.hangup(phone, page)
	w.connect(phone, page, at(0), ToneB, ToneA)
	w.hangup(page, phone)
	for _, r := range []record{w.waitRecord(g, "pbx:2001", "pbx:2002"), w.waitRecord(g, "pbx:2002", "pbx:2001")} {
		secure := 0
		for _, l := range r.Legs {
			if len(l.Streams) == 1 && l.Streams[0].Keys == "dtls" && l.Streams[0].Pair != nil {
				secure++
			}
		}
		if r.Cause != "normal" || secure != 1 {
			w.t.Errorf("record %+v, want one leg by ICE and DTLS", r)
		}
	}
}
