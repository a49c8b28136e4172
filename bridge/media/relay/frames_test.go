package relay

import (
	"testing"
	"time"

	"gateway/bridge/media"
)

func TestAPortForFramesHasNoSocketsAndEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{Dead: 5 * time.Second})
	events := make(chan media.Event, 10)
	port, err := w.Open(media.Open{Frames: func(media.Frame) {}}, func(ev media.Event) { events <- ev })
	if err != nil {
		t.Fatal(err)
	}
	if port.RTP.IsValid() || port.RTCP.IsValid() || w.Count() != 1 {
		t.Errorf("%+v, %d ports", port, w.Count())
	}
	w.Set(port.ID, media.Setting{Send: true, Receive: true, In: []media.Payload{{Format: pcmu, Type: 1}}})
	for range 2 {
		w.Feed(port.ID, media.Frame{Type: 1, Data: make([]byte, 160)})
	}
	w.Feed(port.ID, media.Frame{Type: 1, Data: make([]byte, media.MaxFrame+1)})
	if ev := <-events; ev != (media.Heard{}) {
		t.Errorf("%#v", ev)
	}
	w.pass(6 * time.Second)
	if ev := <-events; ev != (media.Silent{}) {
		t.Errorf("%#v", ev)
	}
	w.Feed(port.ID, media.Frame{Type: 1, Data: make([]byte, 160)})
	if ev := <-events; ev != (media.Heard{}) {
		t.Errorf("%#v", ev)
	}
	s := w.Close(port.ID)
	if s.In.Packets != 3 || s.In.Octets != 480 || s.Dropped[media.DropMalformed] != 1 || s.Dropped[media.DropNowhere] != 3 {
		t.Errorf("%+v", s)
	}
	w.Feed(port.ID, media.Frame{Type: 1, Data: []byte{1}}) // nobody's any more
	if w.Count() != 0 {
		t.Error("still open")
	}
}
