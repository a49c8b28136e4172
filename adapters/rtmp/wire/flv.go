package wire

import (
	"errors"
	"fmt"
)

// AudioCodec is the upper half of a sound tag's first byte (FLV 10.1 section
// E.4.2.1). The lower half is only to be believed for linear PCM and MP3.
type AudioCodec uint8

// The codecs.
const (
	PCMPlatform AudioCodec = 0 // linear, in the sender's byte order; little endian in practice
	ADPCM       AudioCodec = 1
	MP3         AudioCodec = 2
	PCM         AudioCodec = 3 // linear, little endian
	Nelly16     AudioCodec = 4
	Nelly8      AudioCodec = 5
	Nelly       AudioCodec = 6
	ALaw        AudioCodec = 7
	MuLaw       AudioCodec = 8
	AAC         AudioCodec = 10
	Speex       AudioCodec = 11 // 16 kHz
	MP3at8      AudioCodec = 14
	Device      AudioCodec = 15

	enhanced AudioCodec = 9 // Enhanced RTMP: a FourCC says which
)

// An AudioTag is a message of sound.
type AudioTag struct {
	Codec    AudioCodec // that which FourCC means, of those that have a number
	FourCC   string     // "Opus", "mp4a", ".mp3" and so on; "" in tags of the old form
	Rate     int        // Hz; for AAC its config says it
	Bits     int        // of a sample: 8 or 16
	Channels int
	Config   bool   // Payload is the decoder's configuration
	End      bool   // of the sequence: there is no sound in it
	Payload  []byte // part of the message's body
}

var errTag = errors.New("no tag of sound")

// tagRates are those of the tag, in Hz.
var tagRates = [4]int{5512, 11025, 22050, 44100}

// ParseAudio reads the header of a message of sound. An empty message, which
// says that there is none for now, is an error, too.
func ParseAudio(body []byte) (AudioTag, error) {
	if len(body) == 0 {
		return AudioTag{}, errTag
	}
	head := body[0]
	t := AudioTag{
		Codec: AudioCodec(head >> 4), Rate: tagRates[head>>2&3], Bits: 8 << (head >> 1 & 1), Channels: 1 + int(head&1),
		Payload: body[1:],
	}
	switch t.Codec {
	case enhanced:
		return parseEnhanced(head&15, body[1:])
	case Nelly16, Speex:
		t.Rate, t.Bits, t.Channels = 16000, 16, 1
	case Nelly8, ALaw, MuLaw, MP3at8:
		t.Rate, t.Bits = 8000, 16
		if t.Codec == Nelly8 {
			t.Channels = 1
		}
	case AAC:
		if len(body) < 2 {
			return AudioTag{}, errTag
		}
		t.Config, t.Payload = body[1] == 0, body[2:]
	}
	return t, nil
}

// The packet types of Enhanced RTMP's sound (version 2, "Enhanced Audio").
const (
	exStart      = 0
	exFrames     = 1
	exEnd        = 2
	exChannels   = 4
	exMultitrack = 5
	exMod        = 7
)

// parseEnhanced reads the header of Enhanced RTMP. Of several tracks it takes the
// first.
func parseEnhanced(kind byte, b []byte) (AudioTag, error) {
	for kind == exMod {
		if len(b) < 2 {
			return AudioTag{}, errTag
		}
		size := 1 + int(b[0])
		b = b[1:]
		if size == 256 && len(b) >= 2 {
			size = 1 + int(b[0])<<8 + int(b[1])
			b = b[2:]
		}
		if len(b) < size+1 {
			return AudioTag{}, errTag
		}
		kind = b[size] & 15
		b = b[size+1:]
	}
	t := AudioTag{Codec: enhanced, Rate: 48000, Bits: 16, Channels: 1}
	tracks := byte(0)
	if kind == exMultitrack {
		if len(b) < 1 {
			return AudioTag{}, errTag
		}
		tracks, kind = 1+b[0]>>4, b[0]&15
		b = b[1:]
	}
	if len(b) < 4 {
		return AudioTag{}, errTag
	}
	// Tracks of codecs of their own have the FourCC each; so has the first.
	t.FourCC, b = string(b[:4]), b[4:]
	if tracks > 0 {
		var err error
		if b, err = firstTrack(tracks, b); err != nil {
			return AudioTag{}, err
		}
	}
	return t.enhance(kind, b)
}

// firstTrack cuts the first track's payload out: its number, and behind that its
// size where there may be more.
func firstTrack(tracks byte, b []byte) ([]byte, error) {
	if len(b) < 1 {
		return nil, errTag
	}
	b = b[1:]
	if tracks == 1 {
		return b, nil
	}
	if len(b) < 3 || int(uint24(b)) > len(b)-3 {
		return nil, errTag
	}
	return b[3 : 3+uint24(b)], nil
}

func (t AudioTag) enhance(kind byte, b []byte) (AudioTag, error) {
	switch t.FourCC {
	case "mp4a":
		t.Codec = AAC
	case ".mp3":
		t.Codec = MP3
	}
	switch kind {
	case exStart:
		t.Config = true
	case exFrames:
	case exEnd, exChannels: // neither holds sound
		t.End = kind == exEnd
		b = nil
	default:
		return AudioTag{}, fmt.Errorf("%w: packet type %d of Enhanced RTMP", errTag, kind)
	}
	t.Payload = b
	return t, nil
}

// The first bytes of sound that Flash itself writes: it takes nothing else for some
// codecs.
const (
	HeadSpeex  = 0xb2
	HeadMuLaw  = 0x82
	HeadALaw   = 0x72
	HeadNelly8 = 0x52
	HeadAAC    = 0xaf
)
