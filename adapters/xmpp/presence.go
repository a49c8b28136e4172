package xmpp

// presence declines what we can't give, and passes over the rest; see the
// package's comment.
func (a *Adapter) presence(st *stanza) {
	switch {
	case rawDomain(st.from) == a.domain:
		a.metrics.drop("loop")
	case st.kind == "subscribe":
		// RFC 6121 section 3.1.4, from the bare address that was asked.
		to, err := parseAddress(st.to)
		from, bad := parseAddress(st.from)
		if err != nil || bad != nil || to.Main != a.domain {
			a.metrics.drop("presence")
			return
		}
		a.answer(element("", "presence",
			stanzaAttrs("unsubscribed", st.id, formatAddress(bare(to)), formatAddress(bare(from)))))
	case st.kind == "" && st.room:
		a.reply(st, condition{"service-unavailable", "cancel"}, "there are no rooms here")
	default:
		a.metrics.drop("presence")
	}
}
