package rtp

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

func TestHeadersAreReadAsAnotherImplementationWritesThem(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		p    rtp.Packet
	}{
		{"plain", rtp.Packet{Header: rtp.Header{PayloadType: 8, SequenceNumber: 65535, Timestamp: 1 << 31, SSRC: 0xdeadbeef}}},
		{"marked", rtp.Packet{Header: rtp.Header{PayloadType: 127, Marker: true}}},
		{"mixed", rtp.Packet{Header: rtp.Header{PayloadType: 0, CSRC: []uint32{1, 2, 3}}}},
		{"padded", rtp.Packet{Header: rtp.Header{PayloadType: 0, Padding: true, PaddingSize: 7}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.p.Version = 2
			row.p.Payload = []byte("a frame")
			b, err := row.p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			h, ok := Parse(b)
			if !ok || h.Type != row.p.PayloadType || h.Marker != row.p.Marker || h.Sequence != row.p.SequenceNumber ||
				h.Timestamp != row.p.Timestamp || h.SSRC != row.p.SSRC || h.Padding != int(row.p.Header.PaddingSize) ||
				!bytes.Equal(h.Payload(b), row.p.Payload) {
				t.Errorf("%+v, %v", h, ok)
			}
			if len(row.p.CSRC) == 0 && !row.p.Padding {
				again := make([]byte, MinHeader)
				h.Put(again)
				if !bytes.Equal(again, b[:MinHeader]) {
					t.Errorf("%x, want %x", again, b[:MinHeader])
				}
			}
		})
	}
}

func TestWhatIsNoRTPIsRefused(t *testing.T) {
	t.Parallel()
	good := make([]byte, 20)
	Header{Type: 8, Sequence: 1, SSRC: 2}.Put(good)
	change := func(f func(b []byte)) []byte {
		b := bytes.Clone(good)
		f(b)
		return b
	}
	for _, row := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"too short", good[:11]},
		{"another version", change(func(b []byte) { b[0] = 0x40 })},
		{"more sources than bytes", change(func(b []byte) { b[0] |= 3 })},
		{"an extension that is cut", change(func(b []byte) { b[0] |= 0x12 })},
		{"an extension longer than the packet", change(func(b []byte) { b[0] |= 0x10; b[15] = 2 })},
		{"no padding where it is said", change(func(b []byte) { b[0] |= 0x20 })},
		{"padding longer than the payload", change(func(b []byte) { b[0] |= 0x20; b[19] = 9 })},
	} {
		if h, ok := Parse(row.b); ok {
			t.Errorf("%s: %+v", row.name, h)
		}
	}
	padded := change(func(b []byte) { b[0] |= 0x20; b[19] = 99 })
	if _, ok := ParseSealed(padded); !ok {
		t.Error("what is encrypted can't be looked at for padding")
	}
}

func TestTheTypeIsWrittenWithoutTheMarker(t *testing.T) {
	t.Parallel()
	b := make([]byte, MinHeader)
	Header{Type: 8, Marker: true}.Put(b)
	SetType(b, 101)
	SetSSRC(b, 1)
	SetSequence(b, 2)
	SetTimestamp(b, 3)
	if h, ok := Parse(b); !ok || h != (Header{Type: 101, Marker: true, Sequence: 2, Timestamp: 3, SSRC: 1, Size: MinHeader}) {
		t.Errorf("%+v", h)
	}
}

func TestDatagramsAreToldApartByTheirFirstBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		b    []byte
		want Class
	}{
		{nil, Unknown},
		{[]byte{0x80}, Unknown},
		{[]byte{0, 1}, STUN},
		{[]byte{3, 1}, STUN},
		{[]byte{4, 1}, Unknown},
		{[]byte{16, 0}, Unknown}, // ZRTP
		{[]byte{19, 0}, Unknown},
		{[]byte{20, 254}, DTLS},
		{[]byte{63, 254}, DTLS},
		{[]byte{64, 0}, Unknown}, // TURN channels
		{[]byte{127, 0}, Unknown},
		{[]byte{0x80, 0}, RTP},
		{[]byte{0x80, 8 | 0x80}, RTP},
		{[]byte{0xbf, 127}, RTP},
		{[]byte{0x80, 191}, RTP},
		{[]byte{0x80, 192}, RTCP},
		{[]byte{0x81, 200}, RTCP},
		{[]byte{0x81, 223}, RTCP},
		{[]byte{0x81, 224}, RTP},
		{[]byte{0xc0, 200}, Unknown},
	} {
		if got := Classify(row.b); got != row.want {
			t.Errorf("%x: %v, want %v", row.b, got, row.want)
		}
	}
	if Unknown.String() != "unknown" || RTP.String() != "rtp" || RTCP.String() != "rtcp" ||
		DTLS.String() != "dtls" || STUN.String() != "stun" {
		t.Error("the words are others")
	}
}

func FuzzHeadersAgreeWithAnotherImplementation(f *testing.F) {
	f.Add([]byte{0x80, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3})
	f.Add([]byte{0xb1, 0xe5, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0x12, 0x34, 0, 1, 1, 2, 3, 4, 5, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		Classify(b)
		h, ok := Parse(b)
		if !ok {
			return
		}
		if h.Size+h.Padding > len(b) || h.Size < MinHeader {
			t.Fatalf("%+v of %d bytes", h, len(b))
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			return // it looks into extensions, which we pass on as they are
		}
		if p.SequenceNumber != h.Sequence || p.SSRC != h.SSRC || p.Timestamp != h.Timestamp ||
			p.PayloadType != h.Type || p.Marker != h.Marker || !bytes.Equal(p.Payload, h.Payload(b)) {
			t.Fatalf("%+v, %+v", h, p.Header)
		}
	})
}
