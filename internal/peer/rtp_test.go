package peer

import (
	"context"
	"testing"
	"time"
)

func TestRTPPeerHearsWhatAnotherPlays(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	one, err := NewRTPPeer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := NewRTPPeer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	packets := RTPStream(Tone(ToneB, 200*time.Millisecond), 0, 7)
	if err := one.Play(ctx, two.Addr(), packets); err != nil {
		t.Fatal(err)
	}
	got, err := two.WaitFor(ctx, len(packets), IsRTP(0))
	if err != nil {
		t.Fatal(err)
	}
	if d := RTPSound(got).Lasts(ToneB, 0.95); d != 200*time.Millisecond {
		t.Errorf("%v of the tone", d)
	}
	if from := two.Got()[0].From; from != one.Addr() {
		t.Errorf("from %v, want %v", from, one.Addr())
	}
	if one.Addr().Port()%2 != 0 {
		t.Errorf("port %d is odd", one.Addr().Port())
	}
}

func TestULawComesBackClose(t *testing.T) {
	t.Parallel()
	for v := -32000; v <= 32000; v += 37 {
		back := int(fromULaw(toULaw(int16(v))))
		if diff := back - v; diff > 1+max(v, -v)/16+8 || -diff > 1+max(v, -v)/16+8 {
			t.Fatalf("%d comes back as %d", v, back)
		}
	}
}

func TestSealedPacketsOpen(t *testing.T) {
	t.Parallel()
	key := NewSRTPKey("0123456789abcdef0123456789abcd")
	m := ParseSIP("SIP/2.0 200 OK\r\nX: y\r\n\r\n" + "a=crypto:" + key.Line() + "|2^20\r\n")
	again, err := m.SRTPKey()
	if err != nil {
		t.Fatal(err)
	}
	packets := RTPStream(Tone(ToneB, 100*time.Millisecond), 0, 7)
	sealed, err := key.Seal(packets)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := again.Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if d := RTPSound(opened).Lasts(ToneB, 0.95); d != 100*time.Millisecond {
		t.Errorf("%v of the tone", d)
	}
}
