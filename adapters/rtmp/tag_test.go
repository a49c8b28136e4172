package rtmp

import (
	"bytes"
	"slices"
	"testing"

	"gateway/codec"
)

func TestTagsAreRead(t *testing.T) {
	t.Parallel()
	mp3 := make([]byte, 104) // MPEG 1, layer III, 32 kbit/s, 44.1 kHz, mono
	copy(mp3, []byte{0xff, 0xfb, 0x10, 0xc0})
	for name, c := range map[string]struct {
		body   []byte
		format string
		frames [][]byte
	}{
		"speex of ffmpeg":           {[]byte{0xb6, 1, 2}, "speex/16000", [][]byte{{1, 2}}},
		"speex of Flash":            {[]byte{0xb2, 1, 2}, "speex/16000", [][]byte{{1, 2}}},
		"mu-law":                    {[]byte{0x82, 1, 2}, "pcmu/8000", [][]byte{{1, 2}}},
		"A-law":                     {[]byte{0x72, 1, 2}, "pcma/8000", [][]byte{{1, 2}}},
		"linear, little endian":     {[]byte{0x3b, 1, 2, 3, 4, 5}, "l16/22050/2", [][]byte{{2, 1, 4, 3}}},
		"linear of 8 bits":          {[]byte{0x34, 0x80, 0xff}, "l16/11025", [][]byte{{0, 0, 0x7f, 0}}},
		"nellymoser, half a block":  {append([]byte{0x42}, make([]byte, 32)...), "/0", nil},
		"mp3 and half of another":   {slices.Concat([]byte{0x2e}, mp3, mp3[:50]), "mp3/44100", [][]byte{mp3}},
		"two of mp3":                {slices.Concat([]byte{0x2e}, mp3, mp3), "mp3/44100", [][]byte{mp3, mp3}},
		"mp3 behind a tag":          {slices.Concat([]byte{0x2e}, []byte("ID3\x04\x00\x00\x00\x00\x00\x05title"), mp3), "mp3/44100", [][]byte{mp3}},
		"no mp3":                    {[]byte{0x2e, 1, 2, 3, 4, 5}, "/0", nil},
		"nothing":                   {nil, "/0", nil},
		"a codec and nothing":       {[]byte{0xb2}, "/0", nil},
		"aac without configuration": {[]byte{0xaf, 1, 2, 3}, "/0", nil},
		"opus of Enhanced RTMP":     {append([]byte{0x91}, "Opus\x01\x02"...), "opus/48000/2", [][]byte{{1, 2}}},
	} {
		var r tagReader
		f, frames := r.read(c.body)
		if f.String() != c.format || !slices.EqualFunc(frames, c.frames, bytes.Equal) {
			t.Errorf("%s: %v %v, want %s %v", name, f, frames, c.format, c.frames)
		}
	}
}

func TestNellymoserRates(t *testing.T) {
	t.Parallel()
	for head, rate := range map[byte]int{0x42: 16000, 0x52: 8000, 0x6a: 22050, 0x6e: 44100} {
		var r tagReader
		f, frames := r.read(append([]byte{head}, make([]byte, 2*nellyBlock+1)...))
		if f.Name != nameNelly || f.Rate != rate || len(frames) != 1 || len(frames[0]) != 2*nellyBlock {
			t.Errorf("%#x: %v, %d frames", head, f, len(frames))
		}
		if got := samplesOf(f, frames[0]); got != 2*nellySamples {
			t.Errorf("%#x: %d samples", head, got)
		}
	}
}

func TestAACKeepsItsConfiguration(t *testing.T) {
	t.Parallel()
	var r tagReader
	if f, frames := r.read([]byte{0xaf, 0, 0x12, 0x10}); frames != nil {
		t.Errorf("a configuration is %v %v", f, frames)
	}
	f, frames := r.read([]byte{0xaf, 1, 9, 8})
	if f.String() != "aac/44100/2" || f.Params != "config=1210" || len(frames) != 1 || !bytes.Equal(frames[0], []byte{9, 8}) {
		t.Errorf("%v %q %v", f, f.Params, frames)
	}
	r.read([]byte{0xaf, 0, 0xff})
	if f, frames := r.read([]byte{0xaf, 1, 9, 8}); frames != nil {
		t.Errorf("after a bad configuration: %v %v", f, frames)
	}
}

func TestTagsAreWritten(t *testing.T) {
	t.Parallel()
	aac := codec.Format{Kind: codec.Audio, Name: nameAAC, Rate: 48000, Channels: 1, Params: "config=1188"}
	for _, c := range []struct {
		f            codec.Format
		body, config []byte
	}{
		{speexWide, []byte{0xb2, 1}, nil}, {speexNarrow, []byte{0xb2, 1}, nil}, {pcmu, []byte{0x82, 1}, nil}, {pcma, []byte{0x72, 1}, nil},
		{codec.Format{Name: nameNelly, Rate: 8000}, []byte{0x52, 1}, nil}, {codec.Format{Name: nameNelly, Rate: 16000}, []byte{0x42, 1}, nil},
		{aac, []byte{0xaf, 1, 1}, []byte{0xaf, 0, 0x11, 0x88}}, {codec.Format{Name: nameAAC}, nil, nil}, {g722, nil, nil},
	} {
		body, config := writeTag(c.f, []byte{1})
		if !bytes.Equal(body, c.body) || !bytes.Equal(config, c.config) {
			t.Errorf("%v: % x, % x; want % x, % x", c.f, body, config, c.body, c.config)
		}
		if body == nil {
			continue
		}
		var r tagReader
		r.read(config)
		if f, frames := r.read(body); c.f != speexNarrow && c.f.Name != nameNelly && (!f.Same(c.f) || len(frames) != 1) {
			t.Errorf("%v is read as %v, %d frames", c.f, f, len(frames))
		}
	}
}

// FuzzTag: whatever a client sends, frames are of a format that has a clock, and
// no longer than what came.
func FuzzTag(f *testing.F) {
	for _, seed := range [][]byte{
		{0xb6, 1, 2}, {0x82}, {0x3b, 1, 2, 3}, {0x34, 1}, {0x52, 1}, {0xaf, 0, 0x12, 0x10}, {0xaf, 1, 1}, {0x2e, 0xff, 0xfb, 0x10, 0xc0}, {0x2e, 0xff, 0xe3, 0x90, 0xc0},
		append([]byte{0x91}, "Opus\x01"...), enhanced(0, fourOpus, opusHead(6, 1)), enhanced(0, fourOpus, "OpusHead"), enhanced(1, "fLaC", "x"), append([]byte{0x90}, "mp4a\x12\x10"...), {0xaf, 0, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var r tagReader
		var c clock
		for _, body := range [][]byte{first, second} {
			format, frames := r.read(body)
			if len(frames) > 0 && r.strange != "" {
				t.Fatalf("%v is %s", format, r.strange)
			}
			total := 0
			for i, data := range frames {
				if format.Rate < 5000 || format.Channels < 1 || len(data) == 0 && format.Name != nameL16 {
					t.Fatalf("%v with %d bytes", format, len(data))
				}
				total += len(data)
				c.stamp(uint32(len(body)), i == 0, format.Rate, samplesOf(format, data))
			}
			if total > 2*len(body) {
				t.Fatalf("%d bytes of %d", total, len(body))
			}
			if len(frames) > 0 {
				writeTag(format, frames[0])
			}
		}
	})
}
