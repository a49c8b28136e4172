package xmpp

import (
	"encoding/xml"
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
func (a *Adapter) iq(s *session, st *stanza) {
	switch {
	case a.answeredUs(s, st):
		return
	case st.kind == "result":
		a.metrics.drop("unknown-result")
		return
	case st.kind != "get" && st.kind != "set", st.id == "", st.payloads != 1:
		a.reply(st, condition{"bad-request", "modify"}, "")
		return
	}
	if _, err := parseAddress(st.from); err != nil {
		a.reply(st, condition{"jid-malformed", "modify"}, "")
		return
	}
	to, err := parseAddress(st.to)
	if err != nil {
		a.reply(st, condition{"jid-malformed", "modify"}, "")
		return
	}
	if st.kind == "set" {
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	}
	var payload xml.TokenReader
	switch st.payload {
	case xml.Name{Space: nsPing, Local: "ping"}:
	case xml.Name{Space: nsVersion, Local: "query"}:
		payload = a.version()
	case xml.Name{Space: nsDiscoInfo, Local: "query"}:
		payload = info(to.Lead == "")
	case xml.Name{Space: nsDiscoItems, Local: "query"}:
		payload = element(nsDiscoItems, "query", nil)
	default:
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	}
	disco := st.payload.Space == nsDiscoInfo || st.payload.Space == nsDiscoItems
	if disco && st.node != "" {
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

// info tells what we are: a gateway, or somebody behind it.
func info(gateway bool) xml.TokenReader {
	identity := []xml.Attr{attr("category", "account"), attr("type", "registered")}
	if gateway {
		identity = []xml.Attr{attr("category", "gateway"), attr("type", "sip"), attr("name", "Gateway")}
	}
	children := []xml.TokenReader{element(nsDiscoInfo, "identity", identity)}
	all := features()
	if !gateway {
		all = append(all, partyFeatures()...)
	}
	for _, f := range all {
		children = append(children, element(nsDiscoInfo, "feature", []xml.Attr{attr("var", f)}))
	}
	return element(nsDiscoInfo, "query", nil, children...)
}
