package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/mesh/wire"
)

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// journal keeps what a mover tells.
type journal struct {
	mu  sync.Mutex
	all []News
}

func (j *journal) add(n News) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, n)
}

func (j *journal) last(t *testing.T) News {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.all) == 0 {
		t.Fatal("no news")
	}
	return j.all[len(j.all)-1]
}

func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v; want %d", path, len(got), err, len(want))
	}
}

func TestObjectsOfEverySizeArrive(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1023, 1024, 1025, 70_000} {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			n := newNet(t)
			n.delay, n.loss = 20*time.Millisecond, 0.1
			var news journal
			_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 20, News: news.add})
			from, end := n.peer(1, Options{})
			o, data := object("a.bin", size)
			var last Progress
			if err := from.mover.Send(t.Context(), o, wire.UUID{2}, func(p Progress) { last = p }); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			end()
			stop()
			holds(t, filepath.Join(folder, "a.bin"), data)
			if got := news.last(t); got.Kind != Received || got.Path != filepath.Join(folder, "a.bin") {
				t.Errorf("%+v", got)
			}
			if last.Bytes != uint64(size) || last.Size != uint64(size) {
				t.Errorf("the last progress is %+v", last)
			}
			if left, _ := filepath.Glob(filepath.Join(folder, partialDir, "*")); len(left) != 0 {
				t.Errorf("%v stays", left)
			}
		})
	}
}

func TestALinkThatLosesAndReordersIsFilled(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		delay      time.Duration
		loss, room float64
		want       float64 // share of the link
	}{
		{"near", 5 * time.Millisecond, 0.02, 0.1, 0.7},
		{"far", 50 * time.Millisecond, 0.02, 0.1, 0.7},
		{"far, and lossy", 50 * time.Millisecond, 0.08, 0.1, 0.6},
		{"far, with a short queue", 50 * time.Millisecond, 0.02, 0.03, 0.7},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				const link = 20e6 / 8
				n := newNet(t)
				n.rate, n.delay, n.loss, n.reorder = link, row.delay, row.loss, 0.1
				n.room = time.Duration(row.room * float64(time.Second))
				_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 30})
				from, end := n.peer(1, Options{})
				o, data := object("big.bin", 12<<20)
				start := time.Now()
				if err := from.mover.Send(t.Context(), o, wire.UUID{2}, nil); err != nil {
					t.Fatal(err)
				}
				took := time.Since(start) // of the bubble's clock
				end()
				stop()
				holds(t, filepath.Join(folder, "big.bin"), data)
				if share := float64(len(data)) / took.Seconds() / link; share < row.want {
					t.Errorf("%.2f of the link, in %v, %.2f bytes sent for each", share, took, float64(from.sent)/float64(len(data)))
				} else {
					t.Logf("%.2f of the link, %.2f bytes sent for each", share, float64(from.sent)/float64(len(data)))
				}
			})
		})
	}
}

func TestATransferGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"the sender", "the receiver"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				n := newNet(t)
				n.rate, n.delay, n.loss = 1e6, 20*time.Millisecond, 0.02
				o, data := object("big.bin", 8<<20)
				_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 30})
				from, end := n.peer(1, Options{})
				failed := make(chan error, 1)
				ctx, cancel := context.WithCancel(t.Context())
				half := false
				go func() {
					failed <- from.mover.Send(ctx, o, wire.UUID{2}, func(p Progress) {
						if p.Bytes > p.Size/2 && !half {
							half = true
							cancel()
						}
					})
				}()
				if err := <-failed; err == nil {
					t.Fatal("it was sent")
				}
				end()
				if who == "the receiver" {
					stop()
				} else {
					time.Sleep(2 * time.Minute)
					defer stop()
				}
				before := 0
				again, endAgain := n.peer(3, Options{})
				if who == "the receiver" {
					_, stopAgain := n.peer(2, Options{Folder: folder, MaxFile: 1 << 30})
					defer stopAgain()
				}
				if err := again.mover.Send(t.Context(), o, wire.UUID{2}, nil); err != nil {
					t.Fatal(err)
				}
				endAgain()
				holds(t, filepath.Join(folder, "big.bin"), data)
				if sent := again.sent - before; float64(sent) > 0.6*float64(len(data)) {
					t.Errorf("%d bytes were sent again of %d", sent, len(data))
				}
			})
		})
	}
}

