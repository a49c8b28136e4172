package rtmp

import (
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// TestAPlayerMayHushItsStream, by both commands for it.
func TestAPlayerMayHushItsStream(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		off, on       wire.Command
		offSays, says string
	}{
		{wire.Command{Name: "receiveAudio", Args: []any{false}}, wire.Command{Name: "receiveAudio", Args: []any{true}}, "", codePlayStart},
		{wire.Command{Name: "pause", Args: []any{true, 0}}, wire.Command{Name: "pause", Args: []any{false, 0}}, codePaused, codeUnpaused},
	} {
		r := run(t, nil)
		r.h.TakeCalls(nil)
		c := r.connect("call?user=alice&password=secret")
		stream := c.plays("bob")
		port := bridgetest.Await[bridge.MediaReady](r.takes(0)).Port
		r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{1}})
		c.hears()
		for _, cmd := range []*wire.Command{&row.off, &row.on} {
			cmd.Stream = stream
		}
		if err := c.Write(row.off.Message()); err != nil {
			t.Fatal(err)
		}
		if row.offSays != "" {
			c.status(row.offSays)
		}
		c.say("createStream") // what was said before has been heard
		r.plane.Give(port, media.Frame{Type: payloadBase, Time: 160, Data: []byte{2}})
		if err := c.Write(row.on.Message()); err != nil {
			t.Fatal(err)
		}
		c.status(row.says)
		r.plane.Give(port, media.Frame{Type: payloadBase, Time: 320, Data: []byte{3}})
		if m := c.hears(); string(m.Body) != "\x82\x03" || m.Time != 40 {
			t.Errorf("%s: after it %q at %d", row.off.Name, m.Body, m.Time)
		}
	}
}

// TestAStreamThatIsNoneIsRefused, and the connection goes on.
func TestAStreamThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.connect("call")
	for name, code := range map[string]string{"publish": codePublishFailed, "play": codePlayFailed} {
		if err := c.Write(wire.Command{Name: name, Args: []any{"bob" + asAlice}, Stream: 77}.Message()); err != nil {
			t.Fatal(err)
		}
		if text := c.status(code); text != "400 there is no such stream: createStream makes them" {
			t.Errorf("%s: %q", name, text)
		}
	}
	c.say("createStream")
}
