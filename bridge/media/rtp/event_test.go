package rtp

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestKeysHaveTheCodesOfRFC4733(t *testing.T) {
	t.Parallel()
	for i, k := range "0123456789*#ABCD!" {
		if code, ok := Code(k); !ok || code != uint8(i) {
			t.Errorf("%c is %d, %v", k, code, ok)
		}
		if digit, ok := Digit(uint8(i)); !ok || digit != k {
			t.Errorf("%d is %c, %v", i, digit, ok)
		}
	}
	for i, k := range "abcd" {
		if code, ok := Code(k); !ok || code != uint8(12+i) {
			t.Errorf("%c is %d, %v", k, code, ok)
		}
	}
	for _, k := range "eE x\x00ü" {
		if code, ok := Code(k); ok {
			t.Errorf("%c is %d", k, code)
		}
	}
	if k, ok := Digit(17); ok {
		t.Errorf("17 is %c", k)
	}
}

func TestEventsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	b := []byte{11, 0x8a, 0x03, 0x20}
	e, ok := ParseEvent(append(b, 1, 2, 3))
	if !ok || e != (Event{Code: 11, End: true, Volume: 10, Duration: 800}) {
		t.Errorf("%+v", e)
	}
	again := make([]byte, EventSize)
	e.Put(again)
	if !bytes.Equal(again, b) {
		t.Errorf("%x", again)
	}
	if _, ok := ParseEvent(b[:3]); ok {
		t.Error("three bytes are an event")
	}
}

// sent is a packet of a Keying as it goes out.
type sent struct {
	h  Header
	e  Event
	at time.Duration
}

// press is all packets of a press.
func press(t testing.TB, digit rune, d time.Duration, rate, timestamp uint32, at time.Duration) []sent {
	t.Helper()
	k, ok := NewKeying(digit, d, rate)
	if !ok {
		t.Fatalf("%c is no key", digit)
	}
	var all []sent
	for p, ok := k.Next(); ok; p, ok = k.Next() {
		all = append(all, sent{Header{Marker: p.Marker, Timestamp: timestamp + p.Offset, SSRC: 1}, p.Event, at})
		at += KeyingInterval
	}
	return all
}

// detect is what a Detector makes of packets, waiting at the end.
func detect(rate uint32, packets []sent) []Press {
	var d Detector
	var all []Press
	at := time.Duration(0)
	for _, p := range packets {
		at = p.at
		if press, ok := d.Late(at); ok {
			all = append(all, press)
		}
		if press, ok := d.Add(p.h, p.e, rate, at); ok {
			all = append(all, press)
		}
	}
	if press, ok := d.Late(at + time.Second); ok {
		all = append(all, press)
	}
	return all
}

func TestAPressIsSentAsRFC4733Says(t *testing.T) {
	t.Parallel()
	all := press(t, '5', 100*time.Millisecond, 8000, 1000, 0)
	var durations []uint16
	for i, p := range all {
		durations = append(durations, p.e.Duration)
		if p.h.Timestamp != 1000 || p.h.Marker != (i == 0) || p.e.End != (i >= 4) || p.e.Code != 5 || p.e.Volume != loud {
			t.Errorf("packet %d: %+v", i, p)
		}
	}
	if want := []uint16{160, 320, 480, 640, 800, 800, 800}; !slices.Equal(durations, want) {
		t.Errorf("%v, want %v", durations, want)
	}
	for _, row := range []struct {
		name  string
		d     time.Duration
		rate  uint32
		units uint32
	}{
		{"too short", 0, 8000, 320},
		{"below zero", -time.Second, 8000, 320},
		{"too long", time.Hour, 8000, 80000},
		{"in another clock", 100 * time.Millisecond, 48000, 4800},
	} {
		k, ok := NewKeying('#', row.d, row.rate)
		if !ok || k.Length() != row.units {
			t.Errorf("%s: %d", row.name, k.Length())
		}
	}
	if _, ok := NewKeying('x', time.Second, 8000); ok {
		t.Error("x is a key")
	}
	if _, ok := NewKeying('1', time.Second, 0); ok {
		t.Error("a clock of none")
	}
	var none Keying
	if p, ok := none.Next(); ok {
		t.Errorf("%+v from nothing", p)
	}
}

