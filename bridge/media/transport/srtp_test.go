package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"

	"github.com/pion/srtp/v3"
)

// packet is an RTP packet with a payload that tells it from others.
func packet(ssrc uint32, sequence uint16) []byte {
	b := make([]byte, 172)
	rtp.Header{Type: 8, Sequence: sequence, Timestamp: uint32(sequence) * 160, SSRC: ssrc}.Put(b)
	for i := range b[rtp.MinHeader:] {
		b[rtp.MinHeader+i] = byte(i) ^ byte(sequence)
	}
	return b
}

// report is a RTCP compound: a SR with one block, and a SDES.
func report(ssrc, about uint32) []byte {
	b := make([]byte, 52+16)
	b[0], b[1], b[3] = 0x81, 200, 12
	binary.BigEndian.PutUint32(b[4:], ssrc)
	binary.BigEndian.PutUint32(b[28:], about)
	b[52], b[53], b[55] = 0x81, 202, 3
	binary.BigEndian.PutUint32(b[56:], ssrc)
	copy(b[60:], "\x01\x04name\x00\x00")
	return b
}

// room is a copy of p with room for its seal behind it.
func room(p []byte) []byte { return append(bytes.Clone(p), make([]byte, Overhead)...) }

func pair(t testing.TB, s media.Suite) (*Sealer, *Opener) {
	t.Helper()
	key, err := NewKey(s)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := NewSealer(s, key)
	if err != nil {
		t.Fatal(err)
	}
	opener, err := NewOpener(s, key)
	if err != nil {
		t.Fatal(err)
	}
	return sealer, opener
}

func seal(t testing.TB, s *Sealer, p []byte, control bool) []byte {
	t.Helper()
	b := room(p)
	n, err := s.Seal(b, len(p), control)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestSealedPacketsAreThoseOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	for _, s := range Suites() {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			key, _ := NewKey(s)
			p, _ := suite(s)
			peer, err := srtp.CreateContext(key[:p.key], key[p.key:], p.id)
			if err != nil {
				t.Fatal(err)
			}
			sealer, _ := NewSealer(s, key)
			opener, _ := NewOpener(s, key)
			for i := range 70000 {
				plain := packet(7, uint16(65000+i))
				if i%1000 != 0 && i > 1000 {
					continue
				}
				want, err := peer.EncryptRTP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := seal(t, sealer, plain, false)
				if !bytes.Equal(got, want) {
					t.Fatalf("packet %d is sealed in another way", i)
				}
				n, err := opener.Open(got, false)
				if err != nil || !bytes.Equal(got[:n], plain) {
					t.Fatalf("packet %d: %v", i, err)
				}
			}
			for i := range 5 {
				plain := report(7, 9)
				want, err := peer.EncryptRTCP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := seal(t, sealer, plain, true)
				if !bytes.Equal(got, want) {
					t.Fatalf("report %d is sealed in another way", i)
				}
				n, err := opener.Open(got, true)
				if err != nil || !bytes.Equal(got[:n], plain) {
					t.Fatalf("report %d: %v", i, err)
				}
			}
		})
	}
}

func TestPacketsWithSourcesAndExtensionsAreSealed(t *testing.T) {
	t.Parallel()
	for _, s := range Suites() {
		sealer, opener := pair(t, s)
		plain := packet(7, 1)
		plain[0] |= 0x12 // an extension, two sources
		copy(plain[20:], []byte{0xbe, 0xde, 0, 2, 0x10, 0xff, 0x51, 1, 2, 0, 0, 0})
		for range 2 {
			b := seal(t, sealer, plain, false)
			if bytes.Contains(b, plain[40:60]) {
				t.Errorf("%s: the payload can be read", s)
			}
			n, err := opener.Open(b, false)
			if err != nil || !bytes.Equal(b[:n], plain) {
				t.Errorf("%s: %v", s, err)
			}
			binary.BigEndian.PutUint16(plain[2:], 2)
		}
	}
}

