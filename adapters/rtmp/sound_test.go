package rtmp

import (
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// TestAToolIsToldThatThereIsNoSuchCodec, wherever it asks for it.
func TestAToolIsToldThatThereIsNoSuchCodec(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	_, err := r.dial("call?user=alice&password=secret&codec=opus")
	if _, text := refusal(t, err); text != "488 "+reasonCodec {
		t.Errorf("by connect: %q", text)
	}
	c := r.connect("call?user=alice&password=secret")
	_, err = c.Play(t.Context(), "bob?codec=")
	if code, text := refusal(t, err); code != codePlayFailed || text != "488 "+reasonCodec {
		t.Errorf("by play: %s, %q", code, text)
	}
}

// TestTheBridgeKnowsWhatIsTranscoded: what a client says is known for sure when it comes.
func TestTheBridgeKnowsWhatIsTranscoded(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	stream := c.publishes("local")
	call := r.rings("alice")
	c.told("invited")
	c.say("accept")
	if ev := bridgetest.Await[bridge.Transcodes](call); !ev.On {
		t.Error("Flash says Speex, and PCMU was agreed on")
	}
	c.utter(stream, 0, 0x82, 1, 2, 3) // it says PCMU after all
	last := func() (on bool, times int) {
		for _, ev := range call.Events() {
			if tc, ok := ev.(bridge.Transcodes); ok {
				on = tc.On
				times++
			}
		}
		return on, times
	}
	r.eventually("that is known", func() bool { on, n := last(); return !on && n == 2 })
	call.Leg.Offer(bridge.Offer{Seq: 1, Desc: bridgetest.Stream("0", bridge.SendOnly, "pcma")})
	r.eventually("another format is agreed on", func() bool { on, n := last(); return on && n == 3 })
}
