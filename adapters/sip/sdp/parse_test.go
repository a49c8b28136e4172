package sdp

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
)

// text joins the lines of a description.
func text(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

const key80 = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

func TestWhatPhonesWriteIsRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		body []byte
		want string // the lines as summary writes them
	}{
		{"static numbers need no rtpmap", text("v=0", "o=a 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 8 9 18"),
			"audio 192.0.2.1:4000/4001 RTP/AVP sendrecv 0=pcmu/8000 8=pcma/8000 9=g722/8000 18=g729/8000"},
		{"line ends and order do not matter", []byte("v=0\na=sendonly\nm=audio 4000 RTP/AVP 96\na=rtpmap:96 OPUS/48000/2\nc=IN IP6 2001:db8::1\no=broken\n"),
			"audio [2001:db8::1]:4000/4001 RTP/AVP sendonly 96=opus/48000/2"},
		{"a line overrides the session", text("v=0", "c=IN IP4 192.0.2.1", "a=inactive", "m=audio 4000 RTP/AVP 0", "a=recvonly", "c=IN IP4 192.0.2.9", "m=audio 4002 RTP/AVP 8"),
			"audio 192.0.2.9:4000/4001 RTP/AVP recvonly 0=pcmu/8000|audio 192.0.2.1:4002/4003 RTP/AVP inactive 8=pcma/8000"},
		{"parameters belong to their number", text("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 101 96", "a=fmtp:101 0-15", "a=rtpmap:101 telephone-event/8000", "a=rtpmap:96 iLBC/8000", "a=fmtp:96 mode=20", "a=ptime:30"),
			"audio 192.0.2.1:4000/4001 RTP/AVP sendrecv 101=telephone-event/8000 0-15 96=ilbc/8000 mode=20 30ms"},
		{"RTCP by attribute", text("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0", "a=rtcp:5001", "m=audio 4010 RTP/AVP 0", "a=rtcp:5003 IN IP4 192.0.2.7", "m=audio 4020 RTP/AVP 0", "a=rtcp-mux"),
			"audio 192.0.2.1:4000/5001 RTP/AVP sendrecv 0=pcmu/8000|audio 192.0.2.1:4010/5003 RTP/AVP sendrecv 0=pcmu/8000|audio 192.0.2.1:4020/4020 RTP/AVP sendrecv 0=pcmu/8000"},
		{"the hold of old", text("v=0", "c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0"), "audio nowhere RTP/AVP sendonly 0=pcmu/8000"},
		{"the hold of old, when nothing is said either", text("v=0", "c=IN IP4 0.0.0.0", "a=recvonly", "m=audio 4000 RTP/AVP 0"), "audio nowhere RTP/AVP inactive 0=pcmu/8000"},
		{"a host name is not looked up", text("v=0", "c=IN IP4 phone.example.org", "m=audio 4000 RTP/AVP 0"), "audio nowhere RTP/AVP sendrecv 0=pcmu/8000"},
		{"a group is not sent to", text("v=0", "c=IN IP4 224.2.1.1/127/3", "m=audio 4000/2 RTP/AVP 0"), "audio nowhere RTP/AVP sendrecv 0=pcmu/8000"},
		{"numbers that mean nothing are left out", text("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 97 200 0 0 abc", "a=rtpmap:97 x", "a=rtpmap:0 PCMU/0", "a=rtpmap:9 q/8000/99"),
			"audio 192.0.2.1:4000/4001 RTP/AVP sendrecv 0=pcmu/8000"},
		{"what is no RTP has no payloads", text("v=0", "c=IN IP4 192.0.2.1", "m=image 4000 udptl t38", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"),
			"image 192.0.2.1:4000/4001 udptl sendrecv|application 192.0.2.1:9/10 UDP/DTLS/SCTP sendrecv"},
		{"keys and certificates", text("v=0", "c=IN IP4 192.0.2.1", "a=fingerprint:SHA-256 ab:CD", "a=setup:actpass", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+key80+"|2^20", "a=crypto:2 F8_128_HMAC_SHA1_80 "+key80,
			"a=crypto:3 AES_CM_128_HMAC_SHA1_32 "+key80+" UNENCRYPTED_SRTP", "a=crypto:4 AES_CM_128_HMAC_SHA1_32 "+key80+" WSH=64"),
			"audio 192.0.2.1:4000/4001 RTP/SAVP sendrecv 0=pcmu/8000 crypto:1 crypto:4 sha-256=AB:CD actpass"},
		{"a line's own certificate counts", text("v=0", "c=IN IP4 192.0.2.1", "a=fingerprint:sha-256 AB:CD", "m=audio 4000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:sha-256 AB:CD:EF"),
			"audio 192.0.2.1:4000/4001 UDP/TLS/RTP/SAVP sendrecv 0=pcmu/8000 sha-256=AB:CD:EF"},
		{"nothing but a version", text("v=0"), ""},
	} {
		s, err := Parse(row.body)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := summary(s); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

// summary is a session in one line.
func summary(s *Session) string {
	var all []string
	for i := range s.Lines {
		l := &s.Lines[i]
		where := "nowhere"
		if l.rtpAddr().IsValid() {
			where = l.rtpAddr().String() + "/" + strings.TrimPrefix(l.rtcpAddr().String(), "x")
			where = where[:strings.LastIndexByte(where, '/')+1] + where[strings.LastIndexByte(where, ':')+1:]
		}
		f := []string{l.Kind, where, string(l.Proto), l.dir().String()}
		for i, p := range l.Payloads {
			f = append(f, tokens(l.Payloads)[i]+"="+p.Format.String())
			if p.Format.Params != "" {
				f = append(f, p.Format.Params)
			}
		}
		if l.Packet != 0 {
			f = append(f, l.Packet.String())
		}
		for _, c := range l.Crypto {
			f = append(f, "crypto:"+string(rune('0'+c.Tag)))
		}
		for _, p := range l.Fingerprints {
			f = append(f, p.Hash+"="+p.Value)
		}
		if l.Setup != "" {
			f = append(f, string(l.Setup))
		}
		all = append(all, strings.Join(f, " "))
	}
	return strings.Join(all, "|")
}

func TestWhatIsNoDescriptionIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"nothing":           nil,
		"other text":        []byte("hello"),
		"another version":   text("v=1", "m=audio 1 RTP/AVP 0"),
		"a version later":   text("o=a 1 2 IN IP4 192.0.2.1", "v=0"),
		"a short m-line":    text("v=0", "m=audio 1 RTP/AVP"),
		"a port beyond":     text("v=0", "m=audio 65536 RTP/AVP 0"),
		"a port below":      text("v=0", "m=audio -1 RTP/AVP 0"),
		"no media type":     text("v=0", "m=a;b 1 RTP/AVP 0"),
		"no proto":          text("v=0", "m=audio 1 RTP@AVP 0"),
		"too much":          append(text("v=0"), make([]byte, MaxSession)...),
		"too many lines":    text(append([]string{"v=0"}, repeated(maxLines+1, "m=audio 1 RTP/AVP 0")...)...),
		"too many formats":  text("v=0", "m=audio 1 RTP/AVP "+strings.Repeat("0 ", maxFormats+1)),
		"a format too long": text("v=0", "m=audio 1 RTP/AVP "+strings.Repeat("0", maxToken+1)),
	} {
		if s, err := Parse(body); err == nil {
			t.Errorf("%s: %s", name, summary(s))
		}
	}
}

