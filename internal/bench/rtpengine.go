package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// An rtpengine is one that relays in user space, set up by its ng protocol:
// datagrams of a cookie and a bencoded dictionary.
type rtpengine struct {
	cmd  *exec.Cmd
	conn *net.UDPConn
	out  bytes.Buffer
	last int // cookie
}

// startRTPEngine starts Debian's; nil, and why, where it is not installed.
func startRTPEngine(ctx context.Context, dir string) (r *rtpengine, note string, err error) {
	if _, err := exec.LookPath("rtpengine"); err != nil {
		return nil, "not installed (scripts/install-peers bench)", nil
	}
	control := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), controlPort)
	r = &rtpengine{cmd: exec.CommandContext(ctx, "rtpengine", "--config-file=none", "--table=-1", "--interface=127.0.0.1",
		"--listen-ng="+control.String(), "--port-min="+strconv.Itoa(theirPorts), "--port-max="+strconv.Itoa(theirPorts+manyPorts),
		"--foreground", "--log-stderr", "--log-level=3", "--pidfile="+filepath.Join(dir, "rtpengine.pid"))}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("rtpengine: %w", err)
	}
	if r.conn, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(control)); err != nil {
		r.close()
		return nil, "", fmt.Errorf("rtpengine: %w", err)
	}
	for range 50 {
		if _, err = r.ask(map[string]string{"command": "ping"}); err == nil {
			return r, "", nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			break
		}
	}
	r.close()
	return nil, "", fmt.Errorf("rtpengine: %w: %s", err, r.out.Bytes())
}

func (r *rtpengine) close() {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	_ = r.cmd.Process.Kill() // it has nothing to say at its end
	_ = r.cmd.Wait()
}

func (r *rtpengine) pid() int { return r.cmd.Process.Pid }

// bencode writes a dictionary of strings. Its keys must come in order; there
// are few of them.
func bencode(d map[string]string) []byte {
	b := []byte{'d'}
	for _, key := range []string{"ICE", "call-id", "command", "from-tag", "sdp", "to-tag", "transport-protocol"} {
		if value, ok := d[key]; ok {
			b = fmt.Appendf(b, "%d:%s%d:%s", len(key), key, len(value), value)
		}
	}
	return append(b, 'e')
}

// ask sends a command and returns the answer as it came.
func (r *rtpengine) ask(d map[string]string) ([]byte, error) {
	r.last++
	cookie := fmt.Sprintf("c%d_%d ", os.Getpid(), r.last)
	if _, err := r.conn.Write(append([]byte(cookie), bencode(d)...)); err != nil {
		return nil, err
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return nil, err
	}
	b := make([]byte, 65536)
	for {
		n, err := r.conn.Read(b)
		if err != nil {
			return nil, err
		}
		answer, ours := bytes.CutPrefix(b[:n], []byte(cookie))
		switch {
		case !ours:
		case bytes.Contains(answer, []byte("6:result5:error")):
			return nil, fmt.Errorf("rtpengine says %q", answer)
		default:
			return answer, nil
		}
	}
}

var mediaLine = regexp.MustCompile(`m=audio (\d+) `)

// describe has the relay take a description and returns the port that it puts in.
func (r *rtpengine) describe(command string, id int, party netip.AddrPort) (uint16, error) {
	d := map[string]string{
		"command": command, "call-id": fmt.Sprintf("bench-%d-%d", r.cmd.Process.Pid, id), "from-tag": "a",
		"ICE": "remove", "transport-protocol": "RTP/AVP",
		"sdp": fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+
			"m=audio %[2]d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", party.Addr(), party.Port()),
	}
	if command == "answer" {
		d["to-tag"] = "b"
	}
	answer, err := r.ask(d)
	if err != nil {
		return 0, err
	}
	m := mediaLine.FindSubmatch(answer)
	if m == nil {
		return 0, fmt.Errorf("rtpengine says %q", answer)
	}
	port, err := strconv.ParseUint(string(m[1]), 10, 16)
	return uint16(port), err
}

func (r *rtpengine) begin(id int, a, b netip.AddrPort) (facingA, facingB uint16, err error) {
	if facingB, err = r.describe("offer", id, a); err != nil {
		return 0, 0, err
	}
	if facingA, err = r.describe("answer", id, b); err != nil {
		return 0, 0, err
	}
	if facingA == 0 || facingB == 0 {
		return 0, 0, errors.New("rtpengine has no port left")
	}
	return facingA, facingB, nil
}

func (r *rtpengine) end(id int) error {
	_, err := r.ask(map[string]string{
		"command": "delete", "call-id": fmt.Sprintf("bench-%d-%d", r.cmd.Process.Pid, id), "from-tag": "a",
	})
	return err
}
