package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"gateway/internal/peer"
)

const (
	pairs     = 16 // of a phone and a user who write to each other
	component = "phones.example.org"
	secret    = "s3cret"
	users     = "example.org"

	kamailioHost      = 4
	kamailioComponent = "kamailio.example.org"
	otherPhonesPort   = peer.SIPPort + 2 // of the phones behind Kamailio
)

// textOf is what people write, with a mark in it: some 80 letters.
func textOf(m mark) string {
	return m.String() + " The quick brown fox jumps over the lazy dog; pack my box with jugs."
}

func phone(i int) string { return fmt.Sprintf("1%03d", i%pairs) }
func user(i int) string  { return fmt.Sprintf("u%d", i%pairs) }

// A world is a lab with the gateway, Prosody, and the users at their clients.
type world struct {
	dir     string
	lab     *peer.Lab
	binary  string // the gateway's
	loads   int    // so far: each has a number
	current atomic.Pointer[load]

	prosody int // its process group
	gateway *peer.Gateway
	clients []*xmppEnd
	phones  *sipEnd // nil while nobody is at the gateway's peer
}

func newWorld(dir string) (*world, error) {
	lab, err := peer.NewLab(dir)
	if err != nil {
		return nil, err
	}
	return &world{dir: dir, lab: lab}, nil
}

func (w *world) close() {
	for _, c := range w.clients {
		c.close()
	}
	if w.phones != nil {
		w.phones.close()
	}
	w.lab.Close()
}

// build notes the gateway's binary; with "" it builds one.
func (w *world) build(ctx context.Context, binary string) error {
	w.binary = binary
	var err error
	if w.binary == "" {
		bin, err := w.lab.Dir("bin")
		if err != nil {
			return err
		}
		if w.binary, err = peer.BuildGateway(ctx, bin); err != nil {
			return err
		}
	}
	if w.binary, err = filepath.Abs(w.binary); err != nil {
		return fmt.Errorf("gateway's binary: %w", err)
	}
	return nil
}

// start starts everybody, with the binary that build has noted.
func (w *world) start(ctx context.Context) error {
	passwords := map[string]string{}
	for i := range pairs {
		passwords[user(i)+"@"+users] = "pw"
	}
	_, err := peer.StartProsody(ctx, w.lab, peer.ProsodyConfig{
		Users: passwords, Components: map[string]string{component: secret, kamailioComponent: secret, floorComponent: secret}, Offline: true,
	})
	if err != nil {
		return err
	}
	if w.prosody, err = groupOf("prosody.cfg.lua"); err != nil {
		return err
	}
	if err := w.openPhones(); err != nil {
		return err
	}
	if err := w.startGateway(ctx, "gateway"); err != nil {
		return err
	}
	for i := range pairs {
		c, err := newXMPPEnd(w.lab.At(peer.XMPPHost, peer.XMPPPort), user(i), users, "pw", &w.current)
		if err != nil {
			return err
		}
		w.clients = append(w.clients, c)
	}
	return nil
}

// openPhones puts phones at the gateway's peer.
func (w *world) openPhones() (err error) {
	w.phones, err = newSIPEnd(w.lab.At(peer.SIPHost, peer.SIPPort), w.lab.At(peer.GatewayHost, peer.SIPPort),
		"pbx.example", "gw.example", &w.current)
	return err
}

// startGateway starts one with an empty store, in a folder called name.
func (w *world) startGateway(ctx context.Context, name string) (err error) {
	mapping := fmt.Sprintf(`[gateway]
node  = "bench"
state = "state"
http  = %q
log   = "warn"
drain = "2s"

[limits]
messages_per_sender = 0
messages_per_second = 0

[sip.pbx]
listen = ["udp:%s"]
domain = "gw.example"
peer   = "sip:%s"

[xmpp.chat]
component = %q
server    = %q
secret    = %q
domains   = [%q]

[[map]]
home = "pbx:{ext:1[0-9]{3}}"
as   = { chat = "{ext}@%s" }

[[map]]
home = "chat:{user:u[0-9]+}@%s"
as   = { pbx = "{user}", chat = "{user}@%s" }
`,
		w.lab.At(peer.GatewayHost, peer.HTTPPort), w.lab.At(peer.GatewayHost, peer.SIPPort), w.lab.At(peer.SIPHost, peer.SIPPort),
		component, w.lab.At(peer.XMPPHost, peer.ComponentPort), secret, users, component, users, component)
	w.gateway, err = peer.StartGateway(ctx, w.lab, w.binary, name, w.lab.At(peer.GatewayHost, peer.HTTPPort), mapping)
	if err != nil {
		return err
	}
	_, err = w.gateway.WaitHealth(ctx, 200)
	return err
}

// newLoad makes the next load, the one that what arrives counts for.
func (w *world) newLoad(n, window int, answers bool) *load {
	w.loads++
	l := newLoad(w.loads, n, window, answers)
	w.current.Store(l)
	return l
}
