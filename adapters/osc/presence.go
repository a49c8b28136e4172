package osc

import (
	"strings"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// What a member says under the address of presence.
const (
	watchPart   = "watch"
	unwatchPart = "unwatch"
)

var (
	_ bridge.Presencer = (*Adapter)(nil)
	_ bridge.Viewer    = (*Adapter)(nil)
)

// PresenceOf implements bridge.Presencer: a member is there from joining to
// leaving, a group while somebody is in it.
func (a *Adapter) PresenceOf(who bridge.Address) bridge.Presence {
	p := a.part.Load()
	n, err := a.set.naming.Parse(who.Name)
	if p == nil || err != nil || !p.roster.there(n) {
		return bridge.Presence{}
	}
	return bridge.Presence{State: bridge.Available}
}

// ShowPresence implements bridge.Viewer: PRESENCE ,sss party state note.
func (a *Adapter) ShowPresence(of, to bridge.Address, p bridge.Presence) {
	part := a.part.Load()
	party, err := a.set.naming.Parse(of.Name)
	member, bad := a.set.naming.Parse(to.Name)
	if part == nil || err != nil || bad != nil || a.set.presence == "" {
		return // nobody has asked here
	}
	packet, err := wire.Compose(a.set.presence, shortName(party, member), p.State.String(), oneLine(p.Note, maxReason))
	if err != nil {
		return // no string of ours makes that
	}
	part.chat.reply(member, packet)
}

// watch takes a member's wish to be shown who is there elsewhere, PRESENCE/watch
// ,s party, or no longer, PRESENCE/unwatch ,s party. It reports whether m is under
// the address of presence.
func (c *chat) watch(user string, groups []string, m wire.Message) bool {
	if c.presence == "" {
		return false
	}
	rest, ours := strings.CutPrefix(string(m.Address), c.presence)
	if !ours || rest != "" && rest[0] != '/' {
		return false
	}
	command := strings.TrimPrefix(rest, "/")
	args, ok := texts(m)
	if command != watchPart && command != unwatchPart || !ok || len(args) != 1 || !isName(args[0]) {
		return true
	}
	for _, group := range groups {
		if !isName(group) {
			continue
		}
		by, to := bridge.Name{Lead: user, Main: group}, bridge.Name{Lead: args[0], Main: group}
		w := bridge.Watch{
			By: bridge.Address{Name: c.naming.Text(by)}, To: bridge.Address{Name: c.naming.Text(to)}, On: command == watchPart,
		}
		c.bridge.Watch(w, func(err error) {
			if e := asError(err); e != nil && (len(groups) == 1 || e.Cause != bridge.NotFound) {
				c.tellFailed(c.presence, to, by, e.Cause, e.Reason)
			}
		})
	}
	return true
}
