package rtmp

import (
	"net/url"
	"slices"

	"gateway/bridge/media/convert"
	"gateway/codec"
)

// A taste is which formats a client has, the preferred first: what it sends, and
// what it can hear.
type taste struct {
	send, hear []codec.Format
	// strict: that is its own word, and counts more than what the other side
	// prefers.
	strict bool
}

// The formats that RTMP carries and phones have too, so that nothing is lost on
// the way.
var (
	speexWide   = codec.Format{Kind: codec.Audio, Name: "speex", Rate: 16000, Channels: 1}
	speexNarrow = codec.Format{Kind: codec.Audio, Name: "speex", Rate: 8000, Channels: 1}
	pcmu        = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	pcma        = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
	opus        = codec.Format{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}
	g722        = codec.Format{Kind: codec.Audio, Name: "g722", Rate: 8000, Channels: 1}
	// aacVoice is what our encoder makes: 48 kHz, for no other rate is as near to
	// those of phones. Servers for many listeners take nothing else than AAC.
	aacVoice = codec.Format{Kind: codec.Audio, Name: nameAAC, Rate: 48000, Channels: 1, Params: "config=1188"}
	events   = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1, Params: "0-16"}
)

// carried are the formats of phones that can be made of, and into, any of RTMP's.
func carried() []codec.Format { return []codec.Format{opus, g722, speexWide, pcmu, pcma, speexNarrow} }

// offering are the formats to propose: the client's own. What it sends decides, if
// phones don't have it, for all that comes and goes is converted then.
func (t taste) offering() []codec.Format {
	list := slices.Clone(t.send)
	if len(list) == 0 || slices.ContainsFunc(carried(), list[0].Same) {
		for _, f := range t.hear {
			// Phones have no AAC: it is offered only if the client hears nothing else.
			if (f.Name != nameAAC || len(t.hear) == 1) && !(taste{send: list}).native(f) {
				list = append(list, f)
			}
		}
	} else if !convert.Encodes(list[0]) {
		list = append(list, t.heardAs(nil))
	}
	return append(list, events)
}

// alike reports whether who has f has g: of AAC each sender has a configuration of
// its own, which goes before the sound.
func alike(f, g codec.Format) bool {
	return f.Same(g) || f.Name == nameAAC && g.Name == nameAAC
}

// among reports whether one of list is like f.
func among(list []codec.Format, f codec.Format) bool {
	return slices.ContainsFunc(list, func(g codec.Format) bool { return alike(f, g) })
}

// rank is where a format stands in the client's preference; behind all of them if
// it is none of its own.
func (t taste) rank(f codec.Format) int {
	like := func(g codec.Format) bool { return alike(f, g) }
	if i := slices.IndexFunc(t.send, like); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(t.hear, like); i >= 0 {
		return len(t.send) + i
	}
	return len(t.send) + len(t.hear)
}

// native reports whether f is a client's own.
func (t taste) native(f codec.Format) bool { return t.rank(f) < len(t.send)+len(t.hear) }

// answering is what is taken of an offer: the client's own, or, if there is none of
// these, what can be brought to and from them.
func (t taste) answering(offer []codec.Format) []codec.Format {
	var own, others, beside []codec.Format
	for _, f := range offer {
		switch {
		case f.IsEvents():
			beside = append(beside, f)
		case t.native(f):
			own = append(own, f)
		case slices.ContainsFunc(carried(), f.Same):
			others = append(others, f)
		}
	}
	if t.strict {
		slices.SortStableFunc(own, func(a, b codec.Format) int { return t.rank(a) - t.rank(b) })
	}
	switch {
	case len(own) > 0:
		return append(own, beside...)
	case len(others) > 0:
		return append(others, beside...)
	}
	return nil
}

// heardAs is the format in which a client hears what comes in one of formats.
func (t taste) heardAs(formats []codec.Format) codec.Format {
	for _, f := range formats {
		if among(t.hear, f) {
			return f
		}
	}
	if len(t.hear) > 0 {
		return t.hear[0]
	}
	return pcmu
}

// heardBy are the formats that servers and players elsewhere may be given, by the names
// that files and URLs have for them.
var heardBy = map[string]codec.Format{"aac": aacVoice, "speex": speexWide, "pcmu": pcmu, "pcma": pcma}

// hearing is the taste of who hears formats by these names; false if one is unknown,
// or can't be made by this build, or there is none.
func hearing(names []string) (t taste, ok bool) {
	for _, name := range names {
		f, known := heardBy[name]
		if !known || !convert.Encodes(f) {
			return taste{}, false
		}
		if !t.native(f) {
			t.hear = append(t.hear, f)
		}
	}
	return t, len(t.hear) > 0
}

// remoteTaste is what a stream is published in, unless the file says something
// else: AAC, which is all that servers for many listeners take; in a build without it
// what any program has for a voice.
func remoteTaste() taste {
	if t, ok := hearing([]string{"aac"}); ok {
		return t
	}
	return taste{hear: []codec.Format{speexWide, pcmu, pcma}}
}

// urlTaste is that of tools whose connect does not say what they can hear.
func urlTaste() taste {
	t := taste{hear: []codec.Format{speexWide, pcmu, pcma, speexNarrow}}
	if convert.Encodes(aacVoice) {
		t.hear = append(t.hear, aacVoice)
	}
	return t
}

// asked is the taste of a tool whose URL says what it would hear, as "codec=aac";
// without that, what it was. false: there is no such codec.
func (t taste) asked(query url.Values) (taste, bool) {
	names, said := query["codec"]
	if !said {
		return t, true
	}
	own, ok := hearing(names)
	t.hear = own.hear
	return t, ok
}

const reasonCodec = "want codec=aac, speex, pcmu or pcma"

// The bits of connect's audioCodecs (RTMP 1.0 section 7.2.1.1).
const (
	maskALaw  = 0x0080
	maskMuLaw = 0x0100
	maskAAC   = 0x0400
	maskSpeex = 0x0800
)

// masked is the taste of a client that has said what it can hear; of one that has
// not, all of it.
func masked(bits float64) taste {
	t := urlTaste()
	mask := 0
	if bits >= 1 && bits < 1<<16 {
		mask = int(bits)
	}
	if mask == 0 {
		return t
	}
	needs := map[string]int{speexWide.Name: maskSpeex, pcmu.Name: maskMuLaw, pcma.Name: maskALaw, nameAAC: maskAAC}
	t.hear = slices.DeleteFunc(t.hear, func(f codec.Format) bool { return mask&needs[f.Name] == 0 })
	if len(t.hear) == 0 {
		return urlTaste()
	}
	return t
}
