package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Dino is an XMPP user at the desktop client Dino (https://dino.im), with a
// desktop of its own. It needs OnDesktop: it finds its server by name, trusts no
// certificate that it does not know, and tells of no loopback address in ICE.
type Dino struct {
	Program
	Desktop *Desktop
	cfg     DinoConfig
	window  string  // the main one
	ear     Program // records what is heard
	records string
}

// DinoConfig is who is at a Dino.
type DinoConfig struct {
	JID      string // bare; its server must be known (Introduce)
	Password string
	Tone     float64 // what the user says, in Hz
}

// dinoRate is the rate of what is recorded, in Hz.
const dinoRate = 48000

// StartDino logs a user in, and returns when that has seen its contacts.
func StartDino(ctx context.Context, lab *Lab, cfg DinoConfig) (*Dino, error) {
	binary, err := need("dino-im")
	if err != nil {
		return nil, err
	}
	local, _, _ := strings.Cut(cfg.JID, "@")
	d := &Dino{cfg: cfg}
	if d.Desktop, err = StartDesktop(ctx, lab, "desktop-"+local, cfg.Tone); err != nil {
		return nil, err
	}
	d.Program = Program{Name: "dino of " + local, dir: d.Desktop.Home, env: d.Desktop.Env, argv: []string{binary}, ready: d.hasTables}
	lab.add(&d.Program)
	// A first run makes the database, which then gets the account.
	if err := d.Start(ctx); err != nil {
		return nil, err
	}
	d.Stop()
	_, err = d.query(ctx, fmt.Sprintf("INSERT INTO account (bare_jid, resourcepart, password, alias, enabled, roster_version) VALUES ('%s', 'dino', '%s', '', 1, '')",
		cfg.JID, cfg.Password))
	if err != nil {
		return nil, err
	}
	d.argv, d.ready = []string{binary, "--print-xmpp=all"}, d.isOnline
	if err := d.Start(ctx); err != nil {
		return nil, err
	}
	return d, d.listen(ctx, lab)
}

// query asks the database, or changes it. An answer's rows are lines, and | stands
// between columns.
func (d *Dino) query(ctx context.Context, sql string) (string, error) {
	binary, err := need("sqlite3")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, binary, "-cmd", ".timeout 5000", filepath.Join(d.Desktop.data(), "dino", "dino.db"), sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("dino's database: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func (d *Dino) hasTables(ctx context.Context) error {
	if err := Poll(ctx, func(context.Context) bool {
		_, err := os.Stat(filepath.Join(d.Desktop.data(), "dino", "dino.db"))
		return err == nil
	}); err != nil {
		return err
	}
	var last error
	err := Poll(ctx, func(ctx context.Context) bool {
		_, last = d.query(ctx, "SELECT count(*) FROM account, call, conversation")
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("%w (%w)", err, last)
	}
	return nil
}

func (d *Dino) isOnline(ctx context.Context) error {
	if _, err := d.Out.Wait(ctx, Containing("jabber:iq:roster")); err != nil {
		return err
	}
	return Poll(ctx, func(ctx context.Context) bool {
		all := d.windows(ctx)
		if len(all) == 1 {
			d.window = all[0]
		}
		return d.window != ""
	})
}

// listen records what the speaker says from now on.
func (d *Dino) listen(ctx context.Context, lab *Lab) error {
	d.records = filepath.Join(d.Desktop.Home, "heard.raw")
	return d.Desktop.start(ctx, lab, &d.ear, d.Name, "parecord", func(ctx context.Context) error {
		return Poll(ctx, func(context.Context) bool {
			i, err := os.Stat(d.records)
			return err == nil && i.Size() > 0
		})
	}, "--device="+speaker+".monitor", "--raw", fmt.Sprintf("--rate=%d", dinoRate), "--channels=1", "--format=s16le", "--latency-msec=100", d.records)
}

// Heard is all that was heard so far, silence between calls too.
func (d *Dino) Heard() (Sound, error) {
	raw, err := os.ReadFile(d.records)
	if err != nil {
		return Sound{}, fmt.Errorf("%s: %w", d.Name, err)
	}
	return Sound{Rate: dinoRate, Samples: pcm(raw, 1)}, nil
}

// WaitTone waits until a tone of hz was heard for long at the end of what was heard.
func (d *Dino) WaitTone(ctx context.Context, hz float64, long time.Duration) error {
	return waitTone(ctx, d.Number(), d.Heard, hz, long)
}

// Number is the local part of the user's address.
func (d *Dino) Number() string {
	local, _, _ := strings.Cut(d.cfg.JID, "@")
	return local
}
