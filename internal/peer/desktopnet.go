package peer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// desktopNet makes the one interface besides loopback. Nobody is at the other end
// of its cable, so nothing leaves the machine: but programs that think themselves
// offline without a route are content, and so are those that tell of no loopback
// address in ICE.
const desktopNet = `link add desk0 type veth peer name desk1
link set desk1 up
link set desk0 up
addr add 10.99.0.1/24 dev desk0
route add default via 10.99.0.254 dev desk0
`

// The files that say whom such programs find and trust, as they are called in a
// folder of ours.
var desktopFiles = map[string]string{
	"hosts":       "/etc/hosts",
	"resolv.conf": "/etc/resolv.conf",
	"trusted.pem": "/etc/ssl/certs/ca-certificates.crt",
}

// OnDesktop is OnLoopback for the programs of a desktop, which take whom they
// find and trust from the system: the process has files of its own for that.
// There is an interface with another address, and nothing behind it.
func OnDesktop(run func() int) int {
	dir := os.Getenv(loopbackEnv)
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "gateway-desktop-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
	}
	code, err := alone(run, func() error { return furnish(dir) }, dir, unix.CLONE_NEWNS)
	if err != nil {
		fmt.Fprintln(os.Stderr, fmt.Errorf("a network and files of its own: %w", err))
		return 1
	}
	return code
}

// furnish makes the network, and puts the files of dir in the place of the
// system's, for this process and what it starts.
func furnish(dir string) error {
	if err := loopbackUp(); err != nil {
		return err
	}
	binary, err := need("ip")
	if err != nil {
		return err
	}
	cmd := exec.Command(binary, "-batch", "-")
	cmd.Stdin = strings.NewReader(desktopNet)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	for name, place := range desktopFiles {
		content := ""
		if name == "hosts" {
			content = "127.0.0.1 localhost\n"
		}
		file, err := write(dir, name, content)
		if err != nil {
			return err
		}
		if err := unix.Mount(file, place, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", place, err)
		}
	}
	return nil
}

// errNoDesktop says that OnDesktop has not been called.
var errNoDesktop = errors.New("there is no desktop's network")

// Introduce has the programs of the desktop find domains at an address and trust the
// certificate in a file, and nobody else. It works only below OnDesktop.
func Introduce(addr, cert string, domains ...string) error {
	dir := os.Getenv(loopbackEnv)
	if !filepath.IsAbs(dir) {
		return errNoDesktop
	}
	pem, err := os.ReadFile(cert)
	if err != nil {
		return fmt.Errorf("introduce %q: %w", domains, err)
	}
	if _, err := write(dir, "trusted.pem", string(pem)); err != nil {
		return err
	}
	_, err = write(dir, "hosts", fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", addr, strings.Join(domains, " ")))
	return err
}
