package xmpp

import (
	"slices"
	"testing"
	"testing/synctest"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
	"gateway/bridge/media/mediatest"
)

func TestWhatPresenceSaysOfUsIsWhatDiscoverySays(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.a.env.Media = &mediatest.Plane{}
		r.a.ShowPresence(bridge.Address{Name: "1001@gw.example"}, bridge.Address{Name: "alice@local.example"}, bridge.Presence{State: bridge.Available})
		<-r.got // the probe
		c := (<-r.got).kid("c")
		if c.attr("hash") != "sha-1" || c.attr("node") != capsNode {
			t.Fatalf("presence with %+v", c)
		}
		r.send("<iq type='get' id='q' from='alice@local.example/A' to='1001@gw.example/gateway'><query xmlns='http://jabber.org/protocol/disco#info' node='%s#%s'/></iq>", capsNode, c.attr("ver"))
		q := (<-r.got).kid("query")
		if q.attr("node") != capsNode+"#"+c.attr("ver") {
			t.Errorf("an answer for the node %q", q.attr("node"))
		}
		var i jingle.Info
		for _, k := range q.Kids {
			switch k.XMLName.Local {
			case "identity":
				i.Identities = append(i.Identities, jingle.Identity{Category: k.attr("category"), Type: k.attr("type"), Name: k.attr("name")})
			case "feature":
				i.Features = append(i.Features, k.attr("var"))
			}
		}
		if i.Ver() != c.attr("ver") {
			t.Errorf("the answer has the hash %s, presence has %s", i.Ver(), c.attr("ver"))
		}
		for _, f := range []string{jingle.NS, jingle.NSRTP, jingle.NSAudio, jingle.NSICE, jingle.NSDTLS, jingle.NSMessage, nsCaps, nsPing} {
			if !i.Has(f) {
				t.Errorf("%s is missing", f)
			}
		}
		r.send("<iq type='get' id='q' from='alice@local.example/A' to='1001@gw.example/gateway'><query xmlns='http://jabber.org/protocol/disco#info' node='other#x'/></iq>")
		if n := <-r.got; n.brief() != "cancel item-not-found" {
			t.Errorf("another node: %s", nodeText(n))
		}
	})
}

// TestWhatOneClientCanIsAskedOnce: clients with the same XEP-0115 hash can the same,
// if it is the hash of what they say.
func TestWhatOneClientCanIsAskedOnce(t *testing.T) {
	t.Parallel()
	info := jingle.Info{Features: []string{jingle.NS, jingle.NSRTP, jingle.NSICE, jingle.NSDTLS, jingle.NSMessage}}
	for _, row := range []struct {
		name, ver string
		asked     int
	}{{"a true hash", info.Ver(), 1}, {"a false one", "bm90IHRoZSBoYXNoIG9mIGl0", 2}} {
		inRig(t, nil, func(r *rig) {
			r.a.env.Media = &mediatest.Plane{}
			asked := 0
			for _, who := range []string{"alice", "bob"} {
				r.send("<presence from='%s@local.example/A' to='1001@gw.example'><c xmlns='%s' hash='sha-1' node='n' ver='%s'/></presence>", who, nsCaps, row.ver)
				synctest.Wait()
				s := &stage{rig: r, names: map[string]string{}, events: &noted{make(chan string, 100)}}
				s.step("bridge", "dial "+who+"@local.example pcmu")
				synctest.Wait()
				for n, ok := s.next(); ok; n, ok = s.next() {
					if n.attr("type") != "get" {
						continue
					}
					asked++
					if node := n.kid("query").attr("node"); node != "n#"+row.ver {
						t.Errorf("%s: asked for %q", row.name, node)
					}
					q, err := render(info.Element("").TokenReader())
					if err != nil {
						t.Fatal(err)
					}
					r.send("<iq type='result' id='%s' from='%s' to='%s'>%s</iq>", n.attr("id"), n.attr("to"), n.attr("from"), q)
					synctest.Wait()
				}
				s.leg.Hangup(bridge.Normal)
			}
			synctest.Wait()
			if asked != row.asked {
				t.Errorf("%s: asked %d times, want %d", row.name, asked, row.asked)
			}
			for len(r.got) > 0 {
				<-r.got
			}
		})
	}
}

// TestWhoIsAskedIsNotProbedBeforeTheAnswer: to some servers a probe by somebody who
// is not yet allowed is the end of what was asked.
func TestWhoIsAskedIsNotProbedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		kinds := func() (all []string) {
			synctest.Wait()
			for len(r.got) > 0 {
				all = append(all, (<-r.got).attr("type"))
			}
			return all
		}
		r.send("<presence type='subscribe' from='alice@local.example' to='1001@gw.example'/>")
		synctest.Wait()
		r.a.ShowPresence(bridge.Address{Name: "1001@gw.example"}, bridge.Address{Name: "alice@local.example"}, bridge.Presence{State: bridge.Available})
		if got := kinds(); !slices.Equal(got, []string{"subscribed", "subscribe", ""}) {
			t.Errorf("sent %q", got)
		}
		r.send("<presence type='subscribed' from='alice@local.example' to='1001@gw.example'/>")
		if got := kinds(); !slices.Equal(got, []string{"probe"}) {
			t.Errorf("then sent %q", got)
		}
	})
}
