package relay

import (
	"net/netip"
	"time"
)

// maxPacket is the longest datagram that is taken; what is longer is thrown away.
// room is left behind it for a seal.
const (
	maxPacket = 2048
	room      = 64
	// deep is the buffer of a socket of many legs, in bytes: an eighth of a second
	// of a thousand of them.
	deep = 2 << 20
)

// A network opens sockets and knows them by number. Its methods may be called
// from any goroutine.
type network interface {
	// open binds a UDP socket to an address and port of ours. scope is the
	// interface of a link-local one.
	open(local netip.AddrPort, scope uint32) (handle int32, err error)
	close(handle int32)
	// sendTo sends b to an address without waiting, whatever is lost.
	sendTo(handle int32, b []byte, to netip.AddrPort)
	// deepen gives a socket of many legs room for what comes meanwhile, as far as the
	// system allows.
	deepen(handle int32)
	// poller makes what one loop waits with.
	poller() (poller, error)
}

// A poller is how one loop meets its sockets. All but wake is for the loop's
// goroutine.
type poller interface {
	// add watches a socket; what comes there is told with key.
	add(handle int32, key uint64) error
	remove(handle int32)
	// closing is remove for a socket that is closed next: the system may forget it by itself.
	closing(handle int32)
	// connect has the system drop what comes to s from elsewhere than s.to, and
	// find the way there only once; false: it will not, which is no harm.
	connect(s *socket) bool
	// disconnect undoes connect.
	disconnect(s *socket)
	// send sends b, which is not empty, to s.to without waiting.
	send(s *socket, b []byte) bool
	// waited is how long the datagram that was received last had been here when it was; 0 where the
	// system does not say.
	waited() time.Duration
	// arm has the sink ticked once after d.
	arm(d time.Duration)
	// wake has the sink woken.
	wake()
	// run waits and tells s until that is over.
	run(s sink) error
	close()
}

// A sink takes what a poller has found.
type sink interface {
	// over: nothing more is wanted.
	over() bool
	// batch begins some calls of what follows.
	batch()
	// rest ends them.
	rest()
	// received: the first n bytes of buffer() have come from src; n is more than
	// maxPacket if the datagram was too long.
	received(key uint64, n int, src netip.AddrPort)
	// buffer is where to put a packet: maxPacket bytes and room.
	buffer() []byte
	// handle is the socket that key names, -1 if it is closed by now.
	handle(key uint64) int32
	woken()
	ticked()
}