func TestWhatIsNotGenuineIsNotOpened(t *testing.T) {
	t.Parallel()
	for _, s := range Suites() {
		for _, control := range []bool{false, true} {
			t.Run(fmt.Sprint(s, control), func(t *testing.T) {
				t.Parallel()
				sealer, opener := pair(t, s)
				plain := packet(7, 1)
				if control {
					plain = report(7, 8)
				}
				sealed := seal(t, sealer, plain, control)
				for i := range sealed {
					broken := bytes.Clone(sealed)
					broken[i] ^= 1
					if _, err := opener.Open(broken, control); err == nil {
						t.Errorf("byte %d makes no difference", i)
					}
					if _, err := opener.Open(bytes.Clone(sealed[:i]), control); err == nil {
						t.Errorf("%d bytes are enough", i)
					}
				}
				if len(opener.sources.list)+len(opener.controls.list) != 0 {
					t.Error("a forger is remembered")
				}
				again := bytes.Clone(sealed)
				if n, err := opener.Open(sealed, control); err != nil || !bytes.Equal(sealed[:n], plain) {
					t.Fatal(err)
				}
				_, err := opener.Open(again, control)
				if !errors.Is(err, ErrRepeat) || Reason(err) != media.DropRepeat {
					t.Errorf("a repeat: %v", err)
				}
			})
		}
	}
}

func TestPacketsOpenInAnyOrderOnce(t *testing.T) {
	t.Parallel()
	sealer, opener := pair(t, media.SuiteCM80)
	const first, count = 65400, 300 // across the end of the numbers
	var sealed [count][]byte
	for i := range sealed {
		sealed[i] = seal(t, sealer, packet(7, uint16(first+i)), false)
	}
	// The first one says where the numbers stand.
	order := append([]int{100}, rand.New(rand.NewPCG(1, 2)).Perm(200)...)
	for n, i := range order {
		if _, err := opener.Open(bytes.Clone(sealed[i]), false); (err != nil) != (n > 0 && i == 100) {
			t.Errorf("packet %d: %v", i, err)
		}
	}
	for _, i := range order {
		if _, err := opener.Open(bytes.Clone(sealed[i]), false); err == nil {
			t.Errorf("packet %d twice", i)
		}
	}
	if _, err := opener.Open(sealed[299], false); err != nil {
		t.Error(err)
	}
	if _, err := opener.Open(bytes.Clone(sealed[0]), false); !errors.Is(err, ErrRepeat) {
		t.Errorf("299 packets late: %v", err)
	}
}

func TestNothingIsSealedTwice(t *testing.T) {
	t.Parallel()
	type slot struct {
		ssrc  uint32
		index uint64
	}
	random := rand.New(rand.NewPCG(3, 4))
	sealer, opener := pair(t, media.SuiteGCM128)
	seen := map[slot]bool{}
	sequence := uint16(random.Uint32())
	repeats, opened := 0, 0
	for range 20000 {
		switch n := random.IntN(1000); {
		case n < 900:
			sequence++
		case n < 950: // again
		case n < 990:
			sequence -= uint16(random.IntN(100))
		case n < 999:
			sequence += uint16(random.IntN(3000))
		default:
			sequence = uint16(random.Uint32())
		}
		p := packet(7, sequence)
		h, _ := rtp.ParseSealed(p)
		b := room(p)
		n, err := sealer.Seal(b, len(p), false)
		if errors.Is(err, ErrRepeat) || errors.Is(err, ErrSources) {
			repeats++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		src := sealer.sources.find(h.SSRC)
		index, ok := src.estimate(sequence)
		at := slot{binary.BigEndian.Uint32(b[8:]), index}
		if !ok || seen[at] {
			t.Fatalf("%v is used twice", at)
		}
		seen[at] = true
		if _, err := opener.Open(b[:n], false); err == nil {
			opened++
		}
	}
	if repeats < 1000 || opened < len(seen)*99/100 {
		t.Errorf("%d repeats, %d of %d opened", repeats, opened, len(seen))
	}
}

func TestASourceThatBeginsAnewIsAnother(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		first, anew uint16
		lost        int
	}{
		{"far back", 5000, 100, 1},
		{"half a round on", 100, 40000, 1},
		{"a little back", 200, 100, 15},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			sealer, opener := pair(t, media.SuiteCM80)
			for i := range uint16(150) {
				b := seal(t, sealer, packet(7, row.first-149+i), false)
				if _, err := opener.Open(b, false); err != nil {
					t.Fatal(err)
				}
			}
			lost, out := 0, uint32(0)
			for i := range uint16(40) {
				p := packet(7, row.anew+i)
				b := room(p)
				n, err := sealer.Seal(b, len(p), false)
				if errors.Is(err, ErrRepeat) {
					lost++
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if n, err = opener.Open(b[:n], false); err != nil {
					t.Fatal(err)
				}
				out = binary.BigEndian.Uint32(b[8:])
				rtp.SetSSRC(b, 7)
				if !bytes.Equal(b[:n], p) {
					t.Fatal("more than the source is another")
				}
			}
			if lost != row.lost || out == 7 || sealer.Renamed() != 1 {
				t.Errorf("%d lost, want %d; source %d; renamed %d", lost, row.lost, out, sealer.Renamed())
			}
			ours := seal(t, sealer, report(7, 1000), true)
			n, err := opener.Open(ours, true)
			if err != nil || !bytes.Equal(ours[:n], report(out, 1000)) {
				t.Errorf("the report is of another source: %v", err)
			}
			theirs := report(1000, out)
			sealer.Restore(theirs)
			if !bytes.Equal(theirs, report(1000, 7)) {
				t.Error("the peer's report is about a source that nobody knows")
			}
		})
	}
}

