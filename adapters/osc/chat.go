package osc

import (
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// How long it is remembered who is in a conversation.
const (
	staying     = time.Hour       // after a party's last text
	maxStaying  = 100             // in one group
	maxTalking  = 1000            // groups: they may come and go quicker than that
	answering   = time.Minute     // in which a text can be refused
	maxSent     = 4096            // texts that can be
	echoing     = 5 * time.Second // in which our own text may come back by another gateway
	maxHops     = 10
	maxDisplay  = 64  // runes
	maxReason   = 200 // runes
	failedPart  = "failed"
	chatStrings = 2 // from and text
)

// A chat joins the group to the bridge: texts, and what else is sent there as
// lines of text. It is the same for a server and a member.
type chat struct {
	address string // "" if no texts cross
	naming  bridge.Naming
	log     *slog.Logger
	metrics *metrics
	bridge  bridge.Handler
	now     func() time.Time
	// reply sends a packet to a member; what is lost is lost.
	reply    func(to bridge.Name, packet []byte)
	lines    *lines
	calls    *calls
	presence string // "" if nobody is shown who is there

	mu      sync.Mutex                      // guards the rest
	staying map[string]map[string]time.Time // by group and name: parties of other networks who write there, and when last
	sent    map[exchange]sent
	said    map[saying]time.Time
	draws   bool // what comes is refused: the end is near
}

// An exchange is a party of another network and a member, both by name.
type exchange struct{ party, member string }

// sent is the last text of an exchange.
type sent struct {
	id string
	at time.Time
}

// A saying is what somebody said in a group.
type saying struct{ group, from, text string }

func newChat(set *settings, log *slog.Logger, m *metrics, h bridge.Handler, k *calls, reply func(bridge.Name, []byte)) *chat {
	return &chat{
		address: set.chat, naming: set.naming, log: log, metrics: m, bridge: h, now: time.Now, reply: reply, lines: newLines(set.lines),
		calls: k, presence: set.presence, staying: map[string]map[string]time.Time{}, sent: map[exchange]sent{}, said: map[saying]time.Time{},
	}
}

// hear takes a packet of a member's in these groups. It is not kept.
func (c *chat) hear(user string, groups []string, packet []byte) {
	if c.address == "" || !isName(user) {
		return
	}
	wire.Each(packet, func(m wire.Message) {
		if c.calls.command(user, groups, m) || c.watch(user, groups, m) {
			return
		}
		for _, group := range groups {
			if !isName(group) {
				continue
			}
			c.message(bridge.Name{Lead: user, Main: group}, m)
		}
	})
}

func (c *chat) message(from bridge.Name, m wire.Message) {
	rest, ours := strings.CutPrefix(string(m.Address), c.address)
	to, direct := strings.CutPrefix(rest, "/")
	switch args, ok := texts(m); {
	case !ours && wire.Match(m.Address, []byte(c.address)) && ok && len(args) <= chatStrings:
		c.text(from, "", args)
	case ours && direct && to == failedPart:
		if ok && len(args) > chatStrings {
			c.refused(from, args)
		}
	case ours && direct && isName(to) && ok && len(args) <= chatStrings:
		c.text(from, to, args)
	case ours && rest == "" && ok && len(args) <= chatStrings:
		c.text(from, "", args)
	case strings.HasPrefix(string(m.Address), wire.PrefixToClient):
	default:
		c.lines.add(from, m)
	}
}

// texts gives the arguments of a message that has strings only, and some.
func texts(m wire.Message) (args []string, ok bool) {
	cur := m.Arguments()
	for {
		tag, more := cur.Next()
		if !more {
			return args, len(args) > 0
		}
		if tag != 's' && tag != 'S' {
			return nil, false
		}
		args = append(args, strings.ToValidUTF8(string(cur.Value), "\ufffd"))
	}
}

// text hands on a text to one party of another network, or to all that are in
// the group's conversation, and to whoever has the group's own name.
func (c *chat) text(from bridge.Name, to string, args []string) {
	text := args[len(args)-1]
	m := bridge.Message{
		Kind: bridge.Text, From: bridge.Party{Address: bridge.Address{Name: c.naming.Text(from)}},
		Bodies: []bridge.Body{{Text: text}}, Hops: maxHops, Once: true, At: c.now(),
	}
	if len(args) == chatStrings {
		if said := oneLine(args[0], maxDisplay); said != from.Lead {
			m.From.Display = said
		}
	}
	if to != "" {
		c.stay(from.Main, to)
		c.hand(m, bridge.Name{Lead: to, Main: from.Main}, from)
		return
	}
	if c.echoed(saying{from.Main, args[0], text}) {
		c.metrics.drop(dropLoop)
		return
	}
	c.hand(m, bridge.Name{Main: from.Main}, from)
	for _, name := range c.present(from.Main) {
		c.hand(m, bridge.Name{Lead: name, Main: from.Main}, from)
	}
}

// hand gives the bridge a message, and tells its writer if it is refused. That
// nobody elsewhere is called what the group is is no news.
func (c *chat) hand(m bridge.Message, to, from bridge.Name) {
	m.To.Name = c.naming.Text(to)
	c.mu.Lock()
	draws := c.draws
	c.mu.Unlock()
	if draws {
		c.tellFailed(c.address, to, from, bridge.Unavailable, "the gateway is about to end")
		return
	}
	c.bridge.Message(m, func(_ bridge.Outcome, err error) {
		e := asError(err)
		if e == nil || to.Lead == "" && (e.Cause == bridge.NotFound || e.Cause == bridge.Forbidden) {
			return
		}
		c.log.Debug("a text was refused", "from", m.From.Name, "to", m.To.Name, "cause", e.Cause, "err", err)
		c.tellFailed(c.address, to, from, e.Cause, e.Reason)
	})
}

func asError(err error) *bridge.Error {
	if err == nil {
		return nil
	}
	var e *bridge.Error
	if errors.As(err, &e) {
		return e
	}
	return &bridge.Error{Op: "hand on", Cause: bridge.Internal, Err: err}
}

// tellFailed tells a member that what it wanted of a party was refused:
// ADDRESS/failed ,sss party cause reason.
func (c *chat) tellFailed(address string, party, member bridge.Name, cause bridge.Cause, reason string) {
	p, err := wire.Compose(address+"/"+failedPart, shortName(party, member), cause.String(), oneLine(reason, maxReason))
	if err != nil {
		return // no string of ours makes that
	}
	c.reply(member, p)
}

// shortName is how a party is called within the group: without the group.
func shortName(party, in bridge.Name) string {
	switch {
	case party.Lead == "":
		return party.Main
	case party.Main == in.Main:
		return party.Lead
	}
	return party.Lead + "@" + party.Main
}

// refused reads a member's refusal of the last text that a party wrote to it.
func (c *chat) refused(member bridge.Name, args []string) {
	c.mu.Lock()
	key := exchange{args[0], c.naming.Text(member)}
	s, ok := c.sent[key]
	delete(c.sent, key)
	c.mu.Unlock()
	if !ok || c.now().Sub(s.at) > answering {
		return
	}
	cause := causeOf(args[1])
	c.bridge.Bounced(s.id, &bridge.Error{
		Op: "send a text", Cause: cause, Reason: oneLine(args[2], maxReason), Retry: cause.Passing(),
	})
}

// remember notes a text that goes to the group, or to one member of it.
func (c *chat) remember(id string, from string, to bridge.Name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if to.Lead == "" {
		if len(c.said) >= maxSent {
			maps.DeleteFunc(c.said, func(_ saying, at time.Time) bool { return now.Sub(at) > echoing })
		}
		if len(c.said) < maxSent {
			c.said[saying{to.Main, from, text}] = now
		}
		return
	}
	if len(c.sent) >= maxSent {
		maps.DeleteFunc(c.sent, func(_ exchange, s sent) bool { return now.Sub(s.at) > answering })
	}
	if len(c.sent) < maxSent {
		c.sent[exchange{from, c.naming.Text(to)}] = sent{id, now}
	}
}

// echoed reports whether a text is one of ours that another gateway in the group
// has taken for a member's.
func (c *chat) echoed(s saying) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.said[s]
	return ok && c.now().Sub(at) <= echoing
}

// stay notes that a party of another network is in a group's conversation.
func (c *chat) stay(group, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.staying[group]
	if names == nil {
		if len(c.staying) >= maxTalking {
			maps.DeleteFunc(c.staying, func(_ string, names map[string]time.Time) bool { return c.forgetSilent(names) == 0 })
		}
		if len(c.staying) >= maxTalking {
			return
		}
		names = map[string]time.Time{}
		c.staying[group] = names
	}
	if _, there := names[name]; there || len(names) < maxStaying {
		names[name] = c.now()
	}
}

// present lists the parties in a group's conversation.
func (c *chat) present(group string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.staying[group]
	if c.forgetSilent(names) == 0 {
		delete(c.staying, group)
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	return list
}

// forgetSilent forgets those who have been silent for too long, and gives how many are left.
func (c *chat) forgetSilent(names map[string]time.Time) int {
	maps.DeleteFunc(names, func(_ string, at time.Time) bool { return c.now().Sub(at) > staying })
	return len(names)
}

// drain refuses what comes from now on.
func (c *chat) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draws = true
}

// oneLine makes a bounded line without control characters of a text from the
// network.
func oneLine(s string, runes int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes])
	}
	return s
}
