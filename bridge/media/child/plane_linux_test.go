package child

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
	"gateway/codec"
)

// What this binary is besides a test: a child, a parent whose end a test waits
// for, and children that are no good.
const (
	asParent = "parent-of-a-media-plane"
	asMute   = "mute-media-plane"
	asLiar   = "lying-media-plane"
)

func TestMain(m *testing.M) {
	switch {
	case Is(os.Args):
		os.Exit(Main())
	case len(os.Args) == 2 && os.Args[1] == asParent:
		p, err := Start(relay.Options{First: 29000, Last: 29100})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.current().cmd.Process.Pid)
		select {}
	case len(os.Args) == 2 && os.Args[1] == asMute:
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	case len(os.Args) == 2 && os.Args[1] == asLiar:
		os.Stdout.WriteString(strings.Repeat("what is this?", 100))
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const patient = time.Minute

var (
	loopback = netip.MustParseAddr("127.0.0.1")
	pcmu     = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	keys     = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1}
)

// A journal is what was logged.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func newPlane(t *testing.T, first uint16) (*Plane, *journal) {
	t.Helper()
	j := &journal{}
	o := relay.Options{First: first, Last: first + 9, Loops: 1, Log: slog.New(slog.NewTextHandler(j, nil))}
	p, err := start(o, ourselves, patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Shutdown)
	return p, j
}

// A party is a port and the peer behind it.
type party struct {
	port   media.Port
	events chan media.Event
	conn   *net.UDPConn
}

func newParty(t *testing.T, p *Plane) *party {
	t.Helper()
	q := &party{events: make(chan media.Event, 100)}
	port, err := p.Open(media.Open{Local: loopback}, func(ev media.Event) { q.events <- ev })
	if err != nil {
		t.Fatal(err)
	}
	q.port = port
	if q.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.conn.Close() })
	payloads := []media.Payload{{Format: pcmu, Type: 0}, {Format: keys, Type: 101}}
	p.Set(port.ID, media.Setting{
		RTP: q.conn.LocalAddr().(*net.UDPAddr).AddrPort(), Send: true, Receive: true, In: payloads, Out: payloads,
	})
	return q
}

func (q *party) say(t *testing.T, b []byte) {
	t.Helper()
	if _, err := q.conn.WriteToUDPAddrPort(b, q.port.RTP); err != nil {
		t.Fatal(err)
	}
}

