package peer

import (
	"context"
	"fmt"
	"strings"
)

// The ports of a STUN server.
const (
	STUNPort    = 3478
	stunAltPort = 3479
)

// StartSTUN runs coturn at a host of an Internet that has two addresses, so that it can
// answer from elsewhere than it was asked (RFC 5780).
func (h *NetHost) StartSTUN(ctx context.Context, lab *Lab) (*Program, error) {
	binary, err := need("turnserver")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("coturn")
	if err != nil {
		return nil, err
	}
	config, err := write(dir, "turnserver.conf", strings.Join([]string{
		fmt.Sprint("listening-ip=", h.Addr), fmt.Sprint("listening-ip=", h.Other),
		fmt.Sprint("listening-port=", STUNPort), fmt.Sprint("alt-listening-port=", stunAltPort),
		"stun-only", "no-tls", "no-dtls", "no-tcp", "no-cli", "no-auth", "verbose", "log-file=stdout", "simple-log",
		"pidfile=" + dir + "/coturn.pid", "userdb=" + dir + "/turndb", "",
	}, "\n"))
	if err != nil {
		return nil, err
	}
	p := &Program{Name: "coturn", dir: dir, argv: []string{binary, "-c", config}}
	p.ready = func(ctx context.Context) error {
		for _, at := range []string{fmt.Sprintf("%s:%d", h.Addr, STUNPort), fmt.Sprintf("%s:%d", h.Other, stunAltPort)} {
			if _, err := p.Out.Wait(ctx, func(line string) bool {
				return strings.Contains(line, "UDP listener opened on") && strings.Contains(line, at)
			}); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
		return nil
	}
	lab.add(p)
	return p, h.start(ctx, p)
}
