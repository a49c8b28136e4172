package convert

import (
	"fmt"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
	"gateway/codec/resample"
	"gateway/codec/sound"
)

// A voice decodes sound, brings it to the rate that is wanted and encodes it again.
type voice struct {
	out     media.Payload
	encoder codec.Encoder
	sources map[uint8]*source
	last    *source // that was heard last
	emit    func(Out)
	at      int64 // of the first sample of rest, in samples of the encoder
	pcm     []int16
	kept    []int16 // less than a frame
	one     []byte
	part    int64 // of a sample, that rests have left over
	marker  bool
}

// A source is one format that sound may come in.
type source struct {
	clock   int64
	unit    unit
	decoder codec.Decoder
	change  *resample.Resampler // nil: the rates are the same
}

// newVoice makes a voice from the payloads of ways that are transcoded to out.
func newVoice(ways []Way, out media.Payload, ptime time.Duration, emit func(Out)) (*voice, error) {
	v := &voice{out: out, sources: map[uint8]*source{}, emit: emit, marker: true}
	best := 0
	for _, w := range ways {
		if w.Mode == media.CrossTranscoded && w.Out.Type == out.Type {
			best = max(best, soundRate(w.In.Format))
		}
	}
	var err error
	if v.encoder, err = sound.NewEncoder(out.Format, sound.Setting{Ptime: ptime, Rate: best, Loss: 1}); err != nil {
		return nil, fmt.Errorf("transcode to %v: %w", out.Format, err)
	}
	for _, w := range ways {
		if w.Mode != media.CrossTranscoded || w.Out.Type != out.Type {
			continue
		}
		s := &source{clock: int64(w.In.Format.Rate), unit: unitOf(w.In.Format)}
		if s.decoder, err = sound.NewDecoderAt(w.In.Format, v.encoder.Rate()); err != nil {
			return nil, fmt.Errorf("transcode from %v: %w", w.In.Format, err)
		}
		if from, to := s.decoder.Rate(), v.encoder.Rate(); from != to {
			if s.change, err = resample.New(from, to); err != nil {
				return nil, fmt.Errorf("transcode from %v: %w", w.In.Format, err)
			}
		}
		v.sources[w.In.Type] = s
	}
	return v, nil
}

// soundRate is how many samples a second a format has.
func soundRate(f codec.Format) int {
	if isG722(f) {
		return 2 * f.Rate
	}
	return f.Rate
}

func (v *voice) begin(at int64) {
	v.at = at * int64(v.encoder.Rate()) / int64(v.out.Format.Rate)
	v.kept, v.part, v.marker = v.kept[:0], 0, true
}

func (v *voice) end() int64 {
	return (v.at + int64(len(v.kept))) * int64(v.out.Format.Rate) / int64(v.encoder.Rate())
}

func (v *voice) costly() bool { return true }

func (v *voice) carry(kind uint8, payload []byte) (int64, error) {
	s := v.sources[kind]
	if s == nil {
		return 0, nil
	}
	if s.unit.long(payload, int(s.clock)) {
		return 0, errLong
	}
	v.last = s
	var err error
	v.pcm, err = s.decoder.Decode(v.pcm[:0], payload)
	v.pcm = v.pcm[:min(len(v.pcm), int(toTicks(maxPayload, s.decoder.Rate())))]
	n := int64(len(v.pcm)) * s.clock / int64(s.decoder.Rate())
	v.take(s)
	return n, err
}

func (v *voice) conceal(ticks int64, kind uint8, next []byte) {
	s := v.last
	if s == nil {
		v.rest(ticks)
		return
	}
	n := int(ticks * int64(s.decoder.Rate()) / s.clock)
	if r, can := s.decoder.(codec.Recoverer); can && next != nil && v.sources[kind] == s {
		v.pcm = r.Recover(v.pcm[:0], n, next)
	} else {
		v.pcm = s.decoder.Conceal(v.pcm[:0], n)
	}
	v.take(s)
}

// take encodes what is in pcm, which s has decoded, as far as it makes whole frames.
func (v *voice) take(s *source) {
	if s.change != nil {
		v.kept = s.change.Append(v.kept, v.pcm)
	} else {
		v.kept = append(v.kept, v.pcm...)
	}
	v.encode()
}

func (v *voice) encode() {
	frame, used := v.encoder.Frame(), 0
	for len(v.kept)-used >= frame {
		one, err := v.encoder.Encode(v.one[:0], v.kept[used:used+frame])
		v.one = one
		if err == nil && len(one) > 0 {
			v.emit(Out{
				Type: v.out.Type, Time: v.at * int64(v.out.Format.Rate) / int64(v.encoder.Rate()),
				Length: int64(frame) * int64(v.out.Format.Rate) / int64(v.encoder.Rate()),
				Rate:   v.out.Format.Rate, Marker: v.marker, Data: one,
			})
		}
		v.marker = err != nil || len(one) == 0 // it may have nothing to say of a silence
		used += frame
		v.at += int64(frame)
	}
	v.kept = v.kept[:copy(v.kept, v.kept[used:])]
}

// rest completes the frame that has begun with silence; the others are left out.
func (v *voice) rest(ticks int64) {
	clock := int64(v.out.Format.Rate)
	if v.last != nil {
		clock = v.last.clock
	}
	all := ticks*int64(v.encoder.Rate()) + v.part
	n := all / clock
	v.part = all % clock
	if len(v.kept) > 0 {
		fill := min(n, int64(v.encoder.Frame()-len(v.kept)))
		for range fill {
			v.kept = append(v.kept, 0)
		}
		n -= fill
		v.encode()
		if n == 0 {
			return
		}
	}
	v.at += n
	v.marker = true
}
