package peer

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// The ports that programs of a Lab listen on, each at a host of its own. They
// lie below the range that the kernel takes source ports from, and apart from
// the well-known ones, which a test of the example mapping.toml needs.
const (
	SIPPort       = 25060
	XMPPPort      = 25222
	ComponentPort = 25347
	HTTPPort      = 28080
	controlPort   = 24444
	lockPort      = 24001
)

// The hosts of a Lab, as the last byte of their address.
const (
	GatewayHost = 1
	XMPPHost    = 2
	SIPHost     = 3
	PhoneHost   = 11 // the first phone; more follow
)

// A Lab is a loopback network of real programs, and a folder for their files.
type Lab struct {
	dir  string
	net  string       // "127.a.b."
	lock net.Listener // holds the network against other labs

	mu       sync.Mutex // guards programs
	programs []*Program
}

// NewLab finds a network that is free. Everything is written below dir, which
// the caller removes after Close.
func NewLab(dir string) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	for range 100 {
		prefix := fmt.Sprintf("127.%d.%d.", 64+rand.IntN(128), rand.IntN(256))
		lock, err := net.Listen("tcp4", prefix+"254:"+strconv.Itoa(lockPort))
		if err == nil {
			return &Lab{dir: dir, net: prefix, lock: lock}, nil
		}
	}
	return nil, errors.New("lab: no loopback network is free")
}

// Host is the address of host n (1 to 253), e.g. "127.70.3.1".
func (l *Lab) Host(n int) string { return l.net + strconv.Itoa(n) }

// At is the address of port at host n, e.g. "127.70.3.1:25060".
func (l *Lab) At(n, port int) string { return net.JoinHostPort(l.Host(n), strconv.Itoa(port)) }

// Dir makes a folder for a program, and gives its absolute name. One that is
// there already is kept.
func (l *Lab) Dir(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	return dir, nil
}

// add remembers a program for Close and Report.
func (l *Lab) add(p *Program) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.programs = append(l.programs, p)
}

// Close ends every program that still runs, the last one added first, and
// gives the network back.
func (l *Lab) Close() {
	l.mu.Lock()
	programs := l.programs
	l.mu.Unlock()
	for i := len(programs) - 1; i >= 0; i-- {
		programs[i].Stop()
	}
	l.lock.Close()
}

// Running names the programs of which some process still runs.
func (l *Lab) Running() []string {
	l.mu.Lock()
	programs := l.programs
	l.mu.Unlock()
	var names []string
	for _, p := range programs {
		if p.lives() {
			names = append(names, p.Name)
		}
	}
	return names
}

// Report writes what every program printed, for people who look for what went
// wrong. Of each it writes the last lines only.
func (l *Lab) Report(w io.Writer) {
	const tail = 150
	l.mu.Lock()
	programs := l.programs
	l.mu.Unlock()
	for _, p := range programs {
		lines := p.Out.All()
		fmt.Fprintf(w, "--- %s printed %d lines", p.Name, len(lines))
		if n := len(lines) - tail; n > 0 {
			fmt.Fprintf(w, ", the last %d are", tail)
			lines = lines[n:]
		}
		fmt.Fprintln(w, ":")
		for _, line := range lines {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}

// write makes the file name in dir, readable by everybody: Kamailio and others
// may run as another user.
func write(dir, name, content string) (string, error) {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	return file, nil
}
