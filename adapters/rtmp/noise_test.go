package rtmp

import (
	"bytes"
	"log/slog"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// TestRefusalsAreLoggedAtARate: whoever is refused again and again does not fill the log.
func TestRefusalsAreLoggedAtARate(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.phone("alice")
	house := r.a.house.Load()
	var text bytes.Buffer
	s := &session{house: house, conn: house.hub.there("alice")[0].conn, log: slog.New(slog.NewTextHandler(&text, nil)), asked: newAsked()}
	const many = 60
	for range many {
		if err := s.refuse(&stream{}, &bridge.Error{Cause: bridge.Unauthorized}); err == nil {
			t.Fatal("it is not refused")
		}
		if err := s.makeCall(wire.Command{}); err != nil {
			t.Fatal(err)
		}
	}
	if lines := bytes.Count(text.Bytes(), []byte("\n")); lines == 0 || lines > many/2 {
		t.Errorf("%d refusals of streams and of calls are %d lines", many, lines)
	}
}
