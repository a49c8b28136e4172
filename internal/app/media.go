package app

import (
	"errors"
	"log/slog"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/child"
	"gateway/bridge/media/relay"
	"gateway/internal/config"
)

// A plane is a media.Plane with an end.
type plane interface {
	media.Plane
	Shutdown()
}

// portsRest is how long a pair of ports is nobody's between two calls: longer than a
// packet is under way, or a party takes to learn that its call has ended.
const portsRest = 2 * time.Second

// newPlane makes what carries the media of calls, as [media] says.
func newPlane(m config.Media, log *slog.Logger) (plane, error) {
	first, last, ok := m.Range()
	if !ok {
		return nil, errors.New("[media] ports is no range") // the file was not checked
	}
	o := relay.Options{First: first, Last: last, Dead: m.Dead, Rest: portsRest, STUN: m.STUN, Log: log}
	if m.Process {
		return child.Start(o)
	}
	return relay.New(o)
}
