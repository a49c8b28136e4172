package peer

import (
	"bufio"
	"context"
	_ "embed" // for the configuration's template
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed files/call-baresip.conf
var callBaresipConfig string

// CallConfig is what a phone for calls has besides its account.
type CallConfig struct {
	PhoneConfig
	Tone       float64 // what it says, in Hz
	Codec      string  // "g711" (the default), "g722" or "opus"
	Encryption string  // "", "srtp-mand" (SDES) or "dtls_srtp"
	// Alone: it registers nowhere; Server and Password say nothing.
	Alone bool
	// IPv6: it lives at [::1], not at 127.0.0.1.
	IPv6 bool
}

// toneLong is how long a phone can say its tone: as long as a test may last.
const toneLong = 150 * time.Second

// A BaresipPhone is a baresip that has calls. Its sound leaves it by whatever
// address the kernel likes best, which on loopback is 127.0.0.1: so it lives
// there, with ports of its own, and not at a host of the Lab.
type BaresipPhone struct {
	Baresip
	callEvents
	cfg     CallConfig
	addr    string
	account string
	records string
	line    net.Conn    // the control connection: baresip serves one
	answers chan string // why a command was refused, "" if it was not
}

// StartBaresipPhone runs one, and returns when it is registered.
func StartBaresipPhone(ctx context.Context, lab *Lab, cfg CallConfig) (*BaresipPhone, error) {
	binary, err := need("baresip")
	if err != nil {
		return nil, err
	}
	p := &BaresipPhone{cfg: cfg, answers: make(chan string, 1)}
	if err := p.configure(lab); err != nil {
		return nil, fmt.Errorf("configure baresip: %w", err)
	}
	p.Program = Program{
		Name: "baresip " + cfg.User, dir: filepath.Dir(p.records), ready: p.isReady,
		argv: []string{"stdbuf", "-oL", binary, "-s", "-f", filepath.Dir(p.records)},
		env:  []string{"HOME=" + filepath.Dir(p.records), "LC_ALL=C.UTF-8"},
	}
	lab.add(&p.Program)
	return p, p.Start(ctx)
}

func (p *BaresipPhone) configure(lab *Lab) error {
	dir, err := lab.Dir(fmt.Sprintf("callphone-%d-%s", p.cfg.Host, p.cfg.User))
	if err != nil {
		return err
	}
	ip := "127.0.0.1"
	if p.cfg.IPv6 {
		ip = "::1"
	}
	port, err := freePort(ip)
	if err != nil {
		return err
	}
	p.addr = net.JoinHostPort(ip, fmt.Sprint(port))
	p.records = filepath.Join(dir, "records")
	if err := os.MkdirAll(p.records, 0o755); err != nil {
		return err
	}
	source := "aufile," + filepath.Join(dir, "tone.wav")
	tone := Tone(p.cfg.Tone, toneLong)
	if p.cfg.Codec == "g722" { // the file has to have its rate
		tone = ToneAt(16000, p.cfg.Tone, toneLong)
	}
	if err := tone.WriteWAV(filepath.Join(dir, "tone.wav")); err != nil {
		return err
	}
	if p.cfg.Codec == "opus" { // and its channels
		source = fmt.Sprintf("ausine,%.0f", p.cfg.Tone)
	}
	p.control = lab.At(p.cfg.Host, controlPort)
	if p.cfg.Codec == "" {
		p.cfg.Codec = "g711"
	}
	module := strings.TrimSuffix(p.cfg.Encryption, "-mand")
	// The folder's name is relative: baresip cuts long ones.
	_, err = fill(dir, "config", callBaresipConfig, map[string]any{
		"Addr": p.addr, "IP": ip, "Codec": p.cfg.Codec, "Records": filepath.Base(p.records), "Source": source,
		"Encryption": p.cfg.Encryption, "Module": module, "Control": p.control, "CA": p.cfg.CA,
	})
	if err != nil {
		return err
	}
	p.account = p.entry()
	_, err = write(dir, "accounts", p.account+"\n")
	return err
}

// entry is the phone's line in its file of accounts.
func (p *BaresipPhone) entry() string {
	line := fmt.Sprintf("<sip:%s@%s>;regint=0", p.cfg.User, p.addr)
	if !p.cfg.Alone {
		transport := p.cfg.Transport()
		line = fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;outbound=\"sip:%s;transport=%s\";regint=60",
			p.cfg.User, p.cfg.Domain, transport, p.cfg.User, p.cfg.Password, p.cfg.Server, transport)
	}
	if p.cfg.Encryption != "" {
		line += ";mediaenc=" + p.cfg.Encryption
	}
	return line + ";answermode=manual"
}

