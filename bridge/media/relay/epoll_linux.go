package relay

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Keys that no leg has: its generation is never 0.
const (
	wakeKey  = 1
	timerKey = 2
)

// maxEvents is how many events are taken at once: few enough that the time of
// the first is good for the last.
const maxEvents = 64

// maxBurst is how many more packets are read at once of a socket that legs share.
const maxBurst = 31

// epoll waits for the sockets of one loop. Its descriptor is watched by the
// runtime's own poller, so its goroutine waits without a thread.
type epoll struct {
	file   *os.File // of fd; as long as it lives fd is open
	raw    syscall.RawConn
	fd     int
	event  int // an eventfd
	timer  int // a timerfd
	poll   func(fd uintptr) bool
	events [maxEvents]syscall.EpollEvent
	n      int
	errno  syscall.Errno

	from   rawAddress // where a packet came from
	length uint32     // of it
	last   int32      // where it was read
	to     rawAddress // where one goes
}

func newEpoll() (_ *epoll, err error) {
	p := &epoll{fd: -1, event: -1, timer: -1}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	if err := p.add(int32(p.event), wakeKey); err != nil {
		return nil, err
	}
	if err := p.add(int32(p.timer), timerKey); err != nil {
		return nil, err
	}
	// NewFile gives only descriptors that don't block to the runtime's poller.
	if err := unix.SetNonblock(p.fd, true); err != nil {
		return nil, fmt.Errorf("set epoll non-blocking: %w", err)
	}
	p.file = os.NewFile(uintptr(p.fd), "epoll")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("epoll as a file: %w", err)
	}
	p.poll = p.wait
	return p, nil
}

// wait takes what there is; false: nothing, and the runtime shall wait for
// more. It is told of a change only, so it must have seen nothing before it waits.
func (p *epoll) wait(fd uintptr) bool {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd,
		uintptr(unsafe.Pointer(&p.events[0])), maxEvents, 0, 0, 0)
	p.n, p.errno = int(n), errno
	if errno == syscall.EINTR {
		p.n, p.errno = 0, 0
		return true // to be called again
	}
	return errno != 0 || n > 0
}

func (p *epoll) run(s sink) error {
	for !s.over() {
		if err := p.raw.Read(p.poll); err != nil {
			return fmt.Errorf("wait for epoll: %w", err)
		}
		if p.errno != 0 {
			return fmt.Errorf("epoll_pwait: %w", p.errno)
		}
		s.batch()
		for i := range p.events[:p.n] {
			switch key := keyOf(&p.events[i]); key {
			case wakeKey:
				p.drain(p.event)
				s.woken()
			case timerKey:
				p.drain(p.timer)
				s.ticked()
			default:
				// What many legs share has more to read than what is one's own.
				for left := maxBurst; p.receive(s, key) && key>>32 == 0 && left > 0; left-- {
				}
			}
		}
		s.rest()
	}
	return nil
}

// receive reads one packet, if there is one. A socket that has more is reported again.
func (p *epoll) receive(s sink, key uint64) bool {
	handle := s.handle(key)
	if handle < 0 {
		return false
	}
	b := s.buffer()
	p.length = uint32(len(p.from))
	// Conversions to uintptr stand in the call, where they keep alive what they
	// point to. MSG_TRUNC returns the true length of what was too long.
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(handle),
		uintptr(unsafe.Pointer(&b[0])), maxPacket, syscall.MSG_DONTWAIT|syscall.MSG_TRUNC,
		uintptr(unsafe.Pointer(&p.from[0])), uintptr(unsafe.Pointer(&p.length)))
	if errno != 0 {
		return false // nothing there, or what the network said of a packet of ours
	}
	p.last = handle
	s.received(key, int(n), p.from.source())
	return true
}

// waited asks the socket itself (socket(7), SIOCGSTAMPNS): only few packets need it, and to be told with
// each one would make all of them dearer. To be asked has the socket note it from the next packet on.
func (p *epoll) waited() time.Duration {
	var came [2]int64 // seconds and nanoseconds, also where words are of 32 bits
	if _, _, errno := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(p.last), unix.SIOCGSTAMPNS_NEW, uintptr(unsafe.Pointer(&came[0]))); errno != 0 {
		return 0
	}
	return time.Since(time.Unix(came[0], came[1]))
}

// drain makes a descriptor of ours quiet again.
func (p *epoll) drain(fd int) {
	var count [8]byte
	_, _, _ = syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&count[0])), uintptr(len(count)))
}

// keyOf and eventOf put a key into the two words of data that an event has.
func keyOf(ev *syscall.EpollEvent) uint64 { return uint64(uint32(ev.Pad))<<32 | uint64(uint32(ev.Fd)) }

func eventOf(key uint64) syscall.EpollEvent {
	return syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(uint32(key)), Pad: int32(uint32(key >> 32))}
}

func (p *epoll) add(handle int32, key uint64) error {
	ev := eventOf(key)
	if err := syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(handle), &ev); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (p *epoll) remove(handle int32) {
	_ = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_DEL, int(handle), nil) // it is there
}

// closing has nothing to do: what comes until then names a leg that the loop has no more.
func (p *epoll) closing(int32) {}

func (p *epoll) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.event), uintptr(unsafe.Pointer(&one[0])), uintptr(len(one))) // full: it is awake
}

func (p *epoll) arm(d time.Duration) {
	// A time of zero would stop it.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	_ = unix.TimerfdSettime(p.timer, 0, &spec, nil) // nothing of it can be wrong
}

func (p *epoll) connect(s *socket) bool {
	n := p.to.put(s.to, s.scope)
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(s.handle), uintptr(unsafe.Pointer(&p.to[0])), uintptr(n))
	return errno == 0
}

func (p *epoll) disconnect(s *socket) {
	p.to = rawAddress{} // AF_UNSPEC is 0
	_, _, _ = syscall.RawSyscall(unix.SYS_CONNECT, uintptr(s.handle), uintptr(unsafe.Pointer(&p.to[0])), unix.SizeofSockaddrInet4)
}

func (p *epoll) send(s *socket, b []byte) bool {
	n := 0
	if !s.connected {
		n = p.to.put(s.to, s.scope)
	}
	errno := p.sendto(s.handle, b, n)
	if errno == syscall.ECONNREFUSED || errno == syscall.EHOSTUNREACH || errno == syscall.ENETUNREACH {
		// That was what became of a packet before this one, which was not sent.
		errno = p.sendto(s.handle, b, n)
	}
	return errno == 0
}

// sendto sends b to the first n bytes of p.to, or if there are none to where the
// socket is connected to.
func (p *epoll) sendto(handle int32, b []byte, n int) syscall.Errno {
	const flags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL
	if n == 0 {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(handle),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), flags, 0, 0)
		return errno
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(handle),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), flags, uintptr(unsafe.Pointer(&p.to[0])), uintptr(n))
	return errno
}

func (p *epoll) close() {
	for _, fd := range []int{p.event, p.timer} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	switch {
	case p.file != nil:
		_ = p.file.Close()
	case p.fd >= 0:
		_ = unix.Close(p.fd)
	}
	runtime.KeepAlive(p)
}
