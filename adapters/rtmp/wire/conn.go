package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yutopp/go-rtmp/message"
)

var (
	errClosed = errors.New("the connection was closed by us")
	// ErrIdle ends a connection whose peer does not even answer a ping.
	ErrIdle = errors.New("the peer is silent")
)

// A Conn is a connection after its handshake. Its owner closes it.
type Conn struct {
	nc     net.Conn
	limits Limits
	count  *counter
	in     *chunkReader
	out    *queue
	writer sync.WaitGroup
	pings  pings
	server bool

	established atomic.Pointer[func()] // called by Establish, if there is one

	// These are the reader's.
	window  uint64    // after how many bytes the peer wants to hear of them
	acked   uint64    // how many it has heard of
	told    int32     // the window that the peer knows is ours
	greeted bool      // it knows the sizes
	split   aggregate // what one still holds
}

// A counter counts what comes, and calls after each Read.
type counter struct {
	net.Conn
	read   atomic.Uint64
	after  func() error // nil as long as the handshake lasts
	stamps *stamps      // nil: nobody says when what was read had come
}

func (c *counter) Read(p []byte) (n int, err error) {
	if c.stamps != nil {
		n, err = c.stamps.Read(p)
	} else {
		n, err = c.Conn.Read(p)
	}
	c.read.Add(uint64(n))
	if err == nil && c.after != nil {
		err = c.after()
	}
	return n, err
}

// newConn begins to write to nc, whose handshake is over; what is still buffered
// in r belongs to what follows.
func newConn(count *counter, r *bufio.Reader, l Limits, server bool) *Conn {
	c := &Conn{
		nc: count.Conn, limits: l, count: count, in: newChunkReader(r, l), out: newQueue(l), server: server,
		window: ourWindow,
	}
	c.acked = count.read.Load()
	count.after, count.stamps = c.acknowledge, newStamps(count.Conn)
	c.writer.Go(c.write)
	return c
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Dropped is how many messages of sound and pictures did not go out since the
// peer was slow.
func (c *Conn) Dropped() uint64 {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.dropped
}

// Limits are those that the connection was made with.
func (c *Conn) Limits() Limits { return c.limits }

// Greet is for a peer that has connected without showing who it is: it has Login
// to do so, and stays bound as before. A server tells it the sizes of chunks and
// windows, which belongs before the answer to connect (RTMP 1.0 section 7.2.1.1).
// Greet and Establish are for who reads the connection.
func (c *Conn) Greet() error {
	if err := c.nc.SetReadDeadline(time.Now().Add(c.limits.Login)); err != nil {
		return err
	}
	return c.greet()
}

// Establish is for a peer that has connected, and shown who it is: it may send
// messages of full size from now on, and is bound by Idle only. It greets, unless
// Greet has.
func (c *Conn) Establish() error {
	c.in.free.Store(true)
	if leave := c.established.Load(); leave != nil {
		(*leave)()
	}
	if err := c.nc.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return c.greet()
}

func (c *Conn) greet() error {
	if c.greeted {
		return nil
	}
	c.greeted = true
	if !c.server {
		return c.control(&message.SetChunkSize{ChunkSize: ourChunk})
	}
	for _, m := range []message.Message{
		&message.WinAckSize{Size: ourWindow},
		&message.SetPeerBandwidth{Size: ourWindow, Limit: message.LimitTypeDynamic},
		&message.SetChunkSize{ChunkSize: ourChunk},
	} {
		if err := c.control(m); err != nil {
			return err
		}
	}
	return c.Tell(StreamBegin, 0)
}

// Read gives the next message of sound, pictures, data or a command, from one
// goroutine. What else there is it deals with: protocol control it obeys, an
// aggregate's parts come one by one, shared objects and what nobody knows are
// passed over. Bodies are the caller's. The error is io.EOF at the end of the
// stream; after any error the connection is of no more use.
func (c *Conn) Read() (Message, error) {
	for {
		if m, ok := c.split.next(); ok {
			return m, nil
		}
		m, err := c.in.read()
		if err != nil {
			return Message{}, c.readError(err)
		}
		switch m.Type {
		case TypeAudio, TypeVideo, TypeDataAMF0, TypeDataAMF3, TypeCommandAMF0, TypeCommandAMF3:
			return m, nil
		case TypeAggregate:
			c.split = newAggregate(m)
		case TypeSetChunkSize, TypeAbort, TypeAck, TypeUserControl, TypeWindowAck, TypePeerBandwidth:
			if err := c.onControl(m); err != nil {
				return Message{}, c.readError(err)
			}
		}
	}
}

// readError is what Read fails with: rather why we ended the connection than
// what that did to the socket.
func (c *Conn) readError(err error) error {
	c.out.mu.Lock()
	ended := c.out.ended
	c.out.mu.Unlock()
	if ended != nil {
		return ended
	}
	c.out.end(errors.Join(errClosed, err))
	return err
}

// Waited is how long ago the last bytes came of what Read has given last, and of what was read with it: that is how
// late we are. 0 where the system does not say, as with TLS. It is for who reads the connection.
func (c *Conn) Waited() time.Duration {
	if c.count.stamps == nil || c.count.stamps.came.IsZero() {
		return 0
	}
	return max(0, time.Since(c.count.stamps.came))
}

// Write queues a message, from any goroutine, and never waits. Messages go out in the order
// of the calls. Of sound and pictures the oldest are dropped and counted when the
// peer is slow; when it does not even take the rest the connection ends with
// ErrSlow. The body is not copied: nobody may change it any more.
func (c *Conn) Write(m Message) error { return c.out.put(m) }

// write is the goroutine that writes.
func (c *Conn) write() {
	err := c.writeAll()
	c.out.end(err)
	if !errors.Is(err, errClosed) { // whoever reads is not told otherwise
		c.nc.Close()
	}
}

func (c *Conn) writeAll() error {
	tick := time.NewTicker(max(c.limits.Idle/4, time.Millisecond))
	defer tick.Stop()
	w := &chunkWriter{size: startChunk}
	var free []Message
	var b []byte
	watch := idleWatch{since: c.count.read.Load()}
	for {
		select {
		case <-c.out.wake:
		case <-tick.C:
			if err := watch.tick(c); err != nil {
				return err
			}
			continue
		}
		all, done, err := c.out.take(free)
		if err != nil {
			return err
		}
		for i, m := range all {
			b = w.append(b, m)
			if m.Type == TypeSetChunkSize {
				w.size = ourChunk
			}
			if all[i] = (Message{}); len(b) < firstGrow && i+1 < len(all) {
				continue
			}
			if err := c.flush(b); err != nil {
				return err
			}
			b = b[:0]
		}
		if cap(b) > 4*firstGrow { // after one large message
			b = nil
		}
		if done {
			return errClosed
		}
		free = all
	}
}

func (c *Conn) flush(b []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.limits.Stall)); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return err
}

