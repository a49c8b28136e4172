package sip

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media/mediatest"
	"gateway/codec"

	"github.com/prometheus/client_golang/prometheus"
)

// A callBench is an adapter with a Plane that carries nothing. What stands for
// the bridge takes every call.
type callBench struct {
	t     *testing.T
	a     *Adapter
	h     *bridgetest.Handler
	plane *mediatest.Plane
	log   *logBook
	stop  func()
}

func callsOn(t *testing.T, set func(c *Config)) *callBench {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"udp:127.0.0.1:0"}
	c.Domain = "gw.example.org"
	set(c)
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	b := &callBench{t: t, h: bridgetest.NewHandler(t), plane: &mediatest.Plane{}, log: new(logBook)}
	a, err := New(c, bridge.Env{
		Name: "pbx", Node: "gw1", Version: "1.0", Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Metrics: prometheus.NewRegistry(), Key: []byte("0123456789abcdef0123456789abcdef"), Media: b.plane,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.a = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, b.h) }()
	stopped := false
	b.stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := next(t, ended, "the end of Run"); err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := b.plane.Count(); n != 0 {
			t.Errorf("%d ports are left open", n)
		}
	}
	t.Cleanup(b.stop)
	b.h.WaitState(true)
	b.h.TakeCalls(nil)
	return b
}

// callsWithPeer is a callBench with a peer that is up.
func callsWithPeer(t *testing.T, set func(c *Config)) (*callBench, *farUA) {
	t.Helper()
	p := newFakePeer(t, "127.0.0.1:0")
	b := callsOn(t, func(c *Config) {
		c.Peer = "sip:" + p.addr()
		if set != nil {
			set(c)
		}
	})
	return b, &farUA{fakePeer: p, gw: b.a.Addrs()[0], tag: "far"}
}

// dial begins a call of alice's to 2001.
func (b *callBench) dial(set func(inv *bridge.Invite)) *bridgetest.Call {
	inv := bridge.Invite{
		ID: "call-1@origin", From: bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: "alice"}, Display: "Alice"},
		To: bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: "2001"}}, Hops: 42, Offer: talk(pcmu, pcma),
	}
	if set != nil {
		set(&inv)
	}
	c := bridgetest.NewCall(b.t)
	c.Leg = b.a.Dial(inv, c)
	return c
}

var (
	pcmu = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	pcma = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
)

// sound is a description of one audio stream.
func sound(d bridge.Dir, formats ...codec.Format) bridge.Description {
	return bridge.Description{{ID: "audio", Kind: codec.Audio, Dir: d, Formats: formats}}
}

// talk is an offer, the first.
func talk(formats ...codec.Format) *bridge.Offer {
	return &bridge.Offer{Seq: 1, Desc: sound(bridge.SendReceive, formats...)}
}

// A farUA is a phone or PBX on a raw socket, in one dialog at a time.
type farUA struct {
	*fakePeer
	gw  netip.AddrPort
	tag string // its own
	// call is the first message of the dialog that has both tags: a response to its
	// INVITE, or its own to ours.
	callID, from, to, target string
	branch                   string
	declined                 bool // the ACK under way is part of the INVITE's transaction
	cseq                     int
}

// audio is a session description.
func audio(port int, formats string, lines ...string) string {
	return strings.Join(append([]string{
		"v=0", "o=far 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", fmt.Sprintf("m=audio %d RTP/AVP %s", port, formats),
	}, lines...), "\r\n") + "\r\n"
}

// invite sends an INVITE to alice, from 2001.
func (u *farUA) invite(body string, lines ...string) {
	u.callID, u.cseq = fmt.Sprintf("c%d@far", fresh()), 1
	u.from, u.to, u.target = "\"Bob\" <sip:2001@pbx.example.org>;tag="+u.tag, "<sip:alice@gw.example.org>", "sip:alice@gw.example.org"
	u.request("INVITE", body, append([]string{"Max-Forwards: 20"}, lines...)...)
}

