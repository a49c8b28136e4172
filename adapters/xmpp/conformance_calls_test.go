package xmpp

import (
	"strings"
	"sync"
	"testing"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/mediatest"
)

func TestCallConformance(t *testing.T) {
	t.Parallel()
	for name, jmi := range map[string]bool{"by message": true, "by a session at once": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bridgetest.ConformanceCalls(t, func(t *testing.T) *bridgetest.Rig { return newCallRig(t, jmi) })
		})
	}
}

// A livePlane finds a way as soon as it knows where to.
type livePlane struct{ *mediatest.Plane }

func (p livePlane) Set(id media.PacketPort, s media.Setting) {
	p.Plane.Set(id, s)
	p.Tell(id, media.Connected{})
	p.Tell(id, media.Secured{Suite: media.SuiteGCM128})
}

// A farClient is a client that does as it is told.
type farClient struct {
	*farSide
	jmi bool

	mu     sync.Mutex // guards the rest
	answer string     // what it does with a call: "take", "ring", or a reason to refuse it for
	sid    string
	with   string // our address in the call
	talks  bool
	placed bool

	taken   chan bool
	refused chan bridge.Cause
	over    chan bool
}

const nobodyThere = "nobody@local.example/x"

func newCallRig(t *testing.T, jmi bool) *bridgetest.Rig {
	plane := livePlane{&mediatest.Plane{}}
	env := bridgeEnv()
	env.Media = plane
	const theirs = "alice@local.example/Home PC"
	side, a := newFarSide(t, theirs, env)
	f := &farClient{farSide: side, jmi: jmi, answer: "ring", taken: make(chan bool, 10), refused: make(chan bridge.Cause, 10), over: make(chan bool, 10)}
	f.take = f.hear
	set := func(what string) func(*testing.T) { return func(*testing.T) { f.do(what) } }
	return &bridgetest.Rig{Adapter: a, Ours: conformanceOurs, Theirs: theirs, Calls: &bridgetest.CallRig{
		Plane: plane.Plane, Nowhere: nobodyThere, Take: set("take"), Ring: set("ring"),
		Reject: func(c bridge.Cause) {
			word, _ := toReason(c)
			f.do(word)
		},
		Place: f.place, HangUp: f.hangUp,
		Taken:   func(*testing.T) { <-f.taken },
		Refused: func(*testing.T) bridge.Cause { return <-f.refused },
		Over:    func(*testing.T) { <-f.over },
		Lossy:   map[bridge.Cause]bridge.Cause{bridge.NotFound: bridge.Unavailable, bridge.Forbidden: bridge.Declined},
	}}
}

func (f *farClient) do(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = what
}

const farSession = `<content creator='initiator' name='0'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>` +
	`<payload-type id='0' name='PCMU' clockrate='8000'/><rtcp-mux/></description>` +
	`<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd' pwd='0123456789012345678901'>` +
	`<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='SETUP'>18:08:A2:9A:01:20:76:42:64:8F:DA:7A:01:6A:66:8E:3A:8A:E0:2A:85:D5:56:14:6B:2C:5C:C6:5F:55:7C:CD</fingerprint></transport></content>`

func (f *farClient) iq(action, inner string) {
	f.send("<iq type='set' id='%s' from='%s' to='%s'><jingle xmlns='urn:xmpp:jingle:1' action='%s' sid='%s'>%s</jingle></iq>",
		action, escape(f.theirs), escape(f.with), action, f.sid, inner)
}

func (f *farClient) message(kind, inner string) {
	f.send("<message type='chat' from='%s' to='%s'><%s xmlns='urn:xmpp:jingle-message:0' id='%s'>%s</%s></message>",
		escape(f.theirs), escape(f.with), kind, f.sid, inner, kind)
}

func reasonXML(word string) string {
	return "<reason xmlns='urn:xmpp:jingle:1'><" + word + "/></reason>"
}

