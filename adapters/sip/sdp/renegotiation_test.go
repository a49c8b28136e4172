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
	"gateway/codec"
)

// both runs one negotiation between two ends and gives the answer's lines.
func both(t *testing.T, a, b *end, offer, answer bridge.Description) string {
	t.Helper()
	o, err := a.MakeOffer(offer, a.at)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(o.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.TakeOffer(parsed); err != nil {
		t.Fatal(err)
	}
	s, _, err := b.MakeAnswer(answer, b.at)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = Parse(s.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.TakeAnswer(parsed); err != nil {
		t.Fatal(err)
	}
	return lines(s)
}

func TestTheVersionGrowsWithWhatIsNew(t *testing.T) {
	t.Parallel()
	a, b := newEnd(t, Plain), newEnd(t, Plain)
	talk, hold := bridge.Description{audio(bridge.SendReceive, pcmu)}, bridge.Description{audio(bridge.SendOnly, pcmu)}
	var versions []uint64
	for _, d := range []bridge.Description{talk, talk, hold, talk} {
		both(t, a, b, d, bridge.Description{audio(bridge.SendReceive, pcmu)})
		versions = append(versions, a.last.Origin.Version)
	}
	if want := []uint64{1, 1, 2, 3}; !slices.Equal(versions, want) {
		t.Errorf("versions %v, want %v", versions, want)
	}
	if b.last.Origin.ID != 5 || b.last.Origin.Version != 3 {
		t.Errorf("the answerer's origin %+v", b.last.Origin)
	}
}

func TestARefusedOfferLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	a, b := newEnd(t, SDES), newEnd(t, Plain)
	talk := bridge.Description{audio(bridge.SendReceive, pcmu)}
	both(t, a, b, talk, talk)
	was, theirs := slices.Clone(a.slots), slices.Clone(b.slots)
	o, err := a.MakeOffer(bridge.Description{audio(bridge.SendReceive, opus), {ID: "v", Kind: codec.Video, Dir: bridge.SendReceive, Formats: []codec.Format{h264}}}, a.at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.TakeOffer(o); err != nil {
		t.Fatal(err)
	}
	a.Withdraw()
	b.Withdraw()
	if !reflect.DeepEqual(a.slots, was) || !reflect.DeepEqual(b.slots, theirs) {
		t.Errorf("\n%+v\n%+v\n%+v\n%+v", was, a.slots, theirs, b.slots)
	}
	if _, _, err := b.MakeAnswer(talk, b.at); !errors.Is(err, ErrState) {
		t.Errorf("answered what was withdrawn: %v", err)
	}
}

func TestKeysStayAsTheyAreWhileTheSocketDoes(t *testing.T) {
	t.Parallel()
	a, b := newEnd(t, SDES), newEnd(t, Plain)
	talk := bridge.Description{audio(bridge.SendReceive, pcmu)}
	count := 0
	a.newKey = func(s media.Suite) ([]byte, error) {
		count++
		key, err := fixedKey(s)
		key[0] = byte(count)
		return key, err
	}
	both(t, a, b, talk, talk)
	before := *a.slots[0].seal.SDES
	both(t, b, a, talk, talk)
	if after := *a.slots[0].seal.SDES; !reflect.DeepEqual(before, after) || after.Suite != media.SuiteGCM256 {
		t.Errorf("%+v became %+v", before, after)
	}
	a.at = func(id string, _ netip.Addr) (Local, error) {
		return Local{RTP: netip.MustParseAddrPort("[2001:db8::1]:5000"), RTCP: 5001}, nil
	}
	both(t, b, a, talk, talk)
	if after := *a.slots[0].seal.SDES; bytes.Equal(before.Send, after.Send) {
		t.Error("another socket, and the same key")
	}
}

func TestWhoHasBegunTheHandshakeStaysIt(t *testing.T) {
	t.Parallel()
	a, b := newEnd(t, DTLS), newEnd(t, Plain)
	talk := bridge.Description{audio(bridge.SendReceive, pcmu)}
	both(t, a, b, talk, talk)
	if a.slots[0].seal.DTLS.Client || !b.slots[0].seal.DTLS.Client {
		t.Fatal("the answerer begins")
	}
	got := both(t, b, a, talk, talk)
	if a.slots[0].seal.DTLS.Client || !strings.Contains(got, "setup:passive") {
		t.Errorf("the roles have changed: %s", got)
	}
}

func TestStreamsComeAndGoInTheirPlaces(t *testing.T) {
	t.Parallel()
	a, b := newEnd(t, Plain), newEnd(t, Plain)
	video := bridge.Stream{ID: "video", Kind: codec.Video, Dir: bridge.SendReceive, Formats: []codec.Format{h264}}
	sound := audio(bridge.SendReceive, pcmu)
	both(t, a, b, bridge.Description{video, sound}, bridge.Description{sound, video})
	if got, want := both(t, a, b, bridge.Description{sound}, bridge.Description{sound}), "m=video 0 RTP/AVP 106|m=audio 20002 RTP/AVP 0 101|"; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	// The other side brings it back.
	both(t, b, a, bridge.Description{sound, video}, bridge.Description{sound, video})
	if got := summary(a.last); !strings.HasPrefix(got, "video 198.51.100.1:20000/20001 ") {
		t.Error(got)
	}
}

func TestNumbersKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	e := newEnd(t, Plain)
	e.takes("m=audio 4000 RTP/AVP 111 101", "a=rtpmap:111 iLBC/8000", "a=rtpmap:101 telephone-event/8000")
	ilbc := codec.Format{Kind: codec.Audio, Name: "ilbc", Rate: 8000, Channels: 1}
	if _, _, err := e.MakeAnswer(bridge.Description{audio(bridge.SendReceive, ilbc)}, e.at); err != nil {
		t.Fatal(err)
	}
	s, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, opus, ilbc)}, e.at)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines(s), "m=audio 20000 RTP/AVP 96 111 110 101|"; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestForksReplaceOneAnother(t *testing.T) {
	t.Parallel()
	e := newEnd(t, Plain)
	if _, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, pcmu, pcma)}, e.at); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"m=audio 4000 RTP/AVP 0", "m=audio 5000 RTP/AVP 8", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"} {
		d, all, err := e.hears(answer)
		if strings.Contains(answer, " 0 RTP") {
			if !errors.Is(err, ErrNothingFits) {
				t.Errorf("%s: %v", answer, err)
			}
			continue
		}
		if err != nil || len(d) != 1 || len(d[0].Formats) != 1 || !strings.Contains(answer, " "+tokens(all[0].Setting.Out)[0]) {
			t.Errorf("%s: %v %v %+v", answer, d, err, all)
		}
	}
}