// request sends a request of the dialog.
func (u *farUA) request(method, body string, lines ...string) {
	if method != "ACK" && method != "CANCEL" {
		u.cseq++
	}
	if method != "CANCEL" && !u.declined {
		u.branch = fmt.Sprintf("z9hG4bKf%d", fresh())
	}
	all := append([]string{
		method + " " + u.target + " SIP/2.0", "Via: SIP/2.0/UDP " + u.addr() + ";branch=" + u.branch + ";rport",
		"From: " + u.from, "To: " + u.to, "Call-ID: " + u.callID, fmt.Sprintf("CSeq: %d %s", u.cseq, method), "Contact: <sip:far@" + u.addr() + ">",
	}, lines...)
	if body != "" && !strings.Contains(strings.Join(lines, "\n"), "Content-Type") {
		all = append(all, "Content-Type: application/sdp")
	}
	u.send(u.gw, strings.Join(append(all, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))), "\r\n")+body)
}

// expect is the next packet that begins so, of responses the next to its last
// request; others that have come before it are repeats, or nothing that the test
// is about.
func (u *farUA) expect(start string) string {
	u.t.Helper()
	seen := ""
	deadline := time.After(patience)
	for {
		select {
		case p := <-u.got:
			response := strings.HasPrefix(p.text, "SIP/2.0 ")
			ours := header(p.text, "Call-ID") == u.callID && strings.HasPrefix(header(p.text, "CSeq"), fmt.Sprint(u.cseq, " "))
			if strings.HasPrefix(p.text, start) && (ours || !response) {
				return p.text
			}
			first, _, _ := strings.Cut(p.text, "\r\n")
			seen += "\n" + first
		case <-deadline:
			u.t.Fatalf("no %q, only%s", start, seen)
		}
	}
}

// refused waits for a refusal of its INVITE and acknowledges it.
func (u *farUA) refused(status string) string {
	u.t.Helper()
	res := u.expect("SIP/2.0 " + status)
	to := u.to
	u.to, u.declined = header(res, "To"), true
	u.request("ACK", "")
	u.to, u.declined = to, false
	return res
}

// accepted waits for the 200 to its INVITE and acknowledges it.
func (u *farUA) accepted(body string) string {
	u.t.Helper()
	res := u.expect("SIP/2.0 200")
	u.to, u.target = header(res, "To"), strings.Trim(header(res, "Contact"), "<>")
	u.request("ACK", body)
	return res
}

// called waits for an INVITE that begins a call.
func (u *farUA) called() string {
	u.t.Helper()
	req := u.expect("INVITE ")
	u.callID, u.from, u.to = header(req, "Call-ID"), header(req, "To")+";tag="+u.tag, header(req, "From")
	u.target = strings.Trim(header(req, "Contact"), "<>")
	return req
}

// reply answers a request, as the fork with that tag.
func (u *farUA) reply(req string, status int, tag, body string, lines ...string) {
	res := response(req, status, "Because", append([]string{"Contact: <sip:far@" + u.addr() + ">"}, lines...)...)
	if strings.Contains(header(req, "To"), "tag=") {
		res = strings.Replace(res, ";tag=there", "", 1)
	}
	res = strings.Replace(res, ";tag=there", ";tag="+tag, 1)
	if body != "" {
		res = strings.Replace(res, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n", len(body)), 1) + body
	}
	u.send(u.gw, res)
}

// body is that of a message.
func body(text string) string {
	_, b, _ := strings.Cut(text, "\r\n\r\n")
	return b
}

// sdpLine is the first line of a body that begins so.
func sdpLine(text, start string) string {
	for _, l := range strings.Split(body(text), "\r\n") {
		if strings.HasPrefix(l, start) {
			return l
		}
	}
	return ""
}

// ends checks that a call has ended, and with what cause.
func ends(t *testing.T, c *bridgetest.Call, want bridge.Cause) bridge.Ended {
	t.Helper()
	e := bridgetest.Await[bridge.Ended](c)
	if e.Cause != want {
		t.Errorf("ended with %v (%v), want %v", e.Cause, e.Err, want)
	}
	return e
}
