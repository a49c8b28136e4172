package dialog

import "gateway/adapters/sip/wire"

// A sending is a request of the owner's that waits for its turn.
type sending struct {
	id          uint64
	method      string
	contentType string
	body        []byte
	fields      []wire.Field
}

// Send sends an INFO, REFER or NOTIFY within the dialog; one after the other,
// so that they arrive in order. Responded follows, with the id.
func (c *Call) Send(method, contentType string, body []byte, fields ...wire.Field) (id uint64, err error) {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case c.ended:
		return 0, ErrOver
	case c.dlg == nil:
		return 0, ErrNotYet
	case len(c.queue) == maxSending:
		return 0, ErrFull
	}
	c.sendID++
	c.queue = append(c.queue, &sending{c.sendID, method, contentType, body, fields})
	c.sendNext()
	return c.sendID, nil
}

func (c *Call) sendNext() {
	if c.busy || len(c.queue) == 0 {
		return
	}
	s, d := c.queue[0], c.dlg
	c.busy, c.notifies = true, s.method == methodNotify
	c.queue = c.queue[1:]
	fields := s.fields
	if s.method == "REFER" || s.method == methodNotify {
		fields = append([]wire.Field{c.contact(d.path)}, fields...)
	}
	d.seq++
	r := c.draft(d, s.method, fields, s.contentType, s.body)
	r.cseq = d.seq
	c.send(d, r, func(m *wire.Message, err error) {
		c.busy = false
		ev := Responded{ID: s.id, Err: err, Message: m}
		if m != nil {
			ev.Status = m.Response.StatusCode
		}
		c.tell(ev)
		if s.method != methodNotify { // that is of a subscription, and ends no more than that (RFC 6665 section 4.2.2)
			c.lost(ev.Status, m, err)
		}
		c.sendNext()
		c.part(d)
	})
}
