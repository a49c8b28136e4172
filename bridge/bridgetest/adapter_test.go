package bridgetest

import (
	"context"
	"errors"
	"testing"

	"gateway/bridge"
)

// TestTheFakeIsAnAdapter keeps the fake and the suite honest with each other.
func TestTheFakeIsAnAdapter(t *testing.T) {
	Conformance(t, func(*testing.T) *Rig {
		a := NewAdapter()
		return &Rig{
			Adapter: a, Ours: "here", Theirs: "there",
			Say: func(t *testing.T, text string) bridge.Cause {
				_, err := a.Say(t.Context(), "there", "here", "ref", text)
				var e *bridge.Error
				if errors.As(err, &e) {
					return e.Cause
				}
				return 0
			},
			Hear: func(t *testing.T) (string, string) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				select {
				case m := <-a.Heard():
					return m.From.Name, m.Body()
				case <-ctx.Done():
					t.Fatal("nothing to be heard")
					return "", ""
				}
			},
			Refuse: a.Refuse,
			Cut:    func(*testing.T) { a.SetUp(false) },
			Mend:   func(*testing.T) { a.SetUp(true) },
		}
	})
}