// isReady waits for the control socket, listens to it, and waits for the
// registration.
func (p *BaresipPhone) isReady(ctx context.Context) error {
	if err := acceptsTCP(ctx, p.control); err != nil {
		return err
	}
	c, err := net.Dial("tcp", p.control)
	if err != nil {
		return err
	}
	p.line = c
	go p.listen(c) // which ends with the phone
	if p.cfg.Alone {
		return nil
	}
	line, err := p.Out.Wait(ctx, func(line string) bool {
		return strings.Contains(line, "200 OK") || strings.Contains(line, "REGISTER_FAIL") || strings.Contains(line, "Register: ")
	})
	if err != nil || strings.Contains(line, "200 OK") {
		return err
	}
	return p.again(ctx)
}

// again has the phone register once more at once, when a challenge of more
// algorithms than it knows has made it give up for half a minute.
func (p *BaresipPhone) again(ctx context.Context) error {
	mark := p.Out.Len()
	for _, do := range [][2]string{{"uadel", fmt.Sprintf("sip:%s@%s", p.cfg.User, p.cfg.Domain)}, {"uanew", p.account}} {
		if err := p.do(ctx, do[0], do[1]); err != nil {
			return err
		}
	}
	_, err := p.Out.WaitAfter(ctx, mark, Containing("200 OK"))
	return err
}

// listen reads the phone's events until the connection ends.
func (p *BaresipPhone) listen(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		raw, err := readNetstring(r)
		if err != nil {
			return
		}
		var e struct {
			Response bool   `json:"response"`
			OK       bool   `json:"ok"`
			Data     string `json:"data"`
			Type     string `json:"type"`
			Peer     string `json:"peeruri"`
			Param    string `json:"param"`
		}
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		if e.Response {
			if e.OK {
				e.Data = ""
			}
			p.answers <- e.Data
		}
		switch e.Type {
		case "CALL_INCOMING":
			p.add(CallIncoming, e.Peer)
		case "CALL_RINGING":
			p.add(CallRinging, "")
		case "CALL_PROGRESS":
			p.add(CallEarly, "")
		case "CALL_ESTABLISHED":
			p.add(CallTalking, e.Peer)
		case "CALL_CLOSED":
			p.add(CallEnded, e.Param)
		case "CALL_DTMF_START":
			p.press(e.Param)
		}
	}
}

// Number is the user in its address.
func (p *BaresipPhone) Number() string { return p.cfg.User }

// Addr is where it listens, host:port.
func (p *BaresipPhone) Addr() string { return p.addr }

// Dial calls an address.
func (p *BaresipPhone) Dial(ctx context.Context, to string) error {
	p.forget()
	return p.do(ctx, "dial", to)
}

// Answer takes the call that is coming in.
func (p *BaresipPhone) Answer(ctx context.Context) error {
	p.forget()
	return p.do(ctx, "accept", "")
}

// Hangup ends, refuses or takes back the call.
func (p *BaresipPhone) Hangup(ctx context.Context) error { return p.do(ctx, "hangup", "") }

// Hold holds the call.
func (p *BaresipPhone) Hold(ctx context.Context) error { return p.do(ctx, "hold", "") }

// Resume ends the hold.
func (p *BaresipPhone) Resume(ctx context.Context) error { return p.do(ctx, "resume", "") }

// Transfer has the other side call an address instead.
func (p *BaresipPhone) Transfer(ctx context.Context, to string) error {
	return p.do(ctx, "transfer", to)
}

// Press presses keys, one after the other.
func (p *BaresipPhone) Press(ctx context.Context, keys string) error {
	for _, key := range keys {
		if err := p.do(ctx, "sndcode", string(key)); err != nil {
			return err
		}
	}
	return nil
}

// do has the phone do something; one at a time.
func (p *BaresipPhone) do(ctx context.Context, name, params string) error {
	if err := writeCommand(p.line, name, params); err != nil {
		return fmt.Errorf("%s: %s: %w", p.Name, name, err)
	}
	select {
	case refusal := <-p.answers:
		if refusal != "" {
			return fmt.Errorf("%s: %s: refused: %s", p.Name, name, refusal)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %s: %w", p.Name, name, context.Cause(ctx))
	}
}

// Heard is what it has recorded in its last call so far, but for what came after a
// hold: there baresip 1.0 throws its recorder away, and makes no other.
func (p *BaresipPhone) Heard() (Sound, error) {
	files := p.recorded()
	if len(files) == 0 {
		return Sound{}, fmt.Errorf("%s has heard nothing", p.Name)
	}
	return ReadWAV(files[len(files)-1])
}

// recorded is the names of its records, in their order: they have the time in
// them.
func (p *BaresipPhone) recorded() []string {
	files, err := filepath.Glob(filepath.Join(p.records, "dump-*-dec.wav"))
	if err != nil {
		return nil // only of a bad pattern
	}
	return files
}

// forget removes its records: those of the next call would have their names if
// it comes within the same second.
func (p *BaresipPhone) forget() {
	for _, file := range p.recorded() {
		_ = os.Remove(file)
	}
}