func TestDoubledPacketsDoNotMakeASourceAnother(t *testing.T) {
	t.Parallel()
	sealer, _ := pair(t, media.SuiteCM80)
	for i := range uint16(1000) {
		p := packet(7, i)
		seal(t, sealer, p, false)
		for _, late := range []uint16{i, i - 3, i - 2, i - 1} {
			if late > i {
				continue
			}
			if _, err := sealer.Seal(room(packet(7, late)), len(p), false); !errors.Is(err, ErrRepeat) {
				t.Fatalf("%d after %d: %v", late, i, err)
			}
		}
	}
	if sealer.Renamed() != 0 {
		t.Errorf("renamed %d times", sealer.Renamed())
	}
}

func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	sealer, opener := pair(t, media.SuiteGCM128)
	other, _ := NewSealer(media.SuiteGCM128, opener.key)
	for i := range uint32(maxNames) {
		if _, err := opener.Open(seal(t, sealer, packet(i, 1), false), false); err != nil {
			t.Fatal(err)
		}
		if _, err := opener.Open(seal(t, sealer, report(i, 0), true), true); err != nil {
			t.Fatal(err)
		}
	}
	more := packet(maxNames, 1)
	if _, err := sealer.Seal(room(more), len(more), false); !errors.Is(err, ErrSources) {
		t.Errorf("sealing: %v", err)
	}
	if _, err := opener.Open(seal(t, other, more, false), false); !errors.Is(err, ErrSources) || Reason(err) != media.DropSource {
		t.Errorf("opening: %v", err)
	}
	about := report(maxNames, 0)
	if _, err := sealer.Seal(room(about), len(about), true); !errors.Is(err, ErrSources) {
		t.Errorf("sealing a report: %v", err)
	}
	if _, err := opener.Open(seal(t, other, about, true), true); !errors.Is(err, ErrSources) {
		t.Errorf("opening a report: %v", err)
	}
	if b := seal(t, sealer, packet(3, 2), false); len(b) == 0 {
		t.Error("the known ones are refused as well")
	}
}

