package mesh

import (
	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"
)

// mail is what one goroutine has to send, and to tell others, when it has let go
// of a lock.
type mail struct {
	datagram.Mail
	build  wire.Builder
	packet wire.Packet
	inner  wire.Packet // of one that was handed on
	heard  []heard
	bytes  []byte // copies of what was heard
	news   []news
	state  func() // tells the bridge how we stand; nil: as before
}

func newMail() *mail { return &mail{Mail: datagram.NewMail()} }

// hear keeps values for their takers.
func (m *mail) hear(from Remote, meta []byte, values [][]byte) {
	if len(values) > 0 {
		meta = m.keep(meta)
	}
	for _, v := range values {
		if len(v) > 0 {
			m.heard = append(m.heard, heard{from, meta, m.keep(v)})
		}
	}
}

func (m *mail) keep(b []byte) []byte {
	n := len(m.bytes)
	m.bytes = append(m.bytes, b...)
	return m.bytes[n:len(m.bytes):len(m.bytes)]
}

// tell keeps news.
func (m *mail) tell(who Remote, there bool) { m.news = append(m.news, news{who, there}) }

// values composes packets of values, as many as need be: head begins each, seal sends
// it, and spare bytes are left in it.
func (m *mail) values(head func(*wire.Builder), seal func(*wire.Builder), spare int, meta []byte, values [][]byte) {
	b := &m.build
	begin := func() {
		head(b)
		if meta != nil {
			b.Meta(meta)
		}
	}
	begin()
	empty := true
	for _, v := range values {
		if !empty && b.Room()-spare < 2+len(v) {
			seal(b)
			begin()
		}
		b.CC(v)
		empty = false
	}
	seal(b)
}
