package osc

import (
	"net/netip"

	"gateway/adapters/osc/datagram"
	"gateway/adapters/osc/wire"
)

// mail is what one goroutine has to send when it has let go of the hub. It is
// used again and again, so that nothing is allocated for it.
type mail struct {
	letters []letter
	copies  []byte // of what was composed
	heard   []heard
	text    []byte // copies of what was heard
	build   wire.Builder
	writer  *datagram.Writer
}

// A letter is a datagram to be sent.
type letter struct {
	from *datagram.Socket
	data []byte
	to   netip.AddrPort
	at   netip.Addr // of ours, to leave from
}

// heard is a packet for the gateway itself.
type heard struct {
	user   string
	groups []string // whose names it is heard in
	packet []byte
}

func newMail() *mail { return &mail{writer: datagram.NewWriter(64)} }

// hand puts a datagram in whose data stays as it is until send.
func (m *mail) hand(from *datagram.Socket, data []byte, to netip.AddrPort, at netip.Addr) {
	m.letters = append(m.letters, letter{from, data, to, at})
}

// compose puts a copy of data in.
func (m *mail) compose(from *datagram.Socket, data []byte, to netip.AddrPort, at netip.Addr) {
	n := len(m.copies)
	m.copies = append(m.copies, data...)
	m.hand(from, m.copies[n:], to, at)
}

// hear keeps a packet for the gateway itself.
func (m *mail) hear(user string, groups []string, packet []byte) {
	n := len(m.text)
	m.text = append(m.text, packet...)
	m.heard = append(m.heard, heard{user, groups, m.text[n:]})
}

// send sends it all, and gives how many datagrams our system has refused.
func (m *mail) send() (refused int) {
	for i := range m.letters {
		l := &m.letters[i]
		m.writer.Add(l.from, l.data, l.to, l.at)
	}
	refused = m.writer.Flush()
	clear(m.letters)
	m.letters, m.copies = m.letters[:0], m.copies[:0]
	return refused
}
