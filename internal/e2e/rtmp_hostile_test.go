//go:build e2e

package e2e

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// Ten thousand who connect and send one byte: the gateway keeps few of them, grows
// little, and whoever is in a call hears it all the while.
func TestThousandsWhoSendAByteAtTheRTMPServer(t *testing.T) {
	const many, most = 10_000, 96 << 20 // bytes that it may grow
	w := newRTMPWorld(t)
	phone := w.linphone(w.callConfig(1))
	p := w.publish("ffmpeg", "publisher", w.rtmpURL("alice", "2002"), RTMPSound{Codec: "pcm_mulaw", Rate: 8000, Tone: ToneC})
	w.await(phone, CallIncoming)
	w.must(phone.Answer(w.ctx))
	w.await(phone, CallTalking)
	w.hears(phone, ToneC)
	before := w.resident()
	all := make([]net.Conn, 0, many)
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for i := range many {
		// From many hosts, as such come.
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(w.Host(20 + i%200))}}
		c, err := d.DialContext(w.ctx, "tcp", w.At(GatewayHost, RTMPPort))
		w.must(err)
		all = append(all, c)
		if _, err := c.Write([]byte{3}); err != nil {
			continue // it has given way already
		}
		if i%2500 == 0 {
			w.must(WaitTone(w.ctx, phone, ToneC, time.Second))
		}
	}
	grown := w.resident() - before
	files, err := w.gateway.Files()
	w.must(err)
	t.Logf("%d connections: the gateway grew by %d bytes and has %d files and sockets", many, grown, files)
	if grown > most {
		t.Errorf("the gateway grew by %d bytes", grown)
	}
	if files > many/10 {
		t.Errorf("it keeps %d files and sockets", files)
	}
	w.must(WaitTone(w.ctx, phone, ToneC, time.Second))
	late, err := StartRTMPClient(w.ctx, w.Lab, "late")
	w.must(err)
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if _, err := late.Connect(ctx, w.At(GatewayHost, RTMPPort), "sip/bob", "bob", "bob-pw", "Bob", "wideband"); err != nil {
		t.Errorf("who comes then: %v", err)
	}
	p.Stop()
	w.await(phone, CallEnded)
	w.idle()
}

// resident is how much memory the gateway has, in bytes.
func (w *rtmpWorld) resident() int {
	w.t.Helper()
	n, err := strconv.ParseFloat(w.metric(w.gateway, "process_resident_memory_bytes "), 64)
	w.must(err)
	return int(n)
}
