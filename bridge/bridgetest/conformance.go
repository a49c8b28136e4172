package bridgetest

import (
	"context"
	"fmt"
	"testing"

	"gateway/bridge"
)

// texts must cross every network letter by letter.
var texts = []string{
	"plain",
	`She said "hi" & left <b>him</b> it's 100% \o/`,
	"Grüße, 你好, שלום",
	"👩‍👩‍👧 🎉",
	"two\nlines\n\n  and spaces",
	"]]> <!-- --> &amp; %41 =41",
}

// Conformance checks that an adapter is one: every adapter's tests call it.
// newRig makes a fresh Rig on free ports and cleans up after itself.
func Conformance(t *testing.T, newRig func(t *testing.T) *Rig) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, r *running)
	}{
		{"what the far side says arrives whole", incomingWhole},
		{"the order of what the far side says is kept", incomingOrder},
		{"the far side hears every cause", incomingCauses},
		{"what is stored is as good as accepted", incomingStored},
		{"what we say arrives whole", outgoingWhole},
		{"a refusal by the far side comes back", outgoingRefused},
		{"a refusal for now may be tried again", outgoingRefusedForNow},
		{"news of a failure reaches the writer", outgoingFailed},
		{"an absent network is told and found again", absent},
		{"a caller that gives up is let go", givenUp},
		{"draining refuses the new and finishes the old", draining},
		{"Run ends when it is told to", func(_ *testing.T, r *running) { r.stop() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, start(t, newRig(t)))
		})
	}
}

func incomingWhole(t *testing.T, r *running) {
	for i, text := range texts {
		if c := r.Say(t, text); c != 0 {
			t.Errorf("%q was refused: %v", text, c)
		}
		m := r.h.Messages(i + 1)[i]
		if m.Body() != text || m.From.Name != r.Theirs || m.To.Name != r.Ours || m.Kind != bridge.Text || m.Hops <= 0 {
			t.Errorf("said %q, arrived %+v", text, m)
		}
	}
}

func incomingOrder(t *testing.T, r *running) {
	const n = 20
	for i := range n {
		r.Say(t, fmt.Sprint("number ", i))
	}
	for i, m := range r.h.Messages(n) {
		if want := fmt.Sprint("number ", i); m.Body() != want {
			t.Errorf("%q came in place of %q", m.Body(), want)
		}
	}
}

func incomingCauses(t *testing.T, r *running) {
	for _, c := range bridge.Causes() {
		r.h.Answer(func(bridge.Message) (bridge.Outcome, error) {
			return 0, &bridge.Error{Op: "test", Cause: c, Reason: "because of " + c.String()}
		})
		want := c
		if lossy, ok := r.Lossy[c]; ok {
			want = lossy
		}
		if got := r.Say(t, "refuse me"); got != want {
			t.Errorf("refused for %v, the far side heard %v, want %v", c, got, want)
		}
	}
}

func incomingStored(t *testing.T, r *running) {
	r.h.Answer(func(bridge.Message) (bridge.Outcome, error) { return bridge.Stored, nil })
	if c := r.Say(t, "keep me"); c != 0 {
		t.Errorf("stored, yet the far side heard %v", c)
	}
}

func outgoingWhole(t *testing.T, r *running) {
	for i, text := range texts {
		outcome, err := r.send(r.message(fmt.Sprintf("%026d", i), text))
		if err != nil || outcome != bridge.Taken && outcome != bridge.Relayed && outcome != bridge.Arrived {
			t.Fatalf("send %q: %v, %v", text, outcome, err)
		}
		if from, got := r.Hear(t); got != text || from != r.Ours {
			t.Errorf("sent %q from %s, the far side got %q from %s", text, r.Ours, got, from)
		}
	}
}

func outgoingRefused(t *testing.T, r *running) {
	for _, c := range []bridge.Cause{bridge.NotFound, bridge.Forbidden, bridge.NotAcceptable, bridge.Gone} {
		r.Refuse(c)
		_, err := r.send(r.message("refused", "no"))
		if e := asError(t, err); e.Cause != c || e.Retry {
			t.Errorf("refused for %v, got %v, retry %v", c, e.Cause, e.Retry)
		}
	}
}

func outgoingRefusedForNow(t *testing.T, r *running) {
	r.Refuse(bridge.Internal)
	_, err := r.send(r.message("later", "not now"))
	if e := asError(t, err); !e.Retry {
		t.Errorf("%v is final, want a retry", e)
	}
	if _, err := r.send(r.message("later", "not now")); err != nil {
		t.Errorf("the second try: %v", err)
	}
	if _, text := r.Hear(t); text != "not now" {
		t.Errorf("the far side got %q", text)
	}
}

func outgoingFailed(t *testing.T, r *running) {
	r.Say(t, "to be lost")
	m := r.h.Messages(1)[0]
	news := bridge.Message{
		ID: "news", Kind: bridge.Failed, Of: m.Ref, From: m.To, To: m.From, At: m.At, Hops: 10,
		Bodies: m.Bodies, Cause: bridge.NotFound, Reason: "nobody there",
	}
	if _, err := r.send(news); err != nil {
		t.Errorf("news of a failure: %v", err)
	}
}

func absent(t *testing.T, r *running) {
	r.Cut(t)
	if err := r.h.WaitState(false); err == nil {
		t.Error("down without a reason")
	}
	_, err := r.send(r.message("away", "hello?"))
	if e := asError(t, err); !e.Retry {
		t.Errorf("%v is final, want a retry", e)
	}
	r.Mend(t)
	r.h.WaitState(true)
	if _, err := r.send(r.message("back", "hello again")); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	if _, text := r.Hear(t); text != "hello again" {
		t.Errorf("the far side got %q", text)
	}
}

func givenUp(t *testing.T, r *running) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	messenger, ok := r.Adapter.(bridge.Messenger)
	if !ok {
		t.Fatal("the adapter is no Messenger")
	}
	if _, err := messenger.SendMessage(ctx, r.message("late", "too late")); err != nil && !asError(t, err).Retry {
		t.Errorf("%v is final, want a retry", err)
	}
}

func draining(t *testing.T, r *running) {
	d, ok := r.Adapter.(bridge.Drainer)
	if !ok {
		return // it has nothing to say before the end
	}
	d.Drain(t.Context())
	if c := r.Say(t, "too late"); c == 0 {
		t.Error("a new message was accepted while draining")
	}
	if _, err := r.send(r.message("last", "last words")); err != nil {
		t.Fatalf("old work while draining: %v", err)
	}
	if _, text := r.Hear(t); text != "last words" {
		t.Errorf("the far side got %q", text)
	}
}
