package peer

import (
	"context"
	"fmt"
)

// StartPlainGateway runs the gateway with a mapping that need not have an HTTP
// server, and returns when it says that all the adapters are up. Its files are
// in a folder called name.
func StartPlainGateway(ctx context.Context, lab *Lab, binary, name, mapping string, adapters ...string) (*Program, error) {
	p, err := plainGateway(lab, binary, name, mapping, adapters)
	if err != nil {
		return nil, err
	}
	return p, p.Start(ctx)
}

func plainGateway(lab *Lab, binary, name, mapping string, adapters []string) (*Program, error) {
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	file, err := write(dir, "mapping.toml", mapping)
	if err != nil {
		return nil, err
	}
	p := &Program{Name: name, dir: dir, argv: []string{binary, "-config", file}}
	mark := 0 // what it printed in runs before
	p.ready = func(ctx context.Context) error {
		for _, adapter := range adapters {
			if _, err := p.Out.WaitAfter(ctx, mark, Containing(`"adapter up"`, "adapter="+adapter)); err != nil {
				return fmt.Errorf("adapter %s: %w", adapter, err)
			}
		}
		mark = p.Out.Len()
		return nil
	}
	lab.add(p)
	return p, nil
}
