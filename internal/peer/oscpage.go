package peer

import (
	"context"
	_ "embed" // for the page
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

//go:embed files/osc.html
var oscPage string

// An OSCPage is a page in Chromium without a window, with one WebSocket that
// speaks OSC: a packet in each binary message. Its Events are "open PROTOCOL",
// "got HEX", "close CODE WHY" and "failed WHY".
type OSCPage struct{ browserPage }

// StartOSCPage opens the page, which is served at host of the lab.
func StartOSCPage(ctx context.Context, lab *Lab, host int) (*OSCPage, error) {
	p := &OSCPage{}
	files := map[string]pageFile{"/{$}": {"text/html", oscPage}}
	if err := p.openPage(lab, "chromium", host, files, http.NewServeMux()); err != nil {
		return nil, err
	}
	// It asks what to do as soon as it is there.
	p.ready = func(ctx context.Context) error { return p.order(ctx, "close") }
	return p, p.Start(ctx)
}

// Open connects the page's WebSocket.
func (p *OSCPage) Open(ctx context.Context, url string) error {
	if err := p.order(ctx, "open "+url); err != nil {
		return err
	}
	line, err := p.Events.Wait(ctx, func(line string) bool { return !strings.HasPrefix(line, "got ") })
	if err == nil && !strings.HasPrefix(line, "open") {
		err = fmt.Errorf("the page says %q", line)
	}
	if err != nil {
		return fmt.Errorf("page: open %s: %w", url, err)
	}
	return nil
}

// Send sends a packet.
func (p *OSCPage) Send(ctx context.Context, packet []byte) error {
	return p.order(ctx, "send "+hex.EncodeToString(packet))
}

// WaitPacket waits until the page has been sent the packet.
func (p *OSCPage) WaitPacket(ctx context.Context, packet []byte) error {
	want := "got " + hex.EncodeToString(packet)
	if _, err := p.Events.Wait(ctx, func(line string) bool { return line == want }); err != nil {
		return fmt.Errorf("page: wait for %q, have %q: %w", want, p.Events.All(), err)
	}
	return nil
}
