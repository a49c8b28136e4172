package bridge

import (
	"slices"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/codec"
)

// universal are the formats that sound is brought to for a party that may have none of
// what the other has: the preferred first.
func universal() []codec.Format {
	return []codec.Format{
		{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2},
		{Kind: codec.Audio, Name: "g722", Rate: 8000, Channels: 1},
		{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1},
		{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1},
	}
}

// more are the formats beside own that may be offered to who shall hear a party that has
// own, because we can bring sound from and to them. Events go with them.
func (t *Terms) more(own []codec.Format) (list, keys []codec.Format) {
	if !slices.ContainsFunc(own, convert.Decodes) || !slices.ContainsFunc(own, convert.Encodes) {
		return nil, nil
	}
	for _, f := range t.preferred(universal()) {
		if !has(own, f) {
			list = append(list, f)
		}
	}
	if !slices.ContainsFunc(own, codec.Format.IsEvents) {
		return list, nil
	}
	for _, f := range list {
		e := codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: f.Rate, Channels: 1, Params: "0-15"}
		if !has(own, e) && !has(keys, e) {
			keys = append(keys, e)
		}
	}
	return list, keys
}

// present is what is offered of d, which a party has said, to the leg n, or to one that is
// not there yet (nobody): what may cross as it is, and if there is room for one more call
// that is transcoded what we make of it, unless n is known to need none of that.
func (m *machine) present(n int, t *Terms, d Description) Description {
	if m.room && n == nobody {
		return t.extend(d)
	}
	plain := t.filter(d)
	if !m.room || chooseMode(plain.as(m.legs[n].streams), m.legs[n].can, false) == mediaUntouched {
		return plain
	}
	return t.extend(d)
}

// extend is what may cross of d as it is, and what we make of it.
func (t *Terms) extend(d Description) Description {
	return t.pick(d, func(formats []codec.Format) []codec.Format {
		more, keys := t.more(formats)
		all := t.choose(formats)
		if all == nil {
			all = slices.DeleteFunc(slices.Clone(formats), isSound)
		}
		at := 0
		for at < len(all) && isSound(all[at]) {
			at++
		}
		return slices.Concat(all[:at], more, all[at:], keys)
	})
}

// keep is d without what can't cross in any way.
func (m *machine) keep(t *Terms, d Description) Description {
	return t.pick(d, func(formats []codec.Format) []codec.Format {
		if all := t.choose(formats); all != nil || !m.room {
			return all
		}
		if more, _ := t.more(formats); more != nil {
			return formats
		}
		return nil
	})
}

// reply is d as the answer to a party that has said own, stream by stream: what of its
// own formats d has, or if it has none of the sounds those that we can convert.
func reply(own, d Description) Description {
	out := slices.Clone(d)
	for i := range out {
		if i >= len(own) || !out[i].live() {
			continue
		}
		shared := slices.DeleteFunc(slices.Clone(out[i].Formats), func(f codec.Format) bool { return !has(own[i].Formats, f) })
		if !slices.ContainsFunc(shared, isSound) {
			shared = slices.DeleteFunc(slices.Clone(own[i].Formats), func(f codec.Format) bool {
				return isSound(f) && !convert.Decodes(f) && !convert.Encodes(f) || f.IsEvents() && !slices.ContainsFunc(d[i].Formats, codec.Format.IsEvents)
			})
		}
		out[i].Formats = shared
	}
	return out
}

// A mediaMode is how media crosses between two legs.
type mediaMode string

// The ways in which media crosses, the cheapest first.
const (
	mediaNone       mediaMode = "none"       // no stream is live on both legs
	mediaUntouched  mediaMode = "untouched"  // packets pass as they came
	mediaRepacked   mediaMode = "repacked"   // encoded frames pass in other packets
	mediaTranscoded mediaMode = "transcoded" // sound is decoded and encoded again
	mediaApart      mediaMode = "apart"      // streams that share no format: nothing can be heard
)

// dearer reports whether m has more done to sound than o.
func (m mediaMode) dearer(o mediaMode) bool {
	order := [...]mediaMode{mediaUntouched, mediaRepacked, mediaTranscoded}
	return slices.Index(order[:], m) > slices.Index(order[:], o)
}

// chooseMode says how media crosses between two legs on which this was agreed.
// It is decided anew at every change. frames: one of the two has no packets.
func chooseMode(a, b Description, frames bool) mediaMode {
	mode := mediaNone
	theirs := b.slots()
	for i, at := range a.slots() {
		j := slices.Index(theirs, at)
		if j < 0 || !a[i].live() || !b[j].live() {
			continue
		}
		there, back := convert.Crosses(a[i].Formats, b[j].Formats), convert.Crosses(b[j].Formats, a[i].Formats)
		switch {
		case (there == media.CrossUntouched || back == media.CrossUntouched) && frames:
			return mediaRepacked
		case there == media.CrossUntouched || back == media.CrossUntouched:
			return mediaUntouched
		case there == media.CrossTranscoded && back == media.CrossTranscoded:
			mode = mediaTranscoded
		case mode == mediaNone:
			mode = mediaApart
		}
	}
	return mode
}

// cross sees how media crosses between the pair; false if it can't, and the call ends.
func (m *machine) cross() bool {
	x, y := m.legs[m.pair[0]], m.legs[m.pair[1]]
	m.mode = chooseMode(x.agreed, y.agreed, x.framed() || y.framed())
	if (x.made || y.made) && mediaTranscoded.dearer(m.mode) && m.mode.dearer(mediaNone) {
		m.mode = mediaTranscoded
	}
	m.do(action{do: doAgreed, leg: nobody})
	switch {
	case m.mode == mediaApart:
		m.end(NotAcceptable, nobody)
		return false
	case m.mode == mediaTranscoded && !m.room:
		m.end(Constrained, nobody)
		return false
	}
	return true
}

// suffices reports whether l needs not be told of want, which o has said: their sound is
// transcoded, and would be all the same.
func (m *machine) suffices(l, o *member, want Description) bool {
	same := slices.EqualFunc(l.told, want, func(s, w Stream) bool {
		return s.Kind == w.Kind && s.live() == w.live() && (!s.live() || s.Dir == w.Dir)
	})
	return same && m.room && chooseMode(l.agreed, o.agreed, false) == mediaTranscoded &&
		chooseMode(want, l.can, false) != mediaUntouched
}

// framed reports whether a port of the leg has no packets.
func (l *member) framed() bool {
	for _, p := range l.ports {
		if p.port.Frames {
			return true
		}
	}
	return false
}

// narrow offers one of the pair only what the other has, if it would rather send what has
// to be transcoded though it has what need not be.
func (m *machine) narrow() bool {
	if m.mode != mediaUntouched {
		return false
	}
	for i, n := range m.pair {
		l, o := m.legs[n], m.legs[m.pair[1-i]]
		if l.narrowed || !l.prefersOther(o) {
			continue
		}
		l.narrowed = true
		m.offer(n, m.terms.filter(o.said), exchange{from: nobody})
		return true
	}
	return false
}

// prefersOther reports whether the sound that l would send first is none of o's, while another is.
func (l *member) prefersOther(o *member) bool {
	theirs := o.agreed.slots()
	for i, at := range l.agreed.slots() {
		j := slices.Index(theirs, at)
		if j < 0 || !l.agreed[i].live() {
			continue
		}
		first := slices.IndexFunc(l.agreed[i].Formats, isSound)
		if !has(o.agreed[j].Formats, l.agreed[i].Formats[first]) {
			return true
		}
	}
	return false
}
