package convert

import (
	"encoding/binary"
	"testing"
	"time"

	"gateway/codec/codectest"
	"gateway/codec/sound"
)

// spoken is what is heard of a voice in Opus, of which each packet carries the one before or
// does not, and of which every seventh packet is lost or none is.
func spoken(t *testing.T, twice, lossy bool) (pcm []int16) {
	t.Helper()
	f := opus
	if twice {
		f.Params = "useinbandfec=1"
	}
	e, err := sound.NewEncoder(f, sound.Setting{Rate: 16000, Bitrate: 24000, Loss: 20})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Ways: Choose(list(payload(opus, 1)), list(payload(l16, 2)), true), Whole: true}, func(o Out) {
		for b := o.Data; len(b) >= 2; b = b[2:] {
			pcm = append(pcm, int16(binary.BigEndian.Uint16(b)))
		}
	})
	var all []arrival
	voice := codectest.Voice(e.Rate(), 100*e.Frame())
	for i := range 100 {
		data, err := e.Encode(nil, voice[i*e.Frame():(i+1)*e.Frame()])
		if err != nil {
			t.Fatal(err)
		}
		if lossy && i%7 == 6 {
			continue
		}
		p := Packet{Type: 1, Sequence: uint16(i), Timestamp: uint32(960 * i), SSRC: 1, Data: data}
		all = append(all, arrival{at: begins + time.Duration(i)*20*time.Millisecond, do: func(s *Stream, now time.Duration) { s.Packet(p, now) }})
	}
	now := time.Duration(0)
	run(s, &now, all)
	if s.Err() != nil || lossy && s.Counts().Concealed != 14 {
		t.Fatalf("%v, %+v", s.Err(), s.Counts())
	}
	return pcm
}

// What the next packet tells of a lost one is heard: the sound is nearer to that without losses
// than where packets carry nothing of each other.
func TestALossIsMendedFromTheNextPacket(t *testing.T) {
	t.Parallel()
	mended := codectest.SNR(spoken(t, true, false), spoken(t, true, true), 0)
	concealed := codectest.SNR(spoken(t, false, false), spoken(t, false, true), 0)
	t.Logf("%.1f dB with the next packet, %.1f dB without", mended, concealed)
	if mended < concealed+3 {
		t.Errorf("%.1f dB with the next packet, %.1f dB without", mended, concealed)
	}
}
