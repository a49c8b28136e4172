//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// A client that is no account registers at the PBX with its credentials there, and calls
// as that. The PBX is the gateway's own registrar, behind another adapter. The phone is
// Linphone: baresip records nothing of a call in which it says nothing.
func TestRTMPClientsRegisterAtThePBX(t *testing.T) {
	w := newWorld(t)
	pbx, office, flash := w.At(GatewayHost, SIPPort), w.At(GatewayHost, SIPPort+2), w.At(GatewayHost, RTMPPort)
	g := w.gateway(w.callTables(""), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts), w.peerTable("office", office, pbx),
		fmt.Sprintf("[rtmp.flash]\nlisten = [\"rtmp:%s\"]\nenroll = [\"office\"]\n", flash), `
[[map]]
home = "pbx:200{n:[12]}"
as   = { flash = "200{n}" }

[[map]]
home = "flash:2003"
as   = { pbx = "2003", office = "2003" }
`)
	phone := w.linphone(w.callConfig(1))
	host, _, _ := strings.Cut(pbx, ":")
	url := fmt.Sprintf("rtmp://%s/sip/2003@%s/2002", flash, host)
	speex := RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneB}
	p, err := StartFFmpegPublish(w.ctx, w.Lab, "wrong", url, speex, "-rtmp_conn", "S:2003 S:wrong S:Erin")
	w.must(err)
	if code, err := p.Wait(w.ctx); err != nil || code == 0 {
		t.Errorf("a password that the PBX does not know: exit %d, %v", code, err)
	}
	p, err = StartFFmpegPublish(w.ctx, w.Lab, "right", url, speex, "-rtmp_conn", "S:2003 S:pw-2003 S:Erin")
	w.must(err)
	if e := w.await(phone, CallIncoming); !strings.Contains(e.Text, "2003") {
		t.Errorf("called by %q", e.Text)
	}
	w.waitMetric(g, `gateway_rtmp_logins_total{adapter="flash"}`, "1")
	w.must(phone.Answer(w.ctx))
	w.await(phone, CallTalking)
	w.must(WaitTone(w.ctx, phone, speex.Tone, long))
	p.Stop()
	w.await(phone, CallEnded)
	w.waitMetric(g, "gateway_calls_active", "0")
}

// The same at a PBX of others: there is the client's name, with its password only; calls go
// out and come in; the registration is kept, for as long as the client is there.
func TestRTMPClientsRegisterAtKamailio(t *testing.T) {
	w := newWorld(t)
	k, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{Domain: pbxDomain, Users: map[string]string{"2001": "pw-2001", "3001": "pw-3001"}, Expires: 4 * time.Second})
	w.must(err)
	cfg := w.callConfig(0)
	cfg.Domain, cfg.Server = pbxDomain, w.At(SIPHost, SIPPort)
	phone := w.baresip(cfg)
	g := w.gateway(w.callTables(""), w.sipTable("domain = \""+pbxDomain+"\"", "peer = \"sip:"+w.At(SIPHost, SIPPort)+"\""),
		fmt.Sprintf("[rtmp.flash]\nlisten = [\"rtmp:%s\"]\nenroll = [\"pbx\"]\n", w.At(GatewayHost, RTMPPort)), `
[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { flash = "{ext}" }

[[map]]
home = "flash:{ext:3[0-9]{3}}"
as   = { pbx = "{ext}", flash = "{ext}" }
`)
	connect := func(name, password string) (*RTMPClient, error) {
		c, err := StartRTMPClient(w.ctx, w.Lab, name)
		w.must(err)
		_, err = c.Connect(w.ctx, w.At(GatewayHost, RTMPPort), "sip/3001@"+pbxDomain, "3001", password, "Erin", "wideband")
		return c, err
	}
	if _, err := connect("stranger", "pw-2001"); err == nil || !strings.Contains(err.Error(), "Connect.Rejected") || !strings.Contains(err.Error(), "401 ") {
		t.Errorf("a wrong password: %v", err)
	}
	c, err := connect("erin", "pw-3001")
	w.must(err)

	mark := c.Out.Len()
	w.flashSays(c, "invite", "2001")
	if e := w.await(phone, CallIncoming); !strings.Contains(e.Text, "3001") {
		t.Errorf("called by %q", e.Text)
	}
	w.must(phone.Answer(w.ctx))
	w.await(phone, CallTalking)
	w.flashTold(c, mark, "accepted")
	out, in := w.flashTalks(c, 0, 0, ToneC)
	w.hears(phone, ToneC)
	w.flashHears(c, ToneA)
	w.flashSays(c, "bye")
	w.await(phone, CallEnded)

	mark = c.Out.Len()
	w.must(phone.Dial(w.ctx, "sip:3001@"+pbxDomain))
	w.flashTold(c, mark, "invited")
	w.flashSays(c, "accept")
	w.await(phone, CallTalking)
	w.flashTalks(c, out, in, ToneB)
	w.hears(phone, ToneB)
	w.must(phone.Hangup(w.ctx))
	w.await(phone, CallEnded)
	w.flashTold(c, mark, "byed")

	kept := k.Out.Len()
	for range 3 { // each before the one before it has expired
		_, err := k.Out.WaitAfter(w.ctx, kept, Containing("REGISTER of 3001"))
		w.must(err)
		kept = k.Out.Len()
	}
	mark = c.Out.Len()
	w.must(phone.Dial(w.ctx, "sip:3001@"+pbxDomain))
	w.flashTold(c, mark, "invited")
	w.flashSays(c, "reject", "486 Busy Here")
	if e := w.await(phone, CallEnded); !strings.Contains(e.Text, "486") {
		t.Errorf("rejected: %q", e.Text)
	}
	c.Stop()
	w.waitMetric(g, `gateway_rtmp_clients{adapter="flash"}`, "0")
	w.must(Poll(w.ctx, func(context.Context) bool {
		w.must(phone.Dial(w.ctx, "sip:3001@"+pbxDomain))
		return strings.Contains(w.await(phone, CallEnded).Text, "404")
	}))
	w.waitMetric(g, "gateway_calls_active", "0")
}
