package osc

import (
	"log/slog"
	"runtime/debug"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// mail is what one goroutine has to send when it has let go of the hub, and what
// the gateway itself has to hear then.
type mail struct {
	datagram.Mail
	group [][]byte // an app's packets for the group, until they are played
	heard []heard
	text  []byte // copies of what was heard
	build wire.Builder
}

// heard is a packet for the gateway itself.
type heard struct {
	user   string
	groups []string // whose names it is heard in
	packet []byte
}

func newMail() *mail { return &mail{Mail: datagram.NewMail()} }

// hear keeps a packet for the gateway itself.
func (m *mail) hear(user string, groups []string, packet []byte) {
	n := len(m.text)
	m.text = append(m.text, packet...)
	m.heard = append(m.heard, heard{user, groups, m.text[n:]})
}

// A desk is where the goroutines of a server, or of a member, have their packets.
type desk struct {
	log     *slog.Logger
	metrics *metrics
	chat    *chat
}

// guard calls f. A panic ends with what has caused it.
func (d *desk) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.metrics.drop(dropPanic)
			d.log.Error("a packet made us panic", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// post sends a mail, and hands on what the gateway itself has heard.
func (d *desk) post(m *mail) {
	for range m.Send() {
		d.metrics.drop(dropRefused)
	}
	for _, h := range m.heard {
		d.guard(func() { d.chat.hear(h.user, h.groups, h.packet) })
	}
	m.heard, m.text = m.heard[:0], m.text[:0]
}