// FuzzOfferAnswer: whatever is offered, the answer has a line for each of the
// offer's, in order and of its kind, with numbers from it; and who hears it
// agrees.
func FuzzOfferAnswer(f *testing.F) {
	f.Add(text("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "m=image 0 udptl t38"), byte(0))
	f.Add(text("v=0", "c=IN IP6 ::1", "m=audio 4000 RTP/SAVP 0 96", "a=rtpmap:96 opus/48000/2", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+key80, "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 h264/90000", "a=fingerprint:sha-256 AB:CD", "a=setup:active"), byte(3))
	f.Fuzz(func(t *testing.T, body []byte, how byte) {
		s, err := Parse(body)
		if err != nil {
			return
		}
		e := newEnd(t, Policy(how&3))
		d, err := e.TakeOffer(s)
		if err != nil {
			t.Fatalf("a first offer was not taken: %v", err)
		}
		answer, agreed, err := e.MakeAnswer(d, e.at)
		if err != nil {
			return
		}
		if len(answer.Lines) != len(s.Lines) || len(agreed) > len(answer.Lines) {
			t.Fatalf("%d lines for %d", len(answer.Lines), len(s.Lines))
		}
		for i, l := range answer.Lines {
			o := s.Lines[i]
			if l.Kind != o.Kind || l.Proto != o.Proto || l.Port != 0 && o.Port == 0 {
				t.Errorf("line %d: %+v for %+v", i, l, o)
			}
			for _, p := range l.Payloads {
				if !slices.ContainsFunc(o.Payloads, func(q media.Payload) bool { return q.Type == p.Type && q.Format.Same(p.Format) }) {
					t.Errorf("line %d: %v was not offered", i, p)
				}
			}
		}
		if again, err := Parse(answer.Bytes()); err != nil || len(again.Lines) != len(s.Lines) {
			t.Errorf("%v: %s", err, answer.Bytes())
		}
		// The same as an offer of our own, to one like us.
		a, b := newEnd(t, Policy(how>>2&3)), newEnd(t, Plain)
		o, err := a.MakeOffer(d, a.at)
		if err != nil {
			return
		}
		d2, err := b.TakeOffer(o)
		if err != nil {
			t.Fatal(err)
		}
		if answer, _, err = b.MakeAnswer(d2, b.at); err != nil {
			t.Fatalf("%v\n%s", err, o.Bytes())
		}
		if _, _, err := a.TakeAnswer(answer); err != nil {
			t.Errorf("%v\n%s\n%s", err, o.Bytes(), answer.Bytes())
		}
	})
}

func TestWhatIsRepeatedMayBeAnsweredAnew(t *testing.T) {
	t.Parallel()
	e := newEnd(t, Plain)
	if _, _, err := e.TakeRepeat(&Session{}); !errors.Is(err, ErrState) {
		t.Errorf("nothing was said: %v", err)
	}
	e.takes("m=audio 4000 RTP/AVP 0 8")
	if _, _, err := e.MakeAnswer(bridge.Description{audio(bridge.SendReceive, pcmu, pcma)}, e.at); err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text("v=0", "c=IN IP4 192.0.2.1", "m=audio 5000 RTP/AVP 8"))
	if err != nil {
		t.Fatal(err)
	}
	d, all, err := e.TakeRepeat(s)
	if err != nil || !reflect.DeepEqual(d, bridge.Description{audio(bridge.SendReceive, pcma)}) || all[0].Setting.RTP.Port() != 5000 {
		t.Errorf("%v %v %+v", err, d, all)
	}
	// What was refused in between is forgotten, but for its version.
	e.takes("m=audio 4000 RTP/AVP 18")
	if _, _, err := e.TakeRepeat(s); !errors.Is(err, ErrState) {
		t.Errorf("an offer is open: %v", err)
	}
	e.Withdraw()
	for range 2 {
		if d, all, err := e.TakeRepeat(s); err != nil || len(d) != 1 || all[0].Over {
			t.Errorf("%v %v %+v", err, d, all)
		}
		refused, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, opus)}, e.at)
		if err != nil || refused.Origin.Version < 2 {
			t.Errorf("%v %+v", err, refused)
		}
		e.Withdraw()
	}
}
