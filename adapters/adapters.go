// Package adapters is the one table of what the gateway can speak. A new kind
// of adapter is a folder here and a row in All.
package adapters

import (
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
}

// All lists every kind.
func All() []Kind {
	return []Kind{
		kind("sip", sip.NewConfig, sip.New),
		kind("xmpp", xmpp.NewConfig, xmpp.New),
		kind("osc", osc.NewConfig, osc.New),
		kind("mesh", mesh.NewConfig, mesh.New),
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