func (f *farClient) place(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sid, f.with, f.talks, f.placed = f.sid+"n", f.ours, false, true
	if f.jmi {
		f.message("propose", "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>")
		return
	}
	f.with += "/gateway"
	f.iq("session-initiate", strings.Replace(farSession, "SETUP", "actpass", 1))
}

func (f *farClient) hangUp(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.talks:
		f.iq("session-terminate", reasonXML("success"))
	case f.jmi:
		f.message("retract", reasonXML("cancel"))
	default:
		f.iq("session-terminate", reasonXML("cancel"))
	}
}

// hear takes what the gateway sends.
func (f *farClient) hear(n node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to := n.attr("to")
	switch {
	case n.XMLName.Local == "iq" && to == nobodyThere && n.attr("type") != "result":
		f.send("<iq type='error' id='%s' from='%s' to='%s'><error type='cancel'><service-unavailable xmlns='%s'/></error></iq>", n.attr("id"), nobodyThere, escape(n.attr("from")), nsStanzas)
	case n.XMLName.Local == "message" && to == nobodyThere && n.kid("propose").XMLName.Local != "":
		f.send("<message type='error' id='%s' from='%s' to='%s'><error type='cancel'><item-not-found xmlns='%s'/></error></message>", n.attr("id"), nobodyThere, escape(n.attr("from")), nsStanzas)
	case n.XMLName.Local == "iq" && n.attr("type") == "get":
		extra := ""
		if f.jmi {
			extra = "<feature var='urn:xmpp:jingle-message:0'/>"
		}
		f.send("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='%s'><feature var='%s'/><feature var='%s'/><feature var='%s'/><feature var='%s'/>%s</query></iq>",
			n.attr("id"), escape(f.theirs), escape(n.attr("from")), jingle.NSDisco, jingle.NS, jingle.NSRTP, jingle.NSICE, jingle.NSDTLS, extra)
	case n.XMLName.Local == "iq" && n.attr("type") == "set":
		f.send("<iq type='result' id='%s' from='%s' to='%s'/>", n.attr("id"), escape(to), escape(n.attr("from")))
		f.session(n.kid("jingle"), n.attr("from"))
	case n.XMLName.Local == "message" && len(n.Kids) > 0:
		f.said(n.Kids[0], n.attr("from"))
	}
}

// called begins what it does with a call.
func (f *farClient) called(from, sid string) {
	f.with, f.sid, f.talks, f.placed = from, sid, false, false
}

func (f *farClient) said(n node, from string) {
	switch n.XMLName.Local {
	case "propose":
		f.called(from, n.attr("id"))
		f.message("ringing", "")
		switch f.answer {
		case "take":
			f.message("proceed", "")
		case "ring":
		default:
			f.message("reject", reasonXML(f.answer))
		}
	case "proceed":
		f.with = from
		f.iq("session-initiate", strings.Replace(farSession, "SETUP", "actpass", 1))
	case "reject":
		f.refused <- fromReason(n.kid("reason").Kids[0].XMLName.Local, 0)
	case "retract":
		f.over <- true
	}
}

func (f *farClient) session(n node, from string) {
	switch n.attr("action") {
	case "session-initiate":
		if f.jmi {
			f.talks = true
			f.iq("session-accept", strings.Replace(strings.Replace(farSession, "SETUP", "active", 1), "name='0'", "name='audio'", 1))
			return
		}
		f.called(from, n.attr("sid"))
		switch f.answer {
		case "take":
			f.talks = true
			f.iq("session-accept", strings.Replace(strings.Replace(farSession, "SETUP", "active", 1), "name='0'", "name='audio'", 1))
		case "ring":
			f.iq("session-info", "<ringing xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>")
		default:
			f.iq("session-terminate", reasonXML(f.answer))
		}
	case "session-accept":
		f.talks = true
		f.taken <- true
	case "session-terminate":
		if f.placed && !f.talks {
			f.refused <- fromReason(n.kid("reason").Kids[0].XMLName.Local, 0)
			return
		}
		f.over <- true
	}
}
