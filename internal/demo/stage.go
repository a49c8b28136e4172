package main

import (
	"context"
	"fmt"
	"strings"

	"gateway/internal/peer"
)

const (
	alice         = "alice@example.org/desk"
	alicePassword = "alice-pw"
	bob           = "bob@example.org/page"
	bobPassword   = "bob-pw"
	pageHost      = 31
	component     = "phones.example.org"
	secret        = "component-secret"
	sipDomain     = "gw.example.org"
	records       = "calls.jsonl"
)

// A stage has the lab, and who plays.
type stage struct {
	lab      *peer.Lab
	gateway  *peer.Gateway
	chat     *peer.Chat
	one, two *peer.LinphonePhone // 2001 and 2002
	page     *peer.JinglePage    // bob
	record   string              // of the call, as the gateway wrote it
	scene    int
}

func newStage(dir string) (*stage, error) {
	lab, err := peer.NewLab(dir)
	if err != nil {
		return nil, err
	}
	return &stage{lab: lab}, nil
}

// say prints what comes next.
func (s *stage) say(format string, args ...any) {
	s.scene++
	fmt.Printf("%d. %s\n", s.scene, fmt.Sprintf(format, args...))
}

// mapping is the gateway's file.
func (s *stage) mapping() string {
	return fmt.Sprintf(`[gateway]
node    = "demo"
state   = "state"
http    = %q
records = %q

[sip.pbx]
listen   = ["udp:%s"]
domain   = %q
accounts = { "2001" = { password = "pw-2001" }, "2002" = { password = "pw-2002" } }

[xmpp.chat]
component = %q
server    = %q
secret    = %q
domains   = ["example.org"]

[rtmp.flash]
listen   = ["rtmp:%s"]
accounts = { %q = { password = %q } }

[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "{ext}", chat = "{ext}@%s", flash = "{ext}" }

[[map]]
home = "flash:%s"
as   = { pbx = %q }

[[map]]
home = "chat:{user:[a-z][a-z0-9._-]*}@example.org"
as   = { pbx = "{user}", chat = "{user}@%s" }
`,
		s.lab.At(peer.GatewayHost, peer.HTTPPort), records, s.lab.At(peer.GatewayHost, peer.SIPPort), sipDomain,
		component, s.lab.At(peer.XMPPHost, peer.ComponentPort), secret,
		s.lab.At(peer.GatewayHost, peer.RTMPPort), studio, studioSecret, component, studio, studio, component)
}

// build starts everybody.
func (s *stage) build(ctx context.Context) error {
	s.say("building the gateway")
	bin, err := s.lab.Dir("bin")
	if err != nil {
		return err
	}
	binary, err := peer.BuildGateway(ctx, bin)
	if err != nil {
		return err
	}
	s.say("starting Prosody, an XMPP server, for example.org and the component %s", component)
	_, err = peer.StartProsody(ctx, s.lab, peer.ProsodyConfig{
		Users: map[string]string{"alice@example.org": alicePassword, "bob@example.org": bobPassword}, Components: map[string]string{component: secret}, Offline: true,
	})
	if err != nil {
		return err
	}
	s.say("starting the gateway with this mapping.toml:\n\n%s", indent(s.mapping()))
	s.gateway, err = peer.StartGateway(ctx, s.lab, binary, "gateway", s.lab.At(peer.GatewayHost, peer.HTTPPort), s.mapping())
	if err != nil {
		return err
	}
	if _, err := s.gateway.WaitHealth(ctx, 200); err != nil {
		return err
	}
	s.say("starting two SIP phones (linphonec), 2001 and 2002; they register with the gateway")
	if s.one, err = s.phone(ctx, 0, "2001", toneOne); err != nil {
		return err
	}
	if s.two, err = s.phone(ctx, 1, "2002", toneTwo); err != nil {
		return err
	}
	s.say("logging alice@example.org in (slixmpp)")
	if s.chat, err = peer.StartChat(ctx, s.lab); err != nil {
		return err
	}
	if err := s.chat.Login(ctx, alice, alicePassword); err != nil {
		return err
	}
	s.say("opening a page in Chromium, without a window, at which bob@example.org is")
	s.page, err = peer.StartJinglePage(ctx, s.lab, peer.JingleConfig{
		Host: pageHost, JID: bob, Password: bobPassword, URL: peer.WebSocketURL(s.lab), Tone: toneBob,
	})
	return err
}

func (s *stage) phone(ctx context.Context, n int, user string, tone float64) (*peer.LinphonePhone, error) {
	return peer.StartLinphonePhone(ctx, s.lab, peer.CallConfig{
		PhoneConfig: peer.PhoneConfig{
			Host: peer.PhoneHost + n, User: user, Password: "pw-" + user, Domain: sipDomain,
			Server: s.lab.At(peer.GatewayHost, peer.SIPPort),
		},
		Tone: tone,
	})
}

func indent(s string) string {
	return "       " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n       ") + "\n"
}
