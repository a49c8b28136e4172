package xmpp

import (
	"encoding/xml"
	"errors"

	"gateway/bridge"
)

// ourResource is the device that people behind the gateway have.
const ourResource = "gateway"

// presence takes a presence in (RFC 6121 sections 3 and 4): who asks to be shown
// somebody of ours is, if the maps let it; who shows itself is remembered.
func (a *Adapter) presence(h bridge.Handler, st *stanza) {
	from, bad := parseAddress(st.from)
	to, err := parseAddress(st.to)
	switch {
	case rawDomain(st.from) == a.domain:
		a.metrics.drop("loop")
		return
	case bad != nil || err != nil || to.Main != a.domain:
		a.metrics.drop("presence")
		return
	}
	switch st.kind {
	case "subscribe", "probe":
		a.watch(h, st, from, to)
	case "unsubscribe":
		h.Watch(bridge.Watch{By: a.address(bare(from)), To: a.address(bare(to))}, func(error) {})
		a.says("unsubscribed", st.id, bare(to), bare(from))
	case "subscribed":
		a.says("probe", "", bare(to), bare(from)) // not every server shows its user by itself now
	case "unsubscribed":
		if a.known.forget(bare(from)) {
			h.Changed(a.address(bare(from)))
		}
	case "":
		if st.room {
			a.reply(st, condition{"service-unavailable", "cancel"}, "there are no rooms here")
			return
		}
		a.seen(h, from, st)
	case "unavailable":
		a.seen(h, from, st)
		for _, l := range a.calls.between(to, from) {
			l.do(func() { l.checkIn(from) })
		}
	default:
		a.metrics.drop("presence")
	}
}

// watch takes a wish to be shown the presence of to. A server probes for its
// users what they think they may see: that counts as asking once more, for
// nobody else needs to have kept it.
func (a *Adapter) watch(h bridge.Handler, st *stanza, from, to bridge.Name) {
	asked := st.kind == "subscribe"
	id := st.id
	if asked {
		// To probe somebody whom we have just asked would be taken as an answer
		// to that: servers refuse the probe, and forget what was asked.
		a.known.first(bare(from))
	}
	h.Watch(bridge.Watch{By: a.address(bare(from)), To: a.address(bare(to)), On: true}, func(err error) {
		switch {
		case err != nil && retry(err):
			// Nothing is known: the next probe may find out.
		case err != nil:
			a.says("unsubscribed", id, bare(to), bare(from))
		case asked:
			a.says("subscribed", id, bare(to), bare(from))
			// Clients take calls and texts only from those whom they
			// let see their user.
			a.says("subscribe", "", bare(to), bare(from))
		}
	})
}

func retry(err error) bool {
	var e *bridge.Error
	return errors.As(err, &e) && e.Retry
}

// seen remembers what a client of the other side shows of its user.
func (a *Adapter) seen(h bridge.Handler, from bridge.Name, st *stanza) {
	if a.known.note(from, availability(st), st.caps) {
		h.Changed(a.address(bare(from)))
	}
}

// availability reads a presence (RFC 6121 section 4.7.2).
func availability(st *stanza) bridge.Presence {
	p := bridge.Presence{State: bridge.Available, Note: oneLine(st.status, maxReason)}
	switch {
	case st.kind == "unavailable":
		p.State = bridge.Offline
	case st.show == "away" || st.show == "xa":
		p.State = bridge.Away
	case st.show == "dnd":
		p.State = bridge.Occupied
	}
	return p
}

// PresenceOf implements bridge.Presencer: it is known of those who let us see
// them.
func (a *Adapter) PresenceOf(who bridge.Address) bridge.Presence {
	n, err := a.naming.Parse(who.Name)
	if err != nil {
		return bridge.Presence{}
	}
	return a.known.of(bare(n))
}

// ShowPresence implements bridge.Viewer. Who is shown something for the first
// time in a session is asked in return: the server has told us nothing so far.
func (a *Adapter) ShowPresence(of, to bridge.Address, p bridge.Presence) {
	source, err := a.naming.Parse(of.Name)
	target, bad := a.naming.Parse(to.Name)
	if err != nil || bad != nil || source.Main != a.domain || target.Main == a.domain {
		return // no map makes such a watch
	}
	source, target = bare(source), bare(target)
	if a.known.first(target) {
		a.says("probe", "", source, target)
	}
	source.Tail = ourResource
	kind := ""
	var in []xml.TokenReader
	switch p.State {
	case bridge.Offline:
		kind = "unavailable"
	case bridge.Away:
		in = append(in, element("", "show", nil, chars("away")))
	case bridge.Occupied:
		in = append(in, element("", "show", nil, chars("dnd")))
	default:
	}
	a.present.put(p.State != bridge.Offline, formatAddress(bare(source)), formatAddress(target))
	if p.State != bridge.Offline {
		in = append(in, a.capsElement())
	}
	if note := oneLine(p.Note, maxReason); note != "" {
		in = append(in, element("", "status", nil, chars(note)))
	}
	a.answer(element("", "presence", stanzaAttrs(kind, "", formatAddress(source), formatAddress(target)), in...))
}

// says sends a presence without content.
func (a *Adapter) says(kind, id string, from, to bridge.Name) {
	a.answer(element("", "presence", stanzaAttrs(kind, id, formatAddress(from), formatAddress(to))))
}

// address is a name as the bridge has it.
func (a *Adapter) address(n bridge.Name) bridge.Address {
	return bridge.Address{Adapter: a.env.Name, Name: a.naming.Text(n)}
}
