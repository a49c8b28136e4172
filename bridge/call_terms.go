package bridge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gateway/codec"
)

// Terms are what a [[map]] says of the calls to its homes.
type Terms struct {
	// Ring is how long a place is rung, or all together; 0 stands for DefaultRing.
	Ring time.Duration
	// Hunt: one place after the other instead of all at once.
	Hunt bool
	// Codecs are the only formats that are offered, the preferred first: names
	// as in codec.Format.Name, or with the clock as in "speex/16000". Empty: all,
	// as the caller prefers them. Events and comfort noise are always among them.
	Codecs []string
	// Media is "auto", "relay" or "", which is "auto".
	Media string
	// Early: what is heard of a home before it takes the call is progress, also
	// where its network has no sign for that.
	Early bool
	// Private: who calls is withheld from the homes.
	Private bool
	// Plain: calls need not be encrypted where a network wants that.
	Plain bool
	// Caps bound what all calls to the map may be together.
	Caps Caps

	key string // tells the map's caps from those of others, also after a reload
}

// Caps bound the calls to the homes of one map, against fraud. Zero is no bound.
type Caps struct {
	Calls         int // at once
	PerHour       int // begun within 60 minutes
	MinutesPerDay int // begun minutes of talk, within 24 hours
}

// DefaultRing is how long a place is rung unless its map says otherwise.
const DefaultRing = 30 * time.Second

// The bounds of what the mapping file may say.
const (
	leastRing  = time.Second
	mostRing   = time.Hour
	mostCodecs = 32
	mostCap    = 100_000
)

var codecName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,31}(/[0-9]{4,6})?$`)

// problems lists the mistakes in t, by the keys of the mapping file, in order.
func (t *Terms) problems() []Problem {
	var list []Problem
	bad := func(key, format string, args ...any) {
		list = append(list, Problem{Key: key, Msg: fmt.Sprintf(format, args...)})
	}
	if t.Ring != 0 && (t.Ring < leastRing || t.Ring > mostRing) {
		bad("ring", "want 1s to 1h")
	}
	if len(t.Codecs) > mostCodecs {
		bad("codecs", "want at most %d", mostCodecs)
	}
	for i, c := range t.Codecs {
		key := fmt.Sprintf("codecs[%d]", i)
		switch {
		case !codecName.MatchString(c):
			bad(key, `want the name of a format, as in "opus", "g722" or "speex/16000"`)
		case strings.EqualFold(c, codec.TelephoneEvent), strings.EqualFold(c, codec.ComfortNoise):
			bad(key, "is always offered beside the others: leave it out")
		case slices.ContainsFunc(t.Codecs[:i], func(o string) bool { return strings.EqualFold(o, c) }):
			bad(key, "stands here twice")
		}
	}
	switch t.Media {
	case "", "auto", "relay":
	case "direct":
		bad("media", "not in this version")
	default:
		bad("media", `want "auto" or "relay"`)
	}
	caps := map[string]int{"caps.calls": t.Caps.Calls, "caps.minutes_per_day": t.Caps.MinutesPerDay, "caps.per_hour": t.Caps.PerHour}
	for _, key := range slices.Sorted(maps.Keys(caps)) {
		if caps[key] < 0 || caps[key] > mostCap {
			bad(key, "want 0 (no bound) to %d", mostCap)
		}
	}
	return list
}

// complete is t with its defaults, and known as that of spec's map.
func (t *Terms) complete(spec *MapSpec) Terms {
	full := *t
	if full.Ring == 0 {
		full.Ring = DefaultRing
	}
	full.key = strings.Join(spec.Home, "\n")
	for _, adapter := range slices.Sorted(maps.Keys(spec.As)) {
		full.key += "\n\n" + adapter + ":" + spec.As[adapter]
	}
	return full
}

// maxLive is how many streams may cross, for each takes ports: the sound, and
// once more in another form, as some offer it who would like it encrypted.
const maxLive = 2

// filter is what may cross of d as it is: sound only, and of that the formats of
// Codecs in their order, or all. A stream of which nothing is left stays, refused, as
// do those after the first few.
func (t *Terms) filter(d Description) Description { return t.pick(d, t.choose) }

// pick is d with what choose picks of the formats of each stream of sound.
func (t *Terms) pick(d Description, choose func([]codec.Format) []codec.Format) Description {
	out := make(Description, len(d))
	live := 0
	for i, s := range d {
		out[i] = s
		out[i].Formats = nil
		if s.Kind != codec.Audio || live == maxLive || !s.live() {
			continue
		}
		if out[i].Formats = choose(s.Formats); out[i].live() {
			live++
		} else {
			out[i].Formats = nil
		}
	}
	return out
}

func (t *Terms) choose(formats []codec.Format) []codec.Format {
	all := make([]codec.Format, 0, len(formats))
	for _, f := range formats {
		if isSound(f) {
			all = append(all, f)
		}
	}
	all = t.preferred(all)
	if len(all) == 0 {
		return nil
	}
	for _, f := range formats {
		if !isSound(f) {
			all = append(all, f)
		}
	}
	return all
}

// preferred are those of list that Codecs has, in its order; all if it has none.
func (t *Terms) preferred(list []codec.Format) []codec.Format {
	if len(t.Codecs) == 0 {
		return list
	}
	var some []codec.Format
	for _, c := range t.Codecs {
		for _, f := range list {
			if named(f, c) && !has(some, f) {
				some = append(some, f)
			}
		}
	}
	return some
}

// passes reports whether anything of d may cross as it is.
func (t *Terms) passes(d Description) bool {
	if len(t.Codecs) == 0 {
		return slices.ContainsFunc(d, func(s Stream) bool { return s.Kind == codec.Audio && s.live() })
	}
	return t.filter(d).live()
}

// named reports whether f is called c in a map's codecs.
func named(f codec.Format, c string) bool {
	name, rate, clocked := strings.Cut(c, "/")
	return strings.EqualFold(f.Name, name) && (!clocked || rate == fmt.Sprint(f.Rate))
}

// isSound reports whether f is worth something by itself.
func isSound(f codec.Format) bool { return !f.IsEvents() && !f.IsNoise() }

// explain tells, for people, of what the map says of calls that is not so
// anyway.
func (t *Terms) explain(b *strings.Builder) {
	var list []string
	if t.Ring != DefaultRing || t.Hunt {
		list = append(list, fmt.Sprintf("ring = %q", t.Ring))
	}
	if t.Hunt {
		list = append(list, "hunt = true")
	}
	if len(t.Codecs) > 0 {
		list = append(list, fmt.Sprintf("codecs = %q", t.Codecs))
	}
	if t.Early {
		list = append(list, "early = true")
	}
	if t.Private {
		list = append(list, "privacy = true")
	}
	if t.Plain {
		list = append(list, "plain_rtp = true")
	}
	if c := t.Caps; c != (Caps{}) {
		list = append(list, fmt.Sprintf("caps = { calls = %d, per_hour = %d, minutes_per_day = %d }", c.Calls, c.PerHour, c.MinutesPerDay))
	}
	if len(list) > 0 {
		fmt.Fprintf(b, "  calls: %s\n", strings.Join(list, ", "))
	}
}