func (q *party) hear(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 2000)
	q.conn.SetReadDeadline(time.Now().Add(patient))
	n, err := q.conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func (q *party) event(t *testing.T) media.Event {
	t.Helper()
	select {
	case ev := <-q.events:
		return ev
	case <-time.After(patient):
		t.Fatal("no event came")
		return nil
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !ok(); <-time.After(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// packet is RTP; with a kind of 101 a telephone event at its end.
func packet(kind, sequence byte) []byte {
	return []byte{0x80, kind, 0, sequence, 0, 0, 0, 1, 0, 0, 0, 2, 5, 0x8a, 0x03, 0x20}
}

func TestAChildCarriesPackets(t *testing.T) {
	t.Parallel()
	p, _ := newPlane(t, 28000)
	a, b := newParty(t, p), newParty(t, p)
	p.Join(a.port.ID, b.port.ID)
	if _, ok := p.Stats(b.port.ID); !ok {
		t.Fatal("there are no counts")
	}
	for i := range byte(5) {
		a.say(t, packet(0, i))
		if got := b.hear(t); !bytes.Equal(got, packet(0, i)) {
			t.Fatalf("got %x", got)
		}
	}
	a.say(t, packet(101, 9))
	b.hear(t)
	if ev := a.event(t); ev != (media.Heard{}) {
		t.Errorf("got %#v", ev)
	}
	if ev := a.event(t); ev != (media.Digit{Digit: '5', Duration: 100 * time.Millisecond, Forwarded: true}) {
		t.Errorf("got %#v", ev)
	}
	p.Digit(a.port.ID, '7', 50*time.Millisecond)
	if got := a.hear(t); len(got) != 16 || got[12] != 7 {
		t.Errorf("got %x", got)
	}
	p.Part(a.port.ID)
	if s := p.Close(a.port.ID); s.In.Packets != 6 || !s.Remote.IsValid() || s.In.First.IsZero() {
		t.Errorf("the counts are %+v", s)
	}
	if _, ok := p.Stats(a.port.ID); ok {
		t.Error("a closed port has counts")
	}
	if n := p.Count(); n != 1 {
		t.Errorf("%d ports are open, want the other's", n)
	}
	if f := p.Fingerprint(); f.Hash != "sha-256" || f.Value == "" {
		t.Errorf("the fingerprint is %+v", f)
	}
	p.Close(b.port.ID)
}

func TestErrorsCrossTheProcesses(t *testing.T) {
	t.Parallel()
	p, _ := newPlane(t, 28020)
	for range 5 {
		newParty(t, p)
	}
	if _, err := p.Open(media.Open{Local: loopback}, func(media.Event) {}); !errors.Is(err, media.ErrNoPorts) {
		t.Errorf("got %v", err)
	}
	if _, err := p.Open(media.Open{}, func(media.Event) {}); err == nil {
		t.Error("no address is taken")
	}
	if _, err := Start(relay.Options{First: 5, Last: 5}); err == nil || !strings.Contains(err.Error(), "range") {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatDiesTakesItsPortsAlongAndIsReplaced(t *testing.T) {
	t.Parallel()
	p, j := newPlane(t, 28040)
	a := newParty(t, p)
	before := p.Fingerprint()
	p.current().kill()
	ev, ok := a.event(t).(media.Lost)
	if !ok || !errors.Is(ev.Err, ErrLost) {
		t.Fatalf("got %#v", ev)
	}
	until(t, "another child", func() bool { return p.current() != nil && p.Fingerprint() != before })
	b := newParty(t, p)
	if b.port.ID == a.port.ID {
		t.Error("a port of the new child has the name of one of the old")
	}
	if _, ok := p.Stats(a.port.ID); ok {
		t.Error("the new child has counts of a port of the old one's")
	}
	p.Set(a.port.ID, media.Setting{})
	p.Join(a.port.ID, b.port.ID)
	p.Part(a.port.ID)
	p.Digit(a.port.ID, '1', time.Second)
	p.Close(a.port.ID)
	if _, ok := p.Stats(b.port.ID); !ok {
		t.Error("the new child does not work")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if text := j.text.String(); !strings.Contains(text, "media process died") {
		t.Errorf("the log says %q", text)
	}
}

func TestTheEndLeavesNoProcess(t *testing.T) {
	t.Parallel()
	p, _ := newPlane(t, 28060)
	a := newParty(t, p)
	pid := p.current().cmd.Process.Pid
	p.Shutdown()
	p.Shutdown()
	if alive(pid) {
		t.Error("the child lives on")
	}
	if _, err := p.Open(media.Open{Local: loopback}, func(media.Event) {}); err == nil {
		t.Error("a port was opened after the end")
	}
	if _, ok := p.Stats(a.port.ID); ok {
		t.Error("there are counts after the end")
	}
	p.Close(a.port.ID)
	if len(a.events) > 0 {
		t.Errorf("told %#v", <-a.events)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestAChildEndsWithItsParent(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/proc/self/exe", asParent)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, _ := out.Read(line)
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("the parent says %q", line[:n])
	}
	if !alive(pid) {
		t.Error("there is no child")
	}
	cmd.Process.Kill()
	cmd.Wait()
	until(t, "the child ends", func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(state, []byte(") Z ")) // nobody may be there to bury it
	})
}

func TestChildrenThatAreNoGood(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		c    command
	}{
		{"none", command{path: "/nowhere"}},
		{"one that says nothing", command{path: "/proc/self/exe", args: []string{"x", asMute}}},
		{"one that says something else", command{path: "/proc/self/exe", args: []string{"x", asLiar}}},
	} {
		if _, err := start(relay.Options{First: 28080, Last: 28090}, func() command { return row.c }, time.Second/10); err == nil {
			t.Errorf("%s: it was started", row.name)
		}
	}
}

func TestAStuckChildIsReplaced(t *testing.T) {
	t.Parallel()
	p, _ := newPlane(t, 28100)
	a := newParty(t, p)
	first := p.current()
	first.patient = time.Second // from now on: it has begun
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(t, "no answer", func() bool { _, ok := p.Stats(a.port.ID); return !ok })
	if _, ok := a.event(t).(media.Lost); !ok {
		t.Error("the port is not lost")
	}
	until(t, "another child", func() bool { q := p.current(); return q != nil && q != first })
}

func TestEventsCrossUnchanged(t *testing.T) {
	t.Parallel()
	port := media.PacketPort{Loop: 1, Slot: 2, Generation: 3}
	for _, ev := range []media.Event{
		media.Heard{}, media.Silent{}, media.Secured{Suite: media.SuiteGCM128},
		media.Digit{Digit: '#', Duration: time.Second, Forwarded: true},
		media.Insecure{Err: errors.New("no")}, media.Lost{Err: errors.New("gone")},
		media.Failed{Err: errors.New("no way")},
		media.Gathered{ICE: media.ICE{Ufrag: "u", Pwd: "p", Complete: true, Candidates: []media.Candidate{{
			Foundation: "1", Component: 1, Priority: 7, Type: media.Host, Address: netip.MustParseAddrPort("[::1]:9"),
		}}}},
		media.Connected{Pair: media.Pair{Remote: media.Candidate{Type: media.PeerReflexive}}},
	} {
		e := eventOf(port, ev)
		if got := e.event(); e.Port != port || fmt.Sprint(got) != fmt.Sprint(ev) || reflect.TypeOf(got) != reflect.TypeOf(ev) {
			t.Errorf("%#v became %#v", ev, got)
		}
	}
	if ev := (&event{Kind: 77}).event(); ev != nil {
		t.Errorf("got %#v", ev)
	}
}

func TestOnlyTheHiddenArgumentMakesAChild(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want bool
	}{
		{[]string{"gateway", Argument}, true},
		{[]string{"gateway"}, false},
		{[]string{"gateway", "-config", Argument}, false},
		{[]string{Argument}, false},
	} {
		if got := Is(row.args); got != row.want {
			t.Errorf("%q: %v", row.args, got)
		}
	}
}

func TestTheChildsLogIsTheParents(t *testing.T) {
	t.Parallel()
	w := newWriter()
	slog.New(logger{w: w}).With("call", "c1").WithGroup("x").Error("a fault", "err", errors.New("why"))
	j := &journal{}
	q := &process{log: slog.New(slog.NewTextHandler(j, nil))}
	q.take(w.queue[0].(message))
	if text := j.text.String(); !strings.Contains(text, `level=ERROR msg="media process" call=c1 err=why record="a fault"`) {
		t.Errorf("the log says %q", text)
	}
}

// TestFramesCrossTheProcess: what is fed here is transcoded there, and handed out here.
func TestFramesCrossTheProcess(t *testing.T) {
	t.Parallel()
	p, _ := newPlane(t, 28800)
	l16 := codec.Format{Kind: codec.Audio, Name: "l16", Rate: 16000, Channels: 1}
	handed := make(chan media.Frame, 100)
	open := func(f codec.Format) media.PacketPort {
		port, err := p.Open(media.Open{Frames: func(f media.Frame) { handed <- f }}, func(media.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		both := []media.Payload{{Format: f, Type: 1}}
		p.Set(port.ID, media.Setting{Send: true, Receive: true, In: both, Out: both})
		return port.ID
	}
	a, b := open(l16), open(pcmu)
	p.Join(a, b)
	p.Stats(a) // all of it is done
	for i := range 10 {
		p.Feed(a, media.Frame{Type: 1, Time: uint32(i * 320), Data: make([]byte, 640)})
	}
	for i := range 9 { // the last sound is in the filter
		select {
		case f := <-handed:
			if f.Type != 1 || len(f.Data) != 160 {
				t.Errorf("frame %d is of %d bytes and type %d", i, len(f.Data), f.Type)
			}
		case <-time.After(patient):
			t.Fatalf("%d frames only", i)
		}
	}
	if s := p.Close(a); s.In.Packets != 10 || s.Crossing != media.CrossTranscoded {
		t.Errorf("%+v", s)
	}
	if s := p.Close(b); s.Out.Packets < 9 {
		t.Errorf("%+v", s)
	}
	p.Feed(a, media.Frame{Type: 1, Data: []byte{1}}) // nobody's any more
}
