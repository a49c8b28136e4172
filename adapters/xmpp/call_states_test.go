package xmpp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"gateway/bridge"
	"gateway/bridge/media/mediatest"
)

const (
	allDisco = "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:jingle:1'/><feature var='urn:xmpp:jingle:apps:rtp:1'/>" +
		"<feature var='urn:xmpp:jingle:transports:ice-udp:1'/><feature var='urn:xmpp:jingle:apps:dtls:0'/></query>"
	clientIs = " from='alice@local.example/A' to='1001@gw.example/gateway'"
)

func jmiFrom(kind string) string {
	return "<message type='chat'" + clientIs + "><" + kind + " xmlns='urn:xmpp:jingle-message:0' id='$SID'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></" + kind + "></message>"
}

func iqFrom(action, inner string) string {
	return "<iq type='set' id='t-" + action + "'" + clientIs + "><jingle xmlns='urn:xmpp:jingle:1' action='" + action + "' sid='$SID'>" + inner + "</jingle></iq>"
}

func offerOf(setup string) string { return strings.Replace(farSession, "SETUP", setup, 1) }

func answerOf() string { return strings.Replace(offerOf("active"), "name='0'", "name='audio'", 1) }

// legStages bring a leg to each state that it can be in.
var legStages = []struct {
	name  string
	steps []string // "client …", "bridge …", "plane …"
}{
	{"proposed", []string{"client " + jmiFrom("propose")}},
	{"proposed, rung", []string{"client " + jmiFrom("propose"), "bridge ring"}},
	{"proposed, answered", []string{"client " + jmiFrom("propose"), "bridge answer 1 pcmu"}},
	{"proceeded", []string{"client " + jmiFrom("propose"), "bridge answer 1 pcmu", "bridge accept"}},
	{"begun with something else", []string{"client " + jmiFrom("propose"), "bridge answer 1 opus", "bridge accept", "client " + iqFrom("session-initiate", offerOf("actpass"))}},
	{"proceeded, active", []string{"client " + jmiFrom("propose"), "bridge answer 1 pcmu", "bridge accept", "client " + iqFrom("session-initiate", offerOf("actpass"))}},
	{"offered", []string{"client " + iqFrom("session-initiate", offerOf("actpass"))}},
	{"offered, answered", []string{"client " + iqFrom("session-initiate", offerOf("actpass")), "bridge answer 1 pcmu"}},
	{"active", []string{"client " + iqFrom("session-initiate", offerOf("actpass")), "bridge answer 1 pcmu", "bridge accept"}},
	{"active, an offer is open", []string{"client " + iqFrom("session-initiate", offerOf("actpass")), "bridge answer 1 pcmu", "bridge accept",
		"client " + iqFrom("session-info", "<hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>")}},
	{"asking what it can", []string{"client <presence from='alice@local.example/A' to='1001@gw.example'/>", "bridge dial alice@local.example pcmu"}},
	{"proposing", []string{"bridge dial alice@local.example pcmu"}},
	{"ringing", []string{"bridge dial alice@local.example pcmu", "client " + jmiFrom("ringing")}},
	{"claimed", []string{"bridge dial alice@local.example pcmu", "client " + jmiFrom("proceed")}},
	{"claimed, accepted", []string{"bridge dial alice@local.example pcmu", "client " + jmiFrom("proceed"), "client " + iqFrom("session-accept", answerOf())}},
	{"taken", []string{"bridge dial alice@local.example pcmu", "client " + jmiFrom("proceed"), "client " + iqFrom("session-accept", answerOf()), "plane secured"}},
	{"begun at once", []string{"bridge dial alice@local.example/A pcmu", "client <iq type='result' id='$DISCO'" + clientIs + ">" + allDisco + "</iq>"}},
	{"taken late", []string{"bridge dial-late alice@local.example", "client " + jmiFrom("proceed"), "client " + iqFrom("session-accept", answerOf()), "plane secured"}},
	{"over", []string{"bridge dial alice@local.example pcmu", "bridge hangup normal"}},
}

