package peer

import (
	"context"
	_ "embed" // for the configuration's template
	"fmt"
	"time"
)

//go:embed files/kamailio.cfg
var kamailioConfig string

// Kamailio is a SIP registrar and proxy (https://www.kamailio.org). It stands
// for a PBX: phones register with it by digest, may write under their own
// names only, and reach each other through it.
type Kamailio struct {
	Program
	lab *Lab
}

// KamailioConfig is what a Kamailio serves.
type KamailioConfig struct {
	Domain string            // the one it is the registrar of, e.g. "pbx.example"
	Users  map[string]string // user to password, neither with a quotation mark
	// Trust lets the gateway's host write under any name, without digest.
	Trust bool
	// Trunk is a regular expression: requests for users it matches go to the
	// gateway, without a registration. "" for none; it needs Trust.
	Trunk string
	// Fixed is users who have an address, host:port, whether or not they are
	// registered: they are found as soon as Kamailio is back.
	Fixed map[string]string
	// Expires is for how long a registration is taken at most, in whole seconds; 0: as
	// long as it asks for.
	Expires time.Duration
	// CA has it take TLS too, at TLSPort, with the certificate Cert and its Key: from
	// whoever shows a certificate that leads to CA, and so it reaches the gateway. They
	// are files; "" for none.
	CA, Cert, Key string
}

// TLSPort is where a Kamailio takes TLS, and where it looks for the gateway's.
const TLSPort = SIPPort + 1

// StartKamailio runs a Kamailio at SIPHost, on UDP and TCP. What is
// registered with it is lost when it ends.
func StartKamailio(ctx context.Context, lab *Lab, cfg KamailioConfig) (*Kamailio, error) {
	binary, err := need("kamailio")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("kamailio")
	if err != nil {
		return nil, err
	}
	trusted := ""
	if cfg.Trust {
		trusted = lab.Host(GatewayHost)
	}
	file, err := fill(dir, "kamailio.cfg", kamailioConfig, map[string]any{
		"Domain": cfg.Domain, "Addr": lab.At(SIPHost, SIPPort), "Users": cfg.Users, "Fixed": cfg.Fixed,
		"Trusted": trusted, "Trunk": cfg.Trunk, "Port": SIPPort, "Expires": int(cfg.Expires / time.Second),
		"CA": cfg.CA, "Cert": cfg.Cert, "Key": cfg.Key, "Host": lab.Host(SIPHost), "TLSAddr": lab.At(SIPHost, TLSPort), "TLSPort": TLSPort,
	})
	if err != nil {
		return nil, fmt.Errorf("configure kamailio: %w", err)
	}
	k := &Kamailio{lab: lab}
	k.Program = Program{
		Name: "kamailio", dir: dir, ready: k.isReady,
		// -DD stays in the foreground; 64 and 8 are MiB of memory.
		argv: []string{binary, "-DD", "-E", "-f", file, "-Y", dir, "-w", dir, "-m", "64", "-M", "8"},
	}
	lab.add(&k.Program)
	return k, k.Start(ctx)
}

func (k *Kamailio) isReady(ctx context.Context) error {
	if err := acceptsTCP(ctx, k.lab.At(SIPHost, SIPPort)); err != nil {
		return err
	}
	return bindsUDP(ctx, k.lab.At(SIPHost, SIPPort))
}
