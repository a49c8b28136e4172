package codec

import "strings"

// statics are the payload types that mean the same everywhere (RFC 3551 section
// 6). Those that were never in use with telephones and have been reserved
// since (1, 2, 16, 17) are left out: they are what their rtpmap says.
var statics = [...]struct {
	number   uint8
	kind     Kind
	name     string
	rate     int
	channels int
}{
	{0, Audio, "pcmu", 8000, 1},
	{3, Audio, "gsm", 8000, 1},
	{4, Audio, "g723", 8000, 1},
	{5, Audio, "dvi4", 8000, 1},
	{6, Audio, "dvi4", 16000, 1},
	{7, Audio, "lpc", 8000, 1},
	{8, Audio, "pcma", 8000, 1},
	{9, Audio, "g722", 8000, 1},
	{10, Audio, "l16", 44100, 2},
	{11, Audio, "l16", 44100, 1},
	{12, Audio, "qcelp", 8000, 1},
	{13, Audio, ComfortNoise, 8000, 1},
	{14, Audio, "mpa", 90000, 1},
	{15, Audio, "g728", 8000, 1},
	{18, Audio, "g729", 8000, 1},
	{25, Video, "celb", 90000, 0},
	{26, Video, "jpeg", 90000, 0},
	{28, Video, "nv", 90000, 0},
	{31, Video, "h261", 90000, 0},
	{32, Video, "mpv", 90000, 0},
	{33, Video, "mp2t", 90000, 0},
	{34, Video, "h263", 90000, 0},
}

// Static is the format that the RTP payload type t stands for without a word
// said of it (RFC 3551 section 6); false for a type that has none.
func Static(t uint8) (Format, bool) {
	for _, s := range statics {
		if s.number == t {
			return Format{Kind: s.kind, Name: s.name, Rate: s.rate, Channels: s.channels}, true
		}
	}
	return Format{}, false
}

// StaticType is the payload type that RFC 3551 gives to f, if any. What the
// parameters of f say does not matter.
func StaticType(f Format) (uint8, bool) {
	for _, s := range statics {
		if s.kind == f.Kind && strings.EqualFold(s.name, f.Name) && s.rate == f.Rate &&
			max(1, s.channels) == max(1, f.Channels) {
			return s.number, true
		}
	}
	return 0, false
}