func TestSeveralSendersShareAnObject(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t)
		n.rate, n.delay, n.loss = 500e3, 20*time.Millisecond, 0.01
		_, stop := n.peer(9, Options{Folder: folder, MaxFile: 1 << 30})
		o, data := object("big.bin", 4<<20)
		start := time.Now()
		var wg sync.WaitGroup
		var ends []func()
		var senders []*testPeer
		for id := byte(1); id <= 3; id++ {
			p, end := n.peer(id, Options{})
			senders, ends = append(senders, p), append(ends, end)
			wg.Go(func() {
				if err := p.mover.Send(t.Context(), o, wire.UUID{9}, nil); err != nil {
					t.Errorf("sender %d: %v", id, err)
				}
			})
		}
		wg.Wait()
		took := time.Since(start)
		for i, end := range ends {
			end()
			if share := float64(senders[i].sent) / float64(len(data)); share < 0.15 || share > 0.6 {
				t.Errorf("sender %d has sent %.2f of it", i+1, share)
			}
		}
		stop()
		holds(t, filepath.Join(folder, "big.bin"), data)
		if alone := time.Duration(float64(len(data)) / n.rate * float64(time.Second)); took > alone*6/10 {
			t.Errorf("it took %v; one alone has %v", took, alone)
		}
	})
}

func TestWhatIsNotWantedIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t)
		n.delay = time.Millisecond
		var news journal
		_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1000, News: news.add})
		_, stopToo := n.peer(3, Options{News: news.add})
		from, end := n.peer(1, Options{})
		o, _ := object("a.bin", 1001)
		if err := from.mover.Send(t.Context(), o, wire.UUID{2}, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("too large: %v", err)
		}
		if got := news.last(t); got.Kind != Refused || !errors.Is(got.Err, errTooLarge) {
			t.Errorf("%+v", got)
		}
		if err := from.mover.Send(t.Context(), o, wire.UUID{3}, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("no folder: %v", err)
		}
		if err := from.mover.Send(t.Context(), o, wire.UUID{7}, nil); !errors.Is(err, ErrSilent) {
			t.Errorf("nobody: %v", err)
		}
		lie, _ := object("b.bin", 900)
		lie.Offer.Sum[0]++
		if err := from.mover.Send(t.Context(), lie, wire.UUID{2}, nil); !errors.Is(err, ErrBadHash) {
			t.Errorf("another hash: %v", err)
		}
		if got := news.last(t); got.Kind != Failed {
			t.Errorf("%+v", got)
		}
		end()
		stop()
		stopToo()
		if left, _ := filepath.Glob(filepath.Join(folder, "*.bin")); len(left) != 0 {
			t.Errorf("%v is there", left)
		}
	})
}

func TestWhatIsThereAlreadyIsNotSentAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	o, data := object("a.bin", 100_000)
	other, otherData := object("a.bin", 50_000)
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t)
		n.delay = time.Millisecond
		for range 2 {
			_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 20})
			from, end := n.peer(1, Options{})
			for _, o := range []*Object{o, other} {
				if err := from.mover.Send(t.Context(), o, wire.UUID{2}, nil); err != nil {
					t.Fatal(err)
				}
			}
			end()
			stop()
		}
	})
	holds(t, filepath.Join(folder, "a.bin"), data)
	holds(t, filepath.Join(folder, "a (2).bin"), otherData)
}

