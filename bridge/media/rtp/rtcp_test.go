package rtp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// compound is what the other implementation writes.
func compound(t testing.TB, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everything names the source 7 wherever a source can stand.
func everything(t testing.TB, ssrc uint32) []byte {
	return compound(t,
		&rtcp.SenderReport{SSRC: ssrc, Reports: []rtcp.ReceptionReport{{SSRC: 1}, {SSRC: ssrc}}},
		&rtcp.ReceiverReport{SSRC: ssrc, Reports: []rtcp.ReceptionReport{{SSRC: ssrc}}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
			{Source: 2, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "abc"}}},
			{Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "a name"}, {Type: rtcp.SDESTool, Text: "x"}}},
		}},
		&rtcp.Goodbye{Sources: []uint32{3, ssrc}, Reason: "away"},
		&rtcp.PictureLossIndication{SenderSSRC: ssrc, MediaSSRC: ssrc},
		&rtcp.TransportLayerNack{SenderSSRC: 4, MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: 1}}},
	)
}

func TestSourcesAreRenamedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	b := everything(t, 7)
	if !ValidControl(b) || ControlSSRC(b) != 7 {
		t.Fatal("not valid before")
	}
	if n := Rename(b, 7, 1000); n != 9 {
		t.Errorf("%d places", n)
	}
	if !bytes.Equal(b, everything(t, 1000)) {
		t.Errorf("%x", b)
	}
	if n := Rename(b, 7, 9); n != 0 {
		t.Errorf("%d places that are not there", n)
	}
}

func TestCompoundsThatDoNotHoldTogetherAreRefused(t *testing.T) {
	t.Parallel()
	sr := compound(t, &rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 2}}})
	bye := compound(t, &rtcp.Goodbye{Sources: []uint32{1, 2}})
	pli := compound(t, &rtcp.PictureLossIndication{})
	change := func(b []byte, f func(b []byte)) []byte {
		b = bytes.Clone(b)
		f(b)
		return b
	}
	padded := append(change(sr, func(b []byte) { b[0] |= 0x20; b[3]++ }), 0, 0, 0, 4)
	for _, row := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"a report", sr, true},
		{"a farewell", bye, true},
		{"feedback alone", pli, true},
		{"several", slices.Concat(sr, bye, pli), true},
		{"padding at the end", padded, true},
		{"padding in the middle", slices.Concat(padded, bye), false},
		{"padding that is no words", change(padded, func(b []byte) { b[len(b)-1] = 3 }), false},
		{"padding of nothing", change(padded, func(b []byte) { b[len(b)-1] = 0 }), false},
		{"padding beyond the start", change(padded, func(b []byte) { b[len(b)-1] = 252 }), false},
		{"nothing", nil, false},
		{"too short", sr[:7], false},
		{"cut", sr[:len(sr)-1], false},
		{"more than there is", append(bytes.Clone(sr), 0), false},
		{"another version", change(sr, func(b []byte) { b[0] &= 0x3f }), false},
		{"another protocol", change(sr, func(b []byte) { b[1] = 72 }), false},
		{"more blocks than bytes", change(sr, func(b []byte) { b[0] += 1 }), false},
		{"a report without its sender's part", []byte{0x80, 200, 0, 1, 0, 0, 0, 1}, false},
		{"more sources than bytes", change(bye, func(b []byte) { b[0] += 1 }), false},
		{"feedback without a source", []byte{0x81, 205, 0, 0, 0x80, 201, 0, 1, 0, 0, 0, 1}, false},
	} {
		if got := ValidControl(row.b); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestAMonitorKnowsWhatThePeerGets(t *testing.T) {
	t.Parallel()
	var m Monitor
	start := time.Unix(1000, 0)
	if r := m.Report(start); !r.At.IsZero() || r.Trip != 0 {
		t.Errorf("%+v before the first", r)
	}
	ours := compound(t, &rtcp.SenderReport{SSRC: 7, NTPTime: 0x1111222233334444},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7}}})
	m.Passed(ours, 10*time.Second)
	report := func(about, lsr, dlsr uint32) []byte {
		return compound(t, &rtcp.ReceiverReport{SSRC: 9, Reports: []rtcp.ReceptionReport{
			{SSRC: 8, FractionLost: 255},
			{SSRC: about, FractionLost: 64, TotalLost: 1000, Jitter: 80, LastSenderReport: lsr, Delay: dlsr},
		}})
	}
	if m.Heard(report(6, 0, 0), 11*time.Second, 7, 8000) {
		t.Error("another source's")
	}
	if !m.Heard(report(7, 0x22223333, 65536/2), 11*time.Second, 7, 8000) {
		t.Error("not heard")
	}
	r := m.Report(start)
	if r.Loss != 0.25 || r.Lost != 1000 || r.Jitter != 10*time.Millisecond || r.Trip != 500*time.Millisecond ||
		!r.At.Equal(start.Add(11*time.Second)) {
		t.Errorf("%+v", r)
	}
	for _, lsr := range []uint32{0, 0x99999999} {
		m.Heard(report(7, lsr, 0), 12*time.Second, 7, 8000)
		if r := m.Report(start); r.Trip != 500*time.Millisecond {
			t.Errorf("a report about %x makes the way %v", lsr, r.Trip)
		}
	}
	m.Heard(report(7, 0x22223333, 1<<31), 12*time.Second, 7, 8000)
	if r := m.Report(start); r.Trip != 500*time.Millisecond {
		t.Errorf("held longer than it was away: %v", r.Trip)
	}
	m.Heard(report(7, 0, 0), 13*time.Second, 7, 0)
	if r := m.Report(start); r.Jitter != 0 {
		t.Errorf("a clock of none: %v", r.Jitter)
	}
}

