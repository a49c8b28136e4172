package peer

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A SIPpCall is one side of a call, which SIPp plays step by step. It fails at
// whatever comes that is not the next step.
type SIPpCall struct {
	Name     string // for people
	Caller   bool   // else it is called
	From, To string // users, as the caller says them
	SDP      SDP    // what it describes unless a step says something else
	Steps    []CallStep
	Calls    int // how many, begun at Rate; 0 is 1
	Rate     int // in a second; 0 is 10
	// Within bounds how long all of it may take; 0 is two minutes.
	Within time.Duration
	// Old: it speaks as RFC 2543 had it, without tags of its own and without
	// the cookie that says that a branch is unique.
	Old bool
	// Domain is the caller's; "" for the trunk's address.
	Domain string
}

// StartSIPpCall has SIPp play a side of a call behind a trunk. Finish waits for
// its end.
func StartSIPpCall(ctx context.Context, lab *Lab, trunk *Trunk, host int, c SIPpCall) (*SIPp, error) {
	dir, err := lab.Dir(fmt.Sprintf("sipp-%d-%s-%d", host, strings.ReplaceAll(c.Name, " ", "-"), time.Now().UnixNano()))
	if err != nil {
		return nil, err
	}
	file, err := write(dir, "call.xml", c.scenario(trunk.Addr()))
	if err != nil {
		return nil, err
	}
	port, err := freePort(lab.Host(host))
	if err != nil {
		return nil, err
	}
	args := []string{
		"-m", strconv.Itoa(max(1, c.Calls)), "-timeout", fmt.Sprint(cmp.Or(c.Within, 2*time.Minute).Seconds()), "-timeout_error", "-trace_err", "-error_file", filepath.Join(dir, "errors.log"),
	}
	if c.Caller {
		args = append(args, "-r", strconv.Itoa(max(10, c.Rate)), "-l", "2000", trunk.inner.LocalAddr().String())
	}
	s, err := newSIPp(lab, dir, file, host, port, args...)
	if err != nil {
		return nil, err
	}
	s.Name += " " + c.Name
	if !c.Caller {
		addr := netip.MustParseAddrPort(lab.At(host, port))
		s.ready = func(ctx context.Context) error { return bindsUDP(ctx, addr.String()) }
		trunk.Route(c.To, addr)
	}
	return s, s.Start(ctx)
}

// Finish waits until SIPp has played all its calls to their ends. It is an
// error if one of them did not go as it should.
func (s *SIPp) Finish(ctx context.Context) error {
	code, err := s.Wait(ctx)
	if err == nil && code == 0 {
		return nil
	}
	what, _ := os.ReadFile(filepath.Join(s.dir, "errors.log"))
	if err != nil {
		return fmt.Errorf("%s: %w: %s", s.Name, err, what)
	}
	return fmt.Errorf("%s: exit code %d: %s", s.Name, code, what)
}

// An SDP is a description of sound (RFC 8866).
type SDP struct {
	Addr    netip.AddrPort // where it wants its packets; not valid: port 9 of 127.0.0.1
	Version int            // of o=
	// Media is the m= line behind the port, and what follows it; "" for PCMU
	// and telephone events.
	Media string
	Dir   string // "" for sendrecv
}

const sdpMedia = "RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15"

// String is the text of the description, with lines that end in CRLF.
func (s SDP) String() string {
	if !s.Addr.IsValid() {
		s.Addr = netip.MustParseAddrPort("127.0.0.1:9")
	}
	if s.Media == "" {
		s.Media = sdpMedia
	}
	if s.Dir == "" {
		s.Dir = "sendrecv"
	}
	family := "IP4"
	if s.Addr.Addr().Is6() {
		family = "IP6"
	}
	text := fmt.Sprintf("v=0\no=- 77 %d IN %s %s\ns=-\nc=IN %s %s\nt=0 0\nm=audio %d %s\na=%s\n",
		s.Version+1, family, s.Addr.Addr(), family, s.Addr.Addr(), s.Addr.Port(), s.Media, s.Dir)
	return strings.ReplaceAll(text, "\n", "\r\n")
}

// SDPLine gives what stands behind the first line of a body that begins with
// prefix, such as "m=audio "; "" if there is none.
func (m SIPMessage) SDPLine(prefix string) string {
	for line := range strings.Lines(m.Body) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Media is where the first stream of the message's description wants its
// packets; not valid if there is none.
func (m SIPMessage) Media() netip.AddrPort {
	connection := strings.Fields(m.SDPLine("c=IN "))
	port, err := strconv.ParseUint(strings.SplitN(m.SDPLine("m=audio "), " ", 2)[0], 10, 16)
	if err != nil || len(connection) < 2 {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(connection[1])
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}