func TestEachPressIsToldOnce(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	five := func() []sent { return press(t, '5', 100*ms, 8000, 1000, 0) }
	for _, row := range []struct {
		name    string
		packets []sent
		want    []Press
	}{
		{"as it is sent", five(), []Press{{'5', 100 * ms}}},
		{"the first lost", five()[1:], []Press{{'5', 100 * ms}}},
		{"only the last end comes", five()[6:], []Press{{'5', 100 * ms}}},
		{"no end comes", five()[:4], []Press{{'5', 80 * ms}}},
		{"all twice", slices.Concat(five(), five()), []Press{{'5', 100 * ms}}},
		{"backwards", func() []sent { s := five(); slices.Reverse(s); return s }(), []Press{{'5', 100 * ms}}},
		{"an update after the end", append(five(), five()[2]), []Press{{'5', 100 * ms}}},
		{"two, the ends of the first lost", slices.Concat(five()[:4], press(t, '5', 60*ms, 8000, 3000, 100*ms)),
			[]Press{{'5', 80 * ms}, {'5', 60 * ms}}},
		{"two, of the second only an end", slices.Concat(five()[:4], press(t, '6', 60*ms, 8000, 3000, 100*ms)[4:]),
			[]Press{{'5', 80 * ms}, {'6', 60 * ms}}},
		{"the first one's end after the second's start",
			slices.Concat(five(), press(t, '6', 60*ms, 8000, 3000, 140*ms)[:2], five()[6:], press(t, '6', 60*ms, 8000, 3000, 180*ms)[2:]),
			[]Press{{'5', 100 * ms}, {'6', 60 * ms}}},
		{"over the end of the timestamps",
			slices.Concat(press(t, '1', 100*ms, 8000, 1<<32-400, 0), press(t, '2', 100*ms, 8000, 1200, 200*ms)),
			[]Press{{'1', 100 * ms}, {'2', 100 * ms}}},
		{"another source begins earlier in time",
			slices.Concat(five(), func() []sent {
				s := press(t, '7', 60*ms, 8000, 500, 200*ms)
				for i := range s {
					s[i].h.SSRC = 2
				}
				return s
			}()), []Press{{'5', 100 * ms}, {'7', 60 * ms}}},
		{"no key", []sent{{Header{Timestamp: 1}, Event{Code: 36, End: true}, 0}}, nil},
		{"a key that becomes another", append(five()[:2], sent{Header{Timestamp: 1000, SSRC: 1}, Event{Code: 6, End: true}, 0}),
			[]Press{{'5', 40 * ms}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := detect(8000, row.packets); !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestALongPressGoesOnInSegments(t *testing.T) {
	t.Parallel()
	for _, rate := range []uint32{8000, 48000} {
		for _, d := range []time.Duration{time.Second, 1365 * time.Millisecond, 5 * time.Second, 10 * time.Second} {
			all := press(t, '*', d, rate, 1<<32-1000, 0)
			got := detect(rate, all)
			if len(got) != 1 || got[0].Digit != '*' || got[0].Duration < d-time.Millisecond || got[0].Duration > d {
				t.Errorf("%v at %d: %v", d, rate, got)
			}
			// A segment's last packet may be lost.
			some := slices.DeleteFunc(all, func(p sent) bool { return p.e.Duration == 0xffff })
			if got := detect(rate, some); len(got) != 1 || got[0].Duration < d-time.Millisecond {
				t.Errorf("%v at %d with losses: %v", d, rate, got)
			}
		}
	}
}

func TestAKeyHeldForEverIsToldWithABound(t *testing.T) {
	t.Parallel()
	var d Detector
	h := Header{Timestamp: 1}
	for n := range 1000 {
		if p, ok := d.Add(h, Event{Code: 1, Duration: 0xffff}, 8000, time.Duration(n)*time.Millisecond); ok {
			t.Fatal(p)
		}
		if !d.Pending() {
			t.Fatal("not held")
		}
		h.Timestamp += 0xffff
	}
	if p, ok := d.Late(time.Hour); !ok || p.Duration != longest {
		t.Error(p)
	}
}

func TestDigitsSurviveTheNetwork(t *testing.T) {
	t.Parallel()
	const digits = "0123456789*#ABCD!5551"
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var all []sent
		at, timestamp := time.Duration(0), random.Uint32()
		for _, k := range digits {
			d := time.Duration(60+random.IntN(200)) * time.Millisecond
			p := press(t, k, d, 8000, timestamp, at)
			for i := range p {
				p[i].at += time.Duration(random.IntN(30)) * time.Millisecond
			}
			// Up to two of the ends and some of the others are lost.
			p = slices.Delete(p, len(p)-1-random.IntN(2), len(p))
			p = slices.DeleteFunc(p, func(s sent) bool { return !s.e.End && random.IntN(4) == 0 })
			if random.IntN(3) == 0 {
				p = append(p, p[random.IntN(len(p))])
			}
			all = append(all, p...)
			at += d + 150*time.Millisecond
			timestamp += uint32((d + 150*time.Millisecond).Milliseconds() * 8)
		}
		slices.SortStableFunc(all, func(a, b sent) int { return int(a.at - b.at) })
		var got []rune
		for _, p := range detect(8000, all) {
			got = append(got, p.Digit)
		}
		if string(got) != digits {
			t.Fatalf("seed %d: %q", seed, string(got))
		}
	}
}

func FuzzEventsMakePressesOfKeysOnly(f *testing.F) {
	f.Add([]byte{5, 10, 0, 160, 5, 0x8a, 0x3, 0x20}, uint32(1000), uint32(8000))
	f.Add([]byte{255, 255, 255, 255}, uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, timestamp, rate uint32) {
		var d Detector
		packets, presses := 0, 0
		check := func(p Press, ok bool) {
			if !ok {
				return
			}
			presses++
			if _, known := Code(p.Digit); !known || p.Duration < 0 || p.Duration > longest {
				t.Fatalf("%+v", p)
			}
		}
		for at := time.Duration(0); ; at += 10 * time.Millisecond {
			e, ok := ParseEvent(b)
			if !ok {
				break
			}
			packets++
			again := make([]byte, EventSize)
			e.Put(again)
			again[1] |= b[1] & 0x40 // the reserved bit
			if !bytes.Equal(again, b[:EventSize]) {
				t.Fatalf("%x, %x", again, b[:EventSize])
			}
			check(d.Add(Header{Timestamp: timestamp}, e, rate, at))
			timestamp += uint32(b[0])
			b = b[EventSize:]
		}
		check(d.Late(time.Hour))
		if presses > packets || d.Pending() {
			t.Fatalf("%d presses of %d packets", presses, packets)
		}
	})
}