func TestLossBelowZeroIsReadAsSuch(t *testing.T) {
	t.Parallel()
	b := compound(t, &rtcp.ReceiverReport{SSRC: 9, Reports: []rtcp.ReceptionReport{{SSRC: 7}}})
	copy(b[13:], []byte{0xff, 0xff, 0xfe}) // repeats count against it (RFC 3550 section 6.4.1)
	var m Monitor
	m.Heard(b, 0, 7, 8000)
	if r := m.Report(time.Time{}); r.Lost != -2 {
		t.Errorf("%d", r.Lost)
	}
}

func TestOnlyTheLastReportsThatWentOutAreKnown(t *testing.T) {
	t.Parallel()
	var m Monitor
	for n := range 300 {
		m.Passed(compound(t, &rtcp.SenderReport{SSRC: 7, NTPTime: uint64(n+1) << 16}), time.Duration(n)*time.Second)
	}
	about := func(n int) []byte {
		return compound(t, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 7, LastSenderReport: uint32(n + 1)}}})
	}
	m.Heard(about(290), 300*time.Second, 7, 8000)
	if r := m.Report(time.Time{}); r.Trip != 0 {
		t.Errorf("%v from one that is forgotten", r.Trip)
	}
	m.Heard(about(297), 300*time.Second, 7, 8000)
	if r := m.Report(time.Time{}); r.Trip != 3*time.Second {
		t.Errorf("%v", r.Trip)
	}
}

func FuzzCompoundsAreWalkedWithinTheirBounds(f *testing.F) {
	f.Add(everything(f, 7), uint32(7))
	f.Add([]byte{0x81, 202, 0, 2, 0, 0, 0, 7, 1, 255, 0, 0}, uint32(7))
	f.Add([]byte{0x9f, 201, 0, 1, 0, 0, 0, 1}, uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, ssrc uint32) {
		// A packet of another implementation's that it reads back is good enough for us.
		valid := ValidControl(b)
		var m Monitor
		m.Passed(b, time.Second)
		m.Heard(b, 2*time.Second, ssrc, 8000)
		if r := m.Report(time.Time{}); r.Loss < 0 || r.Loss >= 1 || r.Jitter < 0 || r.Trip < 0 {
			t.Fatalf("%+v", r)
		}
		there := Rename(bytes.Clone(b), ssrc, ^ssrc)
		again := bytes.Clone(b)
		if n := Rename(again, ssrc, ssrc); n != there || !bytes.Equal(again, b) {
			t.Fatalf("%d places, then %d", there, n)
		}
		Rename(again, ssrc, ^ssrc)
		if ValidControl(again) != valid {
			t.Fatal("a name makes it valid")
		}
	})
}
