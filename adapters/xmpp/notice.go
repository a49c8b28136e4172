package xmpp

import (
	"encoding/xml"
	"errors"
	"strings"

	"gateway/bridge"
)

// Notices are what goes besides texts: receipts, markers, chat states. They ask
// for nothing, and nobody is told when they fail.

// noticePrefix tells the ids of our notices from those of texts: an error for
// one of them goes nowhere.
const noticePrefix = "n-"

func noticeID(id string) string { return noticePrefix + id }

func isNotice(wire string) bool { return strings.HasPrefix(wire, noticePrefix) }

// marks tells the bridge of texts of ours that a recipient has (XEP-0184), or
// has seen (XEP-0333). Both name a text by the id of its stanza.
func (a *Adapter) marks(h bridge.Handler, st *stanza, from, to bridge.Name, m bridge.Message) {
	for _, mark := range st.marks {
		id, ok := messageID(mark.id)
		if !ok || !a.mark.receivedBy(mark.id, from) {
			a.metrics.drop("receipt")
			continue
		}
		ids := []string{id}
		if mark.kind == bridge.Displayed {
			ids = a.displayed(to, from, id, m.Thread)
		}
		for _, id := range ids {
			h.Message(bridge.Message{
				Kind: mark.kind, Of: id, From: m.From, To: m.To, Hops: maxHops, Sent: m.Sent,
			}, noMatter)
		}
	}
}

// noMatter is for messages whose senders hear no answer.
func noMatter(bridge.Outcome, error) {}

// chatState tells the bridge that somebody writes a text now, or has stopped.
// What was kept for us for a while is no longer so.
func (a *Adapter) chatState(h bridge.Handler, st *stanza, m bridge.Message) {
	if !st.sent.IsZero() || a.draining.Load() {
		a.metrics.drop("chat-state")
		return
	}
	h.Message(bridge.Message{
		Kind: bridge.Composing, Active: st.chatState == "composing", From: m.From, To: m.To, Thread: m.Thread, Hops: maxHops,
	}, noMatter)
}

// hasChatStates notes what a stanza from n says of whether n's client has chat
// states: a text without one says that it has none, unless another client of
// n's does (XEP-0085 section 5.1).
func (a *Adapter) hasChatStates(n bridge.Name, state, text bool) {
	key := formatAddress(bare(n))
	if had, known := a.states.get(key); state && !had || !state && text && !known {
		a.states.put(state, key)
	}
}

// takesChatStates reports whether n may be sent a chat state, going by what it
// sent itself. What is to be assumed of who has not written yet is unknown.
func (a *Adapter) takesChatStates(n bridge.Name, unknown bool) bool {
	has, known := a.states.get(formatAddress(bare(n)))
	return has || !known && unknown
}

// worthTelling reports whether to is to hear that from writes, or has stopped:
// if it takes chat states at all, and the same has not been said last (XEP-0085
// section 5.3).
func (a *Adapter) worthTelling(from, to bridge.Name, writes bool) bool {
	last, known := a.shown.get(pair(from, to)...)
	if a.takesChatStates(to, false) && (!known || last != writes) {
		return true
	}
	a.metrics.drop("chat-state")
	return false
}

// receipt is the stanza that says that a text was delivered (XEP-0184 section
// 7) or displayed (XEP-0333). The hint is for readers who are away.
func receipt(m bridge.Message, from, to string) xml.TokenReader {
	ns, name := nsReceipts, "received"
	if m.Kind == bridge.Displayed {
		ns, name = nsMarkers, "displayed"
	}
	return notice(m, from, to, element(ns, name, []xml.Attr{attr("id", m.Of)}), "store")
}

// chatState is the stanza that says that somebody writes or has stopped, by RFC
// 7573 table 3.
func chatState(m bridge.Message, from, to string) xml.TokenReader {
	name := "active"
	if m.Active {
		name = "composing"
	}
	return notice(m, from, to, element(nsChatStates, name, nil), "no-store")
}

func notice(m bridge.Message, from, to string, what xml.TokenReader, hint string) xml.TokenReader {
	in := []xml.TokenReader{what}
	if m.Thread != "" {
		in = append(in, element("", "thread", nil, chars(m.Thread)))
	}
	in = append(in, element(nsHints, hint, nil))
	return element("", "message", stanzaAttrs("chat", noticeID(m.ID), from, to), in...)
}

// toss queues what is worth nothing later. It does not wait.
func (a *Adapter) toss(data []byte) error {
	s := a.current()
	if s == nil {
		return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: errors.New("not connected")}
	}
	if !a.out.put(packet{data, s}, queueHigh) {
		return &bridge.Error{Op: "send", Cause: bridge.Constrained, Retry: true, Err: errors.New("the queue is long")}
	}
	return nil
}
