package rtmp

import (
	"encoding/hex"
	"fmt"
	"strings"

	"gateway/adapters/rtmp/wire"
	"gateway/codec"
	"gateway/codec/mp3"
)

// What FLV's codecs are called.
const (
	nameNelly = "nellymoser"
	nameAAC   = "aac"
	nameMP3   = "mp3"
	nameL16   = "l16"

	nellyBlock   = 64 // bytes
	nellySamples = 256
	aacSamples   = 1024
	maxConfig    = 64 // bytes of an AudioSpecificConfig
	maxMP3       = 32 // frames in one message
)

// A tagReader reads messages of sound. AAC's configuration goes before the sound.
type tagReader struct {
	aac     codec.Format
	known   bool   // there was sound that we know
	many    bool   // Opus is of more channels than two
	strange string // what came last, if we don't know it: "FourCC fLaC"
}

// read gives the frames of a message and their format. None: it is silence, a
// configuration, or nothing that we know. The frames may be part of body.
func (r *tagReader) read(body []byte) (codec.Format, [][]byte) {
	t, err := wire.ParseAudio(body)
	if err != nil || t.End {
		return codec.Format{}, nil
	}
	f, frames := r.frames(t)
	r.known = r.known || len(frames) > 0
	return f, frames
}

// frames is read for a tag.
func (r *tagReader) frames(t wire.AudioTag) (codec.Format, [][]byte) {
	r.strange = ""
	switch t.Codec {
	case wire.AAC:
		return r.readAAC(t)
	case wire.MP3, wire.MP3at8:
		return splitMP3(t.Payload)
	}
	if t.FourCC == fourOpus && t.Config {
		r.opus(t.Payload)
		return codec.Format{}, nil
	}
	if r.strange = strangerOf(t, r.many); r.strange != "" || t.Config || len(t.Payload) == 0 {
		return codec.Format{}, nil
	}
	one := [][]byte{t.Payload}
	switch t.Codec {
	case wire.Speex:
		return speexWide, one
	case wire.MuLaw:
		return pcmu, one
	case wire.ALaw:
		return pcma, one
	case wire.Nelly, wire.Nelly8, wire.Nelly16:
		whole := len(t.Payload) / nellyBlock * nellyBlock
		if whole == 0 {
			return codec.Format{}, nil
		}
		return codec.Format{Kind: codec.Audio, Name: nameNelly, Rate: t.Rate, Channels: 1}, [][]byte{t.Payload[:whole]}
	case wire.PCM, wire.PCMPlatform:
		return codec.Format{Kind: codec.Audio, Name: nameL16, Rate: t.Rate, Channels: t.Channels}, [][]byte{bigEndian(t)}
	}
	return opus, one
}

// The FourCCs of Enhanced RTMP for what is known here.
const (
	fourOpus = "Opus"
	fourMP3  = ".mp3"
	fourAAC  = "mp4a"
)

// strangerOf names the codec of a tag, if it is none that we know; else "".
func strangerOf(t wire.AudioTag, many bool) string {
	switch {
	case t.FourCC == fourOpus && many:
		return "Opus of more than two channels"
	case t.FourCC == fourOpus:
		return ""
	case t.FourCC != "":
		return fmt.Sprintf("FourCC %q", t.FourCC)
	}
	switch t.Codec {
	case wire.Speex, wire.MuLaw, wire.ALaw, wire.Nelly, wire.Nelly8, wire.Nelly16, wire.PCM, wire.PCMPlatform:
		return ""
	}
	return fmt.Sprintf("codec %d", t.Codec)
}

// What of an identification header of Opus is looked at (RFC 7845 section 5.1).
const (
	opusMagic    = "OpusHead"
	opusChannels = 9  // where it says how many
	opusFamily   = 18 // where it says how they are mapped
)

// opus reads the header that says what follows. Of more than two channels there are
// several streams in a packet, which nothing here decodes.
func (r *tagReader) opus(head []byte) {
	r.many = len(head) > opusFamily && string(head[:len(opusMagic)]) == opusMagic && (head[opusChannels] > 2 || head[opusFamily] != 0)
}

func (r *tagReader) readAAC(t wire.AudioTag) (codec.Format, [][]byte) {
	if t.Config {
		rate, channels, ok := parseConfig(t.Payload)
		r.aac = codec.Format{}
		if ok {
			params := "config=" + hex.EncodeToString(t.Payload)
			r.aac = codec.Format{Kind: codec.Audio, Name: nameAAC, Rate: rate, Channels: channels, Params: params}
		}
		return codec.Format{}, nil
	}
	if r.aac.Name == "" || len(t.Payload) == 0 {
		return codec.Format{}, nil
	}
	return r.aac, [][]byte{t.Payload}
}

