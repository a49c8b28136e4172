// Package adapters is the one table of what the gateway can speak. A new kind
// of adapter is a folder here and a row in All.
package adapters

import (
	"context"
	"fmt"

	"gateway/adapters/mesh"
	"gateway/adapters/osc"
	"gateway/adapters/rtmp"
	"gateway/adapters/sip"
	"gateway/adapters/xmpp"
	"gateway/bridge"
)

// A Kind is one kind of adapter, [NAME.x] in the mapping file.
type Kind struct {
	// Name is the first part of the tables' names in the mapping file.
	Name string
	// Config gives a new configuration with its defaults filled in.
	Config func() bridge.Config
	// New makes an adapter of a configuration that Config gave and whose
	// Check found nothing. What it opens is Adapter.Run's to open.
	New func(cfg bridge.Config, env bridge.Env) (bridge.Adapter, error)
	// Send sends a file to a name of the adapter's, from a program that does
	// nothing else, and returns when it is there; nil for networks that have no
	// files. progress is told bytes done and in all; it must not wait.
	Send func(ctx context.Context, cfg bridge.Config, env bridge.Env, path, to string, progress func(done, size uint64)) error
}

// All lists every kind.
func All() []Kind {
	return []Kind{
		kind("sip", sip.NewConfig, sip.New),
		kind("xmpp", xmpp.NewConfig, xmpp.New),
		kind("osc", osc.NewConfig, osc.New),
		sends(kind("mesh", mesh.NewConfig, mesh.New), mesh.SendFile),
		kind("rtmp", rtmp.NewConfig, rtmp.New),
	}
}

// kind makes a row of a package's own functions, whose types are its own.
func kind[C bridge.Config, A bridge.Adapter](
	name string, newConfig func() C, newAdapter func(C, bridge.Env) (A, error),
) Kind {
	return Kind{
		Name:   name,
		Config: func() bridge.Config { return newConfig() },
		New: func(cfg bridge.Config, env bridge.Env) (bridge.Adapter, error) {
			own, ok := cfg.(C)
			if !ok {
				return nil, fmt.Errorf("%s: %T is another kind's configuration", name, cfg)
			}
			a, err := newAdapter(own, env)
			if err != nil {
				return nil, err // not a: a nil pointer in an interface is not nil
			}
			return a, nil
		},
	}
}

// sends is a row of a network that has files.
func sends[C bridge.Config](
	k Kind, send func(ctx context.Context, cfg C, env bridge.Env, path, to string, progress func(done, size uint64)) error,
) Kind {
	k.Send = func(ctx context.Context, cfg bridge.Config, env bridge.Env, path, to string, progress func(done, size uint64)) error {
		own, ok := cfg.(C)
		if !ok {
			return fmt.Errorf("%s: %T is another kind's configuration", k.Name, cfg)
		}
		return send(ctx, own, env, path, to, progress)
	}
	return k
}
