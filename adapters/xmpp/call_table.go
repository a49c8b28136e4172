package xmpp

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// Bounds on what calls leave in memory.
const (
	maxOver = 5_000 // sessions that have ended, see calls.over
	maxAsks = 256   // requests of one leg that have no answer yet
)

// calls knows the legs of an adapter, what they are called on the wire, and
// what they wait for. The zero calls is not usable: newCalls makes one.
type calls struct {
	// over has the sessions that have ended lately: what comes late of them must
	// not begin a new one.
	over *recent[bool]

	mu       sync.Mutex // guards the rest: the reader, the bridge and every leg use it
	done     bool
	legs     map[*leg]bool
	sessions map[sessionKey]*leg
	asks     map[string]ask
	last     uint64
	wg       sync.WaitGroup
}

// A sessionKey is what a session is known by: its own identity is no secret, so who
// it is between belongs to that. Both are bare.
type sessionKey struct {
	sid       string
	ours, his bridge.Name
}

// An ask is a request of ours that has no answer yet.
type ask struct {
	leg  *leg
	to   bridge.Name
	then func(answer)
}

// An answer is what came back: refused is nil for a result.
type answer struct {
	refused *refusal
	payload *jingle.Element
}

func newCalls() *calls {
	return &calls{
		over: newRecent[bool](maxOver), legs: map[*leg]bool{}, sessions: map[sessionKey]*leg{}, asks: map[string]ask{},
	}
}

func keyOf(sid string, ours, his bridge.Name) sessionKey {
	return sessionKey{sid, bare(ours), bare(his)}
}

// start runs a leg in a goroutine of its own, unless the end has begun.
func (t *calls) start(l *leg, begin func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return false
	}
	t.legs[l] = true
	t.wg.Go(func() { l.run(begin) })
	return true
}

// open lets calls begin: a Run begins.
func (t *calls) open() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = false
}

// close ends all legs.
func (t *calls) close() {
	t.mu.Lock()
	t.done = true
	var all []*leg
	for l := range t.legs {
		all = append(all, l)
	}
	t.mu.Unlock()
	for _, l := range all {
		l.box.put(func() { l.hangup(bridge.Unavailable) })
	}
}

// name notes that a session is of l; false if there is another of that name.
func (t *calls) name(k sessionKey, l *leg) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sessions[k] != nil {
		return false
	}
	t.sessions[k] = l
	return true
}

// of is the leg that a session is of; nil if there is none.
func (t *calls) of(k sessionKey) *leg {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sessions[k]
}

// pend notes under which identity a call of ours waits to be taken; "" if it
// does not any more.
func (t *calls) pend(l *leg, sid string, jmi bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if jmi {
		l.byMessage = sid
	} else {
		l.atOnce = sid
	}
}

// pending is the identity of a call of ours that nobody has taken, begun by
// message or not; "" if there is none.
func (t *calls) pending(l *leg, jmi bool) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if jmi {
		return l.byMessage
	}
	return l.atOnce
}

// between lists the legs between two parties, by their bare names.
func (t *calls) between(ours, his bridge.Name) []*leg {
	ours, his = bare(ours), bare(his)
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*leg
	for l := range t.legs {
		if bare(l.our) == ours && bare(l.peer) == his {
			all = append(all, l)
		}
	}
	return all
}

// forget takes l out of everything.
func (t *calls) forget(l *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.legs, l)
	for k, other := range t.sessions {
		if other == l {
			delete(t.sessions, k)
			t.over.put(true, k.sid, formatAddress(k.ours), formatAddress(k.his))
		}
	}
	for id, q := range t.asks {
		if q.leg == l {
			delete(t.asks, id)
		}
	}
}

// wasOver reports whether a session of that name has ended lately.
func (t *calls) wasOver(k sessionKey) bool {
	_, was := t.over.get(k.sid, formatAddress(k.ours), formatAddress(k.his))
	return was
}

// expect notes that a request to somebody is under way, and gives its id; then
// may be nil.
func (t *calls) expect(l *leg, to bridge.Name, then func(answer)) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	id := callPrefix + strconv.FormatUint(t.last, 36) + "-" + l.id
	if l.asks < maxAsks {
		l.asks++
		t.asks[id] = ask{l, to, then}
	}
	return id
}

// callPrefix begins the ids of all that legs send.
const callPrefix = "jm-"

// answered hands an answer to the leg that has asked; false if none has. Only who
// was asked, or its server, can answer.
func (t *calls) answered(st *stanza) bool {
	if !strings.HasPrefix(st.id, callPrefix) {
		return false
	}
	from, err := parseAddress(st.from)
	if err != nil {
		return false
	}
	t.mu.Lock()
	q, ok := t.asks[st.id]
	if ok = ok && (q.to == from || bare(q.to) == from || st.kind == "error" && domainOf(q.to) == from); ok {
		delete(t.asks, st.id)
		q.leg.asks--
	}
	t.mu.Unlock()
	if !ok {
		return false
	}
	a := answer{payload: st.element}
	if st.kind == "error" {
		a.refused = &refusal{}
		if st.refusal != nil {
			a.refused = st.refusal
		}
	}
	if q.then != nil {
		q.leg.box.put(func() { q.then(a) })
	}
	return true
}

// wait returns when all legs have ended.
func (t *calls) wait() { t.wg.Wait() }

// The times of a call.
const (
	askTime   = 2 * time.Second  // for clients to say what they can
	beginTime = 15 * time.Second // from our proceed to the session
	oldCall   = 60 * time.Second // a call that was stored so long is none
)
