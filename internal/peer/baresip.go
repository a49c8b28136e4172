package peer

import (
	"bufio"
	"context"
	_ "embed" // for the configuration's template
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

//go:embed files/baresip.conf
var baresipConfig string

// Baresip is a SIP phone (https://github.com/baresip/baresip) that registers
// by digest and writes to one party. It does not show what it is sent.
type Baresip struct {
	Program
	control string // the address of its control socket
}

// StartBaresip runs a phone that writes to the address to ("sip:..."), and
// returns when it is registered.
func StartBaresip(ctx context.Context, lab *Lab, cfg PhoneConfig, to string) (*Baresip, error) {
	binary, err := need("baresip")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir(fmt.Sprintf("baresip-%d-%s", cfg.Host, cfg.User))
	if err != nil {
		return nil, err
	}
	b := &Baresip{control: lab.At(cfg.Host, controlPort)}
	transport := cfg.Transport()
	account := fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;outbound=\"sip:%s;transport=%s\";regint=60\n",
		cfg.User, cfg.Domain, transport, cfg.User, cfg.Password, cfg.Server, transport)
	_, err = fill(dir, "config", baresipConfig, map[string]any{
		"Host": lab.Host(cfg.Host), "Listen": lab.At(cfg.Host, SIPPort), "Control": b.control, "CA": cfg.CA,
	})
	if err == nil {
		_, err = write(dir, "accounts", account)
	}
	if err == nil {
		_, err = write(dir, "contacts", fmt.Sprintf("\"Other\" <%s>\n", to))
	}
	if err != nil {
		return nil, fmt.Errorf("configure baresip: %w", err)
	}
	b.Program = Program{
		Name: "baresip " + cfg.User, dir: dir, ready: b.isReady,
		slow: 30 * time.Second, // it waits so long after a registration that failed
		argv: []string{"stdbuf", "-oL", binary, "-f", dir}, env: []string{"HOME=" + dir, "LC_ALL=C.UTF-8"},
	}
	lab.add(&b.Program)
	return b, b.Start(ctx)
}

func (b *Baresip) isReady(ctx context.Context) error {
	if err := acceptsTCP(ctx, b.control); err != nil {
		return err
	}
	_, err := b.Out.Wait(ctx, Containing("200 OK"))
	return err
}

// Send writes text to the party that the phone was started for.
func (b *Baresip) Send(ctx context.Context, text string) error {
	for _, do := range [][2]string{{"contact_next", ""}, {"message", text}} {
		if err := b.command(ctx, do[0], do[1]); err != nil {
			return fmt.Errorf("baresip: %s: %w", do[0], err)
		}
	}
	return nil
}

// command speaks to baresip's ctrl_tcp module: netstrings with JSON in them.
func (b *Baresip) command(ctx context.Context, name, params string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", b.control)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := writeCommand(c, name, params); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	for {
		answer, err := readNetstring(r)
		if err != nil {
			return err
		}
		var a struct {
			Response bool   `json:"response"`
			OK       bool   `json:"ok"`
			Data     string `json:"data"`
		}
		if err := json.Unmarshal(answer, &a); err != nil {
			return err
		}
		if a.Response && !a.OK {
			return fmt.Errorf("refused: %s", a.Data)
		}
		if a.Response {
			return nil
		}
	}
}

// readNetstring reads one netstring and gives what is in it.
func readNetstring(r *bufio.Reader) ([]byte, error) {
	length, err := r.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fmt.Errorf("bad netstring length %q", length)
	}
	raw := make([]byte, n+1) // and the comma
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	return raw[:n], nil
}

// writeCommand writes a command to a control socket.
func writeCommand(w io.Writer, name, params string) error {
	body, err := json.Marshal(map[string]string{"command": name, "params": params, "token": "t"})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d:%s,", len(body), body)
	return err
}
