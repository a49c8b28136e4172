package osc

import (
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
