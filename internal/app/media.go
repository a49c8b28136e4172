package app

import (
	"errors"
	"log/slog"

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

// newPlane makes what carries the media of calls, as [media] says.
func newPlane(m config.Media, log *slog.Logger) (plane, error) {
	first, last, ok := m.Range()
	if !ok {
		return nil, errors.New("[media] ports is no range") // the file was not checked
	}
	o := relay.Options{First: first, Last: last, Dead: m.Dead, STUN: m.STUN, Log: log}
	if m.Process {
		return child.Start(o)
	}
	return relay.New(o)
}
