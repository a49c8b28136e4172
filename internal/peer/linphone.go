package peer

import (
	"context"
	_ "embed" // for the configuration's template
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed files/linphonerc
var linphoneConfig string

// Linphone is a SIP phone, linphonec (https://linphone.org), that registers
// by digest.
type Linphone struct {
	Program
	cfg PhoneConfig
}

// PhoneConfig is the account of a phone.
type PhoneConfig struct {
	Host     int    // the phone's own
	User     string // also its name for the digest
	Password string
	Domain   string // of the account
	Realm    string // of the digest; "" for Domain
	Server   string // the registrar's address, host:port
	TCP      bool   // else UDP, or
	CA       string // TLS: the file of whom it believes
	SRTP     bool   // linphonec: its sound is encrypted, by SDES, or there is none
}

// Transport is by what the phone reaches its server.
func (c PhoneConfig) Transport() string {
	switch {
	case c.CA != "":
		return "tls"
	case c.TCP:
		return "tcp"
	}
	return "udp"
}

// A Text is a message as a phone shows it.
type Text struct {
	From string // an address
	Text string
}

// StartLinphone runs a phone and returns when it is registered. Quit
// unregisters it, Stop need not; Start brings it back.
func StartLinphone(ctx context.Context, lab *Lab, cfg PhoneConfig) (*Linphone, error) {
	binary, err := need("linphonec")
	if err != nil {
		return nil, err
	}
	if cfg.Realm == "" {
		cfg.Realm = cfg.Domain
	}
	dir, err := lab.Dir(fmt.Sprintf("phone-%d-%s", cfg.Host, cfg.User))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, ".local/share/linphone"), 0o755); err != nil {
		return nil, fmt.Errorf("configure linphonec: %w", err)
	}
	file, err := fill(dir, "linphonerc", linphoneConfig, map[string]any{
		"Host": lab.Host(cfg.Host), "Port": SIPPort, "Server": cfg.Server, "Transport": cfg.Transport(), "CA": cfg.CA, "SRTP": cfg.SRTP,
		"User": cfg.User, "Password": cfg.Password, "Domain": cfg.Domain, "Realm": cfg.Realm,
	})
	if err != nil {
		return nil, fmt.Errorf("configure linphonec: %w", err)
	}
	p := &Linphone{cfg: cfg}
	p.Program = Program{
		Name: "linphonec " + cfg.User, dir: dir,
		argv: []string{"stdbuf", "-oL", binary, "-c", file},
		env:  []string{"HOME=" + dir, "LC_ALL=C.UTF-8", "TERM=dumb"},
	}
	lab.add(&p.Program)
	return p, p.Start(ctx)
}

// linphoneTries is how often a phone is started: linphonec 5.1 dies now and then
// while it registers, whoever its registrar is.
const linphoneTries = 3

// Start runs the phone again and returns when it is registered.
func (p *Linphone) Start(ctx context.Context) error {
	p.ready = func(ctx context.Context) error { return p.registered(ctx, p.Out.Len()) }
	for tries := 1; ; tries++ {
		err := p.Program.Start(ctx)
		if err == nil || tries == linphoneTries || !errors.Is(err, errEnded) {
			return err
		}
	}
}

// registered asks the phone until it says that it is registered, behind the
// first mark lines: it does not say so unasked.
func (p *Linphone) registered(ctx context.Context, mark int) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, line := range p.Out.All()[mark:] {
			if strings.Contains(line, "registered, identity=") {
				return nil
			}
		}
		select {
		case <-tick.C:
			if err := p.Type("status register"); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Quit ends the phone as its user would: it unregisters first.
func (p *Linphone) Quit(ctx context.Context) error {
	if err := p.Type("quit"); err != nil {
		return err
	}
	_, err := p.Wait(ctx)
	return err
}

// Send writes text to an address such as "sip:alice@example.org".
func (p *Linphone) Send(to, text string) error { return p.Type("chat " + to + " " + text) }

const linphoneGot = "Message received from "

// Texts is what the phone has shown so far, in order.
func (p *Linphone) Texts() []Text {
	var all []Text
	for _, line := range p.Out.All() {
		if t, ok := linphoneText(line); ok {
			all = append(all, t)
		}
	}
	return all
}

// WaitText gives the first message that is text.
func (p *Linphone) WaitText(ctx context.Context, text string) (Text, error) {
	var found Text
	_, err := p.Out.Wait(ctx, func(line string) bool {
		t, ok := linphoneText(line)
		found = t
		return ok && t.Text == text
	})
	if err != nil {
		return Text{}, fmt.Errorf("%s waits for %q: %w", p.Name, text, err)
	}
	return found, nil
}

func linphoneText(line string) (Text, bool) {
	_, rest, ok := strings.Cut(line, linphoneGot)
	if !ok {
		return Text{}, false
	}
	from, text, ok := strings.Cut(rest, ": ")
	return Text{From: from, Text: text}, ok
}
