package datagram

import "net/netip"

// A Mail is what one goroutine has to send when it has let go of a lock. It is used
// again and again, so that nothing is allocated for it.
type Mail struct {
	Letters []Letter
	copies  []byte // of what was composed
	writer  *Writer
}

// A Letter is a datagram to be sent.
type Letter struct {
	By   *Socket
	Data []byte
	To   netip.AddrPort
	From netip.Addr // of ours, to leave from; zero: the system chooses
}

// NewMail makes an empty one.
func NewMail() Mail { return Mail{writer: NewWriter(64)} }

// Hand puts a datagram in whose data stays as it is until Send.
func (m *Mail) Hand(by *Socket, data []byte, to netip.AddrPort, from netip.Addr) {
	m.Letters = append(m.Letters, Letter{by, data, to, from})
}

// Compose puts a copy of data in.
func (m *Mail) Compose(by *Socket, data []byte, to netip.AddrPort, from netip.Addr) {
	n := len(m.copies)
	m.copies = append(m.copies, data...)
	m.Hand(by, m.copies[n:], to, from)
}

// Send sends it all, and gives how many datagrams our system has refused.
func (m *Mail) Send() (refused int) {
	for i := range m.Letters {
		l := &m.Letters[i]
		m.writer.Add(l.By, l.Data, l.To, l.From)
	}
	refused = m.writer.Flush()
	m.Clear()
	return refused
}

// Clear forgets what is in it.
func (m *Mail) Clear() {
	clear(m.Letters)
	m.Letters, m.copies = m.Letters[:0], m.copies[:0]
}
