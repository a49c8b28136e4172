package sound

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gateway/codec"
)

// ErrUnsupported is why there is no decoder or encoder for a format.
var ErrUnsupported = errors.New("no such codec")

// A Setting is what an encoder is to know beyond the format. The zero Setting
// is good.
type Setting struct {
	// Ptime is how much sound one frame shall have, where the format leaves the
	// choice; 0 is 20 ms. What a format can't do is brought to the nearest that it can.
	Ptime time.Duration
	// Rate is that of the sound that is there to encode, in Hz: an encoder that
	// has several takes the lowest that loses nothing. 0 is the best it has.
	Rate int
	// Bitrate is in bit/s, for the formats that leave the choice; 0 is what suits speech.
	Bitrate int
	// Loss is which part of the packets the other side is thought to lose, in
	// percent, for the formats that can protect themselves.
	Loss int
}

// maxPtime bounds a frame, whatever was asked for.
const maxPtime = 120 * time.Millisecond

// samples is how many samples a frame has whose length the format leaves open.
func (s Setting) samples(rate int) int {
	ptime := s.Ptime
	if ptime <= 0 {
		ptime = 20 * time.Millisecond
	}
	ptime = min(max(ptime, 10*time.Millisecond), maxPtime)
	return int(ptime * time.Duration(rate) / time.Second)
}

// A family is the codecs of one encoding name. What it lacks is nil.
type family struct {
	// decodes and encodes say why a format of the name can't be; they are quick.
	decodes, encodes func(f codec.Format) error
	decoder          func(f codec.Format, rate int) (codec.Decoder, error)
	encoder          func(f codec.Format, s Setting) (codec.Encoder, error)
}

// of finds the family of a format.
func of(f codec.Format) family {
	if f.Kind != codec.Audio {
		return family{}
	}
	switch strings.ToLower(f.Name) {
	case "pcmu":
		return family{checkMono, checkMono, newG711Decoder(ulaw), newG711Encoder(ulaw)}
	case "pcma":
		return family{checkMono, checkMono, newG711Decoder(alaw), newG711Encoder(alaw)}
	case "g722":
		return family{checkG722, checkG722, newG722Decoder, newG722Encoder}
	case "l16":
		return family{checkL16, checkL16, newL16Decoder, newL16Encoder}
	case "opus":
		return family{checkOpus, checkOpus, newOpusDecoder, newOpusEncoder}
	case "aac":
		return family{checkAACDecoder, checkAACEncoder, newAACDecoder, newAACEncoder}
	case "mp3":
		return family{decodes: checkMP3, decoder: newMP3Decoder}
	case "nellymoser":
		return family{checkNellymoser, checkNellymoser, newNellymoserDecoder, newNellymoserEncoder}
	case "speex":
		return family{checkSpeex, checkSpeex, newSpeexDecoder, newSpeexEncoder}
	default:
		return family{}
	}
}

// CanDecode reports whether sound of format f can be decoded. It is quick.
func CanDecode(f codec.Format) bool {
	check := of(f).decodes
	return check != nil && check(f) == nil
}

// CanEncode reports whether sound can be encoded as f. It is quick.
func CanEncode(f codec.Format) bool {
	check := of(f).encodes
	return check != nil && check(f) == nil
}

// Can reports whether sound of format f can be both decoded and encoded.
func Can(f codec.Format) bool { return CanDecode(f) && CanEncode(f) }

// NewDecoder makes a decoder for a stream of format f, as its sender described
// it. It fails with ErrUnsupported where there is none, or with what is wrong
// with the format's parameters.
func NewDecoder(f codec.Format) (codec.Decoder, error) { return NewDecoderAt(f, 0) }

// NewDecoderAt is NewDecoder for one who goes on with sound of so many samples
// a second: where a format can be decoded to several rates, the decoder has the
// lowest that is not below it. 0 is the best there is.
func NewDecoderAt(f codec.Format, rate int) (codec.Decoder, error) {
	of := of(f)
	if of.decoder == nil {
		return nil, fmt.Errorf("decode %v: %w", f, ErrUnsupported)
	}
	if err := of.decodes(f); err != nil {
		return nil, fmt.Errorf("decode %v: %w", f, err)
	}
	d, err := of.decoder(f, rate)
	if err != nil {
		return nil, fmt.Errorf("decode %v: %w", f, err)
	}
	return d, nil
}

// NewEncoder makes an encoder for a stream of format f, as the one who will hear it
// described it. It fails like NewDecoder.
func NewEncoder(f codec.Format, s Setting) (codec.Encoder, error) {
	of := of(f)
	if of.encoder == nil {
		return nil, fmt.Errorf("encode %v: %w", f, ErrUnsupported)
	}
	if err := of.encodes(f); err != nil {
		return nil, fmt.Errorf("encode %v: %w", f, err)
	}
	e, err := of.encoder(f, s)
	if err != nil {
		return nil, fmt.Errorf("encode %v: %w", f, err)
	}
	return e, nil
}
