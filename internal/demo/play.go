package main

import (
	"context"
	"fmt"
	"strings"

	"gateway/internal/peer"
)

// What is said.
const (
	toPhone   = `Hi 2001 👋 are you "there"?`
	toAlice   = `Yes, "here" I am 🎉 Grüße & <hugs>`
	toOther   = `2002, Alice is online 📞 "go on"`
	toSleeper = `Read this when you are back 😴 "no hurry"`
)

// play goes through the scenes. It returns an error if anything did not arrive
// as it was written.
func (s *stage) play(ctx context.Context) error {
	if err := s.build(ctx); err != nil {
		return err
	}
	s.say("alice writes to 2001@%s: %s", component, toPhone)
	if err := s.chat.Say(alice, "2001@"+component, "m1", toPhone); err != nil {
		return err
	}
	if err := arrives(ctx, s.one, toPhone, "sip:alice@"); err != nil {
		return err
	}
	s.say("2001 writes to sip:alice@%s: %s", sipDomain, toAlice)
	if err := s.one.Send("sip:alice@"+sipDomain, toAlice); err != nil {
		return err
	}
	e, err := s.chat.WaitText(ctx, alice, toAlice)
	if err != nil {
		return fmt.Errorf("alice waits for %q: %w", toAlice, err)
	}
	if e.From != "2001@"+component {
		return fmt.Errorf("alice got %q from %s", toAlice, e.From)
	}
	s.say("2001 writes to 2002: %s", toOther)
	if err := s.one.Send("sip:2002@"+sipDomain, toOther); err != nil {
		return err
	}
	if err := arrives(ctx, s.two, toOther, "sip:2001@"); err != nil {
		return err
	}
	if err := s.call(ctx); err != nil {
		return err
	}
	if err := s.browse(ctx); err != nil {
		return err
	}
	if err := s.stream(ctx); err != nil {
		return err
	}
	return s.sleep(ctx)
}

// sleep is the scene with the phone that is off.
func (s *stage) sleep(ctx context.Context) error {
	s.say("2002 is switched off")
	if err := s.two.Quit(ctx); err != nil {
		return err
	}
	s.say("alice writes to 2002@%s: %s", component, toSleeper)
	if err := s.chat.Say(alice, "2002@"+component, "m2", toSleeper); err != nil {
		return err
	}
	err := peer.Poll(ctx, func(ctx context.Context) bool {
		_, body, err := s.gateway.Get(ctx, "/metrics")
		return err == nil && strings.Contains(body, "gateway_queue_length{adapter=\"pbx\"} 1\n")
	})
	if err != nil {
		return fmt.Errorf("the message does not wait in the outbox: %w", err)
	}
	s.say("the gateway has it on disk; 2002 is switched on again")
	if err := s.two.Start(ctx); err != nil {
		return err
	}
	return arrives(ctx, s.two, toSleeper, "sip:alice@")
}

// arrives waits until the phone shows text, and looks whom it is from.
func arrives(ctx context.Context, p *peer.LinphonePhone, text, from string) error {
	m, err := p.WaitText(ctx, text)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(m.From, from) {
		return fmt.Errorf("%s got %q from %s, want %s", p.Name, text, m.From, from)
	}
	return nil
}

// printConversation prints what each side saw.
func (s *stage) printConversation() {
	fmt.Println("\nWhat each side saw:")
	fmt.Println("\n   alice@example.org, XMPP")
	for _, e := range s.chat.Texts(alice) {
		fmt.Printf("      %-26s  %s\n", e.From, e.Body())
	}
	for _, phone := range []*peer.LinphonePhone{s.one, s.two} {
		fmt.Printf("\n   %s, SIP\n", strings.TrimPrefix(phone.Name, "linphonec "))
		for _, m := range phone.Texts() {
			fmt.Printf("      %-26s  %s\n", m.From, m.Text)
		}
	}
	fmt.Printf("\nThe record of the call, a line of %s:\n\n      %s\n", records, s.record)
}