func TestOnlyWhoItIsSentToHasAnObject(t *testing.T) {
	t.Parallel()
	folder, other := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t)
		n.delay, n.rate = time.Millisecond, 100_000
		var news journal
		to, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 20})
		asker, stopAsker := n.peer(3, Options{Folder: other, MaxFile: 1 << 20, News: news.add})
		from, end := n.peer(1, Options{})
		o, data := object("a.bin", 500_000)
		done := make(chan error, 1)
		go func() { done <- from.mover.Send(t.Context(), o, wire.UUID{2}, nil) }()
		synctest.Wait()
		asker.Send(wire.UUID{1}, wire.AppendWant(nil, 1, "a.bin"))
		to.Send(wire.UUID{1}, wire.AppendWant(nil, 1, "a.bin"))
		time.Sleep(time.Second)
		if got := to.mover.States(); len(got) != 1 || got[0].Name != "a.bin" || got[0].Bytes == 0 || got[0].Bytes >= got[0].Size {
			t.Errorf("%+v", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		end()
		stop()
		stopAsker()
		holds(t, filepath.Join(folder, "a.bin"), data)
		if len(news.all) > 0 {
			t.Errorf("%+v", news.all)
		}
	})
}

// A folder has a limit, and one peer does not take all there is.
func TestAFolderIsNotFilledUp(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, partialDir), 0o700); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(folder, partialDir, "old.part"), filepath.Join(folder, partialDir, "young.part")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, make([]byte, 100_000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		if err := os.Chtimes(old, time.Time{}, time.Now().Add(-8*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(young, time.Time{}, time.Now()); err != nil {
			t.Fatal(err)
		}
		n := newNet(t)
		n.delay, n.rate = time.Millisecond, 50_000
		_, stop := n.peer(2, Options{Folder: folder, MaxFile: 200_000, MaxFolder: 400_000})
		from, end := n.peer(1, Options{})
		first, firstData := object("1.bin", 150_000)
		second, _ := object("2.bin", 160_000)
		done := make(chan error, 1)
		go func() { done <- from.mover.Send(t.Context(), first, wire.UUID{2}, nil) }()
		time.Sleep(100 * time.Millisecond)
		if err := from.mover.Send(t.Context(), second, wire.UUID{2}, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("beyond the limit: %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		var small []chan error
		for i := range 3 {
			o, _ := object(fmt.Sprintf("small %d.bin", i), 10_000+i)
			small = append(small, make(chan error, 1))
			go func() { small[i] <- from.mover.Send(t.Context(), o, wire.UUID{2}, nil) }()
			time.Sleep(10 * time.Millisecond)
		}
		if a, b, c := <-small[0], <-small[1], <-small[2]; a != nil || b != nil || !errors.Is(c, ErrRefused) {
			t.Errorf("three at once: %v, %v, %v", a, b, c)
		}
		end()
		stop()
		holds(t, filepath.Join(folder, "1.bin"), firstData)
	})
	if _, err := os.Stat(old); err == nil {
		t.Error("what was begun long ago stays")
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("what was begun of late: %v", err)
	}
}

func TestAFileIsReadOnceForItsHash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var h hashes
	first, err := h.of(path, info)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if again, err := h.of(path, info); err != nil || again != first {
		t.Errorf("%x, %v", again, err)
	}
}

func TestNamesAreSafe(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"a.txt": "a.txt", "../../etc/passwd": "passwd", `C:\x\y.exe`: "y.exe", ".bashrc": "bashrc", "-rf": "rf", "": "file", "..": "file",
		"a\x00\nb\x1b[2J": "a__b_[2J", "con.txt": "file-con.txt", "con-": "file-con", "nul .txt": "file-nul .txt", "0 -": "0", "übung für 🎵.wav": "übung für 🎵.wav", "a\u202egpj.exe": "a_gpj.exe", "x. ": "x", "/": "file",
	} {
		if got := safeName(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
}

func FuzzNamesAreSafe(f *testing.F) {
	f.Add("../x")
	f.Add("a\u202eb")
	f.Add("0 -")
	f.Fuzz(func(t *testing.T, label string) {
		name := safeName(label)
		if name == "" || len(name) > maxName+8 || filepath.Base(name) != name || name[0] == '.' || safeName(name) != name {
			t.Errorf("%q: %q", label, name)
		}
	})
}