// TestASourceThatWasQuietGoesOn has more sources than are known whole: none is silent for
// that, and what was heard of those that come back can't be repeated.
func TestASourceThatWasQuietGoesOn(t *testing.T) {
	t.Parallel()
	sealer, opener := pair(t, media.SuiteCM80)
	first := seal(t, sealer, packet(0, 7), false)
	if _, err := opener.Open(slices.Clone(first), false); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(3 * maxSources) {
		for _, p := range [][]byte{packet(i+1, 1), packet(1000, uint16(i))} { // one of them all the time
			if _, err := opener.Open(seal(t, sealer, p, false), false); err != nil {
				t.Fatalf("source %d: %v", i+1, err)
			}
		}
	}
	if _, err := opener.Open(slices.Clone(first), false); !errors.Is(err, ErrRepeat) {
		t.Errorf("a repeat: %v", err)
	}
	again := packet(0, 7)
	if _, err := sealer.Seal(room(again), len(again), false); !errors.Is(err, ErrRepeat) {
		t.Errorf("sealed again: %v", err)
	}
	if _, err := opener.Open(seal(t, sealer, packet(0, 8), false), false); err != nil {
		t.Errorf("what follows: %v", err)
	}
	if len(opener.sources.list) > maxSources || sealer.Renamed() != 0 {
		t.Errorf("%d sources known whole, %d renamed", len(opener.sources.list), sealer.Renamed())
	}
}

func TestThereMustBeRoomForTheSeal(t *testing.T) {
	t.Parallel()
	sealer, _ := pair(t, media.SuiteCM32)
	p := packet(7, 1)
	for _, row := range []struct {
		name string
		b    []byte
		n    int
		want error
	}{
		{"none", p, len(p), ErrRoom},
		{"a byte too little", room(p)[:len(p)+Overhead-1], len(p), ErrRoom},
		{"a length below zero", room(p), -1, ErrRoom},
		{"no packet", make([]byte, 100), 50, ErrMalformed},
		{"an empty one", room(p), 0, ErrMalformed},
	} {
		if _, err := sealer.Seal(row.b, row.n, false); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, err := sealer.Seal(make([]byte, 100), 7, true); !errors.Is(err, ErrMalformed) {
		t.Errorf("a short report: %v", err)
	}
}

func TestKeysAreOfTheSuitesLength(t *testing.T) {
	t.Parallel()
	for s, want := range map[media.Suite]int{
		media.SuiteGCM256: 44, media.SuiteGCM128: 28, media.SuiteCM80: 30, media.SuiteCM32: 30,
	} {
		if n, ok := KeyLength(s); !ok || n != want {
			t.Errorf("%s: %d, %v", s, n, ok)
		}
		for _, wrong := range []int{0, want - 1, want + 1} {
			if _, err := NewSealer(s, make([]byte, wrong)); !errors.Is(err, ErrSuite) {
				t.Errorf("%s with %d bytes: %v", s, wrong, err)
			}
			if _, err := NewOpener(s, make([]byte, wrong)); !errors.Is(err, ErrSuite) {
				t.Errorf("%s with %d bytes: %v", s, wrong, err)
			}
		}
	}
	if _, err := NewKey("F8_128_HMAC_SHA1_80"); !errors.Is(err, ErrSuite) {
		t.Error(err)
	}
	sealer, opener := pair(t, media.SuiteCM80)
	if !sealer.Matches(media.SuiteCM80, sealer.key) || sealer.Matches(media.SuiteCM32, sealer.key) ||
		opener.Matches(media.SuiteCM80, make([]byte, 30)) || !opener.Matches(media.SuiteCM80, sealer.key) {
		t.Error("keys are confused")
	}
}

func FuzzWhateverComesIsOpenedOrRefused(f *testing.F) {
	s, _ := pair(f, media.SuiteCM80)
	f.Add(seal(f, s, packet(7, 1), false), false)
	f.Add(seal(f, s, report(7, 1), true), true)
	f.Add([]byte{0x9f, 200, 0, 0}, false)
	f.Fuzz(func(t *testing.T, b []byte, control bool) {
		for _, suite := range Suites() {
			sealer, opener := pair(t, suite)
			if _, err := opener.Open(bytes.Clone(b), control); err == nil {
				t.Fatal("opened without its key")
			}
			p := room(b)
			n, err := sealer.Seal(p, len(b), control)
			if err != nil {
				continue
			}
			if n, err = opener.Open(p[:n], control); err != nil || !bytes.Equal(p[:n], b) {
				t.Fatalf("sealed, but not to be opened: %v", err)
			}
		}
	})
}
