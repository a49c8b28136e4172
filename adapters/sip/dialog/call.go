package dialog

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
)

const (
	maxForks    = 16 // remote tags of one INVITE
	maxSending  = 32 // requests that wait for their turn
	maxRequests = 16 // of theirs that wait for an answer
)

// What a command meets that can't be done.
var (
	ErrOver   = errors.New("the call is over")
	ErrGlare  = errors.New("another offer is open")
	ErrNotYet = errors.New("not at this point of a call")
	ErrFull   = errors.New("too many requests wait")
)

// A Call is one INVITE and the dialogs that it makes.
type Call struct {
	t      *Table
	out    bool   // the INVITE is ours
	callID string // of all its dialogs
	tag    string // ours, in all of them
	user   string // of our Contact
	secure bool   // our Contact is of sips:
	hops   int    // Max-Forwards of what we send

	authorize Authorize
	merge     string         // key in Table.merged; guarded by the Table
	met       netip.AddrPort // where the other end is; guarded by the Table
	due       time.Duration  // of its next alarm, by the clock; 0: none. Guarded by the Table's clock
	place     int            // in the clock; guarded by it

	mu     sync.Mutex // guards the rest: sockets, timers and the owner
	post   func(Event)
	news   []Event // that the owner has not been told yet
	tells  bool    // somebody is telling them, and goes on until none is left
	alarms []*alarm
	left   bool // the Table

	invite  *Invite       // of ours, until it is decided
	offered bool          // it had an offer
	first   *client       // its transaction
	least   time.Duration // Min-SE
	shown   Path          // by which we are at address, our Contact; nil: it has not been made
	address string
	base    *dialog // what its dialogs are made of
	forks   []*dialog

	request  *wire.Message // the INVITE that came
	replaces *Call

	dlg       *dialog // of an INVITE that came; else the confirmed one
	confirmed bool
	answering *served // the INVITE that came, until its final response is acknowledged
	reliable  bool    // its sender takes reliable provisional responses
	required  bool    // and nothing else
	rseq      uint32

	ended    bool
	last     []wire.Field // what BYE or CANCEL say besides
	byes     bool         // a BYE is to be sent when the ACK has come, and the queue has gone
	hurry    *alarm       // of what is in the queue by then
	clients  int          // transactions of ours
	asked    []*Request
	queue    []*sending
	busy     bool // the one before the first of queue is under way
	notifies bool // which is a NOTIFY
	sendID   uint64
	session  timerState
}

// Authorize makes the credentials for a request that has met a challenge (RFC
// 3261 section 22): the header, and whether it was only the nonce that was too old.
type Authorize func(challenge *wire.Message, method, uri string) (f wire.Field, stale bool, err error)

// ID is our tag: unique, and nobody can guess it.
func (c *Call) ID() string { return c.tag }

// CallID is the Call-ID.
func (c *Call) CallID() string { return c.callID }

// Own makes post the owner's ear, and gives it what has happened before. Events are told
// one at a time, in order, without the lock: by whoever has brought them, a socket, a
// timer or the owner itself, and before that one's business with the Call is done, unless
// another is telling already.
func (c *Call) Own(post func(Event)) {
	c.mu.Lock()
	defer c.unlock()
	c.post = post
}

// tell notes an event for the owner, unless the last has been. The lock is held.
func (c *Call) tell(ev Event) {
	if !c.ended {
		c.news = append(c.news, ev)
	}
}

// deliver tells the owner the news. The lock is held, and given back meanwhile.
func (c *Call) deliver() {
	if c.tells || c.post == nil {
		return
	}
	c.tells = true
	told := 0
	defer func() {
		c.tells, c.news = false, slices.Delete(c.news, 0, told)
		if c.ended && len(c.news) == 0 {
			c.post, c.news = nil, nil // it has been told everything, and need not be kept
		}
	}()
	for told < len(c.news) { // more may come meanwhile
		if told == maxTold {
			c.news, told = slices.Delete(c.news, 0, told), 0
		}
		ev := c.news[told]
		c.news[told] = nil // it may have a message, which is large
		told++
		c.hand(ev)
	}
}

// maxTold is how many events that have been told stay in the list where there is always another.
const maxTold = 16

// hand is the part of deliver that is done without the lock.
func (c *Call) hand(ev Event) {
	post := c.post
	c.mu.Unlock()
	defer c.mu.Lock() // even if the owner panics
	post(ev)
}

// end posts the last event. What is still under way goes on without the owner.
func (c *Call) end(ev Ended) {
	if c.ended {
		return
	}
	c.tell(ev)
	c.ended = true
	c.session.stop()
	for _, r := range slices.Clone(c.asked) {
		c.finish(r, 487, "Request Terminated", nil)
	}
	c.request, c.replaces, c.invite = nil, nil, nil
	if c.base != nil {
		c.base.sent = nil
	}
	c.queue = slices.DeleteFunc(c.queue, func(s *sending) bool { return !c.byes || s.method != methodNotify })
	for _, d := range c.all() {
		d.open = nil
		if d.modify != nil {
			d.modify.wait.stop()
			d.modify = nil
		}
		d.sent, d.got = nil, nil
	}
}

