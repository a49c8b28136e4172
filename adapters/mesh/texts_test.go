package mesh

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// A script is a peer to whom a test plays what it answers, part by part.
type script struct {
	x      *texts
	answer func(t wire.Text) string // what the receipt says; nil: there is none
	sent   chan wire.Text           // where answer is nil
}

func (s *script) find(string) (Remote, error) {
	return Remote{UUID: tim, Version: wire.Extended, Name: "tim"}, nil
}

func (s *script) send(_ wire.UUID, _ []byte, values ...[]byte) error {
	for _, v := range values {
		t, _ := wire.ReadText(v)
		if s.answer == nil {
			s.sent <- t
			continue
		}
		s.x.receipt(Remote{UUID: tim}, wire.Text{Kind: wire.TextReceipt, Message: t.Message, Part: t.Part, Parts: t.Parts, Body: []byte(s.answer(t))})
	}
	return nil
}

func newScript(t *testing.T, pace pace) *script {
	t.Helper()
	set, err := newSettings(NewConfig(), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	set.pace = pace
	s := &script{sent: make(chan wire.Text, 1)}
	s.x = newTexts(set, slog.New(slog.DiscardHandler), bridgetest.NewHandler(t), s)
	return s
}

// A peer that begins again between two parts has receipts for both, and no text.
func TestATextHasArrivedWhenAReceiptSaysSoOfItAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pace := quickPace()
		pace.patient = patience
		s := newScript(t, pace)
		seen := 0
		s.answer = func(p wire.Text) string {
			if seen++; seen <= 2 || p.Part == 0 {
				return wire.TextPart
			}
			return bridge.Taken.String()
		}
		word, err := s.x.exchange(t.Context(), Remote{UUID: tim}, wire.TextSaid, 1, nil, []string{"a", "b"})
		if err != nil || word != bridge.Taken.String() || seen != 4 {
			t.Errorf("%q, %v after %d parts; want all to be sent again", word, err, seen)
		}
		pace.patient = 100 * time.Millisecond
		s = newScript(t, pace)
		s.answer = func(wire.Text) string { return wire.TextPart }
		var e *bridge.Error
		if word, err := s.x.exchange(t.Context(), Remote{UUID: tim}, wire.TextSaid, 1, nil, []string{"a", "b"}); !errors.As(err, &e) || e.Cause != bridge.Timeout {
			t.Errorf("%q, %v of a text that nobody has whole", word, err)
		}
	})
}

// The part of a text has a receipt that is no word for it all; newer texts don't push
// it out.
func TestATextThatIsNotWholeIsKept(t *testing.T) {
	t.Parallel()
	s := newScript(t, quickPace())
	now := time.Unix(1_000_000, 0)
	s.x.now = func() time.Time { return now }
	say := func(number uint32, part, parts uint8) string {
		s.x.part(Remote{UUID: tim}, nil, wire.Text{Kind: wire.TextSaid, Message: number, Part: part, Parts: parts, Body: []byte("x")})
		return string((<-s.sent).Body)
	}
	for n := range uint32(maxRecent) {
		if word := say(n, 0, 2); word != wire.TextPart {
			t.Fatalf("half a text has the receipt %q", word)
		}
	}
	if e, ok := readRefusal(say(1000, 0, 2)); !ok || e.Cause != bridge.Overloaded || !e.Retry {
		t.Errorf("one text too many: %+v", e)
	}
	if word := say(0, 1, 2); word != bridge.Taken.String() {
		t.Errorf("the first text is whole, and %q", word)
	}
	if word := say(1000, 0, 2); word != wire.TextPart {
		t.Errorf("where a text is done with another has no place: %q", word)
	}
	if now = now.Add(partTime + 1); say(1001, 0, 2) != wire.TextPart {
		t.Error("what nobody ends is kept for ever")
	}
}
