package xmpp

import (
	"encoding/xml"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

const (
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"  // XEP-0030
	nsDiscoItems = "http://jabber.org/protocol/disco#items" // XEP-0030
	nsVersion    = "jabber:iq:version"                      // XEP-0092
)

// features are what every address of ours can do.
func features() []string { return []string{nsDiscoInfo, nsDiscoItems, nsPing, nsVersion} }

// partyFeatures are what the people behind the gateway can do besides, as far
// as their devices go along.
func partyFeatures() []string { return []string{nsReceipts, nsMarkers, nsChatStates, nsOOB} }

// iq answers a request (RFC 6120 section 8.2.3), whoever of ours it is for.
func (a *Adapter) iq(s *session, h bridge.Handler, st *stanza) {
	switch {
	case a.answeredUs(s, st):
		return
	case st.kind == "result" && a.calls.answered(st):
		return
	case st.kind == "result":
		a.metrics.drop("unknown-result")
		return
	case st.kind != "get" && st.kind != "set", st.id == "", st.payloads != 1:
		a.reply(st, condition{"bad-request", "modify"}, "")
		return
	}
	from, to, ok := a.between(st)
	if !ok {
		return
	}
	if st.kind == "set" && st.payload == (xml.Name{Space: jingle.NS, Local: "jingle"}) && to.Main == a.domain && from.Main != a.domain {
		a.request(h, st, from, to)
		return
	}
	if st.kind == "set" {
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	}
	var payload xml.TokenReader
	ver := capsNode + "#" + a.partyInfo().Ver()
	switch st.payload {
	case xml.Name{Space: nsPing, Local: "ping"}:
	case xml.Name{Space: nsVersion, Local: "query"}:
		payload = a.version()
	case xml.Name{Space: nsDiscoInfo, Local: "query"}:
		payload = a.info(to, st.node).TokenReader()
	case xml.Name{Space: nsDiscoItems, Local: "query"}:
		payload = element(nsDiscoItems, "query", nil)
	default:
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	}
	disco := st.payload.Space == nsDiscoInfo || st.payload.Space == nsDiscoItems
	known := st.node == "" || st.node == ver && to.Lead != "" && st.payload.Space == nsDiscoInfo
	if disco && !known {
		a.reply(st, condition{"item-not-found", "cancel"}, "")
		return
	}
	a.result(st, payload)
}

// answeredUs takes what may be the answer to our barrier. A server gives us
// back our own question, as it is for us; if it answers in our stead, that is
// an answer too. Nobody else can write from our domain.
func (a *Adapter) answeredUs(s *session, st *stanza) bool {
	return rawDomain(st.from) == a.domain && s.barrier.answered(st.id)
}

func (a *Adapter) result(st *stanza, payload xml.TokenReader) {
	var children []xml.TokenReader
	if payload != nil {
		children = append(children, payload)
	}
	a.answer(element("", "iq", stanzaAttrs("result", st.id, a.as(st.to), st.from), children...))
}

func (a *Adapter) version() xml.TokenReader {
	return element(nsVersion, "query", nil,
		element(nsVersion, "name", nil, chars("Gateway")),
		element(nsVersion, "version", nil, chars(a.env.Version)))
}

// info tells what we are: a gateway, somebody behind it, or their device.
func (a *Adapter) info(to bridge.Name, node string) jingle.Element {
	party := a.partyInfo()
	switch {
	case to.Lead == "":
		return (&jingle.Info{Features: features(), Identities: []jingle.Identity{
			{Category: "gateway", Type: "sip", Name: "Gateway"}, {Category: "gateway", Type: "pstn", Name: "Gateway"},
		}}).Element(node)
	case to.Tail == "" && node == "":
		party.Identities = append(party.Identities, jingle.Identity{Category: "account", Type: "registered"})
	}
	return party.Element(node)
}
