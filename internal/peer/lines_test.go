package peer

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

func TestLinesAreWholeHoweverTheyCome(t *testing.T) {
	var l Lines
	for _, p := range []string{"o", "ne\ntw", "o\r\n", "\nthree"} {
		if n, err := l.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", p, n, err)
		}
	}
	if got, want := l.All(), []string{"one", "two", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWaitFindsALineThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Lines
		l.Write([]byte("first a\n"))
		found := make(chan string)
		go func() {
			line, err := l.WaitAfter(t.Context(), l.Len(), Containing("a"))
			if err != nil {
				t.Error(err)
			}
			found <- line
		}()
		synctest.Wait()
		l.Write([]byte("b\nsecond a\n"))
		if line := <-found; line != "second a" {
			t.Errorf("found %q", line)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	var l Lines
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := l.Wait(ctx, Containing("never")); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
}

func TestLineWithoutEndIsCut(t *testing.T) {
	var l Lines
	long := make([]byte, maxLineLen+1)
	for i := range long {
		long[i] = 'x'
	}
	l.Write(long)
	l.Write([]byte("rest\n"))
	if got := l.All(); len(got) != 2 || got[1] != "rest" {
		t.Errorf("%d lines", len(got))
	}
}
