package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/transport"
	"gateway/codec"
)

var (
	pcmu     = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	pcma     = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
	opus     = codec.Format{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}
	h264     = codec.Format{Kind: codec.Video, Name: "h264", Rate: 90000}
	events8  = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1, Params: eventParams}
	ourPrint = media.Fingerprint{Hash: "sha-256", Value: "0A:0B"}
)

const theirPrint = "a=fingerprint:sha-256 CC:DD"

// here gives every stream a port of its own, from 20000 up.
func here(ids *[]string) Locate {
	return func(id string, remote netip.Addr) (Local, error) {
		i := slices.Index(*ids, id)
		if i < 0 {
			i = len(*ids)
			*ids = append(*ids, id)
		}
		a := netip.MustParseAddr("198.51.100.1")
		if remote.Is6() {
			a = netip.MustParseAddr("2001:db8:1::1")
		}
		port := uint16(20000 + 2*i)
		return Local{RTP: netip.AddrPortFrom(a, port), RTCP: port + 1, Fingerprint: ourPrint}, nil
	}
}

// fixedKey gives the same key each time; it differs by suite.
func fixedKey(s media.Suite) ([]byte, error) {
	n := map[media.Suite]int{media.SuiteCM80: 30, media.SuiteCM32: 30, media.SuiteGCM128: 28, media.SuiteGCM256: 44}[s]
	return bytes.Repeat([]byte{byte(len(s))}, n), nil
}