// configRates are those of an AudioSpecificConfig (ISO/IEC 14496-3 table 1.18).
var configRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// parseConfig reads the rate and channels of an AudioSpecificConfig (ISO/IEC
// 14496-3 section 1.6.2.1).
func parseConfig(b []byte) (rate, channels int, ok bool) {
	if len(b) < 2 || len(b) > maxConfig {
		return 0, 0, false
	}
	bits := uint64(0)
	for i := range 8 {
		bits <<= 8
		if i < len(b) {
			bits |= uint64(b[i])
		}
	}
	take := func(n uint) int {
		v := bits >> (64 - n)
		bits <<= n
		return int(v)
	}
	if take(5) == 31 {
		take(6)
	}
	index := take(4)
	switch {
	case index == 15:
		rate = take(24)
	case index < len(configRates):
		rate = configRates[index]
	}
	channels = take(4)
	return rate, channels, rate >= 7350 && rate <= 96000 && channels >= 1 && channels <= 7
}

// splitMP3 cuts a message into frames of MPEG audio layer III (ISO/IEC 11172-3
// section 2.4.1, 13818-3). There may be a tag before them.
func splitMP3(b []byte) (f codec.Format, frames [][]byte) {
	b = b[mp3.TagSize(b):]
	for len(b) >= 4 && len(frames) < maxMP3 {
		h, ok := mp3.ParseHeader(b)
		if !ok || h.Size > len(b) {
			break
		}
		if len(frames) == 0 {
			f = codec.Format{Kind: codec.Audio, Name: nameMP3, Rate: h.Rate, Channels: h.Channels}
		}
		frames = append(frames, b[:h.Size])
		b = b[h.Size:]
	}
	return f, frames
}

// bigEndian makes network byte order, and 16 bits, of linear PCM.
func bigEndian(t wire.AudioTag) []byte {
	if t.Bits == 8 {
		out := make([]byte, 2*len(t.Payload))
		for i, c := range t.Payload {
			out[2*i] = c ^ 0x80 // 8 bits are without a sign
		}
		return out
	}
	out := make([]byte, len(t.Payload)&^1)
	for i := 0; i+1 < len(t.Payload); i += 2 {
		out[i], out[i+1] = t.Payload[i+1], t.Payload[i]
	}
	return out
}

// samplesOf is how long a frame is, in units of its format's clock; 0 where only
// a decoder knows.
func samplesOf(f codec.Format, data []byte) int {
	switch f.Name {
	case pcmu.Name, pcma.Name:
		return len(data)
	case nameNelly:
		return len(data) / nellyBlock * nellySamples
	case nameAAC:
		return aacSamples
	case nameL16:
		return len(data) / 2 / f.Channels
	case nameMP3:
		h, _ := mp3.ParseHeader(data)
		return h.Samples
	}
	return 0
}

// writeTag makes a message of a frame, and that which has to go before the first
// of its format; nil for a format that RTMP has none for.
func writeTag(f codec.Format, data []byte) (body, config []byte) {
	head := byte(0)
	switch {
	case f.Name == speexWide.Name:
		head = wire.HeadSpeex
	case f.Name == pcmu.Name:
		head = wire.HeadMuLaw
	case f.Name == pcma.Name:
		head = wire.HeadALaw
	case f.Name == nameNelly && f.Rate == 8000:
		head = wire.HeadNelly8
	case f.Name == nameNelly && f.Rate == 16000:
		head = headNelly16
	case f.Name == nameAAC:
		asc, err := configOf(f)
		if err != nil {
			return nil, nil
		}
		return append([]byte{wire.HeadAAC, 1}, data...), append([]byte{wire.HeadAAC, 0}, asc...)
	default:
		return nil, nil
	}
	return append([]byte{head}, data...), nil
}

// headNelly16 is the tag of Nellymoser at 16 kHz, as Flash and ffmpeg write it.
const headNelly16 = 0x42

// configOf is the AudioSpecificConfig in a format's parameters.
func configOf(f codec.Format) ([]byte, error) {
	text, ok := strings.CutPrefix(f.Params, "config=")
	asc, err := hex.DecodeString(text)
	if !ok || err != nil || len(asc) < 2 {
		return nil, fmt.Errorf("%v has no configuration", f)
	}
	return asc, nil
}
