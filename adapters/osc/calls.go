package osc

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"

	"golang.org/x/time/rate"
)

// Bounds on calls.
const (
	maxLegs     = 1000            // at once
	maxLegsOf   = 100             // of one group or member
	maxDialled  = 10              // of one member
	dialRate    = 5               // a second, of all members
	dialBurst   = 20              // likewise
	maxKeys     = 32              // in one message
	keyRate     = 20              // a second, in one call
	keyBurst    = 64              // likewise
	deserted    = 5 * time.Second // after which a call ends whose member or group is gone
	sizeOfID    = 13              // characters of 5 bits
	maxTag      = 64              // bytes
	keyDuration = 100 * time.Millisecond
	keys        = "0123456789*#ABCD!"
)

// Calls' addresses, behind the one of the mapping file: what a member says, and
// what it is told.
const (
	dialPart     = "dial"
	hangupPart   = "hangup"
	dtmfPart     = "dtmf" // both
	incomingPart = "incoming"
	ringingPart  = "ringing"
	answeredPart = "answered"
	endedPart    = "ended"
)

// calls are the legs of members and groups. Nothing is heard of a call but its
// keys, and how it stands.
type calls struct {
	address string // "" if there are none
	naming  bridge.Naming
	log     *slog.Logger
	bridge  bridge.Handler
	roster  *roster
	// deliver sends a packet to a member, or to a group.
	deliver func(to bridge.Name, packet []byte) error
	now     func() time.Time
	pace    *rate.Limiter

	mu    sync.Mutex // guards the rest; nobody is called with it held
	legs  map[string]*leg
	draws bool // no more begin: the end is near
}

func newCalls(set *settings, log *slog.Logger, h bridge.Handler, r *roster, deliver func(bridge.Name, []byte) error) *calls {
	return &calls{
		address: set.calls, naming: set.naming, log: log, bridge: h, roster: r, deliver: deliver, now: time.Now,
		pace: rate.NewLimiter(dialRate, dialBurst), legs: map[string]*leg{},
	}
}

// newID is a leg's identity, of letters and digits.
func newID() string { return rand.Text()[:sizeOfID] }

// add notes a leg, or says why there is no room for it.
func (c *calls) add(l *leg) bridge.Cause {
	c.mu.Lock()
	defer c.mu.Unlock()
	same, dialled := 0, 0
	for _, o := range c.legs {
		if o.who != l.who {
			continue
		}
		if same++; o.dialled {
			dialled++
		}
		if o.tag == l.tag {
			return bridge.Conflict
		}
	}
	switch {
	case c.draws:
		return bridge.Unavailable
	case len(c.legs) >= maxLegs:
		return bridge.Constrained
	case same >= maxLegsOf || l.dialled && dialled >= maxDialled:
		return bridge.Busy
	}
	c.legs[l.id] = l
	return 0
}

func (c *calls) remove(l *leg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.legs, l.id)
}

func (c *calls) all() []*leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.legs))
}

// find gives the call that a member may command by its id, or tag; nil if there is
// none.
func (c *calls) find(user string, groups []string, tag string) *leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.legs {
		if l.tag == tag && slices.Contains(groups, l.who.Main) && (l.who.Lead == "" || l.who.Lead == user) {
			return l
		}
	}
	return nil
}

// drain lets no more calls begin.
func (c *calls) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draws = true
}

// close ends all calls.
func (c *calls) close() {
	c.drain()
	for _, l := range c.all() {
		l.end(bridge.Unavailable, "")
	}
}

// run ends, until ctx is done, the calls of those who have gone.
func (c *calls) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.sweep()
		}
	}
}

func (c *calls) sweep() {
	for _, l := range c.all() {
		if l.isDeserted(c.roster.there(l.who), c.now()) {
			l.end(bridge.Unavailable, "")
		}
	}
}

// command takes what a member says of calls, and reports whether m is under their
// address.
func (c *calls) command(user string, groups []string, m wire.Message) bool {
	if c.address == "" {
		return false
	}
	rest, ours := strings.CutPrefix(string(m.Address), c.address)
	if !ours || rest != "" && rest[0] != '/' {
		return false
	}
	args, ok := words(m)
	if !ok || len(args) > 2 {
		return true // nothing that there is
	}
	switch strings.TrimPrefix(rest, "/") {
	case dialPart:
		tag := newID()
		if len(args) > 1 {
			tag = args[1]
		}
		c.place(user, groups, args[0], tag)
	case hangupPart:
		if l := c.find(user, groups, args[0]); l != nil {
			l.hungUp()
		}
	case dtmfPart:
		if l := c.find(user, groups, args[0]); l != nil && len(args) > 1 {
			l.press(args[1])
		}
	}
	return true
}

// words gives the arguments of a message as text, and whether there are some that
// have such: numbers are, as programs exist whose numbers all are floats.
func words(m wire.Message) (args []string, ok bool) {
	for cur := m.Arguments(); ; {
		tag, more := cur.Next()
		if !more {
			return args, len(args) > 0
		}
		switch tag {
		case 's', 'S':
			args = append(args, strings.ToValidUTF8(string(cur.Value), "\ufffd"))
		case 'i', 'h':
			args = append(args, strconv.FormatInt(cur.Int(), 10))
		case 'f':
			args = append(args, strconv.FormatFloat(float64(math.Float32frombits(uint32(cur.Int()))), 'f', -1, 32))
		default:
			return nil, false
		}
	}
}

// place has a member call a party: in the first of its groups in which anybody
// is called that.
func (c *calls) place(user string, groups []string, party, tag string) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return !isName(g) })
	if len(tag) > maxTag || len(party) > maxName {
		return // it would not even fit into an answer
	}
	for i, group := range groups {
		l := c.newLeg(bridge.Name{Lead: user, Main: group}, user, party, tag)
		l.dialled = true
		e := asError(c.begin(l, bridge.Name{Lead: party, Main: group}))
		switch {
		case e == nil:
			return
		case e.Cause == bridge.NotFound && i < len(groups)-1:
		default:
			l.tell(failedPart, tag, party, e.Cause.String(), oneLine(e.Reason, maxReason))
			return
		}
	}
}

// begin offers the bridge a call that a member has dialled.
func (c *calls) begin(l *leg, to bridge.Name) error {
	if !isName(to.Lead) {
		return &bridge.Error{Op: "dial", Cause: bridge.BadAddress}
	}
	if cause := c.add(l); cause != 0 {
		return &bridge.Error{Op: "dial", Cause: cause}
	}
	if !c.pace.AllowN(c.now(), 1) {
		c.remove(l)
		return &bridge.Error{Op: "dial", Cause: bridge.Overloaded}
	}
	inv := bridge.Invite{
		ID: l.id, Hops: maxHops, Offer: &bridge.Offer{Seq: 1, Desc: offered()},
		From: bridge.Party{Address: bridge.Address{Name: c.naming.Text(l.who)}},
		To:   bridge.Party{Address: bridge.Address{Name: c.naming.Text(to)}},
	}
	err := c.bridge.Incoming(inv, func(ev bridge.Events) bridge.Leg {
		l.begin(ev)
		return l
	})
	if err != nil {
		c.remove(l)
	}
	return err
}