// theirKey is the one of key80.
func theirKey(t *testing.T) []byte {
	key, err := transport.ParseInline(media.SuiteCM80, key80)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// an end is an Exchange with what it needs.
type end struct {
	t *testing.T
	*Exchange
	at Locate
}

func newEnd(t *testing.T, p Policy) *end {
	return &end{t: t, Exchange: New(5, p, fixedKey), at: here(new([]string))}
}

// takes reads an offer.
func (e *end) takes(lines ...string) bridge.Description {
	e.t.Helper()
	s, err := Parse(text(append([]string{"v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"}, lines...)...))
	if err != nil {
		e.t.Fatal(err)
	}
	d, err := e.TakeOffer(s)
	if err != nil {
		e.t.Fatal(err)
	}
	return d
}

// hears reads an answer.
func (e *end) hears(lines ...string) (bridge.Description, []Agreed, error) {
	e.t.Helper()
	s, err := Parse(text(append([]string{"v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"}, lines...)...))
	if err != nil {
		e.t.Fatal(err)
	}
	return e.TakeAnswer(s)
}

// lines are what a description says behind t=.
func lines(s *Session) string {
	_, rest, _ := strings.Cut(string(s.Bytes()), "t=0 0\r\n")
	return strings.TrimSuffix(strings.ReplaceAll(rest, "\r\n", "|"), "|")
}

func audio(d bridge.Dir, formats ...codec.Format) bridge.Stream {
	return bridge.Stream{ID: "audio", Kind: codec.Audio, Dir: d, Formats: formats}
}

func TestAnAnswerFollowsTheOffer(t *testing.T) {
	t.Parallel()
	both := bridge.SendReceive
	for _, row := range []struct {
		name   string
		policy Policy
		offer  []string
		answer bridge.Description
		want   string // the lines, or the error
	}{
		{"in the other side's order, by the offer's numbers", Plain, []string{"m=audio 4000 RTP/AVP 8 0 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000"},
			bridge.Description{audio(both, pcmu, pcma)},
			"m=audio 20000 RTP/AVP 0 8 97|a=rtpmap:0 PCMU/8000|a=rtpmap:8 PCMA/8000|a=rtpmap:97 telephone-event/8000|a=sendrecv"},
		{"events of another clock, where there are no others", Plain, []string{"m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000"},
			bridge.Description{audio(both, opus)}, "m=audio 20000 RTP/AVP 96 97|a=rtpmap:96 opus/48000/2|a=rtpmap:97 telephone-event/8000|a=sendrecv"},
		{"events of the sound's clock alone, where there are", Plain, []string{"m=audio 4000 RTP/AVP 96 97 98", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000", "a=rtpmap:98 telephone-event/48000"},
			bridge.Description{audio(both, opus)}, "m=audio 20000 RTP/AVP 96 98|a=rtpmap:96 opus/48000/2|a=rtpmap:98 telephone-event/48000|a=sendrecv"},
		{"what is unknown or not wanted is refused in its place", Plain, []string{"m=image 4006 udptl t38", "m=video 4004 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=mid:v", "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 0"},
			bridge.Description{audio(both, pcmu)},
			"m=image 0 udptl t38|m=video 0 RTP/AVP 96|a=mid:v|m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=sendrecv|m=audio 0 RTP/AVP 0"},
		{"a bundle is taken apart", Plain, []string{"a=group:BUNDLE 0", "m=audio 4000 RTP/AVP 0", "a=mid:0", "a=rtcp-mux"},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=rtcp-mux|a=mid:0|a=sendrecv"},
		{"no more is sent and heard than the offer allows", Plain, []string{"m=audio 4000 RTP/AVP 0", "a=sendonly"},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=recvonly"},
		{"nor than the other side wants", Plain, []string{"m=audio 4000 RTP/AVP 0"},
			bridge.Description{audio(bridge.Inactive, pcmu)}, "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=inactive"},
		{"to IPv6 from IPv6", Plain, []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::7"},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=sendrecv"},
		{"keys are answered by the best suite", Plain, []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:3 AES_CM_128_HMAC_SHA1_32 " + key80, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 " + key80},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/SAVP 0|a=rtpmap:0 PCMU/8000|a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:FxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcX|a=sendrecv"},
		{"keys in a plain line too", Plain, []string{"m=audio 4000 RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + key80},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:FxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcX|a=sendrecv"},
		{"a handshake is begun by us", Plain, []string{"m=audio 4000 UDP/TLS/RTP/SAVPF 0", "a=setup:actpass", theirPrint, "a=rtcp-mux"},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 UDP/TLS/RTP/SAVPF 0|a=rtpmap:0 PCMU/8000|a=rtcp-mux|a=fingerprint:sha-256 0A:0B|a=setup:active|a=sendrecv"},
		{"or by the other side, if it insists", Plain, []string{"m=audio 4000 RTP/SAVPF 0", "a=setup:active", theirPrint},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/SAVPF 0|a=rtpmap:0 PCMU/8000|a=fingerprint:sha-256 0A:0B|a=setup:passive|a=sendrecv"},
		{"nothing in common", Plain, []string{"m=audio 4000 RTP/AVP 0"}, bridge.Description{audio(both, opus)}, ErrNothingFits.Error()},
		{"events alone are no sound", Plain, []string{"m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, bridge.Description{audio(both, events8)}, ErrNothingFits.Error()},
		{"only what we don't carry", Plain, []string{"m=image 4000 udptl t38"}, nil, ErrNothingFits.Error()},
		{"only a line that is none", Plain, []string{"m=audio 0 RTP/AVP 0"}, nil, ErrNothingFits.Error()},
		{"a demand without keys", Plain, []string{"m=audio 4000 RTP/SAVP 0"}, bridge.Description{audio(both, pcmu)}, ErrInsecure.Error()},
		{"a certificate by a hash that is broken", Plain, []string{"m=audio 4000 UDP/TLS/RTP/SAVP 0", "a=setup:actpass", "a=fingerprint:sha-1 AA:BB"}, bridge.Description{audio(both, pcmu)}, ErrInsecure.Error()},
		{"plain where it must not be", SDES, []string{"m=audio 4000 RTP/AVP 0"}, bridge.Description{audio(both, pcmu)}, ErrInsecure.Error()},
		{"other keys than we would offer", DTLS, []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:7 AES_CM_128_HMAC_SHA1_80 " + key80},
			bridge.Description{audio(both, pcmu)}, "m=audio 20000 RTP/SAVP 0|a=rtpmap:0 PCMU/8000|a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:FxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcX|a=sendrecv"},
	} {
		e := newEnd(t, row.policy)
		e.takes(row.offer...)
		s, _, err := e.MakeAnswer(row.answer, e.at)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = lines(s)
		}
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestAnOfferHasWhatTheOtherSideCan(t *testing.T) {
	t.Parallel()
	const gcm = "|a=crypto:1 AEAD_AES_256_GCM "
	for _, row := range []struct {
		name   string
		policy Policy
		d      bridge.Description
		want   string
	}{
		{"plain", Plain, bridge.Description{audio(bridge.SendOnly, pcma, pcmu)},
			"m=audio 20000 RTP/AVP 8 0 101|a=rtpmap:8 PCMA/8000|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendonly"},
		{"events for each clock", Plain, bridge.Description{audio(bridge.SendReceive, opus)},
			"m=audio 20000 RTP/AVP 111 110 101|a=rtpmap:111 opus/48000/2|a=rtpmap:110 telephone-event/48000|a=fmtp:110 0-16|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendrecv"},
		{"two streams", Plain, bridge.Description{audio(bridge.SendReceive, pcmu), {ID: "v", Kind: codec.Video, Dir: bridge.SendReceive, Formats: []codec.Format{h264}}, {ID: "gone", Kind: codec.Audio}},
			"m=audio 20000 RTP/AVP 0 101|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendrecv|m=video 20002 RTP/AVP 106|a=rtpmap:106 H264/90000|a=sendrecv"},
		{"what can't be written is left out", Plain, bridge.Description{audio(bridge.SendReceive, codec.Format{Kind: codec.Audio, Name: "x\r\na=y", Rate: 8000}, pcmu, pcmu)},
			"m=audio 20000 RTP/AVP 0 101|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendrecv"},
		{"a handshake", DTLS, bridge.Description{audio(bridge.SendReceive, pcmu)},
			"m=audio 20000 UDP/TLS/RTP/SAVP 0 101|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=rtcp-mux|a=fingerprint:sha-256 0A:0B|a=setup:actpass|a=sendrecv"},
		{"nothing", Plain, bridge.Description{{ID: "audio", Kind: codec.Audio}}, ErrNothingFits.Error()},
	} {
		e := newEnd(t, row.policy)
		s, err := e.MakeOffer(row.d, e.at)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = lines(s)
		}
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
	for _, p := range []Policy{SDES, Optional} {
		e := newEnd(t, p)
		s, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, pcmu)}, e.at)
		if err != nil || !strings.Contains(lines(s), gcm) || s.Lines[0].Proto.secure() != (p == SDES) || (s.Lines[0].Setup == ActPass) != (p == Optional) {
			t.Errorf("policy %d: %v %s", p, err, lines(s))
		}
	}
}

func TestAnAnswerSaysWhatGoesWhere(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		policy Policy
		answer []string
		want   media.Setting
		d      bridge.Description
		err    error
	}{
		{"each side's numbers", Plain, []string{"m=audio 4000 RTP/AVP 0 100", "a=rtpmap:100 telephone-event/8000", "a=recvonly"},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4001"), Send: true,
				In:  []media.Payload{{Format: pcmu, Type: 0}, {Format: events8, Type: 101}},
				Out: []media.Payload{{Format: pcmu, Type: 0}, {Format: codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1}, Type: 100}}},
			bridge.Description{audio(bridge.ReceiveOnly, pcmu)}, nil},
		{"a number without a word", Plain, []string{"m=audio 4000 RTP/AVP 101 111"},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4001"), Send: true, Receive: true,
				In: []media.Payload{{Format: events8, Type: 101}, {Format: opus, Type: 111}}, Out: []media.Payload{{Format: events8, Type: 101}, {Format: opus, Type: 111}}},
			bridge.Description{audio(bridge.SendReceive, opus)}, nil},
		{"keys", SDES, []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:3 AES_CM_128_HMAC_SHA1_80 " + key80},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4001"), Send: true, Receive: true,
				In: []media.Payload{{Format: pcmu}}, Out: []media.Payload{{Format: pcmu}},
				Security: &media.Security{SDES: &media.SDES{Suite: media.SuiteCM80, Send: bytes.Repeat([]byte{23}, 30), Receive: theirKey(t)}}},
			bridge.Description{audio(bridge.SendReceive, pcmu)}, nil},
		{"a handshake that is waited for", DTLS, []string{"m=audio 4000 UDP/TLS/RTP/SAVP 0", theirPrint, "a=setup:active", "a=rtcp-mux"},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4000"), Mux: true, Send: true, Receive: true,
				In: []media.Payload{{Format: pcmu}}, Out: []media.Payload{{Format: pcmu}},
				Security: &media.Security{DTLS: &media.DTLS{Local: ourPrint, Peer: []media.Fingerprint{{Hash: "sha-256", Value: "CC:DD"}}}}},
			bridge.Description{audio(bridge.SendReceive, pcmu)}, nil},
		{"a handshake without RTCP", DTLS, []string{"m=audio 4000 UDP/TLS/RTP/SAVP 0", theirPrint, "a=setup:passive"},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), Send: true, Receive: true,
				In: []media.Payload{{Format: pcmu}}, Out: []media.Payload{{Format: pcmu}},
				Security: &media.Security{DTLS: &media.DTLS{Client: true, Local: ourPrint, Peer: []media.Fingerprint{{Hash: "sha-256", Value: "CC:DD"}}}}},
			bridge.Description{audio(bridge.SendReceive, pcmu)}, nil},
		{"plain, where that is allowed", Optional, []string{"m=audio 4000 RTP/AVP 0"},
			media.Setting{RTP: netip.MustParseAddrPort("192.0.2.1:4000"), RTCP: netip.MustParseAddrPort("192.0.2.1:4001"), Send: true, Receive: true,
				In: []media.Payload{{Format: pcmu}}, Out: []media.Payload{{Format: pcmu}}},
			bridge.Description{audio(bridge.SendReceive, pcmu)}, nil},
		{"no keys, where they must be", SDES, []string{"m=audio 4000 RTP/SAVP 0"}, media.Setting{}, nil, ErrInsecure},
		{"a key of another suite", SDES, []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + key80}, media.Setting{}, nil, ErrInsecure},
		{"less than was offered", SDES, []string{"m=audio 4000 RTP/AVP 0"}, media.Setting{}, nil, ErrAnswer},
		{"nobody to begin", DTLS, []string{"m=audio 4000 UDP/TLS/RTP/SAVP 0", theirPrint, "a=setup:actpass"}, media.Setting{}, nil, ErrAnswer},
		{"something else", Plain, []string{"m=audio 4000 RTP/AVP 18"}, media.Setting{}, nil, ErrNothingFits},
		{"another kind", Plain, []string{"m=video 4000 RTP/AVP 0"}, media.Setting{}, nil, ErrNothingFits},
		{"a refusal", Plain, []string{"m=audio 0 RTP/AVP 0"}, media.Setting{}, nil, ErrNothingFits},
		{"no line", Plain, nil, media.Setting{}, nil, ErrAnswer},
	} {
		e := newEnd(t, row.policy)
		if _, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, pcmu, opus)}, e.at); err != nil {
			t.Fatal(err)
		}
		d, all, err := e.hears(row.answer...)
		switch {
		case row.err != nil:
			if !errors.Is(err, row.err) {
				t.Errorf("%s: %v, want %v", row.name, err, row.err)
			}
		case err != nil:
			t.Errorf("%s: %v", row.name, err)
		case len(all) != 1 || !reflect.DeepEqual(all[0].Setting, row.want) || !reflect.DeepEqual(d, row.d):
			t.Errorf("%s:\n got %+v %+v\nwant %+v %+v", row.name, all, d, row.want, row.d)
		}
	}
}
