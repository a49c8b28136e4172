package relay

import (
	"slices"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
)

// A line that is replaced in a running call, since something else was agreed on, fades: what waits in it
// goes on when it is due, by what held when it came. Its heir waits for that, as a rule less than 200 ms.

// heeds reports whether the peer of g would take what f makes for what it is. ways are those of g now.
func (l *loop) heeds(g *leg, ways []convert.Way, f *line) bool {
	if ways == nil || f.to != g.peer.id() {
		return false
	}
	takes := l.formats.payloads(g.peer.out)
	return !slices.ContainsFunc(f.ways, func(w convert.Way) bool {
		return w.Mode > media.CrossUntouched && !slices.Contains(takes, w.Out)
	})
}

// fade has f take nothing more, and heir begin when it has ended.
func (f *line) fade(heir *line) {
	f.heir.Store(heir)
	f.fading.Store(true)
	f.worker.offer(f)
	if f.closed.Load() { // it failed before it knew the heir
		heir.worker.offer(heir)
	}
}

// fading is the line that fades; nil: there is none.
func (g *leg) fading() *line {
	if g.made == nil {
		return nil
	}
	return g.made.fading
}

// cut ends the line that fades, if there is one, with what waits in it.
func (g *leg) cut() {
	if f := g.fading(); f != nil {
		f.gone = true
		f.end()
		g.made.faded()
	}
}

// faded takes leave of the line that has faded.
func (m *made) faded() {
	m.fading.worker.lines.Add(-1)
	m.add(m.fading)
	m.fading = nil
}

// end closes a line. Its heir may begin.
func (f *line) end() {
	f.closed.Store(true)
	if heir := f.heir.Load(); heir != nil {
		heir.worker.offer(heir)
	}
}

// may reports whether the line may begin; else it is offered again when it may.
func (f *line) may() bool {
	if f.before != nil && f.before.closed.Load() {
		f.before = nil
	}
	return f.before == nil
}

// mayEnd ends the line if it fades and nothing waits in it any more.
func (f *line) mayEnd() {
	if f.due != 0 || !f.fading.Load() {
		return
	}
	f.mu.Lock()
	waits := f.held > 0
	f.mu.Unlock()
	if waits {
		return
	}
	f.end()
	f.worker.do(f.from, func(_ *loop, g *leg) {
		if g.fading() == f {
			g.made.faded()
		}
	})
}
