package peer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// loopbackEnv tells a process that it is the one that OnLoopback has started.
const loopbackEnv = "GATEWAY_E2E_ON_LOOPBACK"

// OnLoopback calls run in a process that has a network of its own with nothing
// but loopback in it, and gives what it returned: nothing in there can reach, or be told of, another
// address. The process is this program, started once more with the same
// arguments; in the first one run is not called. It takes root, or a kernel
// that lets users have namespaces.
func OnLoopback(run func() int) int {
	code, err := onLoopback(run)
	if err != nil {
		fmt.Fprintln(os.Stderr, fmt.Errorf("a network with nothing but loopback: %w", err))
		return 1
	}
	return code
}

func onLoopback(run func() int) (int, error) { return alone(run, loopbackUp, "1", 0) }

// alone is OnLoopback with more namespaces, by their flags, which the process
// prepares. It finds value in the environment.
func alone(run func() int, prepare func() error, value string, flags uintptr) (int, error) {
	if os.Getenv(loopbackEnv) != "" {
		if err := prepare(); err != nil {
			return 0, err
		}
		return run(), nil
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), loopbackEnv+"="+value)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | flags, Pdeathsig: syscall.SIGKILL}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// loopbackUp takes the interface lo up.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}
