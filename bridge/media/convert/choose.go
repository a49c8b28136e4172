package convert

import (
	"slices"

	"gateway/bridge/media"
	"gateway/codec"
	"gateway/codec/sound"
)

// A Way is what becomes of the packets of one payload type.
type Way struct {
	In   media.Payload
	Out  media.Payload // if Mode is not CrossNone
	Mode media.Crossing
}

// Choose says what becomes of each payload of in, in its order, on the way to a
// peer that takes out. repacks: one of the two has frames that are no packets, so what
// is shared has to be packed anew. Events are not looked at: they are no sound.
//
// What the sender may send besides that which is shared is transcoded, in case it does.
func Choose(in, out []media.Payload, repacks bool) []Way {
	ways := make([]Way, len(in))
	for i, p := range in {
		ways[i].In = p
		if !isSound(p.Format) {
			continue
		}
		if q, ok := same(p.Format, out); ok {
			ways[i].Out, ways[i].Mode = q, media.CrossUntouched
			if repacks {
				ways[i].Mode = media.CrossRepacked
			}
		}
	}
	clock := 0
	for i, p := range in {
		w := &ways[i]
		if w.Mode == media.CrossNone && isSound(p.Format) && sound.CanDecode(p.Format) {
			if q, ok := target(p.Format, out); ok {
				w.Out, w.Mode = q, media.CrossTranscoded
			}
		}
		if w.Mode != media.CrossNone && clock == 0 {
			clock = w.Out.Format.Rate
		}
	}
	for i, p := range in {
		// Comfort noise is of the sound beside it, and shares its clock.
		if q, ok := same(p.Format, out); ok && p.Format.IsNoise() && q.Format.Rate == clock {
			ways[i].Out, ways[i].Mode = q, media.CrossRepacked
		}
	}
	return ways
}

// Best is the cheapest of ways that carries sound.
func Best(ways []Way) media.Crossing {
	best := media.CrossNone
	for _, w := range ways {
		if isSound(w.In.Format) && w.Mode != media.CrossNone && (best == media.CrossNone || w.Mode < best) {
			best = w.Mode
		}
	}
	return best
}

// Crosses is how sound of the formats from reaches a peer that takes the formats to,
// both with packets, at best.
func Crosses(from, to []codec.Format) media.Crossing {
	for _, f := range from {
		if isSound(f) && slices.ContainsFunc(to, f.Same) {
			return media.CrossUntouched // which is the best
		}
	}
	return Best(Choose(payloads(from), payloads(to), false))
}

func payloads(list []codec.Format) []media.Payload {
	out := make([]media.Payload, len(list))
	for i, f := range list {
		out[i].Format = f
	}
	return out
}

// same finds the payload of list that has the format f.
func same(f codec.Format, list []media.Payload) (media.Payload, bool) {
	for _, q := range list {
		if f.Same(q.Format) {
			return q, true
		}
	}
	return media.Payload{}, false
}

// target is what sound of the format f is encoded to: what the peer likes best of
// that which we can, but G.711 if f holds no more than that.
func target(f codec.Format, list []media.Payload) (media.Payload, bool) {
	var best media.Payload
	found := false
	for _, q := range list {
		if !isSound(q.Format) || !sound.CanEncode(q.Format) {
			continue
		}
		if isNarrow(f) && isG711(q.Format) {
			return q, true
		}
		if !found {
			best, found = q, true
		}
	}
	return best, found
}

func isSound(f codec.Format) bool {
	return f.Kind == codec.Audio && !f.IsEvents() && !f.IsNoise()
}
