package xmpp

import (
	"encoding/xml"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// capsNode names the software in XEP-0115; what is behind it is Info.Ver.
const capsNode = "urn:x-gateway"

// maxAbilities bounds what is remembered of what clients can.
const maxAbilities = 5_000

// An ability is what a client can, as far as calls go.
type ability struct {
	who    bridge.Name
	known  bool // it has said so
	jingle bool // sessions of sound
	raw    bool // without ICE
	jmi    bool
	dtls   bool
}

// direct reports whether a client is called by a session at once.
func (d ability) direct() bool { return d.known && d.jingle && !d.jmi }

func abilityFrom(i *jingle.Info) ability {
	return ability{
		known: true, jmi: i.Has(jingle.NSMessage), dtls: i.Has(jingle.NSDTLS),
		jingle: i.Has(jingle.NS) && i.Has(jingle.NSRTP) && (i.Has(jingle.NSICE) || i.Has(jingle.NSRaw)),
		raw:    !i.Has(jingle.NSICE),
	}
}

// callFeatures are what parties can in calls.
func callFeatures() []string {
	return []string{
		jingle.NS, jingle.NSRTP, jingle.NSAudio, jingle.NSICE, jingle.NSDTLS, jingle.NSGroup, jingle.NSMessage, nsCaps,
	}
}

const nsCaps = jingle.NSCaps

// partyInfo is what somebody behind the gateway can, on their one device.
func (a *Adapter) partyInfo() *jingle.Info {
	i := &jingle.Info{
		Identities: []jingle.Identity{{Category: "client", Type: "phone", Name: "Gateway"}},
		Features:   append(features(), partyFeatures()...),
	}
	if a.env.Media != nil {
		i.Features = append(i.Features, callFeatures()...)
	}
	return i
}

// capsElement is the <c/> of our parties' presence (XEP-0115 section 4).
func (a *Adapter) capsElement() xml.TokenReader {
	return jingle.New(jingle.NSCaps, "c", "hash", "sha-1", "node", capsNode, "ver", a.partyInfo().Ver()).TokenReader()
}

// A capability is what a presence says of what its client can: a name for it.
type capability struct{ node, hash, ver string }

const maxVer = 128 // bytes of node and ver

func readCapability(e xml.StartElement) capability {
	c := capability{attrOf(e, "node"), attrOf(e, "hash"), attrOf(e, "ver")}
	if len(c.node) > maxPart || len(c.ver) > maxVer || c.hash != "sha-1" {
		return capability{}
	}
	return c
}

// abilityOf is what is known of a client.
func (a *Adapter) abilityOf(who bridge.Name) (ability, bool) {
	d, ok := a.able.get("who", formatAddress(who))
	if c := a.known.capability(who); !ok && c.ver != "" {
		d, ok = a.able.get("ver", c.ver)
	}
	d.who = who
	return d, ok
}

// abilities finds out what clients can, and then calls f in the leg's goroutine: at
// once if that is known, else when all have said so, or some time has passed.
func (a *Adapter) abilities(l *leg, clients []bridge.Name, f func([]ability)) {
	found := make([]ability, len(clients))
	missing := 0
	called := false
	done := func() {
		if !called {
			called, l.due = true, nil
			f(found)
		}
	}
	for i, who := range clients {
		d, ok := a.abilityOf(who)
		found[i] = d
		if ok {
			continue
		}
		missing++
		a.inquire(l, who, func(d ability) {
			d.who = who
			found[i] = d
			if missing--; missing == 0 && !l.over {
				done()
			}
		})
	}
	if missing == 0 {
		done()
		return
	}
	l.after(askTime, done)
}

// inquire asks a client what it can.
func (a *Adapter) inquire(l *leg, who bridge.Name, f func(ability)) {
	c := a.known.capability(who)
	node := ""
	if c.ver != "" {
		node = c.node + "#" + c.ver
	}
	id := a.calls.expect(l, who, func(r answer) {
		var d ability
		if r.refused == nil && r.payload != nil {
			if i := jingle.ReadInfo(r.payload); i != nil {
				d = abilityFrom(i)
				a.able.put(d, "who", formatAddress(who))
				if c.ver != "" && i.Ver() == c.ver { // else it could speak for others
					a.able.put(d, "ver", c.ver)
				}
			}
		}
		f(d)
	})
	q := jingle.New(jingle.NSDisco, "query", "node", node)
	a.answer(element("", "iq", stanzaAttrs("get", id, formatAddress(l.our), formatAddress(who)), q.TokenReader()))
}