// legEvents are all that can happen to a leg, good and bad.
func legEvents() []string {
	var all []string
	for _, kind := range []string{"propose", "ringing", "proceed", "accept", "reject", "retract", "finish"} {
		all = append(all, "client "+jmiFrom(kind))
	}
	for _, action := range []string{
		"content-accept", "content-add", "content-modify", "content-reject", "content-remove", "description-info", "security-info", "session-accept",
		"session-info", "session-initiate", "session-terminate", "transport-accept", "transport-info", "transport-reject", "transport-replace", "nothing",
	} {
		all = append(all, "client "+iqFrom(action, offerOf("actpass")), "client "+iqFrom(action, answerOf()))
	}
	for _, info := range []string{"ringing", "hold", "unhold", "active", "mute", "wave"} {
		all = append(all, "client "+iqFrom("session-info", "<"+info+" xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>"))
	}
	for _, id := range []string{"$LAST", "$PROPOSE", "$DISCO"} {
		all = append(all,
			"client <iq type='result' id='"+id+"'"+clientIs+"/>", "client <iq type='result' id='"+id+"'"+clientIs+">"+allDisco+"</iq>",
			"client <iq type='error' id='"+id+"'"+clientIs+"><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
			"client <message type='error' id='"+id+"' from='alice@local.example' to='1001@gw.example/gateway'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
	}
	for _, command := range []string{
		"ring", "accept", "prompt", "answer 1 pcmu", "answer 1 opus", "answer 1", "answer 2 pcmu", "answer 3 pcmu", "refuse 1 busy", "refuse 2 busy",
		"offer pcmu", "offer sendonly pcmu", "offer opus", "offer", "digit", "hangup normal", "hangup elsewhere",
	} {
		all = append(all, "bridge "+command)
	}
	for _, said := range []string{"connected", "secured", "failed", "insecure", "lost", "heard", "silent", "digit", "forwarded", "gathered", "restarted"} {
		all = append(all, "plane "+said)
	}
	return append(all, "wait 3s", "wait 20s", "over")
}

// TestEveryStateOfALegTakesEveryEvent: whatever happens, every request is
// answered, the leg ends once, and nothing stays open.
func TestEveryStateOfALegTakesEveryEvent(t *testing.T) {
	t.Parallel()
	for _, stage := range legStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			for _, ev := range legEvents() {
				steps := append(append([]string{}, stage.steps...), ev)
				if out := runLeg(t, steps); out != "" {
					t.Errorf("%s: %s", ev, out)
				}
			}
		})
	}
}

// runLeg does what steps say to a new adapter, and ends. It says what was wrong.
func runLeg(t *testing.T, steps []string) (wrong string) {
	s := &stage{plane: &mediatest.Plane{}, names: map[string]string{"SID": "sid", "LAST": "none", "PROPOSE": "none", "DISCO": "none"}, events: &noted{make(chan string, 1000)}}
	asked, answered := 0, 0
	inRig(t, func(r *rig) {
		s.rig = r
		r.a.env.Media = s.plane
		r.h.called = func(_ bridge.Invite, open func(bridge.Events) bridge.Leg) error {
			if s.leg != nil { // it calls while it is called
				open(&noted{make(chan string, 100)})
				return nil
			}
			s.leg = open(s.events)
			return nil
		}
	}, func(r *rig) {
		<-r.h.states
		for i, step := range steps {
			kind, body, _ := strings.Cut(step, " ")
			s.line = step
			switch {
			case kind == "over":
				r.a.calls.close()
			case kind == "plane" && s.plane.Count() == 0, kind == "bridge" && s.leg == nil && !strings.HasPrefix(body, "dial"):
			default:
				s.step(kind, body)
			}
			if kind == "client" && strings.Contains(body, "<iq type='set'") {
				asked++
			}
			answered += s.listen(i < len(steps)-1)
		}
		if s.leg != nil {
			s.leg.Hangup(bridge.Normal)
		}
		r.a.calls.close()
		answered += s.listen(false)
		ends := 0
		for len(s.events.lines) > 0 {
			if line := <-s.events.lines; strings.HasPrefix(line, "ended") {
				ends++
			} else if ends > 0 {
				wrong += "the leg goes on with " + line + "; "
			}
		}
		if asked != answered || s.plane.Count() != 0 {
			wrong += fmt.Sprintf("%d requests, %d answers, %d ports; ", asked, answered, s.plane.Count())
		}
		if s.leg != nil && ends == 0 {
			wrong += "the leg has not ended; "
		}
	})
	return wrong
}

// listen reads what was sent, keeps the names in it, and counts answers.
func (s *stage) listen(keep bool) (answers int) {
	synctest.Wait()
	for {
		n, ok := s.next()
		if !ok {
			return answers
		}
		if kind := n.attr("type"); n.XMLName.Local == "iq" && (kind == "result" || kind == "error") {
			answers++
			continue
		}
		if !keep {
			continue
		}
		switch {
		case n.XMLName.Local == "iq" && n.attr("type") == "get":
			s.names["DISCO"] = n.attr("id")
		case n.XMLName.Local == "iq":
			s.names["LAST"] = n.attr("id")
			s.names["SID"] = n.kid("jingle").attr("sid")
		case n.kid("propose").XMLName.Local != "":
			s.names["PROPOSE"], s.names["SID"] = n.attr("id"), n.kid("propose").attr("id")
		}
	}
}