// An idleWatch counts quarters of Idle in which nothing came.
type idleWatch struct {
	since uint64
	quiet int
}

func (w *idleWatch) tick(c *Conn) error {
	if got := c.count.read.Load(); got != w.since || !c.in.free.Load() {
		w.since, w.quiet = got, 0
		return nil
	}
	switch w.quiet++; {
	case w.quiet >= 4:
		return ErrIdle
	case w.quiet == 2:
		return c.ping(c.pings.next(nil))
	default:
		return nil
	}
}

// Close ends the connection at once; what is not written yet is lost.
func (c *Conn) Close() error {
	c.out.end(errClosed)
	err := c.nc.Close()
	c.writer.Wait()
	return err
}

// lastWords is how long, and how many bytes, Finish waits for the peer to hang
// up by itself: a connection closed while something of the peer's is unread takes
// what we wrote with it.
const (
	lastWords      = 2 * time.Second
	lastWordsBytes = 1 << 20
)

// Finish writes what is queued, and ends the connection then. It is for who
// reads the connection, instead of reading on.
func (c *Conn) Finish() error {
	c.out.finish()
	c.writer.Wait()
	half, ok := c.nc.(interface{ CloseWrite() error })
	if ok && half.CloseWrite() == nil && c.nc.SetReadDeadline(time.Now().Add(lastWords)) == nil {
		_, _ = io.CopyN(io.Discard, c.nc, lastWordsBytes) // whatever comes of it
	}
	return c.nc.Close()
}
