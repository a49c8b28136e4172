package peer

import (
	"context"
	_ "embed" // for the configuration's template
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed files/prosody.cfg.lua
var prosodyConfig string

// Prosody is an XMPP server (https://prosody.im).
type Prosody struct {
	Program
	lab   *Lab
	ports []int // it listens on
}

// ProsodyConfig is what a Prosody serves.
type ProsodyConfig struct {
	Users      map[string]string // "alice@example.org" to password; their domains are served
	Domains    []string          // served besides, without users
	Components map[string]string // domain to secret (XEP-0114)
	Offline    bool              // messages for users who are away are kept, not refused
	Standard   bool              // clients are served at the standard port, too
}

// StartProsody runs a Prosody at XMPPHost. Its users and data outlive Stop,
// Kill and Start.
func StartProsody(ctx context.Context, lab *Lab, cfg ProsodyConfig) (*Prosody, error) {
	binary, err := need("prosody")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("prosody")
	if err != nil {
		return nil, err
	}
	if _, err := lab.Dir("prosody/certs"); err != nil { // it looks there
		return nil, err
	}
	p := &Prosody{lab: lab, ports: []int{XMPPPort, webSocketPort}}
	if len(cfg.Components) > 0 { // without one it does not listen for any
		p.ports = append(p.ports, ComponentPort)
	}
	if cfg.Standard {
		p.ports = append(p.ports, standardXMPPPort)
	}
	file, err := p.configure(dir, cfg)
	if err != nil {
		return nil, fmt.Errorf("configure prosody: %w", err)
	}
	p.Program = Program{Name: "prosody", argv: []string{binary, "--config", file, "-F"}, dir: dir, ready: p.isReady}
	lab.add(&p.Program)
	return p, p.Start(ctx)
}

func (p *Prosody) configure(dir string, cfg ProsodyConfig) (string, error) {
	domains := map[string]bool{}
	for _, d := range cfg.Domains {
		domains[d] = true
	}
	for user, password := range cfg.Users {
		local, domain, _ := strings.Cut(user, "@")
		domains[domain] = true
		folder := filepath.Join(dir, "data", prosodyName(domain), "accounts")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", err
		}
		account := fmt.Sprintf("return {\n\t[\"password\"] = %q;\n};\n", password)
		if _, err := write(folder, prosodyName(local)+".dat", account); err != nil {
			return "", err
		}
	}
	names := make([]string, 0, len(domains))
	for d := range domains {
		names = append(names, d)
	}
	if err := writeCert(dir, names); err != nil {
		return "", err
	}
	return fill(dir, "prosody.cfg.lua", prosodyConfig, map[string]any{
		"Dir": dir, "Host": p.lab.Host(XMPPHost), "XMPPPort": XMPPPort, "Standard": cfg.Standard, "ComponentPort": ComponentPort,
		"WebSocketPort": webSocketPort, "Domains": names, "Components": cfg.Components, "Offline": cfg.Offline,
	})
}

// standardXMPPPort is where clients look for a server of which the DNS says
// nothing (RFC 6120 section 3.2.2).
const standardXMPPPort = 5222

func (p *Prosody) isReady(ctx context.Context) error {
	for _, port := range p.ports {
		if err := acceptsTCP(ctx, p.lab.At(XMPPHost, port)); err != nil {
			return err
		}
	}
	return nil
}

// Cert is the file with its certificate.
func (p *Prosody) Cert() string { return filepath.Join(p.dir, "cert.pem") }

// prosodyName is a name as Prosody writes it in its data folder: all but
// letters and digits as %xx.
func prosodyName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// fill writes a template's result to the file name in dir.
func fill(dir, name, text string, data any) (string, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return write(dir, name, b.String())
}