func repeated(n int, line string) []string {
	var all []string
	for range n {
		all = append(all, line)
	}
	return all
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	t.Parallel()
	s := &Session{Origin: Origin{ID: 7, Version: 3, Addr: netip.MustParseAddr("2001:db8::1")}, Lines: []Line{
		{Kind: "audio", Port: 4000, Proto: SAVP, Formats: []string{"111", "101"}, Addr: netip.MustParseAddr("192.0.2.1"), Dir: bridge.SendOnly,
			Payloads: []media.Payload{{Format: opus, Type: 111}, {Format: events8, Type: 101}}, RTCP: RTCP{Port: 4011}, Mux: true, Packet: 20 * time.Millisecond, MID: "a",
			Crypto: []Crypto{{Tag: 1, Suite: media.SuiteCM80, Key: make([]byte, 30)}}, Fingerprints: []media.Fingerprint{{Hash: "sha-256", Value: "AB:CD"}}, Setup: ActPass},
		{Kind: "image", Proto: "udptl", Formats: []string{"t38"}, Addr: netip.MustParseAddr("2001:db8::1"), Dir: bridge.SendReceive, MID: "b"},
	}}
	again, err := Parse(s.Bytes())
	if err != nil || !reflect.DeepEqual(s, again) {
		t.Errorf("%v\n%s\n%+v\n%+v", err, s.Bytes(), s, again)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text("v=0", "o=a 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"))
	f.Add(text("v=0", "c=IN IP6 ::1", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+key80+"|2^31|1:4", "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=fingerprint:sha-256 AB:CD", "a=setup:active", "a=rtcp:9 IN IP4 1.2.3.4"))
	f.Add(text("v=0", "a=ice-ufrag:abcd", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=ice-pwd:0123456789abcdefghijkl", "a=candidate:1 1 udp 5 192.0.2.7 9 typ srflx raddr ::1 rport 7"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := Parse(body)
		if err != nil {
			return
		}
		again, err := Parse(s.Bytes())
		if errors.Is(err, errTooLarge) {
			return // what was said once for all lines is written for each
		}
		if err != nil || len(again.Lines) != len(s.Lines) {
			t.Fatalf("%v\n%s", err, s.Bytes())
		}
		for i, l := range s.Lines {
			if r := again.Lines[i]; l.Port != 0 && (l.Kind != r.Kind || l.Port != r.Port || l.Mux != r.Mux || !reflect.DeepEqual(l.Payloads, r.Payloads) || !reflect.DeepEqual(l.Crypto, r.Crypto) || l.HasICE() && !reflect.DeepEqual(l.ICE, r.ICE)) {
				t.Errorf("written and read again it differs:\n%+v\n%+v", l, r)
			}
		}
	})
}
