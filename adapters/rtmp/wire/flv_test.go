package wire

import (
	"bytes"
	"reflect"
	"testing"
)

func TestTagsOfSound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		body []byte
		want AudioTag
	}{
		{"Flash's Speex", cat("\xb2sp"), AudioTag{Codec: Speex, Rate: 16000, Bits: 16, Channels: 1, Payload: []byte("sp")}},
		{"ffmpeg's Speex", cat("\xb6sp"), AudioTag{Codec: Speex, Rate: 16000, Bits: 16, Channels: 1, Payload: []byte("sp")}},
		{"Nellymoser at 16 kHz", cat("\x42n"), AudioTag{Codec: Nelly16, Rate: 16000, Bits: 16, Channels: 1, Payload: []byte("n")}},
		{"at 8 kHz", cat("\x52n"), AudioTag{Codec: Nelly8, Rate: 8000, Bits: 16, Channels: 1, Payload: []byte("n")}},
		{"at 22 kHz", cat("\x6an"), AudioTag{Codec: Nelly, Rate: 22050, Bits: 16, Channels: 1, Payload: []byte("n")}},
		{"mu-law", cat("\x82u"), AudioTag{Codec: MuLaw, Rate: 8000, Bits: 16, Channels: 1, Payload: []byte("u")}},
		{"A-law", cat("\x72a"), AudioTag{Codec: ALaw, Rate: 8000, Bits: 16, Channels: 1, Payload: []byte("a")}},
		{"MP3 in stereo", cat("\x2fm"), AudioTag{Codec: MP3, Rate: 44100, Bits: 16, Channels: 2, Payload: []byte("m")}},
		{"MP3 at 8 kHz", cat("\xe2m"), AudioTag{Codec: MP3at8, Rate: 8000, Bits: 16, Channels: 1, Payload: []byte("m")}},
		{"linear at 11 kHz, 8 bits", cat("\x34p"), AudioTag{Codec: PCM, Rate: 11025, Bits: 8, Channels: 1, Payload: []byte("p")}},
		{"how AAC is to be read", cat("\xaf\x00\x12\x10"), AudioTag{Codec: AAC, Rate: 44100, Bits: 16, Channels: 2, Config: true, Payload: []byte("\x12\x10")}},
		{"AAC", cat("\xaf\x01x"), AudioTag{Codec: AAC, Rate: 44100, Bits: 16, Channels: 2, Payload: []byte("x")}},
		{"nothing of a codec", cat("\xb2"), AudioTag{Codec: Speex, Rate: 16000, Bits: 16, Channels: 1, Payload: []byte{}}},
		{"enhanced, its beginning", cat("\x90Opushead"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Config: true, Payload: []byte("head")}},
		{"enhanced", cat("\x91Opusx"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"enhanced AAC", cat("\x91mp4ax"), AudioTag{Codec: AAC, FourCC: "mp4a", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"enhanced MP3", cat("\x91.mp3x"), AudioTag{Codec: MP3, FourCC: ".mp3", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"enhanced, its end", cat("\x92Opus"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, End: true}},
		{"enhanced, channels", cat("\x94Opus\x01\x02"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1}},
		{"with a time in ns", cat("\x97\x02\x00\x00\x05\x01Opusx"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"one track", cat("\x95\x01Opus\x00x"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"several tracks", cat("\x95\x11Opus\x00\x00\x00\x01x\x01\x00\x00\x01y"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
		{"several tracks and codecs", cat("\x95\x21Opus\x00\x00\x00\x01xmp4a\x01\x00\x00\x01y"), AudioTag{Codec: enhanced, FourCC: "Opus", Rate: 48000, Bits: 16, Channels: 1, Payload: []byte("x")}},
	} {
		if got, err := ParseAudio(tt.body); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
	for _, body := range []string{"", "\xaf", "\x91Opu", "\x90", "\x97\x02\x00", "\x97\xff\xff", "\x95", "\x95\x01Opus", "\x95\x11Opus\x00\x00\x00\x05x", "\x93Opus", "\x9fOpus"} {
		if got, err := ParseAudio([]byte(body)); err == nil {
			t.Errorf("%x is %+v", body, got)
		}
	}
}

func TestWhatSaysHowToDecodeIsKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind Type
		body string
		want bool
	}{
		{TypeAudio, "\xaf\x00\x12\x10", false}, {TypeAudio, "\xaf\x01x", true}, {TypeAudio, "\x90Opus", false}, {TypeAudio, "\x91Opusx", true},
		{TypeAudio, "\xb2x", true}, {TypeAudio, "", true}, {TypeVideo, "\x17\x00\x00\x00\x00", false}, {TypeVideo, "\x17\x01\x00\x00\x00", true},
		{TypeVideo, "\x27\x01\x00\x00\x00", true}, {TypeVideo, "\x90hvc1", false}, {TypeVideo, "\xa1hvc1", true}, {TypeCommandAMF0, "\x02", false}, {TypeDataAMF0, "\x02", false},
	} {
		if got := (Message{Type: tt.kind, Body: []byte(tt.body)}).droppable(); got != tt.want {
			t.Errorf("%v %x may be dropped: %v", tt.kind, tt.body, got)
		}
	}
}

func FuzzAudioTag(f *testing.F) {
	for _, s := range []string{"\xb2sp", "\xaf\x00\x12\x10", "\x97\x02\x00\x00\x05\x01Opusx", "\x95\x11Opus\x00\x00\x00\x01x", "\x97\xff\x00\x01\x00\x00\x01Opus"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tag, err := ParseAudio(body)
		if err == nil && (len(tag.Payload) >= len(body) || tag.Rate == 0 || tag.Channels == 0) {
			t.Fatalf("%x is %+v", body, tag)
		}
	})
}

func TestAggregatesComeApart(t *testing.T) {
	t.Parallel()
	m := Message{Type: TypeAggregate, Stream: 3, Time: 1000, Body: cat(
		"\x08\x00\x00\x02\x00\x00\x28\x00\x00\x00\x00", "ab", "\x00\x00\x00\x0d",
		"\x14\x00\x00\x01\x00\x00\x28\x00\x00\x00\x00", "c", "\x00\x00\x00\x0c", // a command has no business here
		"\x09\x00\x00\x00\x00\x00\x3c\x00\x00\x00\x00", "\x00\x00\x00\x0b",
		"\x08\x00\x00\x01\x00\x00\x14\x01\x00\x00\x00", "d", "\x00\x00\x00\x0c",
		"\x08\x00\x00\x09\x00\x00\x14\x01\x00\x00\x00", "cut")}
	want := []Message{
		{TypeAudio, 3, 1000, []byte("ab")}, {TypeVideo, 3, 1020, []byte{}}, {TypeAudio, 3, 1000 - 40 + 0x1000014, []byte("d")},
	}
	if got := partsOf(m); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func partsOf(m Message) (parts []Message) {
	for a := newAggregate(m); ; {
		part, ok := a.next()
		if !ok {
			return parts
		}
		parts = append(parts, part)
	}
}

// TestPartsOfAggregatesCostNothing: there can be as many as a message has bytes for.
func TestPartsOfAggregatesCostNothing(t *testing.T) {
	empty := []byte("\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b")
	m := Message{Type: TypeAggregate, Body: bytes.Repeat(empty, 10_000)}
	parts := 0
	if n := testing.AllocsPerRun(1, func() {
		parts = 0
		for a := newAggregate(m); ; parts++ {
			if _, ok := a.next(); !ok {
				return
			}
		}
	}); n > 0 || parts != 10_000 {
		t.Errorf("%d parts cost %v allocations", parts, n)
	}
}
