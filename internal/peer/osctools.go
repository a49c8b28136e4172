package peer

import (
	"context"
	_ "embed" // for Pure Data's patch
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed files/osc.pd
var oscPatch string

// OSCDump is oscdump of liblo, which prints the messages it is sent.
type OSCDump struct {
	Program
	lab  *Lab
	port int
}

// StartOSCDump runs one at port.
func StartOSCDump(ctx context.Context, lab *Lab, port int) (*OSCDump, error) {
	binary, err := need("oscdump")
	if err != nil {
		return nil, err
	}
	d := &OSCDump{lab: lab, port: port}
	d.Program = Program{Name: fmt.Sprintf("oscdump %d", port), argv: []string{binary, "-L", strconv.Itoa(port)}}
	d.ready = func(ctx context.Context) error { return bindsUDP(ctx, fmt.Sprintf("0.0.0.0:%d", port)) }
	lab.add(&d.Program)
	return d, d.Start(ctx)
}

// Messages is what it has printed: of each message the address, the types and
// the values, as in `/hello ifs 1 2.500000 "world"`. Pings are left out.
func (d *OSCDump) Messages() []string {
	var all []string
	for _, line := range d.Out.All() {
		if _, message, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(message, "/groupclient/") {
			all = append(all, message)
		}
	}
	return all
}

// WaitMessage waits until it has printed the message.
func (d *OSCDump) WaitMessage(ctx context.Context, message string) error {
	_, err := d.Out.Wait(ctx, func(line string) bool { return strings.HasSuffix(line, " "+message) })
	if err != nil {
		return fmt.Errorf("oscdump %d: wait for %q, have %q: %w", d.port, message, d.Messages(), err)
	}
	return nil
}

// SendOSC has oscsend of liblo send a message: url as in
// "osc.udp://127.0.0.1:9000", types as in "ifs".
func SendOSC(ctx context.Context, url, address, types string, values ...string) error {
	binary, err := need("oscsend")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, binary, append([]string{url, address, types}, values...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("oscsend: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// PureData is Pure Data without a window. It prints what it is sent, and sends
// what it is told.
type PureData struct {
	Program
	control *net.UDPConn
}

// StartPureData runs one that listens at port and sends to port to, both at
// 127.0.0.1. It takes orders at port control.
func StartPureData(ctx context.Context, lab *Lab, port, to, control int) (*PureData, error) {
	binary, err := need("pd")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("pd-" + strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	if _, err := fill(dir, "osc.pd", oscPatch, map[string]any{"Listen": port, "To": to, "Control": control}); err != nil {
		return nil, err
	}
	p := &PureData{}
	p.Program = Program{
		Name: "pd " + strconv.Itoa(port), dir: dir, env: []string{"HOME=" + dir},
		argv: []string{binary, "-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr", "-open", filepath.Join(dir, "osc.pd")},
	}
	p.ready = func(ctx context.Context) error {
		for _, at := range []int{port, control} {
			if err := bindsUDP(ctx, fmt.Sprintf("127.0.0.1:%d", at)); err != nil {
				return err
			}
		}
		return nil
	}
	lab.add(&p.Program)
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	p.control, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: control})
	if err != nil {
		return nil, fmt.Errorf("pd: %w", err)
	}
	return p, nil
}

// Close closes our side; the lab ends the program.
func (p *PureData) Close() { p.control.Close() }

// Send has it send "/pd/msg" with arguments: words and numbers.
func (p *PureData) Send(args string) error {
	if _, err := fmt.Fprintf(p.control, "%s;\n", args); err != nil {
		return fmt.Errorf("pd: %w", err)
	}
	return nil
}

// WaitMessage waits until it has printed a message: the address without
// slashes and the arguments, as in "chat msg bob hello 3".
func (p *PureData) WaitMessage(ctx context.Context, message string) error {
	if _, err := p.Out.Wait(ctx, func(line string) bool { return line == "OSC: "+message }); err != nil {
		return fmt.Errorf("%s: wait for %q: %w", p.Name, message, err)
	}
	return nil
}
