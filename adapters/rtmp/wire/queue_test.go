package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
)

func bufioOf(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, readBuffer) }

func command(id int) Message { return Command{Name: "call", ID: float64(id)}.Message() }

func TestASlowPeerLosesTheOldestSoundAndNoCommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Defaults()
		l.QueueMedia = 10
		r, c := rawPair(t, l)
		c.Write(command(1)) // the writer is stuck with it
		synctest.Wait()
		for i := range 30 {
			c.Write(audio(uint32(20*i), "x"))
			if i%10 == 0 {
				c.Write(command(2 + i/10))
			}
		}
		c.Write(audio(5, "\xaf\x00")) // tells how to decode: it is never dropped
		if got := c.Dropped(); got != 20 {
			t.Errorf("%d were dropped", got)
		}
		calls, sounds := 0, 0
		for range 4 + 10 + 1 {
			m := r.next(t)
			if m.IsCommand() {
				cmd, err := ParseCommand(m, l.AMF)
				if calls++; err != nil || cmd.ID != float64(calls) {
					t.Errorf("command %d is %v, %v", calls, cmd, err)
				}
				continue
			}
			if m.Time != uint32(20*(20+sounds)) && m.Time != 5 {
				t.Errorf("sound %d has the time %d", sounds, m.Time)
			}
			sounds++
		}
	})
}

func TestAPeerThatTakesNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int
	}{{"too many", 10}, {"too large", 100_000}} {
		synctest.Test(t, func(t *testing.T) {
			_, c := rawPair(t, Defaults())
			ended := make(chan error, 1)
			go func() {
				_, err := c.Read()
				ended <- err
			}()
			var err error
			for range 10_000 {
				if err = c.Write(Message{Type: TypeCommandAMF0, Body: make([]byte, tt.size)}); err != nil {
					break
				}
			}
			if !errors.Is(err, ErrSlow) {
				t.Errorf("%s: %v", tt.name, err)
			}
			if err := <-ended; err == nil {
				t.Errorf("%s: it lives", tt.name)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, c := rawPair(t, Defaults())
		c.Write(command(1))
		if _, err := c.Read(); err == nil { // the writer gives up after Stall
			t.Error("a peer that takes nothing is kept")
		}
		if err := c.Write(command(2)); err == nil {
			t.Error("something can be written after the end")
		}
	})
}

func TestFinishWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	u := serving(t, Defaults(), func(_ context.Context, c *Conn) {
		c.Read()
		for i := range 100 {
			c.Write(command(i))
		}
		c.Finish()
	})
	c, err := Dial(t.Context(), u, nil, Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 50 { // much that it never reads
		c.Write(Message{Type: TypeCommandAMF0, Body: make([]byte, 1000)})
	}
	for i := range 100 {
		m, err := c.Read()
		if err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		if cmd, err := ParseCommand(m, Defaults().AMF); err != nil || cmd.ID != float64(i) {
			t.Errorf("%d is %v, %v", i, cmd, err)
		}
	}
	if _, err := c.Read(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// go-rtmp's writers mix their chunks when there are two. Ours are many.
func TestManyMayWriteAtOnce(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 300
	l := Defaults()
	l.Queue, l.QueueMedia, l.QueueBytes = writers*each, writers*each, 1<<30
	u := serving(t, l, func(_ context.Context, c *Conn) {
		defer c.Close()
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					m := Message{Type: TypeAudio, Stream: uint32(1 + w%3), Time: uint32(i), Body: make([]byte, 2+(w*97+i*31)%9000)}
					if w%2 == 0 {
						m = Command{Name: "call", ID: float64(i), Object: float64(w)}.Message()
					} else {
						m.Body[0], m.Body[1] = HeadSpeex, byte(w)
					}
					if err := c.Write(m); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		c.Read()
	})
	c, err := Dial(t.Context(), u, nil, Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var next [writers]int
	for range writers * each {
		m, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		w, i := 0, int(m.Time)
		if m.IsCommand() {
			cmd, err := ParseCommand(m, Defaults().AMF)
			if err != nil {
				t.Fatal(err)
			}
			w, i = int(Number(cmd.Object)), int(cmd.ID)
		} else {
			w = int(m.Body[1])
			if len(m.Body) != 2+(w*97+i*31)%9000 {
				t.Fatalf("%d/%d has %d bytes", w, i, len(m.Body))
			}
		}
		if next[w] != i {
			t.Fatalf("of writer %d came %d instead of %d", w, i, next[w])
		}
		next[w]++
	}
}
