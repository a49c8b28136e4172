package config

import (
	"fmt"
	"slices"
	"strings"

	"gateway/bridge"
)

// route has the router made of the maps.
func (l *loader) route(f *File, maps []mapTable) {
	names := make(map[string]bridge.Namer, len(f.Adapters))
	for _, a := range f.Adapters {
		names[a.Name] = a.Config
	}
	for i, m := range maps {
		l.checkLists(i, m)
		if !slices.Contains([]string{"", "phone", "hop"}, m.Receipts) || m.Receipts == "" && l.given(fmt.Sprintf("map[%d].receipts", i)) {
			l.meaning(fmt.Sprintf("map[%d]", i), "receipts", `want "phone" or "hop"`, false)
		}
		f.Maps = append(f.Maps, l.spec(i, m))
	}
	if len(maps) == 0 && !l.given("map") {
		l.probs.put(0, "", "there is no [[map]] in this file: nobody can be reached", true)
	}
	router, problems := l.router(f.Maps, names)
	for _, p := range problems {
		if p.Map < 0 || p.Map >= len(maps) {
			l.probs.put(0, p.Key, p.Msg, p.Warn)
			continue
		}
		if !l.ofLost(maps[p.Map], p.Key) {
			l.meaning(fmt.Sprintf("map[%d]", p.Map), p.Key, p.Msg, p.Warn)
		}
	}
	f.Router = router
}

// spec gives a map in the bridge's words.
func (l *loader) spec(i int, m mapTable) bridge.MapSpec {
	top := fmt.Sprintf("map[%d]", i)
	for key, empty := range map[string]bool{"ring": m.Ring == 0, "media": m.Media == "", "codecs": len(m.Codecs) == 0} {
		if empty && l.given(top+"."+key) {
			l.meaning(top, key, "nothing is no choice: leave it out", false)
		}
	}
	if m.Ring == 0 {
		m.Ring = bridge.DefaultRing
	}
	return bridge.MapSpec{
		Home: m.Home, As: m.As, Name: m.Name, From: m.From, Allow: m.Allow, Shown: m.Shown, Receipts: m.Receipts,
		Calls: bridge.Terms{
			Ring: m.Ring, Hunt: m.Hunt, Codecs: m.Codecs, Media: m.Media, Early: m.Early, Private: m.Privacy, Plain: m.Plain,
			Caps: bridge.Caps(m.Caps),
		},
	}
}

// table is the inverse of spec.
func table(m bridge.MapSpec) mapTable {
	c := m.Calls
	return mapTable{
		Home: m.Home, As: m.As, Name: m.Name, From: m.From, Allow: m.Allow, Shown: m.Shown, Receipts: m.Receipts,
		Ring: c.Ring, Hunt: c.Hunt, Codecs: c.Codecs, Media: c.Media, Early: c.Early, Privacy: c.Private, Plain: c.Plain, Caps: caps(c.Caps),
	}
}

// checkLists refuses lists with nobody in them: left out they mean everybody,
// which is what nobody who writes [] wants.
func (l *loader) checkLists(i int, m mapTable) {
	for key, list := range map[string]oneOrMore{"home": m.Home, "from": m.From, "allow": m.Allow} {
		if list != nil && len(list) == 0 {
			l.meaning(fmt.Sprintf("map[%d]", i), key, "names nobody", false)
		}
	}
}

// ofLost reports whether a router's problem with key is one with an adapter
// that the file has but that could not be had: that is told already.
func (l *loader) ofLost(m mapTable, key string) bool {
	if name, ok := strings.CutPrefix(key, "as."); ok {
		return l.lost[name]
	}
	if name, ok := strings.CutPrefix(key, "shown."); ok {
		return l.lost[name]
	}
	for what, list := range map[string]oneOrMore{"home": m.Home, "from": m.From, "allow": m.Allow} {
		for i, s := range list {
			name, _, _ := strings.Cut(s, ":")
			if l.lost[name] && (key == "" || key == what || key == fmt.Sprintf("%s[%d]", what, i)) {
				return true
			}
		}
	}
	for _, names := range []map[string]string{m.As, m.Shown} {
		for name := range names {
			if l.lost[name] && key == "" {
				return true
			}
		}
	}
	return false
}