// abandon ends everything at once, without a word to the other side.
func (c *Call) abandon(ev Ended) {
	c.end(ev)
	for _, a := range c.alarms {
		a.stop()
	}
	if c.clients > 0 {
		c.t.forget(c)
	}
	c.leave()
}

// leave takes the Call out of the Table.
func (c *Call) leave() {
	if c.left {
		return
	}
	c.left = true
	c.t.remove(c)
}

// idle says whether nothing is left to be done.
func (c *Call) idle() bool {
	return c.ended && c.clients == 0 && c.answering == nil && !c.byes &&
		!slices.ContainsFunc(c.all(), func(d *dialog) bool { return d.served != nil })
}

// all are the dialogs of the call.
func (c *Call) all() []*dialog {
	if c.out {
		return c.forks
	}
	if c.dlg == nil {
		return nil
	}
	return []*dialog{c.dlg}
}

// find is the dialog with a remote tag, nil if there is none that lives.
func (c *Call) find(tag string) *dialog {
	if c.confirmed && c.dlg.tag != tag {
		return nil
	}
	for _, d := range c.all() {
		if d.tag == tag {
			return d
		}
	}
	return nil
}

// Remote is where the other end was met: the source of its INVITE, or where
// ours went.
func (c *Call) Remote() netip.AddrPort {
	if p := c.Path(); p != nil {
		return p.Remote()
	}
	return netip.AddrPort{}
}

// Path is the way by which the other end was met; nil while ours is looked for.
func (c *Call) Path() Path {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.path()
}

func (c *Call) path() Path {
	switch {
	case c.dlg != nil:
		return c.dlg.path
	case c.base != nil:
		return c.base.path
	}
	return nil
}

// Allows says whether the other side has said that it takes a method.
func (c *Call) Allows(method string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dlg != nil && c.dlg.allows(method)
}

// Names says whether the other side has told us that a is where requests to it
// go: in its Contact, or in its Record-Route.
func (c *Call) Names(a netip.Addr) bool {
	c.mu.Lock()
	defer c.unlock()
	for _, d := range c.all() {
		if hostIs(d.target, a) || slices.ContainsFunc(d.routes, func(r route) bool { return hostIs(r.uri, a) }) {
			return true
		}
	}
	return false
}

func hostIs(uri string, a netip.Addr) bool {
	u, err := wire.ParseURI(uri)
	if err != nil {
		return false
	}
	h, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	return err == nil && h.Unmap() == a
}

// Established says whether the INVITE has been accepted, either way.
func (c *Call) Established() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.confirmed
}

// Hangup ends the call with what its state demands: CANCEL, BYE, or a refusal.
// fields go with it (Reason). Ended{Ours} is posted at once; what is left is done without the
// owner.
func (c *Call) Hangup(fields ...wire.Field) {
	c.mu.Lock()
	defer c.unlock()
	if c.ended {
		return
	}
	c.last = fields
	if c.answering != nil && c.answering.status < 200 {
		c.decline(480, "Temporarily Unavailable", fields)
		return
	}
	c.quit()
	c.end(Ended{Why: Ours})
}

// quit says the last word.
func (c *Call) quit() {
	switch {
	case c.confirmed:
		c.hangUp()
	case c.out && c.first != nil && !c.first.over:
		c.first.cancel = true
		if c.first.heard {
			c.first.sendCancel()
		}
	}
}

// hangUp ends a confirmed dialog by BYE: on the answering side not before the
// ACK (RFC 3261 section 15).
func (c *Call) hangUp() {
	d := c.dlg
	if c.out && !d.acked {
		c.acknowledge(c.first, d, nil) // a 2xx whose offer has had no answer
	}
	if s := d.served; s != nil && s.status < 200 {
		c.conclude(s, 487, "Request Terminated", nil, nil)
	}
	c.byes = true
	c.part(d)
}

// part sends the BYE as soon as it may go: after the ACK, and after the news that a
// transferor has been promised (RFC 3515 section 2.4.7), if that does not take long.
func (c *Call) part(d *dialog) {
	if !c.byes || c.answering != nil && !c.answering.acked {
		return
	}
	if c.busy && c.notifies || slices.ContainsFunc(c.queue, func(s *sending) bool { return s.method == methodNotify }) {
		if c.hurry == nil {
			c.hurry = c.after(lastWords, func() {
				for len(c.queue) > 0 {
					c.busy = false
					c.sendNext()
				}
				c.bye(d, c.last)
			})
		}
		return
	}
	c.bye(d, c.last)
}

func (c *Call) bye(d *dialog, fields []wire.Field) {
	c.byes = false
	c.hurry.stop()
	d.seq++
	r := c.draft(d, methodBye, fields, "", nil)
	r.cseq = d.seq
	c.send(d, r, func(*wire.Message, error) {}) // whatever the answer, it is over
}

// shut is Close for one Call: nobody waits for answers.
func (c *Call) shut() {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case !c.ended:
		c.queue, c.busy = nil, false
		if s := c.answering; s != nil && s.status < 200 {
			c.conclude(s, 503, "Service Unavailable", nil, nil)
		} else {
			c.quit()
		}
	case c.byes && c.answering == nil:
		c.bye(c.dlg, c.last)
	}
	c.abandon(Ended{Why: Closed})
}
