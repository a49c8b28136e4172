package rtmp

import (
	"fmt"
	"slices"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/codec"
)

// connectEnhanced is the command with which tools of Enhanced RTMP connect, as its answer's first
// object.
func connectEnhanced(t *testing.T, r *rig, fields ...any) wire.Object {
	t.Helper()
	conn, err := wire.Dial(t.Context(), urlAt(r.at, "call"), nil, wire.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	object := wire.Obj(append([]any{"app", "call", "type", "nonprivate", "flashVer", "FMLE/3.0", "tcUrl", "rtmp://127.0.0.1/call"}, fields...)...)
	if err := conn.Write(wire.Command{Name: "connect", ID: 1, Object: object}.Message()); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := conn.Read()
		if err != nil {
			t.Fatal(err)
		}
		if c, err := wire.ParseCommand(m, wire.Defaults().AMF); err == nil && c.ID == 1 {
			if c.Name != "_result" {
				t.Fatalf("answered %s%v", c.Name, c.Args)
			}
			said, _ := c.Object.(wire.Object)
			return said
		}
	}
}

// TestToolsOfEnhancedRTMPConnect: who says what it can do is told what it may send, in its own form.
func TestToolsOfEnhancedRTMPConnect(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	if said := connectEnhanced(t, r); said.Get("fourCcList") != nil || said.Get("audioFourCcInfoMap") != nil || said.Get("capsEx") != nil {
		t.Errorf("who has said nothing is told %v", said)
	}
	first := connectEnhanced(t, r, "fourCcList", []any{"av01", "vp09", "hvc1", "Opus"})
	list, _ := first.Get("fourCcList").([]any)
	if !slices.Contains(list, any(fourOpus)) || slices.Contains(list, any("hvc1")) || first.Get("capsEx") != nil {
		t.Errorf("version 1 is told %v", first)
	}
	second := connectEnhanced(t, r, "capsEx", 15, "audioFourCcInfoMap", wire.Obj("*", 4, "Opus", 3), "videoFourCcInfoMap", wire.Obj("*", 4))
	known, _ := second.Get("audioFourCcInfoMap").(wire.Object)
	if wire.Number(known.Get(fourOpus)) != canDecode || wire.Number(known.Get(fourMP3)) != canDecode || wire.Number(second.Get("capsEx")) != capsModEx {
		t.Errorf("version 2 is told %v", second)
	}
}

// enhanced is a message of Enhanced RTMP's sound: packet type, FourCC and payload.
func enhanced(kind byte, four, payload string) []byte {
	return append([]byte{0x90 | kind}, four+payload...)
}

// opusHead is an identification header.
func opusHead(channels, family byte) string {
	return "OpusHead\x01" + string([]byte{channels}) + "\x38\x01\x80\xbb\x00\x00\x00\x00" + string([]byte{family})
}

// TestSoundOfEnhancedRTMPCalls: what is published in it is heard.
func TestSoundOfEnhancedRTMPCalls(t *testing.T) {
	t.Parallel()
	mp3 := make([]byte, 104) // MPEG 1, layer III, 32 kbit/s, 44.1 kHz, mono
	copy(mp3, "\xff\xfb\x10\xc0")
	for _, row := range []struct {
		four, begin, sound, format string
	}{
		{fourOpus, opusHead(2, 0), "\xfc\xff\xfe", "opus/48000/2"},
		{fourMP3, "", string(mp3), "mp3/44100"},
		{fourAAC, "\x11\x88", "\x01\x02", "aac/48000"},
	} {
		t.Run(row.four, func(t *testing.T) {
			t.Parallel()
			r := run(t, nil)
			r.h.TakeCalls(nil)
			c := r.connect("call")
			stream := c.publishes("bob" + asAlice)
			if row.begin != "" {
				c.utter(stream, 0, enhanced(0, row.four, row.begin)...)
			}
			c.utter(stream, 0, enhanced(1, row.four, row.sound)...)
			if f := r.h.Call(0).Invite.Offer.Desc[0].Formats[0]; f.Name == codec.TelephoneEvent {
				t.Errorf("offered %v", f)
			}
			port := r.port(r.takes(0))
			r.eventually("sound arrives", func() bool {
				c.utter(stream, 20, enhanced(1, row.four, row.sound)...)
				return len(r.plane.Fed(port)) > 0
			})
			set, _ := r.plane.Setting(port)
			if f := r.plane.Fed(port)[0]; string(f.Data) != row.sound || set.In[0].Format.String() != row.format {
				t.Errorf("%q of %v arrives, want %q of %s", f.Data, set.In, row.sound, row.format)
			}
		})
	}
}

// TestSoundThatNobodyKnowsIsRefused: who publishes it is told, before anybody is called.
func TestSoundThatNobodyKnowsIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(func(inv bridge.Invite) error {
		t.Errorf("somebody is called: %+v", inv)
		return nil
	})
	for i, row := range []struct {
		name  string
		first []byte // nil: none
		body  []byte
		what  string
	}{
		{"FLAC", nil, enhanced(1, "fLaC", "x"), `FourCC "fLaC"`},
		{"its beginning", nil, enhanced(0, "ac-3", ""), `FourCC "ac-3"`},
		{"Opus of six channels", enhanced(0, fourOpus, opusHead(6, 1)), enhanced(1, fourOpus, "x"), "Opus of more than two channels"},
		{"ADPCM", nil, []byte{0x1e, 1, 2}, "codec 1"},
	} {
		c := r.connect("call")
		stream := c.publishes(fmt.Sprintf("bob%d%s", i, asAlice)) // the one before may not be gone yet
		if row.first != nil {
			c.utter(stream, 0, row.first...)
		}
		c.utter(stream, 0, row.body...)
		if got, want := c.status(codePublishFailed), fmt.Sprintf("488 sound is wanted as %s, not %s", knownSound, row.what); got != want {
			t.Errorf("%s: %q, want %q", row.name, got, want)
		}
		c.ended()
	}
}

// TestAClientWithCommandsMaySendWhatNobodyKnows, and goes on.
func TestAClientWithCommandsMaySendWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	stream := c.publishes("local")
	call := r.rings("alice")
	c.told("invited")
	c.say("accept")
	port := bridgetest.Await[bridge.MediaReady](call).Port
	c.utter(stream, 0, 0x1e, 1, 2)
	r.eventually("sound arrives", func() bool {
		c.utter(stream, 20, 0x82, 3, 4)
		return len(r.plane.Fed(port)) > 0
	})
}

// TestAStreamBeginsAnew: how the sound before was to be decoded says nothing of what comes.
func TestAStreamBeginsAnew(t *testing.T) {
	t.Parallel()
	var r tagReader
	r.read([]byte{0xaf, 0, 0x12, 0x10})
	s := &session{streams: map[uint32]*stream{}}
	st := &stream{session: s, id: 1, reader: r}
	s.streams[1] = st
	s.begin(wire.Command{Stream: 1, Args: []any{"local"}}, publishing)
	if _, frames := st.reader.read([]byte{0xaf, 1, 9}); frames != nil {
		t.Error("AAC is read by what was published before")
	}
}
