package codec

import (
	"slices"
	"testing"
)

func audio(name string, rate, channels int, params string) Format {
	return Format{Kind: Audio, Name: name, Rate: rate, Channels: channels, Params: params}
}

func video(name, params string) Format {
	return Format{Kind: Video, Name: name, Rate: 90000, Params: params}
}

func TestFormatsAreTheSameWherePacketsFit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		f, g Format
		want bool
	}{
		{"names in any case", audio("pcmu", 8000, 1, ""), audio("PCMU", 8000, 1, ""), true},
		{"one channel unsaid", audio("pcma", 8000, 0, ""), audio("pcma", 8000, 1, ""), true},
		{"another clock", audio("speex", 8000, 1, ""), audio("speex", 16000, 1, ""), false},
		{"another name", audio("pcma", 8000, 1, ""), audio("pcmu", 8000, 1, ""), false},
		{"another kind", audio("jpeg", 90000, 1, ""), video("jpeg", ""), false},
		{"stereo is Opus's own business", audio("opus", 48000, 2, "stereo=1"), audio("opus", 48000, 2, "useinbandfec=1"), true},
		{"silence in G.729", audio("g729", 8000, 1, "annexb=no"), audio("g729", 8000, 1, ""), true},
		{"events, other keys", audio("telephone-event", 8000, 1, "0-15"), audio("telephone-event", 8000, 1, "0-16"), true},
		{"AMR, octets not aligned", audio("amr", 8000, 1, "octet-align=1"), audio("amr", 8000, 1, ""), false},
		{"AMR, both unsaid", audio("amr", 8000, 1, "octet-align=0; mode-set=7"), audio("amr", 8000, 1, ""), true},
		{"AMR-WB in capitals", audio("AMR-WB", 16000, 1, "octet-align=1"), audio("amr-wb", 16000, 1, ""), false},
		{"iLBC, 30 ms is what is meant", audio("ilbc", 8000, 1, "mode=30"), audio("ilbc", 8000, 1, ""), true},
		{"iLBC, 20 ms", audio("ilbc", 8000, 1, "mode=20"), audio("ilbc", 8000, 1, ""), false},
		{"G.722.1, another rate", audio("g7221", 16000, 1, "bitrate=24000"), audio("g7221", 16000, 1, "bitrate=32000"), false},
		{"Speex, another mode", audio("speex", 8000, 1, `mode="1,any"`), audio("speex", 8000, 1, ""), true},
		{"H.264, another level", video("h264", "profile-level-id=42e01f;packetization-mode=1"), video("H264", "packetization-mode=1; profile-level-id=42800D"), true},
		{"H.264, Main that is Baseline too", video("h264", "profile-level-id=4d801f"), video("h264", ""), true},
		{"H.264, another packing", video("h264", "packetization-mode=1"), video("h264", ""), false},
		{"H.264, High", video("h264", "profile-level-id=64001f"), video("h264", "profile-level-id=42e01f"), false},
		{"H.264, an id that is none", video("h264", "profile-level-id=xyz"), video("h264", "profile-level-id=42e01f"), false},
		{"redundancy names other types", audio("red", 48000, 2, "111/111"), audio("red", 48000, 2, "111/111"), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := row.f.Same(row.g); got != row.want {
				t.Errorf("%v %q, %v %q: %v, want %v", row.f, row.f.Params, row.g, row.g.Params, got, row.want)
			}
			if row.f.Same(row.g) != row.g.Same(row.f) {
				t.Error("one way it is the same, the other way it is not")
			}
		})
	}
}

func TestAStaticTypeLeadsToItsFormatAndBack(t *testing.T) {
	t.Parallel()
	known := 0
	for n := range uint8(128) {
		f, ok := Static(n)
		if !ok {
			continue
		}
		known++
		back, ok := StaticType(f)
		if !ok || back != n {
			t.Errorf("%d is %v, and that is %d, %v", n, f, back, ok)
		}
	}
	if known != len(statics) {
		t.Errorf("%d types, want %d", known, len(statics))
	}
	for _, n := range []uint8{1, 2, 19, 35, 72, 96, 127} {
		if f, ok := Static(n); ok {
			t.Errorf("%d is %v", n, f)
		}
	}
	if n, ok := StaticType(audio("PCMA", 8000, 0, "x=1")); !ok || n != 8 {
		t.Errorf("PCMA is %d, %v", n, ok)
	}
	if n, ok := StaticType(audio("pcma", 16000, 1, "")); ok {
		t.Errorf("PCMA at 16 kHz is %d", n)
	}
}

func TestTypesAreAssignedAsIsCustomary(t *testing.T) {
	t.Parallel()
	events := audio("telephone-event", 8000, 1, "0-16")
	for _, row := range []struct {
		name    string
		formats []Format
		want    []uint8
	}{
		{"none", nil, []uint8{}},
		{"a phone's", []Format{audio("opus", 48000, 2, ""), audio("g722", 8000, 1, ""), audio("pcmu", 8000, 1, ""),
			audio("pcma", 8000, 1, ""), events, audio("telephone-event", 48000, 1, "0-16"), audio("cn", 8000, 1, "")},
			[]uint8{111, 9, 0, 8, 101, 110, 13}},
		{"H.264 twice", []Format{video("h264", "packetization-mode=1"), video("h264", ""), video("vp8", "")},
			[]uint8{106, 97, 96}},
		{"the customary before the free ones", []Format{audio("x", 8000, 1, ""), audio("ilbc", 8000, 1, ""), audio("y", 8000, 1, "")},
			[]uint8{96, 97, 98}},
		{"PCMU twice", []Format{audio("pcmu", 8000, 1, ""), audio("pcmu", 8000, 1, "")}, []uint8{0, 96}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := Assign(row.formats); !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestNoTwoFormatsShareAType(t *testing.T) {
	t.Parallel()
	names := []string{"opus", "x", "h264", "pcmu", "telephone-event"}
	for n := range MaxFormats + 20 {
		formats := make([]Format, n)
		for i := range formats {
			formats[i] = audio(names[i%len(names)], 8000+i/7, 1, "")
		}
		types := Assign(formats)
		if len(types) != min(n, MaxFormats) {
			t.Fatalf("%d types for %d formats", len(types), n)
		}
		seen := map[uint8]bool{}
		for _, p := range types {
			if seen[p] || p > 127 || p > 63 && p < 96 {
				t.Fatalf("%v", types)
			}
			seen[p] = true
		}
		if !slices.Equal(types, Assign(formats)) {
			t.Fatal("not the same twice")
		}
	}
}

func FuzzParamsAreComparedAlikeBothWays(f *testing.F) {
	f.Add("h264", "profile-level-id=42e01f;packetization-mode=1", "packetization-mode")
	f.Add("amr", "octet-align=1; crc", "=;;octet-align")
	f.Add("red", "111/111", "")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		x := Format{Kind: Video, Name: name, Rate: 90000, Params: a}
		y := Format{Kind: Video, Name: name, Rate: 90000, Params: b}
		if x.Same(y) != y.Same(x) {
			t.Errorf("%q, %q", a, b)
		}
		if !x.IsBound() && !x.Same(x) {
			t.Errorf("%q is not the same as itself", a)
		}
	})
}
