package peer

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Calls is how many calls there were, as Dino keeps them in its database. How one
// that is under way stands, that does not say.
func (d *Dino) Calls(ctx context.Context) (int, error) {
	out, err := d.query(ctx, "SELECT count(*) FROM call")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

// WaitCalls waits until there were n calls, one that is coming in included.
func (d *Dino) WaitCalls(ctx context.Context, n int) error {
	have := 0
	err := Poll(ctx, func(ctx context.Context) bool {
		now, err := d.Calls(ctx)
		if err == nil {
			have = now
		}
		return have == n
	})
	if err != nil {
		return fmt.Errorf("%s: %d calls, not %d: %w", d.Name, have, n, err)
	}
	return nil
}

// run runs a command at the desktop.
func (d *Dino) run(ctx context.Context, name string, args ...string) (string, error) {
	binary, err := need(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(cmd.Environ(), d.Desktop.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w: %s", d.Name, name, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// bus calls a method of Dino's org.freedesktop.Application.
func (d *Dino) bus(ctx context.Context, method string, args ...string) error {
	_, err := d.run(ctx, "gdbus", append([]string{"call", "--session", "--dest", "im.dino.Dino", "--object-path", "/im/dino/Dino",
		"--method", "org.freedesktop.Application." + method}, args...)...)
	return err
}

// The button of the window's head that has the kinds of calls, and the first of
// them, in pixels from the left and from the top in a window of that size.
const (
	dinoWidth, dinoHeight = 1200, 700
	dinoCallX, dinoCallY  = 978, 28
	dinoAudioX            = 978
	dinoAudioY            = 80
)

// Dial calls a bare JID as a person does: opens the chat, and clicks. It returns
// when Dino has a call more.
func (d *Dino) Dial(ctx context.Context, to string) error {
	before, err := d.Calls(ctx)
	if err != nil {
		return err
	}
	if err := d.bus(ctx, "Open", fmt.Sprintf("['xmpp:%s?message']", to), "{}"); err != nil {
		return err
	}
	if _, err := d.run(ctx, "xdotool", "windowactivate", "--sync", d.window, "windowsize", d.window,
		strconv.Itoa(dinoWidth), strconv.Itoa(dinoHeight)); err != nil {
		return err
	}
	click := func(x, y int) []string {
		return []string{"mousemove", "--window", d.window, strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.5", "click", "1", "sleep", "1"}
	}
	// What is drawn when, nobody tells: so it clicks until there is a call.
	return Poll(ctx, func(ctx context.Context) bool {
		if _, err := d.run(ctx, "xdotool", append(click(dinoCallX, dinoCallY), click(dinoAudioX, dinoAudioY)...)...); err != nil {
			return false
		}
		now, err := d.Calls(ctx)
		return err == nil && now > before
	})
}

// Answer takes the call that is coming in; Reject refuses it.
func (d *Dino) Answer(ctx context.Context) error { return d.act(ctx, "accept-call") }

// Reject refuses the call that is coming in.
func (d *Dino) Reject(ctx context.Context) error { return d.act(ctx, "reject-call") }

// act does what a notification of the last call offers.
func (d *Dino) act(ctx context.Context, action string) error {
	out, err := d.query(ctx, "SELECT c.id || ', ' || l.id FROM call l JOIN conversation c ON c.jid_id = l.counterpart_id ORDER BY l.id DESC LIMIT 1")
	if err != nil {
		return err
	}
	return d.bus(ctx, "ActivateAction", action, "[<("+out+")>]", "{}")
}

// Hangup closes the window of the call.
func (d *Dino) Hangup(ctx context.Context) error {
	return Poll(ctx, func(ctx context.Context) bool {
		for _, w := range d.windows(ctx) {
			if w != d.window {
				_, err := d.run(ctx, "xdotool", "windowactivate", "--sync", w, "key", "--clearmodifiers", "alt+F4")
				return err == nil
			}
		}
		return false
	})
}

// windows are those that Dino shows now.
func (d *Dino) windows(ctx context.Context) []string {
	out, err := d.run(ctx, "xdotool", "search", "--onlyvisible", "--name", "^Dino$")
	if err != nil {
		return nil
	}
	return strings.Fields(out)
}
