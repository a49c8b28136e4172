package osc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// Bounds on what is shown of a member's messages.
const (
	maxShown    = 16  // addresses in one text
	maxFollowed = 256 // members
	maxLineText = 500 // bytes of one line
)

// lines gather what members send, for those who only read: of each address the
// last message, all of them in one text per member and interval. So a fader that
// moves a thousand times a second becomes one line now and then.
type lines struct {
	every time.Duration // 0: nothing is shown

	mu     sync.Mutex // guards the rest
	ofWhom map[bridge.Name]*gathered
}

// gathered is what one member has sent since it was shown last.
type gathered struct {
	shown time.Time
	order []string          // addresses
	last  map[string][]byte // messages by address, in memory that is used again
	more  int               // messages of further addresses
}

func newLines(every time.Duration) *lines {
	return &lines{every: every, ofWhom: map[bridge.Name]*gathered{}}
}

// add notes a message.
func (l *lines) add(from bridge.Name, m wire.Message) {
	if l.every == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.ofWhom[from]
	if g == nil {
		if len(l.ofWhom) >= maxFollowed {
			return
		}
		g = &gathered{last: map[string][]byte{}}
		l.ofWhom[from] = g
	}
	if last, ok := g.last[string(m.Address)]; ok && len(last) > 0 {
		g.last[string(m.Address)] = append(last[:0], m.Raw...)
		return
	}
	if len(g.order) == maxShown {
		g.more++
		return
	}
	g.order = append(g.order, string(m.Address))
	g.last[string(m.Address)] = append([]byte(nil), m.Raw...)
}

// due gives the texts whose time has come, by member.
func (l *lines) due(now time.Time) map[bridge.Name]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts map[bridge.Name]string
	for from, g := range l.ofWhom {
		switch since := now.Sub(g.shown); {
		case since < l.every:
		case len(g.order) == 0:
			delete(l.ofWhom, from)
		default:
			if texts == nil {
				texts = map[bridge.Name]string{}
			}
			texts[from] = g.text()
			*g = gathered{shown: now, last: map[string][]byte{}}
		}
	}
	return texts
}

func (g *gathered) text() string {
	var b strings.Builder
	for i, address := range g.order {
		m, err := wire.Parse(g.last[address])
		if err != nil {
			continue // it was checked
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		line := wire.Line(m)
		if len(line) > maxLineText {
			line = strings.ToValidUTF8(line[:maxLineText], "") + " …"
		}
		b.WriteString(line)
	}
	if g.more > 0 {
		fmt.Fprintf(&b, "\n… and %d more", g.more)
	}
	return b.String()
}

// runLines shows what is due until ctx is done.
func (c *chat) runLines(ctx context.Context) {
	if c.lines.every == 0 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for from, text := range c.lines.due(now) {
				c.show(from, text, now)
			}
		}
	}
}

// show hands a text of lines to the group's conversation. It is for now: nobody
// keeps it, and that it has not arrived is no news.
func (c *chat) show(from bridge.Name, text string, now time.Time) {
	recipients := []bridge.Name{{Main: from.Main}}
	for _, name := range c.present(from.Main) {
		recipients = append(recipients, bridge.Name{Lead: name, Main: from.Main})
	}
	for _, to := range recipients {
		m := bridge.Message{
			Kind: bridge.Signal, From: bridge.Party{Address: bridge.Address{Name: c.naming.Text(from)}},
			To: bridge.Party{Address: bridge.Address{Name: c.naming.Text(to)}}, Bodies: []bridge.Body{{Text: text}}, Hops: maxHops, At: now,
		}
		c.bridge.Message(m, func(bridge.Outcome, error) {})
	}
}
