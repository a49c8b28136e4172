package mesh

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// settings are a Config that Check has passed, read.
type settings struct {
	naming bridge.Naming
	doors  []netip.AddrPort
	self   string // our name
	uuid   wire.UUID

	maxClients, perHost int
	timeout             time.Duration
	relay               bool
	relayRate           int

	folder             string // "": no object is taken
	maxFile, maxFolder uint64

	client bool
	join   string
	port   uint16
	stun   []string
	upnp   bool
	ssdp   netip.AddrPort // where routers listen

	pace pace
}

// A pace is how long is waited for what. Tests are quicker.
type pace struct {
	tick     time.Duration // how often everything is looked at
	beacon   time.Duration // between a client's to its server
	retry    time.Duration // until one that was not answered is repeated
	tries    int           // how many may stay unanswered before the server is away
	list     time.Duration // between a server's lists
	publish  time.Duration // the least between two that news cause
	probe    time.Duration // between two to a peer
	report   time.Duration // between what a client tells its server of the others
	meet     time.Duration // without an answer from a peer, before the server shall hand on
	repeat   time.Duration // until the first repeat of a text
	patient  time.Duration // for the receipt of a text
	discover time.Duration // between two looks at our NAT
	stun     time.Duration // until a STUN server is asked again
}

// originalPace is the original's, as far as it has it.
func originalPace() pace {
	return pace{
		tick: 100 * time.Millisecond, beacon: 7 * time.Second, retry: time.Second, tries: 3,
		list: 13 * time.Second, publish: 200 * time.Millisecond, probe: 500 * time.Millisecond, report: 5 * time.Second,
		meet: 3 * time.Second, repeat: 300 * time.Millisecond, patient: 15 * time.Second,
		discover: 5 * time.Minute, stun: 200 * time.Millisecond,
	}
}

func newSettings(c *Config, env bridge.Env) (*settings, error) {
	s := &settings{
		naming: c.Naming(), self: c.Peer, maxClients: c.MaxClients, perHost: c.PerHost, timeout: c.Timeout,
		relay: c.Relay, relayRate: c.RelayRate, client: c.isClient(), join: c.Join, port: uint16(c.Port), stun: c.STUN, upnp: c.UPnP, ssdp: ssdpAt, pace: originalPace(),
	}
	var err error
	if s.maxFile, err = parseSize(c.MaxFile); err != nil {
		return nil, fmt.Errorf("max_file: %w", err)
	}
	if s.maxFolder, err = parseSize(c.MaxFolder); err != nil {
		return nil, fmt.Errorf("max_folder: %w", err)
	}
	s.folder = c.Folder
	for _, text := range c.Listen {
		a, err := parseDoor(text)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		s.doors = append(s.doors, families(a)...)
	}
	// A peer that comes back after a restart is the same.
	mac := hmac.New(sha256.New, env.Key)
	fmt.Fprintf(mac, "mesh %s %s", env.Node, env.Name)
	s.uuid = wire.UUID(mac.Sum(nil))
	s.uuid[6], s.uuid[8] = s.uuid[6]&0x0f|0x80, s.uuid[8]&0x3f|0x80 // RFC 9562 section 5.8
	return s, nil
}

// isHostPort reports whether s is one.
func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && perr == nil && n != 0
}
