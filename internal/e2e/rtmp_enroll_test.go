//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

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
